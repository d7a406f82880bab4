# SPDX-License-Identifier: Apache-2.0
"""How many connections a download uses, for throughputs that depend on their number."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from libcloud.storage.transfer.download.parallel import AdaptiveConnections

MB = 1_000_000


def sizes(rate_of: Callable[[int], float], measurements: int, most: int = 16) -> list[int]:
    """The number of connections before each measurement, and after the last one."""
    connections = AdaptiveConnections(most)
    found = [connections.size]
    for _ in range(measurements):
        connections.measured(rate_of(connections.size))
        found.append(connections.size)
    return found


def test_they_double_while_each_has_a_limited_rate() -> None:
    assert sizes(lambda size: size * 90 * MB, 9) == [1, 2, 2, 4, 4, 8, 8, 16, 16, 16]


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


def test_the_first_measurement_of_new_connections_does_not_count() -> None:
    """They are still being opened."""
    connections = AdaptiveConnections(16)
    for rate in (90, 90, 180):
        connections.measured(rate)
    assert connections.size == 4


def test_a_number_that_the_user_chose_stays() -> None:
    connections = AdaptiveConnections(3, 3)
    connections.measured(0.0)
    connections.measured(10.0**9)
    assert connections.size == 3
