# SPDX-License-Identifier: Apache-2.0
"""Workers on their own: after each task there is an outcome, so that the caller does not hang."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

from libcloud.storage.transfer.upload.workers import InlineWorkers, Task, ThreadWorkers
from libcloud.storage.transfer.values import Body, Digest, Send, Step
from libcloud.test.storage.transfer.upload.fake_store import FakeStore
from libcloud.test.storage.transfer.upload.sending import PATIENCE
from libcloud.utils.cancellation import Cancellation, current

CREATE: Task[bytes] = Task(Send(Step.CREATE))
PART_2: Task[bytes] = Task(Send(Step.PART, 2), ("upload", 2), b"body")


class Forgetful(Executor):
    """Takes tasks and never runs them."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return Future()


class Immediate(Executor):
    """Runs tasks at once, and keeps what they raise, as the threads of an executor do."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


class NeverWoken:
    """Stands in for the queue of the workers: waiting for it would not end."""

    def get(self) -> None:
        raise AssertionError("waits for a task that nobody runs")


class Waited(threading.Condition):
    """Sets ``begun`` when it is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.begun.set()
        return super().wait(timeout)


class WithoutDigest(FakeStore):
    def digest(self, body: Body) -> Digest:
        raise ValueError("no digest")


def test_a_task_that_the_executor_has_dropped_is_run_by_the_caller() -> None:
    workers = ThreadWorkers[bytes](FakeStore(), 1, executor=Forgetful())
    workers._wake = NeverWoken()  # type: ignore[assignment]
    workers.submit(CREATE)
    workers.wait()
    assert [outcome.send for outcome in workers.outcomes] == [CREATE.send]


def test_a_request_that_exits_its_thread_has_an_outcome() -> None:
    store = FakeStore(during=lambda call: sys.exit("in a worker"))
    workers = ThreadWorkers[bytes](store, 1, executor=Immediate())
    workers.submit(CREATE)
    (outcome,) = workers.outcomes
    assert outcome.failure is not None
    assert isinstance(outcome.failure.error, SystemExit)
    assert outcome.failure.effect_unknown


def test_a_digest_that_fails_in_the_thread_of_the_caller_has_an_outcome() -> None:
    workers = ThreadWorkers[bytes](WithoutDigest(), 1, executor=Forgetful(), cores=1)
    workers.submit(PART_2)
    (outcome,) = workers.outcomes
    assert outcome.failure is not None
    assert str(outcome.failure.error) == "no digest"


def test_an_interrupted_request_is_raised_and_has_an_outcome() -> None:
    def interrupt(call: object) -> None:
        raise KeyboardInterrupt

    workers = InlineWorkers[bytes](FakeStore(during=interrupt))
    with pytest.raises(KeyboardInterrupt):
        workers.submit(CREATE)
    (outcome,) = workers.outcomes
    assert outcome.failure is not None
    assert outcome.failure.effect_unknown


def test_a_stop_does_not_wait_for_a_request_that_goes_on_although_abandoned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent, over = threading.Event(), threading.Event()

    def hold(call: object) -> None:
        sent.set()
        over.wait(PATIENCE)

    monkeypatch.setattr("libcloud.storage.transfer.upload.workers._LAST_GRACE", 0.01)
    with ThreadPoolExecutor(1) as executor, Cancellation().active():
        workers = ThreadWorkers[bytes](FakeStore(during=hold), 1, executor=executor)
        workers.submit(CREATE)
        assert sent.wait(PATIENCE)
        cancellation = current()
        assert cancellation is not None
        cancellation.abandon()
        try:
            workers.stop()
            workers.stop()
            assert not over.is_set()
        finally:
            over.set()
    (outcome,) = workers.outcomes
    assert outcome.failure is not None
    assert outcome.failure.effect_unknown


def test_a_stop_waits_for_what_is_in_flight() -> None:
    idle, sent = Waited(), threading.Event()

    def hold(call: object) -> None:
        sent.set()
        idle.begun.wait(PATIENCE)

    workers = ThreadWorkers[bytes](FakeStore(during=hold), 1)
    workers._idle = idle
    workers.submit(CREATE)
    assert sent.wait(PATIENCE)
    try:
        workers.stop()
        assert [outcome.response for outcome in workers.outcomes] == ["upload-1"]
    finally:
        idle.begun.set()
        workers.close()
