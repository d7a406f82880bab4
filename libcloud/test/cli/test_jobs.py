# SPDX-License-Identifier: Apache-2.0
"""Many transfers at a time: failures are isolated, and all transfers stop together."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from libcloud.cli import get as get_command
from libcloud.cli.errors import ReportedError
from libcloud.cli.failures import Failures, run_tasks
from libcloud.common.types import InvalidCredsError
from libcloud.storage.capabilities import MIB
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.test.cli.running import Shell
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.faults import Hold
from libcloud.utils.cancellation import (
    Cancellation,
    current,
    interruptible,
    raise_if_cancelled,
)

DRIVER = LocalStorageDriver("/")
DRIVER._max_concurrency = lambda: None  # type: ignore[method-assign]


@pytest.mark.parametrize("jobs", [1, 3])
def test_one_failure_does_not_stop_the_others(
    jobs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def task(number: int) -> None:
        if number == 3:
            raise KeyError(f"number {number}")
        done.append(number)

    done: list[int] = []
    failures = Failures()
    run_tasks(DRIVER, task, range(9), failures, jobs=jobs)
    assert sorted(done) == [0, 1, 2, 4, 5, 6, 7, 8]
    assert "number 3" in capsys.readouterr().err
    with pytest.raises(ReportedError):
        failures.raise_if_any()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), InvalidCredsError("no", None)])
def test_an_error_that_affects_all_stops_all(error: BaseException) -> None:
    started = threading.Event()
    ended: list[str] = []

    def long() -> Iterator[bytes]:
        try:
            started.set()
            cancellation = current()
            assert cancellation is not None and cancellation.wait(30)
            yield b"x"
        except GeneratorExit:
            ended.append("closed")
            raise

    def transfer(number: int) -> None:
        for _ in interruptible(long()):
            pass

    def numbers() -> Iterator[int]:
        yield 1
        started.wait(30)
        raise error

    with pytest.raises(type(error)):
        run_tasks(DRIVER, transfer, numbers(), Failures(), jobs=None)
    assert ended == ["closed"]


def test_an_interrupt_counts_what_ends_while_it_is_handled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    interrupted, started = threading.Event(), threading.Event()

    def transfer(number: int) -> None:
        started.set()
        assert interrupted.wait(30)

    def numbers() -> Iterator[int]:
        yield 1
        assert started.wait(30)  # otherwise it is cancelled
        interrupted.set()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_tasks(DRIVER, transfer, numbers(), Failures(), jobs=None)
    assert "1 object finished" in capsys.readouterr().err


@pytest.mark.parametrize("jobs", [None, 1])
def test_an_interrupt_that_a_finalizer_got_is_no_failure_of_the_objects(
    jobs: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python prints and ignores exceptions of finalizers, those of signal handlers as well."""
    stop = Cancellation()
    with stop.active():
        stop.cancel()
        with pytest.raises(KeyboardInterrupt):
            run_tasks(DRIVER, lambda _: raise_if_cancelled(), range(9), Failures(), jobs=jobs)
    assert "cancelled" not in capsys.readouterr().err


def test_a_command_that_a_finalizer_did_not_end_is_interrupted(shell: Shell) -> None:
    stop = Cancellation()
    with stop.active():
        stop.cancel()
        result = shell("put", "-", "s3://bucket/x", stdin=b"data")
    assert (result.status, result.err, shell.names()) == (130, "", [])


def test_a_slow_file_does_not_block_the_others(shell: Shell, tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}").write_bytes(pattern(number))
    hold = Hold("before")
    shell.fake.faults.add("PutObject", hold)
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
    holds = [Hold("before") for _ in range(2)]
    for nth, hold in enumerate(holds, 1):
        shell.fake.faults.add("UploadPart", hold, part=2, nth=nth)
    options = ["-j", "2", "--part-size", "5MiB", "--window", "1"]
    paths = [str(tmp_path / name) for name in "abc"]
    options += [*paths, "s3://bucket/"]
    put = shell.start("put", *options, patient=True, stdin=-1, stderr=-1)
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


def test_an_unreadable_directory_stops_no_other_file(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests may run as root, for whom every directory is readable."""
    for name in ("a/1", "locked/2", "z/3"):
        (tmp_path / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "d" / name).write_bytes(b"x")
    scandir = os.scandir

    def scan(path: str) -> Any:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)
    result = shell("put", "-r", str(tmp_path / "d"), "s3://bucket/d/")
    assert result.status == 1
    assert shell.names() == ["d/a/1", "d/z/3"]
    assert "locked: Permission denied" in result.err
    assert "stored 2 objects" in result.err


def test_of_many_failures_the_first_ones_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(number: int) -> None:
        raise KeyError(f"number {number}")

    failures = Failures()
    run_tasks(DRIVER, fail, range(1000), failures, jobs=1)
    assert failures.count == 1000
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 101
    assert "further errors" in lines[-1]
    with pytest.raises(ReportedError):
        failures.raise_if_any()


@pytest.mark.parametrize(("shows_total", "listed"), [(True, 3), (False, 0)])
def test_objects_are_listed_before_the_first_download_only_to_show_their_total(
    shows_total: bool, listed: int
) -> None:
    seen: list[int] = []

    def objects() -> Iterator[Any]:
        for size in (1, 2, 3):
            seen.append(size)
            yield SimpleNamespace(size=size)

    progress: Any = SimpleNamespace(shows_total=shows_total, meter=SimpleNamespace(total=None))
    selected: Any = SimpleNamespace(objects=objects)

    found = get_command._listed(selected, progress)

    assert len(seen) == listed
    assert progress.meter.total == (6 if shows_total else None)
    assert [obj.size for obj in found] == [1, 2, 3]
