# SPDX-License-Identifier: Apache-2.0
"""Writers that fail, that an exception leaves, or that are never closed publish nothing."""

from __future__ import annotations

import contextlib
import gc
import io
import itertools
import threading
from collections.abc import Callable, Generator
from typing import Any, cast

import pytest

from libcloud.common.types import InvalidSourceError, LibcloudError
from libcloud.storage.transfer.values import Step
from libcloud.storage.writer import SpoolSink, UploadWriter
from libcloud.test.storage.transfer.upload.fake_store import Call, FakeStore, Fault, Raised
from libcloud.test.storage.transfer.upload.sending import PART, PATIENCE, check_end, cut, data_of
from libcloud.test.storage.transfer.upload.test_interrupts import Interrupter
from libcloud.test.storage.transfer.upload.writing import RUNNERS, nothing_published, writer_to
from libcloud.utils import files

ENDS = [ValueError("no more"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()]


# Nothing is published by an exception.


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("size", [0, 5, 10, 11, 35])
@pytest.mark.parametrize("error", ENDS, ids=repr)
def test_a_block_left_by_an_exception_publishes_nothing(
    runner: str, size: int, error: BaseException
) -> None:
    store = FakeStore()
    error.__traceback__ = None
    with pytest.raises(type(error)) as caught, writer_to(store, runner) as writer:
        writer.write(data_of(size))
        raise error
    assert caught.value is error
    assert len(caught.traceback) == 1  # unchanged
    nothing_published(store)
    assert writer.closed and writer.result is None
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.write(b"x")


def test_a_generator_that_is_closed_publishes_nothing() -> None:
    store = FakeStore()

    def steps() -> Generator[None, None, None]:
        with writer_to(store) as writer:
            while True:
                writer.write(data_of(7))
                yield

    generator = steps()
    for _ in range(5):
        next(generator)
    generator.close()
    nothing_published(store)
    assert "abort" in store.steps()


@pytest.mark.parametrize("wrap", [io.TextIOWrapper, io.BufferedWriter, contextlib.closing])
def test_the_block_decides_and_not_the_wrapper_inside(wrap: Callable[[Any], Any]) -> None:
    store = FakeStore()
    with pytest.raises(KeyError), writer_to(store) as writer, wrap(writer) as _:
        writer.write(data_of(25))
        raise KeyError
    nothing_published(store)


@pytest.mark.parametrize("error", ENDS, ids=repr)
@pytest.mark.parametrize("wrap", [io.TextIOWrapper, io.BufferedWriter, contextlib.closing])
def test_a_wrapper_that_an_exception_closes_publishes_nothing(
    wrap: Callable[[Any], Any], error: BaseException
) -> None:
    store = FakeStore()
    writer = writer_to(store)
    with pytest.raises(type(error)) as caught, wrap(writer):
        writer.write(data_of(25))
        raise error
    assert caught.value is error
    nothing_published(store)
    with pytest.raises(type(error)):
        writer.close()


def test_close_while_an_exception_passes_publishes_nothing() -> None:
    store = FakeStore()
    writer = writer_to(store)
    with pytest.raises(KeyError):
        try:
            writer.write(data_of(25))
            raise KeyError
        finally:
            writer.close()
    nothing_published(store)


def test_an_exception_that_was_handled_before_is_none_of_the_writers() -> None:
    store = FakeStore()
    try:
        raise KeyError
    except KeyError:
        writer = writer_to(store)
        with io.TextIOWrapper(writer) as text:
            text.write("a report")
    assert store.object == b"a report"


@pytest.mark.parametrize("sent", [5, 25])
def test_abort_publishes_nothing(sent: int) -> None:
    store = FakeStore()
    with writer_to(store) as writer:
        writer.write(data_of(sent))
        writer.abort()
        assert writer.closed
        writer.abort()
    writer.close()
    nothing_published(store)
    assert store.steps().count("abort") == (sent > PART)
    assert writer.result is None


def test_abort_keeps_nothing_though_a_failure_would() -> None:
    store = FakeStore()
    writer = writer_to(store, on_failure="keep")
    writer.write(data_of(25))
    writer.abort()
    nothing_published(store)


def test_discard_is_abort() -> None:
    store = FakeStore()
    writer = writer_to(store)
    writer.write(data_of(25))
    writer.discard()
    nothing_published(store)
    assert store.steps()[-1] == "abort"


def test_discard_calls_the_abort_of_a_subclass() -> None:
    class Noting(UploadWriter[Any]):
        def abort(self) -> None:
            noted.append("abort")
            super().abort()

    noted: list[str] = []
    Noting(SpoolSink(lambda file: None), "container/object").discard()
    assert noted == ["abort"]


# Errors of the store.


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_refused_part_is_raised_and_then_nothing_is_published(runner: str) -> None:
    store = FakeStore({Call(Step.PART, 2): [Fault.REFUSED]})
    writer = writer_to(store, runner)
    with pytest.raises(Exception, match="part 2: refused") as caught:
        for piece in cut(data_of(200), 5):
            writer.write(piece)
    nothing_published(store)
    for _ in range(2):
        with pytest.raises(Exception, match="part 2: refused") as again:
            writer.close()
        assert again.value is caught.value
    with pytest.raises(ValueError, match="closed"):
        writer.write(b"x")
    writer.abort()
    assert store.steps().count("abort") == 1


def test_writes_of_nothing_without_end_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_EMPTY_PIECES", 3)
    store = FakeStore()
    writer = writer_to(store)
    writer.writelines([b"data", b"", b"", b"", b"data"])
    with pytest.raises(InvalidSourceError):
        writer.writelines(itertools.repeat(b""))
    with pytest.raises(InvalidSourceError):
        writer.close()
    nothing_published(store)


def test_a_swallowed_error_comes_back_at_the_end_of_the_block() -> None:
    store = FakeStore({Call(Step.PART, 1): [Fault.REFUSED]})
    with (
        pytest.raises(Exception, match="part 1: refused"),
        writer_to(store) as writer,
        contextlib.suppress(Exception),
    ):
        writer.write(data_of(50))
    nothing_published(store)


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("call", [Call(Step.PART, 3), Call(Step.COMPLETE)], ids=str)
def test_an_error_met_by_close_is_raised_by_it(runner: str, call: Call) -> None:
    store = FakeStore({call: [Fault.REFUSED]})
    writer = writer_to(store, runner)
    writer.write(data_of(25))
    with pytest.raises(Exception, match=f"{call}: refused"):
        writer.close()
    nothing_published(store)
    assert writer.closed and writer.result is None


@pytest.mark.parametrize("runner", RUNNERS)
def test_transient_faults_are_not_noticed(runner: str) -> None:
    store = FakeStore(
        {
            Call(Step.CREATE): [Fault.BUSY],
            Call(Step.PART, 1): [Fault.LOST, Fault.BUSY],
            Call(Step.PART, 3): [Fault.UNHEARD],
            Call(Step.COMPLETE): [Fault.UNHEARD],
        }
    )
    with writer_to(store, runner) as writer:
        writer.write(data_of(25))
    store.check()
    assert store.object == data_of(25) and writer.result is not None


def test_what_cannot_be_removed_is_named_by_the_exception_of_the_block() -> None:
    store = FakeStore({Call(Step.ABORT): [Fault.REFUSED]})
    with pytest.raises(KeyError) as caught, writer_to(store) as writer:
        writer.write(data_of(25))
        raise KeyError
    assert caught.value.upload_id == "upload-1"  # type: ignore[attr-defined]  # attached
    assert "abort: refused" in str(caught.value.cleanup_error)  # type: ignore[attr-defined]  # too
    assert store.left == {"upload-1"} and store.object is None


def test_abort_raises_if_it_cannot_remove() -> None:
    store = FakeStore({Call(Step.ABORT): [Fault.REFUSED]})
    writer = writer_to(store)
    writer.write(data_of(25))
    with pytest.raises(LibcloudError, match="abort: refused") as caught:
        writer.abort()
    assert caught.value.upload_id == "upload-1"  # type: ignore[attr-defined]  # attached
    writer.close()
    assert writer.result is None


def test_the_exception_of_the_block_takes_precedence_over_a_pending_error() -> None:
    store = FakeStore({Call(Step.PART, 1): [Fault.BUSY] * 3, Call(Step.ABORT): [Fault.REFUSED]})
    created, release = threading.Event(), threading.Event()

    def during(call: Call) -> None:
        if call.step is Step.CREATE:
            created.set()
        if call.step is Step.PART:
            assert release.wait(PATIENCE)

    store._during = during
    with pytest.raises(KeyError) as caught, writer_to(store, "threads") as writer:
        writer.write(data_of(11))
        assert created.wait(PATIENCE)  # until then there is nothing to abort
        release.set()
        raise KeyError("mine")
    assert caught.value.args == ("mine",)
    assert caught.value.upload_id == "upload-1"  # type: ignore[attr-defined]  # attached


def test_what_is_kept_is_named() -> None:
    store = FakeStore()
    with pytest.raises(KeyError) as caught, writer_to(store, on_failure="keep") as writer:
        writer.write(data_of(25))
        raise KeyError
    assert caught.value.upload_id == "upload-1"  # type: ignore[attr-defined]  # attached
    assert store.uploads["upload-1"].keys() == {1, 2}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [1, 2])
