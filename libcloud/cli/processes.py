# SPDX-License-Identifier: Apache-2.0
"""Transfers many small objects in several processes, each on a core of its own.

For a small object, nearly all processor time is spent in the interpreter, which runs one thread at
a time. So the command forks children, which inherit its task and its driver, before it has threads.
Each is connected by a socket: it receives batches of items, and sends what became of them. When the
command closes its end, or is killed, the child cancels what it has not finished, and ends.

Tests: ``libcloud/test/cli/test_children.py``.
"""

from __future__ import annotations

import _thread
import contextlib
import io
import itertools
import os
import pickle
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from libcloud.cli import cores, progress
from libcloud.cli.errors import error_line
from libcloud.cli.signals import fork_child, stop
from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, StorageDriver
from libcloud.storage.scheduler import MAX_WORKERS, Elsewhere
from libcloud.utils.batch_queue import BatchQueue
from libcloud.utils.cancellation import Cancellation, current

if TYPE_CHECKING:
    from libcloud.storage.worker_pool import WorkerPool

_Item = TypeVar("_Item")
_Run = Callable[[Any], object]
_Done = Callable[[BaseException | None], object]
_SizeOf = Callable[[Any], int | None]

# Processes that share the items at most: the first one distributes them, and a container often may
# use fewer cores than it sees.
_MOST = 4

# Transfers of each at least that run at once: fewer do not keep a core busy.
_LEAST_JOBS = 16

# Items that are read ahead to decide, of which four fifths must be small, and for how many seconds.
# Fewer are transferred before the start of a child has paid. A small upload takes less time.
_DOWNLOADS, _UPLOADS, _SOON = 500, 2000, 0.2

# Items and outcomes that are sent together; seconds for which outcomes are awaited.
_BATCH, _DELAY = 16, 0.005

_clock = time.monotonic

# What is raised at the end of a connection.
_ENDS = (EOFError, OSError, pickle.UnpicklingError)

# Seconds after which a wait is repeated.
_ATTENTION = 0.3

# Seconds between two looks at whether all cancelled transfers have ended; and how many those have
# that are abandoned.
_POLL, _GRACE = 0.02, 0.5

# Seconds after which a child is killed that does not end: it may wait for a disk.
_LONGEST_END = 10.0


class _Known:
    """Pickles values without the driver and the containers, which the children have inherited."""

    def __init__(self, driver: StorageDriver, items: Iterable[object]) -> None:
        self.objects: list[object] = [driver]
        self.numbers = {id(driver): 0}
        self.is_complete = False
        with contextlib.suppress(Exception):  # such an item stays in this process
            for item in items:
                self.dumps(item)
        self.is_complete = True

    def dumps(self, value: object) -> bytes:
        file = io.BytesIO()
        _Pickler(file, self).dump(value)
        return file.getvalue()

    def loads(self, data: bytes) -> Any:
        return _Unpickler(io.BytesIO(data), self).load()


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, known: _Known) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._known = known

    def persistent_id(self, value: object) -> int | None:
        known = self._known
        number = known.numbers.get(id(value))
        if number is None and isinstance(value, (StorageDriver, Container)):
            if not known.is_complete:
                number = known.numbers[id(value)] = len(known.objects)
                known.objects.append(value)
            elif isinstance(value, StorageDriver):
                raise pickle.PicklingError("the children have no such driver")
        return number


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, known: _Known) -> None:
        super().__init__(file)
        self._known = known

    def persistent_load(self, number: int) -> object:
        return self._known.objects[number]


