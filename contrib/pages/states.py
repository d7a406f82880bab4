# SPDX-License-Identifier: Apache-2.0
"""The diagram of the states of an upload, and the table beside it: SVG from the walk's own table.

Where things stand is laid out here by hand; what there is, is not: a state or a way that has no
place is an error.
"""

from __future__ import annotations

from collections.abc import Iterator

from libcloud.storage.transfer.machine import State
from libcloud.test.storage.transfer.transitions import TRANSITIONS

__all__ = ["diagram", "states_page", "ways_table"]

WIDTH, HEIGHT = 760, 560
_BOX = (128, 40)

# Centres.
PLACES = {
    State.READING_FIRST: (380, 36),
    State.PUTTING: (140, 140),
    State.CREATING: (380, 140),
    State.SENDING: (380, 240),
    State.COMPLETING: (380, 340),
    State.CONFIRMING: (140, 340),
    State.ABORTING: (620, 290),
    State.DONE: (380, 500),
    State.FAILED: (620, 500),
}

# Paths of SVG, and where the number of each stands.
_S = State
PATHS: dict[tuple[State, State], tuple[str, tuple[int, int]]] = {
    (_S.READING_FIRST, _S.PUTTING): ("M316,50 L176,118", (250, 82)),
    (_S.READING_FIRST, _S.CREATING): ("M380,56 V118", (380, 86)),
    (_S.READING_FIRST, _S.FAILED): (
        "M444,36 H726 Q740,36 740,50 V486 Q740,500 726,500 H686",
        (600, 36),
    ),
    (_S.PUTTING, _S.DONE): ("M76,140 H54 Q40,140 40,154 V486 Q40,500 54,500 H314", (40, 240)),
    (_S.PUTTING, _S.CONFIRMING): ("M140,160 V318", (140, 240)),
    (_S.PUTTING, _S.FAILED): (
        "M76,132 H32 Q16,132 16,148 V530 Q16,546 32,546 H604 Q620,546 620,532 V522",
        (200, 546),
    ),
    (_S.CREATING, _S.SENDING): ("M380,160 V218", (380, 188)),
    (_S.CREATING, _S.FAILED): (
        "M444,140 H704 Q718,140 718,154 V476 Q718,490 704,490 H686",
        (600, 140),
    ),
    (_S.SENDING, _S.COMPLETING): ("M380,260 V318", (380, 288)),
    (_S.SENDING, _S.ABORTING): ("M444,250 L554,276", (500, 263)),
    (_S.SENDING, _S.FAILED): ("M444,232 H682 Q696,232 696,246 V462 Q696,476 682,480", (600, 232)),
    (_S.COMPLETING, _S.DONE): ("M380,360 V478", (380, 415)),
    (_S.COMPLETING, _S.CONFIRMING): ("M316,340 H206", (260, 340)),
    (_S.COMPLETING, _S.ABORTING): ("M444,332 L554,304", (500, 318)),
    (_S.COMPLETING, _S.FAILED): ("M444,350 C510,370 560,420 592,478", (540, 408)),
    (_S.CONFIRMING, _S.DONE): ("M160,360 C190,430 250,480 314,494", (200, 422)),
    (_S.CONFIRMING, _S.ABORTING): ("M204,350 C330,400 520,420 604,312", (330, 384)),
    (_S.CONFIRMING, _S.FAILED): ("M180,360 C260,450 440,450 554,490", (300, 431)),
    (_S.ABORTING, _S.FAILED): ("M632,310 V478", (632, 392)),
}


def states_page() -> str:
    """The diagram and the table, as Markdown."""
    return f"```{{raw}} html\n{diagram()}\n```\n\n{ways_table()}"


def diagram() -> str:
    """The SVG. Its colours are those of the page, by ``docs/_static/site.css``.

    :raises LookupError: a state or a way has no place, or a place has none.
    """
    if set(PLACES) != set(State) or set(PATHS) != set(TRANSITIONS):
        missing = (set(PLACES) ^ set(State)) | (set(PATHS) ^ set(TRANSITIONS))
        raise LookupError(f"the diagram and the table of states differ: {missing}")
    return "\n".join(_lines())


def ways_table() -> str:
    """What the numbers of the diagram mean."""
    lines = ["| | from | to | when |", "|---|---|---|---|"]
    for number, ((before, after), way) in enumerate(TRANSITIONS.items(), start=1):
        kept = {True: ' (only with `ex_on_failure="keep"`)', False: "", None: ""}[way.keep]
        lines.append(f"| {number} | {before.value} | {after.value} | {way.when}{kept} |")
    return "\n".join(lines) + "\n"


def _lines() -> Iterator[str]:
    yield (
        f'<div class="states"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-labelledby="states-title" xmlns="http://www.w3.org/2000/svg">'
    )
    yield '<title id="states-title">The states of an upload and the ways between them</title>'
    yield '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8"'
    yield 'markerHeight="8" orient="auto"><path d="M0,0 L8,4 L0,8 Z" class="tip"/></marker></defs>'
    for pair in TRANSITIONS:
        kind = " kept" if TRANSITIONS[pair].keep else _kind(pair[1])
        yield f'<path class="way{kind}" d="{PATHS[pair][0]}" marker-end="url(#tip)"/>'
    for state, (x, y) in PLACES.items():
        width, height = _BOX
        corner = f'x="{x - width // 2}" y="{y - height // 2}"'
        yield f'<g class="state {state.name.lower()}">'
        yield f'<rect {corner} width="{width}" height="{height}" rx="8"/>'
        yield f'<text x="{x}" y="{y + 5}">{state.value}</text></g>'
    for number, pair in enumerate(TRANSITIONS, start=1):
        x, y = PATHS[pair][1]
        yield f'<g class="number"><circle cx="{x}" cy="{y}" r="10"/>'
        yield f'<text x="{x}" y="{y + 4}">{number}</text></g>'
    yield "</svg></div>"


def _kind(after: State) -> str:
    return " bad" if after in (State.ABORTING, State.FAILED) else ""
