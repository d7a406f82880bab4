# SPDX-License-Identifier: Apache-2.0
"""Delays, the budget that retries are paid from, and what both say of a failure."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libcloud.storage.transfer.retry import Retries, RetryBudget, RetryPolicy
from libcloud.storage.transfer.values import Failure
from libcloud.utils.local import PerProcess

BUSY = Failure(RuntimeError("busy"), transient=True)
POLICY = RetryPolicy(attempts=5, base=0.5, cap=4.0, longest_wait=60.0)


def retries(budget: RetryBudget | None = None, jitter: float = 1.0) -> Retries:
    return Retries(POLICY, budget, random=lambda: jitter)


# The policy.


def test_delays_double_up_to_the_cap() -> None:
    assert [POLICY.delay(attempt, 1.0) for attempt in range(1, 7)] == [0.5, 1, 2, 4, 4, 4]


@pytest.mark.parametrize(("jitter", "delay"), [(0.0, 0.0), (0.25, 0.5), (1.0, 2.0)])
def test_jitter_is_full(jitter: float, delay: float) -> None:
    assert POLICY.delay(3, jitter) == delay


@pytest.mark.parametrize(
    ("retry_after", "delay"),
    [(None, 2.0), (0.0, 2.0), (1.0, 2.0), (7.0, 7.0), (60.0, 60.0), (3600.0, 60.0), (-5.0, 2.0)],
)
def test_retry_after_is_honored_up_to_a_limit(retry_after: float | None, delay: float) -> None:
    assert POLICY.delay(3, 1.0, retry_after) == delay


@given(st.integers(1, 10**6), st.floats(0, 1), st.none() | st.floats(0, 1e9))
def test_no_delay_is_longer_than_it_may_be(
    attempt: int, jitter: float, retry_after: float | None
) -> None:
    delay = POLICY.delay(attempt, jitter, retry_after)
    assert 0 <= delay <= (POLICY.cap if retry_after is None else POLICY.longest_wait)


def test_there_is_at_least_one_attempt() -> None:
    assert RetryPolicy(attempts=1).attempts == 1
    with pytest.raises(ValueError, match="at least 1"):
        RetryPolicy(attempts=0)


# What is tried again.


def test_attempts_are_counted() -> None:
    delays = [retries().delay_after(attempt, BUSY) for attempt in range(1, 7)]
    assert delays == [0.5, 1, 2, 4, None, None]


def test_a_permanent_error_is_not_retried_and_takes_no_token() -> None:
    budget = RetryBudget(10)
    assert retries(budget).delay_after(1, Failure(ValueError())) is None
    assert budget.tokens == 10


def test_each_delay_has_its_own_jitter() -> None:
    dice = iter([0.5, 0.0, 1.0])
    repeats = Retries(POLICY, random=lambda: next(dice))
    assert [repeats.delay_after(1, BUSY) for _ in range(3)] == [0.25, 0.0, 0.5]


def test_the_failure_has_the_retry_after() -> None:
    busy = Failure(RuntimeError(), transient=True, retry_after=9.0)
    assert retries(jitter=0.0).delay_after(1, busy) == 9.0


def test_without_arguments_delays_lie_within_the_bounds() -> None:
    delays = [Retries().delay_after(1, BUSY) for _ in range(50)]
    assert all(delay is not None and 0 <= delay <= 0.5 for delay in delays)
    assert len(set(delays)) > 1


# The budget.


def test_a_retry_takes_tokens_and_a_success_returns_them() -> None:
    budget = RetryBudget(12, cost=5)
    repeats = retries(budget)
    assert repeats.delay_after(1, BUSY) is not None
    assert repeats.delay_after(1, BUSY) is not None
    assert budget.tokens == 2
    assert repeats.delay_after(1, BUSY) is None
    assert budget.tokens == 2
    for _ in range(3):
        repeats.succeeded(0)
    assert repeats.delay_after(1, BUSY) is not None
    assert budget.tokens == 0


def test_the_clean_up_continues_without_a_budget() -> None:
    repeats = retries(RetryBudget(0))
    assert repeats.delay_after(1, BUSY) is None
    assert repeats.delay_after(1, BUSY, cleanup=True) == 0.5
    assert repeats.delay_after(5, BUSY, cleanup=True) is None
    assert repeats.delay_after(1, Failure(ValueError()), cleanup=True) is None


def test_the_budget_is_never_more_than_full() -> None:
    budget = RetryBudget(3, cost=1)
    budget.refill()
    assert budget.tokens == 3
    budget.spend()
    budget.refill()
    budget.refill()
    assert budget.tokens == 3


class CheckingLock:
    """A lock that knows whether it is held."""

    def __init__(self) -> None:
        self.taken = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_the_lock_guards_every_change() -> None:
    lock = CheckingLock()
    budget = RetryBudget(10, lock=lambda: lock)
    budget.spend()
    budget.refill()
    assert lock.taken == 2


def test_a_shared_budget_loses_no_token() -> None:
    budget = RetryBudget(8000, cost=1, lock=PerProcess(threading.RLock))
    start = threading.Barrier(4)

    def spend() -> None:
        start.wait(30)
        for _ in range(1000):
            assert budget.spend()
            assert budget.spend()
            budget.refill()

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert budget.tokens == 8000 - 4 * 1000
