# SPDX-License-Identifier: Apache-2.0
"""Directories as containers: nothing leads out of the base directory, nothing is half written."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.local import (
    LocalStorageDriver,
    LockLocalStorage,
    NoOpLockLocalStorage,
)
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    InvalidContainerNameError,
    InvalidObjectNameError,
    InvalidSourceError,
    ObjectDoesNotExistError,
    ObjectError,
    SizeMismatchError,
)
from libcloud.utils import files

BASE_NAMES = ["", "."]
NOT_NAMES = [*BASE_NAMES, "..", "a/b", "/", "a\\b", "..\\x", "a\0b"]
OUTSIDE = [
    "",
    "/",
    "..",
    "../x",
    "../secret/file",
    "a/../../secret/file",
    "a/../b",
    "./x",
    "a//b",
    "{base}/../secret/file",
    "{base}/c/x",
    "x/",
    "a\0b",
]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A base directory, with a secret next to it."""
    base = tmp_path / "base"
    base.mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_bytes(b"top secret")
    return base


@pytest.fixture
def driver(base: Path) -> LocalStorageDriver:
    return LocalStorageDriver(str(base))


@pytest.fixture
def container(driver: LocalStorageDriver) -> Container:
    return driver.create_container("c")


def _store(container: Container, name: str, data: bytes = b"data") -> Object:
    return container.upload_object_via_stream(iter([data]), name)


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _names(container: Container) -> list[str]:
    return [obj.name for obj in container.list_objects()]


# The base directory


@pytest.mark.parametrize("key", [None, "", "/no/such/directory", __file__])
def test_the_base_must_be_a_directory(key: Any) -> None:
    with pytest.raises(LibcloudError, match="not a directory"):
        LocalStorageDriver(key)


def test_containers_are_the_directories_in_it(driver: LocalStorageDriver, base: Path) -> None:
    (base / "b").mkdir()
    (base / "file").touch()
    driver.create_container("a")

    assert [container.name for container in driver.list_containers()] == ["a", "b"]
    extra = driver.get_container("a").extra
    assert set(extra) == {"creation_time", "access_time", "modify_time"}


@pytest.mark.parametrize("name", NOT_NAMES)
def test_a_container_s_name_is_that_of_one_directory(
    driver: LocalStorageDriver, base: Path, name: str
) -> None:
    with pytest.raises(InvalidContainerNameError):
        driver.create_container(name)
    with pytest.raises(InvalidContainerNameError):
        driver.delete_container(Container(name, None, driver))
    if name not in BASE_NAMES:
        with pytest.raises(InvalidContainerNameError):
            driver.get_container(name)
        with pytest.raises(InvalidContainerNameError):
            driver.list_container_objects(Container(name, None, driver))

    assert list(base.iterdir()) == []


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("name", BASE_NAMES)
def test_the_base_directory_is_a_container_by_an_empty_name_or_a_dot(
    base: Path, tmp_path: Path, name: str, slash: str
) -> None:
    driver = LocalStorageDriver(f"{base}{slash}")
    (base / "album").mkdir()
    container = driver.get_container(name)

    obj = _store(container, "new/cat")
    _store(container, "album/dog")
    _store(container, "bird")

    assert [obj.name for obj in container.list_objects()] == ["album/dog", "bird", "new/cat"]
    assert [obj.name for obj in container.list_objects("album/")] == ["album/dog"]
    assert b"".join(driver.get_object("album", "dog").as_stream()) == b"data"
    assert obj.get_cdn_url() == str(base / "new" / "cat")
    assert obj.download(str(tmp_path / "copy")) is True
    assert obj.delete() is True
    assert [one.name for one in driver.list_containers()] == ["album"]


