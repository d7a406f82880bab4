# SPDX-License-Identifier: Apache-2.0
"""The contract of every storage driver.

:class:`Container` and :class:`Object` are what a driver gives out; their methods ask the driver.

Ranges start at 0 and their end is exclusive: ``(0, 5)`` are the first five bytes. Proved by
``libcloud/test/storage/test_base.py`` and, for each driver, by the conformance suite.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any, NoReturn, cast

from libcloud import storage
from libcloud.common.base import BaseDriver as BaseDriver
from libcloud.common.base import Connection as Connection
from libcloud.common.base import ConnectionUserAndKey
from libcloud.common.types import LibcloudError as LibcloudError
from libcloud.storage.capabilities import Capabilities
from libcloud.storage.driver_helpers import CHUNK_SIZE, DEFAULT_CONTENT_TYPE, StorageDriverHelpers
from libcloud.storage.types import ObjectDoesNotExistError as ObjectDoesNotExistError
from libcloud.utils.arguments import kind_of, plain_headers

if TYPE_CHECKING:
    from libcloud.storage.writer import UploadWriter

__all__ = [
    "CHUNK_SIZE",
    "DEFAULT_CONTENT_TYPE",
    "Container",
    "Object",
    "StorageDriver",
    "check_container",
    "check_object",
]

_Path = str | os.PathLike[str]


class Object:
    """What a store says of an object; the data stays there until it is asked for.

    :param name: name in its container.
    :param size: bytes.
    :param hash: what the store calls its hash or ETag; not always a hash of the data. ``None`` if
        it says nothing.
    :param extra: more that the store says, by driver.
    :param meta_data: the user's metadata.
    :param container: where it is.
    :param driver: who gave it out.
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
        **ex_options: Any,
    ) -> bool:
        """See :meth:`StorageDriver.download_object`; ``ex_options`` are keywords of the driver."""
        return self.driver.download_object(
            obj=self,
            destination_path=destination_path,
            overwrite_existing=overwrite_existing,
            delete_on_failure=delete_on_failure,
            **ex_options,
        )

    def as_stream(self, chunk_size: int | None = None, **ex_options: Any) -> Iterator[bytes]:
        """See :meth:`StorageDriver.download_object_as_stream`."""
        return self.driver.download_object_as_stream(obj=self, chunk_size=chunk_size, **ex_options)

    def download_range(
        self,
        destination_path: _Path,
        start_bytes: int,
        end_bytes: int | None = None,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
        **ex_options: Any,
    ) -> bool:
        """See :meth:`StorageDriver.download_object_range`."""
        return self.driver.download_object_range(
            obj=self,
            destination_path=destination_path,
            start_bytes=start_bytes,
            end_bytes=end_bytes,
            overwrite_existing=overwrite_existing,
            delete_on_failure=delete_on_failure,
            **ex_options,
        )

    def range_as_stream(
        self,
        start_bytes: int,
        end_bytes: int | None = None,
        chunk_size: int | None = None,
        **ex_options: Any,
    ) -> Iterator[bytes]:
        """See :meth:`StorageDriver.download_object_range_as_stream`."""
        return self.driver.download_object_range_as_stream(
            obj=self,
            start_bytes=start_bytes,
            end_bytes=end_bytes,
            chunk_size=chunk_size,
            **ex_options,
        )

    def delete(self) -> bool:
        """See :meth:`StorageDriver.delete_object`."""
        return self.driver.delete_object(self)

    def __repr__(self) -> str:
        return (
            f"<Object: name={self.name}, size={self.size}, hash={self.hash}, "
            f"provider={_provider(self.driver)} ...>"
        )


