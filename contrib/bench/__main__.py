# SPDX-License-Identifier: Apache-2.0
"""Measure, print a table, and keep the figures: ``make bench``."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from .clients import CLIENTS
from .plot import svg
from .report import Report, Run, from_json, heading, table, to_json
from .worker import HOST, Cost
from .workloads import IMPORT, UPLOAD, WORKLOADS, Workload

ROUNDS, QUICK_ROUNDS = 5, 3
#: What ``--quick`` measures of the whole amount.
QUICK = 1 / 4
#: Seconds for one run. The slowest takes about ten; one that hangs must not hold up the rest.
TIMEOUT = 600

_TREE = Path(__file__).resolve().parents[2]


class BenchError(Exception):
    """A run did not do its work, so there is no figure."""


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a quarter of the work, 3 rounds")
    parser.add_argument("--rounds", type=int, help=f"runs of each ({ROUNDS})")
    parser.add_argument("--clients", type=_names, default=list(CLIENTS), help=", ".join(CLIENTS))
    parser.add_argument("--workloads", type=_names, help="words of their names: upload,list")
    parser.add_argument(
        "--scale", type=_factors, default=[1.0], help="times the amount; 1,4,16 shows the growth"
    )
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--svg", type=Path, help="file for a plot")
    parser.add_argument("--report", type=Path, help="measure nothing, show this JSON file")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.clients if name not in CLIENTS]:
        parser.error(f"no such client: {', '.join(unknown)}; there are {', '.join(CLIENTS)}")
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    options.chosen = choose(options.workloads, options.scale, quick=options.quick)
    if not options.chosen:
        parser.error(f"no workload is called {options.workloads}")
    return options


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _factors(text: str) -> list[float]:
    return [float(factor) for factor in text.split(",")]


def choose(names: list[str] | None, scales: list[float], *, quick: bool) -> list[Workload]:
    """The workloads whose name contains one of ``names``, all if ``None``, at each scale."""
    chosen = [
        workload
        for workload in WORKLOADS
        if names is None or any(name in workload.name for name in names)
    ]
    share = QUICK if quick else 1
    several = len(scales) > 1
    return [
        workload.scaled(share * scale, renamed=several)
        for workload in chosen
        for scale in (scales if workload.action != IMPORT else scales[:1])
    ]


def environment() -> dict[str, str]:
    """Of the processes that are measured: nothing of the user's settings reaches a client.

    Nor Python's own: without the cache of compiled modules, for one, an import costs a multiple.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "LIBCLOUD_", "PYTHON"))
        and not name.lower().endswith("_proxy")
    }
    path = os.pathsep.join(map(str, (_TREE, _TREE / "contrib")))
    # boto3 reads two files in the home directory unless it is told of others.
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return {**kept, **nowhere, "PYTHONPATH": path}


@contextlib.contextmanager
def store() -> Iterator[int]:
    """The port of a store in a process of its own, which ends with the block."""
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
    )
    with server:
        assert server.stdin and server.stdout
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()


def received(port: int) -> tuple[int, int]:
    """Objects and bytes that reached the store since the last call."""
    connection = http.client.HTTPConnection(HOST, port)
    with contextlib.closing(connection):
        connection.request("GET", "/?received")
        answer: dict[str, int] = json.loads(connection.getresponse().read())
    return answer["objects"], answer["bytes"]


def run_once(client: str, workload: Workload, port: int) -> dict[str, Any]:
    """One process; what it printed.

    :raises BenchError: it failed, or the store has not got what it should have.
    """
    command = [sys.executable, "-m", "bench.worker"]
    command += [client, json.dumps(asdict(workload)), str(port)]
    ended = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=TIMEOUT
    )
    sent = received(port)
    if ended.returncode:
        raise BenchError(f"{client} failed at {workload.name!r}:\n{ended.stderr}")
    answer: dict[str, Any] = json.loads(ended.stdout)
    if "missing" not in answer and (answer["done"] != workload.amount or sent != workload.sent):
        raise BenchError(
            f"{client} at {workload.name!r} did {answer['done']} of {workload.amount}; "
            f"the store has {sent[0]} objects, {sent[1]} bytes"
        )
    return answer


def measure(options: argparse.Namespace) -> Report:
    """All rounds: in each, at each workload, the clients take turns."""
    started = datetime.now().astimezone().isoformat(timespec="seconds")
    report = Report(started, describe_system(), options.rounds, options.chosen)
    with store() as port:
        present = find_clients(options.clients, report, port)
        for number in range(options.rounds):
            for workload in options.chosen:
                _tell(f"round {number + 1} of {options.rounds}: {workload.name}")
                # A different one begins in each round: who follows whom must not matter.
                for client in present[number % len(present) :] + present[: number % len(present)]:
                    answer = run_once(client, workload, port)
                    del answer["version"]
                    report.runs.append(Run(workload.name, client, Cost(**answer)))
    return report


def find_clients(names: Sequence[str], report: Report, port: int) -> list[str]:
    """Those that are installed; the report learns of versions and of what is missing.

    Each does a little work, so that the first run does not pay for compiling its modules.
    """
    little = next(each.scaled(0.001) for each in WORKLOADS if each.action == UPLOAD)
    present = []
    for client in names:
        answer = run_once(client, little, port)
        if "missing" in answer:
            report.missing[client] = answer["missing"]
            _tell(f"{client} is missing: {answer['missing']}")
        else:
            report.versions[client] = answer["version"]
            present.append(client)
    if not present:
        raise BenchError("none of the clients is installed")
    return present


def describe_system() -> str:
    """Interpreter and machine, in words."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    machine = f"{platform.system()} {platform.release()} {platform.machine()}"
    return f"{python}, {machine}, {os.cpu_count()} cores"


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    try:
        report = (
            from_json(options.report.read_text(encoding="utf-8"))
            if options.report
            else measure(options)
        )
    except (BenchError, subprocess.TimeoutExpired) as error:
        _tell(f"bench: {error}")
        return 1
    print(f"{heading(report)}\n\n{table(report)}")
    for path, text in ((options.json, to_json), (options.svg, svg)):
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text(report), encoding="utf-8")
            print(f"written: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
