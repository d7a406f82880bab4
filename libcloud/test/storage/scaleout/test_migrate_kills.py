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

from libcloud.storage.base import Container
from libcloud.storage.drivers.azure_blobs import AzureBlobsStorageDriver
from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.azure import operation_of as azure_operation
from libcloud.test.storage.fakes.azurite import azurite_server
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.routes import operation_of as s3_operation
from libcloud.test.storage.fakes.servers import (
    Endpoint,
    MissingServerError,
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


_WRITES = ("PutObject", "CompleteMultipartUpload", "PutBlob", "PutBlockList")


class Relay(FaultProxy):
    """Stands before a server, and counts how often each object was written."""

    def __init__(self, server: Endpoint) -> None:
        self.is_azure = server.name == "azurite"
        names = azure_operation if self.is_azure else s3_operation
        super().__init__(server.host, server.port, names)
        self.endpoint = replace(server, host=self.host, port=self.port)
        self.writes: Counter[str] = Counter()

    def ask(self, request: Incoming) -> Answer:
        answer = super().ask(request)
        if self.operation_of(request) in _WRITES and answer.status in (200, 201):
            self.writes[request.raw_path.partition(f"/{BUCKET}/")[2]] += 1
        return answer

    def command(self, old: Endpoint, home: Path) -> tuple[Shell, Container, list[str]]:
        """A shell, the new container, and the arguments that migrate the old one to it."""
        new = self.endpoint
        if not self.is_azure:
            shell = Shell(new, home)
            urls = ["--from-endpoint-url", old.url, "--endpoint-url", new.url]
            container = shell.driver.create_container(BUCKET)
            return shell, container, [f"s3://{BUCKET}", f"s3://{BUCKET}", *urls]
        account = f"AccountName={new.key};AccountKey={new.secret};BlobEndpoint={new.url}/{new.key}"
        shell = Shell(old, home, {"AZURE_STORAGE_CONNECTION_STRING": account})
        driver = AzureBlobsStorageDriver(
            new.key, new.secret, host=new.host, port=new.port, secure=False
        )
        return shell, driver.create_container(BUCKET), [f"s3://{BUCKET}", f"az://{BUCKET}"]


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        (fake_server, fake_behind_a_proxy),
        (moto_server, seaweedfs_server),
        (moto_server, azurite_server),
    ],
    ids=["fakes", "moto-to-seaweedfs", "moto-to-azurite"],
)
def test_any_process_may_be_killed_five_times_and_the_report_is_clean_in_the_end(
    tmp_path: Path, source: Any, destination: Any
) -> None:
    dice = random.Random(269)
    with ExitStack() as stack:
        try:
            relay = Relay(stack.enter_context(destination()))
        except MissingServerError as error:
            pytest.skip(f"missing: {error}")
        old: Endpoint = stack.enter_context(source())
        stack.enter_context(relay)
        container = Shell(old, tmp_path).driver.create_container(BUCKET)
        for name, data in OBJECTS.items():
            container.upload_object_via_stream(iter([data]), name)
        shell, copies, places = relay.command(old, tmp_path)
        command = ["migrate", *places, "--job", "m1", "--resume", "--json"]
        command += ["--executor", "processes", "--shard-size", "5", "--part-size", "5MiB"]
        ends: list[int] = []
        for _ in range(KILLS):
            killer, moment = Killer(dice), dice.choice(["head", "body", "request", "answer"])
            relay.faults.add("*", Strike(killer, moment), nth=dice.randrange(5, 40))
            process = shell.start(*command, start_new_session=True, stdout=subprocess.DEVNULL)
            killer.group.append(process.pid)
            with group(process):
                ends.append(process.wait(200))
            relay.connections.wait_for_ended_processes()
            relay.faults.clear()
        assert any(ends), "no process was killed that mattered"
        [report] = shell.ok(*command).json
        for name, data in OBJECTS.items():
            assert b"".join(copies.get_object(name).as_stream()) == data
        again = sum(relay.writes[name] - 1 for name in OBJECTS)
    assert (report["clean"], report["objects"]) == (True, len(OBJECTS))
    assert report["copied"] + report["present"] + report["replaced"] == len(OBJECTS)
    assert again <= report["replaced"]
