# SPDX-License-Identifier: Apache-2.0
"""The checksums of S3's ``x-amz-checksum-*`` headers: computed, written as text, combined.

CRC-32 and the hashes come with Python. CRC-32C and CRC-64/NVME come from awscrt, an extra of this
distribution: in Python itself they would take minutes for a GiB. The extra brings zlib-ng as well,
which computes CRC-32 in a tenth of the time.

Reference: Amazon S3 User Guide, "Checking object integrity in Amazon S3".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from libcloud.storage.transfer.download.port import RunningChecksum

HEADER = "x-amz-checksum-"
"""Prefix of the headers; the algorithm follows, in lower case."""

_EXTRA = "libcloud-storage[checksums]"

Data = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Polynomial:
    """The polynomial of a CRC; stored as in zlib, lowest power in the highest bit.

    :param width: bits.
    :param reflected: all powers but the highest, lowest power in the highest bit.
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

    :param second_length: bytes of the second piece.
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


@dataclass(frozen=True, slots=True)
class Checksum:
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
        """The header that carries a value."""
        return HEADER + self.name


class _RunningCRC:
    """A CRC by a function like ``zlib.crc32``."""

    def __init__(self, function: Callable[[Data, int], int], size: int) -> None:
        self._function = function
        self._size = size
        self._value = 0

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
    try:
        from awscrt import checksums  # type: ignore[import-untyped]  # it has no types

        compute = getattr(checksums, function)
    except (ImportError, AttributeError) as error:  # a version that is too old lacks the function
        text = f"{function} needs the package awscrt: pip install '{_EXTRA}'"
        raise ModuleNotFoundError(text, name="awscrt") from error
    return _RunningCRC(compute, size)


def _hash(name: str) -> Any:
    return hashlib.new(name, usedforsecurity=False)


CHECKSUMS: Mapping[str, Checksum] = {
    checksum.name: checksum
    for checksum in (
        Checksum("crc32", 4, lambda: _RunningCRC(_crc32(), 4), CRC32),
        Checksum("crc32c", 4, lambda: _awscrt("crc32c", 4), CRC32C),
        Checksum("crc64nvme", 8, lambda: _awscrt("crc64nvme", 8), CRC64NVME),
        Checksum("sha1", 20, lambda: _hash("sha1")),
        Checksum("sha256", 32, lambda: _hash("sha256")),
    )
}


_BY_SIZE = [(known.header, known) for known in sorted(CHECKSUMS.values(), key=lambda k: k.size)]


def available(name: str) -> bool:
    """Whether ``name`` can be computed here."""
    try:
        CHECKSUMS[name].new()
    except (KeyError, ModuleNotFoundError):
        return False
    return True


def combined(checksum: Checksum, parts: Iterable[tuple[bytes, int]]) -> bytes | None:
    """The value of a whole from pairs of value and length of its parts, in order.

    :return: ``None`` if the algorithm does not allow it; a single part has the value of the whole.
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
