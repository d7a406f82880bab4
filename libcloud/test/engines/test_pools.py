# SPDX-License-Identifier: Apache-2.0
"""Process pools, loky and MPI: a worker that is killed breaks them, and the upload is continued."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import subprocess
import sys
import sysconfig
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from loky import ProcessPoolExecutor as LokyExecutor

from libcloud.storage.scaleout.executors import executor_for
from libcloud.storage.scaleout.migrate import MigrationError
from libcloud.storage.types import WorkerError
from libcloud.test.engines.bad_input import (
    BAD_INPUT,
    LIBRARIES,
    check_error,
    check_refused,
    python_path,
)
from libcloud.test.engines.migration import (
    check_migration,
    fill,
    kill_at_the_end_of_a_shard,
    migrate_on,
)
from libcloud.test.engines.pieces import SIZES, pieces_for, runs_in
from libcloud.test.engines.processes import Recorder, files_with
from libcloud.test.engines.store import BUCKET, SECRET, KillSender, Store, session_of

pytestmark = pytest.mark.slow

PARTS = len(SIZES)


@pytest.fixture(params=["processes", "loky"])
def pool(request: Any, store: Store) -> Any:
    """A pool of its own, which may break."""
    with executor_for(request.param, 2) as executor:
        yield executor


@pytest.fixture(params=["processes", "loky"], scope="module")
def kept_pool(request: Any, server: Store) -> Any:
    """A pool that does not break."""
    with executor_for(request.param, 2) as executor:
        yield executor


def test_pieces_become_one_object(
    kept_pool: Executor, store: Store, driver: Any, container: Any, folder: Path
) -> None:
    pieces = pieces_for(folder)
    obj = driver.ex_upload_with(kept_pool, pieces, container, "big.bin", sizes=SIZES)
    assert obj.size == sum(SIZES)
    store.check_object("big.bin")
    assert runs_in(folder) == dict.fromkeys(range(len(SIZES)), 1)


@pytest.mark.parametrize("case", BAD_INPUT)
def test_an_error_names_the_worker_and_the_piece_and_nothing_is_published(
    case: str, kept_pool: Executor, store: Store
) -> None:
    check_refused(kept_pool, case, store)


@pytest.mark.parametrize("name", ["processes", "loky"])
def test_no_secret_reaches_tasks_results_logs_or_files(
    name: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    store: Store,
    driver: Any,
    container: Any,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    caplog.set_level(logging.DEBUG)
    session = tmp_path / "session"
    with executor_for(name, 1) as pool:
        pool.submit(partial(logging.basicConfig, level=logging.DEBUG)).result()
        recorder = Recorder(pool)
        driver.ex_upload_with(
            *(recorder, pieces_for(folder), container, "big.bin"),
            sizes=SIZES,
            ex_on_session=session.write_text,
        )
    store.check_object("big.bin")
    output = "".join(capfd.readouterr())
    assert "PUT /bucket/big.bin" in output  # the workers log their requests
    assert "POST /bucket/big.bin" in caplog.text
    assert SECRET not in output + caplog.text
    assert len(recorder.pickles) == 2 * len(SIZES)
    assert not [data for data in recorder.pickles if SECRET.encode() in data]
    assert BUCKET in session.read_text()
    assert not files_with(SECRET, tmp_path)


@pytest.mark.parametrize("kind", [ProcessPoolExecutor, LokyExecutor])
def test_workers_without_the_library_are_an_error_and_nothing_is_published(
    kind: Any, store: Store, driver: Any, container: Any
) -> None:
    program = "import sys; sys.modules['libcloud'] = None"
    hide: dict[str, Any] = {"initializer": exec, "initargs": (program,)}
    if kind is ProcessPoolExecutor:
        hide["mp_context"] = get_context("spawn")
    advice = "a worker was killed, or lacks what the task needs: install the same release"
    with kind(1, **hide) as pool, pytest.raises(WorkerError, match=advice) as caught:
        driver.ex_upload_with(pool, [b"x"], container, "big.bin", ex_on_failure="abort")
    assert isinstance(caught.value.__cause__, BrokenExecutor)
    assert not store.objects
    store.check_clean()


_KILLED = """
import os, signal
from libcloud.storage.scaleout.executors import executor_for

