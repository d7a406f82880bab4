# SPDX-License-Identifier: Apache-2.0
"""Runs of pytest on a copy of the tree, for ``mutants.py``; each in a process of its own.

Starting pytest, importing the library and collecting take longer than most of the tests. Therefore
a ``Tree`` has a process that has collected all tests, and forks for each run. The fork exchanges
the code of the functions that a bug is in, and then runs the tests that should notice.

``fresh_run`` is slower, and right for all bugs: it imports the library after the bug was planted.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mutant_code import Functions

ROOT = Path(__file__).resolve().parent.parent
# A test that does not end proves nothing: it might be the machine that is busy.
LIMITS = ("--timeout=300", "--timeout-method=thread")
SECONDS = 1200
OUTPUT = "output-of-pytest"
#: In place of the status of pytest, which has not run: the edit changes more than functions.
NOT_EXCHANGED = -1

IMPORTED_ONCE = [
    "pytest",
    "pytest_timeout",
    "xdist.plugin",
    "hypothesis.stateful",
    "_hypothesis_pytestplugin",
    "lxml.etree",
    "requests",
    "fsspec",
    "click.testing",
    "boto3.session",
    "cryptography.x509",
]

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(IMPORTED_ONCE)


@dataclass(frozen=True)
class Outcome:
    """What a run of pytest returned.

    :param status: of pytest; ``None`` if it did not finish.
    :param failed: names and durations of the tests that failed.
    :param output: what pytest wrote.
    """

    status: int | None
    failed: tuple[tuple[str, float], ...]
    output: str


@dataclass(frozen=True)
class Run:
    """What a fork is to do: run tests, if there is a path with another text in that file."""

    tests: Sequence[str]
    path: str = ""
    old: str = ""
    new: str = ""


@dataclass(frozen=True)
class Tree:
    """A copy of the library and its tests."""

    path: Path
    _forking: Connection

    def run(self, run: Run) -> Outcome:
        """Run tests in a fork of the process that has collected them."""
        self._forking.send(run)
        outcome: Outcome = self._forking.recv()
        return outcome


@contextlib.contextmanager
def tree(path: Path, tests: Sequence[str]) -> Iterator[Tree]:
    """Copy the library and its tests to ``path``; its process collects ``tests``."""
    shutil.copytree(
        ROOT / "libcloud", path / "libcloud", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", path)
    ours, theirs = _processes.Pipe()
    process = _processes.Process(target=_collect_and_fork, args=(path, tests, theirs))
    process.start()
    theirs.close()
    try:
        yield Tree(path, ours)
    finally:
        process.kill()
        process.join()


def fresh_run(path: Path, tests: Sequence[str], *options: str) -> Outcome:
    """Run ``tests`` on the code below ``path`` in a new process, which imports that code."""
    receiver, sender = _processes.Pipe(duplex=False)
    process = _processes.Process(target=_import_and_run, args=(path, tests, options, sender))
    process.start()
    sender.close()
    outcome = _outcome(path, receiver)
    # Threads that a bug leaves behind must not keep the process alive.
    process.kill()
    process.join()
    return outcome


def _outcome(tree: Path, receiver: Connection) -> Outcome:
    failed, status = [], None
    # The end of the stream without a status: pytest-timeout has ended the process.
    with contextlib.suppress(EOFError):
        while status is None and receiver.poll(SECONDS):
            match receiver.recv():
                case int(status):
                    pass
                case failure:
                    failed.append(failure)
    return Outcome(status, tuple(failed), _output(tree))


def _output(tree: Path) -> str:
    return (tree / OUTPUT).read_text(encoding="utf-8", errors="replace")


class _Failures:
    """A plugin of pytest that sends each failure."""

    def __init__(self, sender: Connection) -> None:
        self._sender = sender

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self._sender.send((report.nodeid, report.duration))


class _Forks:
    """A plugin of pytest that forks, once all tests are collected, for each run that it is sent.

    In the fork, pytest goes on with the tests of that run alone.
    """

    def __init__(self, tree: Path, runs: Connection) -> None:
        self._tree = tree
        self._runs = runs
        self.sender: Connection | None = None

    def pytest_runtestloop(self, session: Any) -> None:
        functions = Functions(self._tree)
        items: dict[str, list[Any]] = {}
        for item in session.items:
            names = accumulate(item.nodeid.partition("[")[0].split("::"), "{}::{}".format)
            for name in {item.nodeid, *names}:
                items.setdefault(name, []).append(item)
        while self.sender is None:
            run = self._runs.recv()
            receiver, sender = multiprocessing.Pipe(duplex=False)
            if pid := os.fork():
                sender.close()
                outcome = _outcome(self._tree, receiver)
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                receiver.close()
                self._runs.send(outcome)
                continue
            os.truncate(self._tree / OUTPUT, 0)
            path = self._tree / run.path
            if run.path and not functions.exchange(path, run.old, run.new):
                sender.send(NOT_EXCHANGED)
                os._exit(0)
            self.sender = sender
            session.items = list(dict.fromkeys(item for test in run.tests for item in items[test]))
            session.testscollected = len(session.items)
            session.config.pluginmanager.register(_Failures(sender))


def _collect_and_fork(tree: Path, tests: Sequence[str], runs: Connection) -> None:
    forks = _Forks(tree, runs)
    status = _pytest(tree, tests, (), forks)
    if forks.sender is not None:
        forks.sender.send(status)
        os._exit(0)
    # The tests cannot be collected.
    while True:
        runs.recv()
        runs.send(Outcome(status, (), _output(tree)))


def _import_and_run(
    tree: Path, tests: Sequence[str], options: Sequence[str], sender: Connection
) -> None:
    sender.send(_pytest(tree, tests, options, _Failures(sender)))


def _pytest(tree: Path, tests: Sequence[str], options: Sequence[str], plugin: object) -> int:
    """Run pytest in this process."""
    import pytest

    assert "libcloud" not in sys.modules, "imported before the bug was planted"
    output = os.open(tree / OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    # Compiled once a tree, not once a mutant.
    sys.dont_write_bytecode = False
    os.environ["PYTHONDONTWRITEBYTECODE"] = ""
    options = ("-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", *LIMITS, *options)
    status = int(pytest.main([*options, *tests], plugins=[plugin]))
    sys.stdout.flush()
    return status
