# SPDX-License-Identifier: Apache-2.0
"""The body of one request, from a file or a stream, counted and hashed while it is read.

What is small is sent as bytes, which a retry can send again; what is large, as it is read.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO, Protocol, TypeVar

from libcloud.storage.types import InvalidSourceError
from libcloud.utils import files
from libcloud.utils.bodies import SourceError, raise_unchanged, source_errors

# Up to this many bytes are read into memory before the request.
READ_LIMIT = 8 * 1024 * 1024

_READ_SIZE = 64 * 1024
# Iterable, but not over pieces of data.
_NO_PIECES = (str, bytes, bytearray, memoryview, Mapping)

_T = TypeVar("_T")


class Hasher(Protocol):
    """A hash of ``hashlib``."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class Payload:
    """The body of a request, and its size and digest afterwards.

    A context manager: leaving it closes the files that it opened, and no others.

    :param chunked: the store takes a body without a length; otherwise a large one is put into a
        temporary file first.
    """

    def __init__(self, new_hash: Callable[[], Hasher], *, chunked: bool = False) -> None:
        self.body: bytes | HashingReader | HashingIterator = b""
        self.source_error: Exception | None = None
        self._new_hash = new_hash
        self._chunked = chunked
        self._files = ExitStack()
        self._hash = new_hash()
        self._former_hash: str | None = None  # of an earlier attempt that read all data
        self.size = 0

    def __enter__(self) -> Payload:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._files.close()

    def __len__(self) -> int:
        """Bytes, if their number is known before they are sent; otherwise 0."""
        return 0 if isinstance(self.body, HashingIterator) else len(self.body)

    @property
    def content(self) -> bytes | Payload:
        """The body for the engine: bytes, or the payload itself, which is read while it is sent."""
        return self.body if isinstance(self.body, bytes) else self

    @property
    def can_be_sent_again(self) -> bool:
        """Whether another attempt would send the same data."""
        return not isinstance(self.body, HashingIterator) or not self.body.started

    @property
    def is_complete(self) -> bool:
        """Whether an attempt has read all data, so that it was perhaps sent completely."""
        return isinstance(self.body, bytes) or self.body.ended or self._former_hash is not None

    @contextmanager
    def attempt(self) -> Iterator[bytes | HashingReader | HashingIterator]:
        """The body for one attempt to send it; raises the error of the source as it was."""
        body = self.body
        try:
            if isinstance(body, HashingReader) and body.started:
                if body.ended:
                    self._former_hash = self._hash.hexdigest()
                _reading(self, lambda: body.seek(0))  # starts the count and the hash again
            yield body
            return
        except Exception:
            if self.source_error is None:
                raise
        raise_unchanged(self.source_error)

    def restart(self) -> None:
        """Reset the count and the hash: the body is read from its start."""
        self._hash = self._new_hash()
        self.size = 0
        self.source_error = None

    def add(self, piece: bytes) -> None:
        self._hash.update(piece)
        self.size += len(piece)

    def digest(self) -> str:
        """The hash of the data, hexadecimal. What a fake connection has not read is read here."""
        if not isinstance(self.body, bytes) and not self.body.started:
            with source_errors():
                for _ in self.body:
                    pass
        if self._former_hash is not None and not isinstance(self.body, bytes):
            return self._hash.hexdigest() if self.body.ended else self._former_hash
        return self._hash.hexdigest()

    def take_file(self, path: str | os.PathLike[str]) -> None:
        self.take_stream(self._files.enter_context(open(path, "rb")))  # noqa: SIM115

    def take_stream(self, stream: Any, *, rewind_finished: bool = False) -> None:
        """Send what is left of ``stream``, or, if that is nothing and ``rewind_finished``, all."""
        length = _remaining(stream)
        if rewind_finished and length == 0 and stream.tell() > 0:
            stream.seek(0)
            length = _remaining(stream)
        if length is not None and length > READ_LIMIT:
            self.body = HashingReader(stream, length, self)
            return
        pieces = files.read_in_chunks(iterator=stream, chunk_size=_READ_SIZE)
        head = _read_ahead(pieces)
        if len(head) <= READ_LIMIT:
            self.body = head
            self.add(head)
        elif self._chunked:
            self.body = HashingIterator(head, pieces, self)
        else:
            self._spool(head, pieces)

    def _spool(self, head: bytes, pieces: Iterator[bytes]) -> None:
        from tempfile import TemporaryFile

        spool = self._files.enter_context(TemporaryFile())  # noqa: SIM115
        length = spool.write(head)
        for piece in pieces:
            length += spool.write(piece)
        spool.seek(0)
        self.body = HashingReader(spool, length, self)


