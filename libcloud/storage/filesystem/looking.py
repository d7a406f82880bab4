# SPDX-License-Identifier: Apache-2.0
"""The half of the file system that looks: at paths, directories, times."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

# fsspec has no types.
from fsspec.spec import AbstractFileSystem  # type: ignore[import-untyped]

from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.s3_levels import iterate_level
from libcloud.storage.filesystem.entries import (
    Info,
    directory_entry,
    file_entry,
    parents,
    split_path,
)
from libcloud.storage.filesystem.errors import as_os_errors

__all__ = ["LookingFileSystem"]


class LookingFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """What is there. Listings are not cached.

    :cvar driver: of any kind: what is special about one is asked for by ``hasattr``.
    """

    driver: Any
    root_marker = ""

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        stripped = super()._strip_protocol(path)
        return stripped.lstrip("/") if isinstance(stripped, str) else stripped

    def info(self, path: str, **kwargs: Any) -> Info:
        """What is at ``path``: at least ``name``, ``size`` and ``type``, which is ``"file"`` or
        ``"directory"``; of a file also ``etag``, ``modified``, ``metadata`` and ``content_type``.

        :raises FileNotFoundError: nothing.
        """
        path = self._strip_protocol(path)
        container, name = split_path(path)
        if not container:
            return directory_entry("")
        if not name:
            with as_os_errors(path):
                self.driver.get_container(container)
            return directory_entry(path)
        try:
            return file_entry(self._object(path))
        except FileNotFoundError:
            if self._is_prefix(path):
                return directory_entry(path)
            raise

    def exists(self, path: str, **kwargs: Any) -> bool:
        """Whether something is there; an error that says neither is raised."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """What is in a directory, or the file at ``path``; sorted by name.

        :param detail: what :meth:`info` gives, otherwise only the names.
        :raises FileNotFoundError: there is neither.
        """
        path = self._strip_protocol(path)
        if path:
            with as_os_errors(path):
                entries = self._level(path)
            if not entries:
                here = self.info(path)
                entries = [here] if here["type"] == "file" else []
        else:
            entries = [directory_entry(one.name) for one in self.driver.iterate_containers()]
        entries.sort(key=lambda entry: str(entry["name"]))
        return entries if detail else [entry["name"] for entry in entries]

    def find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,
        detail: bool = False,
        **kwargs: Any,
    ) -> Any:
        """All files below ``path``, by one listing of the store where ``maxdepth`` is ``None``.

        :return: names, sorted; with ``detail``, a dictionary of what :meth:`info` gives.
        """
        path = self._strip_protocol(path)
        if maxdepth is not None or not path:
            return super().find(path, maxdepth=maxdepth, withdirs=withdirs, detail=detail, **kwargs)
        found: dict[str, Info] = {}
        with contextlib.suppress(FileNotFoundError):
            for obj in self._below(path):
                entry = file_entry(obj)
                if withdirs:
                    for parent in parents(entry["name"], path):
                        found.setdefault(parent, directory_entry(parent))
                if not obj.name.endswith("/"):
                    found[entry["name"]] = entry
            if not found:
                here = self.info(path)
                found = {path: here} if withdirs or here["type"] == "file" else {}
        names = sorted(found)
        return {name: found[name] for name in names} if detail else names

    def created(self, path: str) -> datetime:
        """When the file was made; where stores do not tell, and replace objects whole, the same as
        :meth:`modified`.
        """
        entry = self.info(path)
        return self._time(entry, "created" if entry.get("created") else "modified")

    def modified(self, path: str) -> datetime:
        """When the file was written, an aware time.

        :raises NotImplementedError: the store does not tell, or it is a directory.
        """
        return self._time(self.info(path), "modified")

    # Inside.

    def _container(self, name: str) -> Container:
        """A container; an S3 store says soon enough that there is none."""
        if hasattr(self.driver, "ex_iterate_multipart_uploads"):
            return Container(name, {}, self.driver)
        container: Container = self.driver.get_container(name)
        return container

    def _place(self, path: str) -> tuple[Container, str]:
        """Where a file is or will be."""
        path = self._strip_protocol(path)
        container, name = split_path(path)
        if not name:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        with as_os_errors(path):
            return self._container(container), name

    def _object(self, path: str) -> Object:
        container, name = self._place(path)
        with as_os_errors(path):
            return container.get_object(name)

    def _below(self, path: str) -> Iterator[Object]:
        """All objects in a directory and in those in it."""
        container, name = split_path(path)
        with as_os_errors(path):
            prefix = f"{name}/" if name else None
            yield from self._container(container).iterate_objects(prefix=prefix)

    def _is_prefix(self, path: str) -> bool:
        try:
            return next(self._below(path), None) is not None
        except FileNotFoundError:
            return False

    def _level(self, path: str) -> list[Info]:
        """What is right in a directory."""
        container, name = split_path(path)
        prefix = f"{name}/" if name else ""
        entries: dict[str, Info] = {}
        for found in iterate_level(self._container(container), prefix):
            if isinstance(found, str):
                child = found[len(prefix) :].rstrip("/")
                if child:
                    entries.setdefault(f"{path}/{child}", directory_entry(f"{path}/{child}"))
            elif found.name != prefix:
                entries[f"{container}/{found.name}"] = file_entry(found)
        return list(entries.values())

    def _time(self, entry: Info, which: str) -> datetime:
        when = entry.get(which)
        if not isinstance(when, datetime):
            raise NotImplementedError(f"the store tells no time of {entry['name']}")
        return when
