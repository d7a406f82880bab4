# SPDX-License-Identifier: Apache-2.0
"""Time and memory of a migration of many small objects, without a network.

    python -m bench.migrate --keys 1000000

Both stores are made up: the source has the keys, and the destination remembers in one byte each
which of them it was given. So the figures are those of the migration itself. A second run compares
everything and copies nothing.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from typing import Any

from libcloud.storage.base import Container, Object, StorageDriver
from libcloud.storage.scaleout.job_folder import FOLDER
from libcloud.storage.scaleout.migrate import migrate
from libcloud.storage.types import ObjectDoesNotExistError

_SIZE = 100
_DATA = bytes(_SIZE)
_HASH = "6d0bb00954ceb7fbee436bb55a8397a9"  # MD5 of a hundred zeros


class MadeUpStore(StorageDriver):
    """A store whose objects have numbers for names.

    :param stored: which of them it has.
    """

    name = "made up"

    def __init__(self, stored: bytearray) -> None:
        self.stored = stored
        self.files: dict[str, bytes] = {}

    def iterate_container_objects(
        self,
        container: Container,
        prefix: str | None = None,
        ex_prefix: str | None = None,
        *,
        ex_start_after: str | None = None,
    ) -> Iterator[Object]:
        """The files of a job, or the objects with numbers."""
        if prefix and prefix.startswith(FOLDER):
            for name in sorted(name for name in self.files if name.startswith(prefix)):
                yield self._object(container, name)
            return
        start = 0
        if ex_start_after:
            digits = ex_start_after.rstrip("/\U0010ffff")
            before = "/" in ex_start_after  # which precedes all digits
            start = int(digits.ljust(10, "0")) if before else int(digits.ljust(10, "9")) + 1
        for number in range(min(start, len(self.stored)), len(self.stored)):
            if self.stored[number]:
                yield self._object(container, f"{number:010}")

    def get_object(self, container_name: str, object_name: str) -> Object:
        """An object or a file; all objects are alike."""
        container = Container(container_name, {}, self)
        known = object_name in self.files if object_name.startswith(FOLDER) else True
        if not known:
            raise ObjectDoesNotExistError("", self, object_name)
        return self._object(container, object_name)

    def download_object_as_stream(
        self, obj: Object, chunk_size: int | None = None
    ) -> Iterator[bytes]:
        """The data."""
        yield self.files.get(obj.name, _DATA)

    def upload_object_via_stream(
        self,
        iterator: Any,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Object:
        """Remember an object by its number, and a file as it is."""
        data = b"".join(iterator)
        if object_name.startswith(FOLDER):
            self.files[object_name] = data
        else:
            self.stored[int(object_name)] = 1
        return self._object(container, object_name)

    def _object(self, container: Container, name: str) -> Object:
        size = len(self.files.get(name, _DATA))
        return Object(name, size, _HASH, {}, {}, container, self)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--shard-size", type=int, default=100_000)
    parser.add_argument("--verify", default="stored")
    options = parser.parse_args()
    stores = MadeUpStore(bytearray(b"\1") * options.keys), MadeUpStore(bytearray(options.keys))
    source, destination = (Container("bucket", {}, store) for store in stores)
    destination.name = "copy"
    for job in ("first", "second"):
        seconds, cpu = time.perf_counter(), time.process_time()
        report = migrate(
            source,
            destination,
            job=job,
            shard_size=options.shard_size,
            verify=options.verify,
        )
        seconds, cpu = time.perf_counter() - seconds, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        assert report.is_clean
        print(
            f"{job}: {report.objects:,} listed, {report.copied:,} copied, {report.present:,} there "
            f"already; {seconds:.0f} s, {cpu:.0f} CPU s, peak {peak:.0f} MiB"
        )
    size = sum(map(len, stores[1].files.values()))
    print(f"{len(stores[1].files):,} files of the jobs, {size / 1024 / 1024:.1f} MiB")


if __name__ == "__main__":
    main()
