# SPDX-License-Identifier: Apache-2.0
"""A shard of a migration whose stores throttle: its progress is kept, and its task ends early."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from libcloud.storage.copying import ObjectCopier
from libcloud.storage.scaleout import shards
from libcloud.test.storage.fakes.faults import Status
from libcloud.test.storage.scaleout.migrating import FOLDER, NAMES, Pair, contents, to


@pytest.fixture(autouse=True)
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_LEAST_COPIED", 5)
    monkeypatch.setattr(shards, "_MOST_THROTTLED", 1)


def migrate(pair: Pair, tasks: int, *slow: str, **options: Any) -> Any:
    pair.fill(*NAMES)
    for name in slow:
        fault = Status(503, "SlowDown")
        pair.destination.server.faults.add("PutObject", fault, match=to(name))
    with ThreadPoolExecutor(1) as pool:
        return pair.migrate(executor=pool, tasks=tasks, jobs=1, **options)


def files_written(pair: Pair, end: str) -> int:
    names = [e.key or "" for e in pair.destination.server.requests if e.operation == "PutObject"]
    return sum(name.startswith(f"{FOLDER}m1/done/") and name.endswith(end) for name in names)


def test_a_throttled_task_ends_early_and_what_it_copied_is_kept(pair: Pair) -> None:
    report = migrate(pair, 2, "03", "17")
    assert pair.copies == contents(*NAMES)
    assert (report.copied, report.present, report.throttled) == (len(NAMES), 0, 2)
    assert report.is_clean
    assert all(pair.written(name) == 1 + (name in ("03", "17")) for name in NAMES)
    assert (files_written(pair, ".gz"), files_written(pair, ".json")) == (3, 1)


def test_a_shard_with_many_failures_ends_although_the_stores_throttle(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ObjectCopier, "throttled", 1)
    failing = NAMES[:8]
    for name in failing:
        archived = Status(403, "InvalidObjectState")
        pair.source.server.faults.add("GetObject", archived, match=to(name), times=None)
    report = migrate(pair, 2)
    assert pair.copies == contents(*NAMES[8:])
    assert (report.copied, report.failed) == (len(NAMES) - 8, 8)


def test_the_only_task_does_not_end_early(pair: Pair) -> None:
    report = migrate(pair, 1, "03")
    assert (report.copied, report.throttled, files_written(pair, ".gz")) == (len(NAMES), 1, 1)


def test_a_coordinator_that_ends_between_two_tasks_is_replaced(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """What ends the coordinator."""

    def end(report: Any) -> None:
        if files_written(pair, ".gz"):
            raise Killed

    with pytest.raises(Killed):
        migrate(pair, 2, "03", on_report=end)
    before = len(pair.copies)
    assert 5 <= before < len(NAMES)
    report = pair.resume()
    assert (report.copied, report.present, report.is_clean) == (len(NAMES), 0, True)
    assert all(pair.written(name) == 1 + (name == "03") for name in NAMES)
