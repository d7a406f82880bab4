# SPDX-License-Identifier: Apache-2.0
"""A day's work in small: 2,000 uploads by eight threads through one driver, to a store in trouble.

One request in twenty goes wrong. Every object is right, and threads, sockets, descriptors and
memory are in the end what they were in the beginning.
"""

from __future__ import annotations

import gc
import logging
import os
import random
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import libcloud
from libcloud.storage.base import Container
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.s3.profiles import AMAZON
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.faults.troubled import BUCKET, SHARE, TroubledServer

UPLOADS, LAST, THREADS = 2000, 500, 8
PART = 1000
LARGEST = 20_000
# The last 500 objects have 1.3 MB. Caches and the last answer of each thread are all that is kept.
KEPT_BYTES = 400 * 1024
PACKAGES = ("common", "http", "storage", "utils")


class Driver(S3StorageDriver):
    profile = replace(AMAZON, limits=replace(AMAZON.limits, min_part_size=1))
    ex_retry_policy = RetryPolicy(attempts=8, base=0.0)


def pieces(data: bytes, dice: random.Random) -> Iterator[bytes]:
    """``data`` in pieces of any size, none among them."""
    start = 0
    while start < len(data):
        size = dice.choice([0, 1, dice.randint(2, 300), dice.randint(300, 2500)])
        yield data[start : start + size]
        start += size


def upload_and_read(driver: Any, number: int) -> None:
    """One upload, and a look at what became of it."""
    dice = random.Random(number)
    container = Container(BUCKET, {}, driver)
    size = dice.choice([0, PART - 1, PART, PART + 1, dice.randint(0, LARGEST)])
    data = pattern(size, number)
    stored = driver.upload_object_via_stream(
        pieces(data, dice),
        container,
        f"day/{number}",
        ex_part_size=PART,
        ex_window=dice.randint(1, 4),
    )
    assert stored.size == size
    assert b"".join(stored.as_stream(dice.randint(100, 2000))) == data


def allocated(snapshot: tracemalloc.Snapshot) -> int:
    """Bytes that the library holds, or that this module gave it; not what other tests left."""
    places = [f"{Path(libcloud.__file__).parent}/{name}/*" for name in PACKAGES]
    filters = [tracemalloc.Filter(True, place) for place in (*places, __file__)]
    return sum(trace.size for trace in snapshot.filter_traces(filters).traces)


def descriptors() -> int:
    """Files and sockets that this process has open."""
    return len(os.listdir("/dev/fd"))


@pytest.mark.slow
def test_mixed_operations_are_correct_and_leave_nothing_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Records that are kept keep errors, and those the frames they came through.
    caplog.set_level(logging.CRITICAL, "libcloud")
    with TroubledServer(seed=2026) as server:
        threads, open_files = threading.active_count(), descriptors()
        endpoint = server.endpoint
        driver: Any = Driver(
            endpoint.key, endpoint.secret, secure=False, host=endpoint.host, port=endpoint.port
        )
        with ThreadPoolExecutor(THREADS) as pool:

            def work(numbers: range) -> None:
                for done in [pool.submit(upload_and_read, driver, number) for number in numbers]:
                    done.result()
                gc.collect()

            work(range(UPLOADS - LAST))
            tracemalloc.start()
            work(range(UPLOADS - LAST, UPLOADS))
            kept = allocated(tracemalloc.take_snapshot())
            tracemalloc.stop()
        driver.connection.connection.session.close()
        gc.collect()

        assert threading.active_count() <= threads  # those of earlier tests may have ended
        assert descriptors() <= open_files
        assert kept < KEPT_BYTES
        seen = server.end()
    assert seen.violations == []
    assert seen.objects == UPLOADS
    assert sum(seen.uploads) == 0
    assert len(seen.uploads) <= seen.lost_creates
    assert seen.faults > seen.requests * SHARE / 2
