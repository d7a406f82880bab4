# SPDX-License-Identifier: Apache-2.0
"""The sources of ``put``: files, directories or standard input, and the names of the objects."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter
from typing import Any, BinaryIO, Literal, NamedTuple

import click

from libcloud.cli.errors import InputError, errors_name
from libcloud.cli.progress import print_stderr
from libcloud.cli.signals import wait_for_input
from libcloud.cli.targets import STDIO, Filters, Target
from libcloud.cli.text import count, printable
from libcloud.utils import files
from libcloud.utils.cancellation import raise_if_cancelled
from libcloud.utils.headers import time_of
from libcloud.utils.staging import TEMPORARY_PREFIX

_READ_SIZE = 1024 * 1024


class Entry(NamedTuple):
    """A file or an object that is copied.

    :param name: of the copy; of ``sync``, relative to the directory, with slashes.
    :param size: bytes; ``None`` if unknown.
    :param origin: a path, ``-`` for standard input, or an object.
    :param error: why the file, or the directory of that name, cannot be read.
    :param reason: why it is copied: ``"new"``, ``"size"``, ``"time"`` or ``"checksum"``.
    """

    name: str
    size: int | None
    modified: datetime | None = None
    origin: Any = STDIO
    error: OSError | None = None
    reason: str = ""


def plan_uploads(
    paths: tuple[str, ...], target: Target, walk: Walk, *, recursive: bool
) -> list[Entry]:
    """The files to upload and the names of their objects. Opens no file.

    :raises click.UsageError: an object would have no name, or two would have the same name.
    :raises OSError: a path does not exist.
    """
    target.require_container()
    if STDIO in paths:
        if len(paths) > 1:
            raise click.UsageError("standard input (-) cannot be combined with files")
        if target.is_directory:
            raise click.UsageError(
                f"standard input has no name: use {str(target).rstrip('/')}/NAME"
            )
        return [Entry(target.name, None)]
    found: list[Entry] = []
    for path in paths:
        if os.path.isdir(path):
            if not recursive:
                raise click.UsageError(f"{path} is a directory: use --recursive")
            found += walk.files(path, target.as_directory().name)
        elif walk.filters.select(os.path.basename(path)):
            name = target.name + os.path.basename(path) if target.is_directory else target.name
            found.append(_file(path, name))
            if len(paths) > 1 and not target.is_directory:
                raise click.UsageError(
                    f"to upload several files, end the URL with a slash: {target}/"
                )
    _reject_equal_names(found)
    return found


def read_pieces(
    stream: BinaryIO,
    *,
    expect: int | None = None,
    fail_on_empty: bool = False,
    file_size: int | None = None,
) -> Iterator[bytes]:
    """Read ``stream`` in pieces, as they become available.

    :param file_size: bytes, if it is a regular file of known size, which is never waited for.
    :raises InputError: the input does not match. An upload of these pieces stores nothing.
    """
    read = getattr(stream, "read1", stream.read)
    # One byte more, so that a small file is read by one call, which also finds its end.
    wanted = _READ_SIZE if file_size is None else min(_READ_SIZE, file_size + 1)
    size, piece = 0, b""
    while size != file_size or len(piece) == wanted:
        if file_size is None:
            wait_for_input(stream)
        with errors_name(str(getattr(stream, "name", "the input"))):
            piece = read(wanted)
        if not piece:
            break
        size += len(piece)
        if expect is not None and size > expect:
            raise InputError(
                f"the input is larger than the expected {count(expect, 'byte')}: nothing was stored"
            )
        raise_if_cancelled()
        yield piece
    if expect is not None and size < expect:
        raise InputError(
            f"the input ended after {count(size, 'byte')} of {expect:,}: nothing was stored; "
            "did the producing command fail?"
        )
    if file_size is not None and size < file_size:
        raise InputError(
            f"the file ended after {count(size, 'byte')} of {file_size:,}: it was truncated while "
            "it was read; nothing was stored"
        )
    if fail_on_empty and not size:
        raise InputError("the input is empty: nothing was stored; did the producing command fail?")


def size_of_stream(stream: BinaryIO) -> int | None:
    """Remaining bytes if ``stream`` is a file; ``None`` for a pipe or a terminal."""
    try:
        status = os.fstat(stream.fileno())
        if not files.has_exact_size(status):
            return None
        return max(0, status.st_size - os.lseek(stream.fileno(), 0, os.SEEK_CUR))
    except (OSError, ValueError):
        return None


class Walk(NamedTuple):
    """Which files below a directory are taken, and whether it ``reports`` what is skipped."""

    filters: Filters = Filters()
    follow_symlinks: bool = False
    reports: bool = True

    def files(self, directory: str, prefix: str = "") -> Iterator[Entry]:
        """The files below ``directory``, sorted; those that cannot be read have an ``error``."""
        return self._files(directory, prefix, "", ())

    def _files(
        self, directory: str, prefix: str, inside: str, parents: tuple[tuple[int, int], ...]
    ) -> Iterator[Entry]:
        try:
            status = os.stat(directory)
            with os.scandir(directory) as found:
                entries = sorted(found, key=attrgetter("name"))
        except OSError as error:
            yield Entry(prefix + inside, 0, None, directory, error)
            return
        here = (status.st_dev, status.st_ino)
        if here in parents:
            self._report_skipped(directory, "a link to a directory that contains it")
            return
        if not entries:
            self._report_skipped(directory, "an empty directory")
        directories = []
        for entry in entries:
            name = inside + entry.name
            try:
                if entry.name.startswith(TEMPORARY_PREFIX):
                    self._report_skipped(entry.path, "the staging file of a download")
                    continue
                kind = _kind(entry)
                if kind == "file" and self.filters.select(name):
                    yield _file(entry.path, prefix + name)
            except OSError as error:  # for example, it was deleted in the meantime
                if self.filters.select(name):
                    yield Entry(prefix + name, 0, None, entry.path, error)
                continue
            if kind == "directory":
                directories.append(entry)
            elif kind == "other" and self.filters.select(name):
                self._report_skipped(entry.path, "not a regular file")
        for entry in directories:
            if entry.is_symlink() and not self.follow_symlinks:
                self._report_skipped(entry.path, "a link to a directory (see --follow-symlinks)")
            else:
                yield from self._files(
                    entry.path, prefix, f"{inside}{entry.name}/", (*parents, here)
                )

    def _report_skipped(self, path: str, reason: str) -> None:
        if self.reports:
            print_stderr(f"libcloud: skipped {printable(path)}: {reason}")


def _kind(entry: os.DirEntry[str]) -> Literal["file", "directory", "other"]:
    """The type of a file, or of the target of a link.

    :raises OSError: a broken or circular link. What it refers to may only not be mounted.
    """
    if entry.is_dir():
        return "directory"
    if entry.is_file():
        return "file"
    if not os.path.exists(entry.path):
        raise OSError(errno.ENOENT, "broken symbolic link", entry.path)
    return "other"


def _file(path: str, name: str) -> Entry:
    """The size is unknown if it is no regular file, or one in ``/proc`` and the like."""
    status = os.stat(path)
    is_empty = stat.S_ISREG(status.st_mode) and not status.st_size
    size = status.st_size if is_empty or files.has_exact_size(status) else None
    return Entry(name, size, time_of(status.st_mtime), path)


def _reject_equal_names(sources: list[Entry]) -> None:
    seen: dict[str, str] = {}
    for source in sources:
        other = seen.setdefault(source.name, source.origin)
        if other != source.origin:
            raise click.UsageError(
                f"{other} and {source.origin} would both be stored as {source.name!r}: "
                "upload them separately"
            )
