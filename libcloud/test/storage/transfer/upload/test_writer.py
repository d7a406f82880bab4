# SPDX-License-Identifier: Apache-2.0
"""Writers on the engine: what they take, when they send it, and when they publish it."""

from __future__ import annotations

import array
import mmap
import threading
import tracemalloc
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libcloud.storage.capabilities import MIB, Limits
from libcloud.storage.transfer.progress import PartDone, UploadAborted, UploadCompleted
from libcloud.storage.transfer.upload import workers
from libcloud.storage.transfer.values import (
    Body,
    Digest,
    PartReceipt,
    StoredObject,
)
from libcloud.storage.types import SizeMismatchError
from libcloud.test.storage.transfer.upload.fake_store import LIMITS, FakeStore
from libcloud.test.storage.transfer.upload.sending import PART, PATIENCE, cut, data_of
from libcloud.test.storage.transfer.upload.writing import RUNNERS, nothing_published, writer_to

# What is written is what is stored.


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 20, 21, 35])
@pytest.mark.parametrize("piece", [1, 3, 10, 100])
def test_what_is_written_becomes_the_object(runner: str, size: int, piece: int) -> None:
    store, data = FakeStore(), data_of(size)
    with writer_to(store, runner) as writer:
        for part in cut(data, piece):
            assert writer.write(part) == len(part)
        assert writer.tell() == size
        assert writer.result is None
    store.check()
    assert store.object == data
    assert cast(Any, writer.result).size == size
    assert store.uploads == {}
    if size <= PART:
        assert store.steps() == ["put"]


