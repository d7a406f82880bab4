# SPDX-License-Identifier: Apache-2.0
"""Limits the requests in flight at a store that throttles them.

Additive increase, multiplicative decrease, like TCP (RFC 5681): the limit is halved when the store
throttles, and raised by one after a while without throttling. Only requests that were *sent* under
the current limit count. So all refusals of one burst halve it once, and no clock is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

# The limit is raised by one after so many successes of each part in flight.
_ROUNDS = 2


class ConcurrencyLimiter:
    """The limit that the uploads of one driver and its worker pool share; it applies to each.

    :param lock: returns the lock that guards it when threads share it.
    :ivar in_flight: tasks of the worker pool that run at the moment.
    """

    def __init__(self, *, lock: Callable[[], AbstractContextManager[Any]] = nullcontext) -> None:
        self._lock = lock
        self.in_flight = 0
        self._limit: int | None = None
        self._widest = 0
        self._epoch = 0
        self._successes = 0

    @property
    def epoch(self) -> int:
        """Identifies the current limit; noted with each request and passed with its outcome."""
        return self._epoch

    def limit(self, window: int) -> int:
        """Parts that an upload with this window may have in flight; at least 1."""
        limit = self._limit
        return window if limit is None else min(window, limit)

    def throttled(self, epoch: int, window: int = 1) -> bool:
        """Record that the store throttled a request; true if the limit is lower now.

        :param epoch: from when the request was sent.
        :param window: of its upload; 1 if it belongs to none.
        """
        with self._lock():
            if epoch != self._epoch:
                return False
            self._epoch += 1
            window = max(window, self.in_flight)
            before = self.limit(window)
            self._successes = 0
            self._widest = max(self._widest, window)
            self._limit = max(1, before // 2)
            return self._limit < before

    def succeeded(self, epoch: int) -> None:
        """Record that a request succeeded.

        :param epoch: from when it was sent.
        """
        if self._limit is None:
            return
        with self._lock():
            if self._limit is None or epoch != self._epoch:
                return
            self._successes += 1
            if self._successes < _ROUNDS * self._limit:
                return
            self._successes = 0
            self._limit += 1
            if self._limit >= self._widest:
                self._limit, self._widest = None, 0
