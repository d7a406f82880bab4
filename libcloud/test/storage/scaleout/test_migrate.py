# SPDX-License-Identifier: Apache-2.0
"""A migration from one checking fake to another one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from libcloud.storage.base import Container
from libcloud.storage.scaleout import shards
from libcloud.storage.scaleout.migrate import (
    MigrationError,
    MigrationReport,
    migrate,
    migration_report,
)
from libcloud.test.storage.fakes.faults import LoseAnswer, Status
from libcloud.test.storage.fakes.wire import Incoming
from libcloud.test.storage.s3_servers import BUCKET, Store, store

FOLDER = ".libcloud-migrate/"


@dataclass(frozen=True)
class Pair:
    """Two stores with a bucket each."""

    source: Store
    destination: Store

    def fill(self, *names: str, data: Callable[[str], bytes] = str.encode) -> None:
        for name in names:
            self.source.driver.upload_object_via_stream(
                iter([data(name)]), self.source.container, name
            )

    def migrate(self, job: str = "m1", **options: Any) -> MigrationReport:
        return migrate(self.source.container, self.destination.container, job=job, **options)

    def resume(self, **options: Any) -> MigrationReport:
        return self.migrate(resume=True, **options)

    @property
    def copies(self) -> dict[str, bytes]:
        """What the destination holds, without the folders of jobs."""
        server = self.destination.server
        names = (name for _, name in server.objects if not name.startswith(FOLDER))
        return {name: server.body(BUCKET, name) for name in names}

    def files(self, start: str = "") -> list[str]:
        """The names in the folder of the job."""
        folder = f"{FOLDER}m1/"
        names = (name for _, name in self.destination.server.objects)
        below = (name.removeprefix(folder) for name in names if name.startswith(folder))
        return sorted(name for name in below if name.startswith(start))

    def written(self, name: str) -> int:
        """How often the object was written to the destination."""
        return sum(
            entry.operation in ("PutObject", "CompleteMultipartUpload") and entry.key == name
            for entry in self.destination.server.requests
        )


@pytest.fixture
def pair() -> Iterator[Pair]:
    with store() as source, store() as destination:
        yield Pair(source, destination)
        assert not source.server.violations
        assert not destination.server.violations


def to(name: str) -> Callable[[Incoming], bool]:
    return lambda request: request.raw_path == f"/{BUCKET}/{name}"


def contents(*names: str) -> dict[str, bytes]:
    return {name: name.encode() for name in names}


NAMES = tuple(f"{number:02}" for number in range(25))


@pytest.mark.parametrize("verify", ["sent", "stored", "read"])
def test_all_objects_are_copied_in_shards(pair: Pair, verify: str) -> None:
    pair.fill(*NAMES)
    report = pair.migrate(shard_size=10, verify=verify)
    assert pair.copies == contents(*NAMES)
    assert (report.objects, report.copied, report.bytes, report.copied_bytes) == (25, 25, 50, 50)
    assert report.is_clean
    assert len(pair.files("done/")) == 2 * 3


def test_an_empty_bucket_is_migrated(pair: Pair) -> None:
    report = pair.migrate()
    assert report.is_clean
    assert (report.objects, pair.copies) == (0, {})


def test_the_report_of_a_job_is_what_the_migration_returned(pair: Pair) -> None:
    pair.fill(*NAMES)
    report = pair.migrate(shard_size=10)
    assert migration_report(pair.destination.container, job="m1") == report


def test_a_job_that_does_not_exist_has_no_report(pair: Pair) -> None:
    with pytest.raises(MigrationError, match="there is no job m1"):
        migration_report(pair.destination.container, job="m1")


def test_what_the_destination_has_is_not_copied_again(pair: Pair) -> None:
    pair.fill(*NAMES)
    pair.migrate("first")
    report = pair.migrate("second", shard_size=4)
    assert (report.present, report.copied) == (25, 0)
    assert all(pair.written(name) == 1 for name in NAMES)


def test_other_data_of_the_same_size_is_replaced_and_reported(pair: Pair) -> None:
    pair.fill("a", "b")
    other = pair.destination
    other.driver.upload_object_via_stream(iter([b"?"]), other.container, "a")
    report = pair.migrate()
    assert pair.copies == contents("a", "b")
    assert (report.replaced, report.copied) == (1, 1)


def test_a_job_is_not_started_twice(pair: Pair) -> None:
    pair.migrate()
    with pytest.raises(MigrationError, match="job m1 exists"):
        pair.migrate()


@pytest.mark.parametrize(
    ("options", "text"),
    [({"source_prefix": "a/"}, "another source"), ({"rules": [(False, "*.tmp")]}, "another rules")],
)
def test_a_job_is_not_resumed_as_another_one(
    pair: Pair, options: dict[str, Any], text: str
) -> None:
    pair.migrate()
    with pytest.raises(MigrationError, match=text):
        pair.resume(**options)


def test_a_shard_that_was_not_finished_is_finished_by_the_next_run(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.fill(*NAMES)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shards, "_verify", stop)
    with pytest.raises(KeyboardInterrupt):
        pair.migrate(shard_size=10)
    monkeypatch.undo()
    assert len(pair.copies) == 10
    report = pair.resume(shard_size=10)
    assert pair.copies == contents(*NAMES)
    assert (report.present, report.copied, report.is_clean) == (10, 15, True)
    assert all(pair.written(name) == 1 for name in NAMES)


def test_failed_objects_are_tried_again_and_no_others(pair: Pair) -> None:
    pair.fill("a", "b", "c")
    fault = pair.destination.server.faults.add(
        "PutObject", Status(400, "InvalidRequest"), match=to("b")
    )
    report = pair.migrate()
    assert fault.fired
    assert (report.copied, report.failed, report.is_clean) == (2, 1, False)
    assert [(one["key"], one["outcome"]) for one in report.noted] == [("b", "failed")]
    assert "InvalidRequest" in report.noted[0]["error"]
    report = pair.resume()
    assert (report.copied, report.failed, report.is_clean) == (3, 0, True)
    assert pair.written("a") == 1


def test_folders_of_jobs_are_no_data(pair: Pair) -> None:
    pair.fill("a", f"{FOLDER}m1/list/x.json", f"{FOLDER}other/job.json")
    report = pair.migrate()
    assert (report.objects, pair.copies) == (1, contents("a"))


def test_the_same_bucket_is_refused_even_by_another_name(pair: Pair) -> None:
    pair.fill("a")
    driver = pair.source.driver
    other = type(driver)(
        driver.key, driver.secret, host="localhost", port=driver.connection.port, secure=False
    )
    for container in (pair.source.container, Container(BUCKET, {}, other)):
        with pytest.raises(MigrationError, match="the same container"):
            migrate(pair.source.container, container, job="m1")
    assert [name for _, name in pair.source.server.objects] == ["a"]


def test_a_dry_run_writes_nothing(pair: Pair) -> None:
    pair.fill(*NAMES)
    report = pair.migrate(dry_run=True, shard_size=10)
    assert (report.objects, report.copied, report.dry_run) == (25, 25, True)
    assert not pair.destination.server.objects


def test_a_second_coordinator_takes_over_and_the_first_one_stops(pair: Pair) -> None:
    pair.fill(*NAMES)

    def start_another(report: MigrationReport) -> None:
        if report.copied == 10:
            pair.resume(shard_size=10)

    with pytest.raises(MigrationError, match="another coordinator has taken over"):
        pair.migrate(shard_size=10, on_report=start_another)
    assert pair.copies == contents(*NAMES)
    assert all(pair.written(name) == 1 for name in NAMES)


def test_a_lost_response_to_the_creation_of_the_job_is_no_other_job(pair: Pair) -> None:
    pair.destination.server.faults.add("PutObject", LoseAnswer())
    assert pair.migrate().is_clean


def test_credentials_are_nowhere_in_the_folder(pair: Pair) -> None:
    pair.fill("a")
    pair.migrate()
    server = pair.destination.server
    for name in pair.files():
        assert server.secret.encode() not in server.body(BUCKET, f"{FOLDER}m1/{name}")
    config = json.loads(server.body(BUCKET, f"{FOLDER}m1/job.json"))
    assert set(config) == {"version", "id", "source", "destination", "rules"}
