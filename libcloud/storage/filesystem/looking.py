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
from libcloud.storage.directories import iterate_directory
from libcloud.storage.filesystem.entries import (
    Info,
    directory_entry,
    directory_of,
    file_entry,
    parents,
    prefix_of,
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
        if not isinstance(stripped, str):
            return stripped
        stripped = stripped.lstrip("/")
        given = os.fspath(path)
        # Two slashes at the end are a directory with an empty name; a single one says nothing.
        slashes = len(given) - len(given.rstrip("/"))
        return stripped + "/" * slashes if stripped and slashes > 1 else stripped

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
        if path.endswith("//"):
            found = self._is_prefix(path)
            return directory_entry(path) if found else self.info(path.rstrip("/"))
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
            if not entries and path.endswith("//") and not self._is_prefix(path):
                return self.ls(path.rstrip("/"), detail=detail)
            if not entries:
                here = self.info(path)
                entries = [here] if here["type"] == "file" else []
        else:
            entries = [directory_entry(one.name) for one in self.driver.iterate_containers()]
        entries.sort(key=lambda entry: str(entry["name"]))
        if detail:
            return entries
        return list(dict.fromkeys(entry["name"] for entry in entries))

    def walk(
        self,
        path: str,
        maxdepth: int | None = None,
        topdown: bool = True,
        on_error: Any = "omit",
        **kwargs: Any,
    ) -> Iterator[tuple[str, Any, Any]]:
        """Directories with what is in them; see fsspec's ``AbstractFileSystem.walk``.

        A directory with an empty name (``a//b`` is in one) is ``""`` among the others; the path of
        a file is always ``f"{directory}/{name}"``.
        """
        if maxdepth is not None and maxdepth < 1:
            raise ValueError("maxdepth must be at least 1")
        path, detail = self._strip_protocol(path), kwargs.pop("detail", False)
        try:
            listing = self.ls(path, detail=True, **kwargs)
        except OSError as error:
            if on_error == "raise":
                raise
            if callable(on_error):
                on_error(error)
            return
        shown = path[:-1] if path.endswith("//") else path
        dirs, files = _sorted_out(listing, path)
        paths = {name: entry["name"] for name, entry in dirs.items()}
        found = (dirs, files) if detail else (list(dirs), list(files))
        if topdown:
            yield shown, *found
        if maxdepth is None or maxdepth > 1:
            deeper = None if maxdepth is None else maxdepth - 1
            shared = {"topdown": topdown, "detail": detail, **kwargs}
            for name in found[0]:  # of which the caller may have taken some
                yield from self.walk(paths[name], maxdepth=deeper, **shared)
        if not topdown:
            yield shown, *found

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
        container, _ = split_path(path)
        with as_os_errors(path):
            yield from self._container(container).iterate_objects(prefix=prefix_of(path) or None)

    def _is_prefix(self, path: str) -> bool:
        try:
            return next(self._below(path), None) is not None
        except FileNotFoundError:
            return False

    def _level(self, path: str) -> list[Info]:
        """What is right in a directory."""
        container, _ = split_path(path)
        prefix = prefix_of(path)
        files: list[Info] = []
        directories: dict[str, Info] = {}  # a file may have the same path as one of them
        for found in iterate_directory(self._container(container), prefix):
            if isinstance(found, str):
                child = directory_of(container, found)
                directories[child] = directory_entry(child)
            elif found.name != prefix:
                files.append(file_entry(found))
        return [*files, *directories.values()]

    def _time(self, entry: Info, which: str) -> datetime:
        when = entry.get(which)
        if not isinstance(when, datetime):
            raise NotImplementedError(f"the store tells no time of {entry['name']}")
        return when


def _sorted_out(listing: list[Info], path: str) -> tuple[dict[str, Info], dict[str, Info]]:
    """The directories and the files of a listing of ``path``, by their own names."""
    dirs: dict[str, Info] = {}
    files: dict[str, Info] = {}
    for entry in listing:
        full = entry["name"]
        name = "" if full.endswith("//") or full == path else full.rpartition("/")[2]
        (dirs if entry["type"] == "directory" else files)[name] = entry
    return dirs, files
