# SPDX-License-Identifier: Apache-2.0
"""Blocking calls in the worker pool of a driver, for coroutines.

A future for each call would wake the event loop for each result, which takes longer than reading a
small object. Here, results that end shortly after each other are delivered together.

Tests: ``libcloud/test/storage/test_filesystem_workers.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary, ref

from libcloud.utils.cancellation import Cancellation

_Item = TypeVar("_Item")
_T = TypeVar("_T")

# Seconds to wait for a running call whose coroutine is cancelled.
_GRACE = 1.0

# Seconds between two deliveries while several results come in that time.
_BATCH = 0.002


class Calls:
    """Runs blocking calls for the coroutines of any event loop. Thread-safe.

    :param driver: the driver whose pool runs them.
    """

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._deliveries: WeakKeyDictionary[Any, _Deliveries] = WeakKeyDictionary()

    async def run(self, function: Callable[..., _T], *args: Any) -> _T:
        """The result of ``function``.

        If the coroutine is cancelled, a running call is cancelled as well, and briefly waited for.
        """
        loop = asyncio.get_running_loop()
        deliveries = self._deliveries.get(loop)
        if deliveries is None:
            deliveries = self._deliveries[loop] = _Deliveries(loop)
        call: _Call[_T] = _Call(function, args, deliveries)
        try:
            self._driver._pool.start(call)
            await call.over
        except BaseException:
            await call.cancel()
            raise
        return call.outcome()

    async def map(
        self,
        function: Callable[[_Item], _T],
        items: Sequence[_Item],
        *,
        jobs: int,
        fail_fast: bool = True,
        finished: Callable[[], object] = int,
    ) -> list[_T | Exception | None]:
        """The results of parallel calls, in order; the event loop waits for all of them at once.

        :param jobs: how many run at once, at most; less than 1: the pool decides.
        :param fail_fast: raise the first error and cancel the other calls; otherwise results
            contain the errors.
        :param finished: called after each of them, in one thread.
        """
        results: list[_T | Exception | None] = [None] * len(items)
        options: Any = {"jobs": jobs if jobs > 0 else None, "fail_fast": fail_fast}

        def call(number: int) -> _T:
            return function(items[number])

        def run_all() -> None:
            for done in self._driver._pool.map(call, range(len(items)), ordered=False, **options):
                results[done.item] = done.value if done.error is None else done.error
                finished()

        await self.run(run_all)
        return results


class _Call(Generic[_T]):
    """A call, and its outcome when it is over."""

    _result: _T

    def __init__(
        self, function: Callable[..., _T], args: tuple[Any, ...], deliveries: _Deliveries
    ) -> None:
        self._function, self._args, self._deliveries = function, args, deliveries
        self._cancellation = Cancellation()
        self._running = False
        self._error: BaseException | None = None
        self.over: asyncio.Future[None] = deliveries.loop.create_future()

    def __call__(self) -> None:
        """Make the call, in a thread of the pool, unless it was cancelled before it began."""
        self._running = True  # before the other thread is asked; see cancel()
        if not self._cancellation.cancelled:
            try:
                with self._cancellation.active():
                    self._result = self._function(*self._args)
            except BaseException as error:
                self._error = error
        self._deliveries.add(self)

    def outcome(self) -> _T:
        """The result of the call, which is over."""
        if self._error is None:
            return self._result
        error, self._error = self._error, None
        try:
            raise error
        finally:
            del error  # its traceback refers to this frame

    async def cancel(self) -> None:
        """The result is not needed: wait briefly for the call if it is running."""
        delivered = self.over.done() and not self.over.cancelled()
        self.over = self._deliveries.loop.create_future()
        self._cancellation.cancel()
        if self._running and not delivered:
            await asyncio.wait([self.over], timeout=_GRACE)
        self._cancellation.interrupt()

    def deliver(self) -> None:
        """Let the coroutine continue."""
        if not self.over.done():
            self.over.set_result(None)


class _Deliveries:
    """The calls that are over, on their way to the thread of an event loop.

    The futures of the calls keep the loop alive; a closed one must not live as long as the driver.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = ref(loop)
        self._over: deque[_Call[Any]] = deque()
        self._scheduled = False

    @property
    def loop(self) -> Any:
        return self._loop()

    def add(self, call: _Call[Any]) -> None:
        """Deliver ``call``; called by any thread."""
        self._over.append(call)
        if not self._scheduled:
            self._scheduled = True
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self.loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._scheduled = False  # first: what is added from now on may be missed below
        count = 0
        while self._over:
            self._over.popleft().deliver()
            count += 1
        if count > 1 and not self._scheduled:
            self._scheduled = True
            self.loop.call_later(_BATCH, self._deliver)