class _Child:
    """A child, as its parent sees it.

    :ivar unfinished: what to call, by number, for the items that it got, and those of the batch.
    :ivar is_ready: it accepts items: it has started and was not killed.
    """

    def __init__(
        self, pid: int, connection: socket.socket, known: _Known, succeeded: Callable[[], object]
    ) -> None:
        self.pid, self.connection, self._known = pid, connection, known
        self._succeeded = succeeded
        self._reader = threading.Thread(target=self._receive, daemon=True)
        self.unfinished: dict[int, _Done] = {}
        self.is_ready = self._has_ended = False
        self._batch: list[tuple[int, bytes]] = []
        self._numbers = itertools.count()

    def start(self) -> None:
        with contextlib.suppress(RuntimeError):  # the system has no more threads
            self._reader.start()

    def add(self, data: bytes, done: _Done) -> None:
        number = next(self._numbers)
        self.unfinished[number] = done
        self._batch.append((number, data))
        if len(self._batch) >= _BATCH or len(self.unfinished) <= 2 * _BATCH:
            self.flush()

    def flush(self) -> None:
        if self._batch:
            data, self._batch = pickle.dumps(self._batch), []
            with contextlib.suppress(OSError):  # the other thread notices that it has ended
                self.connection.sendall(data)
        if not self.is_ready:
            self._fail()

    def stop(self) -> None:
        """Make it cancel what is unfinished, and end."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)

    def join(self) -> None:
        """Wait for its end, which :meth:`stop` asked for."""
        with contextlib.suppress(RuntimeError):  # no thread could be started
            self._reader.join(_LONGEST_END if self.is_ready else 0)
        with contextlib.suppress(ProcessLookupError, ChildProcessError):  # SIGCHLD is ignored
            if not self._has_ended:
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.connection.close()

    def _receive(self) -> None:
        """Handle its outcomes until it ends."""
        before = progress.Totals()
        try:
            with self.connection.makefile("rb") as file, contextlib.suppress(*_ENDS):
                while True:
                    totals, errors = self._known.loads(pickle.load(file))
                    self.is_ready = True
                    progress.add_totals(totals.since(before))
                    before = totals
                    for number, error in errors:
                        if error is None:
                            self._succeeded()
                        self.unfinished.pop(number)(error)
        finally:
            self.is_ready, self._has_ended = False, True
            self._fail()

    def _fail(self) -> None:
        while self.unfinished:
            with contextlib.suppress(KeyError):  # the other thread took the last one
                _, done = self.unfinished.popitem()
                done(LibcloudError("the process that transferred it was killed"))


class Processes(Elsewhere):
    """The children. As a context manager, it waits for them at the end of the block.

    It is the ``elsewhere`` of a worker pool: each item goes where the fewest are unfinished, but
    large ones stay in this process.

    :param size_of: bytes of an item; ``None`` if unknown.
    """

    def __init__(self, known: _Known, size_of: _SizeOf, succeeded: Callable[[], object]) -> None:
        self._known, self._size_of, self._succeeded = known, size_of, succeeded
        self._children: list[_Child] = []

    @property
    def processes(self) -> int:  # type: ignore[override]
        return 1 + len(self._children)

    def fork(self, free_cores: list[int], serve: Callable[[socket.socket, int], object]) -> None:
        """Start a child for each of the cores, or for fewer if the system does not allow more."""
        with contextlib.suppress(OSError):
            for core in free_cores:
                ours, theirs = socket.socketpair()
                with theirs:
                    pid = fork_child()
                    if not pid:
                        try:
                            for child in self._children:  # it must not keep them from ending
                                child.connection.close()
                            ours.close()
                            serve(theirs, core)
                        finally:
                            os._exit(0)
                self._children.append(_Child(pid, ours, self._known, self._succeeded))

    def start(self) -> None:
        """Accept items, once all children are forked."""
        for child in self._children:
            child.start()

    def take(self, item: object, unfinished: int, done: _Done) -> bool:
        size = self._size_of(item)
        ready = [child for child in self._children if child.is_ready]
        if not ready or size is None or size > cores.SMALL:
            return False
        child = min(ready, key=lambda child: len(child.unfinished))
        here = unfinished - sum(len(child.unfinished) for child in ready)
        if len(child.unfinished) > here:
            return False
        try:
            data = self._known.dumps(item)
        except Exception:  # it is only known here
            return False
        child.add(data, done)
        return True

    def flush(self) -> None:
        for child in self._children:
            child.flush()

    def stop(self) -> None:
        for child in self._children:
            child.stop()

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for child in self._children:
            child.join()


class _Service:
    """What a child does: transfer the items that it receives in the worker pool of its driver.

    :param outer: the cancellation of the command.
    """

    def __init__(
        self, connection: socket.socket, known: _Known, run: _Run, outer: Cancellation
    ) -> None:
        self._connection, self._known, self._run = connection, known, run
        self._outer, self._cancellation = outer, Cancellation()
        self._finished: BatchQueue[tuple[int, BaseException | None]] = BatchQueue()
        self._received = self._sent = 0
        self._before = progress.totals()

    def serve(self, pool: WorkerPool, core: int) -> None:
        """Send outcomes until the process ends."""
        with cores.OneCore(core) as one:
            threading.Thread(target=self._receive, args=(pool, one), daemon=True).start()
            self._send()  # it is ready
            while True:
                if self._finished.wait(1, _ATTENTION):
                    self._finished.wait(_BATCH, _DELAY)
                    self._send()

    def _send(self) -> None:
        errors = []
        while self._finished:
            number, error = self._finished.take()
            errors.append((number, self._portable(error)))
        totals = progress.totals().since(self._before)
        with contextlib.suppress(OSError):  # the parent was killed
            self._connection.sendall(pickle.dumps(self._known.dumps((totals, errors))))
        self._sent += len(errors)

    def _receive(self, pool: WorkerPool, one: cores.OneCore) -> None:
        """Start transfers; at the end, cancel those that have not ended, and end the process."""
        try:
            for number, data in one.watch(self._items(), lambda item: 0):
                pool.start(partial(self._transfer, number, data))
            if self._sent < self._received:
                _thread.start_new_thread(stop, (self._outer,))
                self._await_end()
        finally:
            os._exit(0)

    def _await_end(self) -> None:
        end = float("inf")
        while self._sent < self._received and time.monotonic() < end:
            if self._outer.abandoned:
                end = min(end, time.monotonic() + _GRACE)
            time.sleep(_POLL)

    def _items(self) -> Iterator[tuple[int, bytes]]:
        with self._connection.makefile("rb") as file, contextlib.suppress(*_ENDS):
            while True:
                batch = pickle.load(file)
                self._received += len(batch)
                yield from batch

    def _transfer(self, number: int, data: bytes) -> None:
        error: BaseException | None = None
        try:
            self._cancellation.call(self._run, self._known.loads(data))
        except BaseException as caught:
            error = caught
        self._finished.put((number, error), urgent=error is not None)

    def _portable(self, error: BaseException | None) -> BaseException | None:
        """``error``, or one with the same message if it cannot be sent."""
        if error is None:
            return None
        try:
            self._known.loads(self._known.dumps(error))
        except Exception:
            return LibcloudError(error_line(error))
        return error


@contextlib.contextmanager
def share(
    driver: StorageDriver,
    run: _Run,
    items: Iterable[_Item],
    size_of: _SizeOf,
    *,
    jobs: int | None,
    uploads: bool,
    succeeded: Callable[[], object],
) -> Iterator[tuple[Elsewhere, Iterable[_Item], int | None]]:
    """Fork children if that pays, and if it is safe. They end with the block.

    :param run: transfers an item, in any of the processes.
    :param jobs: transfers that run at once in all processes; ``None`` if the user did not say.
    :param uploads: or else downloads.
    :param succeeded: called for each item that a child transferred, in any thread.
    :return: the children, if any; the items, the first of which have been read; and ``jobs``.
    """
    limits = (MAX_WORKERS if jobs is None else jobs, driver._max_concurrency() or MAX_WORKERS)
    free = _free_cores(min(limits))
    outer = current()  # of a program that handles signals
    if outer is None or not free or not _can_be_inherited(driver):
        yield Elsewhere(), items, jobs
        return
    count = _UPLOADS if uploads else _DOWNLOADS
    first, items = _read_sample(iter(items), count)
    small = [item for item in first if (size := size_of(item)) is not None and size <= cores.SMALL]
    if len(small) < 0.8 * count:
        yield Elsewhere(), items, jobs
        return
    known = _Known(driver, small)

    def serve(connection: socket.socket, core: int) -> None:
        progress.silence()
        _Service(connection, known, run, outer).serve(driver._pool, core)

    with Processes(known, size_of, succeeded) as processes:
        with progress.without_threads():
            if driver._pool.is_idle(threading.active_count() - 1):
                processes.fork(free, serve)
        processes.start()
        yield processes, items, min(limits) if processes.processes > 1 else jobs


def _can_be_inherited(driver: StorageDriver) -> bool:
    """Whether a child can use the driver: it has no state of its own, and asks for nothing.

    The credentials of botocore contain locks. Each child would obtain its own, and may ask for the
    code of a second factor.
    """
    return driver.capabilities.multipart and "botocore" not in sys.modules


def _free_cores(jobs: int) -> list[int]:
    """A core for each child: none that this process runs on."""
    with contextlib.suppress(OSError, AttributeError, ValueError, IndexError):
        free = sorted(os.sched_getaffinity(0) - {cores.current_core()})
        return free[: max(0, min(_MOST, jobs // _LEAST_JOBS) - 1)]
    return []


def _read_sample(items: Iterator[_Item], count: int) -> tuple[list[_Item], Iterator[_Item]]:
    """The first ``count`` items, fewer if they come slowly, and all of them."""
    first: list[_Item] = []
    rest = items
    end = float("inf")
    try:
        for item in items:
            first.append(item)
            end = min(end, _clock() + _SOON)
            if len(first) == count or _clock() > end:
                break
    except Exception as error:
        rest = _raise(error)
    return first, itertools.chain(first, rest)


def _raise(error: Exception) -> Iterator[Any]:
    yield from ()
    raise error
