# SPDX-License-Identifier: Apache-2.0
"""Runs the process on one processor core while it transfers small objects.

For a small object, nearly all processor time is spent in the interpreter, which runs one thread at
a time. With several cores, a thread that waits for the interpreter is woken on another core
whenever the running one makes a system call, a dozen times for each object: half of the time is
spent on that, and on filling the caches of the other core. On one core, the running thread returns
from its system call before another one is woken.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from libcloud.storage.capabilities import KIB

_Item = TypeVar("_Item")

# Checksums, encryption and copies to the socket, which run on all cores, take a fraction of the
# time of a request up to here.
SMALL = 128 * KIB

# Seconds after which the share of the core is measured, and the share that is needed.
_PERIOD = 0.2
_SHARE = 0.7

# proc(5): the fields of /proc/PID/stat after the name of the command, from the third.
_PROCESSOR = 39 - 3


class OneCore:
    """A context manager that limits the process to one core while that pays.

    It ends with the first large object, and as soon as the process does not get most of the core:
    other processes use it too, or the network is slower than the interpreter.

    :param core: the number of the core; ``None``: the current one.
    :param clock: returns seconds from an arbitrary start.
    :param used: returns the processor seconds of the process.
    """

    def __init__(
        self,
        core: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.process_time,
    ) -> None:
        self._core = core
        self._clock, self._used = clock, used
        self._cores: set[int] = set()  # to be allowed again
        self._since = 0.0
        self._used_before = 0.0

    def __enter__(self) -> OneCore:
        with contextlib.suppress(OSError, AttributeError, ValueError, IndexError):
            cores = os.sched_getaffinity(0)
            core = current_core() if self._core is None else self._core
            if len(cores) > 1 and core in cores:
                self._since, self._used_before = self._clock(), self._used()
                _limit_threads({core})
                self._cores = cores
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def watch(
        self, items: Iterable[_Item], size_of: Callable[[_Item], int | None]
    ) -> Iterator[_Item]:
        """Yield ``items``, whose size in bytes is ``None`` if unknown."""
        for item in items:
            if self._cores:
                size = size_of(item)
                if size is None or size > SMALL:
                    self._end()
                elif (now := self._clock()) - self._since >= _PERIOD:
                    self._end_period(now)
            yield item

    def _end_period(self, now: float) -> None:
        used = self._used()
        if used - self._used_before < _SHARE * (now - self._since):
            self._end()
        self._since, self._used_before = now, used

    def _end(self) -> None:
        cores, self._cores = self._cores, set()
        if cores:
            _limit_threads(cores)


def current_core() -> int:
    """The core that runs this thread."""
    with open("/proc/thread-self/stat", "rb") as file:
        return int(file.read().rpartition(b") ")[2].split()[_PROCESSOR])


def _limit_threads(cores: set[int]) -> None:
    """Let all threads of the process run on ``cores`` only, and those that they start."""
    threads: list[int] = []
    with contextlib.suppress(OSError):  # no file can be opened
        threads = sorted(map(int, os.listdir("/proc/self/task")))  # the main thread first
    for thread in threads:
        with contextlib.suppress(OSError):  # it has ended
            os.sched_setaffinity(thread, cores)
