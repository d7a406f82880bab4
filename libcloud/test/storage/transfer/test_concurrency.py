# SPDX-License-Identifier: Apache-2.0
"""The limiter: halves once a burst, recovers step by step, and finds what a store can do."""

from __future__ import annotations

import threading

import pytest

from libcloud.storage.transfer.retry import ConcurrencyLimiter
from libcloud.test._helpers import run_in_threads
from libcloud.utils.local import PerProcess

WINDOW = 8


def send_well(limiter: ConcurrencyLimiter, count: int) -> None:
    for _ in range(count):
        limiter.succeeded(limiter.epoch)


def test_a_window_is_not_limited_before_a_store_complains() -> None:
    limiter = ConcurrencyLimiter()
    send_well(limiter, 100)
    assert [limiter.limit(window) for window in (1, 8, 64)] == [1, 8, 64]


def test_a_complaint_halves_down_to_one() -> None:
    limiter = ConcurrencyLimiter()
    limits = []
    for _ in range(5):
        limiter.throttled(limiter.epoch, WINDOW)
        limits.append(limiter.limit(WINDOW))
    assert limits == [4, 2, 1, 1, 1]


def test_it_returns_whether_the_limit_is_lower() -> None:
    limiter = ConcurrencyLimiter()
    assert [limiter.throttled(limiter.epoch, 4) for _ in range(4)] == [True, True, False, False]


def test_all_complaints_of_one_burst_halve_once() -> None:
    limiter = ConcurrencyLimiter()
    sent = limiter.epoch
    assert [limiter.throttled(sent, WINDOW) for _ in range(WINDOW)] == [True] + [False] * 7
    assert limiter.limit(WINDOW) == 4
    assert limiter.throttled(limiter.epoch, WINDOW)


def test_successes_of_requests_sent_before_count_for_nothing() -> None:
    limiter = ConcurrencyLimiter()
    sent = limiter.epoch
    limiter.throttled(sent, WINDOW)
    for _ in range(100):
        limiter.succeeded(sent)
    assert limiter.limit(WINDOW) == 4


def test_successes_widen_by_one_after_two_rounds() -> None:
    limiter = ConcurrencyLimiter()
    limiter.throttled(limiter.epoch, WINDOW)
    limits = []
    for _ in range(8 + 10 + 12 + 14):
        send_well(limiter, 1)
        limits.append(limiter.limit(WINDOW))
    assert limits == [4] * 7 + [5] * 10 + [6] * 12 + [7] * 14 + [8]


def test_a_throttled_request_restarts_the_count() -> None:
    limiter = ConcurrencyLimiter()
    limiter.throttled(limiter.epoch, 4)
    send_well(limiter, 3)
    limiter.throttled(limiter.epoch, 4)
    send_well(limiter, 1)
    assert limiter.limit(4) == 1
    send_well(limiter, 1)
    assert limiter.limit(4) == 2


def test_a_limit_that_is_as_wide_as_the_widest_window_is_none() -> None:
    limiter = ConcurrencyLimiter()
    limiter.throttled(limiter.epoch, WINDOW)
    send_well(limiter, 1000)
    assert limiter.limit(64) == 64


@pytest.mark.parametrize("uploads", [1, 3])
@pytest.mark.parametrize("capacity", [1, 3, 5, 11])
def test_in_simulated_time_it_keeps_near_what_the_store_can_do(uploads: int, capacity: int) -> None:
    limiter, refused, served = ConcurrencyLimiter(), 0, 0
    rounds = 400
    for _ in range(rounds):
        sent = [limiter.epoch] * sum(limiter.limit(WINDOW) for _ in range(uploads))
        for place, epoch in enumerate(sent):
            if place < capacity:
                served += 1
                limiter.succeeded(epoch)
            else:
                refused += 1
                limiter.throttled(epoch, WINDOW)
    possible = min(capacity, uploads * WINDOW) * rounds
    assert served >= possible * 0.6
    assert refused <= rounds * uploads


def test_a_store_that_recovers_gets_all_of_it_again() -> None:
    limiter = ConcurrencyLimiter()
    for _ in range(5):
        limiter.throttled(limiter.epoch, WINDOW)
    rounds = 0
    while limiter.limit(WINDOW) < WINDOW:
        send_well(limiter, limiter.limit(WINDOW))
        rounds += 1
    assert rounds <= 2 * WINDOW


def test_threads_that_are_refused_together_halve_once() -> None:
    limiter = ConcurrencyLimiter(lock=PerProcess(threading.RLock))
    sent = limiter.epoch
    lower: list[bool] = []
    run_in_threads(lambda number: lower.append(limiter.throttled(sent, WINDOW)))
    assert sorted(lower) == [False] * 7 + [True]
    assert limiter.limit(WINDOW) == 4
