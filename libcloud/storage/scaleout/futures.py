# SPDX-License-Identifier: Apache-2.0
"""Tasks of an executor: their futures, results and errors, and the parts that they send."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future, InvalidStateError
from itertools import count
from queue import SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

from libcloud.storage.scaleout.parts import PartsPort, part_of
from libcloud.storage.scaleout.worker import SHOWN, PartResult
from libcloud.storage.transfer.cut import CutPart, check_sizes
from libcloud.storage.transfer.upload.workers import InlineWorkers, Outcome, Task
from libcloud.storage.transfer.values import Failure, PartReceipt, Send, Step
from libcloud.storage.types import WorkerError
from libcloud.utils.arguments import kind_of

_Key = TypeVar("_Key")


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

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call ``function`` on a worker; the pieces among ``args`` are passed as their values.

        :return: a future with ``result``, ``cancel`` and ``add_done_callback``.
        """


class Tasks(Generic[_Key]):
    """Tasks in flight, by their keys; one that the executor did not accept has failed."""

    def __init__(self, executor: PartExecutor) -> None:
        self._executor = executor
        self._done: SimpleQueue[tuple[int, _Key, Any]] = SimpleQueue()
        self._running: dict[int, Any] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._running)

    def submit(self, key: _Key, call: Callable[..., Sequence[Any]], *args: Any) -> None:
        """Have a worker call the function that ``call`` returns, with its arguments."""
        number = next(self._numbers)

        def done(future: Any) -> None:  # in any thread
            self._done.put((number, key, future))

        try:
            future = self._executor.submit(*call(*args))
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
        for future in list(self._running.values()):
            future.cancel()

    def stop(self) -> None:
        """Return when nothing is in flight; tasks that have not started are not started."""
        self.cancel()
        while self._running:
            self.take()


class FutureWorkers:
    """The tasks of an executor send the parts that are not stored; this thread does the rest."""

    def __init__(
        self,
        port: PartsPort,
        executor: PartExecutor,
        parts: Sequence[CutPart],
        task_of: Callable[[CutPart], Sequence[Any]],
        *,
        upload: Any,
    ) -> None:
        self._tasks: Tasks[Send] = Tasks(executor)
        self._plan = parts
        self._task_of = task_of
        self._known = port.known
        self._upload = upload
        self._inline: InlineWorkers[Any] = InlineWorkers(port)
        self.outcomes = self._inline.outcomes
        self._epochs: dict[int, int] = {}  # of the limiter, when a part was submitted

    def submit(self, task: Task[Any]) -> None:
        send = task.send
        if send.step is Step.PART and send.number not in self._known:
            self._start(send)
        else:
            self._inline.submit(task)

    def send_again(self, numbers: Iterable[int]) -> list[PartReceipt]:
        """Send parts again, when nothing is in flight."""
        for number in numbers:
            self._start(Send(Step.PART, number))
        while self._tasks:
            self._take(*self._tasks.take())
        outcomes = list(self.outcomes)
        self.outcomes.clear()
        for outcome in outcomes:
            if outcome.failure is not None:
                raise outcome.failure.error
        return [outcome.response for outcome in outcomes]

    def _start(self, send: Send) -> None:
        self._epochs[send.number] = self._upload.retries.limiter.epoch
        self._tasks.submit(send, self._task_of, self._plan[send.number - 1])

    def prepare_early(self, body: Any) -> tuple[Any, None]:
        return body, None

    def wait(self) -> None:
        while not self.outcomes:
            self._take(*self._tasks.take())

    def stop(self) -> None:
        self._tasks.cancel()
        while self._tasks:
            self._take(*self._tasks.take(), stopped=True)

    def close(self) -> None:
        """The executor belongs to the caller."""

    def _take(self, send: Send, future: Any, *, stopped: bool = False) -> None:
        part, epoch = self._plan[send.number - 1], self._epochs.pop(send.number)
        try:
            result = result_of(future)
            receipt = result.receipt
            if receipt is not None and tuple(receipt[:2]) != (part.number, part.size):
                raise ValueError(
                    f"the executor returned the receipt of part {receipt[0]} with {receipt[1]} "
                    f"bytes; the task is for part {part.number} with {part.size}"
                )
        except CancelledError as error:
            if not stopped:
                self._fail(send, part, error)
            return
        except BaseException as error:
            self._fail(send, part, error)
            return
        if result.throttled:
            self._upload.retries.limiter.throttled(epoch)
        if receipt is not None:
            self.outcomes.append(Outcome(send, part_of(receipt), None, None))
        else:
            self._fail(send, part, result)

    def _fail(self, send: Send, part: CutPart, reason: BaseException | PartResult) -> None:
        pieces = tuple(span.piece for span in part.ranges)
        error = worker_error(self._upload, pieces, reason, part.number)
        self.outcomes.append(Outcome(send, None, Failure(error, effect_unknown=True), None))
        self._tasks.cancel()


