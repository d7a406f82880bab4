# SPDX-License-Identifier: Apache-2.0
"""The file system of fsspec: what fsspec's own tests do not ask."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]  # fsspec has no types
import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import StorageDriver
from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.storage.filesystem import LibcloudFileSystem
from libcloud.storage.types import PreconditionFailedError
from libcloud.test.storage.fakes.faults import Status
from libcloud.test.storage.fakes.options import AMAZON, Options
from libcloud.test.storage.s3_servers import PART, Store, pattern, store

LONG = pattern(PART * 3 + 1)
PARTS = {"ex_part_size": PART, "ex_window": 2}


def file_system(driver: StorageDriver) -> Any:
    return LibcloudFileSystem(driver=driver, skip_instance_cache=True)


@pytest.fixture
def s3() -> Iterator[Store]:
    with store() as running:
        yield running
        assert not running.server.violations


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


# Writing.


def test_a_file_is_sent_while_it_is_written_and_appears_at_its_end(s3: Store, fs: Any) -> None:
    with fs.open("bucket/object", "wb", content_type="a/b", metadata={"k": "v"}, **PARTS) as file:
        file.write(LONG)
        assert s3.server.count("CreateMultipartUpload") == 1
        assert not fs.exists("bucket/object")
        assert (file.tell(), file.writable(), file.closed) == (len(LONG), True, False)
    assert file.closed
    assert s3.body() == LONG
    info = fs.info("bucket/object")
    assert (info["content_type"], info["metadata"]) == ("a/b", {"k": "v"})
    assert s3.server.count("UploadPart") == 4
    s3.assert_nothing_is_left("object")


def _binary(fs: Any) -> None:
    with fs.open("bucket/object", "wb", **PARTS) as file:
        file.write(LONG)
        raise KeyError


def _text(fs: Any) -> None:
    with fs.open("bucket/object", "wt", **PARTS) as file:
        file.write("text" * PART)
        raise KeyError


def _compressed(fs: Any) -> None:
    with fs.open("bucket/object", "wb", compression="gzip", **PARTS) as file:
        file.write(LONG)
        raise KeyError


def _open_file(fs: Any) -> None:
    with fsspec.core.OpenFile(fs, "bucket/object", "wb") as file:
        file.write(LONG)
        raise KeyError


@pytest.mark.parametrize("write", [_binary, _text, _compressed, _open_file])
def test_a_block_left_by_an_exception_publishes_nothing(
    s3: Store, fs: Any, write: Callable[[Any], None]
) -> None:
    with pytest.raises(KeyError):
        write(fs)
    s3.assert_nothing_is_left()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_file_that_is_dropped_publishes_nothing(s3: Store, fs: Any) -> None:
    file = fs.open("bucket/object", "wb")
    file.write(b"some data")
    del file
    s3.assert_nothing_is_left()


def test_text_and_compression_go_round(fs: Any) -> None:
    with fs.open("bucket/a.gz", "wt", compression="gzip", encoding="utf-8") as file:
        file.write("grüße\n" * 999)
    with fs.open("bucket/a.gz", "rt", compression="gzip", encoding="utf-8") as file:
        assert file.read() == "grüße\n" * 999
    assert fs.cat_file("bucket/a.gz")[:2] == b"\x1f\x8b"


def test_of_two_that_must_not_replace_a_file_one_is_refused(s3: Store, fs: Any) -> None:
    first, second = (fs.open("bucket/object", "xb") for _ in range(2))
    first.write(b"first")
    second.write(b"second")
    first.close()
    with pytest.raises(FileExistsError):
        second.close()
    third = fs.open("bucket/object", "wb", headers={"If-None-Match": "*"})
    with pytest.raises(PreconditionFailedError):
        third.close()
    assert s3.body() == b"first"


@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_objects_cannot_be_changed_in_place(fs: Any, mode: str) -> None:
    with pytest.raises(NotImplementedError, match="mode"):
        fs.open("bucket/object", mode)


def test_a_container_is_not_a_file(fs: Any) -> None:
    with pytest.raises(IsADirectoryError):
        fs.open("bucket", "wb")


def test_writing_to_a_missing_container_is_an_error(fs: Any) -> None:
    with pytest.raises(FileNotFoundError):
        fs.pipe_file("elsewhere/object", b"data")


def test_an_unknown_option_of_writing_is_refused(fs: Any) -> None:
    with pytest.raises(TypeError):
        fs.open("bucket/object", "wb", no_such_option=1)


@pytest.mark.parametrize("compression", ["infer", "gzip", "bz2"])
def test_a_compressed_file_takes_part_in_a_transaction(fs: Any, compression: str) -> None:
    with fs.transaction:
        with fs.open("bucket/a.gz", "wb", compression=compression) as file:
            file.write(LONG)
        assert not fs.exists("bucket/a.gz")
    with fs.open("bucket/a.gz", "rb", compression=compression) as file:
        assert file.read() == LONG


# Transactions.


def test_files_of_a_transaction_appear_at_its_end(s3: Store, fs: Any) -> None:
    with fs.transaction:
        with fs.open("bucket/long", "wb", **PARTS) as file:
            file.write(LONG)
        assert file.closed
        with pytest.raises(ValueError, match="closed"):
            file.write(b"more")
        fs.pipe_file("bucket/short", b"data")
        still_open = fs.open("bucket/open", "wb")
        still_open.write(b"open")
        assert s3.server.count("UploadPart") > 0
        assert fs.ls("bucket", detail=False) == []
    assert fs.cat("bucket/*") == {
        "bucket/long": LONG,
        "bucket/open": b"open",
        "bucket/short": b"data",
    }
    s3.assert_nothing_is_left("long", "open", "short")


def test_a_transaction_left_by_an_exception_publishes_nothing(s3: Store, fs: Any) -> None:
    with pytest.raises(KeyError), fs.transaction:
        with fs.open("bucket/long", "wb", **PARTS) as file:
            file.write(LONG)
        fs.pipe_file("bucket/short", b"data")
        raise KeyError
    s3.assert_nothing_is_left()
    fs.pipe_file("bucket/after", b"at once")
    s3.assert_nothing_is_left("after")


@pytest.mark.parametrize("mode", ["wb", "wt"])
def test_a_file_that_failed_in_a_transaction_is_left_out(s3: Store, fs: Any, mode: str) -> None:
    with fs.transaction:
        fs.pipe_file("bucket/good", b"data")
        with pytest.raises(KeyError), fs.open("bucket/bad", mode, **PARTS) as file:
            file.write(LONG if mode == "wb" else "text" * PART)
            raise KeyError
    s3.assert_nothing_is_left("good")


def test_after_one_that_cannot_be_published_the_others_are_removed(s3: Store, fs: Any) -> None:
    s3.server.faults.add("PutObject", Status(403, "AccessDenied"))
    with pytest.raises(PermissionError), fs.transaction:
        fs.pipe_file("bucket/first", b"data")
        with fs.open("bucket/second", "wb", **PARTS) as file:
            file.write(LONG)
    s3.assert_nothing_is_left()
    fs.pipe_file("bucket/after", b"at once")
    s3.assert_nothing_is_left("after")


# Reading.


def test_reading_is_by_ranges_and_ahead(s3: Store, fs: Any) -> None:
    fs.pipe_file("bucket/object", LONG)
    with fs.open("bucket/object", "rb", block_size=1000) as file:
        assert file.size == len(LONG)
        assert file.read(10) == LONG[:10]
        assert file.read(10) == LONG[10:20]
        assert [entry.headers["range"] for entry in s3.requests("GetObject")] == ["bytes=0-999"]
        file.seek(-5, 2)
        assert file.read() == LONG[-5:]
        file.seek(1500)
        assert file.read(300) == LONG[1500:1800]


@pytest.mark.parametrize("cache", ["readahead", "bytes", "none", "blockcache", "first"])
def test_every_cache_gives_the_bytes_of_the_object(fs: Any, cache: str) -> None:
    fs.pipe_file("bucket/object", LONG)
    with fs.open("bucket/object", "rb", block_size=700, cache_type=cache) as file:
        for place, size in [(0, 5), (699, 3), (2999, 2), (3000, 99), (1, 2500), (3001, 1)]:
            file.seek(place)
            assert file.read(size) == LONG[place : place + size]


@pytest.mark.parametrize("start", [None, 0, 3, -4, 9, 99])
@pytest.mark.parametrize("end", [None, 0, 5, -2, 10, 99])
def test_a_part_of_a_file_is_that_of_a_slice(fs: Any, start: int | None, end: int | None) -> None:
    fs.pipe_file("bucket/object", b"0123456789")
    assert fs.cat_file("bucket/object", start, end) == b"0123456789"[start:end]


def test_an_empty_file_is_read(fs: Any) -> None:
    fs.touch("bucket/empty")
    assert fs.cat_file("bucket/empty") == b""
    with fs.open("bucket/empty", "rb") as file:
        assert file.read() == b""


def test_a_download_that_breaks_off_leaves_the_old_file(s3: Store, fs: Any, tmp_path: Path) -> None:
    fs.pipe_file("bucket/object", LONG)
    target = tmp_path / "file"
    target.write_bytes(b"old")
    s3.server.faults.add("GetObject", Status(403, "AccessDenied"))
    with pytest.raises(PermissionError):
        fs.get_file("bucket/object", str(target))
    assert target.read_bytes() == b"old"
    fs.get_file("bucket/object", str(target))
    assert target.read_bytes() == LONG
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_is_downloaded_to_a_path_object(fs: Any, tmp_path: Path) -> None:
    fs.pipe_file("bucket/object", b"data")
    fs.get_file("bucket/object", tmp_path / "new" / "file")
    assert (tmp_path / "new" / "file").read_bytes() == b"data"


# Looking.


@pytest.mark.parametrize(
    "options", [AMAZON, Options(page_size=2), Options(page_size=1, optional_elements=False)]
)
def test_a_directory_is_listed_by_the_store(options: Options) -> None:
    with store(options) as s3:
        fs = file_system(s3.driver)
        names = ["a", "b/1", "b/2", "b/c/3", "b/d/4", "b/d/5", "bb", "z/y/x"]
        for name in names:
            fs.pipe_file(f"bucket/{name}", b"data")
        assert fs.ls("", detail=False) == ["bucket"]
        assert fs.ls("bucket", detail=False) == [
            "bucket/a",
            "bucket/b",
            "bucket/bb",
            "bucket/z",
        ]
        listed = fs.ls("libcloud+s3://bucket/b/")
        assert [(entry["name"], entry["type"], entry["size"]) for entry in listed] == [
            ("bucket/b/1", "file", 4),
            ("bucket/b/2", "file", 4),
            ("bucket/b/c", "directory", 0),
            ("bucket/b/d", "directory", 0),
        ]
        assert fs.ls("bucket/b/1", detail=False) == ["bucket/b/1"]
        assert fs.find("bucket") == [f"bucket/{name}" for name in names]
        assert fs.glob("bucket/b/*/[45]") == ["bucket/b/d/4", "bucket/b/d/5"]
        assert fs.glob("bucket/**/x") == ["bucket/z/y/x"]


def test_a_level_is_one_request(s3: Store, fs: Any) -> None:
    for name in ["b/1", "b/c/2", "b/c/3"]:
        fs.touch(f"bucket/{name}")
    assert fs.ls("bucket/b", detail=False) == ["bucket/b/1", "bucket/b/c"]
    (listing,) = s3.requests("ListObjectsV2")
    assert (listing.query["prefix"], listing.query["delimiter"]) == ("b/", "/")


def test_find_lists_once(s3: Store, fs: Any) -> None:
    for name in ["d/a", "d/e/f/b", "d/e/c"]:
        fs.pipe_file(f"bucket/{name}", b"")
    before = len(s3.server.requests)
    assert fs.find("bucket/d", withdirs=True) == [
        "bucket/d",
        "bucket/d/a",
        "bucket/d/e",
        "bucket/d/e/c",
        "bucket/d/e/f",
        "bucket/d/e/f/b",
    ]
    assert len(s3.server.requests) == before + 1
    assert fs.find("bucket/d", maxdepth=1) == ["bucket/d/a"]
    assert fs.find("bucket/nothing") == fs.find("nowhere") == []
    assert fs.find("bucket/d/a") == ["bucket/d/a"]


def test_odd_names_do_not_disturb(s3: Store, fs: Any) -> None:
    for name in ["d/", "d/a", "d//b", "d/c/"]:
        s3.driver.upload_object_via_stream(iter([b""]), s3.container, name)
    assert fs.ls("bucket/d", detail=False) == ["bucket/d//", "bucket/d/a", "bucket/d/c"]
    assert fs.find("bucket/d") == ["bucket/d//b", "bucket/d/a"]
    assert fs.isdir("bucket/d/c")
    walked = [path for path, _, _ in fs.walk("bucket")]
    assert walked == ["bucket", "bucket/d", "bucket/d/", "bucket/d/c"]
    fs.rm("bucket/d", recursive=True)
    s3.assert_nothing_is_left()


def test_what_is_not_there_is_not_found(fs: Any) -> None:
    fs.pipe_file("bucket/d/a", b"data")
    assert fs.info("bucket/d")["type"] == fs.info("")["type"] == "directory"
    assert fs.isdir("bucket") and fs.isfile("bucket/d/a")
    for path in ["bucket/x", "bucket/d/", "bucket/d/a/b", "nowhere", "nowhere/x"]:
        assert fs.exists(path) is (path == "bucket/d/")
    for look in (fs.info, fs.ls, fs.open, fs.cat_file, fs.rm, fs.rm_file, fs.modified):
        with pytest.raises(FileNotFoundError):
            look("bucket/x")
    with pytest.raises(FileNotFoundError):
        fs.rm("bucket/x", recursive=True)


def test_a_forbidden_object_is_not_mistaken_for_absent(s3: Store, fs: Any) -> None:
    s3.server.faults.add("HeadObject", Status(403, "AccessDenied"))
    with pytest.raises(PermissionError):
        fs.exists("bucket/object")


def test_times_are_aware(fs: Any) -> None:
    fs.touch("bucket/object")
    for when in (fs.modified("bucket/object"), fs.created("bucket/object")):
        assert abs(when - datetime.now(timezone.utc)) < timedelta(hours=1)
    assert isinstance(fs.ls("bucket")[0]["modified"], datetime)
    with pytest.raises(NotImplementedError):
        fs.modified("bucket")


# Changing.


def test_a_copy_is_made_by_the_store(s3: Store, fs: Any) -> None:
    fs.pipe_file("bucket/a", LONG, content_type="x/y")
    fs.cp_file("bucket/a", "bucket/b")
    fs.cp_file("bucket/a", "bucket/a")
    fs.mv("bucket/b", "bucket/c")
    assert fs.info("bucket/c")["content_type"] == "x/y"
    assert s3.server.count("CopyObject") == 2
    assert s3.server.count("GetObject") == 0
    assert s3.body("c") == LONG
    s3.assert_nothing_is_left("a", "c")


def test_deleting_many_is_one_request(s3: Store, fs: Any) -> None:
    for number in range(9):
        fs.touch(f"bucket/d/{number}")
    fs.touch("bucket/dd")
    fs.rm("bucket/d", recursive=True)
    assert (s3.server.count("DeleteObjects"), s3.server.count("DeleteObject")) == (1, 0)
    s3.assert_nothing_is_left("dd")


def test_a_file_that_may_not_be_deleted_is_an_error() -> None:
    with store(Options(undeletable=frozenset({"d/b"}))) as s3:
        fs = file_system(s3.driver)
        for name in "abc":
            fs.touch(f"bucket/d/{name}")
        with pytest.raises(LibcloudError, match="d/b"):
            fs.rm("bucket/d", recursive=True)
        s3.assert_nothing_is_left("d/b")


def test_a_directory_is_deleted_only_if_recursive(s3: Store, fs: Any) -> None:
    fs.touch("bucket/d/a")
    for delete in (fs.rm, fs.rm_file):
        with pytest.raises(IsADirectoryError):
            delete("bucket/d")
    with pytest.raises(OSError, match="not empty"):
        fs.rmdir("bucket/d")
    with pytest.raises(OSError, match="not empty"):
        fs.rmdir("bucket")
    with pytest.raises(PermissionError):
        fs.rm("", recursive=True)
    s3.assert_nothing_is_left("d/a")
    fs.rm("bucket", recursive=True)
    assert fs.ls("") == []


def test_containers_are_directories(fs: Any) -> None:
    fs.mkdir("new")
    fs.rmdir("new")
    fs.makedirs("new/deep/inside")
    fs.makedirs("new/deep/inside")
    with pytest.raises(FileExistsError):
        fs.makedirs("new")
    fs.makedirs("new", exist_ok=True)
    fs.mkdir("new/deep")
    fs.rmdir("new/deep")
    with pytest.raises(FileNotFoundError):
        fs.mkdir("another/deep", create_parents=False)
    assert fs.ls("", detail=False) == ["bucket", "new"]
    with pytest.raises(FileNotFoundError):
        fs.rmdir("another")


def test_touch_does_not_empty_what_it_must_not(fs: Any) -> None:
    fs.touch("bucket/a", truncate=False)
    fs.pipe_file("bucket/a", b"data")
    with pytest.raises(NotImplementedError):
        fs.touch("bucket/a", truncate=False)
    assert fs.cat_file("bucket/a") == b"data"
    fs.touch("bucket/a")
    assert fs.cat_file("bucket/a") == b""


# Other stores.


def test_other_drivers_do_the_same(other: Any) -> None:
    fs = other
    fs.pipe_file("bucket/d/a", LONG)
    fs.cp_file("bucket/d/a", "bucket/d/e/b")
    assert fs.ls("bucket/d", detail=False) == ["bucket/d/a", "bucket/d/e"]
    assert fs.find("bucket") == ["bucket/d/a", "bucket/d/e/b"]
    assert fs.isdir("bucket/d")
    assert fs.cat_file("bucket/d/e/b", 5, 9) == LONG[5:9]
    with fs.open("bucket/d/a", "rb", block_size=700) as file:
        file.seek(1234)
        assert file.read(2000) == LONG[1234:3001]
    with pytest.raises(KeyError), fs.open("bucket/x", "wb") as file:
        file.write(LONG)
        raise KeyError
    with pytest.raises(FileNotFoundError):
        fs.info("bucket/x")
    fs.mv("bucket/d/a", "bucket/c")
    fs.rm("bucket/d", recursive=True)
    assert fs.find("bucket") == ["bucket/c"]
    fs.rm("bucket", recursive=True)
    assert fs.ls("") == []


# Making one.


def test_fsspec_makes_it_from_a_url(s3: Store) -> None:
    server = s3.server
    options = {
        "key": server.key,
        "secret": server.secret,
        "endpoint_url": f"http://{server.host}:{server.port}",
    }
    fsspec.register_implementation("libcloud+s3", LibcloudFileSystem, clobber=True)
    with fsspec.open("libcloud+s3://bucket/a", "wb", **options) as file:
        file.write(b"data")
    assert s3.body("a") == b"data"
    fs, path = fsspec.url_to_fs("libcloud+s3://bucket/a", **options)
    assert (path, fs.unstrip_protocol(path)) == ("bucket/a", "libcloud+s3://bucket/a")
    assert type(fs).from_json(fs.to_json()).cat_file(path) == b"data"


def test_credentials_come_from_the_environment(
    s3: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = s3.server
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{server.host}:{server.port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret)
    fs: Any = LibcloudFileSystem(skip_instance_cache=True)
    assert fs.ls("", detail=False) == ["bucket"]
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ValueError, match="credentials"):
        LibcloudFileSystem(skip_instance_cache=True)


@pytest.mark.parametrize("url", ["localhost", "ftp://host", "http://host?query"])
def test_an_invalid_endpoint_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="endpoint"):
        LibcloudFileSystem("key", "secret", endpoint_url=url, skip_instance_cache=True)


@pytest.mark.parametrize("half", [{"key": "key"}, {"secret": "secret"}])
def test_half_of_the_credentials_is_refused(half: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="belong together"):
        LibcloudFileSystem(**half)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="use_ssl"):
        LibcloudFileSystem("key", "secret", use_ssl=True)  # type: ignore[call-arg]


def test_the_local_driver_is_made_from_a_directory(tmp_path: Path) -> None:
    (tmp_path / "container").mkdir()
    fs: Any = LibcloudFileSystem(str(tmp_path), provider="local", skip_instance_cache=True)
    assert fs.ls("", detail=False) == ["container"]


@pytest.mark.slow
def test_nothing_else_imports_fsspec() -> None:
    program = (
        "import sys, libcloud, libcloud.storage.providers, libcloud.storage.drivers.s3;"
        "print('fsspec' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
