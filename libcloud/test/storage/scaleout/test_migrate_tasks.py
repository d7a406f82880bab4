# SPDX-License-Identifier: Apache-2.0
"""Tasks of a migration in other threads and processes, and who is in charge of them."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest

from libcloud.storage.base import Container
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.scaleout import migrate as migrating
from libcloud.storage.scaleout import shards
from libcloud.storage.scaleout.migrate import (
    MigrationError,
    MigrationReport,
    migrate,
    migration_report,
)
from libcloud.storage.scaleout.places import JobFolder, NotInChargeError, Place
from libcloud.test.storage.s3_servers import BUCKET
from libcloud.test.storage.scaleout.migrating import NAMES, Pair, contents
from libcloud.utils.cancellation import current

pytestmark = pytest.mark.slow


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


def test_a_worker_with_another_version_of_the_library_migrates_nothing(pair: Pair) -> None:
    class Old(ThreadPoolExecutor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            cancellation, task, migration, *rest = args
            old = replace(migration, version="0.0")
            return super().submit(fn, cancellation, task, old, *rest, **kwargs)

    pair.fill(*NAMES)
    with Old(1) as pool, pytest.raises(RuntimeError, match=r"worker \S+:\d+ .* program has 0\.0"):
        pair.migrate(executor=pool, tasks=2)
    assert not pair.copies


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
def test_an_invalid_container_is_refused(pair: Pair, source: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="container"):
        migrate(source, pair.destination.container, job="m1")


def test_threads_share_a_container(pair: Pair) -> None:
    pair.fill(*NAMES)
    with ThreadPoolExecutor(2) as executor:
        assert pair.migrate(executor=executor, shard_size=4).copied == 25
    assert pair.copies == contents(*NAMES)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (BrokenExecutor("a process ended"), "a worker has ended: resume job m1"),
        (ModuleNotFoundError("No module named 'libcloud'"), "the worker lacks libcloud-storage"),
    ],
)
def test_the_error_for_a_worker_that_cannot_continue_suggests_what_to_do(
    pair: Pair, error: Exception, text: str
) -> None:
    class Broken(ThreadPoolExecutor):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(error)
            return future

    with Broken(1) as executor, pytest.raises(MigrationError, match="resume job m1") as caught:
        pair.migrate(executor=executor)
    assert text in str(caught.value)
    assert "install the same release" in str(caught.value)
