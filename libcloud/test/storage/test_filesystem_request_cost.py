# SPDX-License-Identifier: Apache-2.0
"""What a request costs, by the requests so far; time is virtual."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from libcloud.storage.filesystem.reading import RequestCost

MB = 1_000_000


def test_a_connection_to_s3_is_assumed_before_the_first_request() -> None:
    assert RequestCost().in_bytes == 2_700_000


def test_a_request_is_measured_until_its_first_and_its_last_byte() -> None:
    now = 0.0

    def body() -> Iterator[bytes]:
        nonlocal now
        for _ in range(4):
            now += 0.01
            yield b"x" * MB

    def request() -> Iterator[bytes]:
        nonlocal now
        now += 0.2
        return body()

    cost = RequestCost(clock=lambda: now)
    for _ in range(2):
        assert len(cost.read(request)) == 4 * MB
    assert round(cost.in_bytes, -3) == 20 * MB  # 0.2 s of 100 MB/s


def test_slow_requests_among_the_last_five_change_nothing() -> None:
    cost = RequestCost()
    for latency, duration in ((3, 5), (0.1, 0.01), (0.1, 0.01), (9, 5), (0.1, 0.01)):
        cost.record(latency, MB, duration)
    assert cost.in_bytes == 10 * MB


def test_older_requests_are_forgotten() -> None:
    cost = RequestCost()
    for latency in [0.001] * 9 + [0.1] * 5:
        cost.record(latency, MB, 1 / (latency * 1000))
    assert cost.in_bytes == 10 * MB


def test_small_responses_say_nothing_about_the_throughput() -> None:
    cost = RequestCost()
    for _ in range(5):
        cost.record(0.1, 1000, 0)
    assert cost.in_bytes == 9 * MB


@pytest.mark.parametrize("duration", [0, 1e-6])
def test_a_response_that_was_in_the_buffers_does_not_count_as_faster_than_400_mb_a_second(
    duration: float,
) -> None:
    cost = RequestCost()
    for _ in range(5):
        cost.record(0.1, MB, duration)
    assert cost.in_bytes == 40 * MB
