# SPDX-License-Identifier: Apache-2.0
"""A store in memory, for tests and experiments. It implements the whole contract."""

from __future__ import annotations

import hashlib
import os
import random
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from libcloud.common.types import LibcloudError
from libcloud.storage import destination as destinations
from libcloud.storage.arguments import (
    check_container,
    check_download,
    check_name,
    check_object,
    check_prefix,
    check_upload,
)
from libcloud.storage.base import CHUNK_SIZE, Container, Object, StorageDriver
from libcloud.storage.capabilities import Capabilities
from libcloud.storage.payload import readable
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ContainerIsNotEmptyError,
    InvalidContainerNameError,
    InvalidObjectNameError,
    MissingContainerError,
    ObjectDoesNotExistError,
)
from libcloud.utils import files
from libcloud.utils.arguments import whole_number

__all__ = ["DummyFileObject", "DummyIterator", "DummyStorageDriver"]

_Path = str | os.PathLike[str]

# The limit of Amazon S3: User Guide, "Naming Amazon S3 objects".
_LONGEST_NAME = 1024


class DummyFileObject:
    """A file of random letters, ``yield_count * chunk_len`` bytes long.

    >>> len(DummyFileObject(yield_count=5, chunk_len=10).read())
    50
    """

    def __init__(self, yield_count: int = 5, chunk_len: int = 10) -> None:
        self._yield_count = yield_count
        self._chunk_len = chunk_len
        self._left = len(self)

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes; all that are left if it is negative. ``b""`` at the end."""
        count = self._left if size < 0 else min(size, self._left)
        self._left -= count
        return self._get_chunk(count)

    def __len__(self) -> int:
        return self._yield_count * self._chunk_len

    def _get_chunk(self, chunk_len: int) -> bytes:
        return "".join(random.choices(string.ascii_lowercase, k=chunk_len)).encode("ascii")


class DummyIterator:
    """Gives the items of ``data`` one after another, and hashes them on the way."""

    def __init__(self, data: Iterable[bytes | str] | None = None) -> None:
        self.hash = hashlib.md5(usedforsecurity=False)
        self._data = list(data or [])
        self._current_item = 0

    def get_md5_hash(self) -> str:
        """The MD5 of the items given so far, hexadecimal."""
        return self.hash.hexdigest()

    def next(self) -> bytes | str:
        """The next item."""
        if self._current_item == len(self._data):
            raise StopIteration
        value = self._data[self._current_item]
        self.hash.update(value.encode("utf-8") if isinstance(value, str) else value)
        self._current_item += 1
        return value

    def __next__(self) -> bytes | str:
        return self.next()

    def __enter__(self) -> DummyIterator:
        return self

    def __exit__(self, type: object, value: object, traceback: object) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Stored:
    object: Object
    data: bytes


class _MissingFileError(LibcloudError, FileNotFoundError):
    """The file to upload does not exist; nothing was stored."""


class DummyStorageDriver(StorageDriver):
    """Containers and objects in the memory of this driver; no request is ever sent.

    >>> driver = DummyStorageDriver("key", "secret")
    >>> container = driver.create_container("photos")
    >>> container.upload_object_via_stream(iter([b"ab", b"c"]), "cat.txt").size
    3
    >>> b"".join(container.get_object("cat.txt").as_stream())
    b'abc'

    :param api_key: any text.
    :param api_secret: any text.
    """

    name = "Dummy Storage Provider"
    website = "http://example.com"

    def __init__(self, api_key: str, api_secret: str) -> None:
        # Without BaseDriver.__init__, which would build a connection.
        self.key = api_key
        self.secret = api_secret
        self._containers: dict[str, tuple[Container, dict[str, _Stored]]] = {}

    @property
    def capabilities(self) -> Capabilities:
        """All that does not need a server."""
        return Capabilities(
            chunked_encoding=True,
            any_object_name=True,
            metadata=True,
            content_type=True,
            etag_is_md5=True,
            prefix_listing=True,
        )

    def get_meta_data(self) -> dict[str, int]:
        """Numbers of containers, of objects and of bytes.

        >>> DummyStorageDriver("key", "secret").get_meta_data()["object_count"]
        0
        """
        stored = [item for _, objects in self._containers.values() for item in objects.values()]
        return {
            "container_count": len(self._containers),
            "object_count": len(stored),
            "bytes_used": sum(len(item.data) for item in stored),
        }

    def iterate_containers(self) -> Iterator[Container]:
        """The containers, in the order of their creation."""
        return iter([self._container(name) for name in self._containers])

    def get_container(self, container_name: str) -> Container:
        self._objects_of(container_name)
        return self._container(container_name)

    def create_container(self, container_name: str) -> Container:
        """See :class:`StorageDriver`; any name but the empty one will do."""
        check_name(container_name, "container_name")
        if not container_name:
            raise InvalidContainerNameError("A container needs a name", self, container_name)
        if container_name in self._containers:
            raise ContainerAlreadyExistsError(None, self, container_name)
        container = Container(name=container_name, extra={"object_count": 0}, driver=self)
        self._containers[container_name] = (container, {})
        return container

    def delete_container(self, container: Container) -> bool:
        check_container(container)
        if self._objects_of(container.name):
            raise ContainerIsNotEmptyError(None, self, container.name)
        del self._containers[container.name]
        return True

    def get_container_cdn_url(self, container: Container) -> str:
        """A URL that leads nowhere."""
        check_container(container)
        self._objects_of(container.name)
        return f"http://www.test.com/container/{container.name.replace(' ', '_')}"

    def iterate_container_objects(
        self, container: Container, prefix: str | None = None, ex_prefix: str | None = None
    ) -> Iterator[Object]:
        """See :class:`StorageDriver`; in the order of the names' UTF-8."""
        check_prefix(prefix)
        check_container(container)
        start = self._normalize_prefix_argument(prefix, ex_prefix) or ""
        objects = self._objects_of(container.name)
        names = sorted((name for name in objects if name.startswith(start)), key=str.encode)
        return iter([objects[name].object for name in names])

    def get_object(self, container_name: str, object_name: str) -> Object:
        self._objects_of(container_name)
        return self._stored(container_name, object_name).object

    def delete_object(self, obj: Object) -> bool:
        check_object(obj)
        self._stored(obj.container.name, obj.name)
        del self._objects_of(obj.container.name)[obj.name]
        return True

    def get_object_cdn_url(self, obj: Object) -> str:
        """A URL that leads nowhere."""
        check_object(obj)
        self._stored(obj.container.name, obj.name)
        return f"http://www.test.com/object/{obj.name.replace(' ', '_')}"

    def download_object(
        self,
        obj: Object,
        destination_path: _Path,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
    ) -> bool:
        check_download(obj, destination_path)
        return self._save(
            self.download_object_as_stream(obj), obj, destination_path, overwrite_existing
        )

    def download_object_as_stream(
        self, obj: Object, chunk_size: int | None = None
    ) -> Iterator[bytes]:
        check_object(obj)
        whole_number("chunk_size", chunk_size, least=0)
        return _cut(self._stored(obj.container.name, obj.name).data, chunk_size)

    def download_object_range(
        self,
        obj: Object,
        destination_path: _Path,
        start_bytes: int,
        end_bytes: int | None = None,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
    ) -> bool:
        check_download(obj, destination_path)
        pieces = self.download_object_range_as_stream(obj, start_bytes, end_bytes)
        return self._save(pieces, obj, destination_path, overwrite_existing)

    def download_object_range_as_stream(
        self,
        obj: Object,
        start_bytes: int,
        end_bytes: int | None = None,
        chunk_size: int | None = None,
    ) -> Iterator[bytes]:
        """See :class:`StorageDriver`; an end beyond the object's is the object's."""
        check_object(obj)
        whole_number("chunk_size", chunk_size, least=0)
        self._validate_start_and_end_bytes(start_bytes, end_bytes)
        data = self._stored(obj.container.name, obj.name).data
        if start_bytes >= len(data) and (start_bytes or end_bytes is not None):
            raise ValueError(f"start_bytes is not within the {len(data)} bytes of {obj.name!r}")
        return _cut(data[start_bytes:end_bytes], chunk_size)

    def upload_object(
        self,
        file_path: _Path,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        verify_hash: bool = True,
        headers: dict[str, str] | None = None,
    ) -> Object:
        """See :class:`StorageDriver`; ``extra`` is kept as it is, and ``headers`` are ignored."""
        check_upload(
            container, object_name, file_path=file_path, extra=extra, headers=headers, values=False
        )
        self._check_object_name(object_name)
        self._objects_of(container.name)
        try:
            with open(file_path, "rb") as file:
                data = file.read()
        except FileNotFoundError as error:
            raise _MissingFileError(f"File {file_path} does not exist", driver=self) from error
        return self._store(container, object_name, data, self._kept(extra, object_name, file_path))

    def upload_object_via_stream(
        self,
        iterator: Any,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Object:
        """See :class:`StorageDriver`; ``extra`` is kept as it is, and ``headers`` are ignored."""
        check_upload(container, object_name, extra=extra, headers=headers, values=False)
        self._check_object_name(object_name)
        self._objects_of(container.name)
        iterator, kept = readable(iterator), self._kept(extra, object_name)
        return self._store(container, object_name, files.exhaust_iterator(iterator), kept)

    def _kept(
        self, extra: dict[str, Any] | None, object_name: str, file_path: _Path | None = None
    ) -> dict[str, Any]:
        content_type = (extra or {}).get("content_type")
        content_type = self._determine_content_type(content_type, object_name, file_path)
        return {**(extra or {}), "content_type": content_type}

    def _store(
        self, container: Container, object_name: str, data: bytes, extra: dict[str, Any]
    ) -> Object:
        given = dict(extra.get("meta_data") or {})
        if given:
            extra["meta_data"] = given
        obj = Object(
            name=object_name,
            size=len(data),
            hash=hashlib.md5(data, usedforsecurity=False).hexdigest(),
            extra=extra,
            meta_data={key.lower(): value for key, value in given.items()},
            container=self._container(container.name),
            driver=self,
        )
        self._objects_of(container.name)[object_name] = _Stored(obj, data)
        return obj

    def _save(
        self, pieces: Iterator[bytes], obj: Object, path: _Path, overwrite_existing: bool
    ) -> bool:
        destination = destinations.resolve_destination(
            path, obj.name, overwrite_existing=overwrite_existing, driver=self
        )
        return destinations.save(pieces, destination)

    def _container(self, name: str) -> Container:
        container, objects = self._containers[name]
        container.extra["object_count"] = len(objects)
        return container

    def _objects_of(self, container_name: str) -> dict[str, _Stored]:
        check_name(container_name, "container_name")
        if container_name not in self._containers:
            raise ContainerDoesNotExistError(None, self, container_name)
        return self._containers[container_name][1]

    def _stored(self, container_name: str, object_name: str) -> _Stored:
        check_name(object_name, "object_name")
        try:
            stored = self._objects_of(container_name).get(object_name)
        except ContainerDoesNotExistError as error:
            raise MissingContainerError.of(error, object_name) from error
        if stored is None:
            raise ObjectDoesNotExistError(None, self, object_name)
        return stored

    def _check_object_name(self, object_name: str) -> None:
        try:
            length = len(object_name.encode("utf-8"))
        except UnicodeEncodeError as error:
            raise InvalidObjectNameError("It has no UTF-8", self, object_name) from error
        if not 0 < length <= _LONGEST_NAME:
            raise InvalidObjectNameError(
                f"An object name has 1 to {_LONGEST_NAME} bytes, this one {length}",
                self,
                object_name,
            )


def _cut(data: bytes, chunk_size: int | None) -> Iterator[bytes]:
    if not data and chunk_size == 0:
        return iter([data])
    size = chunk_size or CHUNK_SIZE
    return (data[start : start + size] for start in range(0, len(data), size))
