# SPDX-License-Identifier: Apache-2.0
"""What the documentation has generated says what the code does."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from libcloud.cli.main import COMMANDS
from libcloud.storage.s3.profiles import PROFILES
from libcloud.storage.transfer.upload.states import CLEAN_UP, TRANSITIONS, Event, State
from libcloud.test.docs.pages import ROOT


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The modules that generate, which are no part of the library."""
    monkeypatch.syspath_prepend(str(ROOT / "contrib"))
    names = ["pages.commands", "pages.extension", "pages.states", "pages.stores", "feature_table"]
    modules = {name.rpartition(".")[2]: importlib.import_module(name) for name in names}
    return SimpleNamespace(**modules)


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_pages_include_every_generated_block_and_no_other(made: SimpleNamespace) -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md"))
    asked = re.findall(r"<!-- generated: (.*) -->", text)
    assert sorted(asked) == sorted(made.extension.GENERATED)


def test_generated_text_replaces_its_marker(made: SimpleNamespace) -> None:
    page = made.extension.filled_in("before\n\n<!-- generated: shared options -->\n\nafter\n")
    assert "`--profile" in page and page.startswith("before\n") and page.endswith("after\n")
    with pytest.raises(KeyError):
        made.extension.filled_in("<!-- generated: nothing -->\n")


def test_the_table_of_features_matches_the_drivers(made: SimpleNamespace) -> None:
    header, _, *rows = _rows(made.feature_table.feature_table())
    table = {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in rows}
    streams = table["multipart upload of streams of unknown length"]
    assert {name for name, mark in streams.items() if mark == "-"} == {
        "DUMMY",
        "GOOGLE_STORAGE",
        "LOCAL",
    }
    writes = table["conditional writes"]
    assert [name for name, mark in writes.items() if mark != "-"] == ["AZURE_BLOBS", "S3"]
    assert all(set(row.values()) <= {"\u2713", "-"} for row in table.values())


def test_every_profile_has_a_row_and_a_section_with_its_sources(made: SimpleNamespace) -> None:
    names = [row[0].strip("`") for row in _rows(made.stores.stores_table())[2:]]
    assert names == list(PROFILES)
    notes = made.stores.store_notes()
    assert re.findall(r"^### (.*)$", notes, re.MULTILINE) == [
        profile.name for profile in PROFILES.values()
    ]
    r2 = notes.partition("### Cloudflare R2\n")[2].partition("### ")[0]
    assert "developers.cloudflare.com/r2/platform/limits" in r2
    assert "all of equal size except the last" in r2


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_section_with_its_own_options(made: SimpleNamespace, name: str) -> None:
    text = made.commands.command_reference()
    section = text.partition(f"## `libcloud {name}`\n")[2].partition("\n### ")[0]
    assert section
    if name == "put":
        assert "`--fail-on-empty`" in section
        assert "`--endpoint-url" not in section and "shared options" in section


def test_the_diagram_has_each_state_and_each_transition(made: SimpleNamespace) -> None:
    svg = made.states.diagram()
    pairs = {(before, after.state) for before, row in TRANSITIONS.items() for after in row.values()}
    from_anywhere = {after.state for after in CLEAN_UP.values()}
    assert svg.count('class="number"') == len(pairs) + len(from_anywhere)
    assert svg.count('class="way') == len(pairs) + len(from_anywhere)
    assert svg.count('class="state ') == len(State) + 1


def test_the_table_of_transitions_has_every_event(made: SimpleNamespace) -> None:
    table = made.states.transitions_table()
    assert all(event.value in table for event in Event)


def test_a_place_without_a_transition_is_noticed(
    made: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made.states, "CLEAN_UP", {})
    with pytest.raises(LookupError, match="differ"):
        made.states.diagram()


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ('<script src="https://cdn.example/x.js"></script>', True),
        ('<link href="//fonts.example/f.css" rel="stylesheet">', True),
        ('<link rel="stylesheet" href="https://fonts.example/f.css">', True),
        ("<style>@import 'https://fonts.example/f.css'</style>", True),
        ('<img src="https://img.example/badge.svg">', True),
        ('<a href="https://example.com/">', False),
        ('<script src="_static/x.js"></script>', False),
    ],
    ids=["script", "link", "link turned", "import", "image", "anchor", "own script"],
)
def test_what_a_page_would_fetch_from_elsewhere_is_noticed(
    made: SimpleNamespace, tmp_path: Path, page: str, found: bool
) -> None:
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    assert bool(made.extension.fetched_from_elsewhere(tmp_path)) is found


def test_sizes_are_in_the_unit_that_shows_them_whole(made: SimpleNamespace) -> None:
    sizes = [5 * 1024**3, 5 * 1000**3, 5 * 1000**4, 50_000 * 1024**3, 64 * 1024, 17]
    assert [made.feature_table.size_text(size) for size in sizes] == [
        "5 GiB",
        "5 GB",
        "5 TB",
        "48.8 TiB",
        "64 KiB",
        "17 bytes",
    ]
