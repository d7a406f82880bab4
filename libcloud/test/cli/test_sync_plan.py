# SPDX-License-Identifier: Apache-2.0
"""What ``libcloud sync`` decides to copy and to delete."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest

from libcloud.cli.places import difference, plan_copies
from libcloud.cli.sources import Entry

THEN = datetime(2026, 11, 1, tzinfo=timezone.utc)
LATER = THEN + timedelta(seconds=1)
HALF = timedelta(seconds=0.5)


@pytest.mark.parametrize(
    ("source", "destination", "rules", "reason"),
    [
        (Entry("a", 1, THEN), Entry("a", 1, LATER), {}, ""),
        (Entry("a", 1, THEN), Entry("a", 1, THEN), {}, ""),
        (Entry("a", 1, LATER), Entry("a", 1, THEN), {}, "time"),
        (Entry("a", 2, THEN), Entry("a", 1, LATER), {}, "size"),
        (Entry("a", None, THEN), Entry("a", 1, LATER), {}, "size"),
        (Entry("a", 1), Entry("a", 1, LATER), {}, "time"),
        (Entry("a", 1, THEN), Entry("a", 1), {}, "time"),
        (Entry("a", 1, LATER), Entry("a", 1, THEN), {"size_only": True}, ""),
        (Entry("a", 1, LATER), Entry("a", 1, THEN), {"same_content": lambda *_: True}, ""),
        (
            Entry("a", 1, THEN),
            Entry("a", 1, LATER),
            {"same_content": lambda *_: False},
            "checksum",
        ),
        (Entry("a", 1, LATER), Entry("a", 1, THEN), {"same_content": lambda *_: None}, "time"),
        (Entry("a", 1, THEN + HALF), Entry("a", 1, THEN, "file"), {}, ""),
        (Entry("a", 1, LATER), Entry("a", 1, THEN, "file"), {}, "time"),
        (Entry("a", 1, LATER - HALF / 2), Entry("a", 1, THEN + HALF, "file"), {}, "time"),
        (Entry("a", 1, THEN + HALF, "file"), Entry("a", 1, THEN, object()), {}, "time"),
    ],
)
def test_what_differs_is_copied(
    source: Entry, destination: Entry, rules: dict[str, Any], reason: str
) -> None:
    copies = list(plan_copies([source], {"a": destination}, partial(difference, **rules), str))
    assert copies == ([source._replace(reason=reason)] if reason else [])


def test_contents_of_different_sizes_are_not_compared() -> None:
    def fail(*_: Entry) -> bool:
        raise AssertionError

    assert difference(Entry("a", 1), Entry("a", 2), same_content=fail) == "size"


def test_what_the_destination_lacks_is_copied_and_what_it_has_more_remains() -> None:
    new, old, both = Entry("b", 1, THEN), Entry("a", 1, THEN), Entry("c", 1, THEN)
    present = {"a": old, "c": both}
    assert list(plan_copies([new, both], present, difference, str)) == [new._replace(reason="new")]
    assert present == {"a": old}
