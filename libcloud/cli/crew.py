# SPDX-License-Identifier: Apache-2.0
"""Many transfers, several at a time: a single small one waits for the store most of the time.

Each runs in a thread of its own from begin to end. The main thread hands them out, tells of those
that failed, and takes signals; when it has to end, those under way are made to fail, which aborts
them, and it waits until they have.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from libcloud.cli.failures import Collected
from libcloud.cli.progress import say
from libcloud.cli.text import count

__all__ = ["Crew"]


class _StoppedError(Exception):
    """A transfer has to end because all of them have."""


class Crew:
    """Does things that concern one object each.

    :param jobs: how many at a time; 1 does them in this thread.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._stop = threading.Event()
        self._number = 0

    def heeding(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """``pieces``, until the crew has to stop: then an error."""
        with contextlib.ExitStack() as stack:
            stack.callback(getattr(pieces, "close", int))
            for piece in pieces:
                self.check()
                yield piece

    def check(self) -> None:
        """Do nothing, unless the crew has to stop: then raise an error."""
        if self._stop.is_set():
            raise _StoppedError

    def do(self, tasks: Iterable[Callable[[], object]], failed: Collected) -> None:
        """Do ``tasks``; their failures are told, and counted in ``failed``.

        :raises BaseException: one that concerns all of them, or a signal. Those under way failed.
        """
        if self._jobs == 1:
            for task in tasks:
                with failed.one():
                    task()
            return
        pending: set[Future[object]] = set()
        with ThreadPoolExecutor(self._jobs, thread_name_prefix="libcloud-job") as pool:
            try:
                for task in tasks:
                    pending.add(pool.submit(task))
                    if len(pending) >= 2 * self._jobs:
                        pending = self._settle(pending, failed)
                while pending:
                    pending = self._settle(pending, failed)
            except BaseException as error:
                self._end(pending)
                if isinstance(error, KeyboardInterrupt):
                    done = count(self._number, "object")
                    say(f"libcloud: {done} finished; of what was under way nothing is kept")
                raise

    def _settle(self, pending: set[Future[object]], failed: Collected) -> set[Future[object]]:
        """Wait for one at least; those that are not done."""
        done, rest = wait(pending, return_when=FIRST_COMPLETED)
        pending -= done  # also if one of them raises
        for future in done:
            with failed.one():
                future.result()
                self._number += 1
        return rest

    def _end(self, pending: set[Future[object]]) -> None:
        """Make those under way fail, and wait until they have."""
        self._stop.set()
        for future in pending:
            future.cancel()
        for future in wait(pending).done:
            error = None if future.cancelled() else future.exception()
            left = getattr(error, "cli_left", None)
            if left:
                say(left)
