# SPDX-License-Identifier: Apache-2.0
"""What an upload by several processes costs its coordinator, and its workers.

    python contrib/bench/scaleout.py --parts 10000 --mib 1024

The coordinator of many parts runs with tasks that send nothing, so that only its own work is
measured: CPU time, memory, and the bytes of tasks, results and Complete. The workers are a pool of
two processes that upload the same bytes as a single process, one after the other in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import resource
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from libcloud.storage.base import Container
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.scaleout.parts import UploadReceipt
from libcloud.storage.scaleout.worker import PartResult

_MIB = 1024 * 1024
_PART = 16 * _MIB


def driver_of(port: int) -> Any:
    os.environ.update(AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret")
    return S3StorageDriver.from_env(endpoint_url=f"http://127.0.0.1:{port}", region="us-east-1")


def piece(size: int, number: int) -> bytes:
    return bytes([number % 256]) * size


class CountingExecutor(Executor):
    """Answers each task with a made-up receipt, and counts the bytes that would travel."""

    def __init__(self) -> None:
        self.sent = self.received = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        task = args[0]
        self.sent += len(pickle.dumps((fn, args)))
        size = sum(stop - start for _, start, stop in task.ranges)
        etag = f"{task.number:032x}"
        receipt = UploadReceipt(task.number, size, etag, "crc32:AAAAAA==")
        result = PartResult(receipt, "worker-17.example.org:12345")
        self.received += len(pickle.dumps(result))
        future: Future[Any] = Future()
        future.set_result(result)
        return future


def coordinate(port: int, parts: int, equal: bool) -> None:
    driver, executor = driver_of(port), CountingExecutor()
    sizes = [_PART if equal else _PART + number for number in range(parts)]
    pieces = [partial(piece, size, number) for number, size in enumerate(sizes)]
    before = time.process_time()
    driver.ex_upload_with(
        executor,
        pieces,
        Container("bucket", {}, driver),
        "unchecked",
        sizes=sizes,
        ex_checksum="crc32",
        ex_window=64,
    )
    cost = {
        "parts": parts,
        "sizes": "equal" if equal else "all different",
        "cpu_s": round(time.process_time() - before, 2),
        "rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "bytes_per_part": round((executor.sent + executor.received) / parts),
    }
    print(json.dumps(cost))


def upload(port: int, mib: int, workers: int) -> None:
    """Upload; the CPU time is that of this process and its children."""
    driver = driver_of(port)
    container = Container("bucket", {}, driver)
    sizes = [_PART] * (mib * _MIB // _PART)
    pieces = [partial(piece, size, number) for number, size in enumerate(sizes)]
    if workers:
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            list(pool.map(_warm_up, [port] * 2 * workers))
            begun = _cpu_of_children(pool)
            driver.ex_upload_with(pool, pieces, container, "object", sizes=sizes)
            cpu = _cpu_of_children(pool) - begun
    else:
        _warm_up(port)
        before = time.process_time()
        source = (make() for make in pieces)
        driver.upload_object_via_stream(source, container, "object", ex_part_size=_PART)
        cpu = time.process_time() - before
    print(json.dumps({"workers": workers, "mib": mib, "cpu_s": round(cpu, 2)}))


def _warm_up(port: int) -> None:
    """Import everything, and connect."""
    driver = driver_of(port)
    driver.upload_object_via_stream(
        iter([bytes(_PART)] * 2), Container("bucket", {}, driver), "warm-up", ex_part_size=_PART
    )


def _cpu_of_children(pool: Any) -> float:
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for pid in pool._processes:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / ticks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", type=int, default=10_000)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each upload, in turns")
    parser.add_argument("--run", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        name, *numbers = given.run
        port, *rest = map(int, numbers)
        if name == "coordinate":
            coordinate(port, rest[0], bool(rest[1]))
        else:
            upload(port, rest[0], rest[1])
        return
    here = Path(__file__).parent
    command = [sys.executable, "-m", "bench.server"]
    with subprocess.Popen(
        command, cwd=here.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()

        def run(*arguments: object) -> dict[str, Any]:
            line = [sys.executable, __file__, "--run", *map(str, arguments)]
            done = subprocess.run(line, capture_output=True, text=True, check=True)
            found: dict[str, Any] = json.loads(done.stdout)
            print(json.dumps(found), flush=True)
            return found

        for equal in (1, 0):
            run("coordinate", port, given.parts, equal)
        times: dict[int, list[float]] = {0: [], 2: []}
        for _ in range(given.repeat):
            for workers in times:
                times[workers].append(run("upload", port, given.mib, workers)["cpu_s"])
        one, pool = (sorted(found)[len(found) // 2] for found in times.values())
        print(f"workers: {pool:.2f} CPU s, one process: {one:.2f}; ratio {pool / one:.2f}")
        server.communicate("")


if __name__ == "__main__":
    main()
