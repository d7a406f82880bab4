# SPDX-License-Identifier: Apache-2.0
"""Pieces of ``ex_upload_with`` that are iterables and files: a worker holds a window of a part."""

from __future__ import annotations

import array
import io
import os
import tempfile
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from libcloud.storage.s3 import checksums
from libcloud.storage.scaleout import parts, worker
from libcloud.storage.scaleout.parts import UploadReceipt
from libcloud.storage.scaleout.session import UploadSession
from libcloud.storage.scaleout.worker import PartTask
from libcloud.storage.transfer.cut import PieceRange
from libcloud.storage.types import WorkerError
from libcloud.test.storage.fakes.digests import UNSIGNED_TRAILER
from libcloud.test.storage.fakes.faults import Drop, FlipBit, LoseAnswer, Status
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.s3_servers import Store, pattern, store
from libcloud.test.storage.scaleout.pools import OddExecutor

BLOCK = 5000
SIZES = [30 * BLOCK, 7, 0, 30 * BLOCK + 1, 1]
DATA = [pattern(size, seed=number) for number, size in enumerate(SIZES)]


@pytest.fixture(scope="module", params=[True, False], ids=["https", "http"])
def running(request: Any) -> Iterator[Store]:
    with store(replace(AMAZON, tls=request.param)) as found:
        yield found


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_IN_MEMORY", 10)
    monkeypatch.setattr(checksums, "_CHUNK", 8 * 1024)


def blocks(data: bytes) -> Iterator[bytes]:
    return (data[start : start + BLOCK] for start in range(0, len(data), BLOCK))


class Pipe:
    """A file that cannot be read twice."""

    def __init__(self, data: bytes) -> None:
        self.read = io.BytesIO(data).read


KINDS: dict[str, Callable[[bytes], Any]] = {
    "iterator": blocks,
    "list": lambda data: list(blocks(data)),
    "function of an iterator": lambda data: lambda: blocks(data),
    "function of a file": lambda data: lambda: io.BytesIO(data),
    "function of a pipe": lambda data: lambda: Pipe(data),
    "function of bytes": lambda data: lambda: data,
    "file": io.BytesIO,
}


def upload(s3: Store, pieces: list[Any], **options: Any) -> Any:
    return s3.driver.ex_upload_with(
        OddExecutor(1), pieces, s3.container, "object", sizes=SIZES, **options
    )


