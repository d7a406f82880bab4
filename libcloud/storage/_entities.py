# SPDX-License-Identifier: Apache-2.0
"""Containers and objects as drivers give them out; public as names of ``libcloud.storage.base``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from libcloud.storage._writer import UploadWriter
    from libcloud.storage.base import StorageDriver

__all__ = ["Container", "Object"]

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
            self,
            destination_path,
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
        look = _look_inside(self.driver)
        if look is not None:
            return look(self, object_name)
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
    ) -> UploadWriter:
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


def _look_inside(driver: StorageDriver) -> Callable[[Container, str], Object] | None:
    """The driver's ``_get_object_in``; ``None`` if it has none, or its ``get_object`` is another's.

    A subclass, or a test, that replaces ``get_object`` is asked by that.
    """
    owner = next((kind for kind in type(driver).__mro__ if "get_object" in vars(kind)), object)
    if "_get_object_in" not in vars(owner) or "get_object" in vars(driver):
        return None
    return cast("Callable[[Container, str], Object]", getattr(driver, "_get_object_in", None))


def _provider(driver: StorageDriver | None) -> str | None:
    """The driver's name; objects made by hand may have none."""
    return driver.name if driver is not None else None
