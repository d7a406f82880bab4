# SPDX-License-Identifier: Apache-2.0
"""The benchmark of ``contrib/bench`` does the work that it tells figures of."""

from __future__ import annotations

import dataclasses
import http.client
import importlib
import json
import socket
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

CONTRIB = Path(__file__).resolve().parents[2] / "contrib"
MIB = 1024 * 1024
OURS = "libcloud-storage"


@pytest.fixture(autouse=True)
def bench(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The modules of the benchmark, which is no part of the library."""
    monkeypatch.syspath_prepend(str(CONTRIB))
    names = ["clients", "floor", "plot", "report", "server", "worker", "workloads", "__main__"]
    modules = {name.strip("_"): importlib.import_module(f"bench.{name}") for name in names}
    return SimpleNamespace(**modules)


@pytest.fixture
def port(bench: SimpleNamespace) -> Iterator[int]:
    listener, number = bench.server.listen()
    thread = threading.Thread(target=bench.server.accept, args=(listener,), daemon=True)
    thread.start()
    yield number
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(timeout=30)
    assert not thread.is_alive()


def _workload(bench: SimpleNamespace, action: str, amount: int, piece: int = MIB) -> Any:
    return bench.workloads.Workload(action, action, amount, "s/GiB", 1024 * MIB, piece)


def _report(bench: SimpleNamespace) -> Any:
    """Two clients, one of them with figures that differ, and one that is not there."""
    report = bench.report.Report(
        "2026-01-02T03:04:05+00:00", "CPython 3", 3, [_workload(bench, "upload", 512 * MIB)]
    )
    report.versions.update({"floor": "3.12", OURS: "1"})
    report.missing["boto3"] = "No module named 'boto3'"
    for client, figures in (("floor", (1.0, 9.0, 2.0)), (OURS, (3.0, 2.5, 4.0))):
        for cpu in figures:
            cost = bench.worker.Cost(cpu, cpu + 1, int(cpu * MIB), 512 * MIB)
            report.runs.append(bench.report.Run("upload", client, cost))
    return report


# What is done and measured


@pytest.mark.parametrize("client", ["floor", OURS])
@pytest.mark.parametrize(
    ("action", "amount", "piece"),
    [
        ("upload", 17 * MIB + 5, MIB),
        ("upload", 3 * MIB, 8 * 1024),
        ("small", 3, 100 * 1024),
        ("download", 3 * MIB + 1, MIB),
        ("list", 2500, MIB),
    ],
)
def test_a_client_does_all_of_the_work(
    bench: SimpleNamespace, port: int, client: str, action: str, amount: int, piece: int
) -> None:
    workload = _workload(bench, action, amount, piece)
    cost = bench.worker.measure(client, workload, port)
    assert cost.done == amount
    assert cost.peak > MIB
    assert bench.main.received(port) == workload.sent


@pytest.mark.slow  # two processes
def test_an_import_is_measured_in_a_new_interpreter(bench: SimpleNamespace) -> None:
    cost = bench.worker.measure_import("json, decimal")
    assert cost.wall > 0 and cost.done == 1


@pytest.mark.parametrize("size", [0, 7, 3 * MIB, 3 * MIB + 7])
@pytest.mark.parametrize("piece", [1000, 300 * 1024, 3 * MIB])
def test_the_floor_fills_parts_completely(bench: SimpleNamespace, size: int, piece: int) -> None:
    sent = list(bench.workloads.pieces(size, piece))
    assert {len(each) for each in sent[:-1]} <= {piece}
    buffer = memoryview(bytearray(MIB))
    parts = [(bytes(each.body), each) for each in bench.floor.fill_parts(iter(sent), buffer)]
    assert b"".join(body for body, _ in parts) == b"".join(sent)
    assert all(len(body) == MIB for body, _ in parts[:-1])
    assert [part.digest for _, part in parts] == [sha256(body).hexdigest() for body, _ in parts]
    assert [part.is_last for _, part in parts] == [False] * (len(parts) - 1) + [True]


def test_a_file_over_pieces_reads_the_requested_size(bench: SimpleNamespace) -> None:
    reader = bench.workloads.PieceReader(iter([b"abc", b"de", b"fghi"]))
    assert [reader.read(size) for size in (2, 4, 0)] == [b"ab", b"cdef", b""]
    assert (reader.read(), reader.read(3)) == (b"ghi", b"")


# The store


def _ask(port: int, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, target, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_store_rejects_unsupported_operations(port: int) -> None:
    assert _ask(port, "DELETE", "/bench/object")[0] == 501
    assert _ask(port, "GET", "/bench/nothing")[0] == 404


def test_an_upload_is_not_complete_without_its_parts(bench: SimpleNamespace, port: int) -> None:
    created = _ask(port, "POST", "/bench/object?uploads")[1].decode()
    upload_id = created.partition("<UploadId>")[2].partition("<")[0]
    body = b"<CompleteMultipartUpload><PartNumber>1</PartNumber></CompleteMultipartUpload>"
    assert _ask(port, "POST", f"/bench/object?uploadId={upload_id}", body)[0] == 400
    assert bench.main.received(port) == (0, 0)


# The report


def test_the_table_shows_medians_and_their_ratio_to_the_floor(bench: SimpleNamespace) -> None:
    lines = bench.report.table(_report(bench)).splitlines()
    assert lines[0].split()[:3] == ["workload", "client", "CPU"]
    assert " ".join(lines[2].split()) == "upload floor 4.00 s/GiB 1.00 2.00 .. 18.00 3.00 9"
    assert " ".join(lines[3].split()) == f"{OURS} 6.00 s/GiB 1.50 5.00 .. 8.00 4.00 4"


def test_a_library_that_is_not_installed_is_named_as_missing(bench: SimpleNamespace) -> None:
    assert "boto3: missing (No module named 'boto3')" in bench.report.table(_report(bench))
    assert "boto3: missing" in bench.plot.svg(_report(bench))


def test_without_the_floor_there_is_no_ratio(bench: SimpleNamespace) -> None:
    report = _report(bench)
    del report.versions["floor"]
    report.runs = [run for run in report.runs if run.client != "floor"]
    assert [line.ratio for line in report.lines()] == [None]
    assert f"{OURS}  6.00  s/GiB        -" in bench.report.table(report)


def test_the_figures_survive_the_file(bench: SimpleNamespace) -> None:
    report = _report(bench)
    text = bench.report.to_json(report)
    assert bench.report.from_json(text) == report
    assert [line["cpu"] for line in json.loads(text)["lines"]] == [4.0, 6.0]


def test_the_heading_names_date_machine_and_versions(bench: SimpleNamespace) -> None:
    heading = bench.report.heading(_report(bench))
    assert all(word in heading for word in ("2026-01-02", "CPython 3", f"{OURS} 1", "median of 3"))


def test_bars_are_as_long_as_their_figures(bench: SimpleNamespace) -> None:
    root = ElementTree.fromstring(bench.plot.svg(_report(bench)))
    bars = [bar for bar in root.iter("{http://www.w3.org/2000/svg}rect") if bar.get("x")]
    floor, ours = (int(bar.get("width", "0")) for bar in bars)
    assert ours == bench.plot.BARS and floor == round(bench.plot.BARS * 4 / 6)


# What is asked of it


def test_quick_does_less_of_the_same(bench: SimpleNamespace) -> None:
    full, quick = bench.main.parse_arguments([]), bench.main.parse_arguments(["--quick"])
    assert quick.rounds < full.rounds
    amounts = {workload.name: workload.amount for workload in full.chosen}
    assert list(amounts) == [workload.name for workload in quick.chosen]
    assert all(less.amount < amounts[less.name] or less.amount == 1 for less in quick.chosen)


def test_scales_are_distinguished_by_name(bench: SimpleNamespace) -> None:
    arguments = ["--workloads", "listing,import", "--scale", "1,4"]
    chosen = bench.main.parse_arguments(arguments).chosen
    amounts = {workload.name: workload.amount for workload in chosen}
    assert amounts == {"listing x1": 100_000, "listing x4": 400_000, "import": 1}


@pytest.mark.parametrize("arguments", [["--clients", "floor,nobody"], ["--workloads", "nothing"]])
def test_what_there_is_not_cannot_be_measured(bench: SimpleNamespace, arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main.parse_arguments(arguments)


def test_settings_of_the_user_do_not_reach_a_client(
    bench: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "https_proxy", "HTTP_PROXY", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.setenv(name, "1")
    seen = bench.main.environment()
    assert not {"AWS_PROFILE", "https_proxy", "HTTP_PROXY", "PYTHONDONTWRITEBYTECODE"} & set(seen)
    assert seen["PATH"]


def test_a_run_reports_a_missing_library(
    bench: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'absent'")

    monkeypatch.setitem(bench.clients.CLIENTS, "absent", bench.clients.Kind(absent, "absent", None))
    workload = dataclasses.asdict(_workload(bench, "upload", 1))
    bench.worker.main("absent", json.dumps(workload), "1")
    assert json.loads(capsys.readouterr().out) == {"missing": "No module named 'absent'"}


@pytest.mark.slow  # a process for each run
def test_a_run_that_did_not_reach_the_store_has_no_figure(
    bench: SimpleNamespace, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.main, "received", lambda port: (1, 99))
    with pytest.raises(bench.main.BenchError, match="the store has 1 objects, 99 bytes"):
        bench.main.run_once("floor", _workload(bench, "upload", 100), port)


@pytest.mark.slow  # a process for each run
def test_a_whole_benchmark_ends_in_a_table_and_two_files(
    bench: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures, plot = tmp_path / "new" / "bench.json", tmp_path / "bench.svg"
    arguments = ["--clients", f"floor,{OURS}", "--workloads", "1 MiB,import", "--rounds", "1"]
    arguments += ["--scale", "0.001", "--json", str(figures), "--svg", str(plot)]
    assert bench.main.main(arguments) == 0
    shown = capsys.readouterr().out
    report = bench.report.from_json(figures.read_text(encoding="utf-8"))
    assert bench.report.table(report) in shown
    measured = [(run.workload, run.client) for run in report.runs]
    names = ["upload in 1 MiB pieces", "import"]
    assert measured == [(name, client) for name in names for client in ("floor", OURS)]
    assert len(list(ElementTree.parse(plot).iter("{http://www.w3.org/2000/svg}rect"))) == 5
    assert bench.main.main(["--report", str(figures)]) == 0
    assert bench.report.table(report) in capsys.readouterr().out
