# SPDX-License-Identifier: Apache-2.0
"""zarr and fsspec's reference file system (kerchunk): chunks are read and written side by side."""

from __future__ import annotations

import threading
from typing import Any

import fsspec  # type: ignore[import-untyped]  # fsspec has no types
import numpy as np
import zarr

import libcloud.storage.filesystem  # noqa: F401  # registers it where the distribution is not installed
from libcloud.test.frames.conftest import BUCKET
from libcloud.test.storage.fakes.faults import Action
from libcloud.test.storage.fakes.servers import Endpoint
from libcloud.test.storage.fakes.wire import Incoming

CHUNKS = 9
URL = f"libcloud+s3://{BUCKET}"


class Together(Action):
    """Requests for chunks get responses only when all of them have arrived."""

    def __init__(self) -> None:
        self.barrier = threading.Barrier(CHUNKS)

    def verified(self, request: Incoming) -> Incoming:
        self.barrier.wait(30)
        return request


def hold_chunks(server: Endpoint, operation: str) -> None:
    assert server.fake is not None
    server.fake.faults.add(
        operation, Together(), times=CHUNKS, match=lambda one: "/c/" in one.target
    )


def test_chunks_of_zarr_are_in_flight_together(options: dict[str, Any], server: Endpoint) -> None:
    store = zarr.storage.FsspecStore.from_url(f"{URL}/cube.zarr", storage_options=options)
    assert store.fs.asynchronous
    numbers = np.arange(36, dtype="i4").reshape(6, 6)
    with zarr.config.set({"async.concurrency": CHUNKS}):
        hold_chunks(server, "PutObject")
        array = zarr.create_array(store, shape=(6, 6), chunks=(2, 2), dtype="i4")
        array[:] = numbers
        hold_chunks(server, "GetObject")
        np.testing.assert_array_equal(zarr.open_array(store, mode="r")[:], numbers)


def test_shards_are_read_by_their_parts(options: dict[str, Any]) -> None:
    store = zarr.storage.FsspecStore.from_url(f"{URL}/shards.zarr", storage_options=options)
    numbers = np.arange(64, dtype="i4").reshape(8, 8)
    array = zarr.create_array(store, shape=(8, 8), chunks=(2, 2), shards=(4, 4), dtype="i4")
    array[:] = numbers
    np.testing.assert_array_equal(zarr.open_array(store, mode="r")[3:5, 3:5], numbers[3:5, 3:5])


def test_references_of_kerchunk_are_read_by_ranges(options: dict[str, Any]) -> None:
    fs = fsspec.filesystem("libcloud+s3", **options)
    fs.pipe_file(f"{BUCKET}/archive", b"0123456789")
    references = {f"c/{n}": [f"{URL}/archive", n, 1] for n in range(CHUNKS)}
    found = fsspec.filesystem(
        "reference", fo=references, remote_protocol="libcloud+s3", remote_options=options
    )
    chunks = found.cat([f"c/{n}" for n in range(CHUNKS)])
    assert chunks == {f"c/{n}": b"%d" % n for n in range(CHUNKS)}
