# SPDX-License-Identifier: Apache-2.0
"""Bodies of parts: whatever makes the data, only a window of a large part is held in memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

from libcloud.storage.types import SizeMismatchError
from libcloud.utils.arguments import kind_of
from libcloud.utils.bodies import FilePieces, Pieces, flat

# Bytes of data that is made for a part and held in memory; more are sent while they are made, or
# are put into a temporary file first.
_IN_MEMORY = 8 * 1024 * 1024
_BLOCK = 1024 * 1024


class Source(Protocol):
    """Makes the data of a part."""

    @property
    def repeatable(self) -> bool:
        """Whether :meth:`pieces` returns the same data for each attempt; otherwise only once."""

    def pieces(self) -> Iterator[memoryview]: ...


StreamedBody = Callable[[Source, int, str], Any]
"""Returns a body that is sent while it is made; or ``None``, if the store does not accept one.

Its arguments are the source, its size in bytes, and the part, for messages.
"""


def body_of(
    data: Any, size: int | None, files: ExitStack, what: str, stream: StreamedBody | None
) -> Any:
    """``data``, of which ``size`` bytes count, as a body that is sent again, or while it is made.

    :param files: closes the temporary file.
    :raises SizeMismatchError: it has another size.
    """
    body: Any
    if isinstance(data, (bytes, bytearray, Pieces)):
        body = data
    elif is_seekable(data):
        start = data.tell()
        left = data.seek(0, os.SEEK_END) - start
        body = FilePieces(data, start, left if size is None else min(size, left))
    elif isinstance(data, memoryview):
        body = flat(data)
    else:
        body = made_body(_Data(data, what), size, files, what, stream)
    if size not in (None, len(body)):
        text = f"{what} has {len(body)} bytes, and {size} were announced"
        raise SizeMismatchError(text, None, "")
    return body


def made_body(
    source: Source, size: int | None, files: ExitStack, what: str, stream: StreamedBody | None
) -> Any:
    """A body of generated data: sent while it is generated if possible, or a temporary file."""
    if stream is not None and size is not None and size > _IN_MEMORY:
        body = stream(source, size, what)
        if body is not None:
            return body
    spooled: Any = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - files closes it
    file = files.enter_context(spooled)
    for piece in source.pieces():
        file.write(piece)
    return FilePieces(file, 0, file.tell())


@dataclass(frozen=True, slots=True)
class _Data:
    data: Any
    what: str

    @property
    def repeatable(self) -> bool:
        return is_repeatable(self.data)

    def pieces(self) -> Iterator[memoryview]:
        data = self.data
        if callable(data) and not hasattr(data, "read") and not hasattr(data, "__iter__"):
            data = data()
        return views_of(data, self.what)


def is_seekable(data: Any) -> bool:
    """Whether ``data`` is a file that can be read twice."""
    return hasattr(data, "seekable") and bool(data.seekable())


def is_repeatable(data: Any) -> bool:
    """Whether ``data`` can be repeated: by a function, or by an iterable that is no iterator."""
    return not hasattr(data, "read") and not hasattr(data, "__next__")


def views_of(data: Any, what: str) -> Iterator[memoryview]:
    """The bytes of a buffer, a file or an iterable; ``what`` names it if they are not bytes."""
    pieces: Iterable[Any] = (data,)
    if hasattr(data, "read"):
        pieces = iter(lambda: data.read(_BLOCK), b"")
    elif buffer_of(data) is None and hasattr(data, "__iter__"):
        pieces = (data,) if isinstance(data, (str, Mapping)) else data
    for piece in pieces:
        view = buffer_of(piece)
        if view is None:
            raise TypeError(f"{what} must be bytes, not {kind_of(piece)}")
        yield view


def buffer_of(data: Any) -> memoryview | None:
    """A view of the bytes of a buffer; ``None`` if it is none."""
    try:
        return flat(memoryview(data))
    except TypeError:
        return None
