# SPDX-License-Identifier: Apache-2.0
"""Migrations with wrong responses, damaged files in the folder of the job, and late tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from libcloud.storage import copying
from libcloud.storage.base import Container
from libcloud.storage.scaleout import migrate as migrating
from libcloud.storage.scaleout import shards
from libcloud.storage.scaleout.migrate import MigrationError, migrate, migration_report
from libcloud.storage.scaleout.places import JobFolder, NotInChargeError, Place
from libcloud.test.storage.fakes.faults import Action, Status
from libcloud.test.storage.fakes.swift import FakeSwift
from libcloud.test.storage.fakes.wire import Answer
from libcloud.test.storage.s3_servers import BUCKET
from libcloud.test.storage.scaleout.migrating import FOLDER, NAMES, Pair, contents, to

pytestmark = pytest.mark.slow


class Page(Action):
    """The response is the page of a proxy."""

    def __init__(self, status: int) -> None:
        self.status = status

    def answered(self, answer: Answer) -> Answer:
        headers = (("Content-Type", "text/html"),)
        return Answer(self.status, headers, b"<html>proxy</html>")


def second(pair: Pair) -> Container:
    """A container in the store of the source."""
    pair.source.server.create_bucket("second")
    return Container("second", {}, pair.source.driver)


@pytest.mark.parametrize("same_store", [False, True])
def test_an_object_that_is_not_found_but_listed_has_failed(pair: Pair, same_store: bool) -> None:
    pair.fill("a", "b")
    operation = "HeadObject" if same_store else "GetObject"
    pair.source.server.faults.add(operation, Page(404), match=to("a"))
    target = second(pair) if same_store else pair.destination.container
    report = migrate(pair.source.container, target, job="m1")
    assert (report.copied, report.failed, report.deleted, report.is_clean) == (1, 1, 0, False)
    assert "still lists it" in report.noted[0]["error"]
    assert migrate(pair.source.container, target, job="m1", resume=True).copied == 2


def test_an_object_that_is_deleted_before_the_store_copies_it_has_not_failed(pair: Pair) -> None:
    pair.fill("a", "b")
    target, server = second(pair), pair.source.server
    copy = pair.source.driver.ex_copy_object

    def delete(obj: Any, *args: Any, **options: Any) -> Any:
        if obj.name == "a":
            del server.state.objects[BUCKET, "a"]
        return copy(obj, *args, **options)

    pair.source.driver.ex_copy_object = delete
    report = migrate(pair.source.container, target, job="m1")
    assert (report.copied, report.deleted, report.is_clean) == (1, 1, True)


def test_a_page_of_a_proxy_is_not_copied(pair: Pair) -> None:
    pair.fill("a", "b")
    pair.source.server.faults.add("GetObject", Page(200), match=to("a"))
    report = pair.migrate()
    assert (report.copied, report.failed) == (1, 1)
    assert pair.copies == contents("b")
    assert pair.resume().is_clean
    assert pair.copies == contents("a", "b")


@pytest.mark.parametrize("data", [b"", b"<html>", b"[1]", b"{}", b'{"message": "ok"}'])
@pytest.mark.parametrize("kind", ["job.json", "list/", "done/"])
def test_a_damaged_file_of_the_job_is_an_error_that_names_it(
    pair: Pair, data: bytes, kind: str
) -> None:
    pair.fill("a")
    pair.migrate()
    target = pair.destination
    [name] = [name for name in pair.files(kind) if name.endswith(".json")]
    target.driver.upload_object_via_stream(iter([data]), target.container, f"{FOLDER}m1/{name}")
    with pytest.raises(MigrationError, match=rf"{name}|job m1 has another"):
        pair.resume()
    if kind != "job.json":
        with pytest.raises(MigrationError, match=name):
            migration_report(target.container, job="m1")


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x1f\x8b\x08\0\0\0\0\0\0\0"])
def test_a_damaged_list_is_an_error_that_names_it(pair: Pair, data: bytes) -> None:
    pair.fill("a")
    target = pair.destination

    def damage(report: Any) -> None:
        [name] = [name for name in pair.files("list/") if name.endswith(".gz")]
        target.driver.upload_object_via_stream(iter([data]), target.container, f"{FOLDER}m1/{name}")

    with pytest.raises(MigrationError, match=r"list/.*gz is damaged"):
        pair.migrate(on_report=damage)


@pytest.mark.parametrize("nth", [2, 3, 4])
def test_a_job_file_that_is_not_found_is_no_job_and_no_other_container(
    pair: Pair, nth: int
) -> None:
    pair.fill("a")
    pair.destination.server.faults.add("GetObject", Status(404, "NoSuchKey"), nth=nth)
    with pytest.raises(MigrationError, match=r"job m1 exists|is not found|run.json does not exist"):
        pair.migrate()
    assert "job.json" in pair.files()
    assert pair.resume().is_clean


def test_the_same_bucket_by_another_name_is_refused_when_the_job_is_resumed(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.fill("a")
    driver = pair.source.driver
    other = type(driver)(
        driver.key, driver.secret, host="localhost", port=driver.connection.port, secure=False
    )
    containers = (pair.source.container, Container(BUCKET, {}, other))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(migrating, "_sees_job", stop)
        with pytest.raises(KeyboardInterrupt):
            migrate(*containers, job="m1", destination_prefix="z/")
    with pytest.raises(MigrationError, match="the same container"):
        migrate(*containers, job="m1", destination_prefix="z/", resume=True)
    assert not [name for _, name in pair.source.server.objects if name == "z/a"]


def test_a_list_task_that_ends_late_changes_nothing(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.fill(*NAMES)
    copy = shards.copy_shard
    tasks: list[Callable[[], object]] = []
    listing = shards.list_range

    def note(*args: Any) -> Any:
        tasks.append(lambda: listing(*args))
        return listing(*args)

    def copy_late(*args: Any) -> Any:
        if tasks:
            for name in NAMES[5:10]:  # the same range ends later now
                pair.source.driver.delete_object(pair.source.container.get_object(name))
            tasks.pop(0)()
            tasks.clear()
            pair.fill(*NAMES[5:10])
        return copy(*args)

    monkeypatch.setattr(migrating, "list_range", note)
    monkeypatch.setattr(migrating, "copy_shard", copy_late)
    report = pair.migrate(shard_size=10)
    assert (report.objects, report.copied, report.is_clean) == (25, 25, True)
    assert pair.copies == contents(*NAMES)
    report = pair.resume(shard_size=10)
    assert report.is_clean
    assert pair.copies == contents(*NAMES)


def test_an_unread_copy_of_an_interrupted_run_is_repeated(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pair.source.in_parts(3, "big")
    options: dict[str, Any] = {"verify": "read", "upload_options": {"ex_part_size": 1500}}

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(copying.ObjectCopier, "_compare", stop)
        with pytest.raises(KeyboardInterrupt):
            pair.migrate(**options)
    objects = pair.destination.server.state.objects
    stored = objects[BUCKET, "big"]
    later = stored.modified + timedelta(hours=1)  # than the job was created
    objects[BUCKET, "big"] = replace(stored, modified=later)
    report = pair.resume(**options)
    assert (report.replaced, report.is_clean) == (1, True)
    assert pair.copies == {"big": data}


def test_a_job_whose_folder_is_deleted_stops(pair: Pair) -> None:
    pair.fill(*NAMES)

    def delete(report: Any) -> None:
        pair.destination.server.state.objects.clear()

    with pytest.raises(NotInChargeError, match=r"run.json does not exist any more"):
        pair.migrate(shard_size=10, on_report=delete)


def test_the_store_of_a_job_is_the_same_before_and_after_the_first_request(pair: Pair) -> None:
    pair.fill("a")
    with FakeSwift() as swift:
        swift.connect().create_container("docs")
        target = Container("docs", {}, swift.connect())
        assert migrate(pair.source.container, target, job="m1").copied == 1
        assert migrate(pair.source.container, target, job="m1", resume=True).copied == 1
        with pytest.raises(MigrationError, match="the same container"):
            migrate(target, Container("docs", {}, swift.connect()), job="m2")
        stored = JobFolder(Place(lambda: target), "m1").read("job.json")
    assert stored is not None
    assert stored["destination"]["account"] == "/v1/AUTH_test"
