# SPDX-License-Identifier: Apache-2.0
"""A part that is sent while it is made: ``aws-chunked``, with its checksum after the data.

Reference: Amazon S3 API Reference, "Signature calculations for the authorization header:
Transferring a payload in multiple chunks", and "Using trailing headers".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from libcloud.common.types import MalformedResponseError
from libcloud.storage.s3.checksums import Checksum, encoded
from libcloud.storage.transfer.values import Digest
from libcloud.storage.types import InvalidSourceError, SizeMismatchError
from libcloud.utils.bodies import StreamedPieces

# Bytes of data in a chunk; all chunks but the last have as many. S3 requires 8 KiB or more.
_CHUNK = 256 * 1024


class Source(Protocol):
    """Makes the data of a part."""

    @property
    def repeatable(self) -> bool:
        """Whether :meth:`pieces` returns the same data for each attempt; otherwise only once."""

    def pieces(self) -> Iterator[memoryview]:
        """The data."""


class StreamedPart:
    """The data of one part. Its length is that of the data.

    :param size: bytes that ``source`` must yield.
    :param what: the part, for messages.
    """

    def __init__(self, source: Source, size: int, checksum: Checksum, what: str) -> None:
        self.repeatable = source.repeatable
        self.checksum = checksum
        self._source = source
        self._size = size
        self._what = what
        self._started = False
        self._error: Exception | None = None  # of the source
        self._value: bytes | None = None  # of the checksum, once all data was made
        self._first: bytes | None = None  # the same, of the first attempt that sent all

    def __len__(self) -> int:
        return self._size

    @property
    def can_be_sent_again(self) -> bool:
        """Whether a failed attempt may be followed by another one."""
        return self._error is None and (self.repeatable or not self._started)

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that describe the body."""
        return {
            "Content-Encoding": "aws-chunked",
            "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "x-amz-decoded-content-length": str(self._size),
            "x-amz-trailer": self.checksum.header,
        }

    def send(self, send: Callable[[EncodedPart], Any]) -> tuple[Any, Digest]:
        """The result of ``send`` for the encoded data, and the checksum that was sent.

        :raises Exception: that of the source, in place of what ``send`` raised.
        """
        try:
            response = send(EncodedPart(self))
        except Exception:
            if self._error is None:
                raise
            raise self._error  # noqa: B904 - its own cause is kept
        if self._value is None:
            text = f"{self._what}: the store responded before all data was sent"
            raise MalformedResponseError(text)
        return response, Digest({}, self.checksum.name, self._value)

    def encode(self) -> Iterator[bytes]:
        """The buffers of one attempt. After an error the body lacks its end, and is not stored."""
        self._value = None
        running = self.checksum.new()
        chunks = self._chunks()
        while True:
            try:
                chunk = next(chunks, None)
            except Exception as error:
                # The HTTP layer must not take an OSError of the source for one of the network.
                self._error = error
                raise _SourceError(self._what) from error
            if chunk is None:
                break
            running.update(chunk)
            yield b"%x\r\n%b\r\n" % (len(chunk), chunk)
        value = running.digest()
        self._first = self._first or value
        if value != self._first:
            text = f"{self._what} has other bytes each time it is made"
            self._error = InvalidSourceError(text)
            raise _SourceError(self._what)
        self._value = value
        yield f"0\r\n{self.checksum.header}:{encoded(self._value)}\r\n\r\n".encode("ascii")

    def _chunks(self) -> Iterator[bytes]:
        if self._started and not self.repeatable:
            raise InvalidSourceError(f"{self._what} cannot be sent again: pass a function")
        self._started = True
        held, left = bytearray(), self._size
        for piece in self._source.pieces():
            left -= len(piece)
            if left < 0:
                raise self._mismatch(self._size - left)
            start = 0
            while start < len(piece):
                stop = start + _CHUNK - len(held)
                held += piece[start:stop]
                start = stop
                if len(held) == _CHUNK:
                    yield bytes(held)
                    held = bytearray()
        if left:
            raise self._mismatch(self._size - left)
        if held:
            yield bytes(held)

    def _mismatch(self, found: int) -> SizeMismatchError:
        least = "at least " if found > self._size else ""
        text = f"{self._what} has {least}{found} bytes, and {self._size} were announced"
        return SizeMismatchError(text, None, "")


class EncodedPart(StreamedPieces):
    """The body of a request for a :class:`StreamedPart`. Its length is known in advance."""

    __slots__ = ("_part",)

    def __init__(self, part: StreamedPart) -> None:
        self._part = part
        full, rest = divmod(len(part), _CHUNK)
        trailer = len(f"0\r\n{part.checksum.header}:\r\n\r\n") + -(-part.checksum.size // 3) * 4
        self._size = full * _length_of(_CHUNK) + (_length_of(rest) if rest else 0) + trailer

    @property
    def repeatable(self) -> bool:
        return self._part.repeatable

    def __iter__(self) -> Iterator[bytes]:
        return self._part.encode()


class _SourceError(Exception):
    """The source failed."""


def _length_of(chunk: int) -> int:
    return len(f"{chunk:x}\r\n\r\n") + chunk
