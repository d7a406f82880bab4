# SPDX-License-Identifier: Apache-2.0
"""The diagram of the states of an upload and the table below it, from the engine's own table.

The layout is drawn by hand; the states and transitions are not: one without a place is an error.
"""

from __future__ import annotations

from collections.abc import Iterator

from libcloud.storage.transfer.upload.states import CLEAN_UP, TRANSITIONS, Event, State

WIDTH, HEIGHT = 760, 560
_BOX = (128, 40)
_ANY = None  # the state does not matter
_NAMES = {_ANY: "any state"} | {state: state.value for state in State}

# Centers.
PLACES: dict[State | None, tuple[int, int]] = {
    State.READING_FIRST: (380, 36),
    State.PUTTING: (140, 140),
    State.CREATING: (380, 140),
    State.SENDING: (380, 240),
    State.COMPLETING: (380, 340),
    State.CONFIRMING: (140, 340),
    State.ABORTING: (620, 290),
    State.DONE: (380, 500),
    State.FAILED: (620, 500),
    _ANY: (620, 140),
}

# SVG paths, and where the number of each stands.
_S = State
PATHS: dict[tuple[State | None, State], tuple[str, tuple[int, int]]] = {
    (_S.READING_FIRST, _S.PUTTING): ("M316,50 L176,118", (250, 82)),
    (_S.READING_FIRST, _S.CREATING): ("M380,56 V118", (380, 86)),
    (_S.READING_FIRST, _S.SENDING): ("M334,56 C286,100 280,190 330,220", (291, 150)),
    (_S.PUTTING, _S.DONE): ("M76,140 H54 Q40,140 40,154 V486 Q40,500 54,500 H314", (40, 240)),
    (_S.PUTTING, _S.CONFIRMING): ("M140,160 V318", (140, 240)),
    (_S.CREATING, _S.SENDING): ("M380,160 V218", (380, 188)),
    (_S.SENDING, _S.COMPLETING): ("M380,260 V318", (380, 288)),
    (_S.COMPLETING, _S.DONE): ("M380,360 V478", (380, 415)),
    (_S.COMPLETING, _S.CONFIRMING): ("M316,340 H206", (260, 340)),
    (_S.CONFIRMING, _S.DONE): ("M160,360 C190,430 250,480 314,494", (200, 422)),
    (_S.ABORTING, _S.ABORTING): ("M576,310 C556,356 620,356 604,312", (590, 345)),
    (_S.ABORTING, _S.FAILED): ("M632,310 V478", (632, 392)),
    (_ANY, _S.ABORTING): ("M620,160 V268", (620, 212)),
    (_ANY, _S.CONFIRMING): ("M566,160 C520,300 480,410 204,352", (505, 290)),
    (_ANY, _S.FAILED): ("M684,140 H704 Q718,140 718,154 V486 Q718,500 704,500 H686", (718, 320)),
}


def arrows() -> dict[tuple[State | None, State], list[Event]]:
    """Which state leads to which, and the events that do so, in the order of the tables."""
    found: dict[tuple[State | None, State], list[Event]] = {}
    for state, events in TRANSITIONS.items():
        for event, after in events.items():
            found.setdefault((state, after.state), []).append(event)
    for event, after in CLEAN_UP.items():
        found.setdefault((_ANY, after.state), []).append(event)
    return found


def states_page() -> str:
    """The diagram and the table, as Markdown."""
    return f"```{{raw}} html\n{diagram()}\n```\n\n{transitions_table()}"


def diagram() -> str:
    """The SVG. Its colors are those of the page, by ``docs/_static/site.css``.

    :raises LookupError: a state or an arrow has no place, or a place has none.
    """
    if set(PLACES) != {_ANY, *State} or set(PATHS) != set(arrows()):
        missing = (set(PLACES) ^ {_ANY, *State}) | (set(PATHS) ^ set(arrows()))
        raise LookupError(f"the diagram and the table of states differ: {missing}")
    return "\n".join(_lines())


def transitions_table() -> str:
    """What the numbers of the diagram mean."""
    lines = ["| | from | to | when |", "|---|---|---|---|"]
    for number, ((before, after), events) in enumerate(arrows().items(), start=1):
        when = "; or ".join(event.value for event in events)
        lines.append(f"| {number} | {_NAMES[before]} | {after.value} | {when} |")
    return "\n".join(lines) + "\n"


def _lines() -> Iterator[str]:
    yield (
        f'<div class="states"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-labelledby="states-title" xmlns="http://www.w3.org/2000/svg">'
    )
    yield '<title id="states-title">The states of an upload and its transitions</title>'
    yield '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8"'
    yield 'markerHeight="8" orient="auto"><path d="M0,0 L8,4 L0,8 Z" class="tip"/></marker></defs>'
    for pair in arrows():
        kind = _kind(*pair)
        yield f'<path class="way{kind}" d="{PATHS[pair][0]}" marker-end="url(#tip)"/>'
    for state, (x, y) in PLACES.items():
        width, height = _BOX
        corner = f'x="{x - width // 2}" y="{y - height // 2}"'
        kind = "any" if state is _ANY else state.name.lower()
        yield f'<g class="state {kind}">'
        yield f'<rect {corner} width="{width}" height="{height}" rx="8"/>'
        yield f'<text x="{x}" y="{y + 5}">{_NAMES[state]}</text></g>'
    for number, pair in enumerate(arrows(), start=1):
        x, y = PATHS[pair][1]
        yield f'<g class="number"><circle cx="{x}" cy="{y}" r="10"/>'
        yield f'<text x="{x}" y="{y + 4}">{number}</text></g>'
    yield "</svg></div>"


def _kind(before: State | None, after: State) -> str:
    return " bad" if before is _ANY or after in (State.ABORTING, State.FAILED) else ""