class Container:
    """A container of objects; a bucket, where the store calls it so.

    :param name: its name.
    :param extra: more that the store says, by driver.
    :param driver: who gave it out.
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

    def get_object(self, object_name: str) -> Object:
        """See :meth:`StorageDriver.get_object`.

        A driver that has ``_get_object_in`` is spared to look for the container once more.
        """
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
        **ex_options: Any,
    ) -> Object:
        """See :meth:`StorageDriver.upload_object`.

        :param ex_options: options of this driver's method, ``ex_storage_class=...`` and the like.
        """
        return self.driver.upload_object(
            file_path,
            self,
            object_name,
            extra=extra,
            verify_hash=verify_hash,
            headers=headers,
            **ex_options,
        )

    def upload_object_via_stream(
        self,
        iterator: Any,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **ex_options: Any,
    ) -> Object:
        """See :meth:`StorageDriver.upload_object_via_stream`.

        :param ex_options: options of this driver's method, ``ex_storage_class=...`` and the like.
        """
        return self.driver.upload_object_via_stream(
            iterator, self, object_name, extra=extra, headers=headers, **ex_options
        )

    def ex_open_writer(
        self,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **ex_options: Any,
    ) -> UploadWriter[Object]:
        """See :meth:`StorageDriver.ex_open_writer`.

        :param ex_options: options of this driver's method, ``ex_storage_class=...`` and the like.
        """
        return self.driver.ex_open_writer(
            self, object_name, extra=extra, headers=headers, **ex_options
        )

    def download_object(
        self,
        obj: Object,
        destination_path: _Path,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
        **ex_options: Any,
    ) -> bool:
        """See :meth:`StorageDriver.download_object`; ``ex_options`` are keywords of the driver."""
        return self.driver.download_object(
            obj,
            destination_path,
            overwrite_existing=overwrite_existing,
            delete_on_failure=delete_on_failure,
            **ex_options,
        )

    def download_object_as_stream(
        self, obj: Object, chunk_size: int | None = None
    ) -> Iterator[bytes]:
        """See :meth:`StorageDriver.download_object_as_stream`."""
        return self.driver.download_object_as_stream(obj, chunk_size)

    def download_object_range(
        self,
        obj: Object,
        destination_path: _Path,
        start_bytes: int,
        end_bytes: int | None = None,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
        **ex_options: Any,
    ) -> bool:
        """See :meth:`StorageDriver.download_object_range`."""
        return self.driver.download_object_range(
            obj=obj,
            destination_path=destination_path,
            start_bytes=start_bytes,
            end_bytes=end_bytes,
            overwrite_existing=overwrite_existing,
            delete_on_failure=delete_on_failure,
            **ex_options,
        )

    def download_object_range_as_stream(
        self,
        obj: Object,
        start_bytes: int,
        end_bytes: int | None = None,
        chunk_size: int | None = None,
    ) -> Iterator[bytes]:
        """See :meth:`StorageDriver.download_object_range_as_stream`."""
        return self.driver.download_object_range_as_stream(
            obj=obj, start_bytes=start_bytes, end_bytes=end_bytes, chunk_size=chunk_size
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
    """A store, and how to talk to it.

    A driver implements the methods that raise ``NotImplementedError`` here. The helpers, whose
    names start with an underscore, may be used and replaced by drivers.

    :cvar name: what the provider is called.
    :cvar hash_type: the hash of ``hashlib`` that uploads are checked with.
    :cvar supports_chunked_encoding: the store takes a body whose length is not known beforehand.
    :cvar strict_mode: an upload without a content type that can be guessed is an error.
    """

    connectionCls: Any = ConnectionUserAndKey
    name: str | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What this driver promises, for callers that must know beforehand."""
        return Capabilities(
            multipart=bool(getattr(self, "supports_s3_multipart_upload", False)),
            chunked_encoding=bool(self.supports_chunked_encoding),
        )

    # Containers

    def iterate_containers(self) -> Iterator[Container]:
        """The containers of the account."""
        self._not_implemented("iterate_containers")

    def list_containers(self) -> list[Container]:
        """All of :meth:`iterate_containers`."""
        return list(self.iterate_containers())

    def get_container(self, container_name: str) -> Container:
        """A container that exists.

        :raises ContainerDoesNotExistError: it does not.
        """
        self._not_implemented("get_container")

    def create_container(self, container_name: str) -> Container:
        """A new container.

        :raises ContainerAlreadyExistsError: there is one of that name.
        :raises InvalidContainerNameError: the store does not take the name.
        """
        self._not_implemented("create_container")

    def delete_container(self, container: Container) -> bool:
        """Delete an empty container; ``True`` if it is gone.

        :raises ContainerDoesNotExistError: there is none.
        :raises ContainerIsNotEmptyError: it holds objects. Nothing is deleted.
        """
        self._not_implemented("delete_container")

    def get_container_cdn_url(self, container: Container) -> str:
        """Where the container can be fetched from by anybody."""
        self._not_implemented("get_container_cdn_url")

    def enable_container_cdn(self, container: Container) -> bool:
        """Let the container be fetched by anybody; ``True`` if that worked."""
        self._not_implemented("enable_container_cdn")

    # Objects

    def iterate_container_objects(
        self, container: Container, prefix: str | None = None, ex_prefix: str | None = None
    ) -> Iterator[Object]:
        """The objects of a container whose names start with ``prefix``.

        :param prefix: ``None`` for all objects.
        :param ex_prefix: the old name of ``prefix``.
        """
        self._not_implemented("iterate_container_objects")

    def list_container_objects(
        self, container: Container, prefix: str | None = None, ex_prefix: str | None = None
    ) -> list[Object]:
        """All of :meth:`iterate_container_objects`."""
        return list(self.iterate_container_objects(container, prefix=prefix, ex_prefix=ex_prefix))

    def get_object(self, container_name: str, object_name: str) -> Object:
        """An object that exists.

        :raises ContainerDoesNotExistError: the container does not.
        :raises ObjectDoesNotExistError: the object does not.
        """
        self._not_implemented("get_object")

    def delete_object(self, obj: Object) -> bool:
        """Delete an object; ``True`` if it is gone.

        :raises ObjectDoesNotExistError: there is none.
        """
        self._not_implemented("delete_object")

    def get_object_cdn_url(self, obj: Object) -> str:
        """Where the object can be fetched from by anybody, or by whoever has the URL."""
        self._not_implemented("get_object_cdn_url")

    def enable_object_cdn(self, obj: Object) -> bool:
        """Let the object be fetched by anybody; ``True`` if that worked."""
        self._not_implemented("enable_object_cdn")

    # Downloads

    def download_object(
        self,
        obj: Object,
        destination_path: _Path,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
    ) -> bool:
        """Write an object to a file, which appears only when it is whole.

        :param destination_path: a file, or an existing directory if it ends in a separator.
        :param overwrite_existing: replace the file if there is one.
        :param delete_on_failure: leave no partial file; if false, it is left under its final name.
        :return: ``False`` if less or more data came than the object has.
        :raises LibcloudError: the file exists and must not be overwritten, the directory does not
            exist, or the object's name leads out of it.
        """
        self._not_implemented("download_object")

    def download_object_as_stream(
        self, obj: Object, chunk_size: int | None = None
    ) -> Iterator[bytes]:
        """The data of an object, piece by piece.

        :param chunk_size: size of the pieces, bytes; ``None`` leaves it to the driver. With 0, as
            the size of an empty object is, such an object is one empty piece; otherwise none.
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
        """As :meth:`download_object`, for a part of the object.

        :param start_bytes: first byte, from 0.
        :param end_bytes: the byte after the last one; ``None`` for the end of the object.
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
        """As :meth:`download_object_as_stream`, for a part of the object."""
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
        """Store the file at ``file_path`` as an object, in place of one of that name.

        :param extra: ``content_type``, ``meta_data`` (a dictionary), and more by driver.
        :param verify_hash: compare the store's hash with that of the file.
        :param headers: more headers for the request.
        :raises OSError: the file does not exist or cannot be read. Nothing was stored.
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
        """Store the data of an iterator or a file as an object, in place of one of that name.

        :param iterator: yields bytes or text, in pieces of any size; an empty piece is not its end.
            Or something with ``read(size)``. It is read once, from where it stands.
        :param extra: as for :meth:`upload_object`.
        :param headers: more headers for the request.
        :raises InvalidSourceError: it is neither. Nothing was sent.
        """
        self._not_implemented("upload_object_via_stream")

    def ex_open_writer(
        self,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> UploadWriter[Object]:
        """A binary file to be written, which becomes an object when it is closed.

        What is written is kept in a temporary file until then, unless the driver knows better.

        :param extra: as for :meth:`upload_object`.
        :param headers: more headers for the request.
        """
        check_container(container)
        extra, headers = deepcopy(extra or {}), plain_headers(headers)

        def upload(file: IO[bytes]) -> Object:
            return self.upload_object_via_stream(
                file, container, object_name, extra=extra, headers=headers
            )

        return storage.writer.UploadWriter(
            storage.writer.SpoolSink(upload), f"{container.name}/{object_name}"
        )

    def _not_implemented(self, method: str) -> NoReturn:
        raise NotImplementedError(f"{method} not implemented for this driver")


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
    """The driver's method ``private``, which does a part of what its method ``public`` does.

    :return: ``None`` if there is none, or if a subclass or a test overrides ``public``: then that
        has to be called.
    """
    owner = next((kind for kind in type(driver).__mro__ if public in vars(kind)), object)
    if private not in vars(owner) or public in getattr(driver, "__dict__", ()):
        return None
    return cast("Callable[..., Any]", getattr(driver, private))


def is_overridden(driver: object, kind: type, *names: str) -> bool:
    """Whether ``driver``, an instance or a subclass of ``kind``, has its own method of a name."""
    return any(
        getattr(type(driver), name) is not getattr(kind, name) or name in vars(driver)
        for name in names
    )


def _provider(driver: StorageDriver | None) -> str | None:
    """The driver's name; objects made by hand may have none."""
    return driver.name if driver is not None else None
