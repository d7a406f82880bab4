# SPDX-License-Identifier: Apache-2.0
"""How many bytes of parts an upload holds at once: by default, and by what was asked for."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from libcloud.storage.capabilities import GIB, MIB, TIB, Limits
from libcloud.storage.transfer.budget import MemoryBudget
from libcloud.storage.transfer.retry import Retries
from libcloud.storage.transfer.upload.session import DEFAULT_MEMORY, ObjectUpload, UploadOptions
from libcloud.storage.transfer.upload.source import RangeSource
from libcloud.storage.transfer.upload.workers import InlineWorkers
from libcloud.storage.transfer.values import Digest, PartReceipt, SourcePart
from libcloud.storage.types import ObjectTooLargeError
from libcloud.test.storage.transfer.upload.test_ranges import CopyingStore


class Idle(Executor):
    """It takes work and does none: so parts are read until the engine waits for one of them."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return Future()


class Held(CopyingStore):
    """A source and a store in one, which knows what is between them. No byte of it is there."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._source = RangeSource(size)
        self._now = 0
        self.most = 0

    def next_part(self, size: int) -> SourcePart[range]:
        part = self._source.next_part(size)
        self._now += len(part.body)
        self.most = max(self.most, self._now)
        return part

    def put_part(self, upload_id: str, number: int, body: range, digest: Digest) -> PartReceipt:
        self._now -= len(body)
        return super().put_part(upload_id, number, body, digest)


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({}, 12 * 8 * MIB),
        ({"window": 20}, 20 * 8 * MIB),
        ({"part_size": 64 * MIB}, 12 * 64 * MIB),
        ({"part_size": 64 * MIB, "max_memory": 200 * MIB}, 3 * 64 * MIB),
        ({"size_hint": 300 * GIB}, 4 * 31 * MIB),
        ({"size_hint": 300 * GIB, "max_memory": GIB}, 12 * 31 * MIB),
        ({"size_hint": 300 * GIB, "max_memory": MemoryBudget(GIB)}, 12 * 31 * MIB),
        ({"size_hint": 300 * GIB, "max_memory": MemoryBudget(100 * MIB)}, 3 * 31 * MIB),
        ({"size_hint": 40 * TIB}, 4195 * MIB),
    ],
    ids=str,
)
def test_the_window_narrows_where_parts_are_large(options: dict[str, Any], most: int) -> None:
    # As many bytes as fill any window here; a stream may be shorter than the hint.
    there = Held(2 * GIB if most < GIB else 20 * GIB)
    ObjectUpload(there, Limits(), UploadOptions(executor=Idle(), **options), Retries()).send(there)
    assert there.most == most


@pytest.mark.parametrize("smallest", [8 * MIB, 64 * MIB, 100 * MIB])
def test_a_store_of_large_parts_is_no_reason_to_hold_more(smallest: int) -> None:
    there = Held(30 * smallest)
    limits = Limits(min_part_size=smallest)
    ObjectUpload(there, limits, UploadOptions(executor=Idle()), Retries()).send(there)
    assert smallest <= there.most <= DEFAULT_MEMORY


def test_a_stream_whose_parts_grow_holds_no_more_than_one_of_them() -> None:
    there = Held(5 * GIB)
    limits = Limits(max_parts=400)
    ObjectUpload(there, limits, UploadOptions(executor=Idle()), Retries()).send(there)
    assert len(there.ranges) < 400
    largest = max(map(len, there.ranges.values()))
    assert DEFAULT_MEMORY < largest == there.most


@pytest.mark.parametrize("kind", [int, MemoryBudget])
def test_parts_of_an_unknown_length_grow_no_further_than_the_memory(kind: Any) -> None:
    there = Held(600 * GIB)
    ObjectUpload(
        there, Limits(), UploadOptions(executor=Idle(), max_memory=kind(128 * MIB)), Retries()
    ).send(there)
    assert there.most <= 128 * MIB


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"max_memory": 4 * MIB}, ValueError, "less than one part"),
        ({"max_memory": 16 * MIB, "part_size": 32 * MIB}, ValueError, "less than one part"),
        ({"max_memory": 16 * MIB, "size_hint": 300 * GIB}, ObjectTooLargeError, "ex_max_memory"),
        ({"max_memory": 16 * MIB, "size": 300 * GIB}, ObjectTooLargeError, "nothing was sent"),
        ({"max_memory": MemoryBudget(16 * MIB), "size": 300 * GIB}, ObjectTooLargeError, "parts"),
    ],
    ids=str,
)
def test_an_upload_over_the_memory_limit_is_refused_before_anything_is_sent(
    options: dict[str, Any], error: type[Exception], words: str
) -> None:
    there = Held(GIB)
    with pytest.raises(error, match=words):
        ObjectUpload(there, Limits(), UploadOptions(**options), Retries()).send(there)
    assert there.most == 0


def test_a_budget_that_is_not_strict_holds_a_larger_part_alone() -> None:
    there = Held(2 * GIB)
    budget = MemoryBudget(16 * MIB, strict=False)
    options = UploadOptions(executor=Idle(), size_hint=300 * GIB, max_memory=budget)
    ObjectUpload(there, Limits(), options, Retries()).send(there)
    assert there.most == 31 * MIB


class Body:
    """A part of which no byte is there."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size


