# SPDX-License-Identifier: Apache-2.0
"""Planted bugs: wrong edits of the library, each of which some test must catch.

Each bug is planted in a copy of the tree, where the tests that should notice it are run. Before the
first one, all these tests are run without any bug. The run fails if a bug survives, if its place is
not found exactly once, or if its tests do not finish. ::

    python contrib/mutants.py                   all bugs
    python contrib/mutants.py -k abort          bugs whose names contain a word
    python contrib/mutants.py -k abort --list   every test of their files that catches them

A test that fails in a fork of a process that had collected it (see ``mutant_runs.py``) has caught
the bug. One that passes is run again on a fresh import: the bug may be in what happens then.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mutant import Mutant
from mutant_list import MUTANTS
from mutant_runs import Outcome, Run, Tree, fresh_run, tree

AT_ONCE = 2
# For --list, which needs some failures, but not all, and no patience with a test that hangs.
LIMITS_OF_LISTS = ("--timeout=20", "--maxfail=10")

_edits = itertools.count(1)


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
    tests = sorted({test for mutant in chosen for test in mutant.selected})
    with contextlib.ExitStack() as stack:
        scratch = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-"))
        ).resolve()
        trees = [
            stack.enter_context(tree(scratch / str(number), tests)) for number in range(AT_ONCE)
        ]
        if options.list:
            return _report(_in_free_trees(_all_catching_tests, chosen, trees))
        if not _all_pass(tests, trees):
            return 1
        return _report(_in_free_trees(judge, chosen, trees))


def _all_pass(tests: Sequence[str], trees: Sequence[Tree]) -> bool:
    """Whether the tests pass without a bug: else nothing that they catch would mean anything."""
    runs = [Run(tests[number::AT_ONCE]) for number in range(min(AT_ONCE, len(tests)))]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for outcome in pool.map(Tree.run, trees, runs):
            if outcome.status != 0:
                print(outcome.output, "The tests fail without any bug.", sep="\n")
                return False
    return True


def _in_free_trees(
    function: Callable[[Mutant, Tree], Verdict], mutants: Iterable[Mutant], trees: Iterable[Tree]
) -> Iterator[Verdict]:
    free: SimpleQueue[Tree] = SimpleQueue()
    for each in trees:
        free.put(each)

    def in_a_free_tree(mutant: Mutant) -> Verdict:
        mine = free.get()
        try:
            return function(mutant, mine)
        finally:
            free.put(mine)

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


def judge(mutant: Mutant, tree: Tree) -> Verdict:
    """Plant ``mutant`` in the copy ``tree``, run its tests there, and take it out again."""

    def run(old: str, new: str) -> Verdict:
        forked = _verdict(mutant, tree.run(Run(mutant.selected, mutant.path, old, new)))
        return forked if forked.good else _verdict(mutant, fresh_run(tree.path, mutant.selected))

    return _planted(mutant, tree, run)


def _all_catching_tests(mutant: Mutant, tree: Tree) -> Verdict:
    def run(_old: str, _new: str) -> Verdict:
        files = tuple(test.split("::")[0] for test in mutant.tests)
        outcome = fresh_run(tree.path, files, *LIMITS_OF_LISTS)
        lines = [
            f"\n  {seconds:6.2f} s  {name}"
            for name, seconds in sorted(outcome.failed, key=lambda failed: failed[1])
        ]
        return replace(_verdict(mutant, outcome), detail="".join(lines))

    return _planted(mutant, tree, run)


def _planted(mutant: Mutant, tree: Tree, run: Callable[[str, str], Verdict]) -> Verdict:
    place = tree.path / mutant.path
    old = place.read_text(encoding="utf-8")
    found = old.count(mutant.old)
    if found != 1:
        where = f"{found} times in {mutant.path}"
        return Verdict(mutant, "NOT FOUND", where, reason=where)
    new = old.replace(mutant.old, mutant.new)
    try:
        compile(new, mutant.path, "exec")
    except SyntaxError as error:
        return Verdict(mutant, "NOT RUN", str(error), reason="not Python")
    _write(place, new)
    try:
        return run(old, new)
    finally:
        _write(place, old)


def _verdict(mutant: Mutant, outcome: Outcome) -> Verdict:
    if outcome.status == 1 and outcome.failed:
        return Verdict(mutant, "caught", f"by {outcome.failed[0][0].split('::', 1)[-1]}")
    if outcome.status == 0:
        return Verdict(mutant, "SURVIVED", reason=mutant.selected[0].rpartition("/")[2])
    # No test at all proves nothing, neither does a tree that cannot be imported.
    ended = "no status" if outcome.status is None else f"status {outcome.status}"
    return Verdict(mutant, "NOT RUN", outcome.output[-2000:], reason=f"{ended} of pytest")


def _write(place: Path, text: str) -> None:
    """Replace a file; its time says so, or compiled code of the same second would be taken."""
    place.write_text(text, encoding="utf-8")
    when = int(time.time()) + next(_edits)
    os.utime(place, (when, when))


if __name__ == "__main__":
    sys.exit(main())
