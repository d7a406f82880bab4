# SPDX-License-Identifier: Apache-2.0
"""The end of the program during an upload in a thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import pytest

from libcloud.storage.transfer.upload import at_exit as module
from libcloud.storage.transfer.upload.source import WholeSource
from libcloud.test.storage.transfer.upload.fake_store import FakeStore, Fault
from libcloud.test.storage.transfer.upload.sending import (
    ABORT,
    DATA,
    PATIENCE,
    Sending,
    check_end,
    cut,
    every_runner,
)
from libcloud.utils.cancellation import Cancellation


class Waiting:
    """An upload in a thread whose source waits after two parts."""

    def __init__(self, store: FakeStore, runner: str, *, daemon: bool = True) -> None:
        self.there, self.go_on = threading.Event(), threading.Event()
        self.error: BaseException | None = None
        self.told: list[Any] = []
        self.sending = Sending(store, runner, listener=self.told.append)
        self.thread = threading.Thread(target=self._run, daemon=daemon)

    def _run(self) -> None:
        try:
            self.sending.run(self._source())
        except BaseException as error:
            self.error = error

    def _source(self) -> Iterator[bytes]:
        yield DATA[:25]
        self.there.set()
        assert self.go_on.wait(PATIENCE)
        yield DATA[25:]

    def begun(self) -> Waiting:
        self.thread.start()
        assert self.there.wait(PATIENCE)
        return self

    def ended(self) -> None:
        self.go_on.set()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@pytest.fixture
def at_exit() -> Iterator[list[Callable[[], Any]]]:
    """What is called when the program ends."""
    calls: list[Callable[[], Any]] = []
    registry = mock.Mock(register=calls.append, unregister=calls.remove)
    with mock.patch.object(module, "_exits", registry):
        yield calls


@every_runner
def test_an_upload_of_a_daemon_thread_is_aborted_when_the_program_ends(
    runner: str, at_exit: list[Callable[[], Any]]
) -> None:
    store = FakeStore()
    upload = Waiting(store, runner).begun()
    (call,) = at_exit
    call()
    assert (store.object, store.uploads) == (None, {})
    told = len(upload.told)
    # The thread waits for its turn from now on. Let it go: Python would not.
    call.__self__.turn.release()  # type: ignore[attr-defined]
    upload.ended()
    assert upload.error is not None
    assert (len(upload.told), at_exit) == (told, [])
    check_end(store, DATA, upload.error)


def test_an_upload_that_has_ended_is_left_alone(at_exit: list[Callable[[], Any]]) -> None:
    store = FakeStore()
    upload = Waiting(store, "inline").begun()
    (call,) = at_exit
    upload.ended()
    steps = store.steps()
    call()  # Python was about to call it already
    assert at_exit == []
    assert (store.object, store.steps(), upload.error) == (DATA, steps, None)
    assert upload.sending.machine is not None
    assert upload.sending.machine.error is None


def test_an_abort_at_the_end_that_fails_is_logged_and_no_more(
    at_exit: list[Callable[[], Any]], caplog: pytest.LogCaptureFixture
) -> None:
    upload = Waiting(FakeStore({ABORT: [Fault.REFUSED]}), "inline").begun()
    (call,) = at_exit
    call()
    assert "upload-1 is left behind" in caplog.text
    call.__self__.turn.release()  # type: ignore[attr-defined]
    upload.ended()


def test_a_request_that_takes_too_long_is_not_waited_for(
    at_exit: list[Callable[[], Any]], caplog: pytest.LogCaptureFixture
) -> None:
    def at_the_end(call: object) -> None:
        with mock.patch.object(module, "_PATIENCE", 0.0):
            at_exit[0]()

    upload = Waiting(FakeStore(during=at_the_end), "inline").begun()
    upload.ended()
    assert "during the upload" in caplog.text
    assert upload.error is None


def test_a_fork_leaves_it_to_its_parent(at_exit: list[Callable[[], Any]]) -> None:
    store = FakeStore()
    upload = Waiting(store, "inline").begun()
    with mock.patch.object(module, "os", mock.Mock(getpid=lambda: os.getpid() + 1)):
        at_exit[0]()
    upload.ended()
    check_end(store, DATA, upload.error)


def test_joined_threads_need_no_abort_at_exit(
    at_exit: list[Callable[[], Any]],
) -> None:
    upload = Waiting(FakeStore(), "threads", daemon=False).begun()
    assert at_exit == []
    upload.ended()


@pytest.mark.parametrize("started", [0, 1, 2])
def test_where_no_thread_can_be_started_the_caller_sends(started: int) -> None:
    """As after the end of the main thread: Python starts none any more."""
    submit, left = ThreadPoolExecutor.submit, [None] * started

    def refuse(pool: ThreadPoolExecutor, work: Callable[[], Any]) -> Any:
        if not left:
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")
        left.pop()
        return submit(pool, work)

    store = FakeStore()
    with mock.patch.object(ThreadPoolExecutor, "submit", refuse):
        Sending(store, "threads").run(cut(DATA, 7))
    check_end(store, DATA, None)


def test_the_clean_up_of_a_cancelled_upload_is_abandoned_when_the_program_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0)
    monkeypatch.setattr(module, "_PATIENCE_FOR_CLEANUP", 0)
    cancellation = Cancellation()
    with cancellation.active():
        guarded = module.SourceUntilExit(WholeSource(b""), pytest.fail, "x")
    with guarded.turn:  # a request is in flight
        guarded.at_exit()
        assert not cancellation.abandoned
        cancellation.cancel()
        guarded.at_exit()
        assert cancellation.abandoned
