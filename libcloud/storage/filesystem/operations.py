# SPDX-License-Identifier: Apache-2.0
"""The operations of the file system on single files and on containers, as blocking calls.

The file system runs them in the worker pool of its driver. They do not use asyncio.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

from libcloud.storage.base import Container, Object
from libcloud.storage.copying import properties_of
from libcloud.storage.filesystem.errors import as_os_errors
from libcloud.storage.filesystem.listing import Listing, split_path
from libcloud.storage.filesystem.reading import open_object, read_object, same_version
from libcloud.storage.metadata import is_placeholder
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ObjectTooLargeError,
    SizeMismatchError,
)
from libcloud.utils.bodies import flat
from libcloud.utils.cancellation import interruptible, raise_if_cancelled
from libcloud.utils.files import has_exact_size
from libcloud.utils.local import PerProcess
from libcloud.utils.staging import StagingFile

# Bytes of a local file read at once.
_PIECE = 1024 * 1024


class Operations:
    """Reads and changes files. Thread-safe."""

    def __init__(self, driver: Any, listing: Listing, fs: Any) -> None:
        self._driver = driver
        self._listing = listing
        self._fs = fs
        self._lock = PerProcess(threading.RLock)
        self._known: set[str] = set()  # containers that exist, as far as is known

    # Reading.

    def read(
        self, path: str, start: int | None, end: int | None, version_id: str | None = None
    ) -> tuple[Object, bytes]:
        """A file, and its bytes as in a slice: one GET request, or HEAD and GET."""
        container, name = self._listing.locate(path)
        with as_os_errors(path):
            return read_object(container, name, start, end, version_id)

    def download(
        self, path: str, target: Any, callback: Any, version_id: str | None = None
    ) -> None:
        """Download a file, which appears only when it is complete; or create a directory."""
        is_open = hasattr(target, "write")
        target = target if is_open else os.fspath(target)
        try:
            container, name = self._listing.locate(path)
            with as_os_errors(path):
                obj, pieces = open_object(container, name, version_id)
        except (FileNotFoundError, IsADirectoryError):
            if is_open or version_id is not None or not self._is_directory(path):
                raise
            os.makedirs(target, exist_ok=True)
            return
        if not is_open and is_placeholder(obj):
            os.makedirs(target, exist_ok=True)
            return
        callback.set_size(obj.size)
        opened = nullcontext(target) if is_open else StagingFile(target, make_directories=True)
        with as_os_errors(path), opened as file:
            for piece in interruptible(pieces):
                file.write(piece)
                callback.relative_update(len(piece))
            if not is_open:
                file.commit()

    def sign(self, path: str, seconds: float, method: str) -> str:
        """A presigned URL; no request is sent."""
        container, name = split_path(path)
        where = Container(container, {}, self._driver)  # it is not looked for
        obj = Object(name, 0, "", {}, {}, where, self._driver)
        try:
            url = self._driver.get_object_cdn_url(obj, ex_expiry=seconds / 3600, ex_method=method)
        except TypeError as error:  # it has no such parameters
            raise NotImplementedError(f"{self._driver.name} has no presigned URLs") from error
        return str(url)

    def _is_directory(self, path: str) -> bool:
        """Whether ``path``, which is not a file, is a directory; a container is one."""
        return self._listing.exists(path) if "/" not in path else self._listing.is_directory(path)

    # Writing.

    def write(self, path: str, data: Any, mode: str, options: Mapping[str, Any]) -> None:
        """Create a file that contains ``data``; the mode ``"create"`` refuses to replace one."""
        piece = data if isinstance(data, bytes) else flat(memoryview(data))
        self._store(iter((piece,)), path, mode, options)

    def upload(
        self, local: Any, path: str, callback: Any, mode: str, options: Mapping[str, Any]
    ) -> None:
        """Upload a local file, which may be a pipe; the container is created if necessary."""
        try:
            source = open(local, "rb", buffering=0)  # large pieces need no buffer  # noqa: SIM115
        except (IsADirectoryError, PermissionError):
            if not os.path.isdir(local):
                raise
            self.make_container(split_path(path)[0])
            return
        with source:
            status = os.fstat(source.fileno())
            size = status.st_size if has_exact_size(status) else None
            callback.set_size(size)
            # Memory that a read does not fill takes longer to allocate than a small file to read.
            read = partial(source.read, _PIECE if size is None else min(_PIECE, size + 1))
            is_seekable = size is not None or source.seekable()
            if not is_seekable:
                self.make_container(split_path(path)[0])  # it cannot be read again
            try:
                self._store(_reported(read, callback, size), path, mode, options)
            except FileNotFoundError as error:
                is_missing = isinstance(error.__cause__, ContainerDoesNotExistError)
                if not is_missing or not is_seekable:
                    raise
                self._known.discard(split_path(path)[0])
                self.make_container(split_path(path)[0])
                source.seek(0)
                callback.absolute_update(0)
                self._store(_reported(read, callback, size), path, mode, options)

    def _store(
        self, pieces: Iterator[Any], path: str, mode: str, options: Mapping[str, Any]
    ) -> None:
        if options or mode != "overwrite" or self._fs._intrans:
            with self._fs.open(path, _MODES[mode], **options) as target:
                for piece in pieces:
                    target.write(piece)
            return
        container, name = self._listing.locate(path)
        with as_os_errors(path):
            container.upload_object_via_stream(pieces, name)

    def copy(self, source: str, target: str, version_id: str | None = None) -> Object | None:
        """Copy a file: within the store if possible, otherwise through this process.

        :return: what was copied; ``None`` for a directory, which comes with the files in it.
        """
        try:
            obj = self._listing.object(source, version_id)
        except (FileNotFoundError, IsADirectoryError):
            if version_id is None and self._is_directory(source):
                return None
            raise
        container, name = self._listing.locate(target)
        with as_os_errors(source):
            if hasattr(self._driver, "ex_copy_object"):
                with contextlib.suppress(ObjectTooLargeError):
                    self._driver.ex_copy_object(obj, container, name)
                    return obj
            kept = properties_of(obj, container.driver)
            kept.upload(obj, interruptible(obj.as_stream()), container, name)
        return obj

    # Deleting.

    def file_to_delete(
        self, path: str, copied: Object | None = None, *, skip: bool = False
    ) -> list[Object]:
        """The object of a file; with ``skip``, none for a directory.

        :param copied: what the object was when it was copied, to be moved.
        :raises OSError: it has been replaced since.
        """
        try:
            found = self._listing.object(path)
            if copied is not None and not same_version(found, copied):
                raise OSError(errno.EBUSY, "not moved: it was replaced while it was copied", path)
            return [found]
        except (FileNotFoundError, IsADirectoryError):
            if not self._is_directory(path):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None
            if not skip:
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path) from None
            return []

    def check_copied(self, objects: Mapping[str, Object], copied: Collection[str] | None) -> None:
        """:raises OSError: there is a file that is not among those that were ``copied``."""
        for path, obj in objects.items():
            is_directory = is_placeholder(obj) or (not obj.size and path.endswith("/"))
            if copied is not None and path not in copied and not is_directory:
                text = "the files were copied, but this one was not: nothing was deleted"
                raise OSError(errno.ENOTEMPTY, text, path)

    def delete(self, objects: Iterable[Object]) -> None:
        """Delete objects, in bulk if possible. The first error is raised at the end."""
        objects = list(objects)
        if len(objects) > 1 and hasattr(self._driver, "ex_delete_objects"):
            for done in self._driver.ex_delete_objects(objects):
                if not done.deleted:
                    with as_os_errors(f"{done.container_name}/{done.object_name}"):
                        raise done.error
            return
        for obj in objects:
            with as_os_errors(f"{obj.container.name}/{obj.name}"):
                self._driver.delete_object(obj)

    # Containers.

    def make_container(self, name: str) -> None:
        """Create a container unless it exists, and remember that it does."""
        with self._lock():
            if not name or name in self._known:
                return
            with as_os_errors(name):
                try:
                    self._driver.get_container(name)
                except ContainerDoesNotExistError:
                    try:
                        self._driver.create_container(name)
                    except ContainerAlreadyExistsError:  # another client was faster
                        self._driver.get_container(name)
            self._known.add(name)

    def make_directory(self, path: str, create_parents: bool) -> None:
        """See ``mkdir`` of the file system."""
        container, name = split_path(path)
        with as_os_errors(path):
            if not name:
                self._driver.create_container(container)
            elif not create_parents:
                self._driver.get_container(container)
            else:
                self.make_container(container)

    def make_directories(self, path: str, exist_ok: bool) -> None:
        """See ``makedirs`` of the file system."""
        if not exist_ok and self._listing.exists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        self.make_container(split_path(path)[0])

    def remove_directory(self, path: str) -> None:
        """See ``rmdir`` of the file system."""
        container, name = split_path(path)
        with as_os_errors(path):
            if not name:
                self._known.discard(container)
                self._driver.delete_container(self._driver.get_container(container))
                return
        if self._listing.is_directory(path):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)


_MODES = {"overwrite": "wb", "create": "xb"}


def _reported(read: Callable[[], bytes], callback: Any, size: int | None) -> Iterator[bytes]:
    """The data of a file that has at least ``size`` bytes: one that grows is sent as it is read.

    :raises SizeMismatchError: at its end, so that nothing is published: it was truncated meanwhile.
    """
    sent = 0
    while piece := read():
        raise_if_cancelled()
        yield piece
        callback.relative_update(len(piece))
        sent += len(piece)
    if size is not None and sent < size:
        text = f"the file had {size} bytes, and ended after {sent}; nothing was published"
        raise SizeMismatchError(text, None, "")
