# SPDX-License-Identifier: Apache-2.0
"""Ranges instead of bytes: they cover the object, and the engine looks at their length only."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from libcloud.storage.capabilities import GIB, Limits
from libcloud.storage.transfer.retry import Retries
from libcloud.storage.transfer.upload.session import ObjectUpload, UploadOptions
from libcloud.storage.transfer.upload.source import RangeSource
from libcloud.storage.transfer.values import (
    Confirmation,
    Digest,
    Failure,
    PartReceipt,
    Step,
    StoredObject,
)


@pytest.mark.parametrize(
    ("size", "part", "spans"),
    [
        (0, 8, [(0, 0)]),
        (1, 8, [(0, 1)]),
        (8, 8, [(0, 8)]),
        (9, 8, [(0, 8), (8, 9)]),
        (16, 8, [(0, 8), (8, 16)]),
    ],
)
def test_ranges_cover_the_whole_without_a_gap(
    size: int, part: int, spans: list[tuple[int, int]]
) -> None:
    source = RangeSource(size)
    parts = [source.next_part(part) for _ in spans]
    assert [(one.body.start, one.body.stop) for one in parts] == spans
    assert [one.last for one in parts] == [False] * (len(spans) - 1) + [True]


class CopyingStore:
    """A store that remembers which ranges it was to copy."""

    def __init__(self) -> None:
        self.ranges: dict[int, range] = {}

    def digest(self, body: range) -> Digest:
        return Digest()

    def put(self, body: range, digest: Digest) -> StoredObject:
        self.ranges[0] = body
        return StoredObject("whole", len(body))

    def create(self) -> str:
        return "id"

    def put_part(self, upload_id: str, number: int, body: range, digest: Digest) -> PartReceipt:
        self.ranges[number] = body
        return PartReceipt(number, f"etag{number}", len(body))

    def complete(self, upload_id: str, parts: Sequence[PartReceipt]) -> StoredObject:
        return StoredObject("joined", sum(part.size for part in parts), len(parts))

    def confirm(
        self, parts: Sequence[PartReceipt], size: int
    ) -> tuple[Confirmation, StoredObject | None]:
        raise AssertionError("nothing was lost")

    def abort(self, upload_id: str) -> None:
        raise AssertionError("nothing failed")

    def has_parts(self, upload_id: str) -> bool:
        raise AssertionError("nothing failed")

    def failure(self, step: Step, error: Exception) -> Failure:
        return Failure(error)


@pytest.mark.parametrize("concurrency", [1, None])
def test_the_engine_takes_ranges_of_gigabytes_for_parts(concurrency: int | None) -> None:
    store = CopyingStore()
    stored = ObjectUpload(
        store,
        Limits(),
        UploadOptions(part_size=5 * GIB, size=11 * GIB),
        Retries(),
        concurrency=concurrency,
    ).send(RangeSource(11 * GIB))
    assert (stored.size, stored.parts) == (11 * GIB, 3)
    assert store.ranges == {
        1: range(5 * GIB),
        2: range(5 * GIB, 10 * GIB),
        3: range(10 * GIB, 11 * GIB),
    }


def test_one_range_is_one_request() -> None:
    store = CopyingStore()
    options = UploadOptions(part_size=5 * GIB, size=7)
    ObjectUpload(store, Limits(), options, Retries()).send(RangeSource(7))
    assert store.ranges == {0: range(7)}
