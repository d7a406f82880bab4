# SPDX-License-Identifier: Apache-2.0
"""Divides any source of bytes into parts; each byte is copied once at most.

A piece of ``bytes`` that lies within one part is sent without copying. Small ones are joined, a few
at a time; buffers that their producer may still change, and pieces that cross the end of a part,
are copied. So a part takes no more memory than its size, while it is filled and while it is sent.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import GeneratorType
from typing import Any, Generic

from libcloud.storage.transfer.values import Content, SourcePart
from libcloud.storage.types import InvalidSourceError, SizeMismatchError
from libcloud.utils import files
from libcloud.utils.bodies import Pieces, flat, hashed, new_md5, raise_if_cut, steps
from libcloud.utils.values import Value

_READ_SIZE = 1024 * 1024

# Smaller pieces are joined: a system call and a call of the hash function for each of them would
# cost more than the copy.
_LARGE = 64 * 1024

# Total size of joined pieces, and their maximum number: each one has a memory overhead.
_JOINED_SIZE = 256 * 1024
_JOINED_PIECES = 4096


_END = object()

# Copies small pieces; tests count the bytes.
_joined = b"".join


class PartBuffer:
    """The body of one part of ``size`` bytes, while it is filled."""

    def __init__(self, size: int) -> None:
        self.room = size
        self._buffers: list[bytes] = []
        self._runs: list[bytes] = []  # of pieces so small that they were joined before
        self._small: list[bytes] = []
        self._small_size = 0
        self._empty = 0  # pieces in a row, in steps of _JOINED_PIECES

    def add(self, piece: bytes | memoryview) -> None:
        """Append ``piece``, of at most ``room`` bytes. A view is copied: its bytes may change."""
        data = piece if isinstance(piece, bytes) else bytes(piece)
        self.room -= len(data)
        self._small.append(data)
        self._small_size += len(data)
        if len(data) >= _LARGE or self._small_size >= _JOINED_SIZE:
            self._join()

    def add_small(self, pieces: Iterator[object]) -> object:
        """Append small ``bytes`` while they fit; return the first other piece, or :data:`_END`."""
        small, size, room = self._small, self._small_size, self.room
        for piece in pieces:
            if type(piece) is not bytes or (length := len(piece)) >= _LARGE or length >= room:
                self._small_size, self.room = size, room
                return piece
            small.append(piece)
            room -= length
            size += length
            if size >= _JOINED_SIZE:
                self._join()
                small, size = self._small, 0
            elif len(small) >= _JOINED_PIECES:
                self._add_run(_joined(small))
                small.clear()
        self._small_size, self.room = size, room
        return _END

    def body(self) -> bytes | Pieces:
        """All that was added; to be called once."""
        if len(self._small) == 1 and not self._runs and not self._buffers:
            return self._small[0]
        self._join()
        if len(self._buffers) > 1:
            return Pieces(self._buffers)
        return self._buffers[0] if self._buffers else b""

    def _add_run(self, run: bytes) -> None:
        """Keep what was joined of small pieces; count them if they were all empty."""
        if run:
            self._runs.append(run)
        self._empty = 0 if run else self._empty + _JOINED_PIECES
        if self._empty > files.MAX_EMPTY_PIECES:
            raise files.endless_source_error()

    def _join(self) -> None:
        """Make one buffer of the small ones; a large one alone is not copied."""
        is_large = bool(self._small) and len(self._small[-1]) >= _LARGE
        large = self._small.pop() if is_large else None
        if self._runs or self._small:
            self._buffers.append(_joined([*self._runs, *self._small]))
        if large is not None:
            self._buffers.append(large)
        self._runs, self._small, self._small_size = [], [], 0


class PartSource:
    """Parts cut from ``source``.

    :param source: an iterator or iterable of pieces (bytes, bytearray, memoryview or any other
        buffer; ``str`` is encoded as UTF-8; a number from 0 to 255 is that byte, because iterating
        over bytes yields numbers), an object with ``read(size)``, or one such buffer. An empty
        piece is not the end; an empty ``read()`` is.
    :raises InvalidSourceError: ``source`` is none of these. Nothing was taken from it.
    """

    def __init__(self, source: object) -> None:
        self._pieces = source if type(source) is GeneratorType else pieces_of(source)
        self._rest: bytes | memoryview = b""

    def next_part(self, size: int) -> SourcePart[bytes | Pieces]:
        """The next ``size`` bytes, or fewer at the end; reads one piece more, to know ``last``."""
        part, ended = PartBuffer(size), False
        while part.room and (self._rest or not (ended := not self._advance(part))):
            rest, self._rest = self._rest, b""
            if len(rest) > part.room:
                self._rest = memoryview(rest)[part.room :]
                rest = memoryview(rest)[: part.room]
            part.add(rest)
            del rest  # a producer may resize the buffer it yielded before
        last = not self._rest and (ended or not self._advance(part))
        return SourcePart(part.body(), last)

    def _advance(self, part: PartBuffer) -> bool:
        """Take pieces until one is not empty and does not fit immediately."""
        room, empty = part.room, 0
        while (piece := part.add_small(self._pieces)) is not _END:
            self._rest = piece if type(piece) is bytes else _as_bytes(piece)
            if self._rest:
                return True
            self._rest = b""  # an empty buffer, too, may be resized by its producer
            del piece
            room, empty = part.room, empty + 1 if part.room == room else 1
            if empty > files.MAX_EMPTY_PIECES:
                raise files.endless_source_error()
        return False


@dataclass(slots=True, eq=False, repr=False)
class WholeSource(Value, Generic[Content]):
    """One part of any size, for an object that is sent by one request."""

    content: Content

    def next_part(self, size: int) -> SourcePart[Content]:
        return SourcePart(self.content, last=True)


class HashingSource:
    """A source whose MD5 is computed while its parts are taken."""

    def __init__(self, source: PartSource) -> None:
        self.parts = source
        self._md5 = new_md5()

    def next_part(self, size: int) -> SourcePart[bytes | Pieces]:
        part = self.parts.next_part(size)
        hashed(self._md5, part.body)
        return part

    def digest(self) -> bytes:
        return bytes(self._md5.digest())


class RangeSource:
    """The bytes of an object as ranges, which the store copies, or others have sent.

    >>> source = RangeSource(10)
    >>> source.next_part(8)
    SourcePart(body=range(0, 8), last=False)
    >>> source.next_part(8)
    SourcePart(body=range(8, 10), last=True)

    :param size: of the object, bytes.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken = 0

    def next_part(self, size: int) -> SourcePart[range]:
        """The next ``size`` bytes, or fewer at the end."""
        start, self._taken = self._taken, min(self._size, self._taken + size)
        return SourcePart(range(start, self._taken), self._taken == self._size)


