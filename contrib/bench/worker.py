# SPDX-License-Identifier: Apache-2.0
"""One run: one client does one workload, in a process of its own, and says what it cost.

    python -m bench.worker CLIENT WORKLOAD PORT      WORKLOAD is a JSON object

prints a JSON object: the fields of :class:`Cost`, or ``missing`` with the reason if the library is
not installed. The clock runs from the moment the client is connected.
"""

from __future__ import annotations

import importlib.metadata
import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from .clients import CLIENTS, FORK, Client
from .workloads import DOWNLOAD, IMPORT, LISTING, SMALL, UPLOAD, Workload, noise, pieces

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Cost:
    """What a run cost its own process.

    :param cpu: seconds, user and system.
    :param wall: seconds.
    :param peak: largest resident size of the process, bytes.
    :param done: bytes, objects or keys that the client says it dealt with.
    """

    cpu: float
    wall: float
    peak: int
    done: int


# Prints the cost of importing what stands after it. Only what the measuring needs is loaded before.
_IMPORT = """
import sys, time, resource
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
before, start = cpu(), time.perf_counter()
import {names}
took, wall = cpu() - before, time.perf_counter() - start
print(took, wall, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def measure_import(names: str) -> Cost:
    """What ``import names`` costs in a new interpreter."""
    program = _IMPORT.format(names=names)
    ended = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, check=True, text=True
    )
    cpu, wall, peak = ended.stdout.split()
    return Cost(float(cpu), float(wall), _peak_bytes(int(peak)), 1)


def measure(client_name: str, workload: Workload, port: int) -> Cost:
    """Let a client do a workload against the store at ``port``.

    :raises ImportError: its library is not installed.
    """
    kind = CLIENTS[client_name]
    if workload.action == IMPORT:
        return measure_import(kind.imports)
    bucket = f"listing-{workload.amount}" if workload.action == LISTING else "bench"
    client = kind.make(HOST, port, bucket)
    noise()
    before, started = _cpu(), time.perf_counter()
    done = perform(client, workload)
    wall, cpu = time.perf_counter() - started, _cpu() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Cost(cpu, wall, _peak_bytes(peak), done)


def perform(client: Client, workload: Workload) -> int:
    """Do it; what was done, in the unit of ``workload.amount``."""
    amount = workload.amount
    if workload.action == UPLOAD:
        client.upload("streamed", pieces(amount, workload.piece))
    elif workload.action == SMALL:
        source = pieces(amount * workload.piece, workload.piece)
        for number, piece in enumerate(source):
            client.upload(f"small/{number}", iter([piece]))
    elif workload.action == DOWNLOAD:
        return client.download(f"sized-{amount}")
    elif workload.action == LISTING:
        return client.count_keys()
    return amount


def version(client_name: str) -> str:
    """Of the client's library; of Python for the floor."""
    distribution = CLIENTS[client_name].distribution
    if distribution is None:
        return sys.version.split()[0]
    if client_name == FORK:
        import libcloud

        return libcloud.__version__
    return importlib.metadata.version(distribution)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_bytes(maxrss: int) -> int:
    """``ru_maxrss`` is in KiB, on macOS in bytes: getrusage(2) of each."""
    return maxrss if sys.platform == "darwin" else maxrss * 1024


def main(client_name: str, workload: str, port: str) -> None:
    try:
        cost = measure(client_name, Workload(**json.loads(workload)), int(port))
        answer = {"version": version(client_name), **asdict(cost)}
    except ImportError as error:
        answer = {"missing": str(error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
