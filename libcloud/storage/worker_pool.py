# SPDX-License-Identifier: Apache-2.0
"""The worker pool of a driver: runs operations on many objects in parallel.

A request to a store mostly waits for the network, so a thousand small objects one after another
take a thousand times its latency. All operations on many objects share the pool of their driver.
How many tasks run at once is decided by ``scheduler.py``: the window starts large enough to
hide the latency of a network and grows while that raises the throughput; the concurrency limiter
of the store narrows it when the store throttles.

Tests: ``libcloud/test/storage/test_worker_pool.py``.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Generic, NamedTuple, TypeVar

from libcloud.storage.scheduler import MAX_WORKERS, AdaptiveWindow, Elsewhere, Limiter, Scheduler
from libcloud.storage.types import OperationResult
from libcloud.utils.batch_queue import BatchQueue
from libcloud.utils.cancellation import Cancellation
from libcloud.utils.local import PerProcess, PerThread

# Seconds after which an idle thread ends.
_IDLE = 10.0

# Seconds to wait for running tasks whose results are no longer needed.
_GRACE = 1.0

# The same once they are abandoned, for each to end after another: the first one imports what
# describes its error. Those that wait for a connection to open do not notice.
_LAST_GRACE = 0.5

# Seconds for which results are awaited together: waking the thread that takes them for each of two
# thousand objects a second takes more time than processing them.
_BATCH = 0.005

# Seconds between two looks at whether they are abandoned.
_POLL = 0.05

# What a task has open: a file and a connection; for a large object, several connections.
_OPEN_FILES = 4

# Seconds after which a wait for a task is interrupted to handle signals.
_ATTENTION = 0.3

_HERE = Elsewhere()

_Item = TypeVar("_Item")
_T = TypeVar("_T")
_Task = Callable[[], None]


def _clock() -> tuple[float, float]:
    return time.monotonic(), time.process_time()


def most_tasks() -> int:
    """How many tasks may run at once, so that the process may open what they need."""
    try:
        import resource
    except ImportError:  # Windows
        return MAX_WORKERS
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MAX_WORKERS if allowed < 0 else max(1, allowed // _OPEN_FILES)  # -1: no limit


class _Unlimited:
    in_flight = 0

    def limit(self, window: int) -> int:
        return window


_this_thread = threading.local()


class _Workers:
    """The threads of a pool in one process."""

    inside = PerThread(False)
    """Whether the calling thread is one of them."""

    def __init__(self, limiter: Limiter, most: int) -> None:
        window = AdaptiveWindow(most=min(most, most_tasks()))
        self.scheduler: Scheduler[_Task] = Scheduler(window, limiter)
        self._ready: SimpleQueue[_Task] = SimpleQueue()
        self._lock = PerProcess(threading.RLock)
        self._idle = 0  # threads that wait for a task which is not in ``_ready`` yet
        self._threads = 0
        self._scarce = False  # the last thread could not be started
        self._unserved = 0  # tasks in ``_ready`` for which no thread was started

    @property
    def spare(self) -> int:
        """Tasks that may end before more are needed to keep all threads busy."""
        return len(self.scheduler.waiting) - self.scheduler.running // 2

    def add(self, task: _Task) -> None:
        """Run ``task``, which never raises, in a thread; in this one if none can be started."""
        if self._scarce and self.inside:
            task()  # all threads may be waiting for it
            return
        with self._lock():
            self.scheduler.add(task)
            self._start_tasks()
        if not self._threads:
            self._run_unserved()

    @contextlib.contextmanager
    def paused(self, done: bool = False) -> Iterator[None]:
        """Let other tasks run while the one of this thread waits for them, unless they are done."""
        if done or not self.inside:
            yield
            return
        with self._lock():
            self.scheduler.pause()
            self._start_tasks()
        try:
            self._run_unserved()
            yield
        finally:
            with self._lock():
                self.scheduler.resume()

    def _start_tasks(self) -> None:
        while (task := self.scheduler.start()) is not None:
            self._ready.put(task)  # wakes a thread
            if self._idle:
                self._idle -= 1
            else:
                self._start_thread()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name="libcloud-worker", daemon=True)
        self._threads += 1
        try:
            thread.start()
        except RuntimeError:  # the interpreter is shutting down, or the system has no more threads
            self._threads -= 1
            self._unserved += 1
            self._scarce = True
        else:
            self._scarce = False

    def _run_unserved(self) -> None:
        """Run tasks for which no thread was started in this one, like a thread of the pool."""
        inside, self.inside = self.inside, True
        try:
            task = self._take_unserved()
            while task is not None:
                task()
                task = self._finish(0)
        finally:
            self.inside = inside

    def _take_unserved(self) -> _Task | None:
        with self._lock():
            if not self._unserved:
                return None
            self._unserved -= 1
            return self._ready.get_nowait()  # no thread is idle, so that none takes it instead

    def _work(self) -> None:
        self.inside = _this_thread.in_worker = True
        task: _Task | None = None
        while True:
            if task is None:
                try:
                    task = self._ready.get(timeout=_IDLE)
                except Empty:
                    if self._may_end():
                        return
                    continue
            task()
            task = self._finish()

    def _finish(self, idle: int = 1) -> _Task | None:
        """Record that a task of this thread is finished; return the one that it runs next.

        A thread that takes its next task needs not be woken, which takes longer than many tasks.

        :param idle: 0 if the thread does not wait for tasks when there are none.
        """
        with self._lock():
            self.scheduler.finished(_clock)
            task = self.scheduler.start()
            if task is not None:
                self._start_tasks()
            elif self._unserved:
                task = self._take_unserved()
            else:
                self._idle += idle
            return task

    def _may_end(self) -> bool:
        with self._lock():
            if not self._idle:  # a task is on its way to this thread
                return False
            self._idle -= 1
            self._threads -= 1
            return True


class _Future(Future[_T]):
    """A future whose result the pool's own tasks can wait for."""

    _workers: _Workers

    def result(self, timeout: float | None = None) -> _T:
        with self._workers.paused(self.done()):
            return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        with self._workers.paused(self.done()):
            return super().exception(timeout)


