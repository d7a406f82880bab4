# SPDX-License-Identifier: Apache-2.0
"""The contract of every storage driver.

:class:`Container` and :class:`Object` are returned by drivers; their methods call the driver.

Ranges start at 0 and their end is exclusive: ``(0, 5)`` are the first five bytes. Tests:
``libcloud/test/storage/test_base.py`` and, for each driver, the conformance suite.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from operator import attrgetter
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any, NoReturn, cast

from libcloud import storage
from libcloud.common.base import BaseDriver as BaseDriver
from libcloud.common.base import Connection as Connection
from libcloud.common.base import ConnectionUserAndKey
from libcloud.common.types import LibcloudError as LibcloudError
from libcloud.storage.capabilities import Capabilities
from libcloud.storage.driver_helpers import CHUNK_SIZE, DEFAULT_CONTENT_TYPE, StorageDriverHelpers
from libcloud.storage.keywords import (
    AnyUploadKeywords,
    CopyKeywords,
    DownloadKeywords,
    ManyDownloadKeywords,
    ManyUploadKeywords,
    StreamKeywords,
    complete_help,
)
from libcloud.storage.types import DeletedObject, FailedDeletion, MissingContainerError, Place
from libcloud.storage.types import ObjectDoesNotExistError as ObjectDoesNotExistError
from libcloud.utils.arguments import kind_of, plain_headers

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from libcloud.storage.types import Deletion, OperationResult
    from libcloud.storage.writer import UploadWriter

__all__ = [
    "CHUNK_SIZE",
    "DEFAULT_CONTENT_TYPE",
    "Container",
    "Object",
    "ObjectVersion",
    "StorageDriver",
    "check_container",
    "check_object",
]

_Path = str | os.PathLike[str]

_PROPERTIES = ("name", "size", "hash", "extra", "meta_data", "container", "driver")


class Object:
    """The properties of an object; its data is only transferred on request.

    :param name: name in its container.
    :param size: bytes.
    :param hash: the hash or ETag that the store reports; not always a hash of the data. ``None`` if
        it reports none.
    :param extra: further properties, depending on the driver.
    :param meta_data: the user's metadata.
    :param container: the container that it is in.
    :param driver: the driver that returned it.
    """

    def __init__(
        self,
        name: str,
        size: int,
        hash: str | None,
        extra: dict[str, Any] | None,
        meta_data: dict[str, Any] | None,
        container: Container,
        driver: StorageDriver,
    ) -> None:
        self.name = name
        self.size = size
        self.hash = hash
        self.extra = extra or {}
        self.meta_data = meta_data or {}
        self.container = container
        self.driver = driver

    def get_cdn_url(self) -> str:
        """See :meth:`StorageDriver.get_object_cdn_url`."""
        return self.driver.get_object_cdn_url(obj=self)

    def enable_cdn(self) -> bool:
        """See :meth:`StorageDriver.enable_object_cdn`."""
        return self.driver.enable_object_cdn(obj=self)

    def download(
        self,
        destination_path: _Path,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
        **ex_options: Unpack[DownloadKeywords],
    ) -> bool:
        """See :meth:`StorageDriver.download_object`."""
        return self.driver.download_object(
            obj=self,
            destination_path=destination_path,
            overwrite_existing=overwrite_existing,
            delete_on_failure=delete_on_failure,
            **_loose(ex_options),
        )

    def as_stream(
        self, chunk_size: int | None = None, **ex_options: Unpack[StreamKeywords]
    ) -> Iterator[bytes]:
        """See :meth:`StorageDriver.download_object_as_stream`."""
        return self.driver.download_object_as_stream(
            obj=self, chunk_size=chunk_size, **_loose(ex_options)
        )

    def download_range(
        self,
        destination_path: _Path,
        start_bytes: int,
        end_bytes: int | None = None,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
        **ex_options: Unpack[StreamKeywords],
    ) -> bool:
        """See :meth:`StorageDriver.download_object_range`."""
        return self.driver.download_object_range(
            obj=self,
            destination_path=destination_path,
            start_bytes=start_bytes,
            end_bytes=end_bytes,
            overwrite_existing=overwrite_existing,
            delete_on_failure=delete_on_failure,
            **_loose(ex_options),
        )

    def range_as_stream(
        self,
        start_bytes: int,
        end_bytes: int | None = None,
        chunk_size: int | None = None,
        **ex_options: Unpack[StreamKeywords],
    ) -> Iterator[bytes]:
        """See :meth:`StorageDriver.download_object_range_as_stream`."""
        return self.driver.download_object_range_as_stream(
            obj=self,
            start_bytes=start_bytes,
            end_bytes=end_bytes,
            chunk_size=chunk_size,
            **_loose(ex_options),
        )

    def delete(self) -> bool:
        """See :meth:`StorageDriver.delete_object`."""
        return self.driver.delete_object(self)

    def __repr__(self) -> str:
        return (
            f"<Object: name={self.name}, size={self.size}, hash={self.hash}, "
            f"provider={_provider(self.driver)} ...>"
        )


class ObjectVersion(Object):
    """One version of an object, from a listing of versions or from ``ex_version_id``.

    It is downloaded, copied and presigned, and :meth:`delete` removes it permanently. Deleting any
    other :class:`Object` in a container with versioning adds a delete marker.

    :param version_id: the store's id of the version. Objects that were stored without versioning
        have the id ``"null"``.
    :param is_latest: it is the newest version; ``None``: not known.
    :param is_delete_marker: it has no data: the object was deleted at this time. As the newest
        version it hides the others, until it is deleted.
    """

    def __init__(
        self,
        name: str,
        size: int,
        hash: str | None,
        extra: dict[str, Any] | None,
        meta_data: dict[str, Any] | None,
        container: Container,
        driver: StorageDriver,
        *,
        version_id: str,
        is_latest: bool | None = None,
        is_delete_marker: bool = False,
    ) -> None:
        extra = {**(extra or {}), "version_id": version_id}
        super().__init__(name, size, hash, extra, meta_data, container, driver)
        self.version_id = version_id
        self.is_latest = is_latest
        self.is_delete_marker = is_delete_marker

    def __repr__(self) -> str:
        kind = "delete marker" if self.is_delete_marker else f"size={self.size}, hash={self.hash}"
        return (
            f"<ObjectVersion: name={self.name}, version_id={self.version_id}, {kind}, "
            f"provider={_provider(self.driver)} ...>"
        )


class Container:
    """A container of objects, which many stores call a bucket.

    :param name: its name.
    :param extra: further properties, depending on the driver.
    :param driver: the driver that returned it.
    """

    def __init__(self, name: str, extra: dict[str, Any] | None, driver: StorageDriver) -> None:
        self.name = name
        self.extra = extra or {}
        self.driver = driver

    def iterate_objects(
        self, prefix: str | None = None, ex_prefix: str | None = None
    ) -> Iterator[Object]:
        """See :meth:`StorageDriver.iterate_container_objects`."""
        return self.driver.iterate_container_objects(
            container=self, prefix=prefix, ex_prefix=ex_prefix
        )

    def list_objects(self, prefix: str | None = None, ex_prefix: str | None = None) -> list[Object]:
        """See :meth:`StorageDriver.list_container_objects`."""
        return self.driver.list_container_objects(
            container=self, prefix=prefix, ex_prefix=ex_prefix
        )

    def get_cdn_url(self) -> str:
        """See :meth:`StorageDriver.get_container_cdn_url`."""
        return self.driver.get_container_cdn_url(container=self)

    def enable_cdn(self) -> bool:
        """See :meth:`StorageDriver.enable_container_cdn`."""
        return self.driver.enable_container_cdn(container=self)

    def get_object(self, object_name: str, *, ex_version_id: str | None = None) -> Object:
        """See :meth:`StorageDriver.get_object`.

        If the driver has ``_get_object_in``, the container is not looked up again.

        :param ex_version_id: the id of a version, if the driver supports versions.
        """
        if ex_version_id is not None:
            driver: Any = self.driver
            if not driver.capabilities.versions:
                raise driver._unsupported("versions of objects")
            found: Object = driver.get_object(self.name, object_name, ex_version_id=ex_version_id)
            return found
        look_up = companion_method(self.driver, "get_object", "_get_object_in")
        if look_up is not None:
            return cast("Object", look_up(self, object_name))
        return self.driver.get_object(container_name=self.name, object_name=object_name)

    def upload_object(
        self,
        file_path: _Path,
        object_name: str,
        extra: dict[str, Any] | None = None,
        verify_hash: bool = True,
        headers: dict[str, str] | None = None,
        **ex_options: Unpack[AnyUploadKeywords],
    ) -> Object:
        """See :meth:`StorageDriver.upload_object`."""
        return self.driver.upload_object(
            file_path,
            self,
            object_name,
            extra=extra,
            verify_hash=verify_hash,
            headers=headers,
            **_loose(ex_options),
        )

    def upload_object_via_stream(
        self,
        iterator: Any,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **ex_options: Unpack[AnyUploadKeywords],
    ) -> Object:
        """See :meth:`StorageDriver.upload_object_via_stream`."""
        return self.driver.upload_object_via_stream(
            iterator, self, object_name, extra=extra, headers=headers, **_loose(ex_options)
        )

    def ex_open_writer(
        self,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **ex_options: Unpack[AnyUploadKeywords],
    ) -> UploadWriter[Object]:
        """See :meth:`StorageDriver.ex_open_writer`."""
        return self.driver.ex_open_writer(
            self, object_name, extra=extra, headers=headers, **_loose(ex_options)
        )

    def download_object(
        self,
        obj: Object,
        destination_path: _Path,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
        **ex_options: Unpack[DownloadKeywords],
    ) -> bool:
        """See :meth:`StorageDriver.download_object`."""
        return self.driver.download_object(
            obj,
            destination_path,
            overwrite_existing=overwrite_existing,
            delete_on_failure=delete_on_failure,
            **_loose(ex_options),
        )

    def download_object_as_stream(
        self, obj: Object, chunk_size: int | None = None, **ex_options: Unpack[StreamKeywords]
    ) -> Iterator[bytes]:
        """See :meth:`StorageDriver.download_object_as_stream`."""
        return self.driver.download_object_as_stream(obj, chunk_size, **_loose(ex_options))

    def download_object_range(
        self,
        obj: Object,
        destination_path: _Path,
        start_bytes: int,
        end_bytes: int | None = None,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
        **ex_options: Unpack[StreamKeywords],
    ) -> bool:
        """See :meth:`StorageDriver.download_object_range`."""
        return self.driver.download_object_range(
            obj=obj,
            destination_path=destination_path,
            start_bytes=start_bytes,
            end_bytes=end_bytes,
            overwrite_existing=overwrite_existing,
            delete_on_failure=delete_on_failure,
            **_loose(ex_options),
        )

    def download_object_range_as_stream(
        self,
        obj: Object,
        start_bytes: int,
        end_bytes: int | None = None,
        chunk_size: int | None = None,
        **ex_options: Unpack[StreamKeywords],
    ) -> Iterator[bytes]:
        """See :meth:`StorageDriver.download_object_range_as_stream`."""
        return self.driver.download_object_range_as_stream(
            obj=obj,
            start_bytes=start_bytes,
            end_bytes=end_bytes,
            chunk_size=chunk_size,
            **_loose(ex_options),
        )

    def delete_object(self, obj: Object) -> bool:
        """See :meth:`StorageDriver.delete_object`."""
        return self.driver.delete_object(obj)

    def delete(self) -> bool:
        """See :meth:`StorageDriver.delete_container`."""
        return self.driver.delete_container(self)

    def __repr__(self) -> str:
        return f"<Container: name={self.name}, provider={_provider(self.driver)}>"


class StorageDriver(StorageDriverHelpers):
    """The base class of all drivers: the interface to a store.

    A driver implements the methods that raise ``NotImplementedError`` here.

    :cvar name: name of the provider.
    :cvar hash_type: name of the ``hashlib`` algorithm that uploads are verified with.
    :cvar supports_chunked_encoding: the store accepts a request body of unknown length.
    :cvar strict_mode: an upload whose content type cannot be guessed is an error.
    """

    connectionCls: Any = ConnectionUserAndKey
    name: str | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.startswith("libcloud."):
            complete_help(cls, StorageDriver)

    @property
    def capabilities(self) -> Capabilities:
        """The features that this driver supports."""
        return Capabilities(
            multipart=bool(getattr(self, "supports_s3_multipart_upload", False)),
            chunked_encoding=bool(self.supports_chunked_encoding),
        )

    # Containers

    def iterate_containers(self) -> Iterator[Container]:
        """The containers of the account."""
        self._not_implemented("iterate_containers")

    def list_containers(self) -> list[Container]:
        """The containers of the account, as a list."""
        return list(self.iterate_containers())

    def get_container(self, container_name: str) -> Container:
        """An existing container.

        :raises ContainerDoesNotExistError: it does not exist.
        """
        self._not_implemented("get_container")

    def create_container(self, container_name: str) -> Container:
        """Create a container and return it.

        :raises ContainerAlreadyExistsError: there is one with that name.
        :raises InvalidContainerNameError: the store does not accept the name.
        """
        self._not_implemented("create_container")

    def delete_container(self, container: Container) -> bool:
        """Delete an empty container; ``True`` if it was deleted.

        :raises ContainerDoesNotExistError: the container does not exist.
        :raises ContainerIsNotEmptyError: it contains objects. Nothing is deleted.
        """
        self._not_implemented("delete_container")

    def get_container_cdn_url(self, container: Container) -> str:
        """The public URL of the container."""
        self._not_implemented("get_container_cdn_url")

    def enable_container_cdn(self, container: Container) -> bool:
        """Make the container public; ``True`` on success."""
        self._not_implemented("enable_container_cdn")

    # Objects

    def iterate_container_objects(
        self, container: Container, prefix: str | None = None, ex_prefix: str | None = None
    ) -> Iterator[Object]:
        """The objects of a container whose names start with ``prefix``.

        :param ex_prefix: the old name of ``prefix``.
        """
        self._not_implemented("iterate_container_objects")

    def list_container_objects(
        self, container: Container, prefix: str | None = None, ex_prefix: str | None = None
    ) -> list[Object]:
        """The same as :meth:`iterate_container_objects`, as a list."""
        return list(self.iterate_container_objects(container, prefix=prefix, ex_prefix=ex_prefix))

    def get_object(self, container_name: str, object_name: str) -> Object:
        """An existing object.

        :raises ContainerDoesNotExistError: the container does not exist.
        :raises ObjectDoesNotExistError: the object does not exist.
        """
        self._not_implemented("get_object")

    def delete_object(self, obj: Object) -> bool:
        """Delete an object; ``True`` if it was deleted.

        :raises ObjectDoesNotExistError: the object does not exist.
        """
        self._not_implemented("delete_object")

    def get_object_cdn_url(self, obj: Object) -> str:
        """The public URL of the object, or a presigned one."""
        self._not_implemented("get_object_cdn_url")

    def enable_object_cdn(self, obj: Object) -> bool:
        """Make the object public; ``True`` on success."""
        self._not_implemented("enable_object_cdn")

    # Downloads

    def download_object(
        self,
        obj: Object,
        destination_path: _Path,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
    ) -> bool:
        """Download an object to a file, which appears only when it is complete.

        :param destination_path: a file, or an existing directory if it ends in a separator.
        :param overwrite_existing: replace the file if there is one.
        :param delete_on_failure: leave no partial file; if false, it is left under its final name.
        :return: ``False`` if less or more data was received than the object has.
        :raises LibcloudError: the file exists and must not be overwritten, the directory does not
            exist, or the object's name points outside it.
        """
        self._not_implemented("download_object")

    def download_object_as_stream(
        self, obj: Object, chunk_size: int | None = None
    ) -> Iterator[bytes]:
        """The data of an object, piece by piece.

        :param chunk_size: size of the pieces, bytes; ``None``: chosen by the driver. With 0, an
            empty object yields one empty piece; otherwise it yields none.
        """
        self._not_implemented("download_object_as_stream")

    def download_object_range(
        self,
        obj: Object,
        destination_path: _Path,
        start_bytes: int,
        end_bytes: int | None = None,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
    ) -> bool:
        """Like :meth:`download_object`, for a range of the object.

        :raises ValueError: there is no such range.
        """
        self._not_implemented("download_object_range")

    def download_object_range_as_stream(
        self,
        obj: Object,
        start_bytes: int,
        end_bytes: int | None = None,
        chunk_size: int | None = None,
    ) -> Iterator[bytes]:
        """Like :meth:`download_object_as_stream`, for a range of the object.

        :raises ValueError: there is no such range.
        """
        self._not_implemented("download_object_range_as_stream")

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
        """Upload the file at ``file_path``; an existing object of that name is replaced.

        :raises OSError: the file does not exist or cannot be read. Nothing was stored.
        :raises ContainerDoesNotExistError: the container does not exist. Nothing was stored.
        :raises LibcloudError: the store does not respond, or returns another error.
        :raises ObjectHashMismatchError: the hashes differ. The object is stored.
        """
        self._not_implemented("upload_object")

    def upload_object_via_stream(
        self,
        iterator: Any,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Object:
        """Upload the data of an iterator or a file; an existing object of that name is replaced.

        :param iterator: yields bytes or text, in pieces of any size, and an empty piece does not
            end it; or an object with ``read(size)``. It is read once, from its current position.
        :raises InvalidSourceError: it is neither. Nothing was sent.
        :raises ContainerDoesNotExistError: the container does not exist. Nothing was stored.
        :raises LibcloudError: the store does not respond, or returns another error.
        """
        self._not_implemented("upload_object_via_stream")

    def ex_open_writer(
        self,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> UploadWriter[Object]:
        """Open a binary file for writing, which becomes an object when it is closed.

        The data is kept in a temporary file until then, unless the driver can upload earlier.
        """
        check_container(container)
        extra, headers = deepcopy(extra or {}), plain_headers(headers)
        return self._spooled_writer(container, object_name, extra=extra, headers=headers)

    def _spooled_writer(
        self, container: Container, object_name: str, **options: Any
    ) -> UploadWriter[Object]:
        """A writer whose data goes through :meth:`upload_object_via_stream` when it is closed."""

        def upload(file: IO[bytes]) -> Object:
            return self.upload_object_via_stream(file, container, object_name, **options)

        return storage.writer.UploadWriter(
            storage.writer.SpoolSink(upload), f"{container.name}/{object_name}"
        )

    # Many objects

    def ex_upload_objects(
        self,
        pairs: Iterable[tuple[_Path, str]],
        container: Container,
        *,
        ordered: bool = True,
        fail_fast: bool = True,
        jobs: int | None = None,
        **options: Unpack[ManyUploadKeywords],
    ) -> Iterator[OperationResult[tuple[_Path, str], Object]]:
        """Upload files, several at a time; nothing happens until you iterate over the results.

        ``pairs`` is read by the calling thread, a few hundred pairs ahead at most. If the iteration
        ends early (an error, Ctrl-C, ``break``), running uploads are aborted.

        :param pairs: path of the file and name of the object.
        :param ordered: results come in the order of ``pairs``; otherwise as completed.
        :param fail_fast: raise the first error; otherwise it is the ``error`` of its result, and
            the other files are uploaded.
        :param jobs: maximum number of uploads in parallel; ``None``: up to 256, adapted to the
            throughput, and fewer while the store throttles.
        :return: for each pair, the object or the error.
        :raises Exception: what :meth:`upload_object` raises, if ``fail_fast``. Objects whose
            results were not returned yet may be stored.
        """
        check_container(container)
        items = _iterable(pairs, "ex_upload_objects")
        keywords = self._options_of_many_uploads(_loose(options))

        def upload(pair: tuple[_Path, str]) -> Object:
            return self.upload_object(pair[0], container, pair[1], **keywords)

        return self._pool.map(upload, items, ordered=ordered, fail_fast=fail_fast, jobs=jobs)

    def ex_download_objects(
        self,
        pairs: Iterable[tuple[Object, _Path]],
        *,
        ordered: bool = True,
        fail_fast: bool = True,
        jobs: int | None = None,
        **options: Unpack[ManyDownloadKeywords],
    ) -> Iterator[OperationResult[tuple[Object, _Path], str]]:
        """Download objects to files, several at a time; see :meth:`ex_upload_objects`.

        :param pairs: the object and the path of its file; its directory is created if necessary. A
            file appears only when it is complete.
        :return: for each pair, the path or the error.
        :raises Exception: what :meth:`download_object` raises, if ``fail_fast``.
        """
        items = _iterable(pairs, "ex_download_objects")

        def download(pair: tuple[Object, _Path]) -> str:
            obj, path = pair
            check_object(obj)
            path = str(os.fspath(path))
            directory = os.path.dirname(path)
            if directory and not os.path.isdir(directory):
                os.makedirs(directory, exist_ok=True)
            if not self.download_object(obj, path, **_loose(options)):
                text = f"{obj.name}: the store sent fewer or more than {obj.size} bytes"
                raise LibcloudError(text, obj.driver)
            return path

        return self._pool.map(download, items, ordered=ordered, fail_fast=fail_fast, jobs=jobs)

    def ex_copy_objects(
        self,
        pairs: Iterable[tuple[Object, str]],
        container: Container,
        *,
        ordered: bool = True,
        fail_fast: bool = True,
        jobs: int | None = None,
        **options: Unpack[CopyKeywords],
    ) -> Iterator[OperationResult[tuple[Object, str], Object]]:
        """Copy objects to ``container``, several at a time; see :meth:`ex_upload_objects`.

        The store copies the data if the driver has ``ex_copy_object``; otherwise each object is
        downloaded and uploaded, in bounded memory.

        :param pairs: the object and the name of its copy.
        :return: for each pair, the copy or the error.
        """
        check_container(container)
        items = _iterable(pairs, "ex_copy_objects")
        copy_object = getattr(self, "ex_copy_object", None)

        def copy(pair: tuple[Object, str]) -> Object:
            obj, name = pair
            check_object(obj)
            if copy_object is None:
                data = obj.as_stream()
                return self.upload_object_via_stream(data, container, name, **_loose(options))
            copied: Object = copy_object(obj, container, name, **_loose(options))
            return copied

        return self._pool.map(copy, items, ordered=ordered, fail_fast=fail_fast, jobs=jobs)

    def ex_head_objects(
        self,
        objects: Iterable[Object | str],
        container: Container | None = None,
        *,
        ordered: bool = True,
        fail_fast: bool = True,
        jobs: int | None = None,
    ) -> Iterator[OperationResult[Object | str, Object]]:
        """Get the properties of objects, several at a time; see :meth:`ex_upload_objects`.

        :param objects: objects, or names of objects in ``container``.
        :param container: required for names.
        :return: for each of ``objects``, the object or the error.
        :raises ObjectDoesNotExistError: one does not exist, if ``fail_fast``.
        """
        items = _iterable(objects, "ex_head_objects")

        def head(one: Object | str) -> Object:
            place = self._place_of(one, container)
            where: Container = place.container
            if isinstance(one, ObjectVersion):
                return where.get_object(place.name, ex_version_id=one.version_id)
            version_id = "" if isinstance(one, str) else one.extra.get("version_id")
            if version_id and self.capabilities.versions:
                return self._head_uploaded(one, version_id)
            return where.get_object(place.name)

        return self._pool.map(head, items, ordered=ordered, fail_fast=fail_fast, jobs=jobs)

    def ex_delete_objects(
        self,
        objects: Iterable[Object | str | tuple[str, str]],
        container: Container | None = None,
        *,
        quiet: bool = False,
    ) -> list[Deletion]:
        """Delete objects, several at a time. One that fails does not stop the others.

        S3 stores delete up to 1,000 objects in one request. Names that XML cannot represent are
        deleted individually, as are those that the store's response does not mention, and all
        objects if the store does not support the request. An object that does not exist counts as
        deleted.

        :param objects: objects, or names of objects in ``container``. An :class:`ObjectVersion`, or
            a pair of name and version id, is one version: it is removed permanently.
        :param container: required for names; objects must be in it, if it is given.
        :param quiet: let the store report only failures, and treat all other objects as deleted.
        :return: the outcome for each, in the order of ``objects``. Check it: no response of the
            store is raised as an exception.
        :raises ValueError: a name without a container, or an object of another container or store.
            Nothing was sent.
        :raises TypeError: ``objects`` is one name or object. Nothing was sent.
        """
        if isinstance(objects, (str, Object)):
            raise TypeError("ex_delete_objects takes a list; use delete_object for one object")
        if container is not None:
            check_container(container)
        return list(self._delete_places([self._place_of(one, container) for one in objects], quiet))

    def ex_iterate_deletions(
        self,
        objects: Iterable[Object | str | tuple[str, str]],
        container: Container | None = None,
        *,
        quiet: bool = False,
    ) -> Iterator[Deletion]:
        """Like :meth:`ex_delete_objects`, for any number of objects, which are read as needed.

        Nothing happens until you iterate over the results; they come in the order of ``objects``.

        :raises ValueError: as there; objects before this one may be deleted.
        """
        if isinstance(objects, (str, Object)):
            raise TypeError("ex_iterate_deletions takes an iterable of objects")
        return self._delete_places((self._place_of(one, container) for one in objects), quiet)

    def _delete_places(self, places: Iterable[Place], quiet: bool) -> Iterator[Deletion]:
        """Hook: delete objects by their containers and names; the outcomes, in order."""
        del quiet
        for result in self._pool.map(self._delete_place, places):
            assert result.value is not None
            yield result.value

    def _delete_place(self, place: Place) -> Deletion:
        """Delete one object; one that does not exist counts as deleted."""
        container, name, version_id = place
        properties: Any = (name, 0, None, {}, {}, container, self)
        try:
            if version_id is None:
                self.delete_object(Object(*properties))
            else:
                self.delete_object(ObjectVersion(*properties, version_id=version_id))
        except (LibcloudError, OSError) as error:
            is_gone = isinstance(error, ObjectDoesNotExistError)
            if not is_gone or isinstance(error, MissingContainerError):
                return FailedDeletion(container.name, name, error, version_id)
        return DeletedObject(container.name, name, version_id)

    def _place_of(self, one: Object | str | tuple[str, str], container: Container | None) -> Place:
        """:raises ValueError: it is not clear which object is meant."""
        version_id = None
        if isinstance(one, tuple):
            if len(one) != 2 or not all(isinstance(item, str) and item for item in one):
                raise ValueError(f"{one!r} is not a pair of an object's name and a version id")
            one, version_id = one
        elif isinstance(one, ObjectVersion):
            version_id = one.version_id
        if version_id is not None and not self.capabilities.versions:
            raise self._unsupported("versions of objects")
        if isinstance(one, str):
            if container is None:
                raise ValueError(f"Which container is {one!r} in? Pass the container, too")
            check_container(container)
            return Place(container, one, version_id)
        check_object(one)
        if container is not None and one.container.name != container.name:
            raise ValueError(
                f"{one.name!r} is in the container {one.container.name}, not in {container.name}"
            )
        if not self._shares_store(one.driver):
            raise ValueError(f"{one.name!r} is in another store ({one.driver.name})")
        return Place(one.container, one.name, version_id)

    def _head_uploaded(self, obj: Any, version_id: str) -> Object:
        """Hook: the properties of an object, not of the version that its upload returned."""
        found = obj.container.get_object(obj.name, ex_version_id=version_id)
        return Object(**{name: getattr(found, name) for name in _PROPERTIES})

    def _shares_store(self, driver: StorageDriver) -> bool:
        """Hook: whether ``driver`` talks to the same store."""
        return driver is self or type(driver) is type(self)

    def _options_of_many_uploads(self, options: dict[str, Any]) -> dict[str, Any]:
        """Hook: the keywords of uploads that run at the same time."""
        return options

    # Versions

    def ex_iterate_object_versions(
        self, container: Container, prefix: str | None = None, *, object_name: str | None = None
    ) -> Iterator[ObjectVersion]:
        """The versions of the objects of a container, by name, the newest version first.

        Delete markers are among them. Without versioning, each object is one version, ``"null"``.
        ``extra`` has ``version_id``, ``last_modified`` and ``storage_class``; there is no metadata.

        :param object_name: only the object of this name.
        :raises ContainerDoesNotExistError: there is no such container.
        :raises IncompleteListingError: the store did not list all versions.
        :raises LibcloudError: the driver does not support versions.
        """
        raise self._unsupported("versions of objects")

    def ex_undelete_object(self, container: Container, object_name: str) -> Object:
        """Make the newest version of a deleted object current again.

        The delete markers that are newer are deleted. An object that was not deleted is unchanged.

        :raises ObjectDoesNotExistError: no version has data. Nothing was changed.
        :raises LibcloudError: the driver does not support versions.
        """
        raise self._unsupported("versions of objects")

    def ex_get_versioning(self, container: Container) -> str:
        """Whether a container keeps versions.

        :return: ``"enabled"``; ``"suspended"``: those from before are kept, and objects that are
            stored now replace the version ``"null"``; or ``"disabled"``: it never was enabled.
        :raises LibcloudError: the driver does not support versions.
        """
        raise self._unsupported("versions of objects")

    def ex_set_versioning(self, container: Container, enabled: bool) -> None:
        """Let a container keep versions, or suspend this. Existing versions are kept.

        :param enabled: ``False`` suspends it.
        :raises LibcloudError: the driver does not support versions.
        """
        raise self._unsupported("versions of objects")

    # Tags, locks and the lifecycle of uploads

    def ex_get_object_tags(self, obj: Object) -> dict[str, str]:
        """The tags of an object.

        :raises ObjectDoesNotExistError: there is no such object.
        :raises LibcloudError: the driver does not support tags.
        """
        raise self._unsupported("tags")

    def ex_set_object_tags(self, obj: Object, tags: Mapping[str, str]) -> None:
        """Replace all tags of an object.

        :param tags: at most 10; none removes all.
        :raises ObjectDoesNotExistError: there is no such object.
        :raises LibcloudError: the driver does not support tags.
        """
        raise self._unsupported("tags")

    def ex_get_legal_hold(self, obj: Object) -> bool:
        """Whether there is a legal hold on the object: it cannot be deleted then.

        :raises LibcloudError: the container has no object lock, or the driver does not support it.
        """
        raise self._unsupported("legal holds")

    def ex_set_legal_hold(self, obj: Object, hold: bool) -> None:
        """Place a legal hold on an object, or remove it.

        :param hold: ``False`` removes it.
        :raises LibcloudError: the container has no object lock, or the driver does not support it.
        """
        raise self._unsupported("legal holds")

    def ex_get_upload_expiry(self, container: Container) -> int | None:
        """After how many days the store aborts unfinished uploads.

        :return: ``None``: it keeps them, or only rules for some of the objects abort them.
        :raises LibcloudError: the driver does not support lifecycle rules.
        """
        raise self._unsupported("lifecycle rules")

    def ex_set_upload_expiry(self, container: Container, days: int | None) -> None:
        """Let the store abort unfinished uploads, by a lifecycle rule; other rules are kept.

        A change of the rules that another client makes at the same time is lost.

        :param days: number of days after their start; ``None`` removes the rule.
        :raises LibcloudError: the driver does not support lifecycle rules.
        """
        raise self._unsupported("lifecycle rules")

    def _unsupported(self, what: str) -> LibcloudError:
        return LibcloudError(f"{self.name} does not support {what}", driver=self)

    def _not_implemented(self, method: str) -> NoReturn:
        raise NotImplementedError(f"{method} not implemented for this driver")


def _iterable(items: Any, method: str) -> Iterable[Any]:
    """:raises TypeError: ``items`` is one item instead of several."""
    if isinstance(items, (str, bytes, os.PathLike)) or not hasattr(items, "__iter__"):
        raise TypeError(f"{method} takes an iterable of items, not {kind_of(items)}")
    return items  # type: ignore[no-any-return]  # Any is what callers without types pass


def check_container(container: object) -> None:
    """:raises TypeError: it is not a container, but a name, for example."""
    if isinstance(container, Container):
        return
    # A path has a name, too. Not os.PathLike, which the mocks of unittest are.
    is_other = isinstance(container, (str, bytes, bytearray, PurePath, Object))
    if is_other or not hasattr(container, "name"):
        raise TypeError(
            f"container must be a Container, not {kind_of(container)}: get one by "
            "driver.get_container(name)"
        )


def check_object(obj: object) -> None:
    """:raises TypeError: it is not an object, but a name, for example."""
    if isinstance(obj, Object):
        return
    if not (hasattr(obj, "name") and hasattr(obj, "container")):
        raise TypeError(
            f"obj must be an Object, not {kind_of(obj)}: get one by "
            "container.get_object(object_name)"
        )


def companion_method(driver: object, public: str, private: str) -> Callable[..., Any] | None:
    """The driver's method ``private``; ``None`` if a subclass or a test overrides ``public``."""
    for owner in type(driver).__mro__:
        if public in owner.__dict__:
            if private not in owner.__dict__ or public in getattr(driver, "__dict__", ()):
                return None
            found: Callable[..., Any] = getattr(driver, private)
            return found
    return None


