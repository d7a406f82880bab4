# SPDX-License-Identifier: Apache-2.0
"""Locks of the local driver: between threads, processes and users; nothing planted is followed."""

from __future__ import annotations

import errno
import multiprocessing
import os
import stat
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.drivers.local import LockLocalStorage


def _try_to_lock(path: str) -> bool:
    try:
        with LockLocalStorage(path, timeout=0.05):
            return True
    except LibcloudError as error:
        assert "Failed to acquire IPC lock" in str(error)
        return False


def _answer(path: str, answers: Any) -> None:
    answers.put(_try_to_lock(path))


def _locked_elsewhere(path: str) -> bool:
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=_answer, args=(path, answers))
    process.start()
    got_it: bool = answers.get(timeout=30)
    process.join()
    return not got_it


def test_a_lock_that_is_held_is_not_given_again(tmp_path: Path) -> None:
    lock = LockLocalStorage(str(tmp_path / "x"), timeout=0.05)

    with lock, pytest.raises(LibcloudError, match="Failed to acquire thread lock"):
        lock.__enter__()
    with lock:
        pass


def test_a_lock_holds_against_other_processes(tmp_path: Path) -> None:
    lock = LockLocalStorage(str(tmp_path / "x"))

    with lock:
        assert _locked_elsewhere(str(tmp_path / "x"))
    assert not _locked_elsewhere(str(tmp_path / "x"))


def test_a_lock_that_fails_between_processes_is_free_between_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = LockLocalStorage(str(tmp_path / "x"), timeout=0.05)
    monkeypatch.setattr(lock.ipc_lock, "acquire", lambda **options: False)

    for _ in range(2):
        with pytest.raises(LibcloudError, match="Failed to acquire IPC lock"):
            lock.__enter__()


def test_every_user_may_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = os.umask(0o077)
    try:
        with LockLocalStorage(str(tmp_path / "x")):
            [lock_file] = tmp_path.iterdir()
            assert stat.S_IMODE(lock_file.stat().st_mode) == 0o666
    finally:
        os.umask(before)


def test_without_hard_links_there_is_a_lock_file_anyway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "link", Mock(side_effect=PermissionError(errno.EPERM, "no links")))

    with LockLocalStorage(str(tmp_path / "x")) as locked:
        assert locked is True
        assert len(list(tmp_path.iterdir())) == 1


def test_no_lock_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with LockLocalStorage(str(tmp_path / "x")):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_that_was_removed_while_it_was_waited_for_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that had it has removed it, and others would create another one."""
    lock = LockLocalStorage(str(tmp_path / "x"))
    acquire, calls = lock.ipc_lock.acquire, []

    def late(**options: Any) -> bool:
        calls.append(options)
        if len(calls) == 1:
            os.unlink(lock.ipc_lock_path)
        return bool(acquire(**options))

    monkeypatch.setattr(lock.ipc_lock, "acquire", late)
    with lock:
        assert len(calls) == 2
        assert _locked_elsewhere(str(tmp_path / "x"))
    assert not _locked_elsewhere(str(tmp_path / "x"))


@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "directory"])
def test_a_file_that_is_not_a_lock_is_not_followed_opened_or_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    victim = tmp_path / "victim"
    lock = LockLocalStorage(str(tmp_path / "x"))
    planted = Path(lock.ipc_lock_path)
    if "link" in kind:
        planted.symlink_to(victim)
    elif kind == "pipe":
        os.mkfifo(planted)
    else:
        planted.mkdir()
    if kind == "link":
        victim.write_bytes(b"data")

    for _ in range(2):  # the first attempt leaves nothing locked
        with pytest.raises(LibcloudError, match="lock file"):
            lock.__enter__()

    assert victim.exists() == (kind == "link")
    assert kind != "link" or victim.read_bytes() == b"data"


def test_an_existing_lock_file_is_opened_without_asking_for_its_creation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux refuses O_CREAT for the file of another user in /tmp, by fs.protected_regular."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    lock = LockLocalStorage(str(tmp_path / "x"))
    Path(lock.ipc_lock_path).touch()
    opening = Mock(wraps=os.open)
    monkeypatch.setattr(os, "open", opening)

    with lock:
        pass

    [(_, flags)] = [call.args for call in opening.call_args_list]
    assert not flags & os.O_CREAT
