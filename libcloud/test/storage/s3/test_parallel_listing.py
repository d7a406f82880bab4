# SPDX-License-Identifier: Apache-2.0
"""A listing by several ranges at once shows what a listing from start to end does."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libcloud.storage.s3 import listing
from libcloud.storage.s3.listing import ParallelListing
from libcloud.storage.s3.responses import ObjectRecord, Page
from libcloud.storage.worker_pool import WorkerPool
from libcloud.test.storage.s3_servers import store

POOL = WorkerPool(max_workers=1)


class Keys:
    """A container that is listed in pages of ``size``."""

    def __init__(self, names: Iterable[str], size: int = 3) -> None:
        self.names = sorted(set(names), key=str.encode)
        self._sorted = [name.encode() for name in self.names]
        self._size = size
        self.starts: list[str | None] = []

    def pages(
        self, after: str | None, page_size: int | None = None
    ) -> Iterator[tuple[Page[ObjectRecord], None]]:
        if page_size is None:
            self.starts.append(after)
        size = page_size or self._size
        start = bisect.bisect_right(self._sorted, (after or "").encode())
        for first in range(start, max(start + 1, len(self.names)), size):
            names = self.names[first : first + size]
            yield Page(tuple(ObjectRecord(name, None, 1) for name in names)), None

    def listed(self) -> list[str]:
        listing = ParallelListing(POOL, self.pages)
        return [record.key for record in listing.objects()]


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=6), max_size=30))
@settings(max_examples=12, deadline=None)
def test_all_keys_are_listed_in_order(names: list[str]) -> None:
    keys = Keys(names)
    assert keys.listed() == keys.names


@pytest.mark.parametrize(
    "names",
    [
        [f"data/year=2026/part-{number:06}" for number in range(700)],
        [f"{number % 10}/{number}" for number in range(700)],
        [*(f"a/{number:04}" for number in range(600)), "b", "z"],
    ],
)
def test_keys_are_split_into_ranges(names: list[str]) -> None:
    keys = Keys(names)
    assert keys.listed() == keys.names
    assert len(keys.starts) >= 8


@pytest.mark.slow
def test_a_container_may_have_any_number_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    # Too long for the first characters to be looked at: what remains is split again and again.
    monkeypatch.setattr(listing, "_PAGES", 1)
    keys = Keys((f"{number:06}/{'x' * 30}" for number in range(12_000)), size=1)
    assert keys.listed() == keys.names


def test_the_driver_lists_in_parallel() -> None:
    names = [f"{letter}/{number}" for letter in "abcdefghij" for number in range(3)]
    with store() as made:
        for name in names:
            made.driver.upload_object_via_stream(iter([b"x"]), made.container, name)
        listed = made.driver.iterate_container_objects(made.container, ex_list_parallel=True)
        assert [obj.name for obj in listed] == names
        below = made.driver.iterate_container_objects(made.container, "c/", ex_list_parallel=True)
        assert [obj.name for obj in below] == ["c/0", "c/1", "c/2"]
