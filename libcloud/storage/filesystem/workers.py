# SPDX-License-Identifier: Apache-2.0
"""Blocking calls in the worker pool of a driver, for coroutines.

Tests: ``libcloud/test/storage/test_filesystem_workers.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from libcloud.utils.cancellation import Cancellation

_Item = TypeVar("_Item")
_T = TypeVar("_T")

# Seconds to wait for a running call whose coroutine is cancelled.
_GRACE = 1.0


class Calls:
    """Runs blocking calls for the coroutines of any event loop. Thread-safe.

    :param driver: the driver whose pool runs them.
    """

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    async def run(self, function: Callable[..., _T], *args: Any) -> _T:
        """The result of ``function``.

        If the coroutine is cancelled, a running call is cancelled as well, and briefly waited for.
        """
        cancellation = Cancellation()

        def call() -> _T:
            with cancellation.active():
                return function(*args)

        future = self._driver._pool.submit(call)
        try:
            result: _T = await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            cancellation.cancel()
            if not future.cancelled():  # it is running
                end = asyncio.wrap_future(future)
                await asyncio.wait([end], timeout=_GRACE)
                # The loop may be closed when the call ends. Its error is not of interest.
                end.cancel() or end.exception()
            cancellation.interrupt()
            raise
        return result

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
        jobs = 1 if len(items) == 1 else jobs  # without a second thread
        options: Any = {"jobs": jobs if jobs > 0 else None, "fail_fast": fail_fast}

        def call(number: int) -> _T:
            return function(items[number])

        def run_all() -> None:
            for done in self._driver._pool.map(call, range(len(items)), ordered=False, **options):
                results[done.item] = done.value if done.error is None else done.error
                finished()

        await self.run(run_all)
        return results
