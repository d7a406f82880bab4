# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in each scenario, and how the end of it is judged."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compare.worker import BUCKET, KEY, LARGE, MIB, NAME, SECRET, SIZE, pieces
from libcloud.test.storage.fakes.faults import ErrorIn200, FlipBit, LoseAnswer, Status, Truncate
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.server import FakeS3

WORKER = Path(__file__).with_name("worker.py")
PATIENCE = 150
# As Amazon, and as if it were https, over which a body need not be part of the signature.
STORE = Options(key=KEY, secret=SECRET, unsigned_payload=True)
ENOUGH_MEMORY = 200 * MIB  # of 400 MiB


@dataclass(frozen=True)
class Verdict:
    """How it ended.

    :param good: as it should; ``False``: something untrue was said, or something was left behind
        or stored that should not be; ``None``: neither.
    :param text: for the table.
    """

    good: bool | None
    text: str
    version: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Scenario:
    """One thing that happens.

    :param title: for the table.
    :param action: of the worker.
    :param prepare: puts the fault into the server.
    :param judge: by what the worker told, and by the server as it is then.
    :param interrupt: Ctrl-C, when the worker says that it is ready.
    """

    title: str
    action: str
    prepare: Callable[[FakeS3], object]
    judge: Callable[[dict[str, Any], FakeS3], Verdict]
    interrupt: bool = False
    options: Options = STORE


def run(scenario: Scenario, client: str, python: str = sys.executable) -> Verdict:
    """Have ``client`` go through it."""
    with FakeS3(scenario.options) as server:
        server.create_bucket(BUCKET)
        scenario.prepare(server)
        told = _worker(scenario, client, python, server.url)
        if told["ended"] == "not":
            return Verdict(None, f"no end in {PATIENCE} s")
        if told["ended"] in ("missing", "no way"):
            return Verdict(None, told["ended"], told.get("version", ""), told.get("error", ""))
        verdict = scenario.judge(told, server)
    return Verdict(verdict.good, verdict.text, told["version"], told.get("error", ""))


def _worker(scenario: Scenario, client: str, python: str, url: str) -> dict[str, Any]:
    command = [python, "-I", str(WORKER), client, scenario.action, url]
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    # In a group of its own, so that all of it can be ended.
    with subprocess.Popen(command, start_new_session=True, **options) as process:
        assert process.stdout is not None
        try:
            if scenario.interrupt and process.stdout.readline() == b"ready\n":
                process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return {"ended": "not", "version": "", "error": f"nothing after {PATIENCE} s"}
    lines = out.decode().splitlines()
    if not lines:
        return {"ended": "error", "version": "", "error": f"status {process.returncode}"}
    told: dict[str, Any] = json.loads(lines[-1])
    return told


# What goes wrong.


def _nothing(server: FakeS3) -> None:
    pass


def _object_there(server: FakeS3) -> None:
    """An object, put there by a client of its own."""
    from libcloud.storage.drivers.s3 import S3StorageDriver

    driver = S3StorageDriver(KEY, SECRET, endpoint_url=server.url)
    driver.get_container(BUCKET).upload_object_via_stream(pieces(SIZE), NAME)
    server.log.clear()


def _download_breaks(server: FakeS3) -> None:
    _object_there(server)
    server.faults.add("GetObject", Truncate(5 * MIB))


# How it is judged.


def _stored(server: FakeS3) -> bytes | None:
    found = server.objects.get((BUCKET, NAME))
    return None if found is None else bytes(found.body)


def _expected() -> bytes:
    return b"".join(pieces(SIZE))


def _whole(told: dict[str, Any], server: FakeS3) -> Verdict:
    """It must be stored, and the client must say so."""
    stored = _stored(server)
    if told["ended"] == "success":
        right = stored == _expected()
        return Verdict(right, "stored" if right else "**says stored, and is not**")
    if stored is None:
        return Verdict(None, "error")
    return Verdict(False, "error, though it is stored")


