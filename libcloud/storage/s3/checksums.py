# SPDX-License-Identifier: Apache-2.0
"""The checksums of S3's ``x-amz-checksum-*`` headers: computed, written as text, combined.

CRC-32 and the hashes come with Python. CRC-32C and CRC-64/NVME come from awscrt, an extra of this
distribution: in Python itself they would take minutes for a GiB. The extra brings zlib-ng as well,
which computes CRC-32 in a tenth of the time.

A part can be sent while it is made, as ``aws-chunked`` with its checksum after the data.

Reference: Amazon S3 User Guide, "Checking object integrity in Amazon S3"; Amazon S3 API Reference,
"Signature calculations for the authorization header: Transferring a payload in multiple chunks",
and "Using trailing headers".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from libcloud.common.types import MalformedResponseError
from libcloud.storage.transfer.values import Digest
from libcloud.storage.types import InvalidSourceError, SizeMismatchError
from libcloud.utils.bodies import SourceError, StreamedPieces, awscrt_checksum

if TYPE_CHECKING:
    from libcloud.storage.transfer.download.port import RunningChecksum


HEADER = "x-amz-checksum-"
"""Prefix of the headers; the algorithm follows, in lower case."""

_EXTRA = "libcloud-storage[checksums]"

Data = bytes | bytearray | memoryview


class Polynomial(NamedTuple):
    """The polynomial of a CRC of ``width`` bits, without its highest power.

    As in zlib, the lowest power is in the highest bit.
    """

    width: int
    reflected: int


CRC32 = Polynomial(32, 0xEDB88320)  # of zlib.crc32; RFC 1952, section 8
CRC32C = Polynomial(32, 0x82F63B78)  # Castagnoli; RFC 3720, section 12.1
CRC64NVME = Polynomial(64, 0x9A6C9329AC4BC9B5)  # NVM Command Set Specification 1.0, section 5.2.1.3


def combine(polynomial: Polynomial, first: int, second: int, second_length: int) -> int:
    """The CRC of two pieces of data, one after the other, without reading them again.

    A CRC is the remainder of a polynomial over GF(2); appending ``n`` bytes multiplies what came
    before by ``x ** (8 * n)``. This holds for every CRC that starts with all ones and is inverted
    at the end, as the three here do.

    >>> import zlib
    >>> combine(CRC32, zlib.crc32(b"ab"), zlib.crc32(b"cde"), 3) == zlib.crc32(b"abcde")
    True
    """
    return _product(polynomial, _shift(polynomial, second_length), first) ^ second


@lru_cache(maxsize=128)
def _shift(polynomial: Polynomial, length: int) -> int:
    """``x ** (8 * length)``, by squaring."""
    one = 1 << (polynomial.width - 1)
    result, power = one, one >> 8
    while length:
        if length & 1:
            result = _product(polynomial, result, power)
        power = _product(polynomial, power, power)
        length >>= 1
    return result


def _product(polynomial: Polynomial, left: int, right: int) -> int:
    """The product of two polynomials, modulo ``polynomial``."""
    one = 1 << (polynomial.width - 1)
    mask = (one << 1) - 1
    result = 0
    while left:
        if left & one:
            result ^= right
        left = (left << 1) & mask
        right = (right >> 1) ^ (polynomial.reflected if right & 1 else 0)
    return result


class Checksum(NamedTuple):
    """An algorithm.

    :param name: as in the header, in lower case: ``"crc32c"``.
    :param size: of a value, bytes.
    :param new: starts a computation; raises ``ModuleNotFoundError`` if a package is missing.
    :param polynomial: of a CRC, whose values can be combined; ``None`` for a hash.
    """

    name: str
    size: int
    new: Callable[[], RunningChecksum]
    polynomial: Polynomial | None = None

    @property
    def header(self) -> str:
        return HEADER + self.name


class _RunningCRC:
    """A CRC by a function like ``zlib.crc32``."""

    def __init__(self, function: Callable[[Data, int], int], size: int) -> None:
        self._function, self._size, self._value = function, size, 0

    def update(self, data: Data, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


@cache
def _crc32() -> Callable[[Data, int], int]:
    """The faster one of what is installed; the values are the same."""
    try:
        from zlib_ng import zlib_ng
    except ImportError:
        return zlib.crc32
    return zlib_ng.crc32


def _awscrt(function: str, size: int) -> RunningChecksum:
    compute = awscrt_checksum(function)
    if compute is None:
        text = f"{function} needs the package awscrt: pip install '{_EXTRA}'"
        raise ModuleNotFoundError(text, name="awscrt")
    return _RunningCRC(compute, size)


CHECKSUMS: Mapping[str, Checksum] = {
    checksum.name: checksum
    for checksum in (
        Checksum("crc32", 4, lambda: _RunningCRC(_crc32(), 4), CRC32),
        Checksum("crc32c", 4, lambda: _awscrt("crc32c", 4), CRC32C),
        Checksum("crc64nvme", 8, lambda: _awscrt("crc64nvme", 8), CRC64NVME),
        Checksum("sha1", 20, partial(hashlib.sha1, usedforsecurity=False)),
        Checksum("sha256", 32, partial(hashlib.sha256, usedforsecurity=False)),
    )
}


_BY_SIZE = [(known.header, known) for known in sorted(CHECKSUMS.values(), key=lambda k: k.size)]


def available(name: str) -> bool:
    try:
        CHECKSUMS[name].new()
    except (KeyError, ModuleNotFoundError):
        return False
    return True


def combined(checksum: Checksum, parts: Iterable[tuple[bytes, int]]) -> bytes | None:
    """The value of a whole from pairs of value and length of its parts, in order.

    ``None`` if the algorithm does not allow it; a single part has the value of the whole.
    """
    pairs = list(parts)
    if len(pairs) == 1:
        return pairs[0][0]
    if checksum.polynomial is None:
        return None
    whole = 0
    for value, length in pairs:
        whole = combine(checksum.polynomial, whole, int.from_bytes(value, "big"), length)
    return whole.to_bytes(checksum.size, "big")


def encoded(value: bytes) -> str:
    """``value`` as headers and documents carry it: base64."""
    return base64.b64encode(value).decode("ascii")


def decoded(text: str) -> bytes | None:
    """The inverse; ``None`` if the text is invalid or a composite checksum (``...-3``)."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def checksum_in(headers: Mapping[str, str]) -> tuple[Checksum, bytes] | None:
    """The checksum of the whole object in the ``headers`` of a response; names in lower case.

    The cheapest one that can be computed here, if there are several; ``None`` without one, or
    if it was composed of those of parts (``x-amz-checksum-type: COMPOSITE``).
    """
    if HEADER not in "\n".join(headers):
        return None
    if headers.get(f"{HEADER}type", "FULL_OBJECT").upper() != "FULL_OBJECT":
        return None
    for header, checksum in _BY_SIZE:
        text = headers.get(header)
        value = decoded(text) if text else None
        if value is not None and len(value) == checksum.size and available(checksum.name):
            return checksum, value
    return None


