# SPDX-License-Identifier: Apache-2.0
"""Time and memory of a migration of many small objects, without a network.

    python -m bench.migrate --keys 1000000
    python -m bench.migrate --keys 1000000 --kills 5

Both stores are made up: the source has the keys, and the destination counts in one byte each how
often it was given them. So the figures are those of the migration itself. A second run compares
everything and copies nothing.

With ``--kills``, the tasks run in two processes. One process of the job, the coordinator or a
worker, is killed that many times, each time when a random share of the keys has been copied, and
the job is resumed.
"""

from __future__ import annotations

import argparse
import contextlib
import mmap
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from libcloud.storage.base import Container, Object, StorageDriver
from libcloud.storage.scaleout.executors import executor_for
from libcloud.storage.scaleout.migrate import MigrationReport, migrate
from libcloud.storage.scaleout.places import FOLDER
from libcloud.storage.types import ObjectDoesNotExistError

_SIZE = 100
_DATA = bytes(_SIZE)
_HASH = "6d0bb00954ceb7fbee436bb55a8397a9"  # MD5 of a hundred zeros
_DIGITS = 10
_PAUSE = 0.1  # seconds between two looks at a job


class MadeUpStore(StorageDriver):
    """A store whose objects have numbers for names; processes share it by a folder.

    :param folder: has ``written``, a byte for each object: how often it was written.
    """

    name = "made up"

    def __init__(self, folder: Path) -> None:
        self.base_path = str(folder)
        self._files = folder / "files"
        with (folder / "written").open("r+b") as file:
            self.written = mmap.mmap(file.fileno(), 0)

    @classmethod
    def create(cls, folder: Path, keys: int, written: int) -> None:
        """A store of ``keys`` objects, each of which was written ``written`` times."""
        (folder / "files").mkdir(parents=True)
        (folder / "written").write_bytes(bytes([written]) * keys)

    def iterate_container_objects(
        self,
        container: Container,
        prefix: str | None = None,
        ex_prefix: str | None = None,
        *,
        ex_start_after: str | None = None,
    ) -> Iterator[Object]:
        """The files of a job, or the objects with numbers."""
        prefix = prefix or ""
        if prefix.startswith(FOLDER):
            names = (unquote(path.name) for path in self._files.iterdir() if path.suffix != ".new")
            for name in sorted(name for name in names if name.startswith(prefix)):
                yield self._object(container, name)
            return
        start, stop = int(prefix.ljust(_DIGITS, "0")), int(prefix.ljust(_DIGITS, "9")) + 1
        if ex_start_after:
            digits = ex_start_after.rstrip("/\U0010ffff")
            before = "/" in ex_start_after  # which precedes all digits
            first = int(digits.ljust(_DIGITS, "0" if before else "9")) + (not before)
            start = max(start, first)
        for number in range(start, min(stop, len(self.written))):
            if self.written[number]:
                yield self._object(container, f"{number:0{_DIGITS}}")

    def get_object(self, container_name: str, object_name: str) -> Object:
        """An object or a file; all objects are alike."""
        container = Container(container_name, {}, self)
        if object_name.startswith(FOLDER) and not self._path(object_name).exists():
            raise ObjectDoesNotExistError("", self, object_name)
        return self._object(container, object_name)

    def download_object_as_stream(
        self, obj: Object, chunk_size: int | None = None
    ) -> Iterator[bytes]:
        """The data."""
        yield self._path(obj.name).read_bytes() if obj.name.startswith(FOLDER) else _DATA

    def upload_object_via_stream(
        self,
        iterator: Any,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Object:
        """Count an object by its number, and store a file as it is."""
        data = b"".join(iterator)
        if object_name.startswith(FOLDER):
            new = self._path(f"{object_name}.{os.getpid()}.{time.monotonic_ns()}.new")
            new.write_bytes(data)
            new.replace(self._path(object_name))
        else:
            self.written[int(object_name)] += 1
        return self._object(container, object_name)

    def files(self) -> list[Path]:
        """The files of the jobs."""
        return list(self._files.iterdir())

    def _path(self, name: str) -> Path:
        return self._files / quote(name, safe="")

    def _object(self, container: Container, name: str) -> Object:
        size = self._path(name).stat().st_size if name.startswith(FOLDER) else _SIZE
        return Object(name, size, _HASH, {}, {}, container, self)


def bucket(folder: Path) -> Container:
    return Container("bucket", {}, MadeUpStore(folder))


def run(folder: Path, job: str, options: argparse.Namespace) -> MigrationReport:
    """Migrate, and print the costs of this process."""
    seconds, cpu = time.perf_counter(), time.process_time()
    with contextlib.ExitStack() as stack:
        executor = stack.enter_context(executor_for("processes", 2)) if options.kills else None
        report = migrate(
            partial(bucket, folder / "source"),
            partial(bucket, folder / "destination"),
            job=job,
            executor=executor,
            resume=True,
            shard_size=options.shard_size,
            verify=options.verify,
        )
    seconds, cpu = time.perf_counter() - seconds, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{job}: {report.objects:,} listed, {report.copied:,} copied, {report.replaced:,} "
        f"replaced, {report.present:,} there already, clean: {report.is_clean}; "
        f"{seconds:.0f} s, {cpu:.0f} CPU s, peak {peak:.0f} MiB",
        flush=True,
    )
    return report