class HashingReader:
    """The next ``length`` bytes of a file, as a separate file that can be rewound."""

    def __init__(self, file: BinaryIO, length: int, payload: Payload) -> None:
        self._file = file
        self._length = length
        self._payload = payload
        self._start = file.tell()
        self._position = 0
        self.started = False

    @property
    def ended(self) -> bool:
        return self._position == self._length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(_READ_SIZE):
            yield piece

    def read(self, size: int | None = -1) -> bytes:
        self.started = True
        left = self._length - self._position
        if size is None or size < 0 or size > left:
            size = left
        piece = _reading(self._payload, lambda: self._file.read(size)) if size else b""
        if size and not piece:
            text = (
                f"The file ended after {self._position} of {self._length} bytes: it was changed "
                "while it was sent"
            )
            self._payload.source_error = OSError(text)
            raise SourceError(text) from self._payload.source_error
        if self._position == self._payload.size:
            self._payload.add(piece)
        self._position += len(piece)
        return piece

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; at the start, counting and hashing start again."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        self._position = min(max(base + offset, 0), self._length)
        self._file.seek(self._start + self._position)
        if self._position == 0:
            self._payload.restart()
        return self._position


class HashingIterator:
    """The pieces of a stream of unknown length; it can be sent once."""

    def __init__(self, head: bytes, rest: Iterator[bytes], payload: Payload) -> None:
        self.started = False
        self.ended = False
        self._head: bytes | None = head
        self._rest = rest
        self._payload = payload

    def __iter__(self) -> HashingIterator:
        return self

    def __next__(self) -> bytes:
        self.started = True
        head, self._head = self._head, None
        try:
            piece = head or _reading(self._payload, lambda: next(self._rest))
        except StopIteration:
            self.ended = True
            raise
        self._payload.add(piece)
        return piece


def check_source(stream: object) -> None:
    """Raise :class:`InvalidSourceError` unless ``stream`` can be read; nothing is read."""
    if _is_read(stream):
        return
    hint = ""
    if isinstance(stream, (str, os.PathLike)):
        hint = ". To send a file by its name, use upload_object"
    raise InvalidSourceError(
        f"{type(stream).__name__!r} object is not an iterator (it has no __next__ or next) and has "
        f"no read method: nothing was sent{hint}"
    )


def _is_read(stream: object) -> bool:
    return any(callable(getattr(stream, name, None)) for name in ("__next__", "next", "read"))


def readable(stream: Any) -> Any:
    """``stream``, or an iterator over it, if it is a collection, as Apache Libcloud accepts."""
    if isinstance(stream, Iterable) and not isinstance(stream, _NO_PIECES) and not _is_read(stream):
        return iter(stream)
    check_source(stream)
    return stream


def _reading(payload: Payload, read: Callable[[], _T]) -> _T:
    """The result of ``read``; its error is kept, and raised in place of what HTTP layers raise."""
    try:
        return read()
    except StopIteration:
        raise
    except Exception as error:
        payload.source_error = error
        raise SourceError(str(error)) from error


def _read_ahead(pieces: Iterator[bytes | str]) -> bytes:
    """The data up to its end, or, if that is further away, a little more than ``READ_LIMIT``."""
    head = io.BytesIO()
    for piece in pieces:
        # Only a replacement of read_in_chunks in a test yields text.
        head.write(piece.encode("utf-8") if isinstance(piece, str) else piece)
        if head.tell() > READ_LIMIT:
            break
    return head.getvalue()


def _remaining(stream: Any) -> int | None:
    """Bytes from here to the end of a binary file; ``None`` for all else. It stays where it is."""
    seek, tell, read = (getattr(stream, name, None) for name in ("seek", "tell", "read"))
    if not (callable(seek) and callable(tell) and callable(read)):
        return None
    try:
        position = tell()
        end = seek(0, io.SEEK_END)
        end = tell() if end is None else end
        seek(position)
        is_binary = isinstance(read(0), bytes)
    except io.UnsupportedOperation:
        return None
    except OSError as error:
        if error.errno in (errno.ESPIPE, errno.EINVAL):  # a pipe; a file of /proc
            return None
        raise
    if not is_binary or not isinstance(position, int) or not isinstance(end, int):
        return None
    return max(end - position, 0)
