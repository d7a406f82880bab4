# SPDX-License-Identifier: Apache-2.0
"""The CRC of a whole from the CRCs of its parts, without another pass over the bytes.

A CRC is the remainder of a polynomial over GF(2); appending ``n`` bytes multiplies what came before
by ``x ** (8 * n)``. Polynomials are kept as in zlib, lowest power in the highest bit. It holds for
every CRC that begins with all ones and is inverted at the end, as the three here do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

__all__ = ["CRC32", "CRC32C", "CRC64NVME", "Polynomial", "combine"]


@dataclass(frozen=True, slots=True)
class Polynomial:
    """What a CRC divides by.

    :param width: bits.
    :param reflected: all powers but the highest, lowest power in the highest bit.
    """

    width: int
    reflected: int


CRC32 = Polynomial(32, 0xEDB88320)  # of zlib.crc32; RFC 1952, section 8
CRC32C = Polynomial(32, 0x82F63B78)  # Castagnoli; RFC 3720, section 12.1
CRC64NVME = Polynomial(64, 0x9A6C9329AC4BC9B5)  # NVM Command Set Specification 1.0, section 5.2.1.3


def combine(polynomial: Polynomial, first: int, second: int, second_length: int) -> int:
    """The CRC of two pieces of data, one after the other.

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
