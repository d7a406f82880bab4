# SPDX-License-Identifier: Apache-2.0
"""Blocking calls in a worker pool, for coroutines: results, errors, cancellation, wake-ups."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from libcloud.storage.filesystem.workers import Calls, _Deliveries
from libcloud.storage.worker_pool import WorkerPool
from libcloud.utils import cancellation


class ManualLoop:
    """An event loop that records what it is asked to call, in place of calling it."""

    def __init__(self) -> None:
        self.woken: list[Callable[[], None]] = []
        self.later: list[Callable[[], None]] = []

    def call_soon_threadsafe(self, function: Callable[[], None]) -> None:
        self.woken.append(function)

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        self.later.append(function)


class Delivered:
    def __init__(self) -> None:
        self.count = 0

    def deliver(self) -> None:
        self.count += 1


class ManualPool:
    """A pool that starts nothing before it is asked to."""

    def __init__(self) -> None:
        self.tasks: list[Callable[[], None]] = []

    def start(self, task: Callable[[], None]) -> None:
        self.tasks.append(task)


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
    threads: list[threading.Thread] = []

    def start(task: Callable[[], None]) -> None:
        threads.append(threading.Thread(target=task))
        threads[-1].start()

    made = calls(SimpleNamespace(start=start))

    async def run() -> weakref.ref[asyncio.AbstractEventLoop]:
        assert await made.run(abs, -3) == 3
        return weakref.ref(asyncio.get_running_loop())

    loop = asyncio.run(run())
    threads.pop().join()
    gc.collect()
    assert loop() is None


def test_results_that_come_together_wake_the_loop_once() -> None:
    loop: Any = ManualLoop()
    deliveries, call = _Deliveries(loop), Delivered()
    for _ in range(3):
        deliveries.add(call)  # type: ignore[arg-type]  # as far as is needed
    assert len(loop.woken) == 1
    loop.woken.pop()()
    assert call.count == 3
    deliveries.add(call)  # type: ignore[arg-type]
    assert not loop.woken
    loop.later.pop()()
    assert call.count == 4
    assert not loop.later
    deliveries.add(call)  # type: ignore[arg-type]
    assert len(loop.woken) == 1


def test_a_call_that_was_cancelled_before_it_began_is_not_made() -> None:
    pool = ManualPool()
    made: list[int] = []

    async def run() -> None:
        task = asyncio.ensure_future(calls(pool).run(made.append, 1))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    (task,) = pool.tasks
    task()
    assert made == []


def test_a_running_call_is_cancelled_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
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
            await calls(WorkerPool()).map(wait, [300, 0], jobs=0)
        assert ended == [300]

    asyncio.run(run())


def test_errors_are_returned_where_the_results_would_be() -> None:
    async def run() -> list[Any]:
        made, divisors = calls(WorkerPool()), [0, 2, "x"]
        return await made.map(partial(divmod, 7), divisors, jobs=2, fail_fast=False)

    first, second, third = asyncio.run(run())
    assert (type(first), second, type(third)) == (ZeroDivisionError, (3, 1), TypeError)


def test_a_result_for_a_loop_that_was_closed_is_dropped() -> None:
    pool = ManualPool()
    made: list[int] = []

    async def run() -> None:
        task = asyncio.ensure_future(calls(pool).run(made.append, 1))
        await asyncio.sleep(0)
        assert not task.done()

    asyncio.run(run())
    (task,) = pool.tasks
    task()
    assert made == []
