# SPDX-License-Identifier: Apache-2.0
"""The runners: they do what the machine says, in the caller's thread or with the help of workers.

The machine, the source and the listener are touched by the caller's thread only. Workers get a
frozen :class:`Task` and give back a frozen :class:`Outcome`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Generic

from libcloud.storage.transfer.machine import UploadMachine
from libcloud.storage.transfer.progress import (
    Listener,
    PartDone,
    PartStarted,
    Retried,
    UploadAborted,
    UploadCompleted,
    UploadEvent,
    UploadStarted,
)
from libcloud.storage.transfer.store import Content, PartStore, Source
from libcloud.storage.transfer.values import (
    Digest,
    Failure,
    PartReceipt,
    Pull,
    Send,
    Step,
    Stop,
    StoredObject,
    Wait,
)
from libcloud.storage.types import UploadOutcomeUnknownError

__all__ = ["InlineWorkers", "ThreadWorkers", "Transfer"]

_log = logging.getLogger(__name__)

_CARRIES_BODY = frozenset({Step.PUT, Step.PART})


@dataclass(frozen=True, slots=True)
class Task(Generic[Content]):
    """A request with all it needs.

    :param body: ``None`` if the request carries no part.
    """

    send: Send
    upload_id: str
    body: Content | None
    digest: Digest | None
    parts: Sequence[PartReceipt]
    size: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task: an answer, or a failure."""

    send: Send
    answer: Any  # what the store's method for the step returns
    failure: Failure | None
    digest: Digest | None


def perform(store: PartStore[Content], task: Task[Content]) -> Outcome:
    """Make the request of ``task``; an exception becomes a failure."""
    digest = task.digest
    try:
        if digest is None and task.body is not None:
            digest = store.digest(task.body)
        return Outcome(task.send, _request(store, task, digest or Digest()), None, digest)
    except Exception as error:
        return Outcome(task.send, None, store.failure(task.send.step, error), digest)


def _request(store: PartStore[Content], task: Task[Content], digest: Digest) -> object:
    step = task.send.step
    if task.body is not None and step is Step.PART:
        return store.put_part(task.upload_id, task.send.number, task.body, digest)
    if task.body is not None:
        return store.put(task.body, digest)
    if step is Step.CREATE:
        return store.create()
    if step is Step.COMPLETE:
        return store.complete(task.upload_id, task.parts)
    if step is Step.CONFIRM:
        return store.confirm(task.parts, task.size)
    if step is Step.CHECK:
        return store.has_parts(task.upload_id)
    store.abort(task.upload_id)
    return None


