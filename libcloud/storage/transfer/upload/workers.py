# SPDX-License-Identifier: Apache-2.0
"""Workers send the requests: in the caller's thread, or in the threads of an executor.

Workers receive a :class:`Task`, which is theirs, and return an :class:`Outcome`. They do not use
the machine, the source or the listener.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Sized
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import Any, Generic, Protocol, TypeVar, cast

from libcloud.storage.transfer.upload.source import FileRange
from libcloud.storage.transfer.values import Content, Digest, Failure, PartStore, Send, Step
from libcloud.utils import cancellation
from libcloud.utils.values import Value

_Held = TypeVar("_Held", bound=Sized)

# glibc returns free memory at the end of its heap to the system when it is more than twice the
# largest block that was ever freed, and mapping a page again takes 2 microseconds. Larger blocks do
# not count. Reference: mallopt(3), M_MMAP_THRESHOLD.
_LARGEST_BLOCK = 32 * 1024 * 1024 - 64 * 1024

# Seconds after which a wait for an outcome is interrupted to handle signals.
_ATTENTION = 0.3

# Seconds to wait for the end of each request once they are abandoned.
_LAST_GRACE = 0.5

# Requests whose outcome must be known even if they were interrupted. Others are simply repeated.
_LASTING = frozenset({Step.PUT, Step.CREATE, Step.PART, Step.COMPLETE})

# Requests that clean up after a failure, also when the upload is cancelled.
_CLEANUP = frozenset({Step.ABORT, Step.CHECK, Step.CONFIRM})

# Where the functions are that may keep a body in a traceback, and the flags of those that may go on
# later (``inspect.CO_GENERATOR``, ``CO_COROUTINE`` and ``CO_ASYNC_GENERATOR``).
_MODULES = ("libcloud.", "requests.", "urllib3.", "http.")
_GENERATORS = 0x20 | 0x80 | 0x200

# The method of the store for each step.
_METHODS = {
    Step.PUT: "put",
    Step.CREATE: "create",
    Step.PART: "put_part",
    Step.COMPLETE: "complete",
    Step.CONFIRM: "confirm",
    Step.ABORT: "abort",
    Step.CHECK: "has_parts",
}


@dataclass(slots=True, eq=False, repr=False)
class Task(Value, Generic[Content]):
    """A request with all it needs; :func:`prepare` reads the body, and computes its digest.

    :param arguments: of the store's method for the step; a part and its digest follow them.
    """

    send: Send
    arguments: tuple[Any, ...] = ()
    body: Content | None = None
    digest: Digest | None = None

    @property
    def needs_digest(self) -> bool:
        """A digest has to be computed before it can be sent."""
        return self.digest is None and self.body is not None


@dataclass(slots=True, eq=False, repr=False)
class Outcome(Value):
    """The outcome of a task: a response, or a failure."""

    send: Send
    response: Any  # what the store's method for the step returns
    failure: Failure | None
    digest: Digest | None


def perform(store: PartStore[Content], task: Task[Content]) -> Outcome:
    """Make the request of ``task``; an exception becomes a failure."""
    send, arguments = task.send, task.arguments
    if task.body is not None:
        failure = prepare(store, task)
        if failure is not None:
            return Outcome(send, None, failure, None)
        arguments = (*arguments, task.body, task.digest)
    try:
        # One line: an interrupt between the response and its outcome would lose the response.
        return Outcome(send, getattr(store, _METHODS[send.step])(*arguments), None, task.digest)
    except Exception as error:
        # The caller may keep the error, whose traceback refers to this frame and to its callers.
        classify = [store.failure]
        del store, arguments
        return _failed(task, error, classify.pop())


def _failed(
    task: Task[Content], error: Exception, classify: Callable[[Step, Exception], Failure]
) -> Outcome:
    """The outcome of a task that failed; ``error`` no longer refers to the body."""
    outcome = Outcome(task.send, None, classify(task.send.step, error), task.digest)
    task.body = None
    _clear_frames(error)
    return outcome


def _clear_frames(error: BaseException) -> None:
    """Drop the variables of functions of the library that raised ``error`` or its causes.

    Those of a program stay: it may show them. And a generator that goes on, whose frame is in the
    traceback of an error that it has caught, would end as if it had no more data.
    """
    seen: set[int] = set()
    found = [error]
    while found:
        one = found.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        traceback = one.__traceback__
        while traceback is not None:
            frame, traceback = traceback.tb_frame, traceback.tb_next
            name = str(frame.f_globals.get("__name__"))
            if name.startswith(_MODULES) and not frame.f_code.co_flags & _GENERATORS:
                with contextlib.suppress(RuntimeError):  # it is running
                    frame.clear()
        found += [other for other in (one.__cause__, one.__context__) if other is not None]


def prepare(store: PartStore[Content], task: Task[Content]) -> Failure | None:
    """Read the body of ``task``, if it is still in its file, and compute its digest, once."""
    try:
        if type(task.body) is FileRange:
            task.body = cast("Content", task.body.read())
    except Exception as error:
        return Failure(error)
    try:
        if task.digest is None and task.body is not None:
            task.digest = store.digest(task.body)
    except Exception as error:
        return store.failure(task.send.step, error)
    return None


class Workers(Protocol[_Held]):
    """Sends the requests: in this thread, in others, or in other processes."""

    @property
    def outcomes(self) -> deque[Outcome]:
        """Outcomes that the runner has not taken yet."""

    def submit(self, task: Task[_Held]) -> None:
        """Make the request of ``task``, now or later."""

    def prepare_early(self, body: _Held) -> tuple[_Held, Digest | None]:
        """The content and the digest of a part that cannot be sent yet."""

    def wait(self) -> None:
        """Return when there is an outcome."""

    def stop(self) -> None:
        """Return when nothing is in flight, or what is has not ended although it was abandoned.

        Tasks that have not started are not started.
        """

    def close(self) -> None:
        """Release the workers."""


class InlineWorkers(Generic[Content]):
    """Requests that are made at once, in the caller's thread, for connections that require that."""

    def __init__(
        self, store: PartStore[Content], sleep: Callable[[float], object] = cancellation.sleep
    ) -> None:
        self._store = store
        self._sleep = sleep
        self.outcomes: deque[Outcome] = deque()

    def submit(self, task: Task[Content]) -> None:
        if task.send.delay:
            cleans_up = task.send.step in _CLEANUP
            with cancellation.shielded() if cleans_up else contextlib.nullcontext():
                self._sleep(task.send.delay)
        try:
            # One line, so that no signal handler runs between the response and its record, except
            # in the instant of the append; then the outcome counts as unknown.
            self.outcomes.append(perform(self._store, task))
        except BaseException as error:
            if task.send.step in _LASTING:
                self.outcomes.append(_interrupted(task, error))
            raise

    def prepare_early(self, body: Content) -> tuple[Content, Digest | None]:
        return body, None  # no part waits

    def wait(self) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None:
        vars(self).pop("_store", None)  # it may keep the body, to recognize it


