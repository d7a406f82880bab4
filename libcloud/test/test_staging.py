# SPDX-License-Identifier: Apache-2.0
"""Staging files: never lost, never left, never more readable than the result; what is in place."""

from __future__ import annotations

import errno
import os
import socket
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage import destination as destinations
from libcloud.storage.base import Object
from libcloud.storage.destination import FileNames
from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.utils import staging
from libcloud.utils.staging import DestinationExistsError, StagingFile

on_linux = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="there is no /proc")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the functions of ``os`` that are called, of those that matter."""
    called: list[str] = []
    names = {name: getattr(os, name) for name in dir(os)}
    names.pop("O_TMPFILE", None)
    for name in ("fsync", "replace", "link", "unlink", "close"):
        names[name] = _recorded(called, name, names[name])
    monkeypatch.setattr(staging, "os", SimpleNamespace(**names))
    return called


def _recorded(called: list[str], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def record(*arguments: Any, **options: Any) -> Any:
        called.append(name)
        return function(*arguments, **options)

    return record


def _write(path: object, data: bytes = b"new", **options: Any) -> None:
    with StagingFile(str(path), **options) as file:
        file.write(data)
        file.commit()


def _mode_of(file: StagingFile) -> int:
    return stat.S_IMODE(os.fstat(file.fileno()).st_mode)


def _objects(tmp_path: Path) -> Iterator[Object]:
    """An object of each driver that needs no server."""
    (tmp_path / "store").mkdir()
    for driver in (LocalStorageDriver(str(tmp_path / "store")), DummyStorageDriver("key", "")):
        container = driver.create_container("container")
        yield container.upload_object_via_stream(iter([b"data"]), "object")


# Not overwriting.


@pytest.mark.parametrize("hard_links", [True, False])
def test_a_file_that_appears_during_a_download_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hard_links: bool
) -> None:
    if not hard_links:
        monkeypatch.setattr(os, "link", _failing(errno.EPERM))
    path = tmp_path / "file"
    with (
        pytest.raises(DestinationExistsError, match="already exists"),
        StagingFile(str(path), overwrite=False) as file,
    ):
        file.write(b"new")
        path.write_bytes(b"made meanwhile")
        file.commit()

    assert path.read_bytes() == b"made meanwhile"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("hard_links", [True, False])
def test_a_file_that_does_not_exist_is_made_without_overwriting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hard_links: bool
) -> None:
    if not hard_links:
        monkeypatch.setattr(os, "link", _failing(errno.ENOTSUP))

    _write(tmp_path / "file", overwrite=False)

    assert (tmp_path / "file").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_without_permission_to_replace_a_file_it_is_not_written_over_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(StagingFile, "_create", _failing(errno.EACCES))

    with pytest.raises(PermissionError):
        _write(tmp_path / "file", overwrite=False)

    assert (tmp_path / "file").read_bytes() == b"old"


def test_every_driver_keeps_a_file_that_appears_during_the_download(tmp_path: Path) -> None:
    for obj in _objects(tmp_path):
        path = tmp_path / f"file of {obj.driver.name}"
        destination = destinations.resolve_destination(
            path, obj.name, overwrite_existing=False, driver=obj.driver
        )

        def pieces(path: Path = path) -> Iterator[bytes]:
            yield b"da"
            path.write_bytes(b"made meanwhile")
            yield b"ta"

        with pytest.raises(LibcloudError, match="already exists") as caught:
            destinations.save(pieces(), destination)

        assert caught.value.driver is obj.driver
        assert isinstance(caught.value, FileExistsError)
        assert path.read_bytes() == b"made meanwhile"


# Killed processes.


@on_linux
@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="all staging files have names")
def test_a_new_file_gets_its_name_in_one_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "replace", _failing(errno.EIO))
    _write(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_file_that_appears_during_a_download_is_replaced_and_keeps_its_permissions(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    with StagingFile(str(path)) as file:
        file.write(b"new")
        path.write_bytes(b"made meanwhile")
        path.chmod(0o640)
        file.commit()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


@on_linux
def test_a_killed_process_leaves_nothing(tmp_path: Path) -> None:
    for path in (tmp_path / "new", tmp_path / "old"):
        if path.name == "old":
            path.write_bytes(b"old")
        with StagingFile(str(path)) as file:
            file.write(b"data")
            assert [found.name for found in tmp_path.iterdir() if found.name != "old"] == []
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


@pytest.mark.parametrize("missing", ["flag", "file system", "proc", "permission"])
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_where_a_file_needs_a_name_it_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, mode: int
) -> None:
    if missing == "flag":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    elif missing == "file system":
        monkeypatch.setattr(os, "O_TMPFILE", os.O_DIRECTORY)  # cannot be opened for writing
    elif missing == "proc":
        monkeypatch.setattr(staging, "_OPEN_FILES", str(tmp_path / "none"))
    else:
        monkeypatch.setattr(os, "link", _failing(errno.EPERM))
    path = tmp_path / "file"
    path.touch()
    path.chmod(mode)
    _write(path)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert list(tmp_path.iterdir()) == [path]


@on_linux
@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="all staging files have names")
def test_a_copy_under_a_name_gets_the_owner_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "link", _failing(errno.EPERM))
    monkeypatch.setattr(os, "chown", lambda file, *owner: owners.append(owner))
    other = SimpleNamespace(st_uid=1234, st_gid=5678, st_mode=0o640)
    monkeypatch.setattr(staging, "_status", lambda path: other)
    (tmp_path / "file").touch()
    _write(tmp_path / "file")

    assert owners == [(1234, 5678)]


@on_linux
@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="all staging files have names")
def test_a_copy_that_cannot_be_created_closes_its_source_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = StagingFile(str(tmp_path / "file"))
    number = file.fileno()
    monkeypatch.setattr(os, "link", _failing(errno.EPERM))
    monkeypatch.setattr(file, "_create_named", _failing(errno.EMFILE))
    closed: list[int] = []
    monkeypatch.setattr(os, "close", closed.append)
    with pytest.raises(OSError), file:
        file.commit()  # closes it; the number may be that of another file from then on
    assert number not in closed
    assert list(tmp_path.iterdir()) == []


# Full disks.


@pytest.mark.parametrize("size", [1, 100_000])
@pytest.mark.parametrize("has_name", [False, True])
def test_on_a_full_disk_no_staging_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, has_name: bool
) -> None:
    if has_name:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    with (
        pytest.raises(OSError) as caught,
        StagingFile(str(tmp_path / "file")) as file,
        monkeypatch.context() as patch,
    ):
        patch.setattr(os, "write", _failing(errno.ENOSPC))
        file.write(b"x" * size)
        file.commit()

    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_leaving_a_file_on_a_full_disk_raises_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="mine"), StagingFile(str(tmp_path / "file")) as file:
        file.write(b"x")
        monkeypatch.setattr(os, "write", _failing(errno.ENOSPC))
        raise ValueError("mine")

    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_pieces_of_any_size_are_written_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:50_000]))  # not all
    sizes = (1, 70_000, 10, 65_535, 65_536, 0, 3)
    pieces = [bytes([number]) * size for number, size in enumerate(sizes)]
    with StagingFile(str(tmp_path / "file")) as file:
        for piece in pieces:
            file.write(piece)
        file.commit()
    is_same = (tmp_path / "file").read_bytes() == b"".join(pieces)
    assert is_same  # a comparison of the bytes would take pytest minutes


# Permissions.


def test_while_it_is_written_a_file_is_not_more_readable_than_its_predecessor(
    tmp_path: Path,
) -> None:
    path = tmp_path / "secret"
    path.touch(mode=0o600)
    with StagingFile(str(path)) as file:
        assert _mode_of(file) == 0o600
        file.commit()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_wider_predecessor_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "shared"
    path.touch()
    path.chmod(0o666)
    _write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_usual_permissions_from_its_beginning(
    tmp_path: Path, umask: int, mode: int
) -> None:
    before = os.umask(umask)
    try:
        with StagingFile(str(tmp_path / "file")) as file:
            assert _mode_of(file) == mode
            file.commit()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


# Crashes of the system.


@pytest.mark.parametrize(("overwrite", "publish"), [(True, "replace"), (False, "link")])
def test_the_data_are_on_the_disk_before_the_file_has_its_name(
    tmp_path: Path, calls: list[str], overwrite: bool, publish: str
) -> None:
    _write(tmp_path / "file", overwrite=overwrite)
    assert calls.index("fsync") < calls.index(publish)


def test_a_file_system_that_cannot_sync_is_used_anyway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", _failing(errno.EINVAL))
    _write(tmp_path / "file")
    staging.sync_directory(str(tmp_path))
    assert (tmp_path / "file").read_bytes() == b"new"


def test_data_that_do_not_reach_the_disk_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", _failing(errno.EIO))
    with pytest.raises(OSError):
        _write(tmp_path / "file")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_the_local_driver_syncs_a_file_before_its_lock_and_its_directory_after(
    tmp_path: Path, calls: list[str]
) -> None:
    driver = LocalStorageDriver(str(tmp_path))

    class Lock:
        def __init__(self, path: str) -> None: ...

        def __enter__(self) -> None:
            calls.append("locked")

        def __exit__(self, *error: object) -> None:
            calls.append("unlocked")

    driver._lock_cls = Lock  # type: ignore[assignment]
    driver.create_container("c").upload_object_via_stream(iter([b"data"]), "object")

    order = [call for call in calls if call not in ("close", "unlink")]
    assert order == ["fsync", "locked", "replace", "unlocked", "fsync"]


# Directories.


def test_a_directory_that_another_download_removes_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, removed = StagingFile._create, 0

    def removing(file: StagingFile, directory: str) -> int:
        nonlocal removed
        if os.path.isdir(directory) and not removed:
            os.rmdir(directory)
            removed += 1
        return create(file, directory)

    monkeypatch.setattr(StagingFile, "_create", removing)
    _write(tmp_path / "a" / "b" / "file", make_directories=True)

    assert removed
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"new"


def test_a_link_that_leads_nowhere_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "none")
    for path in (tmp_path / "link" / "file", tmp_path / "link" / "a" / "file"):
        with pytest.raises(OSError):
            _write(path, make_directories=True)
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


def test_a_directory_that_is_removed_while_it_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, made = os.makedirs, 0

    def racing(path: str, exist_ok: bool = False) -> None:
        nonlocal made
        made += 1
        if made == 1:  # mkdir() found it, and isdir() did not
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        make(path, exist_ok=exist_ok)

    monkeypatch.setattr(os, "makedirs", racing)
    _write(tmp_path / "a" / "file", make_directories=True)
    assert (tmp_path / "a" / "file").read_bytes() == b"new"


def test_directories_of_a_file_that_cannot_be_opened_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = StagingFile._create

    def full(file: StagingFile, directory: str) -> int:
        if os.path.isdir(directory):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return create(file, directory)

    monkeypatch.setattr(StagingFile, "_create", full)
    with pytest.raises(OSError) as caught:
        _write(tmp_path / "a" / "b" / "file", make_directories=True)

    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


# Times.


@pytest.mark.parametrize("exists", [False, True])
def test_a_file_gets_the_time_that_is_given(tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / "file").touch()
    _write(tmp_path / "file", modified=1_000_000_000.5)
    assert (tmp_path / "file").stat().st_mtime == 1_000_000_000.5


@on_linux
def test_a_file_that_the_shell_has_opened_gets_no_time(tmp_path: Path) -> None:
    with open(tmp_path / "output", "wb") as output:
        _write(f"/dev/fd/{output.fileno()}", modified=1.0)
    assert (tmp_path / "output").stat().st_mtime > 1.0


# What is written in place.


@on_linux
@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_descriptor_of_this_process_is_written_in_place(kind: str) -> None:
    with _connected(kind) as (reading, writing):
        _write(f"/dev/fd/{writing}", b"data")
        assert os.read(reading, 100) == b"data"
        _write(f"/proc/self/fd/{writing}", b"more", overwrite=False)
        assert os.read(reading, 100) == b"more"


class _connected:
    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __enter__(self) -> tuple[int, int]:
        if self._kind == "pipe":
            self._ends = os.pipe()
        else:
            first, second = socket.socketpair()
            self._ends = first.detach(), second.detach()
        return self._ends

    def __exit__(self, *error: object) -> None:
        for end in self._ends:
            os.close(end)


@on_linux
def test_a_file_that_the_shell_has_opened_is_continued_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "output"
    with open(path, "wb", buffering=0) as output:
        output.write(b"before ")
        _write(f"/dev/fd/{output.fileno()}", b"data")
        output.write(b" after")

    assert path.read_bytes() == b"before data after"
    assert list(tmp_path.iterdir()) == [path]


@on_linux
def test_a_link_to_a_descriptor_is_followed_as_that_of_standard_output(tmp_path: Path) -> None:
    with tempfile.TemporaryFile() as unnamed:
        (tmp_path / "stdout").symlink_to(f"/dev/fd/{unnamed.fileno()}")
        _write(tmp_path / "stdout", b"data")
        unnamed.seek(0)
        assert unnamed.read() == b"data"
    assert [path.name for path in tmp_path.iterdir()] == ["stdout"]


def test_a_named_pipe_is_written_in_place_by_every_driver(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for obj in _objects(tmp_path):
        received: list[bytes] = []
        reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))  # noqa: B023
        reader.start()
        assert obj.download(str(pipe)) is True  # nothing is overwritten
        reader.join(30)
        assert received == [b"data"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@on_linux
def test_a_number_in_another_directory_is_no_descriptor(tmp_path: Path) -> None:
    (tmp_path / "fd").mkdir()
    _write(tmp_path / "fd" / "1")
    assert (tmp_path / "fd" / "1").read_bytes() == b"new"


# Names.


def test_names_that_are_one_file_are_noticed(tmp_path: Path) -> None:
    names = FileNames(str(tmp_path))
    assert [names.add(name) for name in ("a/b", "a//b", "./a/b", "a/./b", "A/b", "a/c")] == [
        *(True, False, False, False, True, True)
    ]


def test_where_case_is_ignored_names_that_differ_in_case_are_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destinations, "_ignores_case", lambda directory: True)
    names = FileNames(str(tmp_path))
    assert [names.add(name) for name in ("Straße", "STRASSE", "\u00e9", "E\u0301", "f")] == [
        *(True, False, True, False, True)
    ]


def test_the_test_for_case_sensitivity_leaves_nothing(tmp_path: Path) -> None:
    assert destinations._ignores_case(str(tmp_path / "not" / "yet")) is False
    assert list(tmp_path.iterdir()) == []


def _failing(number: int) -> Callable[..., Any]:
    def fail(*arguments: object, **options: object) -> Any:
        raise OSError(number, os.strerror(number))

    return fail
