# SPDX-License-Identifier: Apache-2.0
"""The examples of a page of Markdown, and whether what they print is what the page says.

A ``python`` block is run; what it prints is the ``text output`` block after it, or nothing. In a
``console`` block lines that begin with ``$`` are run by a shell, and those below are what is
printed. ``...`` in an output stands for anything; times, durations and speeds are not compared.
Other blocks are not run: :data:`SILENT` says which there may be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# What is shown and not run: other people's programs, files, and commands that install something.
SILENT = {"text", "toml", "ini", "sh", "requirements"}

_FENCE = re.compile(r"^(?P<fence>```+)(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=fence)$", re.M | re.S)
_DIFFERS = [
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?( ?UTC|Z)?"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? (s|min)\b"), "DURATION"),
    (re.compile(r"\b\d+(\.\d+)? ([KMG]i)?B/s"), "SPEED"),
]


@dataclass(frozen=True)
class Block:
    """A fenced block.

    :param language: the first word behind the fence.
    :param line: of the page, where its text begins.
    :param output: what it prints; empty if the page shows none.
    """

    language: str
    text: str
    line: int
    output: str = ""


@dataclass(frozen=True)
class Command:
    """A line for the shell, and what the page says it prints."""

    line: str
    output: str


def documents() -> list[Path]:
    """The pages whose examples are run."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: str) -> list[Block]:
    """The blocks of a page, in order; outputs are with the block that they belong to."""
    found: list[Block] = []
    for match in _FENCE.finditer(page):
        language, *rest = match["info"].split() or [""]
        line = page.count("\n", 0, match.start("text")) + 1
        if rest == ["output"]:
            assert found and not found[-1].output, f"line {line}: an output of nothing"
            found[-1] = replace(found[-1], output=match["text"])
        else:
            found.append(Block(language, match["text"], line))
    return found


def commands(text: str) -> Iterator[Command]:
    """What a ``console`` block has typed in, and what came out."""
    typed, printed = "", ""
    for line in text.splitlines():
        if typed.endswith("\\\n") and line.startswith("> "):
            typed += f"{line[2:]}\n"
        elif line.startswith("$ "):
            if typed:
                yield Command(typed.rstrip("\n"), printed)
            typed, printed = f"{line[2:]}\n", ""
        else:
            assert typed, f"printed by nothing: {line}"
            printed += f"{line}\n"
    yield Command(typed.rstrip("\n"), printed)


def matches(said: str, printed: str) -> bool:
    """Whether ``printed`` is what the page said, but for what differs each time."""
    parts = [re.escape(_steady(part)) for part in said.strip().split("...")]
    return re.fullmatch(".*".join(parts), _steady(printed.strip()), re.DOTALL) is not None


def _steady(text: str) -> str:
    for pattern, name in _DIFFERS:
        text = pattern.sub(name, text)
    return text
