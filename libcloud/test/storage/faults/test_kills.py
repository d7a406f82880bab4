# SPDX-License-Identifier: Apache-2.0
"""Processes that are interrupted, terminated and killed while they upload.

The signal comes from the proxy, at a moment of a request that a seeded die has chosen. Whatever it
is, the object is there whole or as it was before; and after a signal that Python hears of nothing
else is left at the store. ``LIBCLOUD_TEST_KILLS`` says how many uploads each test begins.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from libcloud.storage.base import Container
from libcloud.test.storage.fakes import options
from libcloud.test.storage.fakes.azurite import azurite_server
from libcloud.test.storage.fakes.servers import (
    Endpoint,
    MissingServerError,
    fake_azure_server,
    fake_server,
    fake_swift_server,
    rclone_server,
)
from libcloud.test.storage.fakes.swift_server import swift_server
from libcloud.test.storage.faults.proxy import FaultProxy, Strike
from libcloud.test.storage.faults.uploader import (
    AZURE,
    INTERRUPTED,
    SWIFT,
    TERMINATED,
    Job,
    Uploaders,
    data_of,
    driver_for,
    job_for,
)

BUCKET = "kills"
OLD = b"the one before"
KILLS = int(os.environ.get("LIBCLOUD_TEST_KILLS", "0"))
MOMENTS = ("head", "body", "request", "answer")


@dataclass(frozen=True)
class Kind:
    """A signal, and how a process ends that it hits while it uploads.

    :param cleans_up: nothing is left at the store.
    """

    number: signal.Signals
    status: int
    handles_term: bool = False
    cleans_up: bool = False


KINDS = {
    "interrupt": Kind(signal.SIGINT, INTERRUPTED, cleans_up=True),
    "handled terminate": Kind(signal.SIGTERM, TERMINATED, handles_term=True, cleans_up=True),
    "terminate": Kind(signal.SIGTERM, -signal.SIGTERM),
    "kill": Kind(signal.SIGKILL, -signal.SIGKILL),
}


class Killing:
    """Uploads through a proxy that signals, one after another."""

    def __init__(self, endpoint: Endpoint, proxy: FaultProxy, uploaders: Uploaders) -> None:
        self._endpoint, self._proxy, self._uploaders = endpoint, proxy, uploaders
        self.ends: Counter[str] = Counter()

    def one(self, kind: Kind, dice: random.Random, **rest: Any) -> None:
        """One upload; checks what is left."""
        name = f"object-{dice.getrandbits(64)}"
        job = job_for(
            self._endpoint,
            bucket=BUCKET,
            name=name,
            seed=dice.randrange(1000),
            handles_term=kind.handles_term,
            **rest,
        )
        driver = driver_for(job)
        container = Container(BUCKET, {}, driver)
        before = dice.choice([OLD, None])
        if before is not None:
            driver.upload_object_via_stream(iter([before]), container, name)
        status = self._struck(replace(job, port=self._proxy.port), kind, dice)
        found = _read(driver, container, name)
        assert found in (before, data_of(job)), f"{len(found or b'')} bytes of {job}"
        assert status in (0, kind.status)
        assert status != 0 or found == data_of(job)
        left = _uploads(driver, container, name)
        assert not (kind.cleans_up and left), f"{left} of {job}"
        self.ends["left" if left else "clean"] += 1
        self.ends["whole" if found == data_of(job) else "as before"] += 1

    def _struck(self, job: Job, kind: Kind, dice: random.Random) -> int:
        """Upload while the signal comes; how the process ended."""
        process, known = [0], threading.Event()

        def strike(request: object) -> None:
            assert known.wait(30)
            with contextlib.suppress(ProcessLookupError):
                os.kill(process[0], kind.number)

        parts = -(-job.size // job.part_size)
        # An upload in blocks has no beginning; Swift is asked for a token and its limits first, and
        # for the container, the one of the segments, and what is there.
        around = {AZURE: 1, SWIFT: 6}.get(job.profile, 2)
        before = 1 if job.profile == SWIFT else 0
        requests = before + 1 if job.size <= job.part_size else parts + around
        self._proxy.faults.clear()
        nth = dice.randint(1, requests)
        rule = self._proxy.faults.add("*", Strike(strike, dice.choice(MOMENTS)), nth=nth)
        process[0] = self._uploaders.start(job)
        known.set()
        status = self._uploaders.wait()
        self._proxy.connections.wait_for_ended_processes()
        assert rule.fired, f"{rule.seen} requests of {job}"
        return status


def _uploads(driver: Any, container: Container, name: str) -> list[str]:
    """Ids of uploads that remain; none of a store that cannot list them."""
    if not driver.capabilities.list_uploads:
        return []
    return [upload.id for upload in driver.ex_iterate_multipart_uploads(container, prefix=name)]


def _read(driver: Any, container: Container, name: str) -> bytes | None:
    found = [stored for stored in container.list_objects(prefix=name) if stored.name == name]
    return b"".join(driver.download_object_as_stream(found[0])) if found else None


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_signal_never_publishes_a_part_of_an_object(kind: Kind) -> None:
    dice = random.Random(str(kind))
    fake = replace(options.AMAZON, min_part_size=1, any_host=True)
    with (
        fake_server(fake) as endpoint,
        FaultProxy(endpoint.host, endpoint.port) as proxy,
        Uploaders() as uploaders,
    ):
        assert endpoint.fake is not None
        endpoint.fake.create_bucket(BUCKET)
        killing = Killing(endpoint, proxy, uploaders)
        for _ in range(KILLS or 50):
            size = dice.randint(1, 8000)
            killing.one(kind, dice, profile="AMAZON", size=size, part_size=1000)

        assert endpoint.fake.violations == []
    assert min(killing.ends["whole"], killing.ends["as before"]) > 0, killing.ends
    assert kind.cleans_up or killing.ends["left"] > 0, killing.ends


@pytest.mark.slow
@pytest.mark.parametrize("kind", [KINDS["interrupt"], KINDS["kill"]], ids=["interrupt", "kill"])
def test_a_signal_never_publishes_a_part_of_a_blob(kind: Kind) -> None:
    dice = random.Random(str(kind))
    with (
        fake_azure_server() as endpoint,
        FaultProxy(endpoint.host, endpoint.port) as proxy,
        Uploaders() as uploaders,
    ):
        assert endpoint.azure is not None
        endpoint.azure.create_container(BUCKET)
        killing = Killing(endpoint, proxy, uploaders)
        for _ in range(KILLS or 8):
            size = dice.randint(1, 8000)
            killing.one(kind, dice, profile=AZURE, size=size, part_size=1000)

        assert endpoint.azure.violations == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launch", "profile"),
    [(azurite_server, AZURE), (fake_swift_server, SWIFT), (swift_server, SWIFT)],
    ids=["azurite", "fake-swift", "swift"],
)
def test_a_signal_damages_nothing_and_what_is_left_can_be_cleaned_up(
    launch: Callable[[], AbstractContextManager[Endpoint]], profile: str
) -> None:
    dice = random.Random(profile)
    with contextlib.ExitStack() as stack:
        try:
            endpoint = stack.enter_context(launch())
        except MissingServerError as error:
            pytest.skip(f"missing: {error}")
        proxy = stack.enter_context(FaultProxy(endpoint.host, endpoint.port))
        uploaders = stack.enter_context(Uploaders())
        driver = driver_for(job_for(endpoint, profile=profile, **_NOTHING))
        container = driver.create_container(BUCKET)
        killing = Killing(endpoint, proxy, uploaders)
        for kind in [KINDS["interrupt"], KINDS["kill"]] * (KILLS or 4):
            size = dice.randint(1, 8000)
            killing.one(kind, dice, profile=profile, size=size, part_size=1000)
        if driver.capabilities.list_uploads:
            driver.ex_cleanup_all_multipart_uploads(container)
            assert list(driver.ex_iterate_multipart_uploads(container)) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_signal_never_publishes_a_part_of_an_object_on_rclone(kind: Kind) -> None:
    dice = random.Random(str(kind))
    part = 5 * 1024 * 1024
    with (
        rclone_server() as endpoint,
        FaultProxy(endpoint.host, endpoint.port) as proxy,
        Uploaders() as uploaders,
    ):
        killing = Killing(endpoint, proxy, uploaders)
        driver = driver_for(job_for(endpoint, profile="RCLONE", **_NOTHING))
        driver.create_container(BUCKET)
        for _ in range(KILLS or 6):
            killing.one(kind, dice, profile="RCLONE", size=2 * part + 1000, part_size=part)


_NOTHING: dict[str, Any] = {
    "bucket": BUCKET,
    "name": "",
    "size": 0,
    "seed": 0,
    "part_size": 1,
    "handles_term": False,
}
