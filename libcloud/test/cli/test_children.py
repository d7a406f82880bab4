# SPDX-License-Identifier: Apache-2.0
"""Many small objects in several processes: whatever happens to one, the user sees one command.

The commands run in processes of their own, with a server in this one. They are made to fork two
children for a few dozen objects and on any machine, and print the numbers of their processes.
"""

from __future__ import annotations

import itertools
import json
import os
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from libcloud.cli import cores, processes
from libcloud.common.types import LibcloudError
from libcloud.storage.base import Object
from libcloud.storage.capabilities import MIB
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.test.cli.running import BUCKET, Shell, environment, terminal
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.faults import Drop, Hold, Status

pytestmark = pytest.mark.slow

_COUNT = 60

DRIVER = LocalStorageDriver("/")

_FORKING = """
import sys
from libcloud.cli import processes, signals
processes._DOWNLOADS, processes._UPLOADS, processes._SOON = 40, 40, 60.0
free_cores = processes._free_cores
processes._free_cores = lambda jobs: [0, 1] if jobs >= 48 else []
fork = processes.fork_child
def fork_child():
    pid = fork()
    if pid:
        print("child", pid, file=sys.stderr, flush=True)
    return pid
processes.fork_child = fork_child
FORK
from libcloud.__main__ import main
main()
"""


def program(more: str = "") -> list[str]:
    """The command, which forks.

    :param more: Python code that runs before it.
    """
    return [sys.executable, "-c", _FORKING.replace("FORK", more)]


