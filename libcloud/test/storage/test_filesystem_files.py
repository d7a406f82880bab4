# SPDX-License-Identifier: Apache-2.0
"""Local files of the file system of fsspec: what ``get`` and ``put`` write and read."""

from __future__ import annotations

import gc
import io
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from fsspec.callbacks import Callback  # type: ignore[import-untyped]

from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.storage.filesystem import LibcloudFileSystem
from libcloud.storage.types import SizeMismatchError

SYSTEM_FILE = "/sys/kernel/mm/transparent_hugepage/enabled"  # it has 4096 bytes, it says


@pytest.fixture(params=["local", "dummy"])
def fs(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A file system on a store that is not S3."""
    local = request.param == "local"
    driver: Any = LocalStorageDriver(str(tmp_path)) if local else DummyStorageDriver("key", "")
    found = LibcloudFileSystem(driver=driver, skip_instance_cache=True)
    found.mkdir("bucket")
    return found


def test_objects_whose_names_are_one_file_are_not_mixed_up(tmp_path: Path) -> None:
    fs: Any = LibcloudFileSystem(driver=DummyStorageDriver("key", ""), skip_instance_cache=True)
    fs.mkdir("c")
    for name in ("d/a/b", "d/a//b", "d/c"):
        fs.pipe_file(f"c/{name}", name.encode())
    target = tmp_path / "target"

    with pytest.raises(FileExistsError, match="would become one file"):
        fs.get("c/d", str(target), recursive=True)

    fs.get("c/d/a/b", str(target / "a" / "b"))  # that is another run
    assert (target / "a" / "b").read_bytes() == b"d/a/b"


@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize("name", ["d/../../b", "d/e/../../../target-of-others/b"])
def test_no_file_is_written_outside_of_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, end: str
) -> None:
    monkeypatch.setattr("fsspec.asyn.check_contained", lambda *_: None, raising=False)
    monkeypatch.chdir(tmp_path)
    fs: Any = LibcloudFileSystem(driver=DummyStorageDriver("key", ""), skip_instance_cache=True)
    fs.mkdir("c")
    fs.pipe({"c/d/a": b"1", f"c/{name}": b"2"})
    os.mkdir("target")
    with pytest.raises(ValueError, match="leads out of"):
        fs.get("c/d", f"target{end}", recursive=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    fs.get("c/d/a", f"target{end}")
    assert (tmp_path / "target/a").read_bytes() == b"1"


def test_a_local_file_is_sent_whatever_its_kind(fs: Any, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"data",))
    writer.start()
    fs.put_file(str(pipe), "bucket/object")
    writer.join(30)
    assert fs.cat("bucket/object") == b"data"
    for path in filter(os.path.exists, ("/proc/version", SYSTEM_FILE)):
        fs.put(path, "bucket/object")
        assert fs.cat("bucket/object") == Path(path).read_bytes()
    with pytest.raises(FileExistsError):
        fs.put_file(__file__, "bucket/object", mode="create")


WRITTEN = [("w", None), ("wt", "gzip"), ("wb", "gzip")]


@pytest.mark.parametrize(("mode", "compression"), WRITTEN)
def test_a_file_open_at_the_end_of_a_transaction_is_stored_whole(
    fs: Any, mode: str, compression: str | None
) -> None:
    data: Any = b"data" if "b" in mode else "data"
    with fs.transaction:
        file = fs.open("bucket/object", mode, compression=compression)
        file.write(data)
    assert file.closed
    with fs.open("bucket/object", mode.replace("w", "r"), compression=compression) as found:
        assert found.read() == data


@pytest.mark.parametrize(("mode", "compression"), WRITTEN)
def test_a_file_dropped_in_a_transaction_is_an_error(
    fs: Any, mode: str, compression: str | None
) -> None:
    with pytest.raises(ValueError, match="bucket/object was dropped"), fs.transaction:
        fs.pipe_file("bucket/before", b"data")
        fs.open("bucket/object", mode, compression=compression).write(
            b"data" if "b" in mode else "data"
        )
        gc.collect()
    assert fs.ls("bucket", detail=False) == ["bucket/before"]


@pytest.mark.parametrize("data", [b"", b"one", b"one\n", b"one\n\ntwo"])
def test_the_lines_of_a_file_are_those_of_a_local_one(fs: Any, data: bytes) -> None:
    fs.pipe_file("bucket/object", data)
    with fs.open("bucket/object") as file:
        assert file.readlines() == io.BytesIO(data).readlines()
        assert file.readlines() == []


def test_a_file_that_is_truncated_while_it_is_sent_is_not_stored(fs: Any, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(3 * 1024 * 1024))

    class Truncating(Callback):  # type: ignore[misc]
        def relative_update(self, inc: int = 1) -> None:
            os.truncate(source, 1024 * 1024)

    with pytest.raises(SizeMismatchError, match="ended after 1048576"):
        fs.put_file(str(source), "bucket/object", callback=Truncating())
    assert not fs.exists("bucket/object")
