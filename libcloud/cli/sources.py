# SPDX-License-Identifier: Apache-2.0
"""What ``put`` reads: files, directories, standard input; and the names they get."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import click

from libcloud.cli.errors import UnfitInputError
from libcloud.cli.progress import say
from libcloud.cli.signals import wait_for_input
from libcloud.cli.targets import STDIO, Target
from libcloud.cli.text import count, printable
from libcloud.utils import files

__all__ = ["Source", "pieces_of", "plan", "size_of_stream"]

_READ_SIZE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """One thing to upload.

    :param path: of a file, or ``-``.
    :param name: of the object it becomes.
    :param size: bytes; ``None`` if that is not known.
    """

    path: str
    name: str
    size: int | None


def plan(paths: tuple[str, ...], target: Target, *, recursive: bool) -> list[Source]:
    """What is to be uploaded, under which names. Nothing is sent, and nothing but names is read.

    :raises click.UsageError: there is no name for one of them, or the same for two.
    :raises OSError: one is not there.
    """
    target.require_container()
    if STDIO in paths:
        if len(paths) > 1:
            raise click.UsageError("standard input (-) cannot be put together with files")
        if target.is_directory:
            raise click.UsageError(
                f"standard input has no name: write {str(target).rstrip('/')}/NAME"
            )
        return [Source(STDIO, target.name, None)]
    found: list[Source] = []
    for path in paths:
        if os.path.isdir(path):
            if not recursive:
                raise click.UsageError(f"{path} is a directory: use --recursive")
            found += _below(path, target.as_directory().name)
        else:
            name = target.name + os.path.basename(path) if target.is_directory else target.name
            found.append(Source(path, name, _size(path)))
            if len(paths) > 1 and not target.is_directory:
                raise click.UsageError(f"several files need a URL that ends in a slash: {target}/")
    _refuse_equal_names(found)
    return found


def pieces_of(
    stream: BinaryIO, *, expect: int | None = None, fail_on_empty: bool = False
) -> Iterator[bytes]:
    """The pieces of ``stream`` as they come.

    :param expect: bytes that there must be.
    :param fail_on_empty: there must be one at least.
    :raises UnfitInputError: there are others. An upload from these pieces publishes nothing.
    """
    read = getattr(stream, "read1", stream.read)
    size = 0
    while True:
        wait_for_input(stream)
        piece = read(_READ_SIZE)
        if not piece:
            break
        size += len(piece)
        if expect is not None and size > expect:
            raise UnfitInputError(
                f"the input has more than the {count(expect, 'byte')} expected: nothing was stored"
            )
        yield piece
    if expect is not None and size < expect:
        raise UnfitInputError(
            f"the input ended after {count(size, 'byte')} of {expect:,} expected: "
            "nothing was stored; did its producer fail?"
        )
    if fail_on_empty and not size:
        raise UnfitInputError("the input is empty: nothing was stored; did its producer fail?")


def size_of_stream(stream: BinaryIO) -> int | None:
    """Bytes to come, if ``stream`` is a file; ``None`` for a pipe or a terminal."""
    try:
        status = os.fstat(stream.fileno())
        if not files.has_exact_size(status):
            return None
        return max(0, status.st_size - os.lseek(stream.fileno(), 0, os.SEEK_CUR))
    except (OSError, ValueError):
        return None


def _below(directory: str, prefix: str) -> Iterator[Source]:
    """The files below ``directory``, by name; links to directories are not followed."""
    for folder, folders, names in os.walk(directory, onerror=_raise):
        folders.sort()
        inside = os.path.relpath(folder, directory)
        middle = "" if inside == os.curdir else inside.replace(os.sep, "/") + "/"
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not os.path.isfile(path):
                say(f"libcloud: skipped {printable(path)}: no regular file")
                continue
            yield Source(path, f"{prefix}{middle}{name}", _size(path))


def _size(path: str) -> int | None:
    """Bytes of a regular file; ``None`` of anything else, and where the system does not know it.

    :raises OSError: there is nothing.
    """
    status = os.stat(path)
    if stat.S_ISREG(status.st_mode) and not status.st_size:
        return 0
    return status.st_size if files.has_exact_size(status) else None


def _refuse_equal_names(sources: list[Source]) -> None:
    seen: dict[str, str] = {}
    for source in sources:
        other = seen.setdefault(source.name, source.path)
        if other != source.path:
            raise click.UsageError(
                f"{other} and {source.path} would both become {source.name!r}: put them one by one"
            )


def _raise(error: OSError) -> None:
    raise error
