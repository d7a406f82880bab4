# SPDX-License-Identifier: Apache-2.0
"""Conversion between the names of containers and objects and paths below a base directory."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

from libcloud.storage.arguments import check_name
from libcloud.storage.destination import is_inside
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    InvalidContainerNameError,
    InvalidObjectNameError,
    MissingContainerError,
    ObjectDoesNotExistError,
)
from libcloud.utils.staging import TEMPORARY_PREFIX

IGNORE_FOLDERS = [".lock", ".hash"]


class Tree:
    """The base directory: no path that it gives leads out of it.

    :param base_path: the directory.
    :param driver: named in errors.
    """

    def __init__(self, base_path: str, driver: object) -> None:
        self.base_path = base_path
        self._driver = driver

    def check_container_name(self, name: str) -> None:
        """Raise :class:`InvalidContainerNameError` unless it is the name of one directory."""
        check_name(name, "container_name")
        if name in ("", os.curdir, os.pardir) or any(char in name for char in "/\\\0"):
            raise InvalidContainerNameError(
                "A container is one directory: its name must be neither empty nor a dot or two, "
                "and hold no slash",
                self._driver,
                name,
            )

    def container_path(self, name: str) -> str:
        """The directory of a container, which exists; ``""`` and ``"."`` are the base itself."""
        if name in ("", os.curdir):
            return self.base_path.rstrip(os.sep) or os.sep
        self.check_container_name(name)
        path = os.path.join(self.base_path, name)
        if not os.path.isdir(path):
            raise ContainerDoesNotExistError(None, self._driver, name)
        if not is_inside(path, self.base_path):
            raise InvalidContainerNameError(
                f"{path} is a link that leads out of the base directory", self._driver, name
            )
        return path

    def container_names(self) -> list[str]:
        with os.scandir(self.base_path) as entries:
            return sorted(
                entry.name
                for entry in entries
                if entry.is_dir() and is_inside(entry.path, self.base_path)
            )

    def object_path(self, container_name: str, object_name: str) -> str:
        """The file of an object, which need not exist."""
        root = self.container_path(container_name)
        check_name(object_name, "object_name")
        reason = _fault(object_name)
        path = os.path.join(root, *object_name.split("/"))
        if not reason and not is_inside(path, root):
            reason = f"{path} is, or goes through, a link that leads out of the container"
        if reason:
            raise InvalidObjectNameError(reason, self._driver, object_name)
        return path

    def existing_path(self, container_name: str, object_name: str) -> str:
        """The file of an object that exists."""
        try:
            path = self.object_path(container_name, object_name)
        except ContainerDoesNotExistError as error:
            raise MissingContainerError.of(error, object_name) from error
        if not os.path.isfile(path):
            raise ObjectDoesNotExistError(None, self._driver, object_name)
        return path

    def object_names(self, container_name: str) -> Iterator[str]:
        """The names of a container's objects, in no order.

        :raises OSError: a directory or a file cannot be read: its objects would seem to be missing.
        """
        root = self.container_path(container_name)
        for folder, folders, names in os.walk(root, onerror=_raise_unless_gone):
            folders[:] = [name for name in folders if name not in IGNORE_FOLDERS]
            for name in names:
                path = os.path.join(folder, name)
                if name.startswith(TEMPORARY_PREFIX) or not _is_file(path):
                    continue
                if not os.path.islink(path) or is_inside(path, root):
                    yield os.path.relpath(path, root).replace(os.sep, "/")

    def prune(self, container_name: str, path: str) -> None:
        """Remove the directories above ``path`` that are empty, up to the container's."""
        root = self.container_path(container_name)
        folder = os.path.dirname(path)
        with contextlib.suppress(OSError):
            while folder != root:
                os.rmdir(folder)
                folder = os.path.dirname(folder)


def _raise_unless_gone(error: OSError) -> None:
    """Raise ``error``, unless it is of a file that was deleted, or of a link that leads nowhere."""
    if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
        raise error


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError as error:
        _raise_unless_gone(error)
        return False


def _fault(object_name: str) -> str:
    """The reason why a file cannot have exactly this name; empty if it can."""
    parts = object_name.split("/")
    if any(part in ("", os.curdir, os.pardir) for part in parts):
        return "Between slashes there must be a name that is neither empty nor a dot or two"
    if "\0" in object_name or (os.sep == "\\" and any(char in object_name for char in "\\:")):
        return "It contains a character that is not allowed in file names"
    if any(part in IGNORE_FOLDERS for part in parts):
        return f"{' and '.join(IGNORE_FOLDERS)} are not listed"
    if any(part.startswith(TEMPORARY_PREFIX) for part in parts):
        return f"{TEMPORARY_PREFIX} is the prefix of temporary files"
    return ""
