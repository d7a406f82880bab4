# SPDX-License-Identifier: Apache-2.0
"""A migration by several processes, one of which is killed at a random request; and resumed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.servers import (
    Endpoint,
    fake_server,
    moto_server,
    seaweedfs_server,
)
from libcloud.test.storage.fakes.wire import Answer, Incoming
from libcloud.test.storage.faults.proxy import FaultProxy, Strike

pytestmark = pytest.mark.slow

OBJECTS = {
    **{f"{number:02}": b"%d" % number for number in range(20)},
    "big": pattern(6 * 2**20),
}
KILLS = 5


@dataclass
class Killer:
    """Kills one process of a group."""

    dice: random.Random
    group: list[int] = field(default_factory=list)

    def __call__(self, request: Incoming) -> None:
        if self.group:
            members = [pid for pid in _processes() if _group_of(pid) == self.group[0]]
            with suppress(ProcessLookupError):
                os.kill(self.dice.choice(sorted(members)), signal.SIGKILL)


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _group_of(pid: int) -> int | None:
    with suppress(ProcessLookupError):
        return os.getpgid(pid)
    return None


@contextmanager
def group(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ends all processes of the group in the end: workers outlive a coordinator that is killed."""
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def fake_behind_a_proxy() -> AbstractContextManager[Endpoint]:
    return fake_server(replace(AMAZON, any_host=True))


class Relay(FaultProxy):
    """Stands before a server, and counts how often each object was written."""

    def __init__(self, server: Endpoint) -> None:
        super().__init__(server.host, server.port)
        self.endpoint = replace(server, host=self.host, port=self.port)
        self.writes: Counter[str] = Counter()

    def ask(self, request: Incoming) -> Answer:
        answer = super().ask(request)
        operation = self.operation_of(request)
        if operation in ("PutObject", "CompleteMultipartUpload") and answer.status == 200:
            self.writes[request.raw_path.removeprefix(f"/{BUCKET}/")] += 1
        return answer


@pytest.mark.parametrize(
    ("source", "destination"),
    [(fake_server, fake_behind_a_proxy), (moto_server, seaweedfs_server)],
    ids=["fakes", "moto-to-seaweedfs"],
)
def test_any_process_may_be_killed_five_times_and_the_report_is_clean_in_the_end(
    tmp_path: Path, source: Any, destination: Any
) -> None:
    dice = random.Random(269)
    with ExitStack() as stack:
        old: Endpoint = stack.enter_context(source())
        relay = Relay(stack.enter_context(destination()))
        stack.enter_context(relay)
        container = Shell(old, tmp_path).driver.create_container(BUCKET)
        for name, data in OBJECTS.items():
            container.upload_object_via_stream(iter([data]), name)
        shell = Shell(relay.endpoint, tmp_path)
        copies = shell.driver.create_container(BUCKET)
        command = ["migrate", f"s3://{BUCKET}", f"s3://{BUCKET}", "--job", "m1", "--resume"]
        command += ["--from-endpoint-url", old.url, "--endpoint-url", relay.endpoint.url, "--json"]
        command += ["--executor", "processes", "--shard-size", "5", "--part-size", "5MiB"]
        ends: list[int] = []
        for _ in range(KILLS):
            killer, moment = Killer(dice), dice.choice(["head", "body", "request", "answer"])
            relay.faults.add("*", Strike(killer, moment), nth=dice.randrange(5, 40))
            process = shell.start(*command, start_new_session=True, stdout=subprocess.DEVNULL)
            killer.group.append(process.pid)
            with group(process):
                ends.append(process.wait(60))
            relay.faults.clear()
        assert any(ends), "no process was killed that mattered"
        [report] = shell.ok(*command).json
        for name, data in OBJECTS.items():
            assert b"".join(copies.get_object(name).as_stream()) == data
        again = sum(relay.writes[name] - 1 for name in OBJECTS)
    assert (report["clean"], report["objects"]) == (True, len(OBJECTS))
    assert report["copied"] + report["present"] + report["replaced"] == len(OBJECTS)
    assert again <= report["replaced"]
