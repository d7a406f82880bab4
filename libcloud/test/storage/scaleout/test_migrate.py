# SPDX-License-Identifier: Apache-2.0
"""Migrations from one checking fake to another one: jobs, and what they report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import InvalidCredsError
from libcloud.storage.base import Container
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.storage.scaleout import shards
from libcloud.storage.scaleout.migrate import (
    MigrationError,
    MigrationReport,
    _Window,
    migrate,
    migration_report,
)
from libcloud.storage.types import ContainerDoesNotExistError, ObjectDoesNotExistError
from libcloud.test.storage.fakes.faults import LoseAnswer, Status
from libcloud.test.storage.s3_servers import BUCKET
from libcloud.test.storage.scaleout.migrating import FOLDER, NAMES, Pair, contents, to

pytestmark = pytest.mark.slow


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


def test_a_shard_whose_list_is_lost_is_not_mistaken_for_an_empty_one(pair: Pair) -> None:
    pair.fill(*NAMES)

    def lose(report: MigrationReport) -> None:
        lists = [name for name in pair.files("list/") if name.endswith(".gz")]
        for name in lists:
            pair.destination.server.state.objects.pop((BUCKET, f"{FOLDER}m1/{name}"))

    with pytest.raises(ObjectDoesNotExistError, match=r"list/.*gz"):
        pair.migrate(shard_size=10, on_report=lose)


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


def test_a_local_directory_and_its_parent_are_refused_and_other_directories_are_not(
    tmp_path: Path,
) -> None:
    inner = tmp_path / "a" / "docs" / "docs"
    inner.mkdir(parents=True)
    (tmp_path / "b" / "docs").mkdir(parents=True)
    (inner / "x").write_bytes(b"x")
    outer, nested, other = (
        LocalStorageDriver(str(tmp_path / base), ex_use_locking=False).get_container("docs")
        for base in ("a", "a/docs", "b")
    )
    for pair in ((outer, nested), (nested, outer)):
        with pytest.raises(MigrationError, match="inside the other"):
            migrate(*pair, job="m1")
    assert [*tmp_path.glob("**/*x")] == [inner / "x"]
    assert migrate(outer, other, job="m1").copied == 1


def test_a_migration_onwards_may_have_the_same_name(pair: Pair) -> None:
    pair.fill("a")
    pair.migrate()
    driver = pair.source.driver
    pair.source.server.create_bucket("third")
    third = Container("third", {}, driver)
    assert migrate(pair.destination.container, third, job="m1").copied == 1


def test_a_source_that_does_not_exist_leaves_no_job(pair: Pair) -> None:
    missing = Container("missing", {}, pair.source.driver)
    with pytest.raises(ContainerDoesNotExistError):
        migrate(missing, pair.destination.container, job="m1")
    assert not pair.destination.server.objects


def test_a_dry_run_writes_nothing(pair: Pair) -> None:
    pair.fill(*NAMES)
    report = pair.migrate(dry_run=True, shard_size=10)
    assert (report.objects, report.copied, report.dry_run) == (25, 25, True)
    assert not pair.destination.server.objects


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
    assert set(config) == {
        "version",
        "id",
        "source",
        "destination",
        "rules",
        "list_whole",
    }


def test_throttling_is_reported(pair: Pair) -> None:
    pair.fill("a")
    pair.destination.server.faults.add("PutObject", Status(503, "SlowDown"), match=to("a"))
    report = pair.migrate()
    assert (report.copied, report.throttled, report.is_clean) == (1, 1, True)


def test_there_are_fewer_tasks_while_a_store_throttles() -> None:
    window = _Window(8)
    sizes = []
    for throttled in (True, True, True, True, False, False):
        window.finished(throttled=throttled)
        sizes.append(window.size)
    assert sizes == [4, 2, 1, 1, 2, 3]


def test_a_store_that_denies_everything_ends_the_migration(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "_GIVE_UP", 5)
    pair.fill(*NAMES)
    fault = pair.source.server.faults.add("GetObject", Status(403, "AccessDenied"), times=None)
    with pytest.raises(InvalidCredsError, match="AccessDenied"):
        pair.migrate(jobs=1)
    assert fault.fired == 1 + 5
    pair.source.server.faults.clear()
    assert pair.resume().is_clean


@pytest.mark.parametrize(
    "options",
    [
        {"verify": "never"},
        {"shard_size": 0},
        {"shard_size": 2.5},
        {"jobs": 0},
        {"tasks": "2"},
        {"limit_rate": -1},
        {"limit_rate": float("nan")},
        {"job": "a/b"},
    ],
)
def test_invalid_arguments_are_refused_and_nothing_is_written(
    pair: Pair, options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"verify|shard_size|jobs|tasks|limit_rate|'a/b'"):
        pair.migrate(**options)
    assert not pair.destination.server.objects
