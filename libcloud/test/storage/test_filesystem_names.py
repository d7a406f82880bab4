# SPDX-License-Identifier: Apache-2.0
"""Names that are no usual paths: what ``find`` shows, ``ls``, ``walk`` and ``glob`` show too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import fsspec  # type: ignore[import-untyped]  # fsspec has no types
import pytest

from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.filesystem import LibcloudFileSystem
from libcloud.test.storage.s3_servers import store

NAMES = ["/lead", "//two", "a", "a/b", "a//b", "a///b", "a//c/d", "b//", "c/", "c/d", "x/y"]
FILES = [f"bucket/{name}" for name in sorted(NAMES) if not name.endswith("/")]


@pytest.fixture(params=["s3", "dummy"])
def fs(request: pytest.FixtureRequest) -> Iterator[Any]:
    with store() as s3:
        driver: Any = s3.driver
        container = s3.container
        if request.param == "dummy":
            driver = DummyStorageDriver("key", "secret")
            container = driver.create_container("bucket")
        for name in NAMES:
            driver.upload_object_via_stream(iter([name.encode()]), container, name)
        yield LibcloudFileSystem(driver=driver, skip_instance_cache=True)


def reached_by_ls(fs: Any, path: str) -> list[str]:
    """Files below a directory, by listings alone."""
    files: list[str] = []
    for entry in fs.ls(path):
        isdir = entry["type"] == "directory"
        files.extend(reached_by_ls(fs, entry["name"]) if isdir else [entry["name"]])
    return files


def test_every_file_is_found_by_every_method(fs: Any) -> None:
    walked = [f"{folder}/{name}" for folder, _, names in fs.walk("bucket") for name in names]
    assert fs.find("bucket") == FILES
    assert sorted(walked) == FILES
    assert sorted(reached_by_ls(fs, "bucket")) == FILES
    assert set(FILES) <= set(fs.glob("bucket/**"))
    assert sorted(fs.find("bucket", maxdepth=9)) == FILES
    bottom_up = fs.walk("bucket", topdown=False)
    walked = [f"{folder}/{name}" for folder, _, names in bottom_up for name in names]
    assert sorted(walked) == FILES


def test_every_file_is_read_by_the_path_that_is_shown(fs: Any) -> None:
    for path in fs.find("bucket"):
        assert fs.cat_file(path) == path.removeprefix("bucket/").encode()
        assert fs.isfile(path)


def test_a_directory_with_an_empty_name_has_two_slashes_at_its_end(fs: Any) -> None:
    assert fs.ls("bucket/a", detail=False) == ["bucket/a//", "bucket/a/b"]
    assert fs.ls("bucket/a/", detail=False) == fs.ls("bucket/a", detail=False)
    assert fs.ls("bucket/a//", detail=False) == ["bucket/a///", "bucket/a//b", "bucket/a//c"]
    assert fs.ls("bucket//", detail=False) == ["bucket///", "bucket//lead"]
    for path in ("bucket/a//", "bucket//", "bucket/b//"):
        assert fs.isdir(path)
        assert fs._strip_protocol(f"libclouds3://{path}") == path
    assert fs.ls("bucket/b//") == []


def test_two_slashes_at_the_end_of_a_usual_directory_are_one(fs: Any) -> None:
    assert fs.ls("bucket/x//", detail=False) == ["bucket/x/y"]
    assert fs.info("bucket/x//")["name"] == "bucket/x"
    with pytest.raises(FileNotFoundError):
        fs.ls("bucket/nothing//")


def test_a_file_and_a_directory_of_one_name_are_both_listed(fs: Any) -> None:
    kinds = sorted(entry["type"] for entry in fs.ls("bucket") if entry["name"] == "bucket/a")
    assert kinds == ["directory", "file"]
    assert fs.ls("bucket", detail=False).count("bucket/a") == 1
    _, directories, files = next(fs.walk("bucket"))
    assert "a" in directories
    assert "a" in files


def test_walk_goes_only_where_the_caller_leaves_it_to(fs: Any) -> None:
    seen = []
    for folder, directories, _ in fs.walk("bucket"):
        seen.append(folder)
        directories[:] = [name for name in directories if name == "x"]
    assert seen == ["bucket", "bucket/x"]
    assert [folder for folder, _, _ in fs.walk("bucket", maxdepth=1)] == ["bucket"]
    with pytest.raises(ValueError, match="at least 1"):
        next(fs.walk("bucket", maxdepth=0))


def test_walk_handles_a_missing_directory_as_requested(fs: Any) -> None:
    errors: list[OSError] = []
    assert list(fs.walk("bucket/nothing", on_error=errors.append)) == []
    assert [type(error) for error in errors] == [FileNotFoundError]
    assert list(fs.walk("bucket/nothing")) == []
    assert list(fs.walk("bucket/nothing", withdirs=True)) == []  # as fsspec's own accepts
    with pytest.raises(FileNotFoundError):
        next(fs.walk("bucket/nothing", on_error="raise"))


def test_removing_a_directory_with_an_empty_name_removes_what_is_in_it(fs: Any) -> None:
    fs.rm("bucket/a//", recursive=True)
    assert fs.find("bucket/a") == ["bucket/a/b"]
    assert fs.exists("bucket/a")


def test_a_protocol_of_letters_and_digits_is_the_same_file_system() -> None:
    assert fsspec.get_filesystem_class("libclouds3") is LibcloudFileSystem
    assert re.match(r"^[a-z][a-z0-9]*://", "libclouds3://bucket/a")  # what xarray looks for
    for protocol in LibcloudFileSystem.protocol:
        assert LibcloudFileSystem._strip_protocol(f"{protocol}://bucket/a/") == "bucket/a"


def test_a_signed_url_reads_the_file_of_any_name() -> None:
    with store() as s3:
        fs: Any = LibcloudFileSystem(driver=s3.driver, skip_instance_cache=True)
        s3.container.upload_object_via_stream(iter([b"data"]), "a//b c")
        before = len(s3.server.requests)
        url = fs.sign("libcloud+s3://bucket/a//b c", expiration=60)
        assert len(s3.server.requests) == before
        assert "X-Amz-Expires=60&" in url
        assert urlopen(url).read() == b"data"


def test_a_store_without_presigned_urls_signs_none() -> None:
    fs: Any = LibcloudFileSystem(driver=DummyStorageDriver("key", ""), skip_instance_cache=True)
    with pytest.raises(NotImplementedError, match="no presigned URLs"):
        fs.sign("bucket/object")


def test_programs_for_s3fs_find_its_keys(fs: Any) -> None:
    for entry in (fs.info("bucket/x/y"), fs.ls("bucket/x")[0], fs.open("bucket/x/y").details):
        assert entry["ETag"] == f'"{entry["etag"]}"'
        assert entry["LastModified"] == entry["modified"]
