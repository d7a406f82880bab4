# SPDX-License-Identifier: Apache-2.0
"""Run it: see the package's docstring, and ``make compare``."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from compare.scenarios import SCENARIOS, Verdict, run
from compare.worker import CLIENTS

_MARKS = {True: "\u2713", False: "\u2717"}
_ORDER = {False: 0, None: 1, True: 2}  # the worst first


def main() -> int:
    """Every client through every scenario; a table of Markdown on standard output."""
    parser = argparse.ArgumentParser(prog="compare", description=__doc__)
    parser.add_argument("--clients", default=",".join(CLIENTS), help="names, separated by commas")
    parser.add_argument("--only", default="", help="scenarios whose title has this in it")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="CLIENT=PATH",
        help="where one is installed",
    )
    parser.add_argument("--repeat", type=int, default=1, help="the worst of so many runs counts")
    parser.add_argument("--json", type=Path, help="write all verdicts there")
    chosen = parser.parse_args()
    pythons = dict(given.split("=", 1) for given in chosen.python)
    names = chosen.clients.split(",")
    verdicts: dict[str, dict[str, Verdict]] = {}
    for scenario in (one for one in SCENARIOS if chosen.only in one.title):
        row = verdicts.setdefault(scenario.title, {})
        for name in names:
            python = pythons.get(name, sys.executable)
            runs = [run(scenario, name, python) for _ in range(chosen.repeat)]
            row[name] = min(runs, key=lambda verdict: _ORDER[verdict.good])
            told = row[name]
            print(f"{scenario.title}: {name}: {told.text} {told.detail}", file=sys.stderr)
    print(table(verdicts, names))
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        found = {
            title: {name: asdict(one) for name, one in row.items()}
            for title, row in verdicts.items()
        }
        chosen.json.write_text(json.dumps({"date": _today(), "verdicts": found}, indent=1) + "\n")
    return 0


def table(verdicts: dict[str, dict[str, Verdict]], names: list[str]) -> str:
    """The verdicts as Markdown, with versions and date."""
    versions = {
        name: next((row[name].version for row in verdicts.values() if row[name].version), "missing")
        for name in names
    }
    lines = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    lines.append(f"| *version* | {' | '.join(versions[name] for name in names)} |")
    for title, row in verdicts.items():
        lines.append(f"| {title} | {' | '.join(_cell(row[name]) for name in names)} |")
    return "\n".join([*lines, "", f"Run on {_today()}."])


def _cell(verdict: Verdict) -> str:
    """What is right needs no words, unless it is a number."""
    if verdict.good is None:
        return "n/a" if verdict.text == "no way" else verdict.text
    text = "" if verdict.good and not verdict.text[0].isdigit() else f" {verdict.text}"
    return f"{_MARKS[verdict.good]}{text}"


def _today() -> str:
    return datetime.now(timezone.utc).date().isoformat()


if __name__ == "__main__":
    sys.exit(main())
