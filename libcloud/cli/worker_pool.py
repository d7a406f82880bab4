# SPDX-License-Identifier: Apache-2.0
"""Transfers many objects at a time: a small transfer spends most of its time waiting for the store.

Each transfer runs in one thread from start to finish. The main thread hands out the tasks, reports
failures and receives signals. When it has to stop, it makes the running transfers fail, which
aborts their uploads, and waits for them.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue

from libcloud.cli.failures import Failures
from libcloud.cli.progress import print_stderr
from libcloud.cli.text import count

__all__ = ["WorkerPool"]

Task = Callable[[], object]


class _StoppedError(Exception):
    """The pool was stopped while this transfer was running."""


class WorkerPool:
    """Runs tasks that each transfer one object.

    :param jobs: how many tasks run at a time; 1 runs them in the calling thread.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._stop = threading.Event()
        self._finished = 0
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._results: SimpleQueue[BaseException | None] = SimpleQueue()

    def interruptible(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield ``pieces``; raise an error once the pool is stopped."""
        with contextlib.ExitStack() as stack:
            stack.callback(getattr(pieces, "close", int))
            for piece in pieces:
                self.raise_if_stopped()
                yield piece

    def raise_if_stopped(self) -> None:
        """Raise an error if the pool was stopped."""
        if self._stop.is_set():
            raise _StoppedError

    def run(self, tasks: Iterable[Task], failures: Failures) -> None:
        """Run ``tasks``; report those that fail, and count them in ``failures``.

        :raises BaseException: a signal, or an error that affects all tasks. The running transfers
            have failed by then.
        """
        workers: list[threading.Thread] = []
        try:
            self._start(workers)
            if workers:
                self._hand_out(tasks, failures)
            else:
                for task in tasks:
                    with failures.collect():
                        task()
        except BaseException as error:
            self._cancel(workers)
            if workers and isinstance(error, KeyboardInterrupt):
                finished = count(self._finished, "object")
                print_stderr(f"libcloud: {finished} finished; running transfers were discarded")
            raise
        self._join(workers)

    def _start(self, workers: list[threading.Thread]) -> None:
        """Start as many threads as possible: none once the interpreter is shutting down."""
        if self._jobs > 1:
            with contextlib.suppress(RuntimeError):
                for number in range(self._jobs):
                    worker = threading.Thread(target=self._work, name=f"libcloud-job_{number}")
                    worker.start()
                    workers.append(worker)

    def _hand_out(self, tasks: Iterable[Task], failures: Failures) -> None:
        """Queue the tasks, up to two per job at a time, and wait for all results."""
        unfinished = 0
        for task in tasks:
            self._tasks.put(task)
            unfinished += 1
            if unfinished >= 2 * self._jobs:
                self._wait_for_result(failures)
                unfinished -= 1
        for _ in range(unfinished):
            self._wait_for_result(failures)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except BaseException as error:
                self._results.put(error)
            else:
                self._results.put(None)
            del task  # while it waits, it keeps nothing of the last object

    def _wait_for_result(self, failures: Failures) -> None:
        error = self._results.get()
        with failures.collect():
            if error is not None:
                raise error
            self._finished += 1

    def _cancel(self, workers: list[threading.Thread]) -> None:
        """Make the running tasks fail, and wait until they have."""
        self._stop.set()
        with contextlib.suppress(Empty):
            while True:
                self._tasks.get_nowait()
        self._join(workers)
        with contextlib.suppress(Empty):
            while True:
                note = getattr(self._results.get_nowait(), "cli_note", None)
                if note:
                    print_stderr(note)

    def _join(self, workers: list[threading.Thread]) -> None:
        # One for each thread, even if a signal interrupted ``_start`` before it was recorded.
        for _ in range(self._jobs):
            self._tasks.put(None)
        for worker in workers:
            worker.join()
