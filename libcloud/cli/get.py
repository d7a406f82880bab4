# SPDX-License-Identifier: Apache-2.0
"""``libcloud get`` and ``libcloud cat``: objects become files or standard output."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from libcloud.cli.errors import NothingThereError, about
from libcloud.cli.failures import Collected
from libcloud.cli.progress import Progress
from libcloud.cli.settings import Settings, transfer_options
from libcloud.cli.stores import Store, open_store
from libcloud.cli.targets import STDIO, is_url
from libcloud.cli.text import count, parse_range
from libcloud.common.types import LibcloudError
from libcloud.storage._download import Destination, resolve_destination, save
from libcloud.storage.capabilities import MIB

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
@transfer_options
def get(
    settings: Settings,
    *,
    url: str,
    destination: str,
    recursive: bool,
    span: str | None,
    no_clobber: bool,
) -> None:
    """Download the object at URL to DESTINATION: a file, a directory (.) or - for standard output.

    \b
    libcloud get s3://backups/db.sql
    libcloud get s3://backups/db.sql - | psql db
    libcloud get --recursive s3://photos/2026/ photos/

    With --recursive, URL is a directory, whether it ends in a slash or not; names are kept below
    it. No name leads out of DESTINATION. A file appears when it is whole, or not at all.
    """
    if is_url(destination):
        raise click.UsageError(f"{destination} is no file: to copy within a store use libcloud cp")
    store = open_store(url, settings)
    store.target.require_container()
    if recursive and (span or destination == STDIO):
        raise click.UsageError("--recursive goes neither with --range nor with standard output")
    if recursive:
        _get_all(store, destination, settings, overwrite=not no_clobber)
        return
    target = store.target.require_object()
    with about(target):
        obj = store.object(target.name)
        part = _range(span, obj)
        if destination == STDIO:
            _to_stdout(obj, part, settings)
            return
        size = obj.size if part is None else part[1] - part[0]
        with Progress(str(target), size, settings) as progress:
            path = _save(obj, _Place(destination), progress, part, overwrite=not no_clobber)
        progress.done(f"got {path}")


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--range", "span", metavar="RANGE", help="Bytes 0-499, 500- or -500 (the last ones).")
@transfer_options
def cat(settings: Settings, *, urls: tuple[str, ...], span: str | None) -> None:
    """Write the objects at URL..., one after another, to standard output."""
    for url in urls:
        store = open_store(url, settings)
        with about(store.target):
            obj = store.object(store.target.require_object().name)
            _to_stdout(obj, _range(span, obj), settings)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where files go.

    :param path: a file or a directory.
    :param prefix: what the names of objects lose; ``None``: all up to the last slash.
    """

    path: str
    prefix: str | None = None

    def file_for(self, name: str, *, overwrite: bool, driver: object) -> Destination:
        """The file for the object ``name``, by the library's own rules: it stays inside."""
        path = self.path
        if os.path.isdir(path) and not path.endswith(os.sep):
            path += os.sep
        inner = name[len(self.prefix) :] if self.prefix is not None else name.rpartition("/")[2]
        return resolve_destination(path, inner, overwrite_existing=overwrite, driver=driver)


def _get_all(store: Store, destination: str, settings: Settings, *, overwrite: bool) -> None:
    target = store.target.as_directory()
    with about(target):
        objects = store.container().iterate_objects(prefix=target.name or None)
        first = list(itertools.islice(objects, _LISTED))
    if not first:
        raise NothingThereError(f"there is no object below {target}")
    total = sum(obj.size for obj in first) if len(first) < _LISTED else None
    os.makedirs(destination, exist_ok=True)
    place, number = _Place(destination, target.name), 0
    failed = Collected(2)
    with Progress("", total, settings) as progress:
        for obj in itertools.chain(first, objects):
            if obj.name.endswith("/") and not obj.size:
                continue  # what browsers of stores show an empty directory by
            number += 1
            progress.meter.begin(f"{number} {obj.name}")
            with failed.one(), about(target.with_name(obj.name)):
                _save(obj, place, progress, None, overwrite=overwrite)
                progress.meter.end()
    progress.done(f"got {count(number - failed.number, 'object')} into {destination}")
    failed.finish()


def _save(
    obj: Object,
    place: _Place,
    progress: Progress,
    span: tuple[int, int] | None,
    *,
    overwrite: bool,
) -> str:
    """Write the object, or a part of it, to its file; the path of the file."""
    destination = place.file_for(obj.name, overwrite=overwrite, driver=obj.driver)
    size = obj.size if span is None else span[1] - span[0]
    with _naming(destination.path):
        whole = save(progress.counted(_pieces(obj, span)), destination, size=size)
    if not whole:
        raise LibcloudError(f"the store did not send {size} bytes: nothing was written", obj.driver)
    return destination.path


def _to_stdout(obj: Object, span: tuple[int, int] | None, settings: Settings) -> None:
    """Write the object, or a part of it, to standard output."""
    output = sys.stdout.buffer
    size = obj.size if span is None else span[1] - span[0]
    if output.isatty():  # the bar would be among the data
        settings = replace(settings, quiet=True)
    with Progress(obj.name, size, settings) as progress:
        for piece in progress.counted(_pieces(obj, span)):
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


def _pieces(obj: Object, span: tuple[int, int] | None) -> Iterator[bytes]:
    if span is None:
        return obj.as_stream(chunk_size=_PIECE)
    return obj.range_as_stream(span[0], span[1], chunk_size=_PIECE)


def _range(text: str | None, obj: Object) -> tuple[int, int] | None:
    """First byte and the byte after the last; ``None`` for the whole object."""
    if text is None:
        return None
    try:
        return parse_range(text, obj.size)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
