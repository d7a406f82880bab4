# SPDX-License-Identifier: Apache-2.0
"""Blocking calls in a worker pool, for coroutines: results, errors, cancellation."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from libcloud.storage.filesystem.workers import Calls
from libcloud.storage.worker_pool import WorkerPool
from libcloud.utils import cancellation


class ManualPool:
    """A pool that starts nothing before it is asked to."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, function: Callable[[], Any]) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]


def calls(pool: Any) -> Calls:
    return Calls(SimpleNamespace(_pool=pool))


def test_calls_return_and_raise() -> None:
    async def run() -> list[Any]:
        made = calls(WorkerPool())
        numbers = [made.run(divmod, 7, number) for number in range(50)]
        return await asyncio.gather(*numbers, return_exceptions=True)

    results = asyncio.run(run())
    assert isinstance(results[0], ZeroDivisionError)
    assert results[1:] == [divmod(7, number) for number in range(1, 50)]


def test_calls_serve_several_event_loops() -> None:
    made = calls(WorkerPool())

    async def run() -> int:
        return await made.run(abs, -3)

    assert [asyncio.run(run()) for _ in range(3)] == [3, 3, 3]


def test_a_closed_event_loop_is_released() -> None:
    pool = ThreadPoolExecutor(1)
    made = calls(pool)

    async def run() -> weakref.ref[asyncio.AbstractEventLoop]:
        assert await made.run(abs, -3) == 3
        return weakref.ref(asyncio.get_running_loop())

    loop = asyncio.run(run())
    pool.shutdown()
    gc.collect()
    assert loop() is None


def test_a_call_that_was_cancelled_before_it_began_is_not_made() -> None:
    pool = ManualPool()

    async def run() -> None:
        task = asyncio.ensure_future(calls(pool).run(abs, -3))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    (future,) = pool.futures
    assert not future.set_running_or_notify_cancel()


def test_a_running_call_is_cancelled_and_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("libcloud.storage.filesystem.workers._GRACE", 5.0)
    monkeypatch.setattr(cancellation.Cancellation, "interrupt", lambda self: None)  # too late
    started, ended = threading.Event(), []

    def wait() -> None:
        started.set()
        try:
            cancellation.sleep(300)
        finally:
            ended.append(True)

    async def run() -> None:
        task = asyncio.ensure_future(calls(WorkerPool()).run(wait))
        while not started.is_set():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == [True]

    asyncio.run(run())
    gc.collect()
    assert not caplog.records  # of its error, which nobody waits for


def test_the_first_error_cancels_the_other_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libcloud.storage.filesystem.workers._GRACE", 5.0)
    monkeypatch.setattr(cancellation.Cancellation, "interrupt", lambda self: None)  # too late
    ended: list[float] = []
    started = threading.Event()

    def wait(seconds: float) -> None:
        if not seconds:
            assert started.wait(30)
            raise KeyError(seconds)
        try:
            started.set()
            cancellation.sleep(seconds)
        finally:
            ended.append(seconds)

    async def run() -> None:
        with pytest.raises(KeyError):
            await calls(WorkerPool()).map(wait, [2, 0], jobs=0)
        assert ended == [2]

    asyncio.run(run())


def test_errors_are_returned_where_the_results_would_be() -> None:
    async def run() -> list[Any]:
        made, divisors = calls(WorkerPool()), [0, 2, "x"]
        return await made.map(partial(divmod, 7), divisors, jobs=2, fail_fast=False)

    first, second, third = asyncio.run(run())
    assert (type(first), second, type(third)) == (ZeroDivisionError, (3, 1), TypeError)


def test_a_call_that_ends_after_its_loop_was_closed_is_ignored(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("libcloud.storage.filesystem.workers._GRACE", 0)
    pool = ManualPool()

    async def run() -> None:
        asyncio.ensure_future(calls(pool).run(abs, -3))  # noqa: RUF006  # cancelled at the end
        await asyncio.sleep(0)
        assert pool.futures[0].set_running_or_notify_cancel()

    asyncio.run(run())
    pool.futures[0].set_exception(OSError("too late"))
    gc.collect()
    assert not caplog.records
