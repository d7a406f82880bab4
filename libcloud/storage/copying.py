# SPDX-License-Identifier: Apache-2.0
"""Copies objects to another container or store, with the properties that it supports."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object, StorageDriver, companion_method
from libcloud.storage.drivers.s3_constants import STORAGE_CLASSES
from libcloud.storage.metadata import PROPERTIES
from libcloud.storage.transfer.budget import MemoryBudget
from libcloud.storage.transfer.upload.session import DEFAULT_MEMORY
from libcloud.storage.types import (
    MissingContainerError,
    ObjectChangedError,
    ObjectDoesNotExistError,
    ObjectHashMismatchError,
)
from libcloud.utils.cancellation import RateLimit

# How often an object is read that is replaced during the copy.
_ATTEMPTS = 3

# The methods that the driver's own ``_read_object`` replaces.
_READING = ("get_object", "download_object_as_stream", "download_object_range_as_stream")

# Keywords of uploads that ``ex_copy_object`` has, too.
_OF_COPIES = ("ex_part_size", "ex_window")


@dataclass(frozen=True, slots=True)
class Properties:
    """Arguments of an upload that keep the properties of an object; ``lost``: what it loses."""

    extra: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def upload(
        self,
        obj: Object,
        pieces: Iterator[bytes],
        container: Container,
        name: str,
        *,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Object:
        """Upload ``pieces``, the data of ``obj``; properties that are given replace its own."""
        extra = {**self.extra, **(extra or {})}
        # Of two whose names differ in case only, drivers take the last.
        headers = {**self.headers, **(headers or {})}
        if container.driver.capabilities.multipart:
            options["ex_size"] = int(obj.size)
        return container.upload_object_via_stream(
            pieces,
            name,
            extra,
            headers or None,
            **{**self.options, **options},
        )


def properties_of(obj: Object, driver: StorageDriver) -> Properties:
    """The properties that a copy of ``obj`` in the store of ``driver`` keeps.

    ACLs, versions and locks are not kept, and not counted as lost.
    """
    found, can = Properties(), driver.capabilities
    names = obj.meta_data if can.metadata else ()
    metadata = {
        key: obj.meta_data[key] for key in names if re.fullmatch(driver._metadata_names, key)
    }
    if metadata:
        found.extra["meta_data"] = metadata
    if len(metadata) < len(obj.meta_data):
        found.lost.append("metadata")
    if content_type := obj.extra.get("content_type"):
        if can.content_type:
            found.extra["content_type"] = content_type
        else:
            found.lost.append("content type")
    for key, header in PROPERTIES.items():
        if value := obj.extra.get(key):
            if key in driver._kept_properties:
                found.headers[header] = value
            else:
                found.lost.append(header)
    if storage_class := storage_class_for(obj, driver):
        found.options["ex_storage_class"] = storage_class
    elif obj.extra.get("storage_class") not in (None, "STANDARD", "Hot"):
        found.lost.append("storage class")
    if int(obj.extra.get("tag_count") or 0):
        if can.tags:
            source: Any = obj.driver
            found.options["ex_tags"] = dict(source.ex_get_object_tags(obj))
        else:
            found.lost.append("tags")
    return found


def storage_class_for(obj: Object, driver: StorageDriver) -> str | None:
    """The storage class of a copy in the same kind of store; ``None``: the default."""
    name = obj.extra.get("storage_class")
    profiles = [getattr(one, "profile", None) for one in (obj.driver, driver)]
    if not name or profiles[0] is None or profiles[0] != profiles[1]:
        return None
    return next((key for key, value in STORAGE_CLASSES.items() if value == name), None)


def read_object(container: Container, name: str) -> tuple[Object, Iterator[bytes]]:
    """An object and its bytes, by one request if the driver can."""
    read = reader_of(container.driver)
    if read is not None:
        return read(container, name)
    obj = container.get_object(name)
    return obj, obj.as_stream()


def reader_of(driver: StorageDriver) -> Callable[..., tuple[Object, Iterator[bytes]]] | None:
    """The driver's ``_read_object``; ``None`` if it has none, or what it replaces is overridden."""
    found = [companion_method(driver, public, "_read_object") for public in _READING]
    return found[0] if all(found) else None


def store_address(driver: Any) -> str:
    """The address of a driver's store, whatever the credentials."""
    if directory := local_directory(driver, "", ""):
        return directory
    connection: Any = getattr(driver, "connection", None)
    host = str(getattr(connection, "host", None) or "")
    if host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return "amazonaws.com"  # the buckets of all regions share one namespace
    return f"{host}:{connection.port}" if host else ""


def local_directory(driver: Any, container_name: str, prefix: str) -> str:
    """The directory of objects in a local store, with links followed; empty for other stores."""
    base = getattr(driver, "base_path", "")
    return os.path.realpath(os.path.join(base, container_name, prefix)) if base else ""


def is_same_store(one: Any, two: Any) -> bool:
    """Whether the store of both copies objects, and their credentials are the same."""
    if not hasattr(two, "ex_copy_object"):
        return False
    if one is two:
        return True
    if type(one) is not type(two) or not two._shares_store(one):
        return False
    facts = [(d.key, d.secret, d.connection.host, d.connection.port) for d in (one, two)]
    return bool(one.key) and facts[0] == facts[1]


