# SPDX-License-Identifier: Apache-2.0
"""The Makefile says what it waits for before it does what takes long."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"
SLOW = re.compile(r"-m venv\b|PIP\)|pip .*install")


def recipes() -> dict[str, list[str]]:
    """The lines of the recipe of each target."""
    found: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=\S)", MAKEFILE.read_text(encoding="utf-8")):
        target, *lines = block.split("\n")
        if ":" in target and not target.startswith(("#", "define")) and ":=" not in target:
            found[target.partition(":")[0]] = lines
    return found


def installing() -> list[str]:
    return [target for target, lines in recipes().items() if SLOW.search("\n".join(lines))]


def test_targets_that_install_are_found() -> None:
    assert {"$(MADE)", "$(VENV)/.demo", "$(BENCH_MADE)", "compare"} <= set(installing())


@pytest.mark.source
@pytest.mark.parametrize("target", installing())
def test_a_target_prints_what_it_waits_for_before_it_installs(target: str) -> None:
    lines = recipes()[target]
    first = next(number for number, line in enumerate(lines) if SLOW.search(line))
    assert any("@echo" in line for line in lines[:first])
