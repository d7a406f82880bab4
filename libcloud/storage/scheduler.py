# SPDX-License-Identifier: Apache-2.0
"""Decides how many tasks of a worker pool run at once, without threads, locks or clocks.

Tests: ``libcloud/test/storage/test_worker_pool.py``, with a virtual clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

MAX_WORKERS = 256
"""Tasks that run at once at most."""

START_WORKERS = 96
"""Tasks that run at once in the beginning: with 30 ms of latency, 3,000 requests a second."""

# A larger window is kept if it raises the throughput by this factor.
_GAIN = 1.05

# With this share of a processor core, the interpreter is busy: more tasks would wait for it.
_BUSY = 0.8

# Rounds until a larger window is tried again after one that did not pay.
_REST = 16

_T = TypeVar("_T")

Clock = Callable[[], tuple[float, float]]
"""Returns seconds since any time, and the processor seconds of this process."""


class Limiter(Protocol):
    """The concurrency limiter of a store, which knows how many tasks are ``in_flight``."""

    in_flight: int

    def limit(self, window: int) -> int:
        """Tasks that may run at once instead of ``window``; at least 1."""


class Elsewhere:
    """Other processes that run tasks of a worker pool; here, there are none.

    :ivar processes: their number, with this one.
    """

    processes = 1

    def take(self, item: Any, unfinished: int, done: Callable[..., object]) -> bool:
        """Whether it runs the task for ``item``: then it calls ``done`` once, in any thread.

        :param unfinished: items that are not finished, here and elsewhere.
        :param done: called with the error, if any.
        """
        return False

    def flush(self) -> None:
        """Start what it has taken: the caller waits for it from now on."""

    def stop(self) -> None:
        """Cancel what is not finished."""


class AdaptiveLimit:
    """A number of tasks or connections, which grows while that raises the throughput.

    :param share: what is added to the number: half of it is 2.
    :param gain: a larger number is kept if it raises the throughput by this factor.
    :param rest: measurements until a larger number is tried again after one that did not pay; then
        twice as many, up to ``longest_rest``, because one measurement may be wrong.
    :ivar size: the number to use now.
    """

    def __init__(
        self, most: int, start: int, *, share: int, gain: float, rest: int, longest_rest: int
    ) -> None:
        self.size = self._proven = max(1, min(start, most))
        self._most, self._share, self._gain = most, share, gain
        self._rest = self._least_rest = rest
        self._longest_rest = longest_rest
        self._rate = 0.0  # with the proven number
        self._resting = 0

    def measured(self, rate: float, *, busy: bool = False) -> None:
        """Decide on :attr:`size`, by the throughput, and whether more would wait for the CPU."""
        if self._resting:
            self._resting -= 1
            self._rate = rate
            if not self._resting and not busy:
                self._try_more()
        elif rate > self._rate * self._gain:
            self._rate, self._proven, self._rest = rate, self.size, self._least_rest
            if busy:
                self._resting = self._rest
            else:
                self._try_more()
        else:
            self.size, self._resting = self._proven, self._rest
            self._rest = min(2 * self._rest, self._longest_rest)

    def _try_more(self) -> None:
        self.size = min(self._most, self.size + max(1, self.size // self._share))


class AdaptiveWindow:
    """The number of tasks that run at once."""

    def __init__(self, start: int = START_WORKERS, most: int = MAX_WORKERS) -> None:
        options = {"rest": _REST, "longest_rest": _REST}
        self._limit = AdaptiveLimit(most, start, share=2, gain=_GAIN, **options)
        self.size = self._limit.size
        self._since: tuple[float, float] | None = None
        self._finished = 0

    def finished(self, clock: Clock, *, saturated: bool) -> None:
        """Record that a task is finished.

        :param saturated: as many tasks ran as the window allows; otherwise its size was not tested.
        """
        if not saturated:
            self._since = None
            return
        if self._since is None:
            self._since, self._finished = clock(), 0
            return
        self._finished += 1
        if self._finished >= self.size:
            before, self._since = self._since, clock()
            seconds = max(self._since[0] - before[0], 1e-6)
            busy = self._since[1] - before[1] > _BUSY * seconds
            rate, self._finished = self._finished / seconds, 0
            self._limit.measured(rate, busy=busy)
            self.size = self._limit.size


class Scheduler(Generic[_T]):
    """Decides which tasks start.

    :ivar waiting: the tasks that have not started.
    :ivar running: number of tasks that run.
    :ivar limit: tasks that may run at once, when a task was last added or finished.
    """

    def __init__(self, window: AdaptiveWindow, limiter: Limiter) -> None:
        self._window = window
        self._limiter = limiter
        self.waiting: deque[_T] = deque()
        self.running = 0
        self.limit = limiter.limit(window.size)

    def add(self, task: _T) -> None:
        """Queue ``task``; :meth:`start` returns it when it may run."""
        self.waiting.append(task)
        self.limit = self._limiter.limit(self._window.size)

    def start(self) -> _T | None:
        """The next task if one may start now; it counts as running."""
        if not self.waiting or self.running >= self.limit:
            return None
        self._limiter.in_flight = self.running = self.running + 1
        return self.waiting.popleft()

    def finished(self, clock: Clock) -> None:
        """Record that a running task is finished."""
        window = self._window
        self.limit = self._limiter.limit(window.size)
        window.finished(clock, saturated=bool(self.waiting) and self.limit >= window.size)
        self._limiter.in_flight = self.running = self.running - 1

    def pause(self) -> None:
        """A running task waits for other tasks of the pool: it does not count until then."""
        self._limiter.in_flight = self.running = self.running - 1

    def resume(self) -> None:
        """The end of :meth:`pause`."""
        self._limiter.in_flight = self.running = self.running + 1
