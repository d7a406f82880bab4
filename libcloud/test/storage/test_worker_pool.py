# SPDX-License-Identifier: Apache-2.0
"""The worker pool of a driver: what starts when, how results come, and how it stops.

The window and the scheduler run on a virtual clock: a simulated store answers after a latency and
has a limited capacity.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import os
import pickle
import threading
from collections.abc import Iterator

import pytest

from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.scheduler import MAX_WORKERS, START_WORKERS, AdaptiveWindow, Scheduler
from libcloud.storage.transfer.retry import ConcurrencyLimiter
from libcloud.storage.worker_pool import WorkerPool
from libcloud.utils import cancellation
from libcloud.utils.batch_queue import BatchQueue


class SimulatedStore:
    """Serves the tasks of a scheduler in virtual time.

    :param capacity: requests it answers per second, at most.
    :param allowed: requests it accepts at once; it throttles more.
    :param cost: processor seconds that this process needs for a request.
    """

    def __init__(
        self,
        *,
        latency: float = 0.03,
        capacity: float = 1e9,
        allowed: int = 10**9,
        cost: float = 0,
    ) -> None:
        self.limiter = ConcurrencyLimiter()
        self.window = AdaptiveWindow()
        self.most = 0
        self.throttled = 0
        self._scheduler: Scheduler[int] = Scheduler(self.window, self.limiter)
        self._latency, self._capacity, self._allowed = latency, capacity, allowed
        self._cost, self._finished = cost, 0

    def serve(self, tasks: int) -> float:
        """Serve so many tasks; return the seconds that they took."""
        now, free, scheduler = 0.0, 0.0, self._scheduler
        for number in range(tasks):
            scheduler.add(number)
        answers: list[tuple[float, int, bool, int]] = []
        while True:
            while (task := scheduler.start()) is not None:
                free = max(now, free) + 1 / self._capacity
                accepted = len(answers) < self._allowed
                heapq.heappush(answers, (free + self._latency, self.limiter.epoch, accepted, task))
                self.most = max(self.most, scheduler.running)
            if not answers:
                return now
            now, epoch, accepted, task = heapq.heappop(answers)
            if accepted:
                self.limiter.succeeded(epoch)
            else:
                self.throttled += 1
                self.limiter.throttled(epoch)
                scheduler.add(task)  # it is tried again
            self._finished += 1
            times = now, self._finished * self._cost
            scheduler.finished(lambda times=times: times)  # type: ignore[misc]  # a default


def negative(number: int) -> int:
    return -number


def test_the_window_hides_the_latency_from_the_first_request() -> None:
    assert SimulatedStore().serve(START_WORKERS) == pytest.approx(0.03, rel=0.01)


def test_the_window_grows_to_its_maximum_while_that_pays() -> None:
    store = SimulatedStore()
    seconds = store.serve(10_000)
    assert store.most == store.window.size == MAX_WORKERS
    assert seconds < 10_000 / MAX_WORKERS * 0.03 * 1.2


def test_the_window_does_not_grow_where_that_does_not_pay() -> None:
    store = SimulatedStore(capacity=1_000)
    store.serve(5_000)
    assert store.most <= START_WORKERS * 1.5


def test_the_window_does_not_grow_while_the_interpreter_is_busy() -> None:
    store = SimulatedStore(cost=0.9 * 0.03 / START_WORKERS)
    store.serve(5_000)
    assert store.most == START_WORKERS


def test_a_larger_window_that_keeps_the_interpreter_busy_stays_if_it_pays() -> None:
    store = SimulatedStore(cost=0.6 * 0.03 / START_WORKERS)
    store.serve(5_000)
    assert store.most == store.window.size == START_WORKERS * 1.5


def test_a_store_that_throttles_from_the_first_request_narrows_the_window() -> None:
    store = SimulatedStore(allowed=8)
    store.serve(2_000)
    assert store.most == START_WORKERS
    assert store.throttled < 450  # the store is probed for more every now and then
    assert store.limiter.limit(MAX_WORKERS) <= 16


def test_a_throttled_window_recovers_when_the_store_does() -> None:
    store = SimulatedStore(allowed=8)
    store.serve(100)
    assert store.limiter.limit(MAX_WORKERS) <= 16
    store._allowed = 10**9
    store.serve(10_000)
    assert store.limiter.limit(MAX_WORKERS) == MAX_WORKERS


def test_a_small_upload_in_the_pool_halves_what_the_pool_has_in_flight() -> None:
    limiter = ConcurrencyLimiter()
    limiter.in_flight = 64
    limiter.throttled(limiter.epoch, 1)
    assert limiter.limit(MAX_WORKERS) == 32


def test_results_come_in_order() -> None:
    first = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert first.wait(30)
        if number == 3:
            first.set()
        return number * number

    results = WorkerPool().map(work, range(8))
    assert [(one.item, one.value) for one in results] == [(n, n * n) for n in range(8)]


def test_results_come_as_completed() -> None:
    last = threading.Event()

    def work(number: int) -> None:
        if number == 0:
            assert last.wait(30)

    items = []
    for result in WorkerPool().map(work, range(4), ordered=False):
        items.append(result.item)
        if len(items) == 3:
            last.set()
    assert sorted(items) == [0, 1, 2, 3]
    assert items[-1] == 0


def test_tasks_run_at_the_same_time() -> None:
    meet = threading.Barrier(START_WORKERS, timeout=30)
    assert len([*WorkerPool().map(lambda _: meet.wait(), range(START_WORKERS))]) == START_WORKERS


@pytest.mark.parametrize(("files", "tasks"), [(128, 32), (1, 1), (-1, START_WORKERS)])
def test_no_more_tasks_run_than_the_system_lets_open_files(
    monkeypatch: pytest.MonkeyPatch, files: int, tasks: int
) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert WorkerPool()._workers().scheduler.limit == tasks


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_more_tasks_run_than_requested(jobs: int) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def work(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        with lock:
            running -= 1

    assert len([*WorkerPool().map(work, range(60), jobs=jobs)]) == 60
    assert most <= jobs


@pytest.mark.parametrize("jobs", [1, None])
def test_an_error_ends_the_results_or_is_one_of_them(jobs: int | None) -> None:
    def work(number: int) -> int:
        if number == 2:
            raise KeyError(number)
        return number

    results = [*WorkerPool().map(work, range(5), fail_fast=False, jobs=jobs)]
    assert [one.value for one in results] == [0, 1, None, 3, 4]
    assert [one.item for one in results if not one.ok] == [2]
    assert isinstance(results[2].error, KeyError)
    values = []
    with pytest.raises(KeyError):
        for one in WorkerPool().map(work, range(5), jobs=jobs):
            values.append(one.value)
    assert values == [0, 1]


def test_a_million_items_are_read_as_they_are_needed() -> None:
    read = 0

    def items() -> Iterator[int]:
        nonlocal read
        while read < 1_000_000:
            yield read
            read += 1

    results = WorkerPool().map(abs, items())
    assert read == 0
    assert next(results).value == 0
    results.close()  # type: ignore[attr-defined]  # a generator
    assert read <= 2 * START_WORKERS


def test_results_do_not_wait_for_slow_items() -> None:
    got: list[int] = []

    def items() -> Iterator[int]:
        number = 0
        while not got:  # until a result has come, however many items it takes
            yield number
            number += 1

    for result in WorkerPool().map(abs, items(), ordered=False):
        got.append(result.item)
    assert 0 in got


@pytest.mark.parametrize("end", [KeyboardInterrupt(), LookupError("listing")])
def test_an_end_in_the_callers_thread_cancels_what_runs_and_what_waits(end: BaseException) -> None:
    begun, cancelled = [], []
    started = threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        started.set()
        try:
            cancellation.sleep(300)
        except cancellation.CancelledError:
            cancelled.append(number)
            raise

    def items() -> Iterator[int]:
        yield from range(70)
        assert started.wait(30)
        raise end

    with pytest.raises(type(end)):
        [*WorkerPool().map(work, items(), grace=None)]
    assert sorted(cancelled) == sorted(begun)
    assert len(begun) <= START_WORKERS


def test_a_cancellation_includes_the_one_that_is_active_around_it() -> None:
    outer = cancellation.Cancellation()
    with outer.active():
        inner = cancellation.Cancellation()
    states = [inner.cancelled]
    outer.cancel()
    assert [*states, inner.cancelled, inner.wait(0)] == [False, True, True]


def test_a_cancelled_task_starts_no_tasks_of_its_own() -> None:
    pool, begun = WorkerPool(), []
    started = threading.Event()

    def inner(number: int) -> None:
        begun.append(number)
        started.set()

    def inner_items() -> Iterator[int]:
        yield 0
        with contextlib.suppress(cancellation.CancelledError):
            cancellation.sleep(300)
        yield from range(1, 100)

    def outer(_: int) -> None:
        assert not [*pool.map(inner, inner_items())]

    def items() -> Iterator[int]:
        yield 0
        assert started.wait(30)
        raise KeyError

    with pytest.raises(KeyError):
        [*pool.map(outer, items(), grace=None)]
    assert begun == [0]


def test_a_piece_is_the_last_one_once_the_work_is_cancelled() -> None:
    closed = []

    def pieces() -> Iterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            closed.append(True)

    token = cancellation.Cancellation()
    with token.active(), pytest.raises(cancellation.CancelledError):
        for number, _ in enumerate(cancellation.interruptible(pieces())):
            assert number < 3
            if number == 2:
                token.cancel()
    assert closed == [True]
    with token.active(), cancellation.shielded():
        cancellation.sleep(0)
    cancellation.raise_if_cancelled()


def test_a_task_may_use_the_pool() -> None:
    """All workers wait for tasks that wait for tasks; each of them lets another one run."""
    pool = WorkerPool(max_workers=2)

    def outer(number: int) -> int:
        inner = sum(one.value or 0 for one in pool.map(abs, range(number)))
        return inner - pool.submit(negative, number).result()

    assert [one.value for one in pool.map(outer, range(20))] == [
        sum(range(n)) + n for n in range(20)
    ]


def test_a_future_can_be_awaited() -> None:
    pool = WorkerPool()

    async def run() -> list[int]:
        futures = [asyncio.wrap_future(pool.submit(negative, number)) for number in range(5)]
        return await asyncio.gather(*futures)

    assert asyncio.run(run()) == [0, -1, -2, -3, -4]
    with pytest.raises(ZeroDivisionError):
        pool.submit(divmod, 1, 0).result()


@pytest.fixture(params=[0, 1, 3])
def few_threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many can be started, as at the end of the interpreter or at the limit of the system."""
    startable: int = request.param
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def start_few(thread: threading.Thread) -> None:
        if len(started) == startable:
            raise RuntimeError("can't create new thread at interpreter shutdown")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_few)
    return startable


