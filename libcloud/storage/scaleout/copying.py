# SPDX-License-Identifier: Apache-2.0
"""Copies one object from a container to another one, also between stores."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.scaleout.job_folder import read_object
from libcloud.storage.scaleout.properties import properties_of, storage_class_for
from libcloud.storage.transfer.budget import MemoryBudget
from libcloud.storage.transfer.upload.options import DEFAULT_MEMORY
from libcloud.storage.types import (
    MissingContainerError,
    ObjectChangedError,
    ObjectDoesNotExistError,
    ObjectHashMismatchError,
)
from libcloud.utils.cancellation import RateLimit

# How often an object is read that is replaced during the copy.
_ATTEMPTS = 3

# Keywords of uploads that ``ex_copy_object`` has, too.
_OF_COPIES = ("ex_part_size", "ex_window")


@dataclass(frozen=True, slots=True)
class CopyResult:
    """What was copied.

    :param changed: the object is not what the listing showed.
    :param lost: properties that the destination does not support.
    """

    size: int
    etag: str | None
    checksum: str | None = None
    changed: bool = False
    lost: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """The line in the job's folder."""
        found: dict[str, Any] = {"size": self.size, "etag": self.etag, "checksum": self.checksum}
        if self.changed:
            found["outcome"] = "changed"
        if self.lost:
            found["lost"] = self.lost
        return found


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
    """Copies objects. Thread-safe.

    :param read_back: read each copy and compare it with what was sent.
    :param limit_rate: bytes per second; data that the store copies itself does not count.
    """

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
        """How often the stores have throttled requests until now."""
        return self._epochs() - self._throttled_before

    def _epochs(self) -> int:
        drivers = {id(c.driver): c.driver for c in (self._source, self._destination)}
        limiters = (driver._concurrency_limiter() for driver in drivers.values())
        return sum(getattr(limiter, "epoch", 0) for limiter in limiters)

    def copy(
        self, name: str, new_name: str, etag: str | None, size: int | None = None
    ) -> CopyResult | None:
        """Copy an object with the ETag and size that were listed; ``None`` if it does not exist.

        :raises ObjectChangedError: it was replaced during each of several attempts.
        """
        copy = self._copy_in_store if self._in_store else self._stream
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(ObjectChangedError):
                return copy(name, new_name, etag, size)
        return copy(name, new_name, etag, size)

    def _stream(
        self, name: str, new_name: str, etag: str | None, size: int | None
    ) -> CopyResult | None:
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
            options = {**self._options, **kept.options}
            if self._destination.driver.capabilities.multipart:
                options["ex_size"] = int(obj.size)
            stream = self._throttled(pieces, digest)
            copied = self._destination.upload_object_via_stream(
                stream, new_name, kept.extra, kept.headers or None, **options
            )
        found = copied.extra.get("checksum")
        checksum = f"{found['algorithm']}:{found['value']}" if isinstance(found, dict) else None
        if digest is not None:
            self._compare(new_name, digest.hexdigest())
            checksum = f"sha256:{digest.hexdigest()}"
        changed = _has_changed(obj, etag)
        return CopyResult(int(obj.size), copied.hash or None, checksum, changed, tuple(kept.lost))

    def _copy_in_store(
        self, name: str, new_name: str, etag: str | None, size: int | None
    ) -> CopyResult | None:
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
        return CopyResult(int(obj.size), copied.hash or None, None, _has_changed(obj, etag))

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


def _has_changed(obj: Object, etag: str | None) -> bool:
    return bool(etag and obj.hash) and obj.hash != etag