class ObjectCopier:
    """Copies objects. ``limit_rate``: bytes per second, unless the store copies. Thread-safe."""

    def __init__(
        self,
        source: Container,
        destination: Container,
        *,
        read_back: bool = False,
        limit_rate: float | None = None,
        upload_options: Mapping[str, Any] | None = None,
    ) -> None:
        self._source, self._destination = source, destination
        self._throttled_before = self._epochs()
        self._read_back = read_back
        self._rate = RateLimit(limit_rate) if limit_rate else None
        self._in_store = is_same_store(source.driver, destination.driver)
        self._options: dict[str, Any] = {}
        if destination.driver.capabilities.multipart:
            self._options = dict(upload_options or {})
            memory = self._options.get("ex_max_memory")
            shared = MemoryBudget(memory or DEFAULT_MEMORY, strict=bool(memory))
            if memory or getattr(destination.driver, "ex_max_memory", None) is None:
                self._options["ex_max_memory"] = shared

    @property
    def throttled(self) -> int:
        return self._epochs() - self._throttled_before

    def _epochs(self) -> int:
        drivers = {id(c.driver): c.driver for c in (self._source, self._destination)}
        limiters = (driver._concurrency_limiter() for driver in drivers.values())
        return sum(getattr(limiter, "epoch", 0) for limiter in limiters)

    def copy(
        self, name: str, new_name: str, etag: str | None, size: int | None = None
    ) -> dict[str, Any] | None:
        """Copy an object with the ETag and size that were listed; ``None`` if it does not exist.

        :return: ``size``, ``etag`` and ``checksum`` of the copy; ``outcome``, ``"changed"``, if the
            object is not what was listed; and ``lost``: properties that the copy does not have.
        """
        copy = self._copy_in_store if self._in_store else self._stream
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(ObjectChangedError):
                return copy(name, new_name, etag, size)
        return copy(name, new_name, etag, size)

    def _stream(
        self, name: str, new_name: str, etag: str | None, size: int | None
    ) -> dict[str, Any] | None:
        try:
            obj, pieces = read_object(self._source, name)
        except MissingContainerError:
            raise
        except ObjectDoesNotExistError:
            return None
        _check_is_object(obj, etag, size)
        digest = hashlib.sha256() if self._read_back else None
        with contextlib.closing(pieces):  # type: ignore[type-var]  # all drivers return generators
            kept = properties_of(obj, self._destination.driver)
            stream = self._throttled(pieces, digest)
            copied = kept.upload(obj, stream, self._destination, new_name, **self._options)
        found = copied.extra.get("checksum")
        checksum = f"{found['algorithm']}:{found['value']}" if isinstance(found, dict) else None
        if digest is not None:
            self._compare(new_name, digest.hexdigest())
            checksum = f"sha256:{digest.hexdigest()}"
        return _record(obj, copied, etag, checksum, kept.lost)

    def _copy_in_store(
        self, name: str, new_name: str, etag: str | None, size: int | None
    ) -> dict[str, Any] | None:
        driver: Any = self._destination.driver
        options = {name: self._options[name] for name in _OF_COPIES if name in self._options}
        try:
            obj = self._source.get_object(name)
            _check_is_object(obj, etag, size)
            if storage_class := storage_class_for(obj, driver):
                options["ex_storage_class"] = storage_class
            copied = driver.ex_copy_object(obj, self._destination, new_name, **options)
        except ObjectDoesNotExistError:
            return None
        if self._read_back:
            self._compare(new_name, self._sha256(self._source, name))
        return _record(obj, copied, etag)

    def _compare(self, name: str, expected: str) -> None:
        if self._sha256(self._destination, name) != expected:
            text = "the destination returns other data than was sent"
            raise ObjectHashMismatchError(text, self._destination.driver, name)

    def _sha256(self, container: Container, name: str) -> str:
        digest = hashlib.sha256()
        for _ in self._throttled(read_object(container, name)[1], digest):
            pass
        return digest.hexdigest()

    def _throttled(self, pieces: Iterable[bytes], digest: Any) -> Iterator[bytes]:
        for piece in pieces:
            if self._rate is not None:
                self._rate.wait(len(piece))
            if digest is not None:
                digest.update(piece)
            yield piece


def _check_is_object(obj: Object, etag: str | None, size: int | None) -> None:
    """:raises LibcloudError: the response is not the store's, but a page of a proxy."""
    if etag and not obj.hash and int(obj.size) != size:
        raise LibcloudError("the response has neither the listed size nor an ETag", obj.driver)


def _record(
    obj: Object,
    copied: Object,
    etag: str | None,
    checksum: str | None = None,
    lost: Iterable[str] = (),
) -> dict[str, Any]:
    found = {"size": int(obj.size), "etag": copied.hash or None, "checksum": checksum}
    has_changed = etag and obj.hash and obj.hash != etag
    optional = {"outcome": "changed" if has_changed else None, "lost": tuple(lost)}
    return found | {name: value for name, value in optional.items() if value}
