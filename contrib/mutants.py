# SPDX-License-Identifier: Apache-2.0
"""Planted bugs: wrong edits of the library, each of which some test must catch.

Each bug is planted in a copy of the tree, where the tests that should notice it are run. Before the
first one, all these tests are run without any bug. The run fails if a bug survives, if its place is
not found exactly once, or if its tests do not finish. ::

    python contrib/mutants.py                   all bugs
    python contrib/mutants.py -k abort          bugs whose names contain a word
    python contrib/mutants.py -k abort --list   every test of their files that catches them

Starting pytest takes longer than most of these tests. Therefore a server process imports pytest and
the libraries that the tests use, but nothing of libcloud, and forks for each run.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mutant import Mutant
from mutant_list import MUTANTS

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 2
# A test that does not end proves nothing: it might be the machine that is busy.
LIMITS = ("--timeout=300", "--timeout-method=thread")
SECONDS = 1200
OUTPUT = "output-of-pytest"
# For --list, which needs some failures, but not all, and no patience with a test that hangs.
LIMITS_OF_LISTS = ("--timeout=20", "--maxfail=10")

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
_edits = itertools.count(1)


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
class Verdict:
    """What became of a mutant: ``caught``, ``SURVIVED``, ``NOT FOUND`` or ``NOT RUN``.

    :param detail: where it was looked for, the test that caught it, or what pytest wrote.
    :param reason: why it was not caught, in a few words.
    """

    mutant: Mutant
    word: str
    detail: str = ""
    reason: str = ""

    @property
    def good(self) -> bool:
        return self.word == "caught"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Plant bugs, and see that tests catch them.")
    parser.add_argument(
        "-k", metavar="WORD", default="", help="only mutants with WORD in their name"
    )
    parser.add_argument(
        "--list", action="store_true", help="list all tests of their files that catch them"
    )
    options = parser.parse_args(arguments)
    chosen = [mutant for mutant in MUTANTS if options.k in mutant.name]
    _processes.set_forkserver_preload(IMPORTED_ONCE)
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        trees = [_copy_to(Path(scratch) / str(number)) for number in range(AT_ONCE)]
        if options.list:
            return _report(_in_free_trees(_all_catching_tests, chosen, trees))
        if not _all_pass(chosen, trees):
            return 1
        return _report(_in_free_trees(judge, chosen, trees))


def _all_pass(mutants: Iterable[Mutant], trees: Sequence[Path]) -> bool:
    """Whether the tests pass without a bug: else nothing that they catch would mean anything."""
    tests = sorted({test for mutant in mutants for test in mutant.selected})
    halves = [half for number in range(AT_ONCE) if (half := tests[number::AT_ONCE])]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for outcome in pool.map(_run, trees, halves):
            if outcome.status != 0:
                print(outcome.output, "The tests fail without any bug.", sep="\n")
                return False
    return True


def _in_free_trees(
    function: Callable[[Mutant, Path], Verdict], mutants: Iterable[Mutant], trees: Iterable[Path]
) -> Iterator[Verdict]:
    free: SimpleQueue[Path] = SimpleQueue()
    for tree in trees:
        free.put(tree)

    def in_a_free_tree(mutant: Mutant) -> Verdict:
        tree = free.get()
        try:
            return function(mutant, tree)
        finally:
            free.put(tree)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(in_a_free_tree, mutants)


def _report(verdicts: Iterable[Verdict]) -> int:
    """Print each verdict as it comes, and at the end again what was not caught, a line each."""
    good, bad = 0, []
    for verdict in verdicts:
        print(f"{verdict.word:9}  {verdict.mutant.name}  {verdict.detail}", flush=True)
        if verdict.good:
            good += 1
        else:
            bad.append(f"{verdict.mutant.name}: {verdict.word}, {verdict.reason}")
    # .ci/run looks for these lines.
    for line in bad:
        print(f"NOT CAUGHT {line}")
    print(f"{good} of {good + len(bad)} planted bugs caught")
    return 1 if bad or not good else 0


def judge(mutant: Mutant, tree: Path) -> Verdict:
    """Plant ``mutant`` in the copy ``tree``, run its tests there, and take it out again."""
    return _planted(mutant, tree, lambda: _verdict(mutant, _run(tree, mutant.selected)))


def _all_catching_tests(mutant: Mutant, tree: Path) -> Verdict:
    def run() -> Verdict:
        files = tuple(test.split("::")[0] for test in mutant.tests)
        outcome = _run(tree, files, *LIMITS_OF_LISTS)
        lines = [
            f"\n  {seconds:6.2f} s  {name}"
            for name, seconds in sorted(outcome.failed, key=lambda failed: failed[1])
        ]
        return replace(_verdict(mutant, outcome), detail="".join(lines))

    return _planted(mutant, tree, run)


def _planted(mutant: Mutant, tree: Path, run: Callable[[], Verdict]) -> Verdict:
    place = tree / mutant.path
    text = place.read_text(encoding="utf-8")
    found = text.count(mutant.old)
    if found != 1:
        where = f"{found} times in {mutant.path}"
        return Verdict(mutant, "NOT FOUND", where, reason=where)
    _write(place, text.replace(mutant.old, mutant.new))
    try:
        return run()
    finally:
        _write(place, text)


def _verdict(mutant: Mutant, outcome: Outcome) -> Verdict:
    if outcome.status == 1 and outcome.failed:
        return Verdict(mutant, "caught", f"by {outcome.failed[0][0].split('::', 1)[-1]}")
    if outcome.status == 0:
        return Verdict(mutant, "SURVIVED", reason=mutant.selected[0].rpartition("/")[2])
    # No test at all proves nothing, neither does a tree that cannot be imported.
    ended = "no status" if outcome.status is None else f"status {outcome.status}"
    return Verdict(mutant, "NOT RUN", outcome.output[-2000:], reason=f"{ended} of pytest")


def _copy_to(tree: Path) -> Path:
    shutil.copytree(
        ROOT / "libcloud", tree / "libcloud", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


def _write(place: Path, text: str) -> None:
    """Replace a file; its time says so, or compiled code of the same second would be taken."""
    place.write_text(text, encoding="utf-8")
    when = int(time.time()) + next(_edits)
    os.utime(place, (when, when))


def _run(tree: Path, tests: Sequence[str], *options: str) -> Outcome:
    """Run ``tests`` on the code in ``tree``, in a process of its own."""
    receiver, sender = _processes.Pipe(duplex=False)
    process = _processes.Process(target=_pytest, args=(tree, tests, options, sender))
    process.start()
    sender.close()
    failed, status = [], None
    # The end of the stream without a status: pytest-timeout has ended the process.
    with contextlib.suppress(EOFError):
        while status is None and receiver.poll(SECONDS):
            match receiver.recv():
                case int(status):
                    pass
                case failure:
                    failed.append(failure)
    # Threads that a bug leaves behind must not keep the process alive.
    process.kill()
    process.join()
    output = (tree / OUTPUT).read_text(encoding="utf-8", errors="replace")
    return Outcome(status, tuple(failed), output)


def _pytest(tree: Path, tests: Sequence[str], options: Sequence[str], sender: Connection) -> None:
    """Run pytest in this process; send each failure, and then the status."""
    import pytest

    assert "libcloud" not in sys.modules, "imported before the bug was planted"
    output = os.open(tree / OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    # Compiled once a tree, not once a mutant.
    sys.dont_write_bytecode = False
    os.environ["PYTHONDONTWRITEBYTECODE"] = ""

    class Failures:
        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.failed:
                sender.send((report.nodeid, report.duration))

    options = ("-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", *LIMITS, *options)
    status = int(pytest.main([*options, *tests], plugins=[Failures()]))
    sys.stdout.flush()
    sender.send(status)


if __name__ == "__main__":
    sys.exit(main())
