# SPDX-License-Identifier: Apache-2.0
"""Locks on paths; public as names of ``libcloud.storage.drivers.local``."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from importlib import import_module
from typing import Any

from libcloud.common.types import LibcloudError

__all__ = ["LockLocalStorage", "NoOpLockLocalStorage", "require_fasteners"]


class LockLocalStorage:
    """A lock on a path, against other threads that share this object and against other processes.

    :param path: what is locked; it need not exist. The lock is a file in the temporary directory.
    :param timeout: seconds to wait for the lock.
    :raises LibcloudError: the package ``fasteners`` is not installed; from ``with``: somebody else
        holds the lock.
    """

    def __init__(self, path: str, timeout: float = 5) -> None:
        self.path = path
        self.lock_acquire_timeout = timeout
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()
        self.ipc_lock_path = os.path.join(tempfile.gettempdir(), f"{digest}.lock")
        self.thread_lock = threading.Lock()
        self.ipc_lock = require_fasteners().InterProcessLock(self.ipc_lock_path)

    def __enter__(self) -> bool:
        if not self.thread_lock.acquire(timeout=self.lock_acquire_timeout):
            raise LibcloudError(
                f"Failed to acquire thread lock for path {self.path} in "
                f"{self.lock_acquire_timeout} seconds"
            )
        if not self._acquire_ipc_lock():
            self.thread_lock.release()
            raise LibcloudError(
                f"Failed to acquire IPC lock ({self.ipc_lock_path}) for path {self.path} in "
                f"{self.lock_acquire_timeout} seconds"
            )
        return True

    def _acquire_ipc_lock(self) -> bool:
        try:
            return bool(self.ipc_lock.acquire(blocking=True, timeout=self.lock_acquire_timeout))
        except BaseException:
            self.thread_lock.release()
            raise

    def __exit__(self, type: object, value: object, traceback: object) -> None:
        self.ipc_lock.release()
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


def require_fasteners() -> Any:
    """The module ``fasteners``, which is needed for locking only.

    :raises LibcloudError: it is not installed.
    """
    try:
        return import_module("fasteners")
    except ImportError as error:
        raise LibcloudError(
            "Locking needs the package fasteners: install it, or pass ex_use_locking=False"
        ) from error
