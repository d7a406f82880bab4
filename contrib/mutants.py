# SPDX-License-Identifier: Apache-2.0
"""Planted bugs: wrong edits of the library, each of which some test must catch.

Each is made in a copy of the tree, and the tests that should notice are run there. A bug that
survives, or whose place is not found exactly once, makes the whole fail. ::

    python contrib/mutants.py               all of them
    python contrib/mutants.py -k abort      those whose names hold a word
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mutant_list import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 2
SECONDS_A_TEST = 30  # a mutant that makes a test wait for ever is caught, too
SECONDS = 300


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: ``caught``, ``SURVIVED``, or ``NOT FOUND``."""

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
    with ThreadPoolExecutor(AT_ONCE) as pool:
        verdicts = []
        for verdict in pool.map(judge, chosen):
            print(f"{verdict.word:9}  {verdict.mutant.name}  {verdict.detail}", flush=True)
            verdicts.append(verdict)
    bad = [verdict for verdict in verdicts if not verdict.good]
    print(f"{len(verdicts) - len(bad)} of {len(verdicts)} planted bugs caught")
    return 1 if bad or not verdicts else 0


def judge(mutant: Mutant) -> Verdict:
    """Plant ``mutant`` in a copy and run its tests there."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as scratch:
        tree = Path(scratch)
        shutil.copytree(
            ROOT / "libcloud", tree / "libcloud", ignore=shutil.ignore_patterns("__pycache__")
        )
        shutil.copy(ROOT / "pyproject.toml", tree)
        place = tree / mutant.path
        text = place.read_text(encoding="utf-8")
        found = text.count(mutant.old)
        if found != 1:
            return Verdict(mutant, "NOT FOUND", f"{found} times in {mutant.path}")
        place.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        return _run(mutant, tree)


def _run(mutant: Mutant, tree: Path) -> Verdict:
    options = ("-x", "-q", "-p", "no:cacheprovider", f"--timeout={SECONDS_A_TEST}")
    command = [sys.executable, "-m", "pytest", *options, *mutant.tests]
    try:
        done = subprocess.run(
            command, cwd=tree, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Verdict(mutant, "caught", "by a test that waits for ever")
    if done.returncode == 1:
        failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
        return Verdict(
            mutant, "caught", f"by {failed[0].split()[1].split('::')[-1]}" if failed else ""
        )
    if done.returncode == 0:
        return Verdict(mutant, "SURVIVED")
    # No test at all proves nothing, neither does a tree that cannot be imported.
    return Verdict(mutant, "NOT RUN", (done.stdout + done.stderr)[-300:])


if __name__ == "__main__":
    sys.exit(main())
