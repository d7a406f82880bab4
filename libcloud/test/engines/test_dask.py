# SPDX-License-Identifier: Apache-2.0
"""Dask: a scheduler and two workers, each a process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask.array
import dask.bag
import numpy
import pytest
from dask import delayed
from distributed import Client, LocalCluster

import libcloud
from libcloud.common.types import LibcloudError
from libcloud.storage.scaleout.dask import DaskExecutor, connect, pieces_of
from libcloud.storage.scaleout.executors import executor_for, workers_of
from libcloud.storage.types import WorkerError
from libcloud.test.engines.bad_input import BAD_INPUT, check_refused
from libcloud.test.engines.migration import (
    check_migration,
    fill,
    kill_at_the_end_of_a_shard,
    migrate_on,
)
from libcloud.test.engines.pieces import MIB, SIZES, pieces_for, runs_in, wait_for
from libcloud.test.engines.processes import Recorder, files_with, memory_contains, running
from libcloud.test.engines.store import BUCKET, SECRET, KillSender, Store, session_of
from libcloud.test.storage.fakes.faults import Action
from libcloud.test.storage.fakes.servers import reserved_ports

pytestmark = pytest.mark.slow

HOST = "127.0.0.1"


class Cluster:
    """A scheduler, workers, and a client of them.

    :ivar scheduler: its process id.
    """

    def __init__(self, stack: ExitStack, folder: Path, workers: int = 2) -> None:
        (port,) = stack.enter_context(reserved_ports(1))
        self.address = f"{HOST}:{port}"
        self.folder = folder
        self._stack = stack
        scheduler = ["distributed.cli.dask_scheduler", "--host", HOST, "--port", str(port)]
        process = stack.enter_context(
            running([*scheduler, "--no-dashboard", "--no-show"], folder / "scheduler.log")
        )
        self.scheduler = process.pid
        for _ in range(workers):
            self._start_worker(stack)
        self.client = stack.enter_context(Client(f"tcp://{self.address}", timeout=200))
        self.client.wait_for_workers(workers, timeout=200)

    @contextlib.contextmanager
    def extra_worker(self, *options: str) -> Iterator[str]:
        """The address of a third worker."""
        before = set(self.client.nthreads())
        with ExitStack() as stack:
            self._start_worker(stack, *options)
            self.client.wait_for_workers(len(before) + 1, timeout=200)
            (address,) = set(self.client.nthreads()) - before
            yield address
        while len(self.client.nthreads()) > len(before):
            self.client.sync(asyncio.sleep, 0.01)

    def restore(self) -> None:
        """Start a worker for each that was killed."""
        for _ in range(2 - len(self.client.nthreads())):
            self._start_worker(self._stack)
        self.client.wait_for_workers(2, timeout=200)

    def _start_worker(self, stack: ExitStack, *options: str) -> None:
        # One thread; without a nanny, the process is the worker itself.
        worker = ["distributed.cli.dask_worker", f"tcp://{self.address}", "--host", HOST]
        worker += ["--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--no-nanny", *options]
        worker += ["--local-directory", str(self.folder / "scratch")]
        stack.enter_context(running(worker, self.folder / "worker.log"))


@pytest.fixture(scope="module")
def cluster(server: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(stack, tmp_path_factory.mktemp("dask"))


@pytest.fixture
def executor(cluster: Cluster) -> DaskExecutor:
    return DaskExecutor(cluster.client)


def test_a_client_and_the_address_of_a_scheduler_become_executors(cluster: Cluster) -> None:
    executor = executor_for(cluster.client)
    assert workers_of(executor) == 2
    with executor_for(f"dask://{cluster.address}") as connected:
        assert connected.submit(os.getpid).result() != os.getpid()
    assert executor.submit(len, b"still connected").result() == 15


def test_a_task_that_runs_is_not_mistaken_for_cancelled(
    executor: DaskExecutor, folder: Path
) -> None:
    future = executor.submit(wait_for, folder / "go on")
    assert not future.cancel()
    (folder / "go on").touch()
    assert future.result() == "went on"


def test_held_pieces_are_measured_where_they_are(cluster: Cluster, executor: DaskExecutor) -> None:
    future = cluster.client.submit(bytes, 2)
    held, sizes = executor.hold([delayed(bytes)(5), future, lambda: b"abc", b""])
    assert sizes == [5, 2, 3, 0]
    assert executor.submit(bytes.upper, held[2]).result() == b"ABC"


def test_delayed_arguments_reach_a_task_as_their_values(executor: DaskExecutor) -> None:
    assert executor.submit(max, delayed(len)(b"123"), 2).result() == 3


def test_an_array_is_its_elements_in_c_order(executor: DaskExecutor) -> None:
    array = dask.array.arange(60, chunks=60, dtype="i4").reshape(10, 6).rechunk((4, 6))
    pieces, sizes = executor.hold(array)
    parts = [executor.submit(bytes, piece).result() for piece in pieces]
    assert sizes == [96, 96, 48]
    assert b"".join(parts) == numpy.arange(60, dtype="i4").tobytes()


def test_an_array_whose_chunks_are_not_contiguous_is_refused() -> None:
    with pytest.raises(ValueError, match="rechunk"):
        pieces_of(dask.array.ones((4, 4), chunks=(4, 2)))


def test_the_partitions_of_a_bag_are_pieces(executor: DaskExecutor) -> None:
    bag = dask.bag.from_sequence([b"a", b"bb", b"ccc"], npartitions=2)
    assert executor.hold(bag)[1] == [3, 3]


def test_a_piece_that_is_not_bytes_is_named(executor: DaskExecutor) -> None:
    with pytest.raises(TypeError, match="piece 1 is not bytes"):
        executor.hold([b"", delayed(str)(1)])


def test_a_piece_that_could_not_be_made_is_named(executor: DaskExecutor) -> None:
    with pytest.raises(WorkerError, match="piece 1 could not be made: ValueError: invalid"):
        executor.hold([b"", delayed(int)("x")])


def test_a_cluster_without_workers_is_an_error() -> None:
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=f"{HOST}:0") as empty,
        Client(empty, set_as_default=False) as client,
        pytest.raises(LibcloudError, match=r"scheduler at \S+ has no workers"),
    ):
        DaskExecutor(client, worker_timeout=0)


def test_a_scheduler_that_is_not_there_is_an_error() -> None:
    with reserved_ports(1) as (port,), pytest.raises(ConnectionError, match=f"{HOST}:{port}"):
        connect(f"tcp://{HOST}:{port}", timeout=0.2)


def test_a_worker_with_another_version_of_the_library_is_named(cluster: Cluster) -> None:
    worker = next(iter(cluster.client.nthreads()))
    version = libcloud.__version__
    cluster.client.run(_set_version, "0.0", workers=[worker])
    try:
        with pytest.raises(LibcloudError, match=rf"{worker} has libcloud-storage 0\.0") as caught:
            executor_for(cluster.client)
    finally:
        cluster.client.run(_set_version, version, workers=[worker])
    assert version in str(caught.value)


def _set_version(version: str) -> None:
    libcloud.__version__ = version


def test_a_worker_without_the_library_is_named(cluster: Cluster) -> None:
    hide = "import sys; sys.modules['libcloud'] = None"
    with (
        cluster.extra_worker("--preload", hide) as address,
        pytest.raises(LibcloudError, match=f"{address} has no libcloud-storage"),
    ):
        executor_for(cluster.client)


# Uploads.


def test_a_scheduler_that_dies_is_an_error_and_the_upload_is_continued(
    tmp_path: Path, store: Store, driver: Any, container: Any, folder: Path
) -> None:
    pieces = pieces_for(folder)
    with ExitStack() as stack:
        mortal = Cluster(stack, tmp_path, workers=1)
        store.faults.add("UploadPart", KillScheduler(mortal.scheduler), nth=3)
        with pytest.raises(WorkerError, match="connection to the scheduler") as caught:
            driver.ex_upload_with(mortal.client, pieces, container, "big.bin", sizes=SIZES)
    assert not store.objects
    store.connections.wait_for_ended_processes()
    with executor_for("threads", 1) as threads:
        driver.ex_attach_upload(session_of(caught.value), threads, pieces, sizes=SIZES)
    store.check_object("big.bin")


@dataclass(slots=True)
class KillScheduler(Action):
    """The scheduler ends in the middle of a part."""

    pid: int

    def before_body(self, length: int) -> int:
        os.kill(self.pid, signal.SIGKILL)
        return length


@pytest.fixture
def mortal() -> Iterator[Any]:
    """A client of a cluster of one worker, a thread of this process."""
    where: dict[str, Any] = {"processes": False, "dashboard_address": f"{HOST}:0"}
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, **where) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def test_an_upload_that_loses_all_workers_fails_and_is_continued(
    mortal: Any, store: Store, driver: Any, container: Any, folder: Path
) -> None:
    pieces = pieces_for(folder)
    executor = DaskExecutor(mortal, worker_timeout=0)
    store.faults.add("UploadPart", _Retire(mortal), nth=3)
    with pytest.raises(WorkerError, match=r"scheduler at \S+ has no workers") as caught:
        driver.ex_upload_with(executor, pieces, container, "big.bin", sizes=SIZES)
    assert not store.objects
    mortal.cluster.close()
    with executor_for("threads", 1) as threads:
        driver.ex_attach_upload(session_of(caught.value), threads, pieces, sizes=SIZES)
    store.check_object("big.bin")


@dataclass(slots=True)
class _Retire(Action):
    """All workers end while they send a part."""

    client: Any

    def before_body(self, length: int) -> int:
        self.client.cluster.scale(0)
        return length


def test_pieces_are_not_measured_for_ever_if_there_is_no_worker(mortal: Any) -> None:
    executor = DaskExecutor(mortal, worker_timeout=0)
    mortal.retire_workers()
    with pytest.raises(WorkerError, match=r"piece 0 .*scheduler at \S+ has no workers"):
        executor.hold([b"x"])


@pytest.mark.parametrize("kind", ["held", "known"])
def test_pieces_become_one_object(
    kind: str, cluster: Cluster, store: Store, driver: Any, container: Any, folder: Path
) -> None:
    pieces = [delayed(piece, pure=False)() for piece in pieces_for(folder)]
    sizes = SIZES if kind == "known" else None
    obj = driver.ex_upload_with(cluster.client, pieces, container, "big.bin", sizes=sizes)
    assert obj.size == sum(SIZES)
    store.check_object("big.bin")
    assert runs_in(folder) == dict.fromkeys(range(len(SIZES)), 1)


def test_an_array_becomes_one_object(
    cluster: Cluster, store: Store, driver: Any, container: Any
) -> None:
    array = dask.array.arange(3 * MIB, chunks=MIB, dtype="i4")
    driver.ex_upload_with(cluster.client, array, container, "array.bin")
    store.check_object("array.bin", numpy.arange(3 * MIB, dtype="i4").tobytes())


def test_a_killed_worker_is_replaced_and_the_object_is_published(
    cluster: Cluster, store: Store, driver: Any, container: Any, folder: Path
) -> None:
    kill = KillSender(store)
    store.faults.add("UploadPart", kill, nth=3)
    pieces = [delayed(piece, pure=False)() for piece in pieces_for(folder)]
    try:
        driver.ex_upload_with(cluster.client, pieces, container, "big.bin", sizes=SIZES)
    finally:
        cluster.restore()
    assert len(kill.killed) == 1
    store.check_object("big.bin")
    runs = runs_in(folder)
    assert set(runs) == set(range(len(SIZES)))
    assert len(SIZES) < runs.total() <= 2 * len(SIZES)


@pytest.mark.parametrize("case", BAD_INPUT)
def test_an_error_names_the_worker_and_the_piece_and_nothing_is_published(
    case: str, executor: DaskExecutor, store: Store
) -> None:
    check_refused(executor, case, store)


def test_no_secret_reaches_tasks_scheduler_or_logs(
    cluster: Cluster, store: Store, driver: Any, container: Any, folder: Path
) -> None:
    recorder = Recorder(DaskExecutor(cluster.client))
    driver.ex_upload_with(recorder, pieces_for(folder), container, "big.bin", sizes=SIZES)
    store.check_object("big.bin")
    assert recorder.pickles
    assert not [data for data in recorder.pickles if SECRET.encode() in data]
    assert not memory_contains(cluster.scheduler, SECRET)
    assert memory_contains(cluster.scheduler, BUCKET)
    assert not files_with(SECRET, cluster.folder)


def test_a_bucket_is_migrated_although_a_worker_is_killed(
    cluster: Cluster, executor: DaskExecutor, store: Store, container: Any
) -> None:
    fill(store, container)
    kill = kill_at_the_end_of_a_shard(store)
    try:
        report = migrate_on(executor, container)
    finally:
        cluster.restore()
    assert len(kill.killed) == 1
    check_migration(store, report)
