# SPDX-License-Identifier: Apache-2.0
"""The cache of listings: entries expire, and writes of this process invalidate them."""

from __future__ import annotations

import threading
from typing import Any

from libcloud.storage.filesystem.entries import Info, parents
from libcloud.utils.local import PerProcess

DEFAULT_EXPIRY = 60
"""Default expiry time of a listing, seconds, if the cache is enabled."""


class ListingCache:
    """Listings of directories, by path. Thread-safe.

    :param entries: fsspec's ``DirCache``, which stores nothing if it is turned off.
    """

    def __init__(self, entries: Any) -> None:
        self._entries = entries
        self._lock = PerProcess(threading.RLock)
        self._version = 0

    @property
    def version(self) -> int:
        """Changes with every write; recorded before a listing is requested."""
        return self._version

    def get(self, path: str) -> list[Info] | None:
        """A listing that has not expired; the caller must not change it."""
        with self._lock():
            found: list[Info] | None = self._entries.get(path)
            return found

    def entry(self, path: str) -> Info | None:
        """The entry for ``path`` in the listing of its directory, if there is exactly one."""
        directory = next(parents(path, ""), "") if path else ""
        found = [entry for entry in self.get(directory) or () if entry["name"] == path]
        return found[0] if path and len(found) == 1 else None

    def store(self, path: str, listing: list[Info], version: int) -> None:
        """Keep a listing, unless something was written since ``version``."""
        with self._lock():
            if version == self._version:
                self._entries[path] = listing

    def invalidate(self, *paths: str) -> None:
        """Something changed at ``paths``: drop all listings that may include it."""
        with self._lock():
            self._version += 1
            for path in paths if len(self._entries) else ():
                below = f"{path.rstrip('/')}/"
                shown_by = {path, path.rstrip("/"), *parents(path, ""), ""}
                for known in list(self._entries):
                    if known in shown_by or known.startswith(below):
                        self._entries.pop(known, None)

    def clear(self) -> None:
        """Drop all listings: anything may have changed."""
        with self._lock():
            self._version += 1
            self._entries.clear()
