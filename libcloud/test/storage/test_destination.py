# SPDX-License-Identifier: Apache-2.0
"""Saving an object as a file: whole or not at all, and where it was asked for."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import CHUNK_SIZE, Container, Object, StorageDriver
from libcloud.utils import staging


class _Response:
    """Looks like the ``response`` of a raw response."""

    def __init__(self, *pieces: bytes | str | BaseException) -> None:
        self._response = self
        self._pieces = pieces
        self.chunk_sizes: list[int] = []

    def iter_content(self, chunk_size: int) -> Iterator[bytes | str]:
        self.chunk_sizes.append(chunk_size)
        for piece in self._pieces:
            if isinstance(piece, BaseException):
                raise piece
            yield piece


@pytest.fixture
def driver() -> StorageDriver:
    return StorageDriver("user", "key", host="localhost")


def _save(
    driver: StorageDriver, response: _Response, path: object, name: str = "name", **options: Any
) -> bool:
    obj = Object(name, 3, None, None, None, Container("c", None, driver), driver)
    return driver._save_object(response, obj, path, **options)  # type: ignore[arg-type]  # any path


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_object_is_saved_under_the_name_given(driver: StorageDriver, tmp_path: Path) -> None:
    assert _save(driver, _Response(b"a", b"", "bc"), str(tmp_path / "x")) is True
    assert _save(driver, _Response(b"abc"), tmp_path / "y") is True

    assert _tree(tmp_path) == {"x": b"abc", "y": b"abc"}


def test_a_name_without_a_directory_is_in_the_current_one(
    driver: StorageDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert _save(driver, _Response(b"abc"), "x") is True

    assert _tree(tmp_path) == {"x": b"abc"}


@pytest.mark.parametrize(("given", "used"), [(None, CHUNK_SIZE), (5, 5)])
def test_the_size_of_pieces_is_passed_on(
    driver: StorageDriver, tmp_path: Path, given: int | None, used: int
) -> None:
    response = _Response(b"abc")

    _save(driver, response, tmp_path / "x", chunk_size=given)

    assert response.chunk_sizes == [used]


@pytest.mark.parametrize("name", ["name", "a/b/name"])
def test_a_directory_takes_the_object_s_name(
    driver: StorageDriver, tmp_path: Path, name: str
) -> None:
    assert _save(driver, _Response(b"abc"), f"{tmp_path}/", name) is True

    assert _tree(tmp_path) == {name: b"abc"}


def test_an_existing_file_is_replaced_on_demand_only(driver: StorageDriver, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")

    with pytest.raises(LibcloudError, match="already exists, but overwrite_existing=False"):
        _save(driver, _Response(b"abc"), path)
    assert path.read_bytes() == b"old"

    assert _save(driver, _Response(b"abc"), path, overwrite_existing=True) is True
    assert path.read_bytes() == b"abc"


@pytest.mark.parametrize("destination", ["no/such/", "no/such/file"])
def test_a_missing_directory_is_refused(
    driver: StorageDriver, tmp_path: Path, destination: str
) -> None:
    response = _Response(b"abc")

    with pytest.raises(LibcloudError, match="does not exist") as caught:
        _save(driver, response, f"{tmp_path}/{destination}")

    assert isinstance(caught.value, FileNotFoundError)
    assert response.chunk_sizes == []


def test_a_directory_is_not_replaced_by_a_file(driver: StorageDriver, tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        _save(driver, _Response(b"abc"), str(tmp_path), overwrite_existing=True)


# What breaks off


BROKEN = pytest.mark.parametrize(
    "error", [OSError("reset"), KeyboardInterrupt(), GeneratorExit()], ids=repr
)


@BROKEN
@pytest.mark.parametrize("name", ["name", "a/b/name"])
def test_a_broken_download_leaves_nothing(
    driver: StorageDriver, tmp_path: Path, error: BaseException, name: str
) -> None:
    with pytest.raises(type(error)) as caught:
        _save(driver, _Response(b"a", error), f"{tmp_path}/", name)

    assert caught.value is error
    assert list(tmp_path.iterdir()) == []


@BROKEN
def test_a_broken_download_leaves_the_file_before_it(
    driver: StorageDriver, tmp_path: Path, error: BaseException
) -> None:
    (tmp_path / "x").write_bytes(b"old")

    with pytest.raises(type(error)):
        _save(driver, _Response(b"a", error), tmp_path / "x", overwrite_existing=True)

    assert _tree(tmp_path) == {"x": b"old"}


@pytest.mark.parametrize("body", [b"ab", b"abcd", b""])
def test_another_size_is_an_error_and_leaves_nothing(
    driver: StorageDriver, tmp_path: Path, body: bytes
) -> None:
    assert _save(driver, _Response(body), tmp_path / "x") is False

    assert list(tmp_path.iterdir()) == []


def test_a_part_of_an_object_may_have_any_size(driver: StorageDriver, tmp_path: Path) -> None:
    assert _save(driver, _Response(b"ab"), tmp_path / "x", partial_download=True) is True

    assert _tree(tmp_path) == {"x": b"ab"}


def test_partial_data_is_left_on_demand(driver: StorageDriver, tmp_path: Path) -> None:
    assert _save(driver, _Response(b"ab"), tmp_path / "x", delete_on_failure=False) is False
    with pytest.raises(OSError, match="reset"):
        _save(driver, _Response(b"a", OSError("reset")), tmp_path / "y", delete_on_failure=False)

    assert _tree(tmp_path) == {"x": b"ab", "y": b"a"}


def test_directories_that_were_there_before_stay(driver: StorageDriver, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    _save(driver, _Response(b"ab"), f"{tmp_path}/", "a/b/name")

    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["a"]


# Names that choose a file elsewhere


@pytest.mark.parametrize(
    "name",
    [
        *("../x", "a/../../x", "a/../b", "..", "{outside}/x", "/{outside}/x"),
        *("", "a\0b", "link/x", "file-link", "directory/link/x", "directory//link/new/x"),
    ],
)
def test_a_name_that_leads_out_of_the_directory_is_refused(
    driver: StorageDriver, tmp_path: Path, name: str
) -> None:
    outside = tmp_path / "outside"
    inside = tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    (inside / "directory").mkdir()
    (inside / "directory" / "link").symlink_to(outside)
    (inside / "file-link").symlink_to(outside / "x")

    with pytest.raises(LibcloudError, match=r"leads out of|names no file"):
        _save(
            driver,
            _Response(b"abc"),
            f"{inside}/",
            name.format(outside=outside),
            overwrite_existing=True,
        )

    assert _tree(tmp_path) == {}


@pytest.mark.parametrize("name", ["a/", "a/."])
def test_a_name_without_a_last_part_is_refused(
    driver: StorageDriver, tmp_path: Path, name: str
) -> None:
    with pytest.raises(LibcloudError, match="names no file"):
        _save(driver, _Response(b"abc"), f"{tmp_path}/", name)

    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_a_sub_directory_is_refused(
    driver: StorageDriver, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(b"old")

    with pytest.raises(LibcloudError, match="one of its directories"):
        _save(driver, _Response(b"abc"), f"{tmp_path}/", "a/b")

    assert _tree(tmp_path) == {"a": b"old"}


# The file itself


def test_permissions_are_the_usual_ones_or_those_of_the_file_before(
    driver: StorageDriver, tmp_path: Path
) -> None:
    (tmp_path / "plain").touch()
    (tmp_path / "old").touch(mode=0o600)

    _save(driver, _Response(b"abc"), tmp_path / "new")
    _save(driver, _Response(b"abc"), tmp_path / "old", overwrite_existing=True)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes["new"] == modes["plain"]
    assert modes["old"] == 0o600


def test_a_link_is_followed(driver: StorageDriver, tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")

    _save(driver, _Response(b"abc"), tmp_path / "link", overwrite_existing=True)

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"abc"


# Not /dev/null: a wrong edit, run as root, would replace that of the machine.


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_named_pipe_is_written_and_not_replaced(driver: StorageDriver, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert _save(driver, _Response(b"abc"), pipe, overwrite_existing=True) is True
        assert os.read(reading, 100) == b"abc"
    finally:
        os.close(reading)

    assert stat.S_ISFIFO(os.stat(pipe).st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no terminals")
def test_a_device_is_written_and_not_replaced(driver: StorageDriver) -> None:
    reading, terminal = os.openpty()
    try:
        path = os.ttyname(terminal)
        assert _save(driver, _Response(b"abc"), path, overwrite_existing=True) is True
        assert os.read(reading, 100) == b"abc"
        assert stat.S_ISCHR(os.stat(path).st_mode)
    finally:
        os.close(reading)
        os.close(terminal)


def test_a_file_that_cannot_be_replaced_is_written_over(
    driver: StorageDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(source: str, destination: str) -> None:
        raise OSError(16, "Device or resource busy")

    (tmp_path / "x").write_bytes(b"old")
    names = {name: getattr(os, name) for name in dir(os)}
    monkeypatch.setattr(staging, "os", SimpleNamespace(**{**names, "replace": busy}))

    assert _save(driver, _Response(b"abc"), tmp_path / "x", overwrite_existing=True) is True

    assert _tree(tmp_path) == {"x": b"abc"}


def test_a_file_in_a_directory_without_permission_is_written_over(
    driver: StorageDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def guarded(path: str, flags: int, *rest: Any) -> Any:
        if flags & os.O_CREAT or os.path.isdir(path):
            raise PermissionError(13, "Permission denied")
        return os.open(path, flags, *rest)

    names = {name: getattr(os, name) for name in dir(os)}
    monkeypatch.setattr(staging, "os", SimpleNamespace(**{**names, "open": guarded}))
    (tmp_path / "x").write_bytes(b"old")

    assert _save(driver, _Response(b"abc"), tmp_path / "x", overwrite_existing=True) is True
    with pytest.raises(PermissionError):
        _save(driver, _Response(b"abc"), tmp_path / "new")

    assert _tree(tmp_path) == {"x": b"abc"}
