# SPDX-License-Identifier: Apache-2.0
"""Retries: the policy, the retry budget, and the limit of concurrent requests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from libcloud.common.exceptions import is_unsent
from libcloud.utils.values import Value

if TYPE_CHECKING:
    from libcloud.storage.transfer.values import Failure

OUTCOME_OPEN = frozenset({500, 502, 504})
"""Statuses of a request that may have taken effect, or may still: of a store that took too long
(Azure's OperationTimedOut), or of a proxy that waited no longer for it."""


def is_outcome_open(error: BaseException, statuses: frozenset[int] = OUTCOME_OPEN) -> bool:
    """Whether the request may have taken effect: not if that for a token failed before."""
    return getattr(error, "status", None) in statuses and not is_unsent(error)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RetryPolicy(Value):
    """Exponential delays with full jitter.

    :param attempts: maximum attempts of a request, including the first; 1 disables retries.
    :param base: upper bound of the first delay, seconds.
    :param cap: upper bound of every computed delay, seconds.
    :param longest_wait: limit of a ``Retry-After`` of the store, seconds.
    """

    attempts: int = 6
    base: float = 0.5
    cap: float = 20.0
    longest_wait: float = 120.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts must be at least 1, not {self.attempts}")

    def delay(self, attempt: int, jitter: float, retry_after: float | None = None) -> float:
        """Seconds to wait after attempt number ``attempt`` failed.

        :param jitter: a random number from 0 to 1.
        :param retry_after: what the store requested, seconds; the minimum of the delay, up to
            ``longest_wait``.
        """
        computed = min(self.cap, self.base * 2.0 ** min(attempt - 1, 30)) * jitter
        if retry_after is None:
            return computed
        return max(computed, min(retry_after, self.longest_wait))


class RetryBudget:
    """A token bucket for retries, so that an overloaded store is not flooded with them.

    A retry costs ``cost`` tokens and a success returns one. If there are too few, the failure is
    final. Cost and size are those of the AWS SDKs' standard retry mode. A throttled request costs
    one token: the concurrency limiter already reduces the load of the store.

    :param lock: returns the lock that guards the count when threads share the budget.
    :ivar tokens: that are left of ``size``.
    """

    def __init__(
        self,
        tokens: int = 500,
        *,
        cost: int = 5,
        lock: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self.size = tokens
        self.tokens = tokens
        self._cost = cost
        self._lock = lock

    def spend(self, *, throttled: bool = False) -> bool:
        """Take the tokens for one retry; false, and none are taken, if too few are left."""
        cost = min(1, self._cost) if throttled else self._cost
        with self._lock():
            if self.tokens < cost:
                return False
            self.tokens -= cost
            return True

    def refill(self) -> None:
        with self._lock():
            self.tokens = min(self.size, self.tokens + 1)


# The limit is raised by one after so many successes of each part in flight.
_ROUNDS = 2


class ConcurrencyLimiter:
    """The limit that the uploads of one driver and its worker pool share; it applies to each.

    Additive increase, multiplicative decrease, like TCP (RFC 5681): the limit is halved when the
    store throttles, and raised by one after a while without throttling. Only requests that were
    *sent* under the current limit count. So all refusals of one burst halve it once, and no clock
    is needed.

    :param lock: returns the lock that guards it when threads share it.
    :ivar in_flight: tasks of the worker pool that run at the moment.
    :ivar epoch: identifies the current limit; noted with each request and passed with its outcome.
    """

    def __init__(self, *, lock: Callable[[], AbstractContextManager[Any]] = nullcontext) -> None:
        self._lock = lock
        self.in_flight = 0
        self._limit: int | None = None
        self._widest = 0
        self.epoch = 0
        self._successes = 0

    def limit(self, window: int) -> int:
        """Parts that an upload with this window may have in flight; at least 1."""
        limit = self._limit
        return window if limit is None else min(window, limit)

    def throttled(self, epoch: int, window: int = 1) -> bool:
        """Record that the store throttled a request of ``epoch``; true if the limit is lower now.

        :param window: of its upload; 1 if it belongs to none.
        """
        with self._lock():
            if epoch != self.epoch:
                return False
            self.epoch += 1
            window = max(window, self.in_flight)
            before = self.limit(window)
            self._successes = 0
            self._widest = max(self._widest, window)
            self._limit = max(1, before // 2)
            return self._limit < before

    def succeeded(self, epoch: int) -> None:
        """Record that a request succeeded, which was sent in ``epoch``."""
        if self._limit is None:
            return
        with self._lock():
            if self._limit is None or epoch != self.epoch:
                return
            self._successes += 1
            if self._successes < _ROUNDS * self._limit:
                return
            self._successes = 0
            self._limit += 1
            if self._limit >= self._widest:
                self._limit, self._widest = None, 0


class Retries:
    """The retry policy, the retry budget and the source of jitter of one transfer.

    :param random: returns random numbers from 0 to 1; ``None``: those of ``random``.
    :param limiter: limits the parts in flight; shared, like the budget.
    """

    def __init__(
        self,
        policy: RetryPolicy | None = None,
        budget: RetryBudget | None = None,
        random: Callable[[], float] | None = None,
        limiter: ConcurrencyLimiter | None = None,
    ) -> None:
        self.policy = policy or RetryPolicy()
        self._budget = budget or RetryBudget()
        self._random = random
        self.limiter = limiter or ConcurrencyLimiter()

    def delay_after(self, attempt: int, failure: Failure, *, cleanup: bool = False) -> float | None:
        """Seconds until the next attempt, or ``None`` when there is none.

        :param cleanup: retry even if the budget is empty: parts that remain are billed.
        """
        if not failure.transient or attempt >= self.policy.attempts:
            return None
        if not (self._budget.spend(throttled=failure.throttled) or cleanup):
            return None
        random = self._random or import_module("random").random
        return self.policy.delay(attempt, random(), failure.retry_after)

    def succeeded(self, epoch: int) -> None:
        """A request succeeded that was sent in this epoch of the limiter."""
        if self._budget.tokens < self._budget.size:
            self._budget.refill()
        if self.limiter.epoch:  # it was lowered before
            self.limiter.succeeded(epoch)
