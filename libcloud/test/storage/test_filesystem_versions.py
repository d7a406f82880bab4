# SPDX-License-Identifier: Apache-2.0
"""Files of fsspec are of one version of the object, from the first read to the last."""

from __future__ import annotations

import errno
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from libcloud.storage.base import StorageDriver
from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.filesystem import FileExpired, LibcloudFileSystem
from libcloud.storage.types import ObjectChangedError
from libcloud.test.storage.fakes.faults import Action, Status
from libcloud.test.storage.fakes.wire import Incoming
from libcloud.test.storage.s3_servers import Store, store

OLD = b"A" * 100_000


def file_system(driver: StorageDriver) -> Any:
    return LibcloudFileSystem(driver=driver, skip_instance_cache=True)


@pytest.fixture
def s3() -> Iterator[Store]:
    with store() as running:
        yield running


@pytest.fixture
def fs(s3: Store) -> Any:
    return file_system(s3.driver)


@pytest.fixture(params=["local", "dummy"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A file system on a store that is not S3."""
    local = request.param == "local"
    driver: Any = LocalStorageDriver(str(tmp_path)) if local else DummyStorageDriver("key", "")
    found = file_system(driver)
    found.mkdir("bucket")
    return found


@pytest.mark.parametrize("later", [b"B" * 100_000, b"B" * 200_000, b"B" * 90_100, None])
@pytest.mark.parametrize("cache", ["readahead", "bytes", "none", "blockcache", "mmap", "first"])
def test_a_file_that_is_replaced_while_it_is_open_has_expired(
    s3: Store, fs: Any, cache: str, later: bytes | None
) -> None:
    fs.pipe_file("bucket/object", OLD)
    with fs.open("bucket/object", block_size=1000, cache_type=cache) as file:
        assert file.read(10) == b"A" * 10
        _replace(fs, later)
        file.seek(90_000)
        with pytest.raises(FileExpired) as caught:
            file.read(10)
    assert (caught.value.errno, caught.value.filename) == (errno.EBUSY, "bucket/object")
    assert isinstance(caught.value.__cause__, ObjectChangedError)


@pytest.mark.parametrize("later", [b"B" * 100_000, b"B" * 200_000, b"B" * 90_100, None])
def test_files_of_other_drivers_expire_too(other: Any, later: bytes | None) -> None:
    other.pipe_file("bucket/object", OLD)
    with other.open("bucket/object", block_size=1000) as file:
        assert file.read(10) == b"A" * 10
        file.seek(50_000)
        assert file.read(10) == b"A" * 10
        _replace(other, later)
        file.seek(90_000)
        with pytest.raises(FileExpired):
            file.read(10)


def _replace(fs: Any, data: bytes | None) -> None:
    if data is None:
        fs.rm("bucket/object")
    else:
        fs.pipe_file("bucket/object", data)


def test_an_expired_file_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(FileExpired("bucket/object")))
    assert (error.errno, error.filename) == (errno.EBUSY, "bucket/object")


class ReplaceBefore(Action):
    """The object is replaced before the response."""

    def __init__(self, s3: Store, data: bytes) -> None:
        self.s3, self.data = s3, data

    def verified(self, request: Incoming) -> Incoming:
        with self.s3.server.state.lock:
            stored = self.s3.server.state.objects["bucket", "object"]
            stored.body, stored.size, stored.etag = self.data, len(self.data), "0" * 32
        return request


def test_ranges_of_one_file_are_of_one_version(s3: Store, fs: Any) -> None:
    fs.pipe_file("bucket/object", OLD)
    fs.pipe_file("bucket/another", b"0123456789")
    paths = ["bucket/object", "bucket/another", "bucket/object", "bucket/none"]
    replace = ReplaceBefore(s3, b"B" * 100_000)
    s3.server.faults.add("GetObject", replace, nth=2, match=lambda get: "object" in get.target)
    first, second, third, none = fs.cat_ranges(paths, [0, 3, 90_000, 0], [5, 5, 90_005, 5])
    assert first in (b"AAAAA", b"BBBBB"), "the two are read at the same time"
    assert second == b"34"
    assert isinstance(third, FileExpired)
    assert isinstance(none, FileNotFoundError)
    assert s3.server.count("HeadObject") == 0
    with pytest.raises(FileNotFoundError):
        fs.cat_ranges(paths[3:], 0, 5, on_error="raise")


def _refuse_conditions(s3: Store) -> None:
    """VAST does (https://github.com/fsspec/s3fs/pull/1008)."""
    s3.server.faults.add(
        "GetObject",
        Status(501, "NotImplemented", "A header you provided implies functionality"),
        times=None,
        match=lambda request: "if-match" in request.header_values,
    )


def test_a_store_that_refuses_conditions_is_read_without_them(s3: Store, fs: Any) -> None:
    fs.pipe_file("bucket/object", OLD)
    _refuse_conditions(s3)
    with fs.open("bucket/object", block_size=1000) as file:
        assert file.read(10) == b"A" * 10
        file.seek(90_000)
        assert file.read(10) == b"A" * 10
    assert len(s3.requests("GetObject")) == 3, "the refusal is remembered"


def test_a_store_that_refuses_conditions_gives_one_version_anyway(s3: Store, fs: Any) -> None:
    fs.pipe_file("bucket/object", OLD)
    _refuse_conditions(s3)
    with fs.open("bucket/object", block_size=1000) as file:
        assert file.read(10) == b"A" * 10
        _replace(fs, b"B" * 100_000)
        file.seek(90_000)
        with pytest.raises(FileExpired):
            file.read(10)


def test_a_part_of_a_file_is_of_the_version_whose_size_was_read(s3: Store, fs: Any) -> None:
    fs.pipe_file("bucket/object", OLD)
    s3.server.faults.add("GetObject", ReplaceBefore(s3, b"B" * 100_000), nth=1)
    with pytest.raises(FileExpired):
        fs.cat_file("bucket/object", -10, -5)


def test_the_last_bytes_are_of_the_version_that_one_request_reads(s3: Store, fs: Any) -> None:
    fs.pipe_file("bucket/object", OLD)
    s3.server.faults.add("GetObject", ReplaceBefore(s3, b"C" * 50_000 + b"B" * 5), nth=1)
    assert fs.cat_file("bucket/object", -10) == b"C" * 5 + b"B" * 5


def test_an_override_of_range_downloads_is_called(s3: Store) -> None:
    class Own(S3StorageDriver):
        def download_object_range_as_stream(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
            pieces = super().download_object_range_as_stream(*args, **kwargs)
            return (piece.lower() for piece in pieces)

    server = s3.server
    driver = Own(server.key, server.secret, secure=False, host=server.host, port=server.port)
    found = file_system(driver)
    found.pipe_file("bucket/object", OLD)
    assert found.cat_file("bucket/object", 5, 8) == b"aaa"


@pytest.fixture
def versions(s3: Store, fs: Any) -> tuple[str, str]:
    """The ids of two versions of a file, ``old`` and ``new!``."""
    s3.driver.ex_set_versioning(s3.container, True)
    upload = s3.driver.upload_object_via_stream
    made = [upload(iter([data]), s3.container, "object") for data in (b"old", b"new!")]
    return made[0].extra["version_id"], made[1].extra["version_id"]


def test_files_are_read_and_copied_as_the_version_that_is_named(
    fs: Any, versions: tuple[str, str], tmp_path: Path
) -> None:
    old, _ = versions
    assert fs.cat_file("bucket/object", -2, version_id=old) == b"ld"
    assert fs.cat_ranges(["bucket/object"] * 2, [0, 1], [2, 3], version_id=old) == [b"ol", b"ld"]
    fs.get_file("bucket/object", str(tmp_path / "one"), version_id=old)
    fs.get("bucket/object", str(tmp_path / "two"), version_id=old)
    assert [(tmp_path / name).read_bytes() for name in ("one", "two")] == [b"old"] * 2
    fs.cp_file("bucket/object", "bucket/copy", version_id=old)
    assert fs.cat_file("bucket/copy") == b"old"
    fs.copy("bucket/object", "bucket/object", version_id=old)
    assert fs.cat_file("bucket/object") == b"old"


def test_a_version_exists_only_if_the_store_has_it(
    s3: Store, fs: Any, versions: tuple[str, str], tmp_path: Path
) -> None:
    old, _ = versions
    assert fs.exists("bucket/object", version_id=old)
    s3.driver.ex_delete_objects([("object", old)], s3.container)
    assert not fs.exists("bucket/object", version_id=old)
    with pytest.raises(FileNotFoundError):
        fs.get_file("bucket/object", str(tmp_path / "file"), version_id=old)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("method", ["rm_file", "rm", "mv"])
def test_a_deletion_of_a_version_does_not_delete_the_newest(
    s3: Store, fs: Any, versions: tuple[str, str], method: str
) -> None:
    paths = ("bucket/object", "bucket/moved") if method == "mv" else ("bucket/object",)
    with pytest.raises(TypeError, match="version_id"):
        getattr(fs, method)(*paths, version_id=versions[0])
    found = s3.driver.ex_iterate_object_versions(s3.container)
    assert [version.version_id for version in found] == [*reversed(versions)]