class Refusing(CopyingStore):
    """A source, and a store that refuses one kind of request."""

    body: weakref.ref[Body]

    def __init__(self, parts: int, refused: str) -> None:
        super().__init__()
        self._parts = parts
        self._kept: Any = None
        setattr(self, refused, self._refuse)

    def next_part(self, size: int) -> SourcePart[Any]:
        self._parts -= 1
        part = SourcePart(Body(size), last=self._parts <= 0)
        self.body = weakref.ref(part.body)
        return part

    def _refuse(self, *arguments: Any) -> Any:
        self._kept = arguments  # as a store that may have to recognize the object
        self._raise(arguments)

    def _raise(self, arguments: Any) -> None:
        try:
            raise ConnectionResetError("reset")
        except ConnectionResetError as error:
            raise PermissionError("not allowed") from error


@pytest.mark.parametrize(("parts", "refused"), [(9, "create"), (9, "put_part"), (1, "put")])
def test_an_error_keeps_no_part_in_memory(parts: int, refused: str) -> None:
    """A batch of uploads may keep many errors, whose tracebacks refer to the uploads."""
    there = Refusing(parts, refused)
    with pytest.raises(PermissionError) as caught:
        ObjectUpload(there, Limits(), UploadOptions(), Retries()).send(there)
    there.__dict__["_kept"] = None
    assert there.body() is None
    assert caught.value.__traceback__ is not None


def rest(seen: list[BaseException]) -> Iterator[bytes]:
    try:
        raise KeyError("handled")
    except KeyError as error:
        seen.append(error)
    yield b"first"
    yield b"last"


PROGRAM = """
def fail():
    kept = "shown by a debugger"
    raise ValueError("of the program")
"""


def test_an_error_leaves_the_program_alone() -> None:
    """An error of an upload refers to the one that the program handles, and so to its functions."""
    program: dict[str, Any] = {"__name__": "program"}
    exec(PROGRAM, program)
    seen: list[BaseException] = []
    goes_on = rest(seen)
    assert next(goes_on) == b"first"
    there = Refusing(1, "put")
    with pytest.raises(PermissionError):
        try:
            try:
                raise seen[0]
            except KeyError:
                program["fail"]()
        except ValueError as error:
            seen.append(error)
            ObjectUpload(there, Limits(), UploadOptions(), Retries()).send(there)
    assert list(goes_on) == [b"last"]
    trace: Any = seen[1].__traceback__
    assert trace.tb_next.tb_frame.f_locals == {"kept": "shown by a debugger"}


def test_workers_may_be_closed_twice() -> None:
    workers: InlineWorkers[Any] = InlineWorkers(Refusing(1, "put"))
    workers.close()
    workers.close()