@dataclass
class Costs:
    """What the processes of a group have taken, as far as was seen.

    :ivar cpu: seconds, by process.
    :ivar peak: most memory of one process, MiB.
    """

    cpu: dict[int, float] = field(default_factory=dict)
    peak: float = 0

    def look(self, group: int) -> list[int]:
        """The coordinator and the workers of the group."""
        members = []
        for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))):
            with contextlib.suppress(OSError, IndexError):  # it has ended meanwhile
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) != group or fields[0] == "Z":
                    continue
                if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                    members.append(pid)
                ticks = int(fields[11]) + int(fields[12])
                self.cpu[pid] = ticks / os.sysconf("SC_CLK_TCK")
                status = Path(f"/proc/{pid}/status").read_text()
                self.peak = max(self.peak, int(status.partition("VmHWM:")[2].split()[0]) / 1024)
        return sorted(members)


def run_with_kills(folder: Path, job: str, options: argparse.Namespace) -> None:
    """Migrate in other processes, and kill one of them again and again."""
    dice, costs, begun = random.Random(options.seed), Costs(), time.perf_counter()
    command = [sys.executable, "-m", "bench.migrate", "--run", str(folder), *sys.argv[1:]]
    written = MadeUpStore(folder / "destination").written
    shares = [(number + dice.random()) / (options.kills + 1) for number in range(options.kills)]
    for share in [*shares, None]:
        process = subprocess.Popen(command, start_new_session=True)
        killed = False
        while process.poll() is None:
            members = costs.look(process.pid)
            copied = 1 - written[:].count(0) / len(written)
            if share is not None and not killed and members and copied >= share:
                victim, killed = dice.choice(members), True
                kind = "coordinator" if victim == process.pid else "another process"
                print(f"killed at {copied:.0%}: {kind} of {len(members)}", flush=True)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
            time.sleep(_PAUSE)
        print(f"ended with status {process.returncode}", flush=True)
    seconds = time.perf_counter() - begun
    times = Counter(written[:])
    twice = sum(number * (count - 1) for count, number in times.items() if count > 1)
    print(
        f"all runs: {seconds:.0f} s, {sum(costs.cpu.values()):.0f} CPU s, peak of a process "
        f"{costs.peak:.0f} MiB; {times[0]:,} keys missing, {twice:,} copies that were not the first"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--shard-size", type=int, default=100_000)
    parser.add_argument("--verify", default="stored")
    parser.add_argument("--kills", type=int, default=0, help="processes that are killed")
    parser.add_argument("--seed", type=int, default=269, help="of the moments")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        sys.exit(not run(options.run, "first", options).is_clean)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        MadeUpStore.create(folder / "source", options.keys, 1)
        MadeUpStore.create(folder / "destination", options.keys, 0)
        if options.kills:
            run_with_kills(folder, "first", options)
        else:
            assert run(folder, "first", options).is_clean
        assert run(folder, "second", options).is_clean
        sizes = [path.stat().st_size for path in MadeUpStore(folder / "destination").files()]
        print(f"{len(sizes):,} files of the jobs, {sum(sizes) / 1024 / 1024:.1f} MiB")


if __name__ == "__main__":
    main()