def test_an_interrupt_of_a_request_aborts(number: int, after: bool) -> None:
    interrupt = KeyboardInterrupt()
    store = FakeStore({Call(Step.PART, number): [Raised(interrupt, after)]})
    writer = writer_to(store)
    with pytest.raises(KeyboardInterrupt) as caught:
        for piece in cut(data_of(100), 5):
            writer.write(piece)
    assert caught.value is interrupt
    nothing_published(store)
    with pytest.raises(KeyboardInterrupt):
        writer.close()


def _interrupted(store: FakeStore, runner: str, interrupter: Interrupter) -> BaseException | None:
    try:
        with interrupter, writer_to(store, runner) as writer:
            for piece in cut(data_of(35), 7):
                writer.write(piece)
    except BaseException as error:
        return error
    return None


@pytest.mark.slow
@pytest.mark.parametrize("faults", [{}, {Call(Step.PART, 3): [Fault.REFUSED]}], ids=["", "refused"])
@pytest.mark.parametrize("runner", RUNNERS)
def test_an_interrupt_at_any_line_leaves_all_or_nothing(runner: str, faults: Any) -> None:
    line = 0
    while True:
        line += 1
        store = FakeStore(faults)
        interrupter = Interrupter(line, KeyboardInterrupt())
        raised = _interrupted(store, runner, interrupter)
        if not interrupter.where:
            break
        check_end(store, data_of(35), raised)
        # An interrupted Complete may have been sent: then nothing is aborted any more.
        if "confirm" not in store.steps():
            assert not store.left, (interrupter.where, store.steps())
    assert line > 300


