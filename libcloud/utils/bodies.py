# SPDX-License-Identifier: Apache-2.0
"""Request bodies: their types, their length, and rewinding them for a retry."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, NoReturn

# Below this size, copying is cheaper than keeping the caller's buffer locked.
_SMALL = 64 * 1024

_BLOCK = 1024 * 1024  # of a file


class SourceError(Exception):
    """The data of a body could not be read while it was sent; the cause is the error.

    It is no ``OSError``, which HTTP libraries take for one of the network: they would wait for the
    response after a broken pipe.
    """


@contextmanager
def source_errors() -> Iterator[None]:
    """Raise the error of a source in place of the :class:`SourceError` of the block."""
    try:
        yield
        return
    except SourceError as error:
        found = error.__cause__ or error
    raise_unchanged(found)


def raise_if_cut(source: Any) -> None:
    """Raise if ``source``, which has just ended, reads a response of ``http.client`` that is cut.

    Its ``read(size)`` returns nothing where the connection was lost, as at the end of the body.
    Reference: https://github.com/python/cpython/issues/129264

    :raises http.client.IncompleteRead: it has received less than its Content-Length.
    """
    if type(source) is io.BufferedReader:
        source = source.raw
    client: Any = sys.modules.get("http.client")
    if client is not None and type(source) is client.HTTPResponse and source.length:
        raise client.IncompleteRead(b"", source.length)


def raise_unchanged(error: BaseException) -> NoReturn:
    """Raise ``error`` with the context that it has, although another error is handled."""
    context = error.__context__
    try:
        raise error
    finally:
        error.__context__ = context


class Pieces:
    """A body in several buffers, which are sent without being joined; it can be iterated again.

    >>> body = Pieces([b"ab", b"c"])
    >>> len(body), bytes(body)
    (3, b'abc')
    """

    __slots__ = ("_buffers", "_size")

    def __init__(self, buffers: Iterable[bytes | memoryview]) -> None:
        self._buffers = tuple(buffers)
        self._size = sum(map(len, self._buffers))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes | memoryview]:
        return iter(self._buffers)

    def __bytes__(self) -> bytes:
        return b"".join(self._buffers)


class StreamedPieces(Pieces):
    """A body whose buffers are created while it is sent, so it is never in memory as a whole."""

    __slots__ = ()

    def __bytes__(self) -> bytes:
        return b"".join(self)


class FilePieces(StreamedPieces):
    """A range of a seekable binary file, which is read, block by block, at each iteration.

    >>> body = FilePieces(io.BytesIO(b"abcdef"), 1, 3)
    >>> len(body), bytes(body), bytes(body)
    (3, b'bcd', b'bcd')
    """

    __slots__ = ("_file", "_start")

    def __init__(self, file: Any, start: int, size: int) -> None:
        self._file = file
        self._start = start
        self._size = size

    def __iter__(self) -> Iterator[bytes | memoryview]:
        try:
            self._file.seek(self._start)
            left = self._size
            while left:
                block = self._file.read(min(left, _BLOCK))
                if not block:
                    raise EOFError(f"the file ended {left} bytes early")
                left -= len(block)
                yield block
        except Exception as error:
            raise SourceError(str(error)) from error


def hashed(hasher: Any, body: Any) -> Any:
    """``hasher``, updated with a body: bytes or :class:`Pieces`."""
    for piece in body if isinstance(body, Pieces) else (body,):
        hasher.update(piece)
    return hasher


def new_md5() -> Any:
    """A new MD5 hash, which detects accidents but not attacks."""
    import hashlib

    return hashlib.md5(usedforsecurity=False)


@cache
def awscrt_checksum(name: str) -> Callable[[Any, int], int] | None:
    """A function of the package awscrt; ``None`` if that is not installed or too old to have it.

    It is looked for once: a search for a missing package takes as long as a small request does,
    and a process that forks meanwhile could never look for it again.
    """
    try:
        from awscrt import checksums  # type: ignore[import-untyped]  # it has no types
    except ImportError:
        return None
    return getattr(checksums, name, None)


def flat(view: memoryview) -> memoryview:
    """The bytes of ``view`` in one dimension; they are only copied if they are not contiguous.

    >>> bytes(flat(memoryview(b"abcd").cast("B", (2, 2))))
    b'abcd'
    """
    if view.ndim == 1 and view.format == "B" and view.contiguous:
        return view
    if view.c_contiguous and view.nbytes:  # what a cast demands
        return view.cast("B")
    return memoryview(view.tobytes())


def has_content(body: Any) -> bool:
    """Whether the body is not empty; a file or an iterator counts as not empty."""
    if body is None or type(body) is bytes:
        return bool(body)
    return bool(body) if isinstance(body, (str, bytes, bytearray, Mapping)) else True


def sendable(body: Any) -> Any:
    """Convert ``body`` for the HTTP library.

    Text becomes bytes, a large buffer a view, an object that has only ``__next__`` or ``next`` an
    iterator, and what is known to be empty ``b""``, which has a length. Others are returned as
    they are, such as a form (a dict or a list of pairs) and a file.
    """
    if body is None or isinstance(body, (bytes, Pieces, Mapping, list, tuple)):
        return body
    if isinstance(body, str):
        return body.encode("utf-8")
    if isinstance(body, (bytearray, memoryview)):
        view = memoryview(body)
        if view.nbytes <= _SMALL or not view.c_contiguous:
            return bytes(view)
        return view.cast("B")
    if hasattr(body, "read"):
        return b"" if _is_empty_file(body) else body
    if not hasattr(body, "__iter__"):
        advance = getattr(body, "__next__", None) or getattr(body, "next", None)
        if advance is not None:
            return steps(advance)
    return body


def rewinder(body: Any) -> Callable[[], None] | None:
    """A function that rewinds ``body`` to where it is now; ``None`` if that is impossible."""
    if body is None or isinstance(body, (str, bytes, bytearray, memoryview, Mapping, list, tuple)):
        return _nothing
    if not hasattr(body, "read"):
        # An iterable that is not an iterator yields its data each time.
        again = hasattr(body, "__iter__") and not hasattr(body, "__next__")
        return _nothing if again and getattr(body, "repeatable", True) else None
    try:
        position = body.tell()
        body.seek(position)
    except (AttributeError, OSError, ValueError):
        return None

    def rewind() -> None:
        body.seek(position)

    return rewind


def _nothing() -> None:
    """Rewind a body that needs no rewinding."""


def steps(advance: Callable[[], Any]) -> Iterator[Any]:
    """Yield what ``advance``, the ``__next__`` of an iterator, returns."""
    while True:
        try:
            piece = advance()
        except StopIteration:
            return
        yield piece
        del piece  # gone before the next one is made: one is held, not two


def _is_empty_file(body: Any) -> bool:
    try:
        position = body.tell()
        end = body.seek(0, io.SEEK_END)
        if end is None:
            end = body.tell()
        body.seek(position)
        # Files in /proc have size 0 but are not empty.
        empty = end <= position and not body.read(1)
        body.seek(position)
    except (AttributeError, OSError, ValueError, TypeError):
        return False
    return bool(empty)
