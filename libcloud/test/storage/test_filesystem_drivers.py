# SPDX-License-Identifier: Apache-2.0
"""The file system of fsspec on stores of other protocols: requests, versions and listings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from libcloud.storage.filesystem import FileExpired, LibcloudFileSystem
from libcloud.test.storage.fakes.azure import FakeAzure
from libcloud.test.storage.fakes.swift import FakeSwift

DATA = bytes(range(256)) * 1000


@pytest.fixture(params=["azure", "swift"])
def store(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Callable[[], list[str]]]]:
    """A file system on a fake, and a function that returns the operations so far."""
    kind: Any = FakeAzure if request.param == "azure" else FakeSwift
    with kind() as server:
        driver = server.connect()
        driver.create_container("bucket")
        fs: Any = LibcloudFileSystem(driver=driver, skip_instance_cache=True)
        yield fs, lambda: list(server.operations() if kind is FakeAzure else server.log)
        assert server.violations == []


def _open(fs: Any, _: Path) -> None:
    with fs.open("bucket/a") as file:
        assert (file.size, file.read(5)) == (len(DATA), DATA[:5])


READS: dict[str, Callable[[Any, Path], object]] = {
    "cat_file": lambda fs, _: fs.cat_file("bucket/a"),
    "range": lambda fs, _: fs.cat_file("bucket/a", 2, 500),
    "get_file": lambda fs, directory: fs.get_file("bucket/a", str(directory / "a")),
    "open": _open,
}


@pytest.mark.parametrize("read", READS)
def test_a_read_is_one_request(store: Any, tmp_path: Path, read: str) -> None:
    fs, operations = store
    fs.pipe_file("bucket/a", DATA)
    before = len(operations())
    READS[read](fs, tmp_path)
    assert len(operations()) == before + 1


def test_files_are_read_as_they_were_written(store: Any) -> None:
    fs, _ = store
    fs.pipe({"bucket/d/a": DATA, "bucket/d/e/b": b"data", "bucket/empty": b""})
    assert fs.cat_file("bucket/empty") == b""
    assert fs.cat_ranges(["bucket/d/a", "bucket/d/a"], [3, -4], [5, None]) == [DATA[3:5], DATA[-4:]]
    assert fs.find("bucket/d") == ["bucket/d/a", "bucket/d/e/b"]
    assert fs.du("bucket") == len(DATA) + 4
    with fs.open("bucket/d/a", block_size=7000) as file:
        assert b"".join(iter(lambda: file.read(3000), b"")) == DATA
    fs.rm("bucket/d", recursive=True)
    assert fs.find("bucket") == ["bucket/empty"]
    for path in ("bucket/none", "nowhere/a"):
        with pytest.raises(FileNotFoundError):
            fs.cat_file(path)


def test_a_directory_is_put_into_a_container_that_is_missing(store: Any, tmp_path: Path) -> None:
    fs, _ = store
    for number in range(3):
        (tmp_path / "source" / str(number)).mkdir(parents=True)
        (tmp_path / "source" / str(number) / "file").write_bytes(b"data")
    fs.put(f"{tmp_path}/source/", "new/", recursive=True)
    assert fs.find("new") == ["new/0/file", "new/1/file", "new/2/file"]


def test_a_file_that_is_replaced_while_it_is_open_has_expired(store: Any) -> None:
    fs, _ = store
    fs.pipe_file("bucket/a", DATA)
    with fs.open("bucket/a", block_size=1000) as file:
        assert file.read(10) == DATA[:10]
        fs.pipe_file("bucket/a", DATA[::-1])
        file.seek(90_000)
        with pytest.raises(FileExpired):
            file.read(10)


@pytest.mark.parametrize("store", ["azure"], indirect=True)  # whose listings have metadata
def test_a_placeholder_is_a_directory(store: Any, tmp_path: Path) -> None:
    fs, _ = store
    box = fs.driver.get_container("bucket")
    extra = {"meta_data": {"hdi_isfolder": "true"}}
    for name in ("top/full", "top/empty"):
        box.upload_object_via_stream(iter([b""]), name, extra=extra)
    fs.pipe_file("bucket/top/full/file", b"data")
    fs.invalidate_cache()
    assert fs.isdir("bucket/top/empty") and fs.isdir("bucket/top/full")
    assert fs.ls("bucket/top/empty", detail=False) == []
    assert fs.find("bucket/top") == ["bucket/top/full/file"]
    kinds = [(entry["name"], entry["type"]) for entry in fs.ls("bucket/top")]
    assert kinds == [("bucket/top/empty", "directory"), ("bucket/top/full", "directory")]
    fs.get("bucket/top", str(tmp_path / "top"), recursive=True)
    assert (tmp_path / "top" / "full" / "file").read_bytes() == b"data"
    fs.rm("bucket/top", recursive=True)
    assert not fs.exists("bucket/top")
