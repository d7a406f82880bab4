# SPDX-License-Identifier: Apache-2.0
"""Paths, the entries at them, and listings: looked up with blocking requests, or cached."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from libcloud.storage.base import Container, Object, StorageDriver, iterate_directory
from libcloud.storage.filesystem.errors import as_os_errors
from libcloud.storage.metadata import is_placeholder
from libcloud.utils import headers
from libcloud.utils.local import PerProcess

DEFAULT_EXPIRY = 60
"""Default expiry time of a listing, seconds, if the cache is enabled."""

Info = dict[str, Any]


def prefix_of(path: str) -> str:
    """The prefix of the names of all objects in the directory ``path``; empty for a container.

    A path that ends with two slashes is a directory whose own name is empty, as in ``a//b``.

    >>> prefix_of("bucket/a"), prefix_of("bucket/a//"), prefix_of("bucket")
    ('a/', 'a//', '')
    """
    _, name = split_path(path)
    return name if not name or path.endswith("//") else f"{name}/"


def directory_of(container: str, prefix: str) -> str:
    """The inverse: the path of the directory with that ``prefix``.

    >>> directory_of("bucket", "a/"), directory_of("bucket", "a//"), directory_of("bucket", "/")
    ('bucket/a', 'bucket/a//', 'bucket//')
    """
    path = f"{container}/{prefix}"
    return path if path.endswith("//") else path.rstrip("/")


def split_path(path: str) -> tuple[str, str]:
    """Container and object name; either may be empty."""
    container, _, name = path.partition("/")
    return container, name


def parents(path: str, top: str) -> Iterator[str]:
    """The directories that ``path`` is in, up to ``top``, which is one of them."""
    while len(path) > len(top):
        path = path.rpartition("/")[0]
        yield f"{path}/" if path.endswith("/") else path


def directory_entry(path: str) -> Info:
    """What ``info`` returns for a directory."""
    return {"name": path, "size": 0, "type": "directory"}


def entry_of(obj: Object) -> Info:
    """What ``info`` returns for an object, ``None`` for values that the driver does not know."""
    if is_placeholder(obj):
        return directory_entry(f"{obj.container.name}/{obj.name}")
    extra = obj.extra
    modified = headers.time_of(extra.get("last_modified", extra.get("modify_time")))
    return {
        "name": f"{obj.container.name}/{obj.name}",
        "size": obj.size,
        "type": "file",
        "etag": obj.hash,
        "modified": modified,
        "ETag": obj.hash and f'"{obj.hash}"',  # this and the next as programs read them with s3fs
        "LastModified": modified,
        "created": headers.time_of(extra.get("creation_time")),
        "content_type": extra.get("content_type"),
        "metadata": obj.meta_data,
    }


def by_own_names(listing: list[Info], path: str) -> tuple[dict[str, Info], dict[str, Info]]:
    """The directories and the files of a listing of ``path``, by their own names."""
    dirs: dict[str, Info] = {}
    files: dict[str, Info] = {}
    for entry in listing:
        full = entry["name"]
        name = "" if full.endswith("//") or full == path else full.rpartition("/")[2]
        (dirs if entry["type"] == "directory" else files)[name] = entry
    return dirs, files


def time_of(entry: Info, which: str) -> datetime:
    """:raises NotImplementedError: it is not known."""
    when = entry.get(which)
    if not isinstance(when, datetime):
        raise NotImplementedError(f"the store does not report a time for {entry['name']}")
    return when


class Listing:
    """Looks up paths with any driver. Thread-safe."""

    def __init__(self, driver: StorageDriver) -> None:
        self._driver = driver

    def container(self, name: str) -> Container:
        """A container, without a request if requests for objects report that it does not exist."""
        if hasattr(self._driver, "_get_object_in"):
            return Container(name, {}, self._driver)
        return self._driver.get_container(name)

    def locate(self, path: str) -> tuple[Container, str]:
        """Container and name of a file, which need not exist. ``path`` is not a container."""
        container, name = split_path(path)
        if not name:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        with as_os_errors(path):
            return self.container(container), name

    def object(self, path: str, version_id: str | None = None) -> Object:
        """The object of a file, or one version of it: one HEAD request."""
        container, name = self.locate(path)
        with as_os_errors(path):
            return container.get_object(name, ex_version_id=version_id)

    def info(self, path: str) -> Info:
        """See ``info`` of the file system."""
        container, name = split_path(path)
        if not container:
            return directory_entry("")
        if not name:
            with as_os_errors(path):
                self._driver.get_container(container)
            return directory_entry(path)
        if path.endswith("//"):
            found = self.is_directory(path)
            return directory_entry(path) if found else self.info(path.rstrip("/"))
        try:
            return entry_of(self.object(path))
        except FileNotFoundError:
            if self.is_directory(path):
                return directory_entry(path)
            raise

    def exists(self, path: str) -> bool:
        """Whether the path exists; raises if that cannot be determined."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def is_directory(self, path: str) -> bool:
        """Whether the name of an object shows that ``path`` is a directory: one listing."""
        try:
            return next(self.objects(path), None) is not None
        except FileNotFoundError:
            return False

    def directory(self, path: str, stem: str = "") -> list[Info]:
        """The entries of a directory, or the file at ``path``, by a delimiter listing; sorted.

        :param stem: only entries whose own names begin with it.
        """
        if not path:
            with as_os_errors(path):
                found = [directory_entry(one.name) for one in self._driver.iterate_containers()]
            entries = [entry for entry in found if entry["name"].startswith(stem)]
        else:
            with as_os_errors(path):
                entries = self._entries(path, stem)
        if path and not entries and not stem:
            if path.endswith("//") and not self.is_directory(path):
                return self.directory(path.rstrip("/"))
            here = self.info(path)
            entries = [here] if here["type"] == "file" else []
        return sorted(entries, key=lambda entry: str(entry["name"]))

    def objects(self, path: str, stem: str = "") -> Iterator[Object]:
        """All objects below a directory, the rest of whose names begins with ``stem``."""
        container, _ = split_path(path)
        with as_os_errors(path):
            prefix = prefix_of(path) + stem
            yield from self.container(container).iterate_objects(prefix=prefix or None)

    def below(self, path: str, stem: str, withdirs: bool) -> dict[str, Info]:
        """Files below a directory, and ``withdirs`` directories and itself, by one listing."""
        found: dict[str, Info] = {}
        with contextlib.suppress(FileNotFoundError):
            for obj in self.objects(path, stem):
                entry = entry_of(obj)
                if withdirs:
                    for parent in parents(entry["name"], path):
                        found.setdefault(parent, directory_entry(parent))
                if entry["type"] == "directory":
                    found.update({entry["name"]: entry} if withdirs else {})
                elif not obj.name.endswith("/"):
                    found[entry["name"]] = entry
        return found

    def file(self, path: str) -> list[Object]:
        """The object of a file, if there is one and ``path`` is not a container."""
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            return [self.object(path)]
        return []

    def _entries(self, path: str, stem: str) -> list[Info]:
        container, _ = split_path(path)
        prefix = prefix_of(path)
        files: list[Info] = []
        directories: dict[str, Info] = {}  # a file may have the same path as one of them
        for found in iterate_directory(self.container(container), prefix + stem):
            if isinstance(found, str):
                child = directory_of(container, found)
                directories[child] = directory_entry(child)
            elif found.name != prefix:
                entry = entry_of(found)
                if entry["type"] == "file":
                    files.append(entry)
                else:
                    directories[entry["name"]] = entry
        return [*files, *directories.values()]


class ListingCache:
    """Listings of directories, by path, in fsspec's ``DirCache``. Thread-safe."""

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
