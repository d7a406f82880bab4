# SPDX-License-Identifier: Apache-2.0
"""The recording of the README: what the terminal shows is what is drawn."""

from __future__ import annotations

import importlib
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from libcloud.test.docs.pages import ROOT

PICTURE = ROOT / "docs" / "_static" / "recording.svg"


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "contrib"))
    return importlib.import_module("recording")


def test_a_line_is_drawn_over_by_the_next_state_of_the_bar(recording: Any) -> None:
    screen = recording.Screen()
    screen.feed("\x1b[?2004h$ put\r\n10 %\r\x1b[K100 %\r\x1b[Kstored\r\nab\b\bc\x1b[1m")
    assert screen.shown() == ("$ put", "stored", "cb")
    assert screen.mebibytes() == 0
    screen.feed("\r\ns3://b/n  40.5 MiB  0:01  9 MiB/s")
    assert screen.mebibytes() == 40.5


def test_the_picture_has_each_frame_for_as_long_as_it_was_seen(recording: Any) -> None:
    frames = [(0.0, ("$ a",)), (1.0, ("$ a", "gone")), (0.01, ("$ a", "<b>")), (3.0, ("$ a", "c"))]
    svg = recording.picture(frames)
    document = ElementTree.fromstring(svg)
    assert "gone" not in svg and "&lt;b&gt;" in svg
    assert re.search(r"animation:f 8\.01s", svg)  # 1.0, 3.01, and the last one's 4
    names = {element.get("id") for element in document.iter() if element.tag.endswith("}text")}
    shown = {element.get("href", "")[1:] for element in document.iter() if "use" in element.tag}
    assert shown == names


def test_the_readme_begins_with_a_recording_that_needs_nothing_from_elsewhere() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = re.search(r"!\[[^\]]+\]\(([^)]+)\)", readme)
    assert first is not None and ROOT / first[1] == PICTURE
    assert readme.index(first[0]) < readme.index("\n## ")
    text = PICTURE.read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    assert not re.findall(r'(?:href|src)="(?!#)', text) and "@import" not in text


@pytest.mark.parametrize(
    "expected", ["stored s3://backups/shop.sql: ", "nothing was stored, no parts remain"]
)
def test_the_recording_shows_an_upload_and_an_interrupt(expected: str) -> None:
    assert expected in PICTURE.read_text(encoding="utf-8")
