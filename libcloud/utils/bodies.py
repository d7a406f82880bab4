# SPDX-License-Identifier: Apache-2.0
"""Bodies of requests: what can be sent, how long it is, and how to send it once more."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

__all__ = ["Pieces", "has_content", "rewinder", "sendable"]

# Cheaper to copy than to keep the buffer of the caller locked.
_SMALL = 64 * 1024


class Pieces:
    """A body of known length that lies in several buffers: it is sent without being joined.

    Iterating gives the buffers, in order, as often as wanted.

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


def has_content(body: Any) -> bool:
    """Whether there is something to send; a file or an iterator counts as something."""
    return bool(body) if isinstance(body, (str, bytes, bytearray, Mapping)) else body is not None


def sendable(body: Any) -> Any:
    """``body`` in the form that goes to the HTTP library.

    Text becomes bytes. Large buffers (``bytearray``, ``memoryview`` of any format) become a view of
    their bytes, not a copy. What is known to be empty becomes ``b""``, so that it has a length; and
    an object that has only ``__next__``, or ``next``, becomes an iterator.

    :param body: ``None`` for no body. A dict or a list of pairs (a form) and a file stay as they
        are.
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
            return _pieces(advance)
    return body


def rewinder(body: Any) -> Callable[[], None] | None:
    """A function that puts ``body`` back to where it stands now; ``None`` if there is none.

    To be called before ``body`` is sent for the first time.
    """
    if body is None or isinstance(body, (str, bytes, bytearray, memoryview, Mapping, list, tuple)):
        return _nothing
    if not hasattr(body, "read"):
        # An iterator that yields to more than one ``iter()`` gives its data each time.
        again = hasattr(body, "__iter__") and not hasattr(body, "__next__")
        return _nothing if again else None
    try:
        position = body.tell()
        body.seek(position)
    except (AttributeError, OSError, ValueError):
        return None

    def rewind() -> None:
        body.seek(position)

    return rewind


def _nothing() -> None:
    """For a body that is the same at each sending."""


def _pieces(advance: Callable[[], Any]) -> Iterator[Any]:
    while True:
        try:
            piece = advance()
        except StopIteration:
            return
        yield piece


def _is_empty_file(body: Any) -> bool:
    """Whether nothing is left to read; what cannot be told is not empty."""
    try:
        position = body.tell()
        end = body.seek(0, io.SEEK_END)
        if end is None:
            end = body.tell()
        body.seek(position)
        # Files of /proc have 0 bytes, and something to read.
        empty = end <= position and not body.read(1)
        body.seek(position)
    except (AttributeError, OSError, ValueError, TypeError):
        return False
    return bool(empty)
