# SPDX-License-Identifier: Apache-2.0
"""What ``libcloud sync`` decides to copy and to delete."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from libcloud.cli.places import Copy, Entry, Rules, plan_copies

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
    copies = list(plan_copies([source], {"a": destination}, rules, str))
    assert copies == ([Copy(source, reason)] if reason else [])


def test_contents_of_different_sizes_are_not_compared() -> None:
    def fail(*_: Entry) -> bool:
        raise AssertionError

    copies = plan_copies([Entry("a", 1)], {"a": Entry("a", 2)}, Rules(same_content=fail), str)
    assert [copy.reason for copy in copies] == ["size"]


def test_what_the_destination_lacks_is_copied_and_what_it_has_more_remains() -> None:
    new, old, both = Entry("b", 1, THEN), Entry("a", 1, THEN), Entry("c", 1, THEN)
    present = {"a": old, "c": both}
    assert list(plan_copies([new, both], present, Rules(), str)) == [Copy(new, "new")]
    assert present == {"a": old}
