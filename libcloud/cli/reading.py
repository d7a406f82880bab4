# SPDX-License-Identifier: Apache-2.0
"""Reads an object, or a range of it, and writes it to standard output or to a program."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

import click

from libcloud.cli.errors import errors_name, set_file_name
from libcloud.cli.meter import Transfer
from libcloud.cli.options import ObjectOptions, raise_as_usage_error, value_errors_as_usage
from libcloud.cli.progress import Progress, is_shared_output
from libcloud.cli.settings import Settings, option
from libcloud.cli.stores import Store
from libcloud.cli.text import parse_range
from libcloud.common.types import LibcloudError
from libcloud.storage.capabilities import MIB
from libcloud.storage.destination import Destination, save
from libcloud.storage.metadata import is_placeholder
from libcloud.utils.cancellation import interruptible
from libcloud.utils.headers import time_of

if TYPE_CHECKING:
    from libcloud.storage.base import Object

_PIECE = MIB

range_option = option(
    "--range RANGE",
    "Download only these bytes: 0-499, 500- (to the end) or -500 (the last 500).",
    name="byte_range",
)


@dataclass(frozen=True, slots=True)
class ObjectRange:
    """The range of an object to download: the first byte and the byte after the last, or all.

    :param options: keywords of the driver's download methods.
    """

    byte_range: tuple[int, int] | None
    options: dict[str, Any] = field(repr=False)

    def size_of(self, obj: Object) -> int:
        if self.byte_range is None:
            return int(obj.size)
        return self.byte_range[1] - self.byte_range[0]

    def pieces(self, obj: Object) -> Iterator[bytes]:
        driver: Any = obj.driver  # the S3 drivers accept more keywords
        download, ends = driver.download_object_as_stream, self.byte_range or ()
        if ends:
            download = driver.download_object_range_as_stream
        found: Iterator[bytes] = download(obj, *ends, _PIECE, **self.options)
        return found


def find_object(
    store: Store, name: str, object_options: ObjectOptions, version_id: str | None = None
) -> Object:
    with value_errors_as_usage():
        return store.object(name, version_id, **object_options.read_keywords)


class Download:
    def __init__(
        self, store: Store, settings: Settings, progress: Progress, selection: ObjectRange
    ) -> None:
        self._progress = progress
        self._selection = selection
        self._uses_engine = selection.byte_range is None and store.supports_multipart
        self._options = settings.engine_options(**selection.options)

    def save(self, obj: Object, destination: Destination, transfer: Transfer) -> None:
        driver: Any = obj.driver  # not every driver counts the bytes
        selection, progress = self._selection, self._progress
        try:
            if self._uses_engine:
                complete = driver.download_object(
                    obj,
                    destination,
                    overwrite_existing=destination.overwrite,
                    on_bytes=progress.byte_counter(transfer),
                    **self._options,
                )
            else:
                pieces = progress.count_pieces(selection.pieces(obj), transfer)
                complete = save(interruptible(pieces), destination, size=selection.size_of(obj))
        except BaseException as error:
            raise_as_usage_error(error)
            set_file_name(error, destination.path)
            raise
        if not complete:
            size = selection.size_of(obj)
            raise LibcloudError(f"the store did not send {size} bytes: no file was written", driver)


def is_directory_marker(obj: Object) -> bool:
    """Whether it is an empty object that the consoles of stores create for a directory."""
    return (obj.name.endswith("/") and not obj.size) or is_placeholder(obj)


def seconds_of(time: datetime | None) -> float | None:
    """The time of a file, seconds since 1970, for an object that was stored at ``time``.

    A file that is as old as its object is newer than no object that replaces it later, even during
    the download, and ``libcloud sync`` does not upload it again.
    """
    return None if time is None else time.timestamp()


def modified(obj: Object) -> datetime | None:
    """When the object was stored; ``None`` if the store does not report it."""
    seconds = obj.extra.get("modify_time")  # of a local file
    return time_of(obj.extra.get("last_modified") if seconds is None else seconds)


def is_same_version(one: Object, two: Object) -> bool:
    # A listing may have fractions of a second that HEAD does not have.
    times = {time.replace(microsecond=0) for obj in (one, two) if (time := modified(obj))}
    return (one.hash, one.size) == (two.hash, two.size) and len(times) <= 1


def to_stdout(obj: Object, selection: ObjectRange, settings: Settings) -> None:
    output = sys.stdout.buffer
    if is_shared_output(output):
        settings = settings._replace(quiet=True)
    with Progress(obj.name, selection.size_of(obj), settings) as progress:
        _write_to(output, "standard output", obj, selection, progress)
    if settings.json_progress:
        progress.finish(obj.name)


def to_program(
    obj: Object, selection: ObjectRange, settings: Settings, program: tuple[str, ...]
) -> None:
    from libcloud.cli.programs import consume

    size = selection.size_of(obj)
    with Progress(obj.name, size, settings) as progress, consume(program) as stdin:
        _write_to(stdin, program[0], obj, selection, progress)
    progress.finish(f"passed {obj.name} to {program[0]}")


def _write_to(
    output: IO[bytes], label: str, obj: Object, selection: ObjectRange, progress: Progress
) -> None:
    """Write the selected data to ``output``, which messages call ``label``."""
    with progress.transfer(obj.name) as transfer:
        for piece in progress.count_pieces(selection.pieces(obj), transfer):
            with errors_name(label):
                output.write(piece)
    with errors_name(label):
        output.flush()


def parse_byte_range(text: str | None, obj: Object) -> tuple[int, int] | None:
    if text is None:
        return None
    try:
        return parse_range(text, obj.size)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