# Bytes of data in a chunk; all chunks but the last have as many. S3 requires 8 KiB or more.
_CHUNK = 256 * 1024


class PartSource(Protocol):
    """Makes the data of a part; once, unless it is ``repeatable``."""

    @property
    def repeatable(self) -> bool: ...

    def pieces(self) -> Iterator[memoryview]: ...


class StreamedPart:
    """The data of one part: ``size`` bytes, which ``source`` must yield."""

    def __init__(self, source: PartSource, size: int, checksum: Checksum, what: str) -> None:
        self.repeatable = source.repeatable
        self.checksum = checksum
        self._source, self._size, self._what = source, size, what
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
        return {
            "Content-Encoding": "aws-chunked",
            "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "x-amz-decoded-content-length": str(self._size),
            "x-amz-trailer": self.checksum.header,
        }

    def send(self, send: Callable[[EncodedPart], Any]) -> tuple[Any, Digest]:
        """The result of ``send`` for the encoded data, and the checksum that was sent."""
        response = send(EncodedPart(self))
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
                self._error = error
                raise SourceError(self._what) from error
            if chunk is None:
                break
            running.update(chunk)
            yield b"%x\r\n%b\r\n" % (len(chunk), chunk)
        value = running.digest()
        self._first = self._first or value
        if value != self._first:
            self._error = InvalidSourceError(f"{self._what} has other bytes each time it is made")
            raise SourceError(self._what) from self._error
        self._value = value
        yield f"0\r\n{self.checksum.header}:{encoded(value)}\r\n\r\n".encode("ascii")

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


def _length_of(chunk: int) -> int:
    return len(f"{chunk:x}\r\n\r\n") + chunk
