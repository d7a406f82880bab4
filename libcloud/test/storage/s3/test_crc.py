# SPDX-License-Identifier: Apache-2.0
"""The CRC of a whole, from those of its parts."""

from __future__ import annotations

import zlib
from functools import partial, reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libcloud.storage.capabilities import GIB, MIB, TIB
from libcloud.storage.s3.checksums import CRC32, combine

combine_crc32 = partial(combine, CRC32)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_two_pieces_combine_to_the_whole(first: bytes, second: bytes) -> None:
    combined = combine_crc32(zlib.crc32(first), zlib.crc32(second), len(second))
    assert combined == zlib.crc32(first + second)


@given(st.lists(st.binary(max_size=100), max_size=12))
def test_any_number_of_pieces_combines_to_the_whole(pieces: list[bytes]) -> None:
    combined = reduce(
        lambda crc, piece: combine_crc32(crc, zlib.crc32(piece), len(piece)), pieces, 0
    )
    assert combined == zlib.crc32(b"".join(pieces))


@given(st.binary(max_size=99), st.binary(max_size=99), st.binary(max_size=99))
def test_it_does_not_matter_which_two_are_combined_first(a: bytes, b: bytes, c: bytes) -> None:
    crc_a, crc_b, crc_c = map(zlib.crc32, (a, b, c))
    left = combine_crc32(combine_crc32(crc_a, crc_b, len(b)), crc_c, len(c))
    right = combine_crc32(crc_a, combine_crc32(crc_b, crc_c, len(c)), len(b) + len(c))
    assert left == right


def test_nothing_added_changes_nothing() -> None:
    crc = zlib.crc32(b"all")
    assert combine_crc32(crc, zlib.crc32(b""), 0) == crc
    assert combine_crc32(zlib.crc32(b""), crc, 3) == crc


def test_the_crc_has_its_check_value() -> None:
    # CRC-32/ISO-HDLC of "123456789": the catalogue's check value.
    assert combine_crc32(zlib.crc32(b"12345"), zlib.crc32(b"6789"), 4) == 0xCBF43926


@pytest.mark.parametrize("length", [2**8, 2**16 - 1, 2**20, MIB + 1, 8 * MIB])
def test_long_pieces_combine_too(length: int) -> None:
    zeros = bytes(length)
    combined = combine_crc32(zlib.crc32(b"head"), zlib.crc32(zeros), length)
    assert combined == zlib.crc32(zeros, zlib.crc32(b"head"))


@pytest.mark.parametrize("length", [5 * GIB, 5 * GIB + 1, 49 * TIB])
def test_the_length_of_the_second_may_be_that_of_any_object(length: int) -> None:
    """Appending in one step is appending in two."""
    half = length // 2
    zeros_half, zeros_rest = _crc_of_zeros(half), _crc_of_zeros(length - half)
    once = combine_crc32(0x12345678, _crc_of_zeros(length), length)
    twice = combine_crc32(combine_crc32(0x12345678, zeros_half, half), zeros_rest, length - half)
    assert once == twice <= 0xFFFFFFFF


def _crc_of_zeros(length: int) -> int:
    """The CRC-32 of so many zero bytes, by doubling."""
    crc, done, unit, size = 0, 0, zlib.crc32(b"\0"), 1
    while length:
        if length & 1:
            crc = combine_crc32(crc, unit, size)
            done += size
        unit, size = combine_crc32(unit, unit, size), size * 2
        length >>= 1
    return crc


def test_zeros_counted_by_doubling_are_zeros() -> None:
    assert _crc_of_zeros(1000) == zlib.crc32(bytes(1000))
