# SPDX-License-Identifier: Apache-2.0
"""Bodies of parts: a large part is not held in memory, wherever the data is."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any

from libcloud.storage.transfer.values import Body
from libcloud.storage.types import SizeMismatchError
from libcloud.utils.arguments import kind_of
from libcloud.utils.bodies import FilePieces, Pieces

# Bytes of an iterable that are held in memory; more are sent while they are made, or are put into a
# temporary file first.
_IN_MEMORY = 8 * 1024 * 1024
_BLOCK = 1024 * 1024


def body_of(
    data: Any,
    size: int | None,
    files: ExitStack,
    what: str,
    *,
    stream: Callable[..., Any] | None = None,
) -> Any:
    """``data`` as a body that can be sent again, or that is sent while it is made.

    :param data: bytes, a binary file, an iterable of bytes, or a function that returns one.
    :param size: bytes of a seekable file that count; others must have as many. ``None``: all.
    :param files: closes the temporary file.
    :param what: the part, for messages.
    :param stream: makes a body that is sent while it is made, or returns ``None``.
    :raises TypeError: it is not bytes.
    :raises SizeMismatchError: it has another size.
    """
    body: Body
    if isinstance(data, memoryview):
        body = data.cast("B")
    elif isinstance(data, (bytes, bytearray, Pieces)):
        body = data
    elif streamed := _streamed(data, size, what, stream):
        return streamed
    else:
        file = data if _is_seekable(data) else _spooled(data, what, files)
        start = file.tell()
        left = file.seek(0, os.SEEK_END) - start
        body = FilePieces(file, start, left if size is None else min(size, left))
    if size not in (None, len(body)):
        text = f"{what} has {len(body)} bytes, and {size} were announced"
        raise SizeMismatchError(text, None, "")
    return body


def _is_seekable(data: Any) -> bool:
    """Whether ``data`` is a file that can be read twice."""
    return hasattr(data, "seekable") and bool(data.seekable())


def _streamed(data: Any, size: int | None, what: str, stream: Callable[..., Any] | None) -> Any:
    """``data`` as a body that is sent while it is made; ``None`` if that is impossible."""
    if stream is None or size is None or size <= _IN_MEMORY:
        return None
    if _is_seekable(data) or not _is_source(data):
        return None
    return stream(_Source(data, what), size, what)


def _is_iterable(data: Any) -> bool:
    return hasattr(data, "__iter__") and not isinstance(
        data, (str, bytes, bytearray, memoryview, Mapping)
    )


def _is_source(data: Any) -> bool:
    return hasattr(data, "read") or _is_iterable(data) or callable(data)


@dataclass(frozen=True, slots=True)
class _Source:
    """What :func:`_pieces_of` yields."""

    data: Any
    what: str

    @property
    def repeatable(self) -> bool:
        """Whether it can be made again: by a function, or by an iterable that is no iterator."""
        return not hasattr(self.data, "read") and not hasattr(self.data, "__next__")

    def pieces(self) -> Iterator[memoryview]:
        """The bytes."""
        return _pieces_of(self.data, self.what)


def _pieces_of(data: Any, what: str) -> Iterator[memoryview]:
    """The bytes of a file or an iterable, or of what a function returns.

    :param what: the part, for messages.
    :raises TypeError: it is not bytes.
    """
    if callable(data) and not hasattr(data, "read") and not hasattr(data, "__iter__"):
        data = data()
    pieces: Iterable[Any] = (data,)
    if hasattr(data, "read"):
        pieces = iter(lambda: data.read(_BLOCK), b"")
    elif _is_iterable(data):
        pieces = data
    for piece in pieces:
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise TypeError(f"{what} must be bytes, not {kind_of(piece)}")
        view = memoryview(piece)
        yield view.cast("B") if view.c_contiguous else memoryview(view.tobytes())


def _spooled(data: Any, what: str, files: ExitStack) -> IO[bytes]:
    """A temporary file with what ``data`` yields."""
    opened: Any = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - files closes it
    file: Any = files.enter_context(opened)
    for piece in _pieces_of(data, what):
        file.write(piece)
    file.seek(0)
    return file  # type: ignore[no-any-return]