class WorkerPool:
    """Runs tasks in threads that all operations of a driver share. Thread-safe.

    Threads start when they are needed and end when they are idle; each process has its own. A task
    may use the pool itself: while it waits for other tasks, those run in its place.

    :param limiter: the concurrency limiter of the store; ``None`` if it has none.
    :param max_workers: maximum number of tasks that run at once; with 1, :meth:`map` runs them in
        the calling thread, one after another.
    """

    def __init__(self, limiter: Limiter | None = None, *, max_workers: int = MAX_WORKERS) -> None:
        self._arguments = limiter, max_workers
        self._workers = PerProcess(partial(_Workers, limiter or _Unlimited(), max_workers))

    def __reduce__(self) -> tuple[Any, ...]:
        return _pool, self._arguments

    def submit(self, function: Callable[..., _T], /, *args: Any) -> Future[_T]:
        """Run ``function(*args)`` in a thread.

        :return: its result; ``asyncio.wrap_future`` makes it awaitable.
        """
        workers = self._workers()
        future: _Future[_T] = _Future()
        future._workers = workers
        workers.add(partial(_run_future, future, function, args))
        return future

    def start(self, task: _Task) -> None:
        """Run ``task``, which must not raise, in a thread."""
        self._workers().add(task)

    def is_idle(self, threads: int) -> bool:
        """Whether no task runs, and the pool has that many threads."""
        return (own := self._workers())._threads == threads and not own.scheduler.running

    def map(
        self,
        function: Callable[[_Item], _T],
        items: Iterable[_Item],
        *,
        ordered: bool = True,
        fail_fast: bool = True,
        jobs: int | None = None,
        grace: float | None = _GRACE,
        elsewhere: Elsewhere = _HERE,
    ) -> Iterator[OperationResult[_Item, _T]]:
        """Call ``function`` for each of ``items``, starting when the first result is requested.

        Items are read by the calling thread, at most twice as many ahead as tasks may run at once.
        If the iteration ends early (an error, a signal, ``break``), tasks that have not started are
        dropped, and running ones are cancelled (see :mod:`libcloud.utils.cancellation`) and waited
        for up to ``grace`` seconds.

        :param ordered: results come in the order of ``items``; otherwise as completed.
        :param fail_fast: raise the first error; otherwise results contain the errors.
        :param jobs: maximum number of tasks of this call that run at once; ``None``: the pool's.
        :param grace: seconds; ``None``: until the running tasks have ended or are abandoned.
        :param elsewhere: is offered each item first; the value of those that it takes is ``None``.
        """
        if jobs == 1 or self._arguments[1] == 1:
            return _map_inline(function, items, fail_fast)
        options = _RunOptions(ordered, fail_fast, jobs, grace, elsewhere)
        return _Run(self._workers(), function, options).results(items)


def in_worker() -> bool:
    """Whether the calling thread runs a task of a pool, concurrently with others."""
    return getattr(_this_thread, "in_worker", False)


def _pool(limiter: Limiter | None, max_workers: int) -> WorkerPool:
    return WorkerPool(limiter, max_workers=max_workers)