def iterate_directory(container: Container, prefix: str) -> Iterator[Object | str]:
    """The objects whose names contain no slash after ``prefix``, and the directories there.

    Without support for a delimiter, everything under ``prefix`` is listed.

    :param prefix: the directory, which ends with a slash; empty for the top of the container.
    :return: objects, and directories as prefixes that end with a slash, in the order of the
        listing; a prefix may occur more than once.
    """
    native = companion_method(container.driver, "iterate_container_objects", "_iterate_directory")
    if native is not None:
        yield from native(container, prefix)
        return
    for obj in container.iterate_objects(prefix=prefix or None):
        head, slash, _ = obj.name[len(prefix) :].partition("/")
        yield f"{prefix}{head}/" if slash else obj


def is_overridden(driver: object, kind: type, *names: str) -> bool:
    """Whether ``driver``, an instance or a subclass of ``kind``, has its own method of a name."""
    methods_of = _attributes_of(*names)
    is_own = methods_of(type(driver)) == methods_of(kind)
    return not (is_own and vars(driver).keys().isdisjoint(names))


_attributes_of = cache(attrgetter)  # every upload asks


def _provider(driver: StorageDriver | None) -> str | None:
    """The driver's name; manually created objects may have no driver."""
    return driver.name if driver is not None else None


def _loose(keywords: Mapping[str, object]) -> dict[str, Any]:
    return cast("dict[str, Any]", keywords)


complete_help(StorageDriver)
complete_help(Object, StorageDriver)
complete_help(Container, StorageDriver)
