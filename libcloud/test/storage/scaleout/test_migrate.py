# SPDX-License-Identifier: Apache-2.0
"""A migration from one checking fake to another one."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import InvalidCredsError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.scaleout import migrate as migrating
from libcloud.storage.scaleout import shards
from libcloud.storage.scaleout.job_folder import JobFolder, NotInChargeError, Place
from libcloud.storage.scaleout.migrate import (
    MigrationError,
    MigrationReport,
    _Window,
    migrate,
    migration_report,
)
from libcloud.storage.transfer.upload.options import DEFAULT_MEMORY
from libcloud.storage.types import ContainerDoesNotExistError, ObjectDoesNotExistError
from libcloud.test.storage.fakes.faults import LoseAnswer, Status
from libcloud.test.storage.fakes.wire import Incoming
from libcloud.test.storage.s3_servers import BUCKET, PART, Store, store
from libcloud.utils.cancellation import current

pytestmark = pytest.mark.slow

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


def test_a_shard_whose_list_is_lost_is_not_taken_for_an_empty_one(pair: Pair) -> None:
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


def test_a_second_coordinator_takes_over_and_the_first_one_stops(pair: Pair) -> None:
    pair.fill(*NAMES)

    def start_another(report: MigrationReport) -> None:
        if report.copied == 10:
            pair.resume(shard_size=10)

    with pytest.raises(MigrationError, match="another coordinator has taken over"):
        pair.migrate(shard_size=10, on_report=start_another)
    assert pair.copies == contents(*NAMES)
    assert all(pair.written(name) == 1 for name in NAMES)


def test_a_task_stops_when_another_coordinator_has_started(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.fill(*NAMES)
    monkeypatch.setattr(shards, "_CHECK_SECONDS", -1.0)
    folder = JobFolder(Place(lambda: pair.destination.container), "m1")
    upload = pair.destination.driver.upload_object_via_stream

    def take_over(stream: Any, container: Container, name: str, *args: Any, **options: Any) -> Any:
        stored = upload(stream, container, name, *args, **options)
        if name in NAMES:
            folder.take_over()
        return stored

    pair.destination.driver.upload_object_via_stream = take_over
    with pytest.raises(NotInChargeError):
        pair.migrate(jobs=1)
    assert len(pair.copies) == 1


def test_an_interrupted_migration_stops_its_threads(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.fill(*NAMES)
    stopped: list[bool] = []
    started = threading.Event()

    def copy(*_: object) -> dict[str, Any]:
        cancellation = current()
        assert cancellation is not None
        started.set()
        stopped.append(cancellation.wait(60))
        return {}

    def interrupt(report: MigrationReport) -> None:
        if report.objects > 10:  # the second range is listed, and the first shard is copied
            assert started.wait(60)
            raise KeyboardInterrupt

    monkeypatch.setattr(migrating, "copy_shard", copy)
    with ThreadPoolExecutor(2) as executor, pytest.raises(KeyboardInterrupt):
        pair.migrate(executor=executor, shard_size=10, on_report=interrupt)
    assert stopped == [True]


def test_an_interrupted_migration_makes_tasks_elsewhere_stop(
    pair: Pair, openers: tuple[FromEnvironment, FromEnvironment]
) -> None:
    pair.fill(*NAMES)
    folder = JobFolder(Place(openers[1]), "m1")
    runs = []

    def interrupt(report: MigrationReport) -> None:
        runs.append(folder.read("run.json"))
        if report.objects > 10:
            raise KeyboardInterrupt

    with Remote() as executor, pytest.raises(KeyboardInterrupt):
        migrate(*openers, job="m1", executor=executor, shard_size=10, on_report=interrupt)
    assert folder.read("run.json") != runs[0]
    assert pair.resume(shard_size=10).is_clean


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


def test_below_a_prefix_the_marker_of_the_directory_is_left_out(pair: Pair) -> None:
    pair.fill("x/", data=lambda _: b"")
    pair.fill("x/a", "x/b/", "xy")
    report = pair.migrate(source_prefix="x/", shard_size=1)
    assert pair.copies == {"a": b"x/a", "b/": b"x/b/"}
    assert report.is_clean


@pytest.mark.parametrize(
    ("given", "limit"), [({}, DEFAULT_MEMORY), ({"ex_max_memory": 5000}, 5000)]
)
def test_the_copies_of_a_task_share_a_memory_budget(
    pair: Pair, given: dict[str, int], limit: int
) -> None:
    pair.fill("a", "b")
    upload = pair.destination.driver.upload_object_via_stream
    budgets = set()

    def note(stream: Any, container: Container, name: str, *args: Any, **options: Any) -> Any:
        if name in ("a", "b"):
            budgets.add(options["ex_max_memory"])
        return upload(stream, container, name, *args, **options)

    pair.destination.driver.upload_object_via_stream = note
    pair.migrate(upload_options=given)
    [budget] = budgets
    assert budget.size == limit


def test_an_object_that_changes_or_goes_after_it_was_listed_is_reported(pair: Pair) -> None:
    pair.fill("a", "b", "c")

    def change(report: MigrationReport) -> None:
        if not report.copied:
            pair.fill("a", data=lambda _: b"something else")
            pair.source.driver.delete_object(pair.source.container.get_object("b"))

    report = pair.migrate(on_report=change)
    assert pair.copies == {"a": b"something else", "c": b"c"}
    assert (report.changed, report.deleted, report.copied, report.is_clean) == (1, 1, 1, True)
    assert {one["key"]: one["outcome"] for one in report.noted} == {"a": "changed", "b": "deleted"}


ODD = ("a//b", "/", "//", "../x", "tab\there", "bell\x07", "line\nfeed", "ü", "a b+%", "*")


def test_odd_names_are_kept(pair: Pair) -> None:
    pair.fill(*ODD)
    report = pair.migrate(shard_size=3)
    assert report.is_clean
    assert pair.copies == contents(*ODD)
    assert pair.migrate("m2", shard_size=3).present == len(ODD)


def test_a_name_that_the_destination_refuses_is_listed_and_the_others_are_copied(
    pair: Pair, tmp_path: Path
) -> None:
    pair.fill("a", "a//b", "b")
    listed = pair.source.driver.iterate_container_objects

    def with_undecodable_name(container: Container, *args: Any, **options: Any) -> Iterator[Object]:
        yield from listed(container, *args, **options)
        if (options.get("ex_start_after") or "") <= "caf":
            yield Object("caf\udce9", 1, None, {}, {}, container, container.driver)

    pair.source.driver.iterate_container_objects = with_undecodable_name
    driver = LocalStorageDriver(str(tmp_path), ex_use_locking=False)
    local = driver.create_container("local")
    report = migrate(pair.source.container, local, job="m1", shard_size=2)
    assert sorted(one["key"] for one in report.noted) == ["a//b", "caf\udce9"]
    assert (report.objects, report.copied, report.failed) == (4, 2, 2)
    assert not report.is_clean
    report = pair.migrate(shard_size=2)
    assert [one["key"] for one in report.noted] == ["caf\udce9"]


def test_a_store_that_cannot_list_from_a_key_is_listed_as_a_whole(
    pair: Pair, tmp_path: Path
) -> None:
    driver = LocalStorageDriver(str(tmp_path), ex_use_locking=False)
    local = driver.create_container("local")
    for name in NAMES:
        local.upload_object_via_stream(iter([name.encode()]), f"x/{name}")
    target = pair.destination.container
    report = migrate(local, target, job="m1", shard_size=10, source_prefix="x/")
    assert (report.copied, report.is_clean) == (25, True)
    assert pair.copies == contents(*NAMES)
    report = migrate(target, local, job="m1", shard_size=10, destination_prefix="y/")
    assert (report.copied, report.is_clean) == (25, True)
    # Another job: its files are not comparable, so they are replaced, and the report says so.
    report = migrate(target, local, job="m2", shard_size=10, destination_prefix="y/")
    assert (report.replaced, report.present) == (25, 0)


def test_properties_are_kept_and_what_is_lost_is_counted(pair: Pair, tmp_path: Path) -> None:
    extra = {"content_type": "text/x-test", "meta_data": {"color": "blue"}}
    headers = {"Content-Encoding": "gzip", "Cache-Control": "no-cache"}
    options = {"ex_storage_class": "standard_ia", "ex_tags": {"a": "b & c"}}
    source, target = pair.source, pair.destination
    source.driver.upload_object_via_stream(
        iter([b"a"]), source.container, "a", extra, headers, **options
    )
    assert not pair.migrate().lost
    found = target.container.get_object("a")
    assert found.meta_data == {"color": "blue"}
    expected = {
        "content_type": "text/x-test",
        "content_encoding": "gzip",
        "cache_control": "no-cache",
        "storage_class": "STANDARD_IA",
    }
    assert {name: found.extra[name] for name in expected} == expected
    assert target.driver.ex_get_object_tags(found) == {"a": "b & c"}
    driver = LocalStorageDriver(str(tmp_path), ex_use_locking=False)
    report = migrate(source.container, driver.create_container("local"), job="m1")
    lost = ["metadata", "content type", "Content-Encoding", "Cache-Control", "storage class"]
    assert report.lost == dict.fromkeys([*lost, "tags"], 1)


def test_within_a_store_storage_class_and_tags_are_kept_by_copies_in_parts(pair: Pair) -> None:
    source = pair.source
    source.server.create_bucket("second")
    second = Container("second", {}, source.driver)
    source.in_parts(3, "big", ex_storage_class="standard_ia", ex_tags={"a": "b"})
    migrate(source.container, second, job="m1", upload_options={"ex_part_size": PART})
    found = second.get_object("big")
    assert found.extra["storage_class"] == "STANDARD_IA"
    assert source.driver.ex_get_object_tags(found) == {"a": "b"}
    assert source.server.log.counts()["UploadPartCopy"] == 3


def test_within_a_store_the_store_copies(pair: Pair) -> None:
    pair.fill(*NAMES)
    source = pair.source
    source.server.create_bucket("second")
    report = migrate(source.container, Container("second", {}, source.driver), job="m1")
    assert (report.copied, report.is_clean) == (25, True)
    assert source.server.log.counts()["CopyObject"] == 25


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


def test_an_object_that_was_not_stored_is_found_by_the_listing(pair: Pair) -> None:
    pair.fill("a", "b")
    upload = pair.destination.driver.upload_object_via_stream

    def lose(stream: Any, container: Container, name: str, *args: Any, **options: Any) -> Any:
        stored = upload(stream, container, name, *args, **options)
        if name == "a":
            del pair.destination.server.state.objects[BUCKET, "a"]
        return stored

    pair.destination.driver.upload_object_via_stream = lose
    report = pair.migrate(verify="stored")
    assert [one["key"] for one in report.noted] == ["a"]
    assert "not stored" in report.noted[0]["error"]
    assert (report.copied, report.failed) == (1, 1)


def test_a_copy_that_reads_differently_is_found_by_reading(pair: Pair) -> None:
    pair.fill("a", "b")
    read = pair.destination.driver._read_object

    def flip(container: Container, name: str, *args: Any) -> Any:
        obj, pieces = read(container, name, *args)
        return obj, (bytes(byte ^ (name == "a") for byte in piece) for piece in pieces)

    pair.destination.driver._read_object = flip
    report = pair.migrate(verify="read")
    assert [one["key"] for one in report.noted] == ["a"]
    assert (report.copied, report.failed) == (1, 1)


def test_large_objects_are_copied_in_parts(pair: Pair) -> None:
    data = pair.source.in_parts(4, "big")
    report = pair.migrate(upload_options={"ex_part_size": PART}, verify="read")
    assert (report.copied, report.is_clean) == (1, True)
    assert pair.copies == {"big": data}
    assert pair.destination.server.log.counts()["UploadPart"] == 4


@pytest.mark.parametrize(
    "options", [{"verify": "never"}, {"shard_size": 0}, {"limit_rate": -1}, {"job": "a/b"}]
)
def test_invalid_arguments_are_refused_and_nothing_is_written(
    pair: Pair, options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"verify|shard_size|limit_rate|'a/b'"):
        pair.migrate(**options)
    assert not pair.destination.server.objects


# Executors.


class Remote(Executor):
    """Sends each task and its result as bytes, as engines do, and runs it later, out of order."""

    def __init__(self) -> None:
        self.sent = b""
        self.tasks = 0
        self._pool = ThreadPoolExecutor(2)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        task = pickle.dumps((fn, args, kwargs))
        self.sent += task
        self.tasks += 1

        def run() -> Any:
            function, given, named = pickle.loads(task)
            return pickle.loads(pickle.dumps(function(*given, **named)))

        return self._pool.submit(run)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


@dataclass(frozen=True)
class FromEnvironment:
    """Opens the bucket at an endpoint with the credentials of the environment."""

    endpoint_url: str

    def __call__(self) -> Container:
        return Container(BUCKET, {}, S3StorageDriver.from_env(endpoint_url=self.endpoint_url))


@pytest.fixture
def openers(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> tuple[FromEnvironment, FromEnvironment]:
    server = pair.source.server
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    one, two = (
        FromEnvironment(f"http://{store.server.host}:{store.server.port}")
        for store in (pair.source, pair.destination)
    )
    return one, two


def test_tasks_run_elsewhere_with_the_credentials_found_there(
    pair: Pair, openers: tuple[FromEnvironment, FromEnvironment]
) -> None:
    names = [f"{first}/{number}" for first in "abcdef" for number in range(10)]
    pair.fill(*names)
    with Remote() as executor:
        report = migrate(*openers, job="m1", executor=executor, shard_size=10, tasks=4)
    assert (report.objects, report.copied, report.is_clean) == (60, 60, True)
    assert pair.copies == contents(*names)
    assert pair.source.server.secret.encode() not in executor.sent
    assert executor.tasks < 60
    assert migration_report(pair.destination.container, job="m1").objects == 60


def test_a_container_is_not_sent_to_other_machines(pair: Pair) -> None:
    with (
        Remote() as executor,
        pytest.raises(ValueError, match=r"Create the driver with from_env\(\)"),
    ):
        pair.migrate(executor=executor)
    assert not pair.destination.server.objects


def test_a_container_of_a_driver_from_the_environment_is_opened_elsewhere(
    pair: Pair, openers: tuple[FromEnvironment, FromEnvironment]
) -> None:
    pair.fill("a")
    urls = [f"s3://{BUCKET}?endpoint_url={opener.endpoint_url}" for opener in openers]
    with Remote() as executor:
        assert migrate(openers[0](), openers[1](), job="m1", executor=executor).copied == 1
        assert migrate(*urls, job="m2", executor=executor).present == 1
    assert pair.source.server.secret.encode() not in executor.sent


@pytest.mark.parametrize("source", ["gs://bucket", "bucket", "s3://", 5])
def test_what_is_no_container_is_refused(pair: Pair, source: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="container"):
        migrate(source, pair.destination.container, job="m1")


def test_threads_share_a_container(pair: Pair) -> None:
    pair.fill(*NAMES)
    with ThreadPoolExecutor(2) as executor:
        assert pair.migrate(executor=executor, shard_size=4).copied == 25
    assert pair.copies == contents(*NAMES)


def test_a_worker_that_ended_is_an_error_that_says_to_resume(pair: Pair) -> None:
    class Broken(ThreadPoolExecutor):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(BrokenExecutor("a process was terminated"))
            return future

    with Broken(1) as executor, pytest.raises(MigrationError, match="resume job m1"):
        pair.migrate(executor=executor)