@pytest.mark.parametrize("part_size", [None, 70_000], ids=["whole", "divided"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_piece_may_be_whatever_makes_bytes(s3: Store, kind: str, part_size: int | None) -> None:
    if part_size and kind in ("iterator", "file"):
        part_size = None  # several parts cannot read it
    upload(s3, [KINDS[kind](data) for data in DATA], ex_part_size=part_size)
    assert s3.body() == b"".join(DATA)
    s3.assert_nothing_is_left("object")


def test_several_pieces_in_a_part_are_streamed_over_https(s3: Store) -> None:
    limits = replace(s3.driver.profile.limits, min_part_size=sum(SIZES))
    s3.driver.profile, before = replace(s3.driver.profile, limits=limits), s3.driver.profile
    try:
        upload(s3, [KINDS[kind](data) for kind, data in zip(KINDS, DATA, strict=False)])
    finally:
        s3.driver.profile = before
    assert s3.body() == b"".join(DATA)
    (sent,) = s3.requests("UploadPart")
    streamed = sent.headers.get("x-amz-content-sha256") == UNSIGNED_TRAILER
    assert streamed == s3.driver.connection.secure


@pytest.mark.parametrize("kind", ["list", "function of an iterator", "function of a file"])
def test_repeatable_pieces_are_retried(s3: Store, kind: str) -> None:
    s3.server.faults.add("UploadPart", Drop("in_body"))
    s3.server.faults.add("UploadPart", Status(503, "SlowDown"), nth=2)
    s3.server.faults.add("UploadPart", FlipBit(20), nth=3)
    upload(s3, [KINDS[kind](data) for data in DATA])
    assert s3.body() == b"".join(DATA)


@pytest.mark.parametrize("fault", [Drop("in_body"), LoseAnswer(), Status(500, "InternalError")])
def test_pieces_that_cannot_be_repeated_are_not_retried_and_the_error_explains(
    s3: Store, fault: Any
) -> None:
    s3.server.faults.add("UploadPart", fault)
    pieces = [KINDS["iterator"](data) for data in DATA]
    if not s3.driver.connection.secure:  # it is in a temporary file
        upload(s3, pieces)
        assert s3.body() == b"".join(DATA)
        return
    with pytest.raises(
        WorkerError, match="no further attempt: the data cannot be repeated: pass a function"
    ):
        upload(s3, pieces, ex_on_failure="abort")
    s3.assert_nothing_is_left()


@pytest.mark.parametrize("fault", [LoseAnswer(), Status(500, "InternalError")])
def test_a_piece_with_other_bytes_at_a_retry_is_an_error(s3: Store, fault: Any) -> None:
    s3.server.faults.add("UploadPart", fault)
    turns = iter([DATA[0], DATA[0][::-1]])
    pieces = [KINDS["function of an iterator"](data) for data in DATA]
    pieces[0] = lambda: blocks(next(turns))
    if not s3.driver.connection.secure:  # it is made once
        upload(s3, pieces)
        assert s3.body() == b"".join(DATA)
        return
    with pytest.raises(WorkerError, match="part 1 of bucket/object has other bytes each time"):
        upload(s3, pieces, ex_on_failure="abort")
    s3.assert_nothing_is_left()


@pytest.mark.parametrize(("position", "part_size"), [(0, None), (3, 70_000)])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda data: lambda: blocks(data[:-1]), "and {} were announced"),
        (lambda data: lambda: blocks(data + b"x"), "and {} were announced"),
        (lambda data: lambda: Pipe(data + b"x"), "and {} were announced"),
        (lambda data: lambda: io.BytesIO(data[1:]), "and {} were announced"),
        (lambda data: lambda: iter([data[1:], "x"]), "must be bytes, not str"),
        (lambda data: lambda: [1] * len(data), "must be bytes, not int"),
        (lambda data: lambda: io.StringIO("x" * len(data)), "must be bytes, not str"),
        (lambda data: lambda: {"a": "b"}, "must be bytes, not dict"),
        (lambda data: lambda: (1 // 0 for _ in data), "ZeroDivisionError"),
        (lambda data: lambda: (os.stat("/no/such/file") for _ in data), "FileNotFoundError"),
    ],
)
def test_a_bad_piece_is_named_and_nothing_is_published(
    s3: Store, wrong: Any, message: str, position: int, part_size: int | None
) -> None:
    pieces = [KINDS["function of an iterator"](data) for data in DATA]
    pieces[position] = wrong(DATA[position])
    message = message.format(SIZES[position])
    with pytest.raises(WorkerError, match=rf"piece {position}\).*{message}") as caught:
        upload(s3, pieces, ex_on_failure="abort", ex_part_size=part_size)
    assert caught.value.pieces == (position,)
    s3.assert_nothing_is_left()


def test_pieces_of_unknown_size_are_streamed_into_temporary_objects(s3: Store) -> None:
    pieces = [KINDS[kind](data) for kind, data in zip(KINDS, DATA, strict=False)]
    with ThreadPoolExecutor(2) as pool:
        s3.driver.ex_upload_with(pool, pieces, s3.container, "object")
    assert s3.body() == b"".join(DATA)
    s3.assert_nothing_is_left("object")


def test_a_presigned_url_downloads_the_object() -> None:
    executor = OddExecutor(1)
    vars(executor)["shares_memory"] = False
    pieces = [KINDS["function of an iterator"](data) for data in DATA]
    with store() as s3:
        upload(s3, pieces, ex_ship_credentials="presigned")
        assert s3.body() == b"".join(DATA)


# How much a worker holds.

MIB = 1024 * 1024


class Held(bytearray):
    """Counted while it exists."""


class Session(UploadSession):
    """Reads the body of a part twice, as an attempt and its retry do."""

    label = "bucket/object"

    def __init__(self, streamed: bool) -> None:
        self._streamed = streamed
        self.stream = self._body if streamed else None
        self.read: list[int] = []

    def _body(self, source: Any, size: int, what: str) -> Any:
        assert size == 256 * MIB
        assert source.repeatable
        return [source, source]

    def send_part(self, number: int, data: Any) -> tuple[UploadReceipt, int]:
        for _ in range(2):
            views = data[0].pieces() if self._streamed else iter(data)
            self.read.append(sum(len(view) for view in views))
        return UploadReceipt(number, self.read[0], "etag", ""), 0


@pytest.mark.parametrize("pieces", [1, 8])
@pytest.mark.parametrize("streamed", [True, False])
def test_a_worker_holds_a_few_blocks_of_a_part_of_256_mib(
    streamed: bool, pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: set[int] = set()
    most = 0

    def made() -> Iterator[Any]:
        nonlocal most
        for _ in range(256 // pieces):
            block = Held(MIB)
            alive.add(id(block))
            weakref.finalize(block, alive.discard, id(block))
            most = max(most, len(alive))
            yield block

    class Sink(io.RawIOBase):
        """A temporary file whose data is not kept."""

        size = 0

        def write(self, data: Any) -> int:
            self.size += len(data)
            return len(data)

        def tell(self) -> int:
            return self.size

        def seek(self, position: int, whence: int = 0) -> int:
            return position

        def read(self, size: int = -1) -> bytes:
            return bytes(size)

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", lambda size: Sink())
    each = 256 * MIB // pieces
    session = Session(streamed)
    task = PartTask(
        session, 1, tuple(PieceRange(n, 0, each) for n in range(pieces)), (each,) * pieces
    )
    tracemalloc.start()
    try:
        result = worker.send_part(task, *[made] * pieces)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not result.error
    assert session.read == [256 * MIB] * 2
    assert most <= 3
    assert peak < 10 * MIB


def test_a_part_of_a_temporary_object_is_read_block_by_block(
    s3: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(s3.driver), "_copy_shared_part", lambda *args: None)
    read: list[int] = []
    streams = type(s3.driver)._read_shared_range

    def counted(*args: Any, **options: Any) -> Iterator[bytes]:
        for block in streams(*args, **options):
            read.append(len(block))
            yield block

    monkeypatch.setattr(type(s3.driver), "_read_shared_range", counted)
    functions = [lambda data=data: data for data in DATA]
    with ThreadPoolExecutor(2) as pool:
        s3.driver.ex_upload_with(pool, functions, s3.container, "object")
    assert s3.body() == b"".join(DATA)
    assert sum(read) == sum(SIZES)


def test_an_empty_array_of_any_type_is_a_piece_of_no_bytes() -> None:
    assert [view.nbytes for view in parts.views_of(array.array("H"), "piece 0")] == [0]
