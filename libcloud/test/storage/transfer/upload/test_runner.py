# SPDX-License-Identifier: Apache-2.0
"""The runner with all kinds of workers, against a store that checks what it is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from libcloud.storage.capabilities import Limits
from libcloud.storage.transfer.progress import (
    Retried,
    UploadAborted,
    UploadEvent,
)
from libcloud.storage.transfer.values import Step
from libcloud.storage.types import (
    InvalidSourceError,
    ObjectTooLargeError,
    SizeMismatchError,
    UploadOutcomeUnknownError,
)
from libcloud.test.storage.transfer.upload.fake_store import (
    Call,
    FakeStore,
    Fault,
    Faults,
    Raised,
    StoreError,
)
from libcloud.test.storage.transfer.upload.sending import (
    ABORT,
    COMPLETE,
    CONFIRM,
    CREATE,
    DATA,
    PART,
    PATIENCE,
    PUT,
    Sending,
    check_end,
    cut,
    data_of,
    every_runner,
    fails,
    part,
    upload_threads,
)

# What is sent.


@every_runner
@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 19, 20, 21, 35, 100])
@pytest.mark.parametrize("piece", [1, 7, 10, 1000])
def test_the_object_is_the_data(runner: str, size: int, piece: int) -> None:
    store = FakeStore()
    stored = Sending(store, runner).run(cut(data_of(size), piece))
    check_end(store, data_of(size), None)
    parts = -(-size // PART) if size > PART else 0
    assert (stored.size, stored.parts) == (size, parts)
    numbers = [f"part {number}" for number in range(1, parts + 1)]
    assert sorted(store.steps()) == sorted(["create", *numbers, "complete"] if parts else ["put"])
    assert not upload_threads()


def test_inline_requests_come_one_after_another() -> None:
    store = FakeStore()
    Sending(store, "inline", window=4).run(cut(DATA, 7))
    assert store.steps() == ["create", "part 1", "part 2", "part 3", "part 4", "complete"]
    assert store.most_in_flight == 1


@pytest.mark.parametrize("window", [1, 2, 3, 8])
def test_threads_send_as_many_parts_at_once_as_the_window_holds(window: int) -> None:
    together = threading.Barrier(min(window, 6))

    def meet(call: Call) -> None:
        if call.step is Step.PART and call.number <= together.parties:
            together.wait(PATIENCE)

    store = FakeStore(during=meet)
    Sending(store, "threads", window=window).run(data_of(60))
    check_end(store, data_of(60), None)
    assert min(window, 6) <= store.most_in_flight <= window


@every_runner
def test_a_digest_is_computed_once_for_all_attempts(runner: str) -> None:
    store = FakeStore({part(2): [Fault.BUSY, Fault.LOST]})
    Sending(store, runner).run(cut(DATA, 7))
    check_end(store, DATA, None)
    assert store.digests == 4


@every_runner
def test_a_digest_that_cannot_be_computed_fails_the_upload(runner: str) -> None:
    class Store(FakeStore):
        def digest(self, body: Any) -> Any:
            raise OverflowError("too long")

    fails(Sending(Store(), runner), DATA, OverflowError)


@every_runner
@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST, Fault.UNHEARD])
@pytest.mark.parametrize("call", [PUT, CREATE, part(1), part(4), COMPLETE], ids=str)
def test_any_request_is_tried_again(runner: str, call: Call, fault: Fault) -> None:
    data = data_of(5) if call is PUT else DATA
    store = FakeStore({call: [fault, fault]})
    Sending(store, runner).run(cut(data, 7))
    check_end(store, data, None)
    if (call, fault) == (COMPLETE, Fault.UNHEARD):
        assert store.steps()[-3:] == ["complete", "complete", "confirm"]
    else:
        assert store.calls.count(call) == 3


def test_delays_are_slept_inline_and_waited_by_threads() -> None:
    slept: list[float] = []
    faults: Faults = {part(2): [Fault.BUSY, Fault.BUSY]}
    Sending(FakeStore(faults), "inline", base=0.5, sleeps=slept).run(DATA)
    assert slept == [0.5, 1.0]
    store = FakeStore(faults)
    Sending(store, "threads", base=0.001).run(DATA)
    check_end(store, DATA, None)


@pytest.mark.parametrize("runner", ["threads", "foreign"])
def test_a_part_is_sent_again_with_its_own_data(runner: str) -> None:
    """Part 2 is on its way from before part 1 fails until part 1 comes again."""
    second, again = threading.Event(), threading.Event()
    firsts: list[Call] = []

    def meet(call: Call) -> None:
        if call == part(2):
            second.set()
            assert again.wait(PATIENCE)
        elif call == part(1):
            firsts.append(call)
            assert second.wait(PATIENCE)
            if len(firsts) == 2:
                again.set()

    store = FakeStore({part(1): [Fault.LOST]}, during=meet)
    Sending(store, runner).run(DATA)
    check_end(store, DATA, None)


@pytest.mark.parametrize("runner", ["threads", "foreign"])
def test_a_delay_ends_with_the_upload(runner: str) -> None:
    """Part 1 is to be sent again much later; then part 2 is done, and the source fails."""
    waits = threading.Event()

    def hear(event: UploadEvent) -> None:
        if isinstance(event, Retried):
            waits.set()

    def hold(call: Call) -> None:
        if call == part(2):
            assert waits.wait(PATIENCE)

    def pieces() -> Iterator[bytes]:
        yield DATA[:21]
        raise ValueError("the source fails")

    store = FakeStore({part(1): [Fault.LOST]}, during=hold)
    fails(Sending(store, runner, base=3600.0, listener=hear), pieces(), ValueError)
    assert store.calls.count(part(1)) == 1


# What fails.


@every_runner
@pytest.mark.parametrize("call", [PUT, CREATE, part(1), part(4), COMPLETE], ids=str)
def test_a_request_that_is_refused_fails_the_upload_and_leaves_nothing(
    runner: str, call: Call
) -> None:
    store = FakeStore({call: [Fault.REFUSED]})
    error = fails(Sending(store, runner), data_of(5) if call is PUT else DATA, StoreError)
    assert str(error) == f"{call}: refused"
    assert store.calls.count(call) == 1
    assert not store.left
    assert (error.upload_id, error.cleanup_error) == (None, None)


@every_runner
@pytest.mark.parametrize(
    "error", [ValueError("no data"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()], ids=repr
)
@pytest.mark.parametrize("size", [0, 5, 10, 11, 20, 34])
def test_a_source_that_fails_publishes_and_leaves_nothing(
    runner: str, error: BaseException, size: int
) -> None:
    def pieces() -> Iterator[bytes]:
        yield from cut(DATA[:size], 7)
        raise error

    store = FakeStore()
    assert fails(Sending(store, runner), pieces(), type(error)) is error
    assert store.object is None
    assert not store.left


@every_runner
def test_a_piece_that_is_no_data_publishes_nothing(runner: str) -> None:
    store = FakeStore()
    error = fails(Sending(store, runner), iter([DATA, 1.5]), InvalidSourceError)
    assert "float" in str(error)
    assert not store.left


@every_runner
def test_an_existing_object_stays_when_its_successor_fails(runner: str) -> None:
    store = FakeStore({part(3): [Fault.REFUSED]})
    store.object = b"the old one"
    with pytest.raises(StoreError):
        Sending(store, runner).run(DATA)
    store.check()
    assert store.object == b"the old one"


@every_runner
@pytest.mark.parametrize(("size", "kind"), [(34, SizeMismatchError), (36, SizeMismatchError)])
def test_another_size_than_promised_publishes_nothing(
    runner: str, size: int, kind: type[Exception]
) -> None:
    store = FakeStore()
    fails(Sending(store, runner, size=size), cut(DATA, 7), kind)
    assert not store.left


@every_runner
def test_more_than_the_store_holds_publishes_nothing(runner: str) -> None:
    store = FakeStore()
    limits = Limits(min_part_size=1, max_part_size=10, max_parts=3, max_object_size=30)
    fails(Sending(store, runner, limits=limits), cut(DATA, 7), ObjectTooLargeError)
    assert not store.left


@every_runner
def test_parts_that_land_late_are_aborted_again(runner: str) -> None:
    store = FakeStore({part(2): [Fault.LATE, Fault.REFUSED]})
    fails(Sending(store, runner), DATA, StoreError)
    assert store.steps()[-4:] == ["abort", "check", "abort", "check"]
    assert not store.left


@every_runner
def test_an_upload_that_is_kept_is_named(runner: str) -> None:
    store = FakeStore({part(3): [Fault.REFUSED]})
    error = fails(Sending(store, runner, keep=True), DATA, StoreError)
    assert error.upload_id in store.left
    assert ABORT not in store.calls


@every_runner
def test_an_upload_that_cannot_be_aborted_is_named(runner: str) -> None:
    store = FakeStore({part(3): [Fault.REFUSED], ABORT: [Fault.BUSY] * 9})
    error = fails(Sending(store, runner), DATA, StoreError)
    assert str(error) == "part 3: refused"
    assert error.upload_id in store.left
    assert str(error.cleanup_error) == "abort: busy"
    notes = getattr(error, "__notes__", None)
    assert notes in (None, [f"upload id: {error.upload_id}", "cleanup error: abort: busy"])


@every_runner
def test_an_interrupt_while_the_end_is_reported_names_what_is_left(runner: str) -> None:
    def listener(event: object) -> None:
        if isinstance(event, UploadAborted):
            raise KeyboardInterrupt

    store = FakeStore({part(3): [Fault.REFUSED], ABORT: [Fault.REFUSED]})
    error = fails(Sending(store, runner, listener=listener), DATA, KeyboardInterrupt)
    assert error.upload_id in store.left


@every_runner
def test_an_interrupt_is_raised_unchanged_though_the_abort_fails(runner: str) -> None:
    def pieces() -> Iterator[bytes]:
        yield DATA
        raise KeyboardInterrupt

    store = FakeStore({ABORT: [Fault.REFUSED]})
    error = fails(Sending(store, runner), pieces(), KeyboardInterrupt)
    assert error.upload_id in store.left
    assert str(error.cleanup_error) == "abort: refused"


@every_runner
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", [CREATE, part(2), COMPLETE], ids=str)
def test_an_exit_out_of_a_request_cleans_up(runner: str, call: Call, after: bool) -> None:
    store = FakeStore({call: [Raised(SystemExit(3), after)]})
    fails(Sending(store, runner), DATA, SystemExit)
    assert not store.left or call == COMPLETE


@every_runner
def test_a_complete_that_was_done_unheard_is_a_success(runner: str) -> None:
    store = FakeStore({COMPLETE: [Fault.UNHEARD] * 9})
    Sending(store, runner).run(DATA)
    check_end(store, DATA, None)
    assert store.steps()[-1] == "confirm"


@every_runner
def test_a_complete_without_a_response_has_an_unknown_outcome(runner: str) -> None:
    store = FakeStore({COMPLETE: [Fault.LOST] * 9})
    error = fails(Sending(store, runner), DATA, UploadOutcomeUnknownError)
    assert error.upload_id in store.left
    assert "box/thing" in str(error)
    assert "35 bytes" in str(error)
    assert error.upload_id in str(error)
    assert isinstance(error.__cause__, StoreError)


@every_runner
def test_an_error_of_the_lookup_is_attached(runner: str) -> None:
    store = FakeStore({COMPLETE: [Fault.UNHEARD] * 9, CONFIRM: [Fault.BUSY] * 9})
    error = fails(Sending(store, runner), DATA, UploadOutcomeUnknownError)
    assert store.object == DATA
    assert str(error.cleanup_error) == "confirm: busy"


@every_runner
def test_a_lost_put_whose_object_exists_is_a_success(runner: str) -> None:
    store = FakeStore({PUT: [Fault.UNHEARD, Fault.TAKEN]})
    Sending(store, runner).run(b"small")
    check_end(store, b"small", None)


@every_runner
def test_a_lost_create_is_logged(runner: str, caplog: pytest.LogCaptureFixture) -> None:
    store = FakeStore({CREATE: [Fault.UNHEARD]})
    Sending(store, runner).run(DATA)
    check_end(store, DATA, None)
    assert len(store.orphans) == 1
    assert "box/thing: the response to the creation of an upload was lost" in caplog.text


@every_runner
def test_a_store_that_cannot_explain_an_error_does_not_hang(runner: str) -> None:
    class Store(FakeStore):
        def failure(self, step: Step, error: Exception) -> Any:
            raise ZeroDivisionError("in the explanation")

    fails(Sending(Store({part(2): [Fault.BUSY]}), runner), DATA, ZeroDivisionError)
