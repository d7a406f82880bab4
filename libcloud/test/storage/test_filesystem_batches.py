# SPDX-License-Identifier: Apache-2.0
"""``put`` and ``get`` of the file system of fsspec: one call for all files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.callbacks import Callback  # type: ignore[import-untyped]

from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.filesystem import LibcloudFileSystem

COUNT = 12


class Recorded(Callback):  # type: ignore[misc]
    """Keeps the callbacks of single files, and counts how many of them were active at once."""

    def __init__(self) -> None:
        super().__init__()
        self.children: dict[str, Callback] = {}
        self.active, self.most = 0, 0
        self.lock = threading.Lock()

    def branched(self, path_1: str, path_2: str, **kwargs: object) -> Any:
        child = self.children[path_1] = Child(self)
        return child


class Child(Callback):  # type: ignore[misc]
    def __init__(self, parent: Recorded) -> None:
        super().__init__()
        self.parent, self.closed = parent, False

    def __enter__(self) -> Any:
        with self.parent.lock:
            self.parent.active += 1
            self.parent.most = max(self.parent.most, self.parent.active)
        return self

    def close(self) -> None:
        with self.parent.lock:
            self.parent.active -= 1
        self.closed = True


@pytest.fixture
def fs() -> Iterator[Any]:
    driver = DummyStorageDriver("key", "secret")
    driver.create_container("bucket")
    yield LibcloudFileSystem(driver=driver, skip_instance_cache=True)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    directory = tmp_path / "source"
    directory.mkdir()
    for number in range(COUNT):
        (directory / str(number)).write_bytes(bytes(number))
    return directory


def put_all(fs: Any, source: Path, **options: Any) -> None:
    fs.put(f"{source}/", "bucket/d/", recursive=True, **options)


def test_a_callback_counts_files_and_their_bytes(fs: Any, source: Path, tmp_path: Path) -> None:
    for transfer in (
        lambda callback: put_all(fs, source, callback=callback),
        lambda callback: fs.get("bucket/d/", f"{tmp_path}/new/", recursive=True, callback=callback),
    ):
        callback = Recorded()
        transfer(callback)
        assert callback.size == callback.value == len(callback.children) >= COUNT
        assert sum(child.value for child in callback.children.values()) == sum(range(COUNT))
        assert all(child.closed for child in callback.children.values())
    for number in range(COUNT):
        assert (tmp_path / "new" / str(number)).read_bytes() == bytes(number)


def test_lists_of_urls_and_files_are_pairs(fs: Any, source: Path, tmp_path: Path) -> None:
    names = ["3", "5"]
    urls = [f"libcloud+s3://bucket/{name}" for name in names]
    fs.put([str(source / name) for name in names], urls)
    fs.get(urls, [str(tmp_path / name) for name in names])
    assert [(tmp_path / name).read_bytes() for name in names] == [bytes(3), bytes(5)]


@pytest.mark.parametrize("size", [1, 2])
def test_a_batch_size_limits_how_many_files_are_transferred_at_once(
    fs: Any, source: Path, size: int
) -> None:
    callback = Recorded()
    put_all(fs, source, callback=callback, batch_size=size)
    assert len(callback.children) == COUNT
    assert 1 <= callback.most <= size


def test_a_file_that_cannot_be_read_fails_the_upload(fs: Any, source: Path) -> None:
    missing = [str(source / "0"), str(source / "missing")]
    with pytest.raises(FileNotFoundError, match="missing"):
        fs.put(missing, ["bucket/a", "bucket/b"])


def test_a_file_that_may_not_replace_another_fails_the_upload(fs: Any, source: Path) -> None:
    put_all(fs, source, mode="create")
    with pytest.raises(FileExistsError):
        put_all(fs, source, mode="create")


def test_two_objects_that_would_be_one_file_are_refused_before_a_download(
    fs: Any, tmp_path: Path
) -> None:
    fs.pipe({"bucket/d/a/b": b"1", "bucket/d/a//b": b"2", "bucket/d/c": b"3"})
    with pytest.raises(FileExistsError, match="another object would become one file"):
        fs.get("bucket/d/", f"{tmp_path}/new/", recursive=True)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_files_that_cannot_be_read_are_omitted_or_their_errors_returned(fs: Any) -> None:
    fs.pipe({"bucket/a": b"data", "bucket/b": b"more"})
    paths = ["bucket/a", "bucket/missing", "bucket/b"]
    shown = {"bucket/a": b"at", "bucket/b": b"or"}
    assert fs.cat(paths, on_error="omit", start=1, end=3) == shown
    returned = fs.cat(paths, on_error="return", start=1, end=3)
    assert isinstance(returned.pop("bucket/missing"), FileNotFoundError)
    assert returned == shown
    with pytest.raises(FileNotFoundError, match="missing"):
        fs.cat(paths)
    assert fs.cat("bucket/a") == b"data"
    assert fs.cat(["bucket/a"]) == fs.cat("bucket/a*") == {"bucket/a": b"data"}


class Overridden(LibcloudFileSystem):
    """A subclass whose methods for single files take part in those for many."""

    cachable = False

    async def _put_file(self, lpath: Any, rpath: str, **kwargs: Any) -> None:  # type: ignore[override]
        await super()._put_file(lpath, f"{rpath}.new", **kwargs)

    async def _get_file(self, rpath: str, lpath: Any, **kwargs: Any) -> None:  # type: ignore[override]
        await super()._get_file(rpath, f"{lpath}.old", **kwargs)

    async def _cat_file(self, path: str, **kwargs: Any) -> bytes:  # type: ignore[override]
        return b"read: " + await super()._cat_file(path, **kwargs)


def test_overridden_methods_for_single_files_are_called(
    fs: Any, source: Path, tmp_path: Path
) -> None:
    fs = Overridden(driver=fs.driver)
    put_all(fs, source)
    assert fs.ls("bucket/d", detail=False) == sorted(f"bucket/d/{n}.new" for n in range(COUNT))
    fs.get("bucket/d/", f"{tmp_path}/got/", recursive=True)
    assert {path.name for path in (tmp_path / "got").iterdir()} == {
        f"{number}.new.old" for number in range(COUNT)
    }
    read = fs.cat("bucket/d/*").values()
    assert len(read) == COUNT
    assert all(data.startswith(b"read: ") for data in read)


class Renaming(LibcloudFileSystem):
    """A subclass that takes part in each copy, without the keywords of this library's own."""

    cachable = False

    async def _cp_file(self, path1: str, path2: str) -> None:  # type: ignore[override]
        await super()._cp_file(path1, f"{path2}.new")


