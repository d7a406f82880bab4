# SPDX-License-Identifier: Apache-2.0
"""Pages that repeat what the code says: options, defaults, exit statuses."""

from __future__ import annotations

import re

from libcloud.cli import errors
from libcloud.cli import main as cli
from libcloud.storage.capabilities import MIB
from libcloud.storage.keywords import UploadKeywords
from libcloud.storage.transfer.upload.plan import DEFAULT_PART_SIZE
from libcloud.storage.transfer.upload.session import DEFAULT_MEMORY, DEFAULT_WINDOW
from libcloud.test.docs.pages import ROOT


def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_pages_state_the_defaults_that_there_are() -> None:
    part, memory = DEFAULT_PART_SIZE // MIB, DEFAULT_MEMORY // MIB
    defaults = {
        "window": str(DEFAULT_WINDOW),
        "part_size": f"{part} MiB",
        "max_memory": f"{memory} MiB",
    }
    for page in ("reference/options.md", "explanation/memory.md"):
        for name, value in defaults.items():
            (row,) = re.findall(rf"^\| `ex_{name}` \|(.*)\|$", _page(page), re.MULTILINE)
            assert value in [cell.strip().split(",")[0] for cell in row.split("|")], (page, name)
    assert f"up to {DEFAULT_WINDOW} parts of {part} MiB" in _page("howto/memory.md")
    text = " ".join(_page("explanation/memory.md").split())
    assert f"The window is {DEFAULT_WINDOW} parts" in text
    assert f"so that is {DEFAULT_WINDOW * part} MiB" in text


def test_the_table_of_options_is_complete() -> None:
    text = (ROOT / "docs" / "reference" / "options.md").read_text(encoding="utf-8")
    assert not [name for name in UploadKeywords.__annotations__ if f"`{name}" not in text]


def test_the_exit_statuses_are_those_of_the_command() -> None:
    table = re.findall(r"^\| (\d+) \| .*[^ ] \|", _page("troubleshooting.md"), re.MULTILINE)
    assert table == re.findall(r"^  (\d+) +", cli._EXIT_STATUSES, re.MULTILINE)
    known = (errors.FAILED, errors.USAGE, errors.NOT_FOUND, errors.ACCESS)
    assert set(map(str, (*known, errors.UNREACHABLE, errors.INPUT, errors.INTERRUPTED))) < set(
        table
    )
