# SPDX-License-Identifier: Apache-2.0
"""The extension of Sphinx: puts in what is generated, and refuses a page that needs the network."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from feature_table import feature_table

from pages import commands, states, stores

GENERATED: dict[str, Callable[[], str]] = {
    "commands": commands.command_reference,
    "list of commands": commands.command_list,
    "features": lambda: _of_class("features", feature_table()),
    **{f"notes on {name}": partial(stores.notes_on, name) for name in stores.WITH_A_PAGE},
    "shared options": commands.shared_options,
    "states": states.states_page,
    "store notes": stores.store_notes,
    "stores": lambda: _of_class("compact", stores.stores_table()),
}

_ASKED = re.compile(r"^<!-- generated: ([a-z0-9 ]+) -->$", re.MULTILINE)
# What a browser fetches unasked; links, which somebody has to follow, are not meant.
_FETCHED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc="(?:https?:)?//[^"]*"|"""
    r"""<link\b(?=[^>]*\brel="(?:stylesheet|preload|preconnect|icon)")[^>]*href="(?:https?:)?//[^"]*"|"""
    r"""@import\s+(?:url\()?["']?(?:https?:)?//|url\(["']?(?:https?:)?//"""
)


def _of_class(name: str, table: str) -> str:
    """A table that the style sheet knows."""
    return f"```{{table}}\n:class: {name}\n\n{table}```"


def filled_in(page: str) -> str:
    """``page`` with what it asks for.

    :raises KeyError: there is no such thing.
    """
    return _ASKED.sub(lambda match: GENERATED[match[1]](), page)


def fetched_from_elsewhere(site: Path) -> list[str]:
    """What the pages of ``site`` would fetch from other servers."""
    files = [*site.rglob("*.html"), *site.rglob("*.css")]
    return [
        f"{file.relative_to(site)}: {match[0]}"
        for file in files
        for match in _FETCHED.finditer(file.read_text(encoding="utf-8"))
    ]


def _read(app: Any, name: str, source: list[str]) -> None:
    source[0] = filled_in(source[0])


def _finished(app: Any, error: Exception | None) -> None:
    if error is None and (found := fetched_from_elsewhere(Path(app.outdir))):
        raise RuntimeError("fetched from elsewhere: " + "; ".join(found))


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("source-read", _read)
    app.connect("build-finished", _finished)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