def test_an_overridden_method_for_copies_is_called_by_a_move(fs: Any) -> None:
    fs.pipe({"bucket/d/a": b"1", "bucket/d/b": b"2"})
    Renaming(driver=fs.driver).mv("bucket/d", "bucket/e", recursive=True)
    assert fs.find("bucket") == ["bucket/e/a.new.new", "bucket/e/b.new.new"]


@pytest.mark.parametrize("late", ["bucket/d/a", "bucket/d/c", "bucket/d/c/"])
def test_a_move_deletes_nothing_that_it_has_not_copied(
    fs: Any, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    fs.pipe({"bucket/d/a": b"1", "bucket/d/b": b"2"})
    copy = fs._operations.copy

    def copy_and_write(*args: Any) -> Any:
        copied = copy(*args)
        if args[0] == "bucket/d/a":
            container = fs.driver.get_container("bucket")
            container.upload_object_via_stream(iter([b"late"]), late.removeprefix("bucket/"))
        return copied

    monkeypatch.setattr(fs._operations, "copy", copy_and_write)
    with pytest.raises(OSError, match=late):
        fs.mv("bucket/d", "bucket/e", recursive=True)
    found = {obj.name for obj in fs.driver.get_container("bucket").list_objects()}
    assert found == {"d/a", "d/b", late.removeprefix("bucket/"), "e/a", "e/b"}