def _run_future(future: Future[_T], function: Callable[..., _T], args: tuple[Any, ...]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function(*args)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


def _map_inline(
    function: Callable[[_Item], _T], items: Iterable[_Item], fail_fast: bool
) -> Iterator[OperationResult[_Item, _T]]:
    for item in items:
        try:
            value = function(item)
        except Exception as error:
            if fail_fast:
                raise
            yield OperationResult(item, None, error)
        else:
            yield OperationResult(item, value)


class _Job(Generic[_Item, _T]):
    """One item of a :class:`_Run` and its outcome."""

    __slots__ = ("done", "error", "item", "value")

    def __init__(self, item: _Item) -> None:
        self.item = item
        self.value: _T | None = None
        self.error: BaseException | None = None
        self.done = False


class _RunOptions(NamedTuple):
    ordered: bool
    fail_fast: bool
    jobs: int | None
    grace: float | None
    elsewhere: Elsewhere


class _Run(Generic[_Item, _T]):
    """One call of :meth:`WorkerPool.map`."""

    def __init__(
        self, workers: _Workers, function: Callable[[_Item], _T], options: _RunOptions
    ) -> None:
        self._workers = workers
        self._function = function
        self._ordered, self._fail_fast, self._jobs, self._grace, self._elsewhere = options
        self._pid = os.getpid()
        self._cancellation = Cancellation()
        self._unfinished = 0  # jobs that have not been removed from ``_finished``
        self._is_complete = False  # no more jobs are added
        self._finished: BatchQueue[_Job[_Item, _T]] = BatchQueue()
        self._results: deque[_Job[_Item, _T]] = deque()  # not returned to the caller yet

    def results(self, items: Iterable[_Item]) -> Iterator[OperationResult[_Item, _T]]:
        """The results."""
        try:
            for item in items:
                self._add(_Job(item))
                while (full := self._is_full()) or self._finished:
                    yield from self._completed(wait=full)
            self._is_complete = True
            while self._unfinished or self._results:
                yield from self._completed(wait=True)
        finally:
            self._stop()

    def _add(self, job: _Job[_Item, _T]) -> None:
        self._unfinished += 1
        if self._ordered:
            self._results.append(job)
        if not self._elsewhere.take(job.item, self._unfinished - 1, partial(self._end, job)):
            self._workers.add(partial(self._run, job))

    def _is_full(self) -> bool:
        pending = len(self._results) if self._ordered else self._unfinished
        limit = self._workers.scheduler.limit * self._elsewhere.processes
        if self._jobs is not None and self._unfinished >= self._jobs:
            return True
        return pending >= 2 * min(limit, self._jobs or limit)

    def _run(self, job: _Job[_Item, _T]) -> None:
        try:
            job.value = self._cancellation.call(self._function, job.item)
        except BaseException as error:
            job.error = error
        self._end(job, job.error)

    def _end(self, job: _Job[_Item, _T], error: BaseException | None = None) -> None:
        job.error = error
        self._finished.put(job, urgent=error is not None)

    def _completed(self, *, wait: bool) -> Iterator[OperationResult[_Item, _T]]:
        """Take the jobs that are finished, at least one if ``wait``; the results that are due."""
        is_due = bool(self._results) and self._results[0].done
        if wait and self._unfinished and not is_due and not self._finished:
            with self._workers.paused():
                self._wait()
        while self._finished:
            job = self._finished.take()
            # An interrupt from here on loses no job: the end waits for those that are unfinished.
            self._unfinished -= 1
            job.done = True
            if not self._ordered:
                self._results.append(job)
        while self._results and self._results[0].done:
            job = self._results.popleft()
            error = job.error
            if error is not None and (self._fail_fast or not isinstance(error, Exception)):
                raise error
            yield OperationResult(job.item, job.value, error)

    def _wait(self) -> None:
        """Wait for a finished job, and for those that finish at the same time."""
        self._elsewhere.flush()
        count = self._unfinished
        if not self._is_complete:
            count = min(count, self._workers.spare)
        if count > 1 and self._finished.wait(count, _BATCH):
            return
        # A signal that arrives just before the wait is only handled after it.
        while not self._finished.wait(1, _ATTENTION):
            pass

    def _stop(self) -> None:
        """Cancel unfinished tasks, and wait up to ``grace`` seconds for them to end."""
        if self._pid != os.getpid():
            return
        self._cancellation.cancel()
        self._elsewhere.stop()
        with self._workers.paused(not self._unfinished):
            if self._grace is None:
                while not (self._all_end_within(_POLL) or self._cancellation.abandoned):
                    pass
                while self._unfinished and self._one_ends_within(_LAST_GRACE):
                    pass
            elif not self._all_end_within(self._grace / 2):
                self._cancellation.interrupt()
                self._all_end_within(self._grace / 2)

    def _all_end_within(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while self._unfinished and self._one_ends_within(max(0.0, end - time.monotonic())):
            pass
        return not self._unfinished

    def _one_ends_within(self, seconds: float) -> bool:
        if not self._finished.wait(1, seconds):
            return False
        self._finished.take()
        self._unfinished -= 1
        return True