BUFFERS: dict[str, Callable[[bytes], Any]] = {
    "bytes": bytes,
    "a subclass of bytes": type("Bytes", (bytes,), {}),
    "bytearray": bytearray,
    "memoryview": memoryview,
    "a view with steps": lambda data: memoryview(bytes(x for y in data for x in (y, 0)))[::2],
    "a view of two dimensions": lambda data: memoryview(data).cast("B", (2, len(data) // 2)),
    "an array of words": lambda data: array.array("H", data),
}


@pytest.mark.parametrize("size", [4, 10, 12, 32])
@pytest.mark.parametrize("kind", BUFFERS)
def test_any_buffer_can_be_written(kind: str, size: int) -> None:
    store, data = FakeStore(), data_of(size)
    with writer_to(store) as writer:
        assert writer.write(b"x") == 1
        assert writer.write(BUFFERS[kind](data)) == size
    assert store.object == b"x" + data


def test_empty_buffers_are_nothing() -> None:
    store = FakeStore()
    with mmap.mmap(-1, 4) as mapped, writer_to(store) as writer:
        for empty in (b"", bytearray(), memoryview(b""), array.array("H")):
            assert writer.write(empty) == 0
        assert writer.write(mapped) == 4
    assert store.object == bytes(4)


@given(st.lists(st.binary(max_size=40), max_size=12))
def test_pieces_of_any_sizes_are_joined(pieces: list[bytes]) -> None:
    store = FakeStore()
    with writer_to(store) as writer:
        writer.writelines(pieces)
    assert store.object == b"".join(pieces)


@pytest.mark.parametrize("size", [3, 7, 10, 25])
def test_the_caller_may_reuse_its_buffer_at_once(size: int) -> None:
    store = FakeStore()
    buffer = bytearray(size)
    with writer_to(store, "threads") as writer:
        for number in range(6):
            buffer[:] = bytes([number]) * size
            writer.write(buffer)
            buffer[:] = b"\xff" * size
            buffer.append(0)  # resizing is refused as long as somebody holds a view
            buffer.pop()
    assert store.object == b"".join(bytes([number]) * size for number in range(6))


@pytest.mark.parametrize("wrong", ["text", None, 5, [b"x"], 1.5])
def test_an_object_without_buffer_is_refused_and_the_writer_continues(wrong: Any) -> None:
    store = FakeStore()
    with writer_to(store) as writer:
        writer.write(data_of(15))
        with pytest.raises(TypeError):
            writer.write(wrong)
        assert writer.tell() == 15
        writer.write(b"end")
    assert store.object == data_of(15) + b"end"


def test_the_error_for_text_suggests_what_to_do() -> None:
    with pytest.raises(TypeError, match="TextIOWrapper"):
        writer_to(FakeStore()).write(cast(Any, "text"))


# When it is sent.


def test_nothing_is_sent_before_a_second_part_begins() -> None:
    store = FakeStore()
    with writer_to(store) as writer:
        writer.write(data_of(10))
        writer.flush()
        assert store.steps() == []
        writer.write(b"x")
        assert store.steps() == ["create", "part 1"]
        writer.write(data_of(9))
        assert store.steps() == ["create", "part 1"]
    assert store.steps() == ["create", "part 1", "part 2", "complete"]


@pytest.mark.parametrize("runner", RUNNERS)
def test_no_more_is_taken_than_the_window_holds(runner: str) -> None:
    offered, confirmed, excess = 0, 0, []

    def listen(event: object) -> None:
        nonlocal confirmed
        confirmed += event.size if isinstance(event, PartDone) else 0

    store = FakeStore()
    with writer_to(store, runner, on_event=listen) as writer:
        for piece in cut(data_of(240), 5):
            offered += 5
            writer.write(piece)
            excess.append(offered - confirmed)
    assert store.object == data_of(240)
    assert max(excess) <= 2 * PART
    assert store.most_in_flight <= 2


class Sieve:
    """A store that keeps nothing."""

    def digest(self, body: Body) -> Digest:
        return Digest()

    def create(self) -> str:
        return "upload"

    def put_part(self, upload_id: str, number: int, body: Body, digest: Digest) -> PartReceipt:
        return PartReceipt(number, "etag", len(body))

    def complete(self, upload_id: str, parts: list[PartReceipt]) -> StoredObject:
        return StoredObject("etag", sum(part.size for part in parts), len(parts))


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("piece", [1000, MIB, 8 * MIB])
def test_memory_is_bounded_by_the_window(
    runner: str, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It allocates a block once for each size, which would count although it is never touched.
    monkeypatch.setattr(workers, "_keep_free", lambda size: None)
    buffer = bytearray(piece)
    tracemalloc.start()
    try:
        with writer_to(Sieve(), runner, part_size=MIB, limits=Limits(1)) as writer:
            for _ in range(16 * MIB // piece):
                writer.write(buffer)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert cast(Any, writer.result).size == 16 * MIB // piece * piece
    # A part whose last small pieces are being joined takes a little more.
    assert peak < 2.5 * MIB


# Closing.


def test_close_publishes_once() -> None:
    store = FakeStore()
    writer = writer_to(store)
    writer.write(b"data")
    writer.close()
    result = writer.result
    assert store.object == b"data" and result is not None
    writer.close()
    writer.abort()
    assert writer.result is result
    assert store.steps() == ["put"]


def test_close_inside_the_block_ends_the_writing_and_no_more() -> None:
    store = FakeStore()
    with writer_to(store) as writer:
        writer.write(b"data")
        writer.close()
        writer.close()
        assert writer.closed and store.steps() == []
        with pytest.raises(ValueError):
            writer.write(b"more")
    assert store.object == b"data"


def test_an_exception_after_close_inside_the_block_publishes_nothing() -> None:
    store = FakeStore()
    with pytest.raises(KeyError), writer_to(store) as writer:
        writer.write(data_of(25))
        writer.close()
        raise KeyError
    nothing_published(store)


def test_abort_after_close_inside_the_block_publishes_nothing() -> None:
    store = FakeStore()
    with writer_to(store) as writer:
        writer.write(data_of(25))
        writer.close()
        writer.abort()
    nothing_published(store)


@pytest.mark.parametrize("use", ["write", "tell", "flush", "__enter__"])
def test_a_closed_writer_is_a_closed_file(use: str) -> None:
    writer = writer_to(FakeStore())
    writer.close()
    with pytest.raises(ValueError, match=r"I/O operation on closed file"):
        getattr(writer, use)(*[b"x"] * (use == "write"))


def test_it_is_a_binary_file_that_is_written_from_start_to_end() -> None:
    writer = writer_to(FakeStore())
    assert writer.writable()
    assert not writer.readable() and not writer.seekable() and not writer.isatty()
    for use in (writer.fileno, writer.read, lambda: writer.seek(0), writer.truncate):
        with pytest.raises(OSError):  # io.UnsupportedOperation is one
            use()
    writer.abort()


def test_its_text_states_its_outcome() -> None:
    writer = writer_to(FakeStore())
    writer.write(b"ab")
    assert repr(writer) == "<UploadWriter of box/thing: open, 2 bytes>"
    writer.close()
    assert repr(writer) == "<UploadWriter of box/thing: published, 2 bytes>"
    with writer_to(FakeStore()) as writer:
        writer.abort()
    assert repr(writer) == "<UploadWriter of box/thing: closed, 0 bytes>"


@pytest.mark.parametrize("sent", [24, 26, 60])
def test_a_promised_size_is_kept_or_nothing_is_published(sent: int) -> None:
    store = FakeStore()
    with pytest.raises(SizeMismatchError), writer_to(store, size=25) as writer:
        for piece in cut(data_of(sent), 5):
            writer.write(piece)
    nothing_published(store)


# Listeners, threads, and calls within calls.


def test_a_listener_is_called_for_an_abort_but_not_for_a_dropped_writer() -> None:
    heard: list[Any] = []
    writer = writer_to(FakeStore(), on_event=heard.append)
    writer.write(data_of(25))
    writer.abort()
    assert isinstance(heard[-1], UploadAborted) and heard[-1].cleaned
    heard.clear()
    store = FakeStore()
    writer = writer_to(store, on_event=heard.append)
    writer.write(data_of(25))
    with pytest.warns(ResourceWarning):
        del writer
    nothing_published(store)
    assert not any(isinstance(event, UploadAborted) for event in heard)


def test_a_listener_that_fails_publishes_nothing() -> None:
    def fail(event: object) -> None:
        if isinstance(event, PartDone) and event.number == 2:
            raise KeyError("listener")

    store = FakeStore()
    with pytest.raises(KeyError, match="listener"), writer_to(store, on_event=fail) as writer:
        writer.write(data_of(100))
    nothing_published(store)


@pytest.mark.parametrize("use", ["write", "close", "abort"])
def test_a_listener_cannot_use_the_writer(use: str) -> None:
    store = FakeStore()

    def meddle(event: object) -> None:
        with pytest.raises(RuntimeError, match="is in another call"):
            getattr(writer, use)(*[b"x"] * (use == "write"))

    with writer_to(store, on_event=meddle) as writer:
        writer.write(data_of(25))
    assert store.object == data_of(25)


def test_the_last_event_is_that_of_completion() -> None:
    heard: list[Any] = []
    with writer_to(FakeStore(), on_event=heard.append) as writer:
        writer.write(data_of(25))
    assert isinstance(heard[-1], UploadCompleted) and heard[-1].parts == 3


@pytest.mark.parametrize("runner", RUNNERS)
def test_threads_take_turns(runner: str) -> None:
    store = FakeStore(limits=LIMITS)
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        barrier.wait(PATIENCE)
        for _ in range(50):
            writer.write(bytes([number]) * 7)

    with writer_to(store, runner) as writer:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    store.check()
    assert store.object is not None
    records = list(cut(store.object, 7))
    assert sorted(records) == sorted(bytes([number]) * 7 for number in range(4) for _ in range(50))
