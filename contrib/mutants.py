# SPDX-License-Identifier: Apache-2.0
"""Planted bugs: wrong edits of the library, each of which some test must catch.

Each is made in a copy of the tree, and the tests that should notice are run there; before the first
one, all these tests are run without any. A bug that survives, or whose place is not found exactly
once, makes the whole fail. ::

    python contrib/mutants.py               all of them
    python contrib/mutants.py -k abort      those whose names hold a word
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mutant import Mutant
from mutant_list import MUTANTS

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 2
SECONDS_A_TEST = 60  # a mutant that makes a test wait for ever is caught, too
SECONDS = 1200
# Without a mutant all tests must pass, even on a machine with much else to do.
SECONDS_A_PASSING_TEST = 300
SECONDS_OF_ALL = 3600

_edits = itertools.count(1)


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: ``caught``, ``SURVIVED``, ``NOT FOUND`` or ``NOT RUN``."""

    mutant: Mutant
    word: str
    detail: str = ""

    @property
    def good(self) -> bool:
        return self.word == "caught"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Plant bugs, and see that tests catch them.")
    parser.add_argument(
        "-k", metavar="WORD", default="", help="only mutants with WORD in their name"
    )
    options = parser.parse_args(arguments)
    chosen = [mutant for mutant in MUTANTS if options.k in mutant.name]
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        trees = [_copy_to(Path(scratch) / str(number)) for number in range(AT_ONCE)]
        return _judge_all(chosen, trees) if _all_pass(chosen, trees) else 1


def _all_pass(mutants: Iterable[Mutant], trees: Sequence[Path]) -> bool:
    """Whether the tests pass without a bug: else nothing that they catch would mean anything."""
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    halves = [half for number in range(AT_ONCE) if (half := tests[number::AT_ONCE])]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in pool.map(_pytest_without_a_mutant, trees, halves):
            if done.returncode:
                print(done.stdout, done.stderr, "The tests fail without any bug.", sep="\n")
                return False
    return True


def _judge_all(mutants: Iterable[Mutant], trees: Iterable[Path]) -> int:
    free: SimpleQueue[Path] = SimpleQueue()
    for tree in trees:
        free.put(tree)

    def judge_in_a_free_tree(mutant: Mutant) -> Verdict:
        tree = free.get()
        try:
            return judge(mutant, tree)
        finally:
            free.put(tree)

    verdicts = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for verdict in pool.map(judge_in_a_free_tree, mutants):
            print(f"{verdict.word:9}  {verdict.mutant.name}  {verdict.detail}", flush=True)
            verdicts.append(verdict)
    bad = [verdict for verdict in verdicts if not verdict.good]
    print(f"{len(verdicts) - len(bad)} of {len(verdicts)} planted bugs caught")
    return 1 if bad or not verdicts else 0


def judge(mutant: Mutant, tree: Path) -> Verdict:
    """Plant ``mutant`` in the copy ``tree``, run its tests there, and take it out again."""
    place = tree / mutant.path
    text = place.read_text(encoding="utf-8")
    found = text.count(mutant.old)
    if found != 1:
        return Verdict(mutant, "NOT FOUND", f"{found} times in {mutant.path}")
    _write(place, text.replace(mutant.old, mutant.new))
    try:
        return _verdict(mutant, _pytest(tree, mutant.tests))
    except subprocess.TimeoutExpired:
        return Verdict(mutant, "NOT RUN", f"not over after {SECONDS} seconds")
    finally:
        _write(place, text)


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


def _pytest_without_a_mutant(tree: Path, tests: Iterable[str]) -> subprocess.CompletedProcess[str]:
    return _pytest(tree, tests, seconds_a_test=SECONDS_A_PASSING_TEST, seconds=SECONDS_OF_ALL)


def _pytest(
    tree: Path,
    tests: Iterable[str],
    *,
    seconds_a_test: int = SECONDS_A_TEST,
    seconds: int = SECONDS,
) -> subprocess.CompletedProcess[str]:
    # By thread: it ends all of pytest, and so does not wait for threads that are waiting, too.
    patience = (f"--timeout={seconds_a_test}", "--timeout-method=thread")
    options = ("-x", "-q", "-p", "no:cacheprovider", *patience)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=tree,
        env={
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "",
        },  # compiled once a tree, not once a mutant
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def _verdict(mutant: Mutant, done: subprocess.CompletedProcess[str]) -> Verdict:
    if done.returncode == 1:
        failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
        name = failed[0].split()[1].split("::")[-1] if failed else "a test that waits for ever"
        return Verdict(mutant, "caught", f"by {name}")
    if done.returncode == 0:
        return Verdict(mutant, "SURVIVED")
    # No test at all proves nothing, neither does a tree that cannot be imported.
    return Verdict(mutant, "NOT RUN", (done.stdout + done.stderr)[-300:])


if __name__ == "__main__":
    sys.exit(main())
