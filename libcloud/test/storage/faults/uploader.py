# SPDX-License-Identifier: Apache-2.0
"""Uploads in processes that can be killed; each is forked from one that has imported everything.

Run as a program it reads jobs, a JSON object a line: fields of :class:`Job`. For each it writes the
number of the process that uploads, and then how that ended, as ``os.waitstatus_to_exitcode`` tells.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from types import FrameType, TracebackType
from typing import Any, NoReturn

from libcloud.storage.base import Container
from libcloud.storage.drivers.azure_blobs import AzureBlobsStorageDriver
from libcloud.storage.drivers.cloudfiles import OpenStackSwiftStorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.s3 import profiles
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.conformance.sources import cut
from libcloud.test.storage.fakes.servers import Endpoint
from libcloud.test.storage.fakes.swift import ACCOUNT

AZURE, SWIFT = "AZURE", "SWIFT"
"""The profiles that stand for Azure Blob Storage and OpenStack Swift."""

# How shells tell that a program was ended by a signal.
INTERRUPTED, TERMINATED, FAILED = 128 + signal.SIGINT, 128 + signal.SIGTERM, 1


@dataclass(frozen=True, slots=True)
class Job:
    """An upload of :func:`data_of` the job.

    :param profile: name of a store's profile; its smallest part is a byte here.
    :param handles_term: SIGTERM raises SystemExit, as a program should that cleans up.
    """

    host: str
    port: int
    key: str
    secret: str = field(repr=False)
    region: str
    profile: str
    bucket: str
    name: str
    size: int
    seed: int
    part_size: int
    handles_term: bool


def data_of(job: Job) -> bytes:
    """What the job uploads."""
    return pattern(job.size, job.seed)


class Uploaders:
    """The program of this module, ready for jobs; a context manager."""

    def __enter__(self) -> Uploaders:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=30)

    def start(self, job: Job) -> int:
        """Start a job; the number of its process."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(job)) + "\n")
        self._process.stdin.flush()
        return self._number()

    def wait(self) -> int:
        """How the job ended."""
        return self._number()

    def _number(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def driver_for(job: Job) -> Any:
    """A driver that does not wait between attempts, for very small parts."""
    if job.profile == AZURE:
        members = {"ex_retry_policy": RetryPolicy(base=0.0)}
        return type("Driver", (AzureBlobsStorageDriver,), members)(
            job.key, job.secret, secure=False, host=job.host, port=job.port
        )
    if job.profile == SWIFT:
        members = {"ex_retry_policy": RetryPolicy(base=0.0)}
        url = f"http://{job.host}:{job.port}{ACCOUNT}"
        return type("Driver", (OpenStackSwiftStorageDriver,), members)(
            job.key,
            job.secret,
            secure=False,
            host=job.host,
            port=job.port,
            ex_force_base_url=url,
        )
    known = getattr(profiles, job.profile)
    profile = replace(known, limits=replace(known.limits, min_part_size=1))
    members = {"ex_retry_policy": RetryPolicy(base=0.0)}
    return type("Driver", (S3StorageDriver,), members)(
        job.key,
        job.secret,
        secure=False,
        host=job.host,
        port=job.port,
        region=job.region,
        ex_profile=profile,
    )


def job_for(endpoint: Endpoint, **rest: Any) -> Job:
    """A job on a server."""
    return Job(
        host=endpoint.host,
        port=endpoint.port,
        key=endpoint.key,
        secret=endpoint.secret,
        region=endpoint.region,
        **rest,
    )


def _upload(job: Job) -> None:
    driver = driver_for(job)
    pieces = cut(data_of(job), max(1, job.part_size // 3))
    driver.upload_object_via_stream(
        pieces, Container(job.bucket, {}, driver), job.name, ex_part_size=job.part_size, ex_window=3
    )


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(TERMINATED)


def _in_child(job: Job) -> NoReturn:
    code = FAILED
    try:
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, _terminate if job.handles_term else signal.SIG_DFL)
            _upload(job)
            code = 0
        except KeyboardInterrupt:
            code = INTERRUPTED
        except SystemExit:
            code = TERMINATED
        except Exception:
            traceback.print_exc()
    finally:
        os._exit(code)


def _jobs() -> Iterator[Job]:
    for line in sys.stdin:
        yield Job(**json.loads(line))


def _serve() -> None:
    for job in _jobs():
        child = os.fork()
        if child == 0:
            _in_child(job)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve()
