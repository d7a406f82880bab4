# SPDX-License-Identifier: Apache-2.0
"""Two stores, and migrations between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from libcloud.storage.scaleout.migrate import (
    MigrationReport,
    migrate,
)
from libcloud.test.storage.fakes.wire import Incoming
from libcloud.test.storage.s3_servers import BUCKET, Store

FOLDER = ".libcloud-migrate/"


@dataclass(frozen=True)
class Pair:
    """Two stores with a bucket each."""

    source: Store
    destination: Store

    def fill(self, *names: str, data: Callable[[str], bytes] = str.encode) -> None:
        for name in names:
            self.source.driver.upload_object_via_stream(
                iter([data(name)]), self.source.container, name
            )

    def migrate(self, job: str = "m1", **options: Any) -> MigrationReport:
        return migrate(self.source.container, self.destination.container, job=job, **options)

    def resume(self, **options: Any) -> MigrationReport:
        return self.migrate(resume=True, **options)

    @property
    def copies(self) -> dict[str, bytes]:
        """What the destination holds, without the folders of jobs."""
        server = self.destination.server
        names = (name for _, name in server.objects if not name.startswith(FOLDER))
        return {name: server.body(BUCKET, name) for name in names}

    def files(self, start: str = "") -> list[str]:
        """The names in the folder of the job."""
        folder = f"{FOLDER}m1/"
        names = (name for _, name in self.destination.server.objects)
        below = (name.removeprefix(folder) for name in names if name.startswith(folder))
        return sorted(name for name in below if name.startswith(start))

    def written(self, name: str) -> int:
        """How often the object was written to the destination."""
        return sum(
            entry.operation in ("PutObject", "CompleteMultipartUpload") and entry.key == name
            for entry in self.destination.server.requests
        )


def to(name: str) -> Callable[[Incoming], bool]:
    return lambda request: request.raw_path == f"/{BUCKET}/{name}"


def contents(*names: str) -> dict[str, bytes]:
    return {name: name.encode() for name in names}


NAMES = tuple(f"{number:02}" for number in range(25))