def sized(executor: Any, pieces: Any, sizes: Any) -> tuple[Sequence[Any], list[int] | None]:
    """The pieces of an upload, and their sizes; ``None`` if they are not known."""
    if isinstance(pieces, (str, bytes, bytearray, memoryview, Mapping)):
        raise TypeError(f"pieces must be an iterable of pieces, not {kind_of(pieces)}")
    if sizes is None and hasattr(executor, "hold"):
        pieces, sizes = executor.hold(pieces)
    else:
        pieces = getattr(executor, "pieces_of", list)(pieces)
    if sizes is None:
        if not all(isinstance(piece, bytes) for piece in pieces):
            return pieces, None
        sizes = map(len, pieces)
    # A whole number of another type, such as NumPy's, becomes an int.
    lengths = [
        operator.index(size) if hasattr(size, "__index__") and not isinstance(size, bool) else size
        for size in sizes
    ]
    if len(lengths) != len(pieces):
        raise ValueError(f"there are {len(pieces)} pieces and {len(lengths)} sizes")
    check_sizes(lengths)
    return pieces, lengths


# For the executors of engines.


def piece_size(piece: Any) -> int | str:
    """Its size in bytes, or what it is instead of bytes; runs on a worker."""
    try:
        return memoryview(piece).nbytes
    except TypeError:
        return kind_of(piece)


def collect_sizes(results: Sequence[Callable[[], int | str]]) -> list[int]:
    """The results of :func:`piece_size` in order; an error names the piece."""
    sizes = []
    for number, result in enumerate(results):
        try:
            size = result()
        except Exception as error:
            text = f"piece {number} could not be made: {text_of_engine(error)}"
            raise WorkerError(f"{text}. Nothing was sent", None, "", pieces=(number,)) from error
        if isinstance(size, str):
            raise TypeError(f"piece {number} is not bytes, but {size}")
        sizes.append(size)
    return sizes


def followed(task: Any) -> Future[Any]:
    """A future that ends as that of an engine does, and cannot be cancelled."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()

    def settle(task: Any) -> None:
        with contextlib.suppress(InvalidStateError):  # its executor has given it up
            try:
                future.set_result(task.result())
            except BaseException as error:
                future.set_exception(error)

    task.add_done_callback(settle)
    return future


def result_of(future: Any) -> PartResult:
    result = future.result()
    if not isinstance(result, PartResult):
        raise TypeError(f"the executor returned {kind_of(result)}, not what the task did")
    return result


def text_of_engine(error: BaseException) -> str:
    """The engine's error for a task without a result, with advice if there is any."""
    text = f"{kind_of(error)}: {error}"
    advice = ""
    if lacks_library(error):
        advice = "; the worker lacks libcloud-storage: install the same release everywhere"
    elif isinstance(error, BrokenExecutor):
        advice = (
            "; a worker was killed, or lacks what the task needs: install the same release of "
            "libcloud-storage everywhere"
        )
    return text[:SHOWN].rstrip(".") + advice


def lacks_library(error: BaseException) -> bool:
    """Whether a task could not start because its worker lacks the library."""
    return "No module named 'libcloud" in str(error)


def worker_error(
    upload: Any, pieces: tuple[int, ...], reason: BaseException | PartResult, number: int = 0
) -> WorkerError:
    """The error of a worker, or of the engine, that the coordinator raises."""
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
