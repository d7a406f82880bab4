# SPDX-License-Identifier: Apache-2.0
"""From runs to what people read: medians, a table of text, and the JSON that holds all of it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from .clients import FLOOR
from .worker import Cost
from .workloads import MIB, Workload

HEADINGS = ("workload", "client", "CPU", "unit", "x floor", "range", "wall s", "peak MiB")


@dataclass(frozen=True)
class Run:
    """What one process of one client cost, at one workload."""

    workload: str
    client: str
    cost: Cost


@dataclass(frozen=True)
class Line:
    """The runs of one client at one workload, condensed.

    :param cpu: median, in ``unit``; ``low`` and ``high`` are the extremes.
    :param ratio: of ``cpu`` to the floor's; ``None`` if the floor was not measured.
    :param wall: median, seconds.
    :param peak: the largest, bytes.
    """

    workload: str
    client: str
    unit: str
    cpu: float
    low: float
    high: float
    ratio: float | None
    wall: float
    peak: int


@dataclass
class Report:
    """One run of the benchmark.

    :param when: date and time of its start, with the offset from UTC.
    :param system: machine and interpreter, in words.
    :param versions: of the clients that are there.
    :param missing: why, for each client that is not.
    """

    when: str
    system: str
    rounds: int
    workloads: Sequence[Workload]
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    def lines(self) -> list[Line]:
        """Condensed, by workload, in the order of the clients."""
        found = []
        for workload in self.workloads:
            floor = self._costs(workload.name, FLOOR)
            base = statistics.median(cost.cpu for cost in floor) if floor else None
            for client in self.versions:
                if costs := self._costs(workload.name, client):
                    found.append(_condense(workload, client, costs, base))
        return found

    def _costs(self, workload: str, client: str) -> list[Cost]:
        return [run.cost for run in self.runs if (run.workload, run.client) == (workload, client)]


def _condense(workload: Workload, client: str, costs: list[Cost], base: float | None) -> Line:
    cpu = [cost.cpu for cost in costs]
    middle = statistics.median(cpu)
    return Line(
        workload=workload.name,
        client=client,
        unit=workload.unit,
        cpu=workload.figure(middle),
        low=workload.figure(min(cpu)),
        high=workload.figure(max(cpu)),
        ratio=middle / base if base else None,
        wall=statistics.median(cost.wall for cost in costs),
        peak=max(cost.peak for cost in costs),
    )


def to_json(report: Report) -> str:
    """Everything that was measured; the condensed lines too, for whoever draws them."""
    content = {**asdict(report), "lines": [asdict(line) for line in report.lines()]}
    return json.dumps(content, indent=1) + "\n"


def from_json(text: str) -> Report:
    """What :func:`to_json` wrote; the lines are computed again."""
    content = json.loads(text)
    del content["lines"]
    content["workloads"] = [Workload(**each) for each in content["workloads"]]
    content["runs"] = [Run(**{**each, "cost": Cost(**each["cost"])}) for each in content["runs"]]
    return Report(**content)


def heading(report: Report) -> str:
    """What was measured, when and where."""
    return "\n".join(
        [
            f"{report.when}, {report.system}",
            f"{libraries(report)}; median of {report.rounds}",
            "CPU: user and system of the client's process, from connected to done",
        ]
    )


def libraries(report: Report) -> str:
    """Names and versions; the floor is Python itself."""
    versions = {name: version for name, version in report.versions.items() if name != FLOOR}
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def table(report: Report) -> str:
    """The lines as text. A client that is not installed is named with the reason."""
    rows: list[tuple[str, ...]] = [HEADINGS]
    previous = ""
    for line in report.lines():
        name = line.workload if line.workload != previous else ""
        previous = line.workload
        rows.append((name, *_cells(line)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    text = [_aligned(row, widths) for row in rows]
    text.insert(1, "-" * len(text[0]))
    text += [f"{client}: missing ({reason})" for client, reason in report.missing.items()]
    return "\n".join(text)


def _cells(line: Line) -> tuple[str, ...]:
    return (
        line.client,
        short(line.cpu),
        line.unit,
        f"{line.ratio:.2f}" if line.ratio is not None else "-",
        f"{short(line.low)} .. {short(line.high)}",
        short(line.wall),
        str(round(line.peak / MIB)),
    )


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """Words to the left, numbers to the right."""
    words = {0, 1, 3}
    cells = [
        cell.ljust(width) if at in words else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def short(figure: float) -> str:
    """Two digits after the point, fewer before a large number's."""
    return f"{figure:.2f}" if figure < 100 else f"{figure:.0f}"
