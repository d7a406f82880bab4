# SPDX-License-Identifier: Apache-2.0
"""The figures as bars, in an SVG file that needs no library."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from html import escape

from .clients import CLIENTS
from .report import Line, Report, libraries, short

WIDTH, LEFT, BARS = 760, 150, 430
BAR, GAP, TITLE, MARGIN = 18, 4, 30, 16
COLOURS = ("#9aa0a6", "#1a73e8", "#e8710a", "#188038")


def svg(report: Report) -> str:
    """A group of bars for each workload, as long as the CPU figure; each on its own scale."""
    elements = [_text(MARGIN, 26, f"CPU of the client, {report.when[:10]}", "title")]
    y = 40
    for workload, lines in itertools.groupby(report.lines(), key=lambda line: line.workload):
        group = list(lines)
        elements.append(_text(MARGIN, y + 20, f"{workload}, {group[0].unit}", "group"))
        y += TITLE
        elements += _bars(group, y)
        y += len(group) * (BAR + GAP) + GAP
    for client, reason in report.missing.items():
        y += TITLE
        elements.append(_text(MARGIN, y, f"{client}: missing ({reason})", "label"))
    y += TITLE
    elements.append(_text(MARGIN, y, f"{libraries(report)}; {report.system}", "note"))
    return _document(elements, y + MARGIN)


def _bars(lines: list[Line], top: int) -> Iterable[str]:
    longest = max(line.cpu for line in lines) or 1.0
    names = list(CLIENTS)
    for at, line in enumerate(lines):
        y = top + at * (BAR + GAP)
        length = max(1, round(BARS * line.cpu / longest))
        colour = COLOURS[names.index(line.client) % len(COLOURS)]
        ratio = f" ({line.ratio:.2f} x floor)" if line.ratio is not None else ""
        yield _text(MARGIN, y + BAR - 5, line.client, "label")
        yield f'<rect x="{LEFT}" y="{y}" width="{length}" height="{BAR}" fill="{colour}"/>'
        yield _text(LEFT + length + 6, y + BAR - 5, short(line.cpu) + ratio, "label")


def _text(x: int, y: int, content: str, kind: str) -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(content)}</text>'


def _document(elements: list[str], height: int) -> str:
    style = (
        "text{font-family:sans-serif;fill:#202124}.title{font-size:17px;font-weight:bold}"
        ".group{font-size:14px;font-weight:bold}.label{font-size:12px}.note{font-size:10px}"
    )
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}">'
    )
    background = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return "\n".join([opening, f"<style>{style}</style>", background, *elements, "</svg>", ""])
