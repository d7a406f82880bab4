# SPDX-License-Identifier: Apache-2.0
"""Ray: a cluster of two CPUs, on this machine."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cloudpickle
import psutil
import pytest
import ray
from ray.data import DataContext

from libcloud.storage.scaleout.executors import executor_for, workers_of
from libcloud.storage.scaleout.ray import RayExecutor, connect
from libcloud.storage.scaleout.ray_data import ObjectSink
from libcloud.storage.types import WorkerError
from libcloud.test.engines.bad_input import BAD_INPUT, LIBRARIES, check_refused, python_path
from libcloud.test.engines.migration import (
    check_migration,
    fill,
    kill_at_the_end_of_a_shard,
    migrate_on,
)
from libcloud.test.engines.pieces import MIB, SIZES, pieces_for, runs_in, wait_for
from libcloud.test.engines.processes import Recorder, files_with, memory_contains
from libcloud.test.engines.store import SECRET, KillSender, Store
from libcloud.test.storage.fakes.servers import reserved_ports

pytestmark = pytest.mark.slow

HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def cluster(server: Store) -> Iterator[Path]:
    """The folder where the cluster writes; the sockets in it need a short path."""
    folder = tempfile.mkdtemp(prefix="ray")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=200 * MIB,
        log_to_driver=False,
        _node_ip_address=HOST,
        _temp_dir=folder,
    )
    try:
        yield Path(folder)
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def executor(cluster: Path) -> RayExecutor:
    return RayExecutor()


def test_a_connected_cluster_is_used(executor: RayExecutor) -> None:
    with executor_for("ray") as connected:
        assert workers_of(connected) == 2
        assert connected.submit(os.getpid).result() != os.getpid()
    assert executor.submit(len, b"still connected").result() == 15


def test_a_task_that_runs_is_not_mistaken_for_cancelled(
    executor: RayExecutor, folder: Path
) -> None:
    future = executor.submit(wait_for, folder / "go on")
    assert not future.cancel()
    (folder / "go on").touch()
    assert future.result() == "went on"


def test_held_pieces_are_measured_where_they_are(executor: RayExecutor) -> None:
    held, sizes = executor.hold([ray.put(b"ab"), functools.partial(bytes, 3), b""])
    assert sizes == [2, 3, 0]
    assert executor.submit(bytes.upper, held[0]).result() == b"AB"


def test_a_held_piece_that_is_not_bytes_is_named(executor: RayExecutor) -> None:
    with pytest.raises(TypeError, match="piece 1 is not bytes"):
        executor.hold([b"", ray.put("text")])


def test_a_held_piece_that_could_not_be_made_is_named(executor: RayExecutor) -> None:
    with pytest.raises(WorkerError, match=r"(?s)piece 1 could not be made: .*ValueError: invalid"):
        executor.hold([b"", functools.partial(int, "x")])


# In a process of its own, because a failed connection prevents later ones.
_CONNECT = """
import ray.util.client.worker as client
from libcloud.storage.scaleout.executors import executor_for

client.INITIAL_TIMEOUT_SEC = client.MAX_TIMEOUT_SEC = 0
try:
    executor_for("ray://{address}")
except ConnectionError as error:
    print(error)