class InlineWorkers(Generic[Content]):
    """No workers: each request is made at once, in the caller's thread, one after another.

    For connections that are not known to be safe in several threads.
    """

    def __init__(
        self, store: PartStore[Content], sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._store = store
        self._sleep = sleep
        self.outcomes: deque[Outcome] = deque()

    def submit(self, task: Task[Content]) -> None:
        if task.send.delay:
            self._sleep(task.send.delay)
        try:
            outcome = perform(self._store, task)
        except BaseException as error:
            # Interrupted: the store may have done it. Recorded, so that the clean-up knows.
            self.outcomes.append(_interrupted(task, error))
            raise
        self.outcomes.append(outcome)

    def wait(self) -> None:
        """Return when there is an outcome. There always is."""

    def stop(self) -> None:
        """Return when nothing is in flight; what has not begun will not."""

    def close(self) -> None:
        """Let go of the workers."""


class ThreadWorkers(Generic[Content]):
    """Requests made by the threads of an executor.

    A single PUT, and what is sent after :meth:`stop`, is made in the caller's thread.

    :param workers: threads of an executor of our own; it starts them when a part is first sent.
    :param executor: somebody's executor of threads to use instead; it is not shut down.
    """

    def __init__(
        self,
        store: PartStore[Content],
        workers: int,
        *,
        executor: Executor | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._store = store
        self._own = (
            ThreadPoolExecutor(workers, thread_name_prefix="libcloud-upload")
            if executor is None
            else None
        )
        self._executor: Executor | None = executor or self._own
        self._inline = InlineWorkers(store, sleep)
        self.outcomes = self._inline.outcomes
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._halt = threading.Event()
        self._idle = threading.Condition()
        self._active = 0
        self._stopped = False

    def submit(self, task: Task[Content]) -> None:
        if self._stopped or self._executor is None or task.send.step is Step.PUT:
            self._inline.submit(task)
        else:
            self._executor.submit(self._work, task)

    def wait(self) -> None:
        """Return when there is an outcome."""
        while not self.outcomes:
            self._wake.get()

    def stop(self) -> None:
        """Return when nothing is in flight; what has not begun will not."""
        with self._idle:
            self._stopped = True
            self._halt.set()
            while self._active:
                self._idle.wait()

    def close(self) -> None:
        """Let go of the workers."""
        if self._own is not None:
            self._own.shutdown(wait=not self._active)

    def _work(self, task: Task[Content]) -> None:
        with self._idle:
            if self._stopped:
                return
            self._active += 1
        try:
            # Not sent if stopped meanwhile: the machine is told so by the cancel.
            if not (task.send.delay and self._halt.wait(task.send.delay)):
                self.outcomes.append(self._perform(task))
        finally:
            with self._idle:
                self._active -= 1
                self._idle.notify_all()
            self._wake.put(None)

    def _perform(self, task: Task[Content]) -> Outcome:
        try:
            return perform(self._store, task)
        except BaseException as error:  # whatever ends a worker must not leave the caller waiting
            return _interrupted(task, error)


def _interrupted(task: Task[Any], error: BaseException) -> Outcome:
    return Outcome(task.send, None, Failure(error, effect_unknown=True), task.digest)


class Transfer(Generic[Content]):
    """Drives one machine: pulls, submits, collects, and cleans up.

    :param label: what is uploaded, for messages: container and object name.
    """

    def __init__(
        self,
        machine: UploadMachine,
        store: PartStore[Content],
        workers: InlineWorkers[Content] | ThreadWorkers[Content],
        *,
        listener: Listener | None = None,
        label: str = "",
    ) -> None:
        self._machine = machine
        self._store = store
        self._workers = workers
        self._listener = listener
        self._label = label
        self._muted = False
        self._bodies: dict[int, tuple[Content, Digest | None]] = {}

    def run(self, source: Source[Content]) -> StoredObject:
        """Send all that ``source`` gives.

        :return: the object, published whole.
        :raises BaseException: the first error, after the clean-up; nothing is published then, or,
            for :class:`UploadOutcomeUnknownError`, the store did not say whether it was. If an
            upload stays behind, the exception has its ``upload_id``, and ``cleanup_error``.
        """
        try:
            while isinstance(command := self.advance(), Pull):
                part = source.next_part(command.size)
                self.feed(part.body, last=part.last)
        except BaseException as error:
            self.fail(error)
        finally:
            self._workers.close()
        return self.finish()

    def advance(self) -> Pull | Stop:
        """Do all there is to do until a part is wanted, or all is over."""
        while True:
            self._collect()
            command = self._machine.poll()
            if isinstance(command, (Pull, Stop)):
                return command
            if isinstance(command, Wait):
                self._workers.wait()
            else:
                self._start(command)

    def feed(self, body: Content, *, last: bool) -> None:
        """Hand over the part that :meth:`advance` wanted."""
        self._bodies[self._machine.parts_pulled + 1] = (body, None)
        self._machine.pulled(len(body), last)

    def fail(self, error: BaseException) -> None:
        """Clean up because of ``error``, raised on the caller's side. Returns when that is over."""
        try:
            self._workers.stop()
            self._muted = True
            self._collect()
            self._machine.cancel(error)
            self.advance()
        except BaseException as second:
            self._machine.give_up(second)

    def finish(self) -> StoredObject:
        """The published object, or the error; see :meth:`run`."""
        machine = self._machine
        if machine.orphan_possible:
            _log.warning(
                "%s: the answer to the creation of an upload was lost; an unfinished upload of "
                "unknown id may be left behind",
                self._label,
            )
        if machine.error is None:
            assert machine.result is not None
            result = machine.result
            self._tell(UploadCompleted(result.size, result.etag, result.parts))
            return result
        raise self._annotated(machine.error)

    # Inside.

    def _start(self, send: Send) -> None:
        body: Content | None = None
        digest: Digest | None = None
        if send.step in _CARRIES_BODY:
            body, digest = self._bodies[send.number or 1]
            if send.attempt == 1:
                self._tell(PartStarted(self._machine.bytes_done, send.number, len(body)))
        machine = self._machine
        parts = machine.receipts if send.step in (Step.COMPLETE, Step.CONFIRM) else ()
        task = Task(send, machine.upload_id or "", body, digest, parts, machine.size)
        self._workers.submit(task)

    def _collect(self) -> None:
        """Tell the machine all that has come back; an outcome is dropped only after that."""
        outcomes = self._workers.outcomes
        while outcomes:
            event = self._take(outcomes[0])
            outcomes.popleft()
            if event is not None:
                self._tell(event)

    def _take(self, outcome: Outcome) -> UploadEvent | None:
        send, machine = outcome.send, self._machine
        if outcome.failure is None:
            machine.answered(send, outcome.answer)
            if send.step is Step.CREATE:
                return UploadStarted(machine.bytes_done, str(outcome.answer))
            if send.step in _CARRIES_BODY:
                body, _ = self._bodies.pop(send.number or 1)
                return PartDone(machine.bytes_done, send.number, len(body))
            return None
        if send.step in _CARRIES_BODY and outcome.digest is not None:
            self._bodies[send.number or 1] = (self._bodies[send.number or 1][0], outcome.digest)
        again = machine.failed(send, outcome.failure)
        if again is None:
            return None
        _log.log(
            logging.WARNING if again.attempt > 2 else logging.DEBUG,
            "%s: %s%s failed (%s); attempt %d follows in %.2f s",
            self._label,
            send.step.value,
            f" {send.number}" if send.number else "",
            outcome.failure.error,
            again.attempt,
            again.delay,
        )
        return Retried(
            machine.bytes_done,
            send.step.value,
            send.number,
            again.attempt,
            again.delay,
            outcome.failure.error,
            outcome.failure.throttled,
        )

    def _tell(self, event: UploadEvent) -> None:
        if self._listener is not None and not self._muted:
            self._listener(event)

    def _annotated(self, error: BaseException) -> BaseException:
        """``error`` with all that its reader needs to clean up by hand."""
        machine = self._machine
        second = machine.cleanup_error
        left = machine.upload_id if machine.left_behind else None
        if second is not None and not isinstance(second, Exception):
            second.__cause__ = error  # Ctrl-C during the clean-up: it wins
            error, second = second, None
        elif machine.outcome_unknown and isinstance(error, Exception):
            unknown = UploadOutcomeUnknownError(
                f"the outcome of the upload of {self._label} is unknown: the store's answer was "
                f"lost ({error}). Look whether the object is there, with {machine.size} bytes"
                + (f", and abort the upload {left} if it is not" if left else ""),
                None,
                "",
            )
            unknown.__cause__ = error
            error = unknown
        if left is not None:
            _log.warning("%s: the unfinished upload %s is left behind", self._label, left)
        _attach(error, upload_id=left, cleanup_error=second)
        if self._listener is not None and machine.result is None:
            try:
                self._listener(UploadAborted(machine.bytes_done, machine.upload_id, left is None))
            except Exception:
                _log.debug("%s: the listener failed on the abort", self._label, exc_info=True)
        return error


def _attach(error: BaseException, **facts: object) -> None:
    """Set attributes on ``error``, and say in a note what is not ``None``; never fails."""
    for name, fact in facts.items():
        if fact is None and hasattr(error, name):
            continue
        try:
            setattr(error, name, fact)
        except AttributeError:
            continue
        if fact is not None and hasattr(error, "add_note"):
            error.add_note(f"{name.replace('_', ' ')}: {fact}")
