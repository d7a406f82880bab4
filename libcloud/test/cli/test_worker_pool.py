# SPDX-License-Identifier: Apache-2.0
"""The worker pool: tasks run in parallel, failures are isolated, and all tasks stop together."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from libcloud.cli.errors import ReportedError
from libcloud.cli.failures import Failures
from libcloud.cli.worker_pool import WorkerPool
from libcloud.common.types import InvalidCredsError
from libcloud.storage.capabilities import MIB
from libcloud.test.cli.running import Shell
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.faults import Hold


def test_tasks_run_at_the_same_time() -> None:
    meet = threading.Barrier(3, timeout=30)
    WorkerPool(3).run([meet.wait] * 6, Failures(6))


def test_the_number_of_running_and_queued_tasks_is_bounded() -> None:
    asked, running, most, lock = [0], [0], [0], threading.Lock()

    def task() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
            assert asked[0] <= done[0] + 4 + 2
        with lock:
            running[0] -= 1
            done[0] += 1

    def tasks() -> Iterator[partial[None]]:
        for _ in range(50):
            asked[0] += 1
            yield partial(task)

    done = [0]
    failures = Failures(50)
    WorkerPool(2).run(tasks(), failures)
    assert (done[0], failures.count) == (50, 0)
    assert most[0] <= 2


@pytest.mark.parametrize("startable", [0, 1])
def test_tasks_run_when_few_or_no_threads_can_be_started(
    startable: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As at the end of the interpreter, when ``libcloud.cli`` is used by an ``atexit`` handler."""
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def start_few(thread: threading.Thread) -> None:
        if len(started) == startable:
            raise RuntimeError("can't create new thread at interpreter shutdown")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_few)
    done: list[int] = []
    WorkerPool(3).run([partial(done.append, number) for number in range(9)], Failures(9))
    assert done == [*range(9)]
    assert len(started) == startable


def test_no_worker_outlives_the_pool() -> None:
    WorkerPool(3).run([lambda: None] * 5, Failures(5))
    assert not [one for one in threading.enumerate() if one.name.startswith("libcloud-job")]


@pytest.mark.parametrize("jobs", [1, 3])
def test_one_failure_does_not_stop_the_others(
    jobs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def task(number: int) -> None:
        if number == 3:
            raise KeyError(f"number {number}")
        done.append(number)

    done: list[int] = []
    failures = Failures(9)
    WorkerPool(jobs).run([partial(task, number) for number in range(9)], failures)
    assert sorted(done) == [0, 1, 2, 4, 5, 6, 7, 8]
    assert "number 3" in capsys.readouterr().err
    with pytest.raises(ReportedError):
        failures.raise_if_any()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), InvalidCredsError("no", None)])
def test_an_error_that_affects_all_stops_all(error: BaseException) -> None:
    pool, started = WorkerPool(2), threading.Event()
    ended: list[str] = []

    def long() -> Iterator[bytes]:
        try:
            for _ in range(1_000_000):
                started.set()
                yield b"x"
        except GeneratorExit:
            ended.append("closed")
            raise

    def transfer() -> None:
        for _ in pool.interruptible(long()):
            pass

    def tasks() -> Iterator[partial[None]]:
        yield partial(transfer)
        started.wait(30)
        raise error

    with pytest.raises(type(error)):
        pool.run(tasks(), Failures(2))
    assert ended == ["closed"]


def test_a_slow_file_does_not_block_the_others(shell: Shell, tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}").write_bytes(pattern(number))
    assert shell.endpoint.fake is not None
    hold = Hold("before")
    shell.endpoint.fake.faults.add("PutObject", hold)
    paths = [str(tmp_path / f"{number}") for number in range(6)]

    def release() -> None:
        assert hold.reached.wait(30)
        while len(shell.names()) < 5:
            pass
        hold.release.set()

    helper = threading.Thread(target=release)
    helper.start()
    result = shell.ok("put", "-j", "3", *paths, "s3://bucket/d/")
    helper.join()
    assert "stored 6 objects" in result.err
    assert [shell.body(f"d/{number}") for number in range(6)] == [*map(pattern, range(6))]


@pytest.mark.slow
def test_an_interrupt_aborts_all_running_transfers(shell: Shell, tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(pattern(12 * MIB))
    assert shell.endpoint.fake is not None
    holds = [Hold("before") for _ in range(2)]
    for nth, hold in enumerate(holds, 1):
        shell.endpoint.fake.faults.add("UploadPart", hold, part=2, nth=nth)
    options = ["-j", "2", "--part-size", "5MiB", "--window", "1"]
    paths = [str(tmp_path / name) for name in "abc"]
    put = shell.start("put", *options, *paths, "s3://bucket/", stdin=-1, stderr=-1)
    for hold in holds:
        assert hold.reached.wait(60)
    os.kill(put.pid, signal.SIGINT)
    assert put.stderr is not None
    assert put.stderr.readline() == b"libcloud: interrupted\n"
    for hold in holds:
        hold.release.set()
    rest = put.stderr.read()
    assert put.wait(60) == 130
    assert b"0 objects finished; running transfers were discarded" in rest
    assert b"Traceback" not in rest
    assert shell.names() == []
    assert shell.unfinished() == []
