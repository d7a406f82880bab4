# SPDX-License-Identifier: Apache-2.0
"""What listeners hear, and what comes of what they raise."""

from __future__ import annotations

import threading

import pytest

from libcloud.storage.transfer.progress import (
    PartDone,
    PartStarted,
    Retried,
    UploadAborted,
    UploadCompleted,
    UploadCompleting,
    UploadEvent,
    UploadStarted,
)
from libcloud.test.storage.transfer.upload.fake_store import (
    FakeStore,
    Fault,
    StoreError,
)
from libcloud.test.storage.transfer.upload.sending import (
    DATA,
    Sending,
    data_of,
    every_runner,
    fails,
    part,
)


@every_runner
def test_listeners_hear_what_happens_in_the_callers_thread(runner: str) -> None:
    events: list[UploadEvent] = []
    threads = set()

    def hear(event: UploadEvent) -> None:
        events.append(event)
        threads.add(threading.current_thread())

    store = FakeStore({part(2): [Fault.BUSY]})
    Sending(store, runner, window=1, listener=hear).run(data_of(25))
    retried = events[4]
    assert isinstance(retried, Retried)
    assert events == [
        UploadStarted(0, "upload-1"),
        PartStarted(0, 1, 10),
        PartDone(10, 1, 10),
        PartStarted(10, 2, 10),
        Retried(10, "part", 2, 2, 0.0, retried.cause, True),
        PartDone(20, 2, 10),
        PartStarted(20, 3, 5),
        PartDone(25, 3, 5),
        UploadCompleting(25),
        UploadCompleted(25, events[-1].etag, 3),  # type: ignore[attr-defined]  # it is the last one
    ]
    assert threads == {threading.current_thread()}


@every_runner
def test_a_small_object_is_reported_as_part_0(runner: str) -> None:
    events: list[UploadEvent] = []
    stored = Sending(FakeStore(), runner, listener=events.append).run(b"small")
    assert events == [PartStarted(0, 0, 5), PartDone(5, 0, 5), UploadCompleted(5, stored.etag, 0)]


@every_runner
@pytest.mark.parametrize(("keep", "cleaned"), [(False, True), (True, False)])
def test_listeners_hear_of_the_end_of_a_failed_upload(
    runner: str, keep: bool, cleaned: bool
) -> None:
    events: list[UploadEvent] = []
    store = FakeStore({part(2): [Fault.REFUSED]})
    fails(Sending(store, runner, window=1, keep=keep, listener=events.append), DATA, StoreError)
    assert events[-1] == UploadAborted(10, "upload-1", cleaned)


_BEFORE_THE_END = [UploadStarted, PartStarted, PartDone, Retried]


@every_runner
@pytest.mark.parametrize("kind", _BEFORE_THE_END, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("error", [LookupError("no such line"), KeyboardInterrupt()], ids=repr)
def test_what_a_listener_raises_aborts_the_upload(
    runner: str, kind: type[UploadEvent], error: BaseException
) -> None:
    def hear(event: UploadEvent) -> None:
        if isinstance(event, kind):
            raise error

    store = FakeStore({part(2): [Fault.BUSY]})
    assert fails(Sending(store, runner, listener=hear), DATA, type(error)) is error
    assert store.object is None
    assert not store.left


def test_what_a_listener_raises_after_the_end_is_raised_although_all_is_stored() -> None:
    def hear(event: UploadEvent) -> None:
        if isinstance(event, UploadCompleted):
            raise LookupError("no such line")

    store = FakeStore()
    with pytest.raises(LookupError):
        Sending(store, listener=hear).run(DATA)
    store.check()
    assert store.object == DATA


@every_runner
def test_a_listener_that_fails_on_the_abort_does_not_hide_the_error(runner: str) -> None:
    def hear(event: UploadEvent) -> None:
        if isinstance(event, UploadAborted):
            raise LookupError("no such line")

    store = FakeStore({part(2): [Fault.REFUSED]})
    fails(Sending(store, runner, listener=hear), DATA, StoreError)
