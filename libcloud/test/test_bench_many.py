# SPDX-License-Identifier: Apache-2.0
"""The store with latency of ``contrib/bench`` does what S3 does; the table shows medians."""

from __future__ import annotations

import asyncio
import importlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from libcloud.storage.drivers.s3 import S3StorageDriver

CONTRIB = Path(__file__).resolve().parents[2] / "contrib"


@pytest.fixture(autouse=True)
def contrib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(CONTRIB))


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a store without latency."""
    latency = importlib.import_module("bench.latency")
    started: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        stop = asyncio.Event()
        server = await latency.serve(0.0)
        number = server.sockets[0].getsockname()[1]
        started.set_result((number, asyncio.get_running_loop(), stop))
        await stop.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    number, loop, stop = started.result(30)
    yield number
    loop.call_soon_threadsafe(stop.set)
    thread.join()


@pytest.mark.slow
def test_the_store_with_latency_is_one(port: int, tmp_path: Path) -> None:
    driver: Any = S3StorageDriver("key", "secret", secure=False, host="127.0.0.1", port=port)
    container = driver.get_container("bucket")
    big = b"x" * (11 * 1024 * 1024)
    container.upload_object_via_stream(iter([big[:100], big[100:]]), "big", ex_part_size=5 << 20)
    for name in ("d/a&b", "d/b", "e"):
        container.upload_object_via_stream(iter([name.encode()]), name)
    assert [obj.name for obj in container.list_objects()] == ["big", "d/a&b", "d/b", "e"]
    obj = container.get_object("big")
    assert b"".join(obj.as_stream()) == big
    assert b"".join(obj.range_as_stream(5, 9)) == b"xxxx"
    assert all(one.deleted for one in driver.ex_delete_objects(["big", "d/a&b"], container))
    assert container.get_object("e").delete()
    assert [one.name for one in container.list_objects()] == ["d/b"]
    with urlopen(f"http://127.0.0.1:{port}/?statistics", timeout=30) as answer:
        counts = json.load(answer)
    assert counts["delete many"] == 1
    assert counts["in flight"] >= 1


def test_the_table_shows_medians_and_leaves_out_what_is_not_installed() -> None:
    many = importlib.import_module("bench.many")
    runs = {"put": {"libcloud": [[1.0, 0.5, 64], [3.0, 0.7, 66], [2.0, 0.6, 65]]}, "get": {}}
    assert many.table(runs).splitlines() == [
        "| | libcloud |",
        "|---|---|",
        "| put | 2.00, CPU 0.60, 65 in flight |",
        "| get |  |",
    ]
