# SPDX-License-Identifier: Apache-2.0
"""The sizes of parts: within every limit, for every length, decided before anything is sent."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libcloud.storage.capabilities import GIB, MIB, TIB, Limits
from libcloud.storage.transfer.upload.plan import (
    DEFAULT_PART_SIZE,
    PartPlan,
    plan_for,
    size_error,
)
from libcloud.storage.types import ObjectTooLargeError, SizeMismatchError

AMAZON = Limits()
FEW_PARTS = Limits(max_parts=1000, max_object_size=5 * TIB)
EQUAL = Limits(equal_parts=True, max_object_size=5 * TIB)
LARGEST = AMAZON.max_object_size


@st.composite
def any_limits(draw: st.DrawFn) -> Limits:
    """Limits of all proportions, small enough to be tried out."""
    smallest = draw(st.integers(1, 50))
    largest = draw(st.integers(smallest, smallest * draw(st.integers(1, 200))))
    parts = draw(st.integers(1, 300))
    return Limits(
        min_part_size=smallest,
        max_part_size=largest,
        max_parts=parts,
        max_object_size=draw(st.integers(largest, largest * parts)),
        equal_parts=draw(st.booleans()),
    )


def reach_of(limits: Limits, start: int) -> int:
    """Bytes that a stream of unknown length may have at least."""
    start = min(max(start, limits.min_part_size), limits.max_part_size)
    if limits.equal_parts:
        return min(limits.max_object_size, start * limits.max_parts)
    return min(limits.max_object_size, limits.max_parts * limits.max_part_size // 2)


def capacity_of(plan: PartPlan) -> int:
    """Bytes that all parts together can hold."""
    total = sum(plan.size_of(number) for number in range(1, plan.limits.max_parts + 1))
    return min(total, plan.limits.max_object_size)


def plan_parts(
    length: int | None, limits: Limits, *, start: int = DEFAULT_PART_SIZE
) -> Iterator[int]:
    """The sizes of the parts of an object of ``length`` bytes, or of the largest one."""
    plan = plan_for(length, limits, start=start)
    left = capacity_of(plan) if length is None else length

    def sizes() -> Iterator[int]:
        rest = left
        for number in itertools.count(1):
            size = min(plan.size_of(number), rest)
            yield size
            rest -= size
            if rest <= 0:
                return

    return sizes()


def check(sizes: list[int], limits: Limits, length: int) -> None:
    """The parts carry ``length`` bytes, and keep to the limits."""
    assert sum(sizes) == length
    assert 1 <= len(sizes) <= limits.max_parts
    assert all(limits.min_part_size <= size for size in sizes[:-1])
    assert all(size <= limits.max_part_size for size in sizes)
    assert sizes[-1] > 0 or length == 0


# Known lengths.


@pytest.mark.parametrize("limits", [AMAZON, FEW_PARTS, EQUAL])
@pytest.mark.parametrize(
    "length",
    [
        *(0, 1, 5 * MIB - 1, 5 * MIB, 8 * MIB, 8 * MIB + 1, 16 * MIB, 100 * MIB + 7),
        *(5 * GIB, 5 * GIB + 1, 8 * MIB * 1000, 8 * MIB * 1000 + 1),
        *(8 * MIB * 10_000 - 1, 8 * MIB * 10_000, 8 * MIB * 10_000 + 1),
        *(TIB, 4 * TIB + 3),
    ],
)
def test_a_known_length_is_carried_exactly(limits: Limits, length: int) -> None:
    check(list(plan_parts(length, limits)), limits, length)


@pytest.mark.parametrize("length", [LARGEST, LARGEST - 1, LARGEST // 2 + 1, 48 * TIB])
def test_amazons_largest_objects_are_carried_exactly(length: int) -> None:
    check(list(plan_parts(length, AMAZON)), AMAZON, length)


def test_amazons_largest_object_has_48_8_tib_and_all_parts_at_their_largest() -> None:
    sizes = list(plan_parts(LARGEST, AMAZON))
    assert round(LARGEST / TIB, 1) == 48.8
    assert sizes == [5 * GIB] * 10_000


def test_parts_of_a_known_length_are_equal_and_as_small_as_possible() -> None:
    sizes = list(plan_parts(100_000 * MIB, AMAZON))
    assert set(sizes) == {10 * MIB}
    assert set(plan_parts(80_000 * MIB, AMAZON)) == {DEFAULT_PART_SIZE}
    assert list(plan_parts(80_000 * MIB + 1, AMAZON))[:1] == [9 * MIB]


@pytest.mark.parametrize("start", [1, 5 * MIB, 6 * MIB, 64 * MIB, 5 * GIB, 9 * GIB])
def test_the_first_size_is_brought_within_the_limits(start: int) -> None:
    plan = plan_for(10, AMAZON, start=start)
    assert plan.start == min(max(start, 5 * MIB), 5 * GIB)
    assert plan_for(None, AMAZON, start=start).start == plan.start


@pytest.mark.slow
@settings(max_examples=200)
@given(any_limits(), st.data())
def test_any_known_length_within_any_limits_is_carried_exactly(
    limits: Limits, data: st.DataObject
) -> None:
    length = data.draw(st.integers(0, limits.max_object_size))
    start = data.draw(st.integers(1, 2 * limits.max_part_size))
    sizes = list(plan_parts(length, limits, start=start))
    check(sizes, limits, length)
    assert len(set(sizes[:-1])) <= 1


@given(st.integers(0, LARGEST), st.integers(1, 6 * GIB))
def test_any_length_on_amazon_fits(length: int, start: int) -> None:
    size = plan_for(length, AMAZON, start=start).start
    assert AMAZON.min_part_size <= size <= AMAZON.max_part_size
    assert -(-length // size) <= AMAZON.max_parts


# Unknown lengths.


@pytest.mark.parametrize("start", [5 * MIB, DEFAULT_PART_SIZE, 64 * MIB, 1 * GIB, 5 * GIB])
@pytest.mark.parametrize("limits", [AMAZON, FEW_PARTS])
def test_an_unknown_length_reaches_as_far_as_is_promised(limits: Limits, start: int) -> None:
    plan = plan_for(None, limits, start=start)
    sizes = [plan.size_of(number) for number in range(1, limits.max_parts + 1)]
    assert sizes == sorted(sizes)
    assert sizes[0] == start
    assert sizes[-1] <= limits.max_part_size
    assert min(sum(sizes), limits.max_object_size) == capacity_of(plan) >= reach_of(limits, start)


def test_amazon_takes_24_4_tib_of_unknown_length() -> None:
    assert round(capacity_of(plan_for(None, AMAZON)) / TIB, 1) >= 24.4


def test_a_quarter_of_the_parts_stays_small() -> None:
    plan = plan_for(None, AMAZON)
    assert {plan.size_of(number) for number in range(1, 2501)} == {DEFAULT_PART_SIZE}
    assert plan.size_of(10_000) > DEFAULT_PART_SIZE


def test_a_part_stays_in_proportion_to_what_was_sent_before() -> None:
    plan = plan_for(None, AMAZON)
    before = 0
    for number in range(1, 10_001):
        size = plan.size_of(number)
        assert number < 100 or size <= before / 50
        before += size


def test_parts_of_a_store_that_wants_them_equal_are_equal() -> None:
    plan = plan_for(None, EQUAL, start=6 * MIB)
    assert {plan.size_of(number) for number in range(1, 10_001)} == {6 * MIB}
    assert capacity_of(plan) == 60_000 * MIB


def test_parts_beyond_the_last_have_no_size() -> None:
    for plan in (plan_for(None, AMAZON), plan_for(7, AMAZON), plan_for(None, EQUAL)):
        assert plan.size_of(10_000) > 0
        assert plan.size_of(10_001) == 0


def test_where_parts_reach_anyway_they_do_not_grow() -> None:
    limits = Limits(max_object_size=10 * GIB)
    plan = plan_for(None, limits)
    assert {plan.size_of(number) for number in (1, 5000, 10_000)} == {DEFAULT_PART_SIZE}
    sizes = list(plan_parts(None, limits))
    assert sum(sizes) == 10 * GIB


@pytest.mark.slow
@settings(max_examples=200)
@given(any_limits(), st.data())
def test_any_unknown_length_reaches_as_far_as_is_promised(
    limits: Limits, data: st.DataObject
) -> None:
    start = data.draw(st.integers(1, 2 * limits.max_part_size))
    plan = plan_for(None, limits, start=start)
    sizes = [plan.size_of(number) for number in range(1, limits.max_parts + 1)]
    assert sizes == sorted(sizes)
    assert all(limits.min_part_size <= size <= limits.max_part_size for size in sizes)
    assert capacity_of(plan) >= reach_of(limits, start)
    check(list(plan_parts(None, limits, start=start)), limits, capacity_of(plan))


def test_sizes_from_a_mebibyte_up_are_whole_mebibytes() -> None:
    plan = plan_for(None, AMAZON)
    assert all(plan.size_of(number) % MIB == 0 for number in range(1, 10_001, 7))
    assert all(size % MIB == 0 for size in list(plan_parts(7 * TIB + 1, AMAZON))[:-1])


# Errors, before anything is sent.


@pytest.mark.parametrize(
    ("limits", "length"),
    [
        (AMAZON, LARGEST + 1),
        (FEW_PARTS, 5 * TIB),
        (Limits(max_object_size=100), 101),
        (Limits(min_part_size=1, max_part_size=10, max_parts=3), 31),
    ],
)
def test_a_length_beyond_the_limits_is_refused_at_once(limits: Limits, length: int) -> None:
    with pytest.raises(ObjectTooLargeError, match=str(length)):
        plan_for(length, limits)
    with pytest.raises(ObjectTooLargeError):
        plan_parts(length, limits)  # not only when the first size is taken


def test_invalid_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        plan_for(-1, AMAZON)
    with pytest.raises(ValueError, match="at least 1"):
        plan_for(None, AMAZON, start=0)


TINY = PartPlan(Limits(min_part_size=1, max_part_size=10, max_parts=3, max_object_size=30), 10)


@pytest.mark.parametrize(
    ("pulled", "size", "ended", "expected", "error"),
    [
        (1, 10, False, None, None),
        (2, 20, False, 25, None),
        (3, 30, True, None, None),
        (3, 30, True, 30, None),
        (3, 30, False, None, ObjectTooLargeError),
        (2, 20, True, 25, SizeMismatchError),
        (2, 20, False, 15, SizeMismatchError),
        (2, 20, True, 15, SizeMismatchError),
        (1, 0, True, 0, None),
        (1, 0, True, 1, SizeMismatchError),
        (3, 30, False, 29, SizeMismatchError),
    ],
)
def test_what_is_wrong_with_a_source(
    pulled: int, size: int, ended: bool, expected: int | None, error: type[Exception] | None
) -> None:
    found = size_error(TINY, pulled, size, ended=ended, expected=expected)
    assert type(found) is (type(None) if error is None else error)


def test_the_sizes_are_generated_lazily() -> None:
    first = list(itertools.islice(plan_parts(None, AMAZON), 3))
    assert first == [DEFAULT_PART_SIZE] * 3
