# SPDX-License-Identifier: Apache-2.0
"""One object from a pool of processes; processes that are killed, workers and coordinators."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from libcloud.storage.types import WorkerError
from libcloud.test.storage.s3_servers import PART, Store, pattern, store
from libcloud.test.storage.scaleout import pools
from libcloud.test.storage.scaleout.pools import runs_of, sha256

SIZES = [PART, 10, 3 * PART, PART // 2, 2 * PART, 1]
DATA = b"".join(pattern(size, seed=number) for number, size in enumerate(SIZES))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running() -> Iterator[Store]:
    """The drivers of other processes have the smallest part of the store."""
    with store() as found:
        yield found


@pytest.fixture(autouse=True)
def credentials(s3: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.server.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.server.secret)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Where the pieces note their runs."""
    place = tmp_path / "runs"
    place.mkdir()
    return str(place)


def processes() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def pieces_of(folder: str) -> list[Any]:
    return [partial(pools.piece, folder, number, size) for number, size in enumerate(SIZES)]


def connect_to(s3: Store) -> Any:
    return partial(pools.connected, s3.server.host, s3.server.port)


def assert_published(s3: Store, folder: str, runs: list[int]) -> None:
    assert sha256(s3.body()) == sha256(DATA)
    assert [runs_of(folder)[number] for number in range(len(SIZES))] == runs
    s3.assert_nothing_is_left("object")


def test_a_pool_that_broke_is_replaced_and_only_what_is_missing_is_sent(
    s3: Store, folder: str
) -> None:
    pieces = pieces_of(folder)
    pieces[2] = partial(pools.fatal, folder, 2, SIZES[2])
    where = {"sizes": SIZES, "ex_connect": connect_to(s3)}
    with pytest.raises(WorkerError, match="Nothing was published") as caught, processes() as pool:
        s3.driver.ex_upload_with(pool, pieces, s3.container, "object", ex_window=1, **where)
    text = vars(caught.value)["session"]
    assert isinstance(caught.value.__cause__, BrokenProcessPool)
    assert caught.value.pieces == (2,)
    assert not s3.server.objects
    with processes() as pool:
        s3.driver.ex_attach_upload(text, pool, pieces, **where)
    assert_published(s3, folder, [1, 1, 2, 1, 1, 1])


@pytest.mark.parametrize("event", ["PartDone", "UploadCompleting", "UploadCompleted"])
def test_a_coordinator_that_was_killed_is_replaced(s3: Store, folder: str, event: str) -> None:
    context = multiprocessing.get_context("spawn")
    where = (s3.server.host, s3.server.port)
    coordinator = context.Process(target=pools.coordinate, args=(*where, folder, SIZES, event))
    coordinator.start()
    coordinator.join(60)
    assert coordinator.exitcode == -9
    text = Path(f"{folder}.session").read_text()
    with ThreadPoolExecutor(2) as pool:
        s3.driver.ex_attach_upload(text, pool, pieces_of(folder), SIZES)
    runs = [runs_of(folder)[number] for number in range(len(SIZES))]
    assert_published(s3, folder, runs)
    completed = len(s3.requests("CompleteMultipartUpload"))
    assert completed == 1
    if event != "PartDone":
        assert runs == [1] * len(SIZES)