def start(shell: Shell, *arguments: str, more: str = "") -> subprocess.Popen[bytes]:
    """The command as the leader of a process group, as shells start it."""
    return subprocess.Popen(
        [*program(more), *arguments],
        env={**environment(shell.endpoint, shell.home), **shell.more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def run(shell: Shell, *arguments: str, more: str = "") -> tuple[int, str, list[int]]:
    """Exit status of the command, standard error without the lines of its children, and those."""
    with start(shell, *arguments, more=more) as process:
        _, err = process.communicate(timeout=120)
    lines = err.decode().splitlines(keepends=True)
    children = [int(line.split()[1]) for line in lines if line.startswith("child ")]
    return process.returncode, "".join(x for x in lines if not x.startswith("child ")), children


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A directory of small files."""
    for number in range(_COUNT):
        path = tmp_path / "source" / f"d{number % 3}" / f"{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pattern(1000 + number))
    return tmp_path / "source"


@pytest.fixture
def stored(shell: Shell, source: Path) -> Shell:
    """A store that contains them."""
    shell.ok("put", "-r", str(source), "s3://bucket/d/")
    return shell


def contents(directory: Path) -> dict[str, bytes]:
    """The files below a directory, also hidden ones."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def assert_have_ended(children: list[int]) -> None:
    assert children
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


@contextmanager
def all_held(shell: Shell, operation: str) -> Iterator[None]:
    """In the block, all requests have arrived and wait; they continue at its end."""
    holds = Hold("before"), Hold("before")
    shell.fake.faults.add(operation, holds[0], times=_COUNT - 1)
    shell.fake.faults.add(operation, holds[1], nth=_COUNT)
    try:
        assert holds[1].reached.wait(60)
        yield
    finally:
        for hold in holds:
            hold.release.set()


def test_files_are_uploaded_and_downloaded(shell: Shell, source: Path, tmp_path: Path) -> None:
    status, err, children = run(shell, "put", "-r", str(source), "s3://bucket/d/")
    assert (status, len(children)) == (0, 2)
    total = sum(1000 + number for number in range(_COUNT))
    assert re.match(rf"stored {_COUNT} objects in s3://bucket/d/: {total / 1024:.1f} KiB, ", err)
    assert_have_ended(children)
    status, err, children = run(shell, "get", "-r", "s3://bucket/d/", str(tmp_path / "got"))
    assert (status, len(children)) == (0, 2)
    assert f"downloaded {_COUNT} objects" in err
    assert contents(tmp_path / "got") == contents(source)
    assert_have_ended(children)


@pytest.mark.parametrize(
    "options", [["--jobs", "16"], ["--limit-rate", "1G"], ["--max-memory", "1G"], ["--debug"]]
)
def test_one_process_honours_limits_and_is_debugged(
    stored: Shell, tmp_path: Path, options: list[str]
) -> None:
    status, _, children = run(
        stored, "get", "-r", *options, "s3://bucket/d/", str(tmp_path / "got")
    )
    assert (status, children) == (0, [])


@pytest.mark.parametrize(
    "failing",
    ["processes.os.fork = lambda: 1 / 0", "processes.socket.socketpair = lambda: 1 / 0"],
)
def test_without_children_one_process_does_all(
    stored: Shell, source: Path, tmp_path: Path, failing: str
) -> None:
    failing = failing.replace("lambda: 1 / 0", "refuse")
    more = f"def refuse(): raise BlockingIOError(11, 'Resource temporarily unavailable')\n{failing}"
    got = tmp_path / "got"
    status, _, children = run(stored, "get", "-r", "s3://bucket/d/", str(got), more=more)
    assert (status, children) == (0, [])
    assert contents(got) == contents(source)


def test_each_failure_is_listed(stored: Shell, tmp_path: Path) -> None:
    rule = stored.fake.faults.add("GetObject", Status(404, "NoSuchKey"), times=None)
    status, err, children = run(stored, "get", "-r", "s3://bucket/d/", str(tmp_path / "got"))
    assert (status, len(children), rule.fired) == (1, 2, _COUNT)
    named = re.findall(r"libcloud: .*\b(d/d\d/\d+)\b.* does not exist \(status 404, NoSuchKey", err)
    assert sorted(named) == sorted(stored.names())
    assert contents(tmp_path / "got") == {}


def test_an_error_that_affects_all_is_reported_once(stored: Shell, tmp_path: Path) -> None:
    stored.fake.faults.add("GetObject", Status(403, "AccessDenied"), times=None)
    status, err, children = run(stored, "get", "-r", "s3://bucket/d/", str(tmp_path / "got"))
    assert (status, len(children), len(err.splitlines())) == (4, 2, 1), err
    assert contents(tmp_path / "got") == {}
    assert_have_ended(children)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_to_all_processes_ends_them(
    stored: Shell, tmp_path: Path, number: int, status: int
) -> None:
    process = start(stored, "get", "-r", "s3://bucket/d/", str(tmp_path / "got"))
    with process, all_held(stored, "GetObject"):
        os.killpg(process.pid, number)
        _, err = process.communicate(timeout=60)
    text = err.decode()
    assert process.returncode == status
    assert text.count("libcloud: interrupted") == 1
    assert "0 objects finished; running transfers were discarded" in text
    assert "Traceback" not in text
    assert contents(tmp_path / "got") == {}
    assert_have_ended([int(found) for found in re.findall(r"child (\d+)", text)])


def test_what_a_killed_child_had_is_reported(stored: Shell, tmp_path: Path) -> None:
    with start(stored, "get", "-r", "s3://bucket/d/", str(tmp_path / "got")) as process:
        assert process.stderr is not None
        killed, other = (int(process.stderr.readline().split()[1]) for _ in range(2))
        with all_held(stored, "GetObject"):
            os.kill(killed, signal.SIGKILL)
            text = process.stderr.readline().decode()
        text += process.stderr.read().decode()
    assert process.returncode == 1
    named = re.findall(r"libcloud: s3://bucket/d/(d\d/\d+): .* was killed", text)
    got = {name for name in contents(tmp_path / "got") if "libcloud" not in name}
    assert named
    assert got.isdisjoint(named)
    assert len(got) + len(named) == _COUNT
    assert f"downloaded {len(got)} objects" in text
    assert_have_ended([killed, other])


def test_children_end_when_their_parent_is_killed(stored: Shell, tmp_path: Path) -> None:
    with start(stored, "get", "-r", "s3://bucket/d/", str(tmp_path / "got")) as process:
        assert process.stderr is not None
        with all_held(stored, "GetObject"):
            process.kill()
            process.stderr.read()  # ends when the last of them does
    # Only those of the process that was killed are left.
    names = {name for name in contents(tmp_path / "got") if "libcloud" not in name}
    assert names == set()


def test_large_objects_stay_in_the_first_process(
    shell: Shell, source: Path, tmp_path: Path
) -> None:
    large = pattern(12 * MIB + 1)
    for number in range(3):
        (source / f"d{number}" / "large").write_bytes(large)
    status, err, children = run(shell, "put", "-r", str(source), "s3://bucket/d/")
    assert (status, len(children)) == (0, 2), err
    status, err, children = run(shell, "get", "-r", "s3://bucket/d/", str(tmp_path / "got"))
    assert (status, len(children)) == (0, 2), err
    assert contents(tmp_path / "got") == contents(source)


def test_sync_reports_what_children_copied(shell: Shell, source: Path) -> None:
    status, err, children = run(shell, "sync", str(source), "s3://bucket/d/", more="")
    assert (status, len(children)) == (0, 2), err
    assert len(shell.names()) == _COUNT
    status, err, children = run(shell, "sync", str(source), "s3://bucket/d/")
    assert (status, children) == (0, []), err


def test_requests_are_retried_in_every_process(stored: Shell, source: Path, tmp_path: Path) -> None:
    stored.fake.faults.add("GetObject", Drop(), times=5)
    options = ["get", "-r", "--json-progress", "s3://bucket/d/", str(tmp_path / "got")]
    status, err, children = run(stored, *options)
    assert (status, len(children)) == (0, 2), err
    assert contents(tmp_path / "got") == contents(source)
    last = json.loads(err.splitlines()[-1])
    total = sum(len(data) for data in contents(source).values())
    assert (last["event"], last["bytes"]) == ("done", total)


def test_the_bar_of_a_terminal_counts_all(stored: Shell, source: Path, tmp_path: Path) -> None:
    variables = {**environment(stored.endpoint, stored.home), **stored.more}
    arguments = ["get", "-r", "s3://bucket/d/", str(tmp_path / "got")]
    with terminal([], variables, program=[*program(), *arguments]) as shown:
        assert shown.finish() == 0
    assert len(re.findall(r"child \d+", shown.text)) == 2
    total = sum(len(data) for data in contents(source).values())
    assert (
        f"downloaded {_COUNT} objects to {tmp_path / 'got'}/: {total / 1024:.1f} KiB" in shown.text
    )
    assert contents(tmp_path / "got") == contents(source)


def test_children_that_do_not_start_get_nothing(
    stored: Shell, source: Path, tmp_path: Path
) -> None:
    more = "import signal; processes._Service.serve = lambda *_: signal.pause()"
    got = tmp_path / "got"
    status, _, children = run(stored, "get", "-r", "s3://bucket/d/", str(got), more=more)
    assert (status, len(children)) == (0, 2)
    assert contents(got) == contents(source)
    assert_have_ended(children)


@pytest.mark.parametrize(("jobs", "expected"), [(256, 3), (48, 2), (32, 1), (31, 0), (4, 0)])
def test_few_jobs_are_not_split(monkeypatch: pytest.MonkeyPatch, jobs: int, expected: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "current_core", lambda: 0)
    assert len(processes._free_cores(jobs)) == expected


@pytest.mark.parametrize(
    ("size", "ready", "busy", "expected"),
    [(1000, True, 3, True), (1000, True, 4, False), (1000, False, 0, False)]
    + [(size, True, 3, False) for size in (None, MIB)],
)
def test_small_items_go_where_the_fewest_are_unfinished(
    size: int | None, ready: bool, busy: int, expected: bool
) -> None:
    """This process has three."""
    taken: list[bytes] = []
    child: Any = SimpleNamespace(is_ready=ready, unfinished=dict.fromkeys(range(busy)))
    child.add = lambda data, done: taken.append(data)
    chosen = processes.Processes(processes._Known(DRIVER, []), lambda item: size, print)
    chosen._children.append(child)
    assert chosen.take("item", 3 + busy * ready, print) == expected
    assert len(taken) == expected


def test_neither_credentials_nor_drivers_are_sent(shell: Shell) -> None:
    driver = shell.driver
    container = driver.get_container(BUCKET)
    items = [(number, Object(f"{number}", 1, "", {}, {}, container, driver)) for number in range(3)]
    known = processes._Known(driver, items[:1])
    data = known.dumps(items[2])
    assert shell.endpoint.secret.encode() not in data
    number, obj = known.loads(data)
    assert (number, obj.name) == (2, "2")
    assert obj.driver is driver
    assert obj.container is container
    with pytest.raises(pickle.PicklingError):
        known.dumps(shell.driver)  # another one, which the children do not have


def test_an_error_that_cannot_be_sent_keeps_its_message(shell: Shell) -> None:
    class LocalError(Exception):
        """Pickle does not find this class."""

    service = processes._Service.__new__(processes._Service)
    service._known = processes._Known(shell.driver, [])
    sent = service._portable(LocalError("no space"))
    assert isinstance(sent, LibcloudError)
    assert sent.value == "no space"
    original = KeyError("x")
    assert service._portable(original) is original


@pytest.mark.parametrize(
    ("count", "now", "expected"), [(100, 0.0, 40), (100, 60.0, 1), (5, 0.0, 5)]
)
def test_items_that_come_slowly_are_not_read_ahead(
    monkeypatch: pytest.MonkeyPatch, count: int, now: float, expected: int
) -> None:
    """``now`` is what a clock adds each time that it is read."""
    ticks = itertools.count(0.0, now)
    monkeypatch.setattr(processes, "_clock", lambda: next(ticks))
    first, items = processes._read_sample(iter(range(count)), 40)
    assert len(first) == expected
    assert [*items] == [*range(count)]


def test_uploads_need_more_files_than_downloads(shell: Shell, source: Path, tmp_path: Path) -> None:
    more = f"processes._UPLOADS = {2 * _COUNT}"
    status, _, children = run(shell, "put", "-r", str(source), "s3://bucket/d/", more=more)
    assert (status, children) == (0, [])
    status, _, children = run(shell, "get", "-r", "s3://bucket/d/", f"{tmp_path}/out", more=more)
    assert (status, len(children)) == (0, 2)


def test_an_error_while_reading_ahead_is_raised_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise KeyError("page 2")

    first, found = processes._read_sample(items(), 40)
    assert first == [0, 1, 2]
    assert [next(iter(found)) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError):
        next(iter(found))
