# SPDX-License-Identifier: Apache-2.0
"""The runner carries out the commands of the machine, with the help of workers (``workers.py``).

Only the caller's thread uses the machine, the source and the listener.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic

from libcloud.common.types import LibcloudError
from libcloud.storage import transfer
from libcloud.storage.transfer.upload.at_exit import SourceUntilExit
from libcloud.storage.transfer.upload.machine import State, UploadMachine
from libcloud.storage.transfer.upload.workers import Outcome, Task, Workers
from libcloud.storage.transfer.values import (
    Await,
    Content,
    Digest,
    Failure,
    Pull,
    Send,
    Source,
    Step,
    Stop,
    StoredObject,
    Wait,
)
from libcloud.storage.types import ObjectError, UploadOutcomeUnknownError
from libcloud.utils import cancellation

if TYPE_CHECKING:
    from libcloud.storage.transfer.progress import Listener

_log = logging.getLogger(__name__)

_CARRIES_BODY = frozenset({Step.PUT, Step.PART})
_IN_THREADS = frozenset({Step.CREATE, Step.PART})
_ORPHAN = "an unfinished upload of unknown id may be left behind"
_UNKNOWN = object()


class Transfer(Generic[Content]):
    """Drives one machine: pulls, submits, collects, and cleans up.

    In a forked child it sends nothing: the upload belongs to the parent.

    :param threads: makes workers that take over once one request is not enough; ``None``: none do.
    :param driver: of errors that the engine raises, like ``object_name``.
    """

    def __init__(
        self,
        machine: UploadMachine,
        workers: Workers[Content],
        *,
        threads: Callable[[], Workers[Content]] | None = None,
        listener: Listener | None = None,
        label: str = "",
        driver: Any = None,
        object_name: str = "",
    ) -> None:
        self._machine = machine
        self._workers = workers
        self._threads = threads
        self._listener = listener
        self._notify = listener  # ``None`` once nobody is to hear of the progress
        self._label = label
        self._names = (driver, object_name)
        self._pid = os.getpid()
        self._bodies: dict[int, tuple[Content, Digest | None]] = {}

    def run(self, source: Source[Content]) -> StoredObject:
        """Send everything that ``source`` delivers.

        :return: the object, published whole.
        :raises BaseException: the first error, after the clean-up; nothing is published then, or,
            for :class:`UploadOutcomeUnknownError`, the store did not say whether it was. If an
            upload is left behind, the exception has its ``upload_id``, and ``cleanup_error``.
        """
        try:
            if not threading.current_thread().daemon:
                return self._send_all(source)
            with SourceUntilExit(source, self._end_at_exit, self._label) as guarded:
                return self._send_all(guarded)
        except BaseException as error:
            self._attach_details(error)  # also if it came while the first one was handled
            raise
        finally:
            self.close()

    def advance(self) -> Pull | Stop:
        """Carry out commands until the machine needs a part, or has ended."""
        while True:
            if self._workers.outcomes:
                self._collect()
            command = self._machine.poll()
            if type(command) is Send:
                if command.step is not Step.PUT or command.attempt > 1:
                    cancellation.raise_if_cancelled()
                if command.step in _IN_THREADS and self._threads is not None:
                    self._workers, self._threads = self._threads(), None
                self._workers.submit(self._task_for(command))
                if command.step is Step.CREATE:
                    self._prepare_early(1)
            elif type(command) is Pull or type(command) is Stop:
                return command
            elif type(command) is Wait:
                self._workers.wait()
            elif isinstance(command, Await) and self._machine.share is not None:
                self._machine.share.wait(command.size)

    def feed(self, body: Content, *, last: bool) -> None:
        """Supply the part that :meth:`advance` requested, in the process of the upload."""
        if os.getpid() != self._pid:
            raise RuntimeError(f"the upload of {self._label} belongs to another process")
        number = self._machine.parts_pulled + 1
        self._bodies[number] = (body, None)
        if self._machine.state is State.CREATING:
            self._prepare_early(number)
        self._machine.pulled(len(body), last)

    def fail(self, error: BaseException) -> None:
        """Clean up because of ``error`` of the caller's side; in another process, raise it."""
        if os.getpid() != self._pid:
            raise error
        with cancellation.shielded():
            try:
                self._workers.stop()
                self._threads = None
                self._notify = None
                self._collect()
                self._machine.cancel(error)
                self.advance()
            except BaseException as second:
                self._notify = None
                try:
                    self._collect()
                finally:
                    self._machine.give_up(second)

    def finish(self) -> StoredObject:
        """The published object, or the error; see :meth:`run`."""
        machine = self._machine
        if machine.orphan_possible:
            _log.warning(
                "%s: the response to the creation of an upload was lost; %s", self._label, _ORPHAN
            )
        if machine.error is None:
            assert machine.result is not None
            result = machine.result
            if self._notify is not None:
                self._notify(
                    transfer.progress.UploadCompleted(result.size, result.etag, result.parts)
                )
            return result
        error = self._error_to_raise(machine.error)
        try:
            self._attach_details(error)
            self._report_abort()
            raise error
        finally:
            del error  # its traceback refers to this frame

    def close(self) -> None:
        """Release the workers and the memory, after the end."""
        if os.getpid() != self._pid:  # the workers are in the parent; locks may stay locked
            return
        self._workers.close()
        self._threads = None
        # The traceback of the error refers to this transfer, and to what was sent: all of that is
        # freed with the error, without waiting for the garbage collector.
        self._bodies.clear()
        self._machine.error = None
        if self._machine.share is not None:
            self._machine.share.close()

    # Inside.

    def _end_at_exit(self) -> None:
        """Clean up on behalf of the thread that runs the upload."""
        self._listener = None
        self.fail(LibcloudError(f"the program has ended before the upload of {self._label}"))
        with contextlib.suppress(LibcloudError):
            self.finish()

    def _send_all(self, source: Source[Content]) -> StoredObject:
        try:
            try:
                while type(command := self.advance()) is Pull:
                    cancellation.raise_if_cancelled()
                    part = source.next_part(command.size)
                    self.feed(part.body, last=part.last)
                    del part  # its memory is free once it is sent
            except BaseException as error:
                self.fail(error)
        except BaseException as error:  # an interrupt at the start of the clean-up
            self.fail(error)
        return self.finish()

    def _prepare_early(self, number: int) -> None:
        """Read a part and compute its digest, once, while it cannot be sent yet."""
        body, digest = self._bodies[number]
        if digest is None:
            self._bodies[number] = self._workers.prepare_early(body)

    def _task_for(self, send: Send) -> Task[Content]:
        machine, step = self._machine, send.step
        if step in _CARRIES_BODY:
            body, digest = self._bodies[send.number or 1]
            if send.attempt == 1 and self._notify is not None:
                self._notify(
                    transfer.progress.PartStarted(machine.bytes_done, send.number, len(body))
                )
            arguments = () if step is Step.PUT else (machine.upload_id, send.number)
            return Task(send, arguments, body, digest)
        if step is Step.CREATE:
            return Task(send)
        if step is Step.CONFIRM:
            return Task(send, (machine.receipts, machine.size))
        if step is not Step.COMPLETE:
            return Task(send, (machine.upload_id,))
        if send.attempt == 1 and self._notify is not None:
            self._notify(transfer.progress.UploadCompleting(machine.bytes_done))
        return Task(send, (machine.upload_id, machine.receipts))

    def _collect(self) -> None:
        """Report all outcomes to the machine; an outcome is removed only after that."""
        machine, outcomes = self._machine, self._workers.outcomes
        while outcomes:
            outcome = outcomes[0]
            send = outcome.send
            if outcome.failure is not None:
                self._collect_failure(outcome, outcome.failure)
                continue
            machine.succeeded(send, outcome.response)
            carries_body = send.step in _CARRIES_BODY
            held = self._bodies.pop(send.number or 1, None) if carries_body else None
            outcomes.popleft()
            if self._notify is None:
                continue
            if send.step is Step.CREATE:
                self._notify(
                    transfer.progress.UploadStarted(machine.bytes_done, str(outcome.response))
                )
            elif carries_body:
                size = len(held[0]) if held is not None else 0
                self._notify(transfer.progress.PartDone(machine.bytes_done, send.number, size))

    def _collect_failure(self, outcome: Outcome, failure: Failure) -> None:
        machine, send = self._machine, outcome.send
        number, limit = send.number or 1, machine.limit
        if outcome.digest is not None and number in self._bodies:
            self._bodies[number] = (self._bodies[number][0], outcome.digest)
        again = machine.failed(send, failure)
        self._workers.outcomes.popleft()
        if again is not None:
            _log.log(
                logging.WARNING if again.attempt > 2 else logging.DEBUG,
                "%s: %s%s failed (%s); attempt %d follows in %.2f s",
                self._label,
                send.step.value,
                f" {send.number}" if send.number else "",
                failure.error,
                again.attempt,
                again.delay,
            )
        if self._notify is None:
            return
        if again is not None:
            what = (send.step.value, send.number, again.attempt, again.delay)
            done = machine.bytes_done
            self._notify(transfer.progress.Retried(done, *what, failure.error, failure.throttled))
        if machine.limit < limit:
            self._notify(transfer.progress.Throttled(machine.bytes_done, machine.limit))

    def _error_to_raise(self, error: BaseException) -> BaseException:
        """The first error; or an interrupt, which takes precedence."""
        machine = self._machine
        second = machine.cleanup_error
        if second is not None and not isinstance(second, Exception):
            second.__cause__ = error
            return second
        if not machine.outcome_unknown or not isinstance(error, Exception):
            return error
        if getattr(error, "is_page", False):
            add_details(error, outcome_unknown=True)
            return error  # the response is not from the store, which explains the error
        left = f", and abort the upload {machine.upload_id} if it is not"
        unknown = UploadOutcomeUnknownError(
            f"the outcome of the upload of {self._label} is unknown: the store's response was "
            f"lost ({error}). Check whether the object exists, with {machine.size} bytes"
            + (left if machine.left_behind else ""),
            None,
            "",
        )
        unknown.__cause__ = error
        return unknown

    def _attach_details(self, error: BaseException) -> None:
        """Attach to ``error`` what it concerns, and what is needed to clean up manually, once."""
        name_error(error, *self._names)
        machine = self._machine
        left = machine.upload_id if machine.left_behind else None
        second = machine.cleanup_error
        is_second = second is error or not isinstance(second, Exception)
        add_details(error, upload_id=left, cleanup_error=None if is_second else second)
        if machine.orphan_possible:
            add_details(error, orphan=f"the response to a creation was lost; {_ORPHAN}")

    def _report_abort(self) -> None:
        machine = self._machine
        left = machine.upload_id if machine.left_behind else None
        if left is not None:
            _log.warning("%s: the unfinished upload %s is left behind", self._label, left)
        if self._listener is None or machine.result is not None:
            return
        try:
            self._listener(
                transfer.progress.UploadAborted(machine.bytes_done, machine.upload_id, left is None)
            )
        except Exception:
            _log.debug("%s: the listener failed on the abort", self._label, exc_info=True)


def name_error(error: BaseException, driver: Any, object_name: str) -> None:
    """Set the driver and the object of an error that the engine raised without them."""
    if isinstance(error, ObjectError) and not error.object_name:
        error.driver, error.object_name = driver, object_name


def add_details(error: BaseException, **facts: object) -> None:
    """Set attributes on ``error``, and add a note with those that are not ``None``; never fails."""
    for name, fact in facts.items():
        known = getattr(error, name, _UNKNOWN)
        if known is fact or (fact is None and known is not _UNKNOWN):
            continue
        try:
            setattr(error, name, fact)
        except AttributeError:
            continue
        if fact is not None and hasattr(error, "add_note"):
            error.add_note(f"{name.replace('_', ' ')}: {fact}")
