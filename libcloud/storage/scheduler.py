# SPDX-License-Identifier: Apache-2.0
"""Decides how many tasks of a worker pool run at once; uses no thread, lock or clock.

Tests: ``libcloud/test/storage/test_worker_pool.py``, with a virtual clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

MAX_WORKERS = 256
"""Tasks that run at once at most."""

START_WORKERS = 64
"""Tasks that run at once in the beginning: with 30 ms of latency, 2,000 requests a second."""

# A larger window is kept if it raises the throughput by this factor.
_GAIN = 1.05

# With this share of a processor core, the interpreter is busy: more tasks would wait for it.
_BUSY = 0.8

# Rounds until a larger window is tried again after one that did not pay.
_REST = 16

_T = TypeVar("_T")


class Limiter(Protocol):
    """The concurrency limiter of a store, which knows how many tasks are ``in_flight``."""

    in_flight: int

    def limit(self, window: int) -> int:
        """Tasks that may run at once instead of ``window``; at least 1."""


class AdaptiveWindow:
    """How many tasks run at once: grows from ``start`` while that raises the throughput."""

    def __init__(self, start: int = START_WORKERS, most: int = MAX_WORKERS) -> None:
        self.size = max(1, min(start, most))
        self._most = most
        self._proven = self.size
        self._rate = 0.0  # with the proven size, tasks per second
        self._resting = 0
        self._since: tuple[float, float] | None = None
        self._finished = 0

    def finished(self, now: float, used: float, *, saturated: bool) -> None:
        """Record that a task is finished at ``now``, by any clock.

        :param used: processor seconds of this process.
        :param saturated: as many tasks ran as the window allows; otherwise its size was not tested.
        """
        if not saturated:
            self._since = None
            return
        if self._since is None:
            self._since, self._finished = (now, used), 0
            return
        self._finished += 1
        if self._finished >= self.size:
            seconds = max(now - self._since[0], 1e-6)
            busy = used - self._since[1] > _BUSY * seconds
            rate = self._finished / seconds
            self._since, self._finished = (now, used), 0
            self._end_round(rate, busy)

    def _end_round(self, rate: float, busy: bool) -> None:
        if self._resting:
            self._resting -= 1
            self._rate = rate
            self.size = self._proven if self._resting or busy else self._larger()
        elif rate > self._rate * _GAIN and not busy:
            self._rate, self._proven = rate, self.size
            self.size = self._larger()
        else:
            self.size, self._resting = self._proven, _REST

    def _larger(self) -> int:
        return min(self._most, self.size + max(1, self.size // 2))


class Scheduler(Generic[_T]):
    """Decides which tasks start."""

    def __init__(self, window: AdaptiveWindow, limiter: Limiter) -> None:
        self._window = window
        self._limiter = limiter
        self._waiting: deque[_T] = deque()
        self.running = 0

    @property
    def limit(self) -> int:
        """Tasks that may run at once."""
        return self._limiter.limit(self._window.size)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def add(self, task: _T) -> None:
        """Queue ``task``; :meth:`startable` returns it when it may run."""
        self._waiting.append(task)

    def startable(self) -> Iterator[_T]:
        """The tasks that start now; they count as running."""
        while self._waiting and self.running < self.limit:
            self._count(1)
            yield self._waiting.popleft()

    def finished(self, now: float, used: float = 0.0) -> None:
        """Record that a running task is finished; see :meth:`AdaptiveWindow.finished`."""
        saturated = bool(self._waiting) and self.limit >= self._window.size
        self._window.finished(now, used, saturated=saturated)
        self._count(-1)

    def pause(self) -> None:
        """A running task waits for other tasks of the pool: it does not count until then."""
        self._count(-1)

    def resume(self) -> None:
        """The end of :meth:`pause`."""
        self._count(1)

    def _count(self, change: int) -> None:
        self.running += change
        self._limiter.in_flight = self.running
