# SPDX-License-Identifier: Apache-2.0
"""When to try again, and after how long: a policy as a value, and a budget that many share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from libcloud.storage.transfer.concurrency import ConcurrencyLimiter

if TYPE_CHECKING:
    from libcloud.storage.transfer.values import Failure

__all__ = ["Retries", "RetryBudget", "RetryPolicy"]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential delays with full jitter.

    :param attempts: how often a request is made at most, the first included; 1 never repeats.
    :param base: upper bound of the first delay, seconds.
    :param cap: upper bound of every computed delay, seconds.
    :param longest_wait: how long a ``Retry-After`` of the store is obeyed at most, seconds.
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
        :param retry_after: what the store asked for; the delay is not shorter, up to
            ``longest_wait``.
        """
        computed = min(self.cap, self.base * 2.0 ** min(attempt - 1, 30)) * jitter
        if retry_after is None:
            return computed
        return max(computed, min(retry_after, self.longest_wait))


class RetryBudget:
    """Tokens that retries pay with, so that a store in trouble is not hammered by all at once.

    A retry costs ``cost`` tokens, a success gives one back. An empty budget means that the
    failure is final. Cost and size are those of the AWS SDKs' standard retry mode, in which only a
    timeout costs more.

    :param lock: gives the lock that guards the count when threads share the budget.
    """

    def __init__(
        self,
        tokens: int = 500,
        *,
        cost: int = 5,
        lock: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self._size = tokens
        self._tokens = tokens
        self._cost = cost
        self._lock = lock

    @property
    def tokens(self) -> int:
        """Tokens left."""
        return self._tokens

    def pay(self) -> bool:
        """Take the price of one retry; false, and nothing taken, when too little is left."""
        with self._lock():
            if self._tokens < self._cost:
                return False
            self._tokens -= self._cost
            return True

    def earn(self) -> None:
        """Give one token back, after a success."""
        with self._lock():
            self._tokens = min(self._size, self._tokens + 1)


class Retries:
    """The policy, the budget and the dice of one upload.

    :param dice: gives numbers from 0 to 1; ``None``: Python's own.
    :param limiter: how many parts may be in flight; shared, like the budget.
    """

    def __init__(
        self,
        policy: RetryPolicy | None = None,
        budget: RetryBudget | None = None,
        dice: Callable[[], float] | None = None,
        limiter: ConcurrencyLimiter | None = None,
    ) -> None:
        self.policy = policy or RetryPolicy()
        self._budget = budget or RetryBudget()
        self._dice = dice
        self.limiter = limiter or ConcurrencyLimiter()

    def delay_after(self, attempt: int, failure: Failure, *, cleanup: bool = False) -> float | None:
        """Seconds until the next attempt, or ``None`` when there is none.

        :param cleanup: the request cleans up after a failure, and is tried again in any case: what
            stays behind costs its owner money.
        """
        if not failure.transient or attempt >= self.policy.attempts:
            return None
        if not (self._budget.pay() or cleanup):
            return None
        dice = self._dice or import_module("random").random
        return self.policy.delay(attempt, dice(), failure.retry_after)

    def succeeded(self) -> None:
        """A request was answered well."""
        self._budget.earn()
