# SPDX-License-Identifier: Apache-2.0
"""Looks up paths, with blocking requests to a driver."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from libcloud.storage.base import Container, Object, StorageDriver, iterate_directory
from libcloud.storage.filesystem.entries import (
    Info,
    directory_entry,
    directory_of,
    entry_of,
    parents,
    prefix_of,
    split_path,
)
from libcloud.storage.filesystem.errors import as_os_errors


class Listing:
    """Looks up paths with any driver. Thread-safe.

    :param driver: special features are detected by its methods.
    """

    def __init__(self, driver: StorageDriver) -> None:
        self._driver = driver

    def container(self, name: str) -> Container:
        """A container, without a request if requests for objects report that it does not exist.

        :raises ContainerDoesNotExistError: it does not exist, as far as that was checked.
        """
        if hasattr(self._driver, "_get_object_in"):
            return Container(name, {}, self._driver)
        return self._driver.get_container(name)

    def locate(self, path: str) -> tuple[Container, str]:
        """Container and name of a file, which need not exist.

        :raises IsADirectoryError: ``path`` is a container.
        """
        container, name = split_path(path)
        if not name:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        with as_os_errors(path):
            return self.container(container), name

    def object(self, path: str, version_id: str | None = None) -> Object:
        """The object of a file, or one version of it: one HEAD request.

        :raises FileNotFoundError: there is none.
        """
        container, name = self.locate(path)
        with as_os_errors(path):
            if version_id is None:
                return container.get_object(name)
            return container.get_object(name, ex_version_id=version_id)

    def info(self, path: str) -> Info:
        """See ``info`` of the file system.

        :raises FileNotFoundError: it does not exist.
        """
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
        """The entries of a directory (a delimiter listing), or the file at ``path``; sorted.

        :param stem: only entries whose own names begin with it.
        :raises FileNotFoundError: neither exists.
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
        """All objects in a directory and in those in it.

        :param stem: what the rest of their names begins with.
        """
        container, _ = split_path(path)
        with as_os_errors(path):
            prefix = prefix_of(path) + stem
            yield from self.container(container).iterate_objects(prefix=prefix or None)

    def below(self, path: str, stem: str, withdirs: bool) -> dict[str, Info]:
        """Files below a directory, by one listing, unsorted; nothing if there is no directory.

        :param withdirs: and directories, ``path`` itself among them.
        """
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