class ThreadWorkers(Generic[Content]):
    """Requests made by the threads of an executor.

    Every request after :meth:`stop` is made in the caller's thread. So is one for which the
    caller's executor has no thread: an upload that runs in the executor that sends its parts
    completes. So are all if no thread can be started, as in ``atexit`` functions.

    Digests are computed by as many threads as there are cores, the caller's among them: it takes
    over when the others are busy, and while parts wait for the upload to be created.

    :param workers: threads of the internal executor, started when the first part is sent.
    :param executor: the caller's thread pool to use instead; it is not shut down.
    :param memory: maximum size of all parts, bytes; freed memory is kept for the following parts.
    :param cores: number that this process may use; ``None``: detected.
    """

    def __init__(
        self,
        store: PartStore[Content],
        workers: int,
        *,
        executor: Executor | None = None,
        memory: int = 0,
        cores: int | None = None,
        sleep: Callable[[float], object] = cancellation.sleep,
    ) -> None:
        self._store = store
        self._memory = memory
        self._cores = cores
        self._own: Executor | None = None
        self._workers = workers
        self._given = executor
        self._inline = InlineWorkers(store, sleep)
        self.outcomes = self._inline.outcomes
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._idle = threading.Condition()  # guards what follows
        self._tasks: deque[Task[Content]] = deque()  # not started
        self._active: dict[int, Task[Content]] = {}  # by id
        self._digesting = 0
        self._stopped = self._left = False
        self._alone = executor is not None  # there may be no thread for a task
        self._cancellation = cancellation.current()

    def submit(self, task: Task[Content]) -> None:
        if self._stopped:
            self._inline.submit(task)
            return
        if task.send.number == 1:
            _keep_free(self._memory)
        failure = prepare(self._store, task) if self._caller_computes_digest(task) else None
        if failure is not None:
            self.outcomes.append(Outcome(task.send, None, failure, None))
            return
        self._tasks.append(task)
        try:
            self._pool().submit(self._work)
        except RuntimeError:  # no thread can be started
            if self._given is not None and threading.main_thread().is_alive():
                raise
            self._alone = True

    def _pool(self) -> Executor:
        if self._given is not None:
            return self._given
        if self._own is None:
            # This import fails when the main thread has ended.
            from concurrent.futures import ThreadPoolExecutor

            self._own = ThreadPoolExecutor(self._workers, "libcloud-upload")
        return self._own

    def wait(self) -> None:
        while not self.outcomes:
            with self._idle:
                is_alone = self._alone and not self._active and self._tasks
                task = self._tasks.popleft() if is_alone else None
            if task is None:
                # A signal that arrives just before the wait is only handled after it.
                with contextlib.suppress(Empty):
                    self._wake.get(timeout=_ATTENTION)
            else:
                self._inline.submit(task)

    def stop(self) -> None:
        with self._idle:
            self._stopped = True
            self._idle.notify_all()  # threads that wait before a request
            while self._active and not self._left:
                abandoned = self._cancellation is not None and self._cancellation.abandoned
                if not self._idle.wait(_LAST_GRACE) and abandoned:
                    # It may wait for a connection to open, which cannot be interrupted.
                    self._left = True
                    error = cancellation.CancelledError("no longer waited for")
                    self.outcomes.extend(_interrupted(one, error) for one in self._active.values())

    def close(self) -> None:
        """Release the workers; wait for them, unless :meth:`stop` was not waited for either."""
        self._stopped = True
        if self._given is None and self._own is None:
            return
        with self._idle:
            self._idle.notify_all()
        if self._own is not None:
            self._own.shutdown(wait=not self._active)

    def prepare_early(self, body: Content) -> tuple[Content, Digest | None]:
        if isinstance(body, FileRange):
            body = cast("Content", body.read())
        try:
            return body, self._store.digest(body)
        except Exception:  # it is raised again when the part is sent
            return body, None

    def _caller_computes_digest(self, task: Task[Content]) -> bool:
        """Whether the caller computes the digest, because the workers are busy with others."""
        if not task.needs_digest:
            return False
        with self._idle:
            waiting = sum(other.needs_digest for other in self._tasks)
            others = (self._cores or _cores()) - 1
            return waiting + self._digesting >= others

    def _work(self) -> None:
        with self._idle:
            if self._stopped or not self._tasks:
                return
            task = self._tasks.popleft()
            self._active[id(task)] = task
            self._digesting += task.needs_digest
        with cancellation.joined(self._cancellation):
            outcome = self._perform(task)
        key = id(task)
        del task
        with self._idle:
            del self._active[key]  # its body is free before the outcome is seen
            if outcome is not None and not self._left:
                self.outcomes.append(outcome)
            del outcome  # the traceback of its error refers to this frame
            self._idle.notify_all()
        self._wake.put(None)

    def _perform(self, task: Task[Content]) -> Outcome | None:
        """``None`` if stopped while it waited: the request was not sent."""
        try:
            if task.send.delay:
                with self._idle:
                    if self._idle.wait_for(lambda: self._stopped, task.send.delay):
                        return None
            if task.needs_digest:
                failure = prepare(self._store, task)
                with self._idle:
                    self._digesting -= 1
                if failure is not None:
                    return Outcome(task.send, None, failure, None)
            return perform(self._store, task)
        except BaseException as error:  # whatever ends a worker must not leave the caller waiting
            return _interrupted(task, error)


def _interrupted(task: Task[Any], error: BaseException) -> Outcome:
    """The store may have executed the request, so the clean-up has to check."""
    return Outcome(task.send, None, Failure(error, effect_unknown=True), task.digest)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@lru_cache(maxsize=16)  # once is enough
def _keep_free(size: int) -> None:
    """Let the process keep ``size`` bytes of freed memory; the block itself is not touched."""
    with contextlib.suppress(MemoryError):  # a bound on addresses
        bytes(min(size // 2, _LARGEST_BLOCK))
