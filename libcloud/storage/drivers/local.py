# SPDX-License-Identifier: Apache-2.0
"""Containers as directories, objects as files.

Names cannot lead out of the base directory, neither by themselves nor by symbolic links in it. That
holds against names from strangers, not against a stranger who changes links in the base directory
while a call is under way.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from libcloud.common.base import Connection
from libcloud.common.types import LibcloudError
from libcloud.storage import destination as destinations
from libcloud.storage.arguments import (
    check_container,
    check_download,
    check_known_keywords,
    check_object,
    check_prefix,
    check_upload,
)
from libcloud.storage.base import CHUNK_SIZE, Container, Object, StorageDriver
from libcloud.storage.capabilities import Capabilities
from libcloud.storage.drivers._local_lock import (
    LockLocalStorage,
    NoOpLockLocalStorage,
    require_fasteners,
)
from libcloud.storage.drivers._local_tree import IGNORE_FOLDERS, Tree
from libcloud.storage.keywords import IgnoredKeywords
from libcloud.storage.payload import readable
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ContainerIsNotEmptyError,
    ObjectDoesNotExistError,
    ObjectError,
    SizeMismatchError,
)
from libcloud.storage.types import InvalidContainerNameError as InvalidContainerNameError
from libcloud.utils import files
from libcloud.utils.arguments import whole_number
from libcloud.utils.staging import StagingFile, sync_directory

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["IGNORE_FOLDERS", "LocalStorageDriver", "LockLocalStorage", "NoOpLockLocalStorage"]

_T = TypeVar("_T")
_Path = str | os.PathLike[str]

_COPY_SIZE = 1024 * 1024

# Upstream's: the group of the process may share the store.
_FILE_MODE = 0o664


class LocalStorageDriver(StorageDriver):
    """A directory as a store.

    An upload is written to a temporary file in the same directory and renamed: others see the old
    object or the new one, never a part of it.

    :param key: the base directory.
    :param ex_use_locking: lock an object, across processes, while it is put in place or deleted.
        Needs the package ``fasteners``.
    :raises LibcloudError: there is no such directory, or no ``fasteners``.
    """

    connectionCls = Connection
    name = "Local Storage"
    website = "http://example.com"
    _hash_is_of_data = False

    def __init__(
        self,
        key: str,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        ex_use_locking: bool = True,
        **kwargs: Unpack[IgnoredKeywords],
    ) -> None:
        check_known_keywords(type(self), kwargs)
        if not key or not os.path.isdir(key):
            raise LibcloudError(f"The base path is not a directory: {key}", driver=self)
        self.base_path = os.fspath(key)
        self._tree = Tree(self.base_path, self)
        if ex_use_locking:
            require_fasteners()
        self._lock_cls = LockLocalStorage if ex_use_locking else NoOpLockLocalStorage
        # Without BaseDriver.__init__, which would connect to a host.
        self.key, self.secret, self.secure = key, secret, secure
        self.api_version, self.region = kwargs.get("api_version"), kwargs.get("region")
        self.connection = self.connectionCls()
        self.connection.driver = self

    @property
    def capabilities(self) -> Capabilities:
        """Files hold no metadata, and a name cannot be both a file and a directory."""
        return Capabilities(chunked_encoding=True, nested_names=False, prefix_listing=True)

    # Containers

    def iterate_containers(self) -> Iterator[Container]:
        """The directories in the base directory, by name."""
        return _existing(self._make_container, self._tree.container_names())

    def get_container(self, container_name: str) -> Container:
        """See :class:`StorageDriver`.

        ``""`` and ``"."`` are the base directory itself, with all the files below it as objects. It
        is not listed among the containers, and can be neither created nor deleted.
        """
        return self._make_container(container_name)

    def create_container(self, container_name: str) -> Container:
        """See :class:`StorageDriver`.

        :raises InvalidContainerNameError: the name is no name of a directory.
        """
        self._tree.check_container_name(container_name)
        try:
            os.mkdir(os.path.join(self.base_path, container_name))
        except FileExistsError as error:
            raise ContainerAlreadyExistsError(
                "A container with this name already exists", self, container_name
            ) from error
        return self._make_container(container_name)

    def delete_container(self, container: Container) -> bool:
        """See :class:`StorageDriver`.

        :raises InvalidContainerNameError: it is the base directory. Nothing is deleted.
        """
        check_container(container)
        self._tree.check_container_name(container.name)
        try:
            os.rmdir(self._tree.container_path(container.name))
        except FileNotFoundError as error:
            raise ContainerDoesNotExistError(None, self, container.name) from error
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            raise ContainerIsNotEmptyError(
                "Container is not empty", self, container.name
            ) from error
        return True

    def get_container_cdn_url(self, container: Container, check: bool = False) -> str:
        """The path of the directory.

        :param check: kept for callers; the container must exist in any case.
        """
        check_container(container)
        return self._tree.container_path(container.name)

    def enable_container_cdn(self, container: Container) -> bool:
        """``True``: there is nothing to enable."""
        check_container(container)
        self._tree.container_path(container.name)
        return True

    # Objects

    def iterate_container_objects(
        self, container: Container, prefix: str | None = None, ex_prefix: str | None = None
    ) -> Iterator[Object]:
        """See :class:`StorageDriver`; by name."""
        check_prefix(prefix)
        check_container(container)
        start = self._normalize_prefix_argument(prefix, ex_prefix) or ""
        found = self._tree.object_names(container.name)
        names = sorted(name for name in found if name.startswith(start))
        return _existing(partial(self._make_object, container), names)

    def get_object(self, container_name: str, object_name: str) -> Object:
        return self._make_object(self._make_container(container_name), object_name)

    def delete_object(self, obj: Object) -> bool:
        """See :class:`StorageDriver`; directories that become empty go too."""
        check_object(obj)
        path = self._tree.existing_path(obj.container.name, obj.name)
        with self._lock_cls(path):
            try:
                os.unlink(path)
            except FileNotFoundError as error:
                raise ObjectDoesNotExistError(None, self, obj.name) from error
        self._tree.prune(obj.container.name, path)
        return True

    def get_object_cdn_url(self, obj: Object) -> str:
        """The path of the file."""
        check_object(obj)
        return self._tree.object_path(obj.container.name, obj.name)

    def enable_object_cdn(self, obj: Object) -> bool:
        """``False``: a file has no such thing."""
        check_object(obj)
        return False

    # Downloads

    def download_object(
        self,
        obj: Object,
        destination_path: _Path,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
    ) -> bool:
        how = (destination_path, overwrite_existing, delete_on_failure)
        return self._download(obj, 0, None, *how)

    def download_object_as_stream(
        self, obj: Object, chunk_size: int | None = None
    ) -> Iterator[bytes]:
        """See :class:`StorageDriver`; errors come with the first piece."""
        check_object(obj)
        whole_number("chunk_size", chunk_size, least=0)
        with self._open(obj) as file:
            size = chunk_size or CHUNK_SIZE
            yield from files.read_in_chunks(file, chunk_size=size, yield_empty=chunk_size == 0)

    def download_object_range(
        self,
        obj: Object,
        destination_path: _Path,
        start_bytes: int,
        end_bytes: int | None = None,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
    ) -> bool:
        how = (destination_path, overwrite_existing, delete_on_failure)
        return self._download(obj, start_bytes, end_bytes, *how)

    def download_object_range_as_stream(
        self,
        obj: Object,
        start_bytes: int,
        end_bytes: int | None = None,
        chunk_size: int | None = None,
    ) -> Iterator[bytes]:
        """See :class:`StorageDriver`; errors come with the first piece.

        Without ``chunk_size``, the range is one piece, which may be empty: programs that were
        written for local files take it with a single ``next()``.

        :raises ValueError: there is no such range in the object.
        """
        check_object(obj)
        whole_number("chunk_size", chunk_size, least=0)
        self._validate_start_and_end_bytes(start_bytes, end_bytes)
        with self._open(obj) as file:
            self._check_range(file, start_bytes, end_bytes)
            end = os.fstat(file.fileno()).st_size if end_bytes is None else end_bytes
            size = chunk_size or max(end - start_bytes, 1)
            yield from files.at_least_one(_range(file, start_bytes, end_bytes, size))

    # Uploads

    def upload_object(
        self,
        file_path: _Path,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        verify_hash: bool = True,
        headers: dict[str, str] | None = None,
    ) -> Object:
        """See :class:`StorageDriver`; ``extra`` and ``headers`` are ignored.

        :raises SizeMismatchError: the file was truncated while it was read; nothing was stored.
        """
        check_upload(
            container, object_name, file_path=file_path, extra=extra, headers=headers, values=False
        )
        path = self._tree.object_path(container.name, object_name)
        with open(file_path, "rb") as file:
            status = os.fstat(file.fileno())
            least = status.st_size if files.has_exact_size(status) else 0
            self._write(path, file, container, object_name, least=least)
        return self._make_object(container, object_name)

    def upload_object_via_stream(
        self,
        iterator: Any,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Object:
        """See :class:`StorageDriver`; ``extra`` and ``headers`` are ignored."""
        check_upload(container, object_name, extra=extra, headers=headers, values=False)
        path = self._tree.object_path(container.name, object_name)
        self._write(path, readable(iterator), container, object_name)
        return self._make_object(container, object_name)

    # Helpers

    def _make_container(self, container_name: str) -> Container:
        path = self._tree.container_path(container_name)
        try:
            status = os.stat(path)
        except FileNotFoundError as error:
            raise ContainerDoesNotExistError(None, self, container_name) from error
        return Container(name=container_name, extra=_times(status), driver=self)

    def _make_object(self, container: Container, object_name: str) -> Object:
        path = self._tree.existing_path(container.name, object_name)
        try:
            status = os.stat(path)
        except FileNotFoundError as error:
            raise ObjectDoesNotExistError(None, self, object_name) from error
        # Not a hash of the data, which would have to be read: it differs when the file was changed.
        fingerprint = hashlib.md5(str(status.st_mtime).encode("ascii"), usedforsecurity=False)
        return Object(
            name=object_name,
            size=status.st_size,
            hash=fingerprint.hexdigest(),
            extra={**_times(status), "inode": status.st_ino},
            meta_data={},
            container=container,
            driver=self,
        )

    def _open(self, obj: Object) -> BinaryIO:
        path = self._tree.existing_path(obj.container.name, obj.name)
        try:
            return open(path, "rb")
        except FileNotFoundError as error:
            raise ObjectDoesNotExistError(None, self, obj.name) from error

    def _download(
        self,
        obj: Object,
        start: int,
        end: int | None,
        path: _Path,
        overwrite: bool,
        delete_on_failure: bool,
    ) -> bool:
        check_download(obj, path)
        self._validate_start_and_end_bytes(start, end)
        with self._open(obj) as file:
            self._check_range(file, start, end)
            destination = destinations.resolve_destination(
                path, obj.name, overwrite_existing=overwrite, driver=self
            )
            pieces = _range(file, start, end, _COPY_SIZE)
            return destinations.save(pieces, destination, keep_partial=not delete_on_failure)

    def _write(
        self, path: str, source: Any, container: Container, object_name: str, *, least: int = 0
    ) -> None:
        """Put the data of ``source`` at ``path``; after an error nothing is changed there.

        :param least: bytes that it has at least.
        """
        size = 0
        try:
            with self._open_new(path, object_name) as file:
                for piece in files.read_in_chunks(source, chunk_size=_COPY_SIZE):
                    file.write(piece)
                    size += len(piece)
                if size < least:
                    text = f"the file had {least} bytes, and ended after {size}: nothing was stored"
                    raise SizeMismatchError(text, self, object_name)
                file.sync()  # others need not wait for it
                with self._lock_cls(path):
                    file.commit()
            # Others may delete the object, and then its directory.
            with suppress(FileNotFoundError):
                sync_directory(os.path.dirname(path))
        except BaseException:
            self._tree.prune(container.name, path)
            raise

    def _open_new(self, path: str, object_name: str) -> StagingFile:
        try:
            return StagingFile(path, mode=_FILE_MODE, make_directories=True)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise ObjectError(
                "A name cannot be both an object and a directory of another: "
                f"{error.filename} is in the way. Nothing was stored",
                self,
                object_name,
            ) from error

    def _check_range(self, file: BinaryIO, start_bytes: int, end_bytes: int | None) -> None:
        size = os.fstat(file.fileno()).st_size
        if end_bytes is not None and end_bytes > size:
            raise ValueError(f"end_bytes is larger than file size ({size})")
        if start_bytes > size:
            raise ValueError(f"start_bytes is larger than file size ({size})")


def _existing(make: Callable[[str], _T], names: list[str]) -> Iterator[_T]:
    """What still exists of what a directory had when it was read."""
    for name in names:
        with suppress(ContainerDoesNotExistError, ObjectDoesNotExistError):
            yield make(name)


def _range(file: BinaryIO, start: int, end: int | None, size: int) -> Iterator[bytes]:
    """The bytes from ``start`` to before ``end``, in pieces of ``size``."""
    file.seek(start)
    while end is None or start < end:
        piece = file.read(size if end is None else min(size, end - start))
        if not piece:
            return
        start += len(piece)
        yield piece


def _times(status: os.stat_result) -> dict[str, Any]:
    """Seconds since the epoch."""
    return {
        "creation_time": status.st_ctime,
        "access_time": status.st_atime,
        "modify_time": status.st_mtime,
    }