def _whole_or_error(told: dict[str, Any], server: FakeS3) -> Verdict:
    """What the client says must be so."""
    stored = _stored(server)
    if told["ended"] == "success" and stored != _expected():
        return Verdict(False, "**says stored, and is not**" if stored is None else "**damaged**")
    return Verdict(True, "error" if told["ended"] == "error" else "stored whole")


def _nothing_left(told: dict[str, Any], server: FakeS3) -> Verdict:
    """Nothing published, nothing left behind."""
    if _stored(server) is not None:
        return Verdict(False, "**truncated object published**")
    left = server.unfinished_uploads()
    return Verdict(not left, "parts are left" if left else "nothing stored")


def _interrupted(told: dict[str, Any], server: FakeS3) -> Verdict:
    """Ctrl-C is not the end of the data."""
    verdict = _nothing_left(told, server)
    return verdict if _stored(server) is None else Verdict(False, "**published all the same**")


def _all_of_it(told: dict[str, Any], server: FakeS3) -> Verdict:
    """An empty piece ends nothing."""
    size = len(_stored(server) or b"")
    if told["ended"] == "success" and size != SIZE:
        return Verdict(False, "**the rest is lost**")
    return Verdict(True, "stored whole") if size == SIZE else Verdict(None, "error")


def _little_memory(told: dict[str, Any], server: FakeS3) -> Verdict:
    if told["ended"] != "success":
        return Verdict(None, "error")
    if server.objects[BUCKET, NAME].size != LARGE:
        return Verdict(False, "**the rest is lost**")
    text = f"{told['memory'] / MIB:.0f} MiB"
    return Verdict(told["memory"] < ENOUGH_MEMORY, text)


def _not_replaced(told: dict[str, Any], server: FakeS3) -> Verdict:
    """The condition must hold, and must be asked of the store, not looked at beforehand."""
    asked = any(
        entry.operation in ("CompleteMultipartUpload", "PutObject") and entry.status == 412
        for entry in server.requests
    )
    if told["ended"] == "success":
        return Verdict(False, "**replaced**")
    return Verdict(True, "refused by the store") if asked else Verdict(None, "error")


def _read_whole(told: dict[str, Any], server: FakeS3) -> Verdict:
    if told["ended"] == "error":
        return Verdict(None, "error")
    right = told["sha256"] == hashlib.sha256(_expected()).hexdigest()
    return Verdict(right, "continued" if right else "**short, without an error**")


def _fault(operation: str, action: Any, *, times: int | None = 1) -> Callable[[FakeS3], object]:
    return lambda server: server.faults.add(operation, action, times=times)


_PART = "UploadPart"
_COMPLETE = "CompleteMultipartUpload"
_SIZES_ONLY = replace(STORE, keep_bodies=False)

SCENARIOS = [
    Scenario("memory for 400 MiB", "memory", _nothing, _little_memory, options=_SIZES_ONLY),
    Scenario(
        "the same, by short reads as from a pipe",
        "memory of a pipe",
        _nothing,
        _little_memory,
        options=_SIZES_ONLY,
    ),
    Scenario("a part is answered by 503", "upload", _fault(_PART, Status(503, "SlowDown")), _whole),
    Scenario(
        "a bit is flipped on the way",
        "upload",
        _fault(_PART, FlipBit(99)),
        _whole_or_error,
    ),
    Scenario(
        "Complete is answered by 200 with an error in it",
        "upload",
        _fault(_COMPLETE, ErrorIn200(), times=None),
        _whole_or_error,
    ),
    Scenario(
        "the answer to Complete is lost, and the upload is gone",
        "upload",
        _fault(_COMPLETE, LoseAnswer()),
        _whole,
    ),
    Scenario("the source raises", "failing", _nothing, _nothing_left),
    Scenario("the `with` block of a writer raises", "failing block", _nothing, _nothing_left),
    Scenario("an empty piece in the stream", "empty piece", _nothing, _all_of_it),
    Scenario("Ctrl-C", "endless", _nothing, _interrupted, interrupt=True),
    Scenario("only if there is no object of the name", "if absent", _object_there, _not_replaced),
    Scenario("a download breaks off", "download", _download_breaks, _read_whole),
]
