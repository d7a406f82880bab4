# SPDX-License-Identifier: Apache-2.0
"""Executors of others, random faults, and the memory that an upload takes."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libcloud.storage.capabilities import MIB, Limits
from libcloud.storage.transfer.values import Digest, PartReceipt, Step, StoredObject
from libcloud.storage.types import UploadOutcomeUnknownError
from libcloud.test.storage.transfer.upload.fake_store import (
    Call,
    FakeStore,
    Fault,
    Faults,
    StoreError,
)
from libcloud.test.storage.transfer.upload.sending import (
    ABORT,
    COMPLETE,
    CONFIRM,
    CREATE,
    DATA,
    PATIENCE,
    PUT,
    Sending,
    check_end,
    cut,
    data_of,
    fails,
    part,
    upload_threads,
)

# Executors of the caller.


def test_somebodys_executor_is_used_and_not_shut_down() -> None:
    names = set()

    def look(call: Call) -> None:
        names.add(threading.current_thread().name)

    with ThreadPoolExecutor(3, "theirs") as pool:
        Sending(FakeStore(during=look), "foreign", executor=pool).run(DATA)
        assert pool.submit(int, "7").result() == 7
    assert any(name.startswith("theirs") for name in names)


def test_uploads_may_run_in_the_executor_that_is_passed_to_them() -> None:
    stores = [FakeStore() for _ in range(4)]
    with ThreadPoolExecutor(2) as pool:
        futures = [
            pool.submit(Sending(store, "foreign", executor=pool).run, cut(DATA, 7))
            for store in stores
        ]
        for future in futures:
            assert future.result(PATIENCE).size == 35
    for store in stores:
        check_end(store, DATA, None)


class Forgetful(Executor):
    """Takes tasks and never runs them, as one does that is shut down with ``cancel_futures``."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return Future()


def test_parts_that_an_executor_drops_are_sent_by_the_caller() -> None:
    store = FakeStore()
    Sending(store, "foreign", executor=Forgetful()).run(cut(DATA, 7))
    check_end(store, DATA, None)


def test_an_executor_that_is_shut_down_fails_the_upload() -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    store = FakeStore()
    fails(Sending(store, "foreign", executor=pool), DATA, RuntimeError)
    assert not store.left


# Anything at all.

_FAULTS = st.lists(
    st.sampled_from([None, Fault.BUSY, Fault.LOST, Fault.UNHEARD, Fault.LATE, Fault.REFUSED]),
    max_size=4,
)
_CALLS = [PUT, CREATE, COMPLETE, CONFIRM, ABORT, Call(Step.CHECK), *map(part, range(1, 7))]


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    faults=st.dictionaries(st.sampled_from(_CALLS), _FAULTS),
    size=st.integers(0, 60),
    piece=st.integers(1, 25),
    window=st.integers(1, 4),
    fails_at=st.none() | st.integers(0, 60),
    keep=st.booleans(),
    runner=st.sampled_from(["inline", "threads"]),
)
def test_nothing_partial_is_published_and_nothing_left_unreported(
    faults: Faults,
    size: int,
    piece: int,
    window: int,
    fails_at: int | None,
    keep: bool,
    runner: str,
) -> None:
    data = data_of(size)

    def pieces() -> Iterator[bytes]:
        yield from cut(data[:fails_at], piece)
        if fails_at is not None:
            raise ValueError("the source fails")

    store = FakeStore(faults)
    raised: BaseException | None = None
    try:
        Sending(store, runner, window=window, keep=keep).run(pieces())
    except (StoreError, ValueError, UploadOutcomeUnknownError) as error:
        raised = error
    if fails_at is not None:
        assert raised is not None
        assert store.object is None
    check_end(store, data, raised)
    assert store.most_in_flight <= window
    assert not upload_threads()


# Memory.


class Sink(FakeStore):
    """Keeps nothing of the parts, and makes no copy of them."""

    def digest(self, body: Any) -> Digest:
        return Digest()

    def put_part(self, upload_id: str, number: int, body: Any, digest: Any) -> Any:
        self.uploads[upload_id][number] = b""
        return PartReceipt(number, "etag", len(body), digest)

    def complete(self, upload_id: str, parts: Any) -> Any:
        return StoredObject("etag", sum(part.size for part in parts), len(parts))


@pytest.mark.slow
@pytest.mark.parametrize(("runner", "window"), [("inline", 1), ("threads", 3), ("foreign", 3)])
def test_a_long_stream_takes_no_more_memory_than_the_window(runner: str, window: int) -> None:
    piece = 100 * 1024

    def pieces() -> Iterator[bytes]:
        for _ in range(64 * MIB // piece):
            yield bytes(piece)

    limits = Limits(min_part_size=1, max_part_size=MIB, max_parts=100, max_object_size=100 * MIB)
    sending = Sending(Sink(), runner, window=window, part=MIB, limits=limits)
    tracemalloc.start()
    try:
        stored = sending.run(pieces())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert stored.size == 64 * MIB // piece * piece
    assert peak < window * MIB + piece + MIB
