# SPDX-License-Identifier: Apache-2.0
"""The CRC-32 of a whole from the CRC-32s of its parts, without another pass over the bytes.

A CRC is the remainder of a polynomial over GF(2); appending ``n`` bytes multiplies what came before
by ``x ** (8 * n)``. Polynomials are kept as in zlib, lowest power in the highest bit.
"""

from __future__ import annotations

from functools import lru_cache

__all__ = ["combine_crc32"]

_POLYNOMIAL = 0xEDB88320  # of zlib.crc32; RFC 1952, section 8, reflected
_ONE = 1 << 31
_X8 = 1 << 23  # x ** 8: one byte


def combine_crc32(first: int, second: int, second_length: int) -> int:
    """The CRC-32 of two pieces of data, one after the other.

    >>> import zlib
    >>> combine_crc32(zlib.crc32(b"ab"), zlib.crc32(b"cde"), 3) == zlib.crc32(b"abcde")
    True

    :param second_length: bytes of the second piece.
    """
    return _product(_shift(second_length), first) ^ second


@lru_cache(maxsize=128)
def _shift(length: int) -> int:
    """``x ** (8 * length)``, by squaring."""
    result, power = _ONE, _X8
    while length:
        if length & 1:
            result = _product(result, power)
        power = _product(power, power)
        length >>= 1
    return result


def _product(left: int, right: int) -> int:
    """The product of two polynomials, modulo that of the CRC."""
    result = 0
    while left:
        if left & _ONE:
            result ^= right
        left = (left << 1) & 0xFFFFFFFF
        right = (right >> 1) ^ (_POLYNOMIAL if right & 1 else 0)
    return result