"""


def test_a_cluster_that_is_not_there_is_an_error() -> None:
    with reserved_ports(1) as (port,):
        program = _CONNECT.format(address=f"{HOST}:{port}")
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=200
        )
    assert f"no Ray cluster answers at ray://{HOST}:{port}" in done.stdout, done.stderr


def test_a_second_cluster_is_not_confused_with_the_connected_one(executor: RayExecutor) -> None:
    with pytest.raises(ConnectionError, match=f"no Ray cluster answers at {HOST}:1"):
        connect(f"{HOST}:1")


@pytest.mark.parametrize("kind", ["references", "functions"])
def test_pieces_become_one_object(
    kind: str, executor: RayExecutor, store: Store, driver: Any, container: Any, folder: Path
) -> None:
    pieces: list[Any] = [*pieces_for(folder)]
    if kind == "references":
        pieces = [ray.remote(_make).remote(piece) for piece in pieces]
    obj = driver.ex_upload_with(executor, pieces, container, "big.bin")
    assert obj.size == sum(SIZES)
    store.check_object("big.bin")
    assert runs_in(folder) == dict.fromkeys(range(len(SIZES)), 1)


def _make(piece: Any) -> Any:
    return piece()


def test_a_killed_worker_is_replaced_and_the_object_is_published(
    executor: RayExecutor, store: Store, driver: Any, container: Any, folder: Path
) -> None:
    kill = KillSender(store)
    store.faults.add("UploadPart", kill, nth=3)
    driver.ex_upload_with(executor, pieces_for(folder), container, "big.bin", sizes=SIZES)
    assert len(kill.killed) == 1
    store.check_object("big.bin")
    runs = runs_in(folder)
    assert set(runs) == set(range(len(SIZES)))
    assert len(SIZES) < runs.total() <= 2 * len(SIZES)


@pytest.mark.parametrize("case", BAD_INPUT)
def test_an_error_names_the_worker_and_the_piece_and_nothing_is_published(
    case: str, executor: RayExecutor, store: Store
) -> None:
    check_refused(executor, case, store)


@pytest.mark.parametrize("library", LIBRARIES)
def test_workers_without_this_version_of_the_library_are_an_error(
    library: str,
    executor: RayExecutor,
    store: Store,
    driver: Any,
    container: Any,
    tmp_path: Path,
) -> None:
    variables = {"PYTHONPATH": python_path(tmp_path, library)}
    executor._run = executor._run.options(runtime_env={"env_vars": variables})
    with pytest.raises(WorkerError, match="(?s)" + LIBRARIES[library][1]) as caught:
        driver.ex_upload_with(executor, [b"x"], container, "big.bin", ex_on_failure="abort")
    assert "install the same release" in str(caught.value)
    assert re.search(r"pid=\d+|worker \S+:\d+", str(caught.value))
    assert not store.objects
    store.check_clean()


def test_no_secret_reaches_tasks_processes_of_ray_or_logs(
    executor: RayExecutor,
    cluster: Path,
    store: Store,
    driver: Any,
    container: Any,
    folder: Path,
) -> None:
    recorder = Recorder(executor)
    driver.ex_upload_with(recorder, pieces_for(folder), container, "big.bin", sizes=SIZES)
    store.check_object("big.bin")
    assert recorder.pickles
    assert not [data for data in recorder.pickles if SECRET.encode() in data]
    names = {"gcs_server", "raylet"}
    children = psutil.process_iter(["name", "ppid"])  # without those that end meanwhile
    own = [child for child in children if child.info["ppid"] == os.getpid()]
    checked = {child.info["name"]: child.pid for child in own if child.info["name"] in names}
    assert checked.keys() == names
    for pid in checked.values():
        assert not memory_contains(pid, SECRET)
    assert not files_with(SECRET, cluster)


# Ray Data.


@pytest.fixture
def in_order(cluster: Path) -> Iterator[None]:
    options = DataContext.get_current().execution_options
    options.preserve_order = True
    yield
    options.preserve_order = False


def _dataset(folder: Path) -> Any:
    """The pieces as rows, each of which is made and written by a task."""
    rows = [{"piece": number} for number in range(len(SIZES))]
    pieces = pieces_for(folder)
    return ray.data.from_items(rows, override_num_blocks=len(SIZES)).map(
        lambda row: {"bytes": pieces[row["piece"]]()}
    )


@pytest.mark.parametrize("killed", [False, True], ids=["well", "killed"])
def test_a_dataset_becomes_one_object(
    killed: bool,
    in_order: None,
    store: Store,
    driver: Any,
    container: Any,
    folder: Path,
) -> None:
    kill = KillSender(store)
    if killed:
        store.faults.add("PutObject", kill, nth=3)
    sink = ObjectSink(driver, container, "big.bin", extra={"content_type": "image/x-test"})
    assert SECRET.encode() not in cloudpickle.dumps(sink)
    _dataset(folder).write_datasink(sink)
    assert len(kill.killed) == killed
    store.check_object("big.bin")
    assert [name for _, name in store.objects] == ["big.bin"]
    assert set(runs_in(folder)) == set(range(len(SIZES)))


def test_a_dataset_of_another_version_of_the_library_is_refused(
    in_order: None, store: Store, driver: Any, container: Any
) -> None:
    sink = ObjectSink(driver, container, "big.bin")
    sink._staging = replace(sink._staging, version="0.0")
    dataset = ray.data.from_items([{"bytes": b"x"}], override_num_blocks=1)
    with pytest.raises(Exception, match=r"cannot be written by the worker .* program has 0\.0"):
        dataset.write_datasink(sink)
    assert not store.objects
    store.check_clean()


def test_a_dataset_without_an_order_is_refused(
    executor: RayExecutor, store: Store, driver: Any, container: Any, folder: Path
) -> None:
    with pytest.raises(Exception, match="preserve_order"):
        _dataset(folder).write_datasink(ObjectSink(driver, container, "big.bin"))
    assert not store.objects
    store.check_clean()


def test_a_dataset_that_is_not_bytes_is_refused_and_nothing_is_left(
    in_order: None, store: Store, driver: Any, container: Any
) -> None:
    # One task: another one might still write when what was written is removed.
    dataset = ray.data.from_items([{"bytes": "text"}], override_num_blocks=1)
    with pytest.raises(Exception, match="must be bytes"):
        dataset.write_datasink(ObjectSink(driver, container, "big.bin"))
    assert not store.objects
    store.check_clean()


def test_a_bucket_is_migrated_although_a_worker_is_killed(
    executor: RayExecutor, store: Store, container: Any
) -> None:
    fill(store, container)
    kill = kill_at_the_end_of_a_shard(store)
    report = migrate_on(executor, container)
    assert len(kill.killed) == 1
    check_migration(store, report)