class LocalFile(io.FileIO):
    """A file that workers read in parallel; the ``exact_size`` of a pipe is ``None``."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(os.fspath(path), "rb")
        status = os.fstat(self.fileno())
        self.exact_size = status.st_size if files.has_exact_size(status) else None


@dataclass(slots=True, eq=False, repr=False)
class FileRange(Value):
    """A part that the thread that sends it reads from its file, whose position is not used."""

    file: LocalFile
    start: int
    size: int

    def __len__(self) -> int:
        return self.size

    def read(self) -> Pieces:
        """All bytes; a file that ends earlier is a :exc:`SizeMismatchError`."""
        pieces: list[bytes] = []
        start, end = self.start, self.start + self.size
        while start < end:
            piece = os.pread(self.file.fileno(), min(_READ_SIZE, end - start), start)
            if not piece:
                raise _changed(self.file.exact_size, os.fstat(self.file.fileno()).st_size)
            pieces.append(piece)
            start += len(piece)
        return Pieces(pieces)


class FileSource:
    """The parts of a file, from its current position; its size must not change."""

    def __init__(self, file: LocalFile) -> None:
        self._file = file
        self._position = file.tell()

    def next_part(self, size: int) -> SourcePart[FileRange]:
        total = self._file.exact_size or 0
        start = self._position
        self._position = min(start + size, total)
        last = self._position >= total
        current = os.fstat(self._file.fileno()).st_size if last else total
        if current != total:
            raise _changed(total, current)
        return SourcePart(FileRange(self._file, start, self._position - start), last)


def source_of(stream: Any) -> Any:
    """The parts of ``stream``, which may be a source already; see :class:`PartSource`."""
    if hasattr(type(stream), "next_part"):  # an instance may pass any attribute on
        return stream
    if isinstance(stream, LocalFile) and stream.exact_size is not None and hasattr(os, "pread"):
        return FileSource(stream)
    return PartSource(stream)


def _changed(expected: int | None, size: int) -> SizeMismatchError:
    return SizeMismatchError(
        f"the file had {expected} bytes and has {size} now: it changed while it was sent; "
        "nothing was published",
        None,
        "",
    )


def pieces_of(source: object) -> Iterator[object]:
    """An iterator over the pieces of ``source``; see :class:`PartSource` for what a source is."""
    if isinstance(source, (str, dict, set, frozenset)) or source is None:
        raise InvalidSourceError(_not_a_source(source))
    if callable(getattr(source, "read", None)):
        return _reads(source)
    step = getattr(source, "__next__", None) or getattr(source, "next", None)
    if callable(step):
        if isinstance(source, Iterator) and iter(source) is source:
            return source
        return steps(step)  # it is not iterable
    if _is_buffer(source):
        return iter((source,))
    if hasattr(source, "__iter__"):
        return iter(source)
    raise InvalidSourceError(_not_a_source(source))


def _reads(source: Any) -> Iterator[object]:
    while True:
        piece = source.read(_READ_SIZE)
        if piece is None:
            raise InvalidSourceError("read() returned None: a non-blocking stream has no data yet")
        if not len(_as_bytes(piece)):
            return raise_if_cut(source)
        yield piece
        del piece  # gone before the next one is made: one is held, not two


def _is_buffer(source: object) -> bool:
    try:
        memoryview(source).release()  # type: ignore[arg-type]  # that is the question
    except TypeError:
        return False
    return True


def _as_bytes(piece: object) -> memoryview:
    """``piece`` as a flat view of its bytes."""
    if isinstance(piece, str):
        piece = piece.encode("utf-8")
    elif isinstance(piece, int) and not isinstance(piece, bool) and 0 <= piece <= 255:
        piece = bytes((piece,))
    try:
        view = memoryview(piece)  # type: ignore[arg-type]  # other types are refused below
    except TypeError:
        raise InvalidSourceError(
            f"a piece of the stream is {type(piece).__name__}, not bytes; nothing was published"
        ) from None
    return flat(view)


def _not_a_source(source: object) -> str:
    hint = ""
    if isinstance(source, str):
        hint = " (to send a file by its name, use upload_object; to send text, encode it)"
    elif hasattr(source, "__fspath__"):
        hint = " (to send a file by its name, use upload_object)"
    elif hasattr(source, "__aiter__"):
        hint = " (an asynchronous iterator cannot be read here)"
    return (
        f"not a source of bytes: {type(source).__name__}. Pass an iterator of bytes, or an object "
        f"with read(){hint}"
    )
