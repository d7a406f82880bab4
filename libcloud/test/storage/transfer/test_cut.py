# SPDX-License-Identifier: Apache-2.0
"""Pieces are cut into parts: without gaps, within the limits, and always in the same way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libcloud.storage.capabilities import GIB, MIB, TIB, Limits
from libcloud.storage.transfer.cut import CutPart, cut
from libcloud.storage.types import ObjectTooLargeError

SMALL = Limits(
    min_part_size=5, max_part_size=40, max_parts=20, max_object_size=800, max_put_size=40
)


def joined(parts: list[CutPart], sizes: list[int]) -> list[tuple[int, int]]:
    """Piece and position of every byte of the parts, in order."""
    return [
        (piece, position)
        for part in parts
        for piece, start, stop in part.ranges
        for position in range(start, stop)
    ]


def every_byte(sizes: list[int]) -> list[tuple[int, int]]:
    return [(piece, at) for piece, size in enumerate(sizes) for at in range(size)]


def check_limits(parts: list[CutPart], limits: Limits) -> None:
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert 1 <= len(parts) <= limits.max_parts
    assert all(limits.min_part_size <= part.size for part in parts[:-1])
    assert all(part.size <= limits.max_part_size for part in parts)
    if limits.equal_parts:
        assert len({part.size for part in parts[:-1]}) <= 1
        assert parts[-1].size <= parts[0].size


@given(
    st.lists(st.integers(0, 60), max_size=40).filter(lambda sizes: sum(sizes) <= 800),
    st.integers(1, 40),
    st.booleans(),
)
@example([0, 0], 1, False)
@example([4] * 25, 5, False)
@example([799, 1], 40, False)
@example([1, 799], 1, True)
def test_the_parts_hold_every_byte_once_and_in_order(
    sizes: list[int], part_size: int, equal: bool
) -> None:
    limits = replace(SMALL, equal_parts=equal)
    parts = cut(sizes, limits, part_size=part_size)
    assert joined(parts, sizes) == every_byte(sizes)
    check_limits(parts, limits)
    assert parts == cut(tuple(sizes), limits, part_size=part_size)


@given(st.lists(st.integers(0, 2 * GIB), min_size=1, max_size=60), st.booleans())
def test_large_pieces_keep_to_the_limits_of_the_store(sizes: list[int], equal: bool) -> None:
    limits = Limits(equal_parts=equal)
    parts = cut(sizes, limits)
    check_limits(parts, limits)
    assert sum(part.size for part in parts) == sum(sizes)
    assert all(start < stop for part in parts for _, start, stop in part.ranges)


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([6 * MIB] * 20_000, id="more pieces than parts"),
        pytest.param([100] * 20_000, id="small pieces"),
        pytest.param([0] * 20_000 + [1], id="empty pieces"),
        pytest.param([2**40] * 48, id="48 TiB"),
        pytest.param([10_000 * 5 * GIB], id="the largest object"),
        pytest.param([1, 10_000 * 5 * GIB - 1], id="the largest object, unaligned"),
        pytest.param([5 * MIB - 1, 5 * MIB] * 5_000, id="around the smallest part"),
    ],
)
@pytest.mark.parametrize("equal", [False, True])
def test_extreme_lists_keep_to_the_limits(sizes: list[int], equal: bool) -> None:
    limits = Limits(equal_parts=equal)
    parts = cut(sizes, limits)
    check_limits(parts, limits)
    assert sum(part.size for part in parts) == sum(sizes)


def test_a_piece_of_a_suitable_size_is_one_part() -> None:
    sizes = [6 * MIB, 8 * MIB, 5 * MIB]
    assert [part.ranges for part in cut(sizes, Limits())] == [
        ((0, 0, 6 * MIB),),
        ((1, 0, 8 * MIB),),
        ((2, 0, 5 * MIB),),
    ]


def test_a_small_piece_joins_its_neighbour() -> None:
    assert [part.ranges for part in cut([MIB, 6 * MIB], Limits())] == [
        ((0, 0, MIB), (1, 0, 6 * MIB)),
    ]


def test_a_large_piece_is_divided_evenly() -> None:
    parts = cut([100 * MIB], Limits(), part_size=16 * MIB)
    assert {part.size for part in parts} == {100 * MIB // 7, 100 * MIB // 7 + 1}


def test_no_data_is_one_empty_part() -> None:
    assert cut([], Limits()) == cut([0, 0], Limits()) == [CutPart(1, ())]


def test_more_data_than_the_store_takes_is_an_error() -> None:
    with pytest.raises(ObjectTooLargeError):
        cut([48 * TIB, TIB], Limits())


@pytest.mark.parametrize("sizes", [[1, -1], [-5]])
def test_a_negative_size_is_an_error(sizes: list[int]) -> None:
    with pytest.raises(ValueError, match="negative"):
        cut(sizes, Limits())


@pytest.mark.parametrize("size", [1.0, "1", None, True])
def test_a_size_that_is_no_whole_number_is_an_error(size: object) -> None:
    with pytest.raises(TypeError, match="piece 1"):
        cut([1, size], Limits())  # type: ignore[list-item]
