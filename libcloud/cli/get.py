# SPDX-License-Identifier: Apache-2.0
"""``libcloud get`` and ``libcloud cat``: download objects to files or standard output."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any

import click

from libcloud.cli.errors import error_context
from libcloud.cli.failures import Failures
from libcloud.cli.jobs import run_tasks
from libcloud.cli.meter import Transfer
from libcloud.cli.options import ObjectOptions, read_options, value_errors_as_usage
from libcloud.cli.patterns import Filters, filter_options
from libcloud.cli.programs import CommandWithProgram, consume
from libcloud.cli.progress import Progress
from libcloud.cli.selection import Selection, literal_option
from libcloud.cli.settings import Settings, job_options, transfer_options
from libcloud.cli.stores import Store, open_store
from libcloud.cli.targets import STDIO, is_url
from libcloud.cli.text import count, parse_range
from libcloud.common.types import LibcloudError
from libcloud.storage.capabilities import MIB
from libcloud.storage.destination import (
    Destination,
    FileNames,
    directories,
    resolve_destination,
    save,
)
from libcloud.utils.cancellation import interruptible, raise_if_cancelled

if TYPE_CHECKING:
    from libcloud.storage.base import Object

_PIECE = MIB

# Objects that are listed before the first download, so that the total size is known.
_LISTED_FIRST = 10_000

_range_option = click.option(
    "--range",
    "byte_range",
    metavar="RANGE",
    help="Download only these bytes: 0-499, 500- (to the end) or -500 (the last 500).",
)


@click.command(cls=CommandWithProgram)
@click.argument(
    "arguments", metavar="URL... [DESTINATION | -- COMMAND...]", nargs=-1, required=True
)
@click.option("-r", "--recursive", is_flag=True, help="Download all objects below URL.")
@_range_option
@click.option("--no-clobber", is_flag=True, help="Fail if the file exists.")
@filter_options
@literal_option
@read_options
@job_options
def get(
    settings: Settings,
    *,
    arguments: tuple[str, ...],
    program: tuple[str, ...],
    recursive: bool,
    byte_range: str | None,
    no_clobber: bool,
    filters: Filters,
    literal: bool,
    object_options: ObjectOptions,
) -> None:
    """Download the objects at URL... to DESTINATION: a file, a directory or - for standard output.

    The default is the current directory. A directory that ends in a slash is created.

    With -- COMMAND, write it to the standard input of COMMAND. If the download fails, COMMAND is
    terminated before its input ends. libcloud exits with the status of COMMAND.

    \b
    Examples:
      libcloud get s3://backups/db.sql
      libcloud get s3://backups/db.sql -- psql db
      libcloud get --recursive s3://photos/2026/ photos/
      libcloud get 's3://logs/2026/*.gz' logs/

    A key can contain wildcards: * and ? match any characters except slashes, ** also matches
    slashes. Quote them.

    With --recursive, URL is a directory, with or without a slash at its end, and the files keep
    their paths below it. No file is written outside DESTINATION. If several keys map to the same
    file (a/b and a//b), only the first is downloaded. A file appears only when it is complete.
    """
    urls, destination = _split_arguments(arguments)
    selections = []
    for url in urls:
        store = open_store(url, settings)
        store.target.require_container()
        object_options.check_supported_by(store)
        selections.append(Selection(store, recursive, filters, literal))
    several = len(selections) > 1 or not selections[0].is_single
    if several and (byte_range or program or destination == STDIO):
        raise click.UsageError(
            "several objects can match: --range, standard output or a command need a single one"
        )
    for selection in selections:
        if selection.is_single:
            selection.store.target.require_object()
    if len(selections) > 1 and not destination.endswith(os.sep):
        destination += os.sep
    output = _Output(destination, overwrite=not no_clobber)
    if several:
        output = replace(output, names=FileNames(destination))
    for selection in selections:
        if selection.is_single:
            _get_one(selection.store, output, settings, object_options, byte_range, program)
        else:
            _get_all(selection, output, settings, object_options)


def _split_arguments(arguments: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The URLs, and the destination.

    :raises click.UsageError: no URL is given, or an argument other than the last is a path.
    """
    urls, destination = arguments, "."
    if not is_url(arguments[-1]):
        urls, destination = arguments[:-1], arguments[-1]
    if not urls:
        raise click.UsageError("missing URL")
    for url in urls:
        if not is_url(url):
            raise click.UsageError(f"{url!r} is not a valid URL: only the last argument is a path")
    return urls, destination


def _get_one(
    store: Store,
    output: _Output,
    settings: Settings,
    object_options: ObjectOptions,
    byte_range: str | None,
    program: tuple[str, ...],
) -> None:
    """Download the object that the URL names."""
    target = store.target
    with error_context(target):
        obj = _find_object(store, target.name, object_options)
        selection = _Selection(_range(byte_range, obj), object_options.read_keywords)
        if program:
            _to_program(obj, selection, settings, program)
            return
        if output.path == STDIO:
            _to_stdout(obj, selection, settings)
            return
        if output.path.endswith(os.sep):
            os.makedirs(output.path, exist_ok=True)
        output = output.as_directory()
        if not output.is_first(obj):
            raise _same_file(obj)
        progress = Progress(str(target), selection.size_of(obj), settings)
        with progress, progress.transfer(str(target)) as transfer:
            download = _Download(store, settings, progress, transfer)
            path = _save(obj, output, selection, download)
        progress.finish(f"downloaded {path}")


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@_range_option
@read_options
@transfer_options
def cat(
    settings: Settings,
    *,
    urls: tuple[str, ...],
    byte_range: str | None,
    object_options: ObjectOptions,
) -> None:
    """Write the objects at URL... to standard output, one after another."""
    for url in urls:
        store = open_store(url, settings)
        object_options.check_supported_by(store)
        with error_context(store.target):
            obj = _find_object(store, store.target.require_object().name, object_options)
            selection = _Selection(_range(byte_range, obj), object_options.read_keywords)
            _to_stdout(obj, selection, settings)


@dataclass(frozen=True, slots=True)
class _Selection:
    """What to download of an object.

    :param byte_range: first byte and the byte after the last; ``None`` for the whole object.
    :param options: keywords of the driver's download methods.
    """

    byte_range: tuple[int, int] | None
    options: dict[str, Any] = field(repr=False)

    def size_of(self, obj: Object) -> int:
        """Bytes to download."""
        if self.byte_range is None:
            return int(obj.size)
        return self.byte_range[1] - self.byte_range[0]

    def pieces(self, obj: Object) -> Iterator[bytes]:
        """The data, in pieces."""
        driver: Any = obj.driver  # the S3 drivers accept more keywords
        if self.byte_range is None:
            whole: Iterator[bytes] = driver.download_object_as_stream(obj, _PIECE, **self.options)
            return whole
        part: Iterator[bytes] = driver.download_object_range_as_stream(
            obj, *self.byte_range, _PIECE, **self.options
        )
        return part


@dataclass(frozen=True, slots=True)
class _Output:
    """Where files are written.

    :param path: a file or a directory.
    :param prefix: removed from the keys; ``None``: everything up to the last slash.
    :param names: of the files so far, if there can be several.
    """

    path: str
    prefix: str | None = None
    overwrite: bool = False
    names: FileNames | None = None

    def as_directory(self) -> _Output:
        """The same with a separator at the end of the path, if that is a directory."""
        if self.path.endswith(os.sep) or not os.path.isdir(self.path):
            return self
        return replace(self, path=self.path + os.sep)

    def name_of(self, obj: Object) -> str:
        """The path of an object's file in the directory."""
        if self.prefix is not None:
            return str(obj.name[len(self.prefix) :])
        return str(obj.name.rpartition("/")[2])

    def is_first(self, obj: Object) -> bool:
        """Whether no object before maps to the same file; to be called once for each object."""
        return self.names is None or self.names.add(self.name_of(obj))

    def file_for(self, obj: Object) -> Destination:
        """The file for an object. The library's rules keep it inside the directory."""
        return resolve_destination(
            self.path, self.name_of(obj), overwrite_existing=self.overwrite, driver=obj.driver
        )


def _same_file(obj: Object) -> LibcloudError:
    return LibcloudError(
        "not downloaded: another object maps to the same file; "
        "download this one separately, to a different file",
        obj.driver,
    )


def _find_object(store: Store, name: str, object_options: ObjectOptions) -> Object:
    """The object.

    :raises ObjectDoesNotExistError: it does not exist.
    """
    keywords = object_options.read_keywords
    if not keywords:
        return store.object(name)
    with value_errors_as_usage():
        found: Object = store.driver.get_object(store.target.container, name, **keywords)
    return found


def _get_all(
    selected: Selection, output: _Output, settings: Settings, object_options: ObjectOptions
) -> None:
    store, target = selected.store, selected.store.target
    with error_context(target):
        objects = selected.objects()
        first = list(itertools.islice(objects, _LISTED_FIRST))
    total = sum(obj.size for obj in first) if len(first) < _LISTED_FIRST else None
    os.makedirs(output.path, exist_ok=True)
    output = replace(output.as_directory(), prefix=selected.base)
    selection = _Selection(None, object_options.read_keywords)
    failures, number = Failures(2), 0

    def get_one(task: tuple[int, Object, bool]) -> None:
        number, obj, is_first = task
        label = f"{number} {obj.name}"
        with error_context(target.with_name(obj.name)), progress.transfer(label) as transfer:
            if not is_first:
                raise _same_file(obj)
            _save(obj, output, selection, _Download(store, settings, progress, transfer))

    def tasks() -> Iterator[tuple[int, Object, bool]]:
        nonlocal number
        for obj in itertools.chain(first, objects):
            if obj.name.endswith("/") and not obj.size:
                continue  # an empty object that the consoles of stores create for a directory
            number += 1
            yield number, obj, output.is_first(obj)

    with Progress("", total, settings) as progress:
        run_tasks(store.driver, get_one, tasks(), failures, jobs=settings.jobs)
    downloaded = count(number - failures.count, "object")
    progress.finish(f"downloaded {downloaded} to {output.path}")
    failures.raise_if_any()


@dataclass(frozen=True, slots=True)
class _Download:
    """The download of one object: its store, settings and progress."""

    store: Store
    settings: Settings
    progress: Progress
    transfer: Transfer

    def save(self, obj: Object, selection: _Selection, destination: Destination) -> bool:
        """Write the selected data to the file; false if the store sent too little."""
        if selection.byte_range is None and self.store.supports_multipart:
            return self._save_in_parallel(obj, selection, destination)
        pieces = self.progress.count_pieces(selection.pieces(obj), self.transfer)
        return save(interruptible(pieces), destination, size=selection.size_of(obj))

    def _save_in_parallel(
        self, obj: Object, selection: _Selection, destination: Destination
    ) -> bool:
        """Let the driver download a large object over several connections."""
        driver: Any = obj.driver
        count_bytes = self.progress.byte_counter(self.transfer)

        def on_bytes(size: int) -> None:
            raise_if_cancelled()
            count_bytes(size)

        with value_errors_as_usage(), directories(destination):
            done: bool = driver.download_object(
                obj,
                destination.path,
                overwrite_existing=destination.overwrite,
                ex_window=self.settings.window,
                ex_part_size=self.settings.part_size,
                on_bytes=on_bytes,
                **selection.options,
            )
        return done


def _save(obj: Object, output: _Output, selection: _Selection, download: _Download) -> str:
    """Write the selected data to the object's file; return the path of the file."""
    destination = output.file_for(obj)
    with _errors_name(destination.path):
        complete = download.save(obj, selection, destination)
    if not complete:
        size = selection.size_of(obj)
        raise LibcloudError(
            f"the store sent fewer than {size} bytes: no file was written", obj.driver
        )
    return destination.path


def _to_stdout(obj: Object, selection: _Selection, settings: Settings) -> None:
    """Write the selected data to standard output."""
    output = sys.stdout.buffer
    if output.isatty() or _is_pipe(output):  # a bar would mix with the data, or its reader's output
        settings = replace(settings, quiet=True)
    with Progress(obj.name, selection.size_of(obj), settings) as progress:
        _write_to(output, "standard output", obj, selection, progress)
    if settings.json_progress:
        progress.finish(obj.name)


def _is_pipe(stream: IO[bytes]) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def _to_program(
    obj: Object, selection: _Selection, settings: Settings, program: tuple[str, ...]
) -> None:
    """Write the selected data to the standard input of a program."""
    size = selection.size_of(obj)
    with Progress(obj.name, size, settings) as progress, consume(program) as stdin:
        _write_to(stdin, program[0], obj, selection, progress)
    progress.finish(f"passed {obj.name} to {program[0]}")


def _write_to(
    output: IO[bytes], label: str, obj: Object, selection: _Selection, progress: Progress
) -> None:
    """Write the selected data to ``output``, which messages call ``label``."""
    with progress.transfer(obj.name) as transfer:
        for piece in progress.count_pieces(selection.pieces(obj), transfer):
            with _errors_name(label):
                output.write(piece)
    with _errors_name(label):
        output.flush()


@contextlib.contextmanager
def _errors_name(path: str) -> Iterator[None]:
    """Make write errors in the block name ``path`` instead of the staging file."""
    try:
        yield
    except OSError as error:
        if not isinstance(error, (LibcloudError, BrokenPipeError)) and error.errno is not None:
            error.filename = path
        raise


def _range(text: str | None, obj: Object) -> tuple[int, int] | None:
    """First byte and the byte after the last; ``None`` for the whole object."""
    if text is None:
        return None
    try:
        return parse_range(text, obj.size)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