@pytest.mark.parametrize("name", BASE_NAMES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_base_directory_outlives_its_last_object(base: Path, name: str, slash: str) -> None:
    container = LocalStorageDriver(f"{base}{slash}").get_container(name)

    _store(container, "a/b").delete()

    assert list(base.iterdir()) == []
    with pytest.raises(InvalidContainerNameError):
        container.delete()
    assert container.list_objects() == []


@pytest.mark.parametrize("name", BASE_NAMES)
def test_no_object_name_leads_out_of_the_base_directory(base: Path, name: str) -> None:
    container = LocalStorageDriver(str(base)).get_container(name)
    (base / "link").symlink_to(base.parent / "secret")

    for outside in ("../secret/file", "link/file", str(base.parent / "secret" / "file")):
        with pytest.raises(InvalidObjectNameError):
            container.get_object(outside)
    assert container.list_objects() == []


def test_a_container_that_is_a_link_to_elsewhere_does_not_exist(
    driver: LocalStorageDriver, base: Path
) -> None:
    (base / "link").symlink_to(base.parent / "secret")

    assert driver.list_containers() == []
    with pytest.raises(InvalidContainerNameError, match="leads out"):
        driver.get_container("link")
    with pytest.raises(InvalidContainerNameError, match="leads out"):
        driver.list_container_objects(Container("link", None, driver))


def test_a_base_that_is_itself_a_link_is_followed(base: Path) -> None:
    (base.parent / "link").symlink_to(base)
    driver = LocalStorageDriver(str(base.parent / "link"))

    obj = _store(driver.create_container("c"), "a/b")

    assert b"".join(obj.as_stream()) == b"data"


# Names of objects


@pytest.mark.parametrize("name", [*OUTSIDE, ".lock/x", "a/.hash", ".libcloud-part-x"])
def test_a_name_that_leads_out_or_names_no_file_is_refused(
    container: Container, base: Path, name: str
) -> None:
    name = name.format(base=base)
    before = _files(base.parent)
    obj = Object(name, 1, None, None, None, container, container.driver)
    calls: list[Callable[[], object]] = [
        lambda: _store(container, name),
        lambda: container.upload_object(__file__, name),
        lambda: container.get_object(name),
        lambda: container.get_object(name).as_stream(),
        lambda: list(obj.as_stream()),
        lambda: list(obj.range_as_stream(0)),
        lambda: obj.download(str(base.parent / "copy")),
        obj.delete,
        obj.get_cdn_url,
    ]

    for call in calls:
        with pytest.raises(InvalidObjectNameError):
            call()

    assert _files(base.parent) == before


@pytest.mark.parametrize("name", ["link/file", "link/new", "file-link", "new-link"])
def test_a_link_that_leads_out_is_not_followed(container: Container, base: Path, name: str) -> None:
    secret = base.parent / "secret"
    (base / "c" / "link").symlink_to(secret)
    (base / "c" / "file-link").symlink_to(secret / "file")
    (base / "c" / "new-link").symlink_to(secret / "new")
    obj = Object(name, 1, None, None, None, container, container.driver)

    assert _names(container) == []
    for call in (
        lambda: _store(container, name),
        lambda: list(obj.as_stream()),
        obj.delete,
        lambda: container.get_object(name),
    ):
        with pytest.raises(InvalidObjectNameError, match="link"):
            call()

    assert _files(secret) == {"file": b"top secret"}


def test_a_link_within_the_container_is_an_object(container: Container, base: Path) -> None:
    _store(container, "a")
    (base / "c" / "b").symlink_to("a")

    assert _names(container) == ["a", "b"]
    assert b"".join(container.get_object("b").as_stream()) == b"data"


def test_a_name_cannot_be_an_object_and_a_folder(container: Container, base: Path) -> None:
    _store(container, "a/b", b"old")

    for name in ("a", "a/b/c", "a/b/c/d"):
        with pytest.raises(ObjectError, match="in the way"):
            _store(container, name)
        with pytest.raises(ObjectDoesNotExistError):
            container.get_object(name)

    assert _files(base) == {"c/a/b": b"old"}


# Listing


def test_objects_are_listed_by_name(container: Container, base: Path) -> None:
    for name in ("b", "a/z", "B", "c/d/e", "a-"):
        _store(container, name)
    for hidden in (".lock", ".hash", "a/.lock"):
        (base / "c" / hidden).mkdir()
        (base / "c" / hidden / "x").touch()
    (base / "c" / ".libcloud-part-1").touch()
    os.mkfifo(base / "c" / "pipe")

    assert _names(container) == ["B", "a-", "a/z", "b", "c/d/e"]
    assert [obj.name for obj in container.list_objects(prefix="a/")] == ["a/z"]
    assert [obj.name for obj in container.list_objects(prefix="c/d")] == ["c/d/e"]


def test_an_object_deleted_during_the_listing_is_left_out(container: Container, base: Path) -> None:
    for name in ("a", "b", "c"):
        _store(container, name)

    objects = container.iterate_objects()
    first = next(objects)
    (base / "c" / "b").unlink()

    assert [first.name, *(obj.name for obj in objects)] == ["a", "c"]


def test_a_container_that_does_not_exist_is_an_error_at_once(driver: LocalStorageDriver) -> None:
    with pytest.raises(ContainerDoesNotExistError):
        driver.iterate_container_objects(Container("none", None, driver))


def test_the_hash_changes_with_the_file(container: Container, base: Path) -> None:
    _store(container, "a")
    os.utime(base / "c" / "a", (1000, 1000))
    first = container.get_object("a")
    os.utime(base / "c" / "a", (1000, 2000))

    assert first.hash != container.get_object("a").hash
    assert first.extra["modify_time"] == 1000


# Uploads


def test_a_file_is_stored_with_upstream_s_permissions(
    container: Container, base: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"data")
    source.chmod(0o600)

    obj = container.upload_object(str(source), "a/b")

    assert (obj.name, obj.size) == ("a/b", 4)
    assert stat.S_IMODE((base / "c" / "a" / "b").stat().st_mode) == 0o664


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()], ids=repr)
def test_a_failing_source_changes_nothing(
    container: Container, base: Path, error: BaseException
) -> None:
    _store(container, "old", b"old")

    def failing() -> Iterator[bytes]:
        yield b"half"
        raise error

    for name in ("old", "new", "x/y/new"):
        with pytest.raises(type(error)):
            container.upload_object_via_stream(failing(), name)

    assert [str(path.relative_to(base)) for path in base.rglob("*")] == ["c", "c/old"]
    assert _files(base) == {"c/old": b"old"}


