# SPDX-License-Identifier: Apache-2.0
"""The map from Apache Libcloud to this library says where the code is."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any

import pytest

from libcloud.storage.providers import DRIVERS
from libcloud.test.docs.pages import ROOT


@pytest.fixture
def migration_map(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that makes the map, which is no part of the library."""
    monkeypatch.syspath_prepend(str(ROOT / "contrib"))
    return importlib.import_module("migration_map")


def test_the_page_matches_the_code(migration_map: Any) -> None:
    page = migration_map.PAGE.read_text(encoding="utf-8")
    assert page == migration_map.page(), "run: python contrib/migration_map.py"


def test_every_public_name_and_hook_has_a_row(migration_map: Any) -> None:
    record = json.loads(migration_map.RECORD.read_text(encoding="utf-8"))
    rows = set(re.findall(r"^\| `([\w.]+)` \|", migration_map.page(), re.MULTILINE))
    for module in migration_map.MODULES:
        for name, entry in record[module].items():
            if entry["kind"] in ("class", "function"):
                assert name in rows
            methods = [key for key, member in entry.get("members", {}).items() if "sig" in member]
            assert {f"{name}.{method}" for method in methods} <= rows
    assert set(DRIVERS) <= rows


def test_every_note_belongs_to_a_row(migration_map: Any) -> None:
    page = migration_map.page()
    for name, note in migration_map.NOTES.items():
        module = next(module for module in migration_map.MODULES if name.startswith(f"{module}."))
        section = page.partition(f"## `{module}`")[2].partition("\n## ")[0]
        assert f"| `{name.removeprefix(module + '.')}` |" in section
        assert f" | {note} |" in section


def test_nothing_of_libcloud_269_is_missing(migration_map: Any) -> None:
    for path, _ in migration_map.LIBCLOUD_269.values():
        assert migration_map._place(path) != "-", path
