# SPDX-License-Identifier: Apache-2.0
"""``libcloud get`` and ``libcloud cat``: objects become files or standard output."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from libcloud.cli.crew import Crew
from libcloud.cli.errors import NothingThereError, about
from libcloud.cli.failures import Collected
from libcloud.cli.meter import Flow
from libcloud.cli.progress import Progress
from libcloud.cli.settings import Settings, job_options, transfer_options
from libcloud.cli.stores import Store, open_store
from libcloud.cli.targets import STDIO, is_url
from libcloud.cli.text import count, parse_range
from libcloud.cli.wishes import Wishes, read_options, refusals_told
from libcloud.common.types import LibcloudError
from libcloud.storage.capabilities import MIB
from libcloud.storage.destination import (
    Destination,
    FileNames,
    directories,
    resolve_destination,
    save,
)

if TYPE_CHECKING:
    from libcloud.storage.base import Object

__all__ = ["cat", "get"]

_PIECE = MIB

# Objects listed before the first is read, so that the total is known.
_LISTED = 10_000


@click.command()
@click.argument("url")
@click.argument("destination", default=".", type=click.Path(allow_dash=True))
@click.option("-r", "--recursive", is_flag=True, help="Download all objects below URL.")
@click.option("--range", "span", metavar="RANGE", help="Bytes 0-499, 500- or -500 (the last ones).")
@click.option("--no-clobber", is_flag=True, help="Keep files that exist; that is an error.")
@read_options
@job_options
def get(
    settings: Settings,
    *,
    url: str,
    destination: str,
    recursive: bool,
    span: str | None,
    no_clobber: bool,
    wishes: Wishes,
) -> None:
    """Download the object at URL to DESTINATION: a file, a directory (.) or - for standard output.

    \b
    libcloud get s3://backups/db.sql
    libcloud get s3://backups/db.sql - | psql db
    libcloud get --recursive s3://photos/2026/ photos/

    With --recursive, URL is a directory, whether it ends in a slash or not; names are kept below
    it. No name leads out of DESTINATION, and of objects whose names would be one file (a/b and
    a//b) only the first is written. A file appears when it is whole, or not at all.
    """
    if is_url(destination):
        raise click.UsageError(f"{destination} is no file: to copy within a store use libcloud cp")
    store = open_store(url, settings)
    store.target.require_container()
    wishes.check(store)
    if recursive and (span or destination == STDIO):
        raise click.UsageError("--recursive goes neither with --range nor with standard output")
    if recursive:
        _get_all(store, _Place(destination, overwrite=not no_clobber), settings, wishes)
        return
    target = store.target.require_object()
    with about(target):
        obj = _look(store, target.name, wishes)
        read = _Reading(_range(span, obj), wishes.reading)
        if destination == STDIO:
            _to_stdout(obj, read, settings)
            return
        place = _Place(destination, overwrite=not no_clobber)
        progress = Progress(str(target), read.size_of(obj), settings)
        with progress, progress.flow(str(target)) as flow:
            path = _save(obj, place, read, _Way(store, settings, progress, flow, Crew(1)))
        progress.done(f"got {path}")


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--range", "span", metavar="RANGE", help="Bytes 0-499, 500- or -500 (the last ones).")
@read_options
@transfer_options
def cat(settings: Settings, *, urls: tuple[str, ...], span: str | None, wishes: Wishes) -> None:
    """Write the objects at URL..., one after another, to standard output."""
    for url in urls:
        store = open_store(url, settings)
        wishes.check(store)
        with about(store.target):
            obj = _look(store, store.target.require_object().name, wishes)
            _to_stdout(obj, _Reading(_range(span, obj), wishes.reading), settings)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is read of an object, and how.

    :param span: first byte and the byte after the last; ``None`` for the whole object.
    :param options: keywords of the driver's downloads.
    """

    span: tuple[int, int] | None
    options: dict[str, Any] = field(repr=False)

    def size_of(self, obj: Object) -> int:
        """Bytes that are read."""
        return int(obj.size) if self.span is None else self.span[1] - self.span[0]

    def pieces(self, obj: Object) -> Iterator[bytes]:
        """What is read."""
        driver: Any = obj.driver  # a driver for S3 takes more keywords
        if self.span is None:
            whole: Iterator[bytes] = driver.download_object_as_stream(obj, _PIECE, **self.options)
            return whole
        part: Iterator[bytes] = driver.download_object_range_as_stream(
            obj, *self.span, _PIECE, **self.options
        )
        return part


@dataclass(frozen=True, slots=True)
class _Place:
    """Where files go.

    :param path: a file or a directory.
    :param prefix: what the names of objects lose; ``None``: all up to the last slash.
    """

    path: str
    prefix: str | None = None
    overwrite: bool = False

    def name_of(self, obj: Object) -> str:
        """The name of an object's file in the directory."""
        if self.prefix is not None:
            return str(obj.name[len(self.prefix) :])
        return str(obj.name.rpartition("/")[2])

    def file_for(self, obj: Object) -> Destination:
        """The file for an object, by the library's own rules: it stays inside."""
        path = self.path
        if os.path.isdir(path) and not path.endswith(os.sep):
            path += os.sep
        return resolve_destination(
            path, self.name_of(obj), overwrite_existing=self.overwrite, driver=obj.driver
        )


def _look(store: Store, name: str, wishes: Wishes) -> Object:
    """The object, if it exists."""
    if not wishes.reading:
        return store.object(name)
    with refusals_told():
        found: Object = store.driver.get_object(store.target.container, name, **wishes.reading)
    return found


def _get_all(store: Store, place: _Place, settings: Settings, wishes: Wishes) -> None:
    target = store.target.as_directory()
    with about(target):
        objects = store.container().iterate_objects(prefix=target.name or None)
        first = list(itertools.islice(objects, _LISTED))
    if not first:
        raise NothingThereError(f"there is no object below {target}")
    total = sum(obj.size for obj in first) if len(first) < _LISTED else None
    os.makedirs(place.path, exist_ok=True)
    place, read = replace(place, prefix=target.name), _Reading(None, wishes.reading)
    crew, failed, number = Crew(settings.jobs), Collected(2), 0
    names = FileNames(place.path)

    def get_one(number: int, obj: Object, is_first: bool) -> None:
        with about(target.with_name(obj.name)), progress.flow(f"{number} {obj.name}") as flow:
            if not is_first:
                raise LibcloudError(
                    "another object has become the file of this name: this one was not written; "
                    "get it alone, to another file",
                    obj.driver,
                )
            _save(obj, place, read, _Way(store, settings, progress, flow, crew))

    def tasks() -> Iterator[Callable[[], None]]:
        nonlocal number
        for obj in itertools.chain(first, objects):
            if obj.name.endswith("/") and not obj.size:
                continue  # what browsers of stores show an empty directory by
            number += 1
            yield partial(get_one, number, obj, names.add(place.name_of(obj)))

    with Progress("", total, settings) as progress:
        crew.do(tasks(), failed)
    progress.done(f"got {count(number - failed.number, 'object')} into {place.path}")
    failed.finish()


@dataclass(frozen=True, slots=True)
class _Way:
    """How bytes come here, and who counts them."""

    store: Store
    settings: Settings
    progress: Progress
    flow: Flow
    crew: Crew

    def take(self, obj: Object, read: _Reading, destination: Destination) -> bool:
        """Write what is read of the object to its file; false if it was less than its size."""
        if read.span is None and self.store.in_parts:
            return self._by_driver(obj, read, destination)
        pieces = self.progress.counted(read.pieces(obj), self.flow)
        return save(self.crew.heeding(pieces), destination, size=read.size_of(obj))

    def _by_driver(self, obj: Object, read: _Reading, destination: Destination) -> bool:
        """Large objects over several connections."""
        driver: Any = obj.driver
        counted = self.progress.counting(self.flow)

        def on_bytes(size: int) -> None:
            self.crew.check()
            counted(size)

        with refusals_told(), directories(destination):
            done: bool = driver.download_object(
                obj,
                destination.path,
                overwrite_existing=destination.overwrite,
                ex_window=self.settings.window,
                ex_part_size=self.settings.part_size,
                on_bytes=on_bytes,
                **read.options,
            )
        return done


def _save(obj: Object, place: _Place, read: _Reading, way: _Way) -> str:
    """Write what is read of the object to its file; the path of the file."""
    destination = place.file_for(obj)
    with _naming(destination.path):
        whole = way.take(obj, read, destination)
    if not whole:
        size = read.size_of(obj)
        raise LibcloudError(f"the store did not send {size} bytes: nothing was written", obj.driver)
    return destination.path


def _to_stdout(obj: Object, read: _Reading, settings: Settings) -> None:
    """Write what is read of the object to standard output."""
    output = sys.stdout.buffer
    if output.isatty():  # the bar would be among the data
        settings = replace(settings, quiet=True)
    with Progress(obj.name, read.size_of(obj), settings) as progress:
        with progress.flow(obj.name) as flow:
            for piece in progress.counted(read.pieces(obj), flow):
                with _naming("standard output"):
                    output.write(piece)
        with _naming("standard output"):
            output.flush()
    if settings.json_progress:
        progress.done(obj.name)


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """Errors of writing in the block are about ``path``: the name of a temporary file says less."""
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