def test_an_upload_is_seen_only_when_it_is_whole(container: Container) -> None:
    _store(container, "a", b"old")
    seen = []

    def watching() -> Iterator[bytes]:
        yield b"new "
        seen.append((_names(container), b"".join(container.get_object("a").as_stream())))
        yield b"data"

    container.upload_object_via_stream(watching(), "a")

    assert seen == [(["a"], b"old")]
    assert b"".join(container.get_object("a").as_stream()) == b"new data"


def test_a_folder_deleted_during_an_upload_is_recreated(
    container: Container, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = os.makedirs
    left = [1, 1]

    def made_and_deleted(path: str, mode: int = 0o777, exist_ok: bool = False) -> None:
        make(path, mode, exist_ok)
        if left and path == str(base / "c" / "a"):
            left.pop()
            os.rmdir(path)

    monkeypatch.setattr(os, "makedirs", made_and_deleted)

    _store(container, "a/b")

    assert _files(base) == {"c/a/b": b"data"}


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("name", ["a/b", "a/other"])
def test_a_folder_that_becomes_empty_during_an_upload_does_not_make_it_fail(
    container: Container, base: Path, monkeypatch: pytest.MonkeyPatch, name: str, links: bool
) -> None:
    obj = _store(container, "a/b")
    if not links:
        monkeypatch.setattr("libcloud.utils.staging._OPEN_FILES", str(base / "none"))

    def pieces() -> Iterator[bytes]:
        yield b"new"
        obj.delete()

    container.upload_object_via_stream(pieces(), name)

    assert _files(base) == {f"c/{name}": b"new"}


@pytest.mark.parametrize("source", ["text", b"bytes", None, {b"x": 1}])
def test_an_invalid_stream_is_refused(container: Container, base: Path, source: Any) -> None:
    with pytest.raises(InvalidSourceError):
        container.upload_object_via_stream(source, "a")

    assert _files(base) == {}


def test_a_file_that_cannot_be_read_is_an_os_error(container: Container, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        container.upload_object("/no/such/file", "a")
    with pytest.raises(IsADirectoryError):
        container.upload_object(str(tmp_path), "a")


def test_an_object_can_be_uploaded_onto_itself(container: Container, base: Path) -> None:
    _store(container, "a")

    container.upload_object(str(base / "c" / "a"), "a")

    assert _files(base) == {"c/a": b"data"}


# Downloads


def test_pieces_have_the_requested_size(container: Container) -> None:
    obj = _store(container, "a", b"0123456789")

    assert list(obj.as_stream(chunk_size=4)) == [b"0123", b"4567", b"89"]
    assert list(obj.range_as_stream(1, 8, chunk_size=3)) == [b"123", b"456", b"7"]
    assert list(obj.range_as_stream(8)) == [b"89"]
    assert list(obj.range_as_stream(10)) == [b""]


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_a_range_without_a_size_of_pieces_is_one_piece(container: Container, size: int) -> None:
    """ellar-storage reads a file by ``next(obj.range_as_stream(0))``, whatever its size."""
    obj = _store(container, "a", bytes(size))

    assert list(obj.range_as_stream(0)) == [bytes(size)]
    assert list(obj.range_as_stream(0, chunk_size=0)) == [bytes(size)]
    assert list(obj.range_as_stream(size)) == [b""]


@pytest.mark.parametrize(("start", "end"), [(0, 11), (11, None), (-1, None), (5, 5), (5, 4)])
def test_a_range_that_does_not_exist_is_an_error_of_the_first_piece(
    container: Container, tmp_path: Path, start: int, end: int | None
) -> None:
    obj = _store(container, "a", b"0123456789")

    stream = obj.range_as_stream(start, end)
    with pytest.raises(ValueError, match="_bytes"):
        next(stream)
    with pytest.raises(ValueError, match="_bytes"):
        obj.download_range(str(tmp_path / "x"), start, end)

    assert not (tmp_path / "x").exists()


def test_a_download_into_a_directory_keeps_the_path(container: Container, tmp_path: Path) -> None:
    obj = _store(container, "a/b/c")
    (tmp_path / "copy").mkdir()

    assert obj.download(f"{tmp_path}/copy/") is True
    assert obj.download_range(f"{tmp_path}/copy/part", 1, 3) is True

    assert _files(tmp_path / "copy") == {"a/b/c": b"data", "part": b"at"}


def test_a_missing_object_is_an_error(container: Container, tmp_path: Path) -> None:
    obj = _store(container, "a")
    obj.delete()

    for call in (
        obj.delete,
        lambda: obj.download(str(tmp_path / "x")),
        lambda: next(obj.as_stream()),
        lambda: next(obj.range_as_stream(0)),
    ):
        with pytest.raises(ObjectDoesNotExistError):
            call()


def test_deleting_removes_folders_that_become_empty(container: Container, base: Path) -> None:
    deep, sibling = _store(container, "a/b/c/d"), _store(container, "a/e")

    deep.delete()
    assert sorted(str(path.relative_to(base)) for path in base.rglob("*")) == ["c", "c/a", "c/a/e"]

    sibling.delete()
    assert [str(path.relative_to(base)) for path in base.rglob("*")] == ["c"]


def test_urls_are_paths(container: Container, base: Path) -> None:
    obj = _store(container, "a/b")

    assert container.get_cdn_url() == str(base / "c")
    assert obj.get_cdn_url() == str(base / "c" / "a" / "b")
    assert container.enable_cdn() is True
    assert obj.enable_cdn() is False


# Locking


def test_an_object_is_locked_while_it_is_put_in_place_and_deleted(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = LocalStorageDriver(str(base))
    locked: list[str] = []

    class Watching(NoOpLockLocalStorage):
        def __enter__(self) -> bool:
            locked.append(self.path)
            return super().__enter__()

    monkeypatch.setattr(driver, "_lock_cls", Watching)
    obj = _store(driver.create_container("c"), "a")
    obj.delete()

    assert locked == [str(base / "c" / "a")] * 2


def test_locking_alone_needs_fasteners(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fasteners", None)

    with pytest.raises(LibcloudError, match="ex_use_locking=False"):
        LocalStorageDriver(str(base))
    with pytest.raises(LibcloudError, match="fasteners"):
        LockLocalStorage("x")

    driver = LocalStorageDriver(str(base), ex_use_locking=False)
    assert _store(driver.create_container("c"), "a").size == 4


def test_a_container_that_is_deleted_during_a_listing_is_left_out(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    listed = LocalStorageDriver(str(tmp_path)).iterate_containers()
    first = next(listed)
    (tmp_path / "b").rmdir()

    assert [first.name, *(one.name for one in listed)] == ["a", "c"]


@pytest.mark.parametrize(("name", "call"), [("d", "scandir"), ("d/file", "stat")])
def test_a_listing_that_cannot_be_completed_is_an_error(
    container: Container, monkeypatch: pytest.MonkeyPatch, name: str, call: str
) -> None:
    """Otherwise ``sync --delete`` would delete the copies of what it did not see."""
    for one in ("a", "d/file", "gone/file"):
        container.upload_object_via_stream(iter([b"x"]), one)
    real = getattr(os, call)

    def failing(path: Any = ".", *args: Any, **options: Any) -> Any:
        for end, number in ((name, errno.EIO), (f"gone{name[1:]}", errno.ENOENT)):
            if str(path).endswith(f"/{end}"):
                raise OSError(number, os.strerror(number), path)
        return real(path, *args, **options)

    monkeypatch.setattr(os, call, failing)
    with pytest.raises(OSError, match=f"Input/output error.*{name}"):
        container.list_objects()


def test_a_file_that_is_truncated_while_it_is_read_is_not_stored(
    container: Container, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = base / "source"
    source.write_bytes(bytes(3 * 1024 * 1024))
    read_in_chunks = files.read_in_chunks

    def truncating(*args: Any, **options: Any) -> Iterator[bytes]:
        for piece in read_in_chunks(*args, **options):
            yield piece
            os.truncate(source, 1024 * 1024)

    monkeypatch.setattr(files, "read_in_chunks", truncating)
    with pytest.raises(SizeMismatchError, match="ended after 1048576"):
        container.upload_object(str(source), "object")
    assert container.list_objects() == []
