# SPDX-License-Identifier: Apache-2.0
"""What ``libcloud sync`` decides to copy and to delete."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from libcloud.cli.places import Copy, Delete, Entry, Rules, plan_sync

THEN = datetime(2026, 11, 1, tzinfo=timezone.utc)
LATER = THEN + timedelta(seconds=1)
HALF = timedelta(seconds=0.5)


@pytest.mark.parametrize(
    ("source", "destination", "rules", "reason"),
    [
        (Entry("a", 1, THEN), Entry("a", 1, LATER), Rules(), ""),
        (Entry("a", 1, THEN), Entry("a", 1, THEN), Rules(), ""),
        (Entry("a", 1, LATER), Entry("a", 1, THEN), Rules(), "time"),
        (Entry("a", 2, THEN), Entry("a", 1, LATER), Rules(), "size"),
        (Entry("a", None, THEN), Entry("a", 1, LATER), Rules(), "size"),
        (Entry("a", 1), Entry("a", 1, LATER), Rules(), "time"),
        (Entry("a", 1, THEN), Entry("a", 1), Rules(), "time"),
        (Entry("a", 1, LATER), Entry("a", 1, THEN), Rules(size_only=True), ""),
        (Entry("a", 1, LATER), Entry("a", 1, THEN), Rules(same_content=lambda *_: True), ""),
        (
            Entry("a", 1, THEN),
            Entry("a", 1, LATER),
            Rules(same_content=lambda *_: False),
            "checksum",
        ),
        (Entry("a", 1, LATER), Entry("a", 1, THEN), Rules(same_content=lambda *_: None), "time"),
        (Entry("a", 1, THEN + HALF), Entry("a", 1, THEN, "file"), Rules(), ""),
        (Entry("a", 1, LATER), Entry("a", 1, THEN, "file"), Rules(), "time"),
        (Entry("a", 1, LATER - HALF / 2), Entry("a", 1, THEN + HALF, "file"), Rules(), "time"),
        (Entry("a", 1, THEN + HALF, "file"), Entry("a", 1, THEN, object()), Rules(), "time"),
    ],
)
def test_what_differs_is_copied(
    source: Entry, destination: Entry, rules: Rules, reason: str
) -> None:
    steps = list(plan_sync([source], {"a": destination}, rules))
    assert steps == ([Copy(source, reason, destination)] if reason else [])


def test_contents_of_different_sizes_are_not_compared() -> None:
    def fail(*_: Entry) -> bool:
        raise AssertionError

    steps = plan_sync([Entry("a", 1)], {"a": Entry("a", 2)}, Rules(same_content=fail))
    assert [step.reason for step in steps if isinstance(step, Copy)] == ["size"]


def test_what_the_destination_lacks_is_copied_and_what_it_has_more_is_kept() -> None:
    new, old = Entry("a", 1, THEN), Entry("b", 1, THEN)
    assert list(plan_sync([new], {"b": old}, Rules())) == [Copy(new, "new")]


def test_what_the_source_does_not_have_is_deleted_last_if_requested() -> None:
    new, old = Entry("b", 1, THEN), Entry("a", 1, THEN)
    assert list(plan_sync([new], {"a": old}, Rules(delete=True))) == [
        Copy(new, "new"),
        Delete(old),
    ]


def test_nothing_is_deleted_if_the_source_cannot_be_read_to_its_end() -> None:
    def source() -> Iterator[Entry]:
        yield Entry("a", 1)
        raise OSError("the listing broke")

    steps: list[Copy | Delete] = []
    with pytest.raises(OSError, match="broke"):
        steps.extend(plan_sync(source(), {"b": Entry("b", 1)}, Rules(delete=True)))
    assert not any(isinstance(step, Delete) for step in steps)
