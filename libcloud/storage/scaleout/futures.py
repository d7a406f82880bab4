# SPDX-License-Identifier: Apache-2.0
"""The workers of an upload whose parts are sent by the tasks of an executor."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, InvalidStateError
from functools import partial
from itertools import count
from queue import SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

from libcloud.storage.scaleout.receipts import PartsPort, part_of
from libcloud.storage.scaleout.sizes import text_of_engine
from libcloud.storage.scaleout.worker import PartResult
from libcloud.storage.transfer.cut import CutPart
from libcloud.storage.transfer.upload.workers import InlineWorkers, Outcome, Task
from libcloud.storage.transfer.values import Failure, PartReceipt, Send, Step
from libcloud.storage.types import WorkerError
from libcloud.utils.arguments import kind_of

_Key = TypeVar("_Key")


class FutureLike(Protocol):
    """What the coordinator requires of the future of a task."""

    def result(self) -> Any: ...
    def cancel(self) -> Any: ...
    def add_done_callback(self, callback: Callable[[Any], object], /) -> Any: ...


class PartExecutor(Protocol):
    """An engine that runs the tasks; any :class:`concurrent.futures.Executor` is one.

    Further attributes are optional:

    * ``hold(pieces) -> (pieces, sizes)``: has the engine make the pieces and keep them, and reports
      their sizes in bytes, so that the caller need not know them. The pieces that it returns are
      passed to ``submit``, which passes their values to the function.
    * ``pieces_of(data) -> pieces``: those of a collection of the engine, if their sizes are known.
    * ``window``: the number of tasks in flight at most; the default is twice the workers, up to 64.
    * ``shares_memory``: the workers are threads of this process, and use its driver.
    """

    def submit(self, function: Callable[..., Any], /, *args: Any) -> FutureLike:
        """Call ``function`` on a worker; the pieces among ``args`` are passed as their values."""


class Tasks(Generic[_Key]):
    """Tasks of an executor that are in flight, by their keys.

    One that the executor does not accept is in flight, too: it has failed.
    """

    def __init__(self, executor: PartExecutor) -> None:
        self._executor = executor
        self._done: SimpleQueue[tuple[int, _Key, Any]] = SimpleQueue()
        self._running: dict[int, Any] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._running)

    def submit(self, key: _Key, call: Callable[[], Sequence[Any]]) -> None:
        """Have a worker call a function.

        :param call: returns the function, and its arguments; its error is that of the task.
        """
        number = next(self._numbers)

        def done(future: Any) -> None:  # in any thread
            self._done.put((number, key, future))

        try:
            future = self._executor.submit(*call())
            if not hasattr(future, "add_done_callback"):
                raise TypeError(f"the executor returned {kind_of(future)}, not a future")
            self._running[number] = future
            future.add_done_callback(done)
        except Exception as error:
            self._running[number] = failed = Future[Any]()
            failed.set_exception(error)
            failed.add_done_callback(done)

    def take(self) -> tuple[_Key, Any]:
        """Wait for a task, and return its key and its future."""
        number, key, future = self._done.get()
        del self._running[number]
        return key, future

    def cancel(self) -> None:
        """Tasks that have not started are not started."""
        for future in list(self._running.values()):
            future.cancel()

    def stop(self) -> None:
        """Return when nothing is in flight."""
        self.cancel()
        while self._running:
            self.take()


class FutureWorkers:
    """Parts are sent by the tasks of an executor; other requests in the caller's thread.

    :param task_of: the function for a part, and its arguments.
    :param stored: parts that the store has already.
    """

    def __init__(
        self,
        port: PartsPort,
        executor: PartExecutor,
        task_of: Callable[[CutPart], Sequence[Any]],
        stored: Mapping[int, PartReceipt],
        upload: Any,
    ) -> None:
        self._tasks: Tasks[Send] = Tasks(executor)
        self._task_of = task_of
        self._stored = stored
        self._upload = upload
        self._inline: InlineWorkers[Any] = InlineWorkers(port)
        self.outcomes = self._inline.outcomes
        self._parts: dict[int, tuple[CutPart, int]] = {}  # with the limiter's epoch

    def submit(self, task: Task[Any]) -> None:
        send = task.send
        if send.step is not Step.PART:
            self._inline.submit(task)
            return
        if send.number in self._stored:
            self.outcomes.append(Outcome(send, self._stored[send.number], None, None))
            return
        assert task.body is not None
        self._start(send, task.body.part)

    def send_again(self, parts: Iterable[CutPart]) -> list[PartReceipt]:
        """Send parts again, when nothing is in flight.

        :raises WorkerError: one could not be sent.
        """
        for part in parts:
            self._start(Send(Step.PART, part.number), part)
        while self._tasks:
            self._take(*self._tasks.take())
        outcomes = list(self.outcomes)
        self.outcomes.clear()
        for outcome in outcomes:
            if outcome.failure is not None:
                raise outcome.failure.error
        return [outcome.response for outcome in outcomes]

    def _start(self, send: Send, part: CutPart) -> None:
        self._parts[send.number] = part, self._upload.retries.limiter.epoch
        self._tasks.submit(send, lambda: self._task_of(part))

    def prepare_early(self, body: Any) -> tuple[Any, None]:
        """Nothing can be prepared here."""
        return body, None

    def wait(self) -> None:
        """Return when there is an outcome."""
        while not self.outcomes:
            self._take(*self._tasks.take())

    def stop(self) -> None:
        """Return when nothing is in flight; tasks that have not started are not started."""
        self._tasks.cancel()
        while self._tasks:
            self._take(*self._tasks.take(), stopped=True)

    def close(self) -> None:
        """The executor belongs to the caller."""

    def _take(self, send: Send, future: Any, *, stopped: bool = False) -> None:
        part, epoch = self._parts.pop(send.number)
        try:
            result = result_of(future)
            if result.receipt is not None:
                _check_receipt(result.receipt, part)
        except CancelledError as error:
            if not stopped:
                self._fail(send, part, error)
            return
        except BaseException as error:
            self._fail(send, part, error)
            return
        if result.throttled:
            self._upload.retries.limiter.throttled(epoch)
        if result.receipt is not None:
            self.outcomes.append(Outcome(send, part_of(result.receipt), None, None))
        else:
            self._fail(send, part, result)

    def _fail(self, send: Send, part: CutPart, reason: BaseException | PartResult) -> None:
        """Report a failure; tasks that have not started are cancelled."""
        pieces = tuple(span.piece for span in part.ranges)
        error = worker_error(self._upload, pieces, reason, part.number)
        self.outcomes.append(Outcome(send, None, Failure(error, effect_unknown=True), None))
        self._tasks.cancel()


def followed(task: Any) -> Future[Any]:
    """A future that ends as that of an engine does, and cannot be cancelled.

    Engines do not tell whether a task has started, and an upload must not be aborted while a part
    is in flight.
    """
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    task.add_done_callback(partial(_settle, future))
    return future


def _settle(future: Future[Any], task: Any) -> None:
    with contextlib.suppress(InvalidStateError):  # its executor has given it up
        try:
            future.set_result(task.result())
        except BaseException as error:
            future.set_exception(error)


def result_of(future: Any) -> PartResult:
    """The result of a task that has ended.

    :raises TypeError: the engine returns something else.
    """
    result = future.result()
    if not isinstance(result, PartResult):
        raise TypeError(f"the executor returned {kind_of(result)}, not what the task did")
    return result


def _check_receipt(receipt: Any, part: CutPart) -> None:
    if tuple(receipt[:2]) != (part.number, part.size):
        raise ValueError(
            f"the executor returned the receipt of part {receipt[0]} with {receipt[1]} bytes; the "
            f"task is for part {part.number} with {part.size}"
        )


def worker_error(
    upload: Any, pieces: tuple[int, ...], reason: BaseException | PartResult, number: int = 0
) -> WorkerError:
    """The error of a worker, or of the engine, that the coordinator raises.

    :param number: of the part; 0: a piece was stored, and the parts are not known yet.
    """
    worker, text = "", ""
    if isinstance(reason, PartResult):
        worker, text = reason.worker, reason.error
        pieces = pieces if reason.piece is None else (reason.piece,)
        by = f"the worker {worker}"
    else:
        text, by = text_of_engine(reason), "its worker"
    named = "no piece" if not pieces else f"piece {pieces[0]}"
    if len(pieces) > 1:
        named = f"pieces {pieces[0]} to {pieces[-1]}"
    label = f"{upload.container_name}/{upload.object_name}"
    what = f"part {number} of {label} ({named})" if number else f"{named} of {label}"
    fate = "Nothing was published"
    if isinstance(reason, PartResult) and reason.code == "NoSuchUpload":
        fate = "The upload no longer exists: another process has completed or aborted it"
    error = WorkerError(
        f"{what} could not be sent by {by}: {text}. {fate}",
        upload.driver,
        upload.object_name,
        worker=worker,
        number=number,
        pieces=pieces,
    )
    if isinstance(reason, PartResult):
        error.code, error.status = reason.code, reason.status
    else:
        error.__cause__ = reason
    return error
