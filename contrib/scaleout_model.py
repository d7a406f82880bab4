# SPDX-License-Identifier: Apache-2.0
"""How long an upload, or a migration, takes on many machines: arithmetic, with its assumptions.

    python contrib/scaleout_model.py                    1 TiB, 48.8 TiB and a billion keys
    python contrib/scaleout_model.py --machines 100 --gbit 25

The figures on which the defaults rest: the costs of coordinator and workers are those that
``contrib/bench/scaleout.py`` measures; limits are from the Amazon S3 User Guide ("Amazon S3
multipart upload limits", "Best practices design patterns": 3,500 writes a second and prefix).
"""

from __future__ import annotations

import argparse
import math

from libcloud.storage.capabilities import Limits
from libcloud.storage.transfer.cut import cut

_MIB = 1024**2
_GIB = 1024**3
_TIB = 1024**4


def seconds(value: float) -> str:
    """``value`` for people."""
    if value < 120:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.1f} h"


def describe_object(size: int, given: argparse.Namespace) -> None:
    """One object of ``size`` bytes, from pieces of equal size."""
    limits = Limits()
    pieces = math.ceil(size / (given.piece_mib * _MIB))
    sizes = [size * (number + 1) // pieces - size * number // pieces for number in range(pieces)]
    parts = cut(sizes, limits)
    largest = max(part.size for part in parts)
    rate = given.machines * given.gbit * 1e9 / 8 * given.efficiency
    cpu = size / _GIB * given.worker_cpu / (given.machines * given.cores)
    coordinator = len(parts) * given.coordinator_ms / 1000
    traffic = len(parts) * given.part_bytes / _MIB
    print(f"{size / _TIB:.4g} TiB in {pieces} pieces, on {given.machines} machines:")
    print(f"  {len(parts)} parts of up to {largest / _MIB:.0f} MiB, {rate / _GIB:.1f} GiB/s")
    print(f"  network {seconds(size / rate)}, CPU of the workers {seconds(cpu)} in parallel")
    print(f"  coordinator {seconds(coordinator)} of CPU, {traffic:.0f} MiB of traffic")
    held = given.cores * min(largest, (given.held_mib + given.piece_mib) * _MIB) / _GIB
    print(f"  memory of a machine {held:.1f} GiB: {given.cores} workers, each with a piece")


def describe_keys(keys: int, given: argparse.Namespace) -> None:
    """A migration of ``keys`` objects."""
    pages = math.ceil(keys / 1000)
    one = seconds(pages * given.page_seconds)
    ranged = seconds(pages * given.page_seconds / given.ranges)
    writes = keys / (given.prefix_writes * given.prefixes)
    shards = math.ceil(keys / given.shard)
    print(f"{keys:,} keys:")
    print(f"  {pages:,} pages: {one} one after another, {ranged} in {given.ranges} ranges")
    print(f"  {shards:,} shards, {keys * given.key_bytes / 1e9:.0f} GB of manifests")
    print(f"  at least {seconds(writes)} of writes, by the limit of {given.prefixes} prefixes")
    cpu = keys * given.key_cpu_ms / 1000 / (given.machines * given.cores)
    print(f"  CPU of the workers {seconds(cpu)} in parallel")


def main() -> None:
    parser = argparse.ArgumentParser(
        description="How long an upload or a migration takes on many machines.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--machines", type=int, default=20)
    add("--cores", type=int, default=8, help="workers of a machine")
    add("--gbit", type=float, default=10.0, help="network of a machine, Gbit/s")
    add("--efficiency", type=float, default=1.0, help="share of the network that is used")
    add("--piece-mib", type=float, default=64.0, help="size of a piece")
    add("--held-mib", type=float, default=8.0, help="of a part that a worker holds beside a piece")
    add("--worker-cpu", type=float, default=1.2, help="CPU s of the workers for a GiB")
    add("--coordinator-ms", type=float, default=0.5, help="CPU of the coordinator for a part")
    add("--part-bytes", type=int, default=1500, help="traffic of the coordinator for a part")
    add("--page-seconds", type=float, default=0.3, help="a page of 1,000 keys")
    add("--ranges", type=int, default=100, help="key ranges that are listed at once")
    add("--shard", type=int, default=100_000, help="keys of a task of a migration")
    add("--key-bytes", type=float, default=34.0, help="of a key in a compressed manifest")
    add("--key-cpu-ms", type=float, default=0.5, help="CPU of a worker for a key")
    add("--prefix-writes", type=int, default=3500, help="writes a second and prefix")
    add("--prefixes", type=int, default=10, help="prefixes among which the keys are spread")
    given = parser.parse_args()
    for size in (_TIB, int(48.8 * _TIB)):
        describe_object(size, given)
    describe_keys(10**9, given)


if __name__ == "__main__":
    main()
