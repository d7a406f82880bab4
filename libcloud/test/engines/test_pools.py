# SPDX-License-Identifier: Apache-2.0
"""Process pools, loky and MPI: a worker that is killed breaks them, and the upload is continued."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from concurrent.futures import BrokenExecutor, Executor
from pathlib import Path
from typing import Any

import pytest

from libcloud.storage.scaleout.executors import executor_for
from libcloud.storage.scaleout.migrate import MigrationError
from libcloud.storage.types import WorkerError
from libcloud.test.engines.migration import (
    check_migration,
    fill,
    kill_at_the_end_of_a_shard,
    migrate_on,
)
from libcloud.test.engines.pieces import SIZES, pieces_for, runs_in
from libcloud.test.engines.store import KillSender, Store, session_of

pytestmark = pytest.mark.slow

PARTS = len(SIZES)


@pytest.fixture(params=["processes", "loky"])
def pool(request: Any, store: Store) -> Any:
    with executor_for(request.param, 2) as executor:
        yield executor


def test_pieces_become_one_object(
    pool: Executor, store: Store, driver: Any, container: Any, folder: Path
) -> None:
    pieces = pieces_for(folder)
    obj = driver.ex_upload_with(pool, pieces, container, "big.bin", sizes=SIZES)
    assert obj.size == sum(SIZES)
    store.check_object("big.bin")
    assert runs_in(folder) == dict.fromkeys(range(len(SIZES)), 1)


def test_a_killed_worker_breaks_the_pool_and_the_upload_is_continued(
    pool: Executor, store: Store, driver: Any, container: Any, folder: Path
) -> None:
    kill = KillSender(store)
    store.faults.add("UploadPart", kill, nth=3)
    pieces = pieces_for(folder)
    with pytest.raises(WorkerError, match="Nothing was published") as caught:
        driver.ex_upload_with(pool, pieces, container, "big.bin", sizes=SIZES)
    assert isinstance(caught.value.__cause__, BrokenExecutor)
    assert len(kill.killed) == 1
    missing = _missing(store)
    with executor_for("processes", 2) as executor:
        driver.ex_attach_upload(session_of(caught.value), executor, pieces, sizes=SIZES)
    assert store.count("UploadPart") == missing
    store.check_object("big.bin")


def _missing(store: Store) -> int:
    """Parts that the only upload lacks; requests are counted from now on."""
    store.wait_for_workers_to_end()
    (upload,) = store.unfinished_uploads()
    assert 0 < len(upload.parts) < PARTS
    store.log.clear()
    return PARTS - len(upload.parts)


# MPI.


def _mpi(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = os.path.join(sysconfig.get_path("scripts"), "mpiexec")
    command = [program, "-launcher", "fork", "-iface", "lo", "-n", "3", sys.executable]
    command += ["-m", "mpi4py.futures", "-m", "libcloud.test.engines.mpi_program"]
    return subprocess.run(
        [*command, str(folder), *arguments], capture_output=True, text=True, timeout=120
    )


def test_mpi_makes_one_object_of_pieces(store: Store, folder: Path) -> None:
    done = _mpi(folder)
    assert done.returncode == 0, done.stderr
    store.check_object("big.bin")
    assert runs_in(folder) == dict.fromkeys(range(len(SIZES)), 1)


def test_mpi_dies_with_a_worker_and_the_upload_is_continued(store: Store, folder: Path) -> None:
    kill = KillSender(store)
    store.faults.add("UploadPart", kill, nth=3)
    assert _mpi(folder).returncode != 0
    assert len(kill.killed) == 1
    missing = _missing(store)
    done = _mpi(folder, folder.with_name("session").read_text())
    assert done.returncode == 0, done.stderr
    assert store.count("UploadPart") == missing
    store.check_object("big.bin")


def test_mpi_without_its_launcher_says_how_to_start_the_program() -> None:
    with pytest.raises(ValueError, match="mpiexec"):
        executor_for("mpi")


def test_a_migration_that_lost_a_worker_is_resumed(
    pool: Executor, store: Store, container: Any
) -> None:
    fill(store, container)
    kill = kill_at_the_end_of_a_shard(store)
    with pytest.raises(MigrationError, match="a worker has ended: resume job m1"):
        migrate_on(pool, container)
    assert len(kill.killed) == 1
    with executor_for("processes", 2) as executor:
        check_migration(store, migrate_on(executor, container, resume=True))
