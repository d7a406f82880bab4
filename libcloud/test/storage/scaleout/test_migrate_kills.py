# SPDX-License-Identifier: Apache-2.0
"""A migration by several processes, one of which is killed at a random request; and resumed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.storage.fakes.faults import Action
from libcloud.test.storage.fakes.servers import Endpoint, fake_server
from libcloud.test.storage.fakes.wire import Incoming

pytestmark = pytest.mark.slow

NAMES = [f"{first}/{number}" for first in "abcd" for number in range(10)]
KILLS = 5


@dataclass
class Killer(Action):
    """Kills one process of the group at the request that it is chosen for."""

    dice: random.Random
    group: list[int] = field(default_factory=list)

    def received(self, request: Incoming) -> Incoming:
        if self.group:
            members = [pid for pid in _processes() if _group_of(pid) == self.group[0]]
            with suppress(ProcessLookupError):
                os.kill(self.dice.choice(sorted(members)), signal.SIGKILL)
        return request


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


def fill(endpoint: Endpoint, home: Path) -> Shell:
    shell = Shell(endpoint, home)
    container = shell.driver.create_container(BUCKET)
    for name in NAMES:
        shell.driver.upload_object_via_stream(iter([name.encode()]), container, name)
    return shell


def written(endpoint: Endpoint) -> Counter[str]:
    """How often each object was written."""
    assert endpoint.fake is not None
    done = [entry for entry in endpoint.fake.requests if entry.operation == "PutObject"]
    return Counter(str(entry.key) for entry in done if entry.key in NAMES and entry.status == 200)


def test_any_process_may_be_killed_five_times_and_the_report_is_clean_in_the_end(
    tmp_path: Path,
) -> None:
    dice = random.Random(269)
    with fake_server() as old, fake_server() as new:
        fill(old, tmp_path)
        shell = Shell(new, tmp_path)
        shell.driver.create_container(BUCKET)
        command = ["migrate", f"s3://{BUCKET}", f"s3://{BUCKET}", "--job", "m1", "--resume"]
        command += ["--from-endpoint-url", old.url, "--endpoint-url", new.url, "--json"]
        command += ["--executor", "processes", "--shard-size", "5"]
        assert new.fake is not None
        ends: list[int] = []
        for _ in range(KILLS):
            killer = Killer(dice)
            new.fake.faults.add("*", killer, nth=dice.randrange(5, 60))
            process = shell.start(*command, start_new_session=True, stdout=subprocess.DEVNULL)
            killer.group.append(process.pid)
            with group(process):
                ends.append(process.wait(60))
            new.fake.faults.clear()
        assert any(ends), "no process was killed that mattered"
        [report] = shell.ok(*command).json
        assert _copies(new) == {name: name.encode() for name in NAMES}
        again = {name: number for name, number in written(new).items() if number > 1}
        assert sum(again.values()) - len(again) <= report["replaced"]
    assert (report["clean"], report["objects"]) == (True, len(NAMES))
    assert report["copied"] + report["present"] + report["replaced"] == len(NAMES)


def _copies(endpoint: Endpoint) -> dict[str, Any]:
    assert endpoint.fake is not None
    names = [name for _, name in endpoint.fake.objects if not name.startswith(".")]
    return {name: endpoint.fake.body(BUCKET, name) for name in names}