# Writers that are never closed.


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("sent", [0, 5, 25, 65])
def test_a_dropped_writer_publishes_nothing(runner: str, sent: int) -> None:
    store = FakeStore()
    writer = writer_to(store, runner)
    writer.write(data_of(sent))
    with pytest.warns(ResourceWarning, match="box/thing: the writer was dropped without close"):
        del writer
    nothing_published(store)
    assert (store.steps()[-1:] == ["abort"]) is (sent > PART)


@pytest.mark.filterwarnings("ignore:.*dropped without close:ResourceWarning")
def test_a_writer_may_be_dropped_during_its_own_request() -> None:
    """The collector comes in any thread, also in that which sends a part."""
    last: list[UploadWriter[Any]] = []
    go, dropped = threading.Event(), threading.Event()

    def drop(call: Call) -> None:
        if call == Call(Step.PART, 2):
            assert go.wait(PATIENCE)
            last.clear()
            dropped.set()

    store = FakeStore(during=drop)
    last.append(writer_to(store, "threads"))
    last[0].write(data_of(21))
    go.set()
    assert dropped.wait(PATIENCE)
    nothing_published(store)
    assert not last and store.steps()[-1] == "abort"


def test_a_writer_dropped_in_a_cycle_publishes_nothing() -> None:
    store = FakeStore()
    writer: Any = writer_to(store)
    writer.itself = writer
    writer.write(data_of(25))
    with pytest.warns(ResourceWarning):
        del writer
        gc.collect()
    nothing_published(store)
    assert store.steps()[-1] == "abort"


@pytest.mark.filterwarnings("error::ResourceWarning")
def test_an_ended_writer_is_dropped_in_silence(recwarn: pytest.WarningsRecorder) -> None:
    writer_to(FakeStore()).close()
    writer_to(FakeStore()).abort()
    with writer_to(FakeStore()) as writer:
        writer.write(b"x")
    refusing = writer_to(FakeStore({Call(Step.PUT): [Fault.REFUSED]}))
    with pytest.raises(Exception, match="put: refused"):
        refusing.close()
    del writer, refusing
    gc.collect()
    assert not recwarn.list


WRAPPERS: dict[str, Callable[[UploadWriter[Any]], Any]] = {
    "text": lambda writer: io.TextIOWrapper(writer),
    "buffer": lambda writer: io.BufferedWriter(cast(Any, writer)),
    "text on a buffer": lambda writer: io.TextIOWrapper(io.BufferedWriter(cast(Any, writer))),
}


@pytest.mark.parametrize("sent", [5, 25, 20_000])
@pytest.mark.parametrize("kind", WRAPPERS)
def test_a_dropped_wrapper_publishes_nothing(kind: str, sent: int) -> None:
    store = FakeStore()
    wrapper = WRAPPERS[kind](writer_to(store))
    wrapper.write("x" * sent if "text" in kind else b"x" * sent)
    with pytest.warns(ResourceWarning):
        del wrapper
    nothing_published(store)


@pytest.mark.filterwarnings("ignore:.*dropped without close:ResourceWarning")
def test_a_writer_whose_wrapper_was_dropped_cannot_be_published() -> None:
    store = FakeStore()
    writer = writer_to(store)
    io.TextIOWrapper(writer).write("x" * 100)
    assert writer.closed
    with pytest.raises(ValueError, match="a wrapper around the writer was dropped"):
        writer.close()
    nothing_published(store)


def test_a_detached_wrapper_may_be_dropped() -> None:
    store = FakeStore()
    writer = writer_to(store)
    text = io.TextIOWrapper(writer)
    text.write("x" * 100)
    text.detach()
    del text
    writer.close()
    assert store.object == b"x" * 100


def test_a_wrapper_dropped_inside_the_block_has_written_its_buffer() -> None:
    store = FakeStore()
    with writer_to(store) as writer:
        io.TextIOWrapper(writer).write("x" * 100)
    assert store.object == b"x" * 100
