# SPDX-License-Identifier: Apache-2.0
"""Locks on paths; public as names of ``libcloud.storage.drivers.local``."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import threading
import time
from typing import Any, TextIO

from libcloud.common.types import LibcloudError

# How often a lock file is created that others remove.
_ATTEMPTS = 50


class LockLocalStorage:
    """A lock on a path, against other threads that share this object and against other processes.

    :param path: what is locked; it need not exist. The lock is a file in the temporary directory,
        which every user may lock: it holds no data, and is removed afterwards. Users with different
        temporary directories do not exclude each other.
    :param timeout: seconds to wait for the lock.
    :raises LibcloudError: the package ``fasteners`` is not installed; from ``with``: another
        process or thread holds the lock, or its name is not that of a lock file.
    """

    def __init__(self, path: str, timeout: float = 5) -> None:
        self.path = path
        self.lock_acquire_timeout = timeout
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()
        self.ipc_lock_path = os.path.join(tempfile.gettempdir(), f"{digest}.lock")
        self.thread_lock = threading.Lock()
        self.ipc_lock = require_fasteners().InterProcessLock(self.ipc_lock_path)

    def __enter__(self) -> bool:
        until = f"for path {self.path} in {self.lock_acquire_timeout} seconds"
        if not self.thread_lock.acquire(timeout=self.lock_acquire_timeout):
            raise LibcloudError(f"Failed to acquire thread lock {until}")
        if not self._acquire_ipc_lock():
            self.thread_lock.release()
            raise LibcloudError(f"Failed to acquire IPC lock ({self.ipc_lock_path}) {until}")
        return True

    def _acquire_ipc_lock(self) -> bool:
        end = time.monotonic() + self.lock_acquire_timeout
        try:
            left = self.lock_acquire_timeout
            while self._lock_file(max(0, left)):
                if self._is_current():
                    return True
                self.ipc_lock.release()  # the one that had it has removed it
                left = end - time.monotonic()
                if left <= 0:
                    break
            return False
        except BaseException:
            self.thread_lock.release()
            raise

    def _lock_file(self, timeout: float) -> bool:
        # fasteners itself would follow a link, and create a file that only its user can lock.
        file = self.ipc_lock.lockfile = _open_lock_file(self.ipc_lock_path)
        acquired = False
        try:
            acquired = bool(self.ipc_lock.acquire(blocking=True, timeout=timeout))
        finally:
            if not acquired:
                file.close()
        return acquired

    def _is_current(self) -> bool:
        """Whether the file that is locked is still the one that others would open."""
        try:
            there = os.stat(self.ipc_lock_path, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(os.fstat(self.ipc_lock.lockfile.fileno()), there)

    def __exit__(self, type: object, value: object, traceback: object) -> None:
        try:
            # Who waits for it finds that it is no longer the current one. It stays where it belongs
            # to another user, or where open files cannot be removed.
            with contextlib.suppress(OSError):
                if self._is_current():
                    os.unlink(self.ipc_lock_path)
            self.ipc_lock.release()
        finally:
            self.thread_lock.release()


class NoOpLockLocalStorage:
    """Looks like a lock and locks nothing."""

    def __init__(self, path: str, timeout: float = 5) -> None:
        self.path = path
        self.lock_acquire_timeout = timeout

    def __enter__(self) -> bool:
        return True

    def __exit__(self, type: object, value: object, traceback: object) -> None:
        pass


def _open_lock_file(path: str) -> TextIO:
    """The lock file at ``path``, open for writing; it is created if there is none."""
    # Without O_CREAT: Linux refuses that for the file of another user in a directory like /tmp
    # (fs.protected_regular).
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        for _ in range(_ATTEMPTS):
            try:
                descriptor = os.open(path, flags)
                break
            except FileNotFoundError:  # or another process has just removed it
                _create_lock_file(path)
        else:
            descriptor = os.open(path, flags)
    except OSError as error:
        raise LibcloudError(
            f"The lock file {path} cannot be opened ({error.strerror}); links are not followed. "
            "If no other program uses it, remove it"
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise LibcloudError(f"{path} is not a lock file: it is not used")
    return os.fdopen(descriptor, "r+")


def _create_lock_file(path: str) -> None:
    """Create a file that every user may lock, unless another process does so at the same time."""
    descriptor, temporary = tempfile.mkstemp(prefix="libcloud-", dir=os.path.dirname(path))
    try:
        os.close(descriptor)
        os.chmod(temporary, 0o666)
        os.link(temporary, path)  # it has its permissions before others can see it
    except FileExistsError:
        pass
    except OSError:  # there are no hard links
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o666))
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def require_fasteners() -> Any:
    """The module ``fasteners``, which is needed for locking only.

    :raises LibcloudError: it is not installed.
    """
    try:
        import fasteners
    except ImportError as error:
        raise LibcloudError(
            "Locking needs the package fasteners: install it, or pass ex_use_locking=False"
        ) from error
    return fasteners