print(executor_for("{name}", 1).submit(os.getpid).result(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("name", ["processes", "loky"])
def test_workers_end_when_their_program_is_killed(name: str) -> None:
    command = [sys.executable, "-c", _KILLED.format(name=name)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        assert program.stdout is not None
        worker = int(program.stdout.readline())
        # The worker has the pipe as well: it is closed when both have ended.
        assert program.stdout.read() == b""
    assert not psutil.pid_exists(worker) or psutil.Process(worker).status() == "zombie"


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
    pool.shutdown()  # the other worker has ended
    missing = _missing(store)
    with executor_for("processes", 2) as executor:
        driver.ex_attach_upload(session_of(caught.value), executor, pieces, sizes=SIZES)
    assert store.count("UploadPart") == missing
    store.check_object("big.bin")


def _missing(store: Store) -> int:
    """Parts that the only upload lacks; requests are counted from now on."""
    store.connections.wait_for_ended_processes()
    (upload,) = store.unfinished_uploads()
    assert 0 < len(upload.parts) < PARTS
    store.log.clear()
    return PARTS - len(upload.parts)


# MPI.


_PROGRAM = ("-m", "libcloud.test.engines.mpi_program")


def _mpi(
    folder: Path, *arguments: str, program: tuple[str, ...] = _PROGRAM, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the program; all of its processes have ended."""
    mpiexec = os.path.join(sysconfig.get_path("scripts"), "mpiexec")
    command = [mpiexec, "-launcher", "fork", "-iface", "lo", "-n", "3", sys.executable]
    command += ["-m", "mpi4py.futures", *program]
    run = {"LIBCLOUD_TEST_RUN": uuid4().hex}
    done = subprocess.run(
        [*command, str(folder), *arguments],
        env={**os.environ, **variables, **run},
        capture_output=True,
        text=True,
        timeout=200,
    )
    running = [process for process in psutil.process_iter() if _has_variables(process, run)]
    _, alive = psutil.wait_procs(running, timeout=60)
    assert not alive
    return done


def _has_variables(process: psutil.Process, wanted: dict[str, str]) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(wanted.items() <= process.environ().items())
    return False


def test_mpi_makes_one_object_of_pieces_and_no_secret_is_sent_or_logged(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = _mpi(folder)
    assert done.returncode == 0, done.stderr
    store.check_object("big.bin")
    assert runs_in(folder) == dict.fromkeys(range(len(SIZES)), 1)
    assert "PUT /bucket/big.bin" in done.stderr  # the workers log their requests
    assert b"PartTask" in (tmp_path / "tasks").read_bytes()
    assert SECRET not in done.stdout + done.stderr
    assert not files_with(SECRET, tmp_path)


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


def test_mpi_names_the_worker_and_the_piece_of_an_error_and_nothing_is_published(
    store: Store, folder: Path
) -> None:
    done = _mpi(folder, "bad")
    assert done.returncode == 0, done.stderr
    errors = json.loads(done.stdout)
    assert errors.keys() == BAD_INPUT.keys()
    for case, text in errors.items():
        check_error(case, text)
    assert not store.objects
    store.check_clean()


# Workers run the program as well, under another name.
_ONLY_HERE = """
import sys
from pathlib import Path

if __name__ == "__main__":
    from libcloud.test.engines.mpi_program import main

    main(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("library", LIBRARIES)
def test_mpi_with_workers_without_this_version_of_the_library_is_an_error(
    library: str, store: Store, folder: Path, tmp_path: Path
) -> None:
    workers = "os.environ.get('PMI_RANK', '0') != '0'"
    program = tmp_path / "program.py"
    program.write_text(_ONLY_HERE, encoding="utf-8")
    path = python_path(tmp_path, library, workers)
    done = _mpi(folder, program=(str(program),), PYTHONPATH=path)
    assert done.returncode != 0
    assert re.search(LIBRARIES[library][1], done.stderr), done.stderr
    assert "install the same release" in done.stderr
    assert not store.objects


def test_the_error_for_mpi_without_its_launcher_has_the_command() -> None:
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
    pool.shutdown()  # the other worker has ended
    store.connections.wait_for_ended_processes()
    with executor_for("processes", 2) as executor:
        check_migration(store, migrate_on(executor, container, resume=True))