@pytest.mark.usefixtures("few_threads")
def test_tasks_run_when_few_or_no_threads_can_be_started() -> None:
    pool = WorkerPool()
    assert [one.value for one in pool.map(abs, range(300))] == [*range(300)]
    assert pool.submit(negative, -3).result() == 3


@pytest.mark.parametrize("most", [2, MAX_WORKERS])
def test_tasks_may_use_the_pool_when_few_or_no_threads_can_be_started(
    few_threads: int, most: int
) -> None:
    pool = WorkerPool(max_workers=most)
    all_added = threading.Event()
    if few_threads == 0:
        all_added.set()

    def total(number: int) -> int:
        if number < 2:
            return number
        parts = sum(one.value or 0 for one in pool.map(total, [number // 2, number - number // 2]))
        return parts - pool.submit(negative, 0).result()

    first = pool.submit(all_added.wait, 30)
    numbers = [4] * 150  # more than the stack has frames for, if one ran inside another
    futures = [pool.submit(total, number) for number in numbers]
    all_added.set()
    assert first.result()
    assert [future.result() for future in futures] == numbers
    assert [one.value for one in pool.map(total, numbers)] == numbers


def test_a_driver_has_one_pool_and_copies_have_their_own() -> None:
    driver = DummyStorageDriver("key", "secret")
    assert driver._pool is driver._pool
    copy = pickle.loads(pickle.dumps(WorkerPool(ConcurrencyLimiter())))
    assert [one.value for one in copy.map(abs, range(3))] == [0, 1, 2]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own() -> None:
    pool = WorkerPool()
    assert [one.value for one in pool.map(abs, range(3))] == [0, 1, 2]
    child = os.fork()
    if child == 0:
        os._exit(sum(one.value or 0 for one in pool.map(abs, range(10))))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 45


def test_an_interrupt_while_results_are_awaited_loses_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise, the end would wait for a task that has ended."""
    full, release = threading.Event(), threading.Event()

    def interrupted(queue: BatchQueue[object], count: int, seconds: float) -> bool:
        monkeypatch.undo()
        release.set()
        assert queue.wait(count, 30)
        raise KeyboardInterrupt

    monkeypatch.setattr(BatchQueue, "wait", interrupted)

    def work(number: int) -> None:
        assert (release if number else full).wait(30)

    def items() -> Iterator[int]:
        yield from range(15)
        full.set()  # with the next one, twice as many as may run are in the pool
        yield from range(15, 100)

    with pytest.raises(KeyboardInterrupt):
        [*WorkerPool(max_workers=8).map(work, items(), ordered=False, grace=None)]
    assert release.is_set()


class Wake:
    """Takes the place of the queue that ends a wait: elements are added during the wait."""

    def __init__(self, queue: BatchQueue[int], urgent: int) -> None:
        self.ended_after: int | None = None
        self._queue, self._urgent, self._count = queue, urgent, 0

    def get(self, timeout: float) -> None:
        for number in range(1, 5):
            self._count = number
            self._queue.put(number, urgent=number == self._urgent)

    def put(self, _: None) -> None:
        self.ended_after = self.ended_after or self._count


@pytest.mark.parametrize(("urgent", "ended_after"), [(0, 3), (2, 2)])
def test_a_thread_that_waits_for_several_results_is_woken_once(
    urgent: int, ended_after: int
) -> None:
    queue: BatchQueue[int] = BatchQueue()
    queue._wake = wake = Wake(queue, urgent)  # type: ignore[assignment]
    assert queue.wait(3, 30)
    assert wake.ended_after == ended_after
    assert [queue.take() for _ in range(4)] == [1, 2, 3, 4]


def test_a_wait_for_results_does_not_end_without_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """An urgent one may be taken before the thread that added it ends the wait, which is the next.

    That happens without a global interpreter lock.
    """
    queue: BatchQueue[int] = BatchQueue()

    class Late:
        def get(self, timeout: float) -> None:
            queue.put(1, urgent=not queue._elements and queue._wanted == 3)
            if queue._wanted != 3:
                queue.take()
                monkeypatch.setattr(self, "get", lambda timeout: queue.put(2), raising=True)

        def put(self, _: None) -> None:
            pass

    queue._wake = Late()  # type: ignore[assignment]
    assert queue.wait(3, 30)
    assert queue.take() == 2
