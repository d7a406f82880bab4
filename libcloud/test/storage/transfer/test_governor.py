# SPDX-License-Identifier: Apache-2.0
"""The governor: halves once a burst, recovers step by step, and finds what a store can do."""

from __future__ import annotations

import threading

import pytest

from libcloud.storage.transfer.governor import Governor
from libcloud.test._threads import run_in_threads
from libcloud.utils.per_process import PerProcess

WINDOW = 8


def send_well(governor: Governor, count: int) -> None:
    for _ in range(count):
        governor.succeeded(governor.epoch)


def test_a_window_is_not_limited_before_a_store_complains() -> None:
    governor = Governor()
    send_well(governor, 100)
    assert [governor.limit(window) for window in (1, 8, 64)] == [1, 8, 64]


def test_a_complaint_halves_down_to_one() -> None:
    governor = Governor()
    limits = []
    for _ in range(5):
        governor.throttled(governor.epoch, WINDOW)
        limits.append(governor.limit(WINDOW))
    assert limits == [4, 2, 1, 1, 1]


def test_it_says_whether_it_is_lower_now() -> None:
    governor = Governor()
    assert [governor.throttled(governor.epoch, 4) for _ in range(4)] == [True, True, False, False]


def test_all_complaints_of_one_burst_halve_once() -> None:
    governor = Governor()
    sent = governor.epoch
    assert [governor.throttled(sent, WINDOW) for _ in range(WINDOW)] == [True] + [False] * 7
    assert governor.limit(WINDOW) == 4
    assert governor.throttled(governor.epoch, WINDOW)


def test_successes_of_requests_sent_before_count_for_nothing() -> None:
    governor = Governor()
    sent = governor.epoch
    governor.throttled(sent, WINDOW)
    for _ in range(100):
        governor.succeeded(sent)
    assert governor.limit(WINDOW) == 4


def test_successes_widen_by_one_after_two_rounds() -> None:
    governor = Governor()
    governor.throttled(governor.epoch, WINDOW)
    limits = []
    for _ in range(8 + 10 + 12 + 14):
        send_well(governor, 1)
        limits.append(governor.limit(WINDOW))
    assert limits == [4] * 7 + [5] * 10 + [6] * 12 + [7] * 14 + [8]


def test_a_complaint_begins_the_count_anew() -> None:
    governor = Governor()
    governor.throttled(governor.epoch, 4)
    send_well(governor, 3)
    governor.throttled(governor.epoch, 4)
    send_well(governor, 1)
    assert governor.limit(4) == 1
    send_well(governor, 1)
    assert governor.limit(4) == 2


def test_a_limit_that_is_as_wide_as_the_widest_window_is_none() -> None:
    governor = Governor()
    governor.throttled(governor.epoch, WINDOW)
    send_well(governor, 1000)
    assert governor.limit(64) == 64


@pytest.mark.parametrize("uploads", [1, 3])
@pytest.mark.parametrize("capacity", [1, 3, 5, 11])
def test_in_simulated_time_it_keeps_near_what_the_store_can_do(uploads: int, capacity: int) -> None:
    governor, refused, served = Governor(), 0, 0
    rounds = 400
    for _ in range(rounds):
        sent = [governor.epoch] * sum(governor.limit(WINDOW) for _ in range(uploads))
        for place, epoch in enumerate(sent):
            if place < capacity:
                served += 1
                governor.succeeded(epoch)
            else:
                refused += 1
                governor.throttled(epoch, WINDOW)
    possible = min(capacity, uploads * WINDOW) * rounds
    assert served >= possible * 0.6
    assert refused <= rounds * uploads


def test_a_store_that_recovers_gets_all_of_it_again() -> None:
    governor = Governor()
    for _ in range(5):
        governor.throttled(governor.epoch, WINDOW)
    rounds = 0
    while governor.limit(WINDOW) < WINDOW:
        send_well(governor, governor.limit(WINDOW))
        rounds += 1
    assert rounds <= 2 * WINDOW


def test_threads_that_are_refused_together_halve_once() -> None:
    governor = Governor(lock=PerProcess(threading.RLock))
    sent = governor.epoch
    lower: list[bool] = []
    run_in_threads(lambda number: lower.append(governor.throttled(sent, WINDOW)))
    assert sorted(lower) == [False] * 7 + [True]
    assert governor.limit(WINDOW) == 4
