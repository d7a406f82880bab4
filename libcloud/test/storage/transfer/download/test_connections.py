# SPDX-License-Identifier: Apache-2.0
"""How many connections a download uses, and which parts of the object they fetch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libcloud.storage.transfer.download import parallel
from libcloud.storage.transfer.download.parallel import adaptive_connections

MB = 1_000_000


def sizes(rate_of: Callable[[int], float], measurements: int, most: int = 16) -> list[int]:
    """The number of connections before each measurement, and after the last one."""
    connections = adaptive_connections(most)
    found = [connections.size]
    for _ in range(measurements):
        connections.measured(rate_of(connections.size))
        found.append(connections.size)
    return found


def test_they_double_while_each_has_a_limited_rate() -> None:
    assert sizes(lambda size: size * 90 * MB, 5) == [1, 2, 4, 8, 16, 16]


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_there_are_never_more_than_allowed(most: int) -> None:
    assert max(sizes(lambda size: size, 50, most)) == most


def test_one_remains_where_more_do_not_pay() -> None:
    found = sizes(lambda size: 1000 * MB, 100)
    assert max(found) == 2
    assert found.count(1) > 0.8 * len(found)


def test_the_number_that_paid_is_kept() -> None:
    """The network carries 400 MB/s."""
    assert sizes(lambda size: min(size * 90 * MB, 400 * MB), 12)[9:] == [8] * 4


def test_a_larger_number_is_tried_again_later() -> None:
    limits = iter([90 * MB] * 10 + [10_000 * MB] * 100)
    found = sizes(lambda size: min(size * 90 * MB, next(limits)), 60)
    assert found[10] <= 2
    assert found[-1] == 16


def test_a_number_that_the_user_chose_stays() -> None:
    connections = adaptive_connections(3, 3)
    connections.measured(0.0)
    connections.measured(10.0**9)
    assert connections.size == 3


# The parts.


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=20),
    size=st.integers(1, 12),
)
def test_pieces_are_split_where_parts_end(lengths: list[int], size: int) -> None:
    data = bytes(range(sum(lengths)))
    rest = iter(data)
    pieces = [bytes(next(rest) for _ in range(length)) for length in lengths]
    parts = parallel._Parts(len(data), size)
    found: dict[int, bytes] = {}
    for part, view, starts, ends in parallel._split(iter(pieces), parts):
        assert starts == (part not in found)
        found[part] = found.get(part, b"") + bytes(view)
        assert ends == (len(found[part]) == parts.length_of(part))
    assert list(found.values()) == [data[at : at + size] for at in range(0, len(data), size)]


def test_a_part_is_claimed_once() -> None:
    parts = parallel._Parts(4600, 1000)
    assert parts.claim(0)
    assert not parts.claim(0)
    assert [parts.claim_last() for _ in range(5)] == [4, 3, 2, 1, None]
    parts.release(3)
    assert parts.claim_last() == 3
    for part in range(5):
        assert parts.remaining
        parts.finish(part, None)
    assert not parts.remaining
    parts.release(2)
    parts.stopped = True
    assert parts.claim_last() is None
