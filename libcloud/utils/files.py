# SPDX-License-Identifier: Apache-2.0
"""Reads the caller's data piece by piece, from any kind of source.

The cost is linear in the bytes and in the pieces of the source.
"""

from __future__ import annotations

import functools
import os
import stat
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

from libcloud.common.types import InvalidSourceError
from libcloud.utils.bodies import raise_if_cut, steps
from libcloud.utils.local import PerProcess

CHUNK_SIZE = 8096

# Not less than the page size of any processor. A larger file without blocks is a sparse file.
_LARGEST_PSEUDO_FILE = 64 * 1024

MAX_EMPTY_PIECES = 1_000_000
"""Consecutive empty pieces after which an iterator counts as endless: a fraction of a second."""


_loading = PerProcess(threading.RLock)


def read_in_chunks(
    iterator: Any, chunk_size: int | None = None, fill_size: bool = False, yield_empty: bool = False
) -> Generator[bytes, None, None]:
    """Yield the data of ``iterator`` as non-empty pieces of bytes.

    A file ends with the first empty ``read``. An iterator ends only when it is exhausted; empty
    pieces are skipped. Text is encoded as UTF-8. An integer from 0 to 255 is a byte, because
    iterating over bytes yields integers.

    :param iterator: an object with ``read(size)``, which may return more than requested, or with
        ``__next__`` or ``next``. If it has ``read``, only that is used.
    :param chunk_size: argument of ``read`` in bytes, and the size of the pieces if ``fill_size`` is
        set; ``None`` or 0 means ``CHUNK_SIZE``.
    :param fill_size: every piece but the last has exactly ``chunk_size`` bytes; otherwise
        pieces are as the source returned them.
    :param yield_empty: yield ``b""`` once if the source is empty.
    :raises TypeError: the source or a piece of it has an unsupported type. Earlier pieces have been
        yielded.
    :raises InvalidSourceError: an iterator yields more than ``MAX_EMPTY_PIECES`` consecutive empty
        pieces.

    >>> list(read_in_chunks(iter([b"ab", b"", "c"]), chunk_size=2, fill_size=True))
    [b'ab', b'c']
    """
    size = chunk_size or CHUNK_SIZE
    if size < 0:
        raise ValueError(f"chunk_size must be greater than 0, not {size}")

    empty = True
    pieces = _pieces_of(iterator, size)
    for piece in refill(pieces, size) if fill_size else pieces:
        empty = False
        yield piece
    if empty and yield_empty:
        yield b""


def at_least_one(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield ``pieces``, or ``b""`` once if there are none.

    For programs that read an object with a single ``next()``, with its size, here 0, as chunk size.

    >>> list(at_least_one(iter([]))), list(at_least_one(iter([b"a"])))
    ([b''], [b'a'])
    """
    yield next(pieces, b"")
    yield from pieces


def exhaust_iterator(iterator: Any) -> bytes:
    return b"".join(read_in_chunks(iterator))


def endless_source_error() -> InvalidSourceError:
    return InvalidSourceError(
        f"More than {MAX_EMPTY_PIECES:,} consecutive empty pieces: the iterator seems endless, and "
        "no object was created. iter(lambda: file.read(size), sentinel) ends only if the "
        "sentinel equals what read() returns at the end of the file: b'' for a binary file, '' for "
        "a text file. Pass the file itself instead."
    )


@functools.cache
def _load_content_types() -> None:
    import mimetypes

    with _loading():  # otherwise, several threads would each read the lists of the system
        if not mimetypes.inited:
            mimetypes.init()


def guess_file_mime_type(
    file_path: str | os.PathLike[str], *, strict: bool = True
) -> tuple[str | None, str | None]:
    """Guess content type and encoding; ``strict``: only types that are registered with IANA.

    >>> guess_file_mime_type("notes.txt")
    ('text/plain', None)
    """
    import mimetypes

    _load_content_types()
    return mimetypes.guess_type(os.fspath(file_path), strict)


def has_exact_size(status: os.stat_result) -> bool:
    """Whether the size of a file is the number of bytes that can be read from it.

    Not in ``/proc`` and ``/sys``, where it is 0 or, mostly, 4096 bytes without any disk block.
    """
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return False
    return getattr(status, "st_blocks", 1) > 0 or status.st_size > _LARGEST_PSEUDO_FILE


def size_of_file(path: str | os.PathLike[str]) -> int | None:
    """The size of a regular file, 0 if it is missing; ``None`` for others, such as a pipe."""
    try:
        status = os.stat(path)
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _pieces_of(source: Any, size: int) -> Iterator[bytes]:
    read = getattr(source, "read", None)
    if callable(read):
        return _read_pieces(source, size)
    advance = getattr(source, "__next__", None) or getattr(source, "next", None)
    if callable(advance):
        return _next_pieces(advance)
    raise TypeError(
        f"{type(source).__name__!r} object is neither an iterator nor has a read() method"
    )


def _read_pieces(source: Any, size: int) -> Iterator[bytes]:
    while piece := to_bytes(source.read(size)):
        yield piece
    raise_if_cut(source)


def _next_pieces(advance: Callable[[], object]) -> Iterator[bytes]:
    empty = 0
    for item in steps(advance):
        piece = to_bytes(item)
        empty = 0 if piece else empty + 1
        if empty > MAX_EMPTY_PIECES:
            raise endless_source_error()
        if piece:
            yield piece


def to_bytes(piece: object) -> bytes:
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, str):
        return piece.encode("utf-8")
    if isinstance(piece, (bytearray, memoryview)):
        return bytes(piece)
    if isinstance(piece, int) and not isinstance(piece, bool) and 0 <= piece <= 255:
        return bytes((piece,))
    raise TypeError(f"expected pieces of bytes or str, got {type(piece).__name__}")


def refill(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield the data in pieces of ``size`` bytes; buffers less than one piece."""
    held: bytes | bytearray = b""
    for piece in pieces:
        if held:
            held = held if isinstance(held, bytearray) else bytearray(held)
            held += piece
        else:
            held = piece
        if len(held) < size:
            continue
        data = bytes(held)
        end = len(data) - len(data) % size
        for start in range(0, end, size):
            yield data[start : start + size]  # of a single piece, not a copy
        held = data[end:]
    if held:
        yield bytes(held)
