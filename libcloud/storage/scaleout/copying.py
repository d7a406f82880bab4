# SPDX-License-Identifier: Apache-2.0
"""Copies one object from a container to another one, also between stores."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from libcloud.storage.base import Container, Object
from libcloud.storage.scaleout.job_folder import read_object
from libcloud.storage.types import ObjectHashMismatchError
from libcloud.utils.rate_limit import RateLimit


@dataclass(frozen=True, slots=True)
class CopyResult:
    """What was copied.

    :param etag: of the copy.
    :param checksum: of the data, with its algorithm; ``None`` if none was computed.
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
    """Whether the driver ``two`` can have its store copy objects of the driver ``one``.

    It is the same store, and the credentials are the same.
    """
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
    :ivar throttled: how often a store throttled requests.
    """

    def __init__(
        self,
        source: Container,
        destination: Container,
        *,
        read_back: bool = False,
        limit_rate: float | None = None,
    ) -> None:
        self.throttled = 0
        self._source, self._destination = source, destination
        self._read_back = read_back
        self._rate = RateLimit(limit_rate) if limit_rate else None
        self._in_store = is_same_store(source.driver, destination.driver)
        self._options = {}
        if destination.driver.capabilities.multipart:
            self._options = destination.driver._options_of_many_uploads({})

    @contextlib.contextmanager
    def counting_throttled(self) -> Iterator[None]:
        """Count in :attr:`throttled` how often the stores throttle in the block."""
        before = self._epochs()
        yield
        self.throttled += self._epochs() - before

    def _epochs(self) -> int:
        drivers = {id(c.driver): c.driver for c in (self._source, self._destination)}
        limiters = (driver._concurrency_limiter() for driver in drivers.values())
        return sum(getattr(limiter, "epoch", 0) for limiter in limiters)

    def copy(self, name: str, new_name: str, etag: str | None) -> CopyResult:
        """Copy an object.

        :param etag: of the object as it was listed.
        :raises ObjectDoesNotExistError: it does not exist any more.
        """
        if self._in_store:
            return self._copy_in_store(name, new_name, etag)
        obj, pieces = read_object(self._source, name)
        digest = hashlib.sha256() if self._read_back else None
        with contextlib.closing(pieces):  # type: ignore[type-var]  # all drivers return generators
            stream = self._throttled(pieces)
            copied = self._upload(obj, new_name, stream if not digest else _fed(stream, digest))
        if digest is not None:
            self._compare(new_name, digest)
        return CopyResult(
            int(obj.size),
            copied.hash or None,
            f"sha256:{digest.hexdigest()}" if digest else _checksum(copied),
            bool(etag and obj.hash) and obj.hash != etag,
        )

    def _copy_in_store(self, name: str, new_name: str, etag: str | None) -> CopyResult:
        driver: Any = self._destination.driver
        obj = self._source.get_object(name)
        copied = driver.ex_copy_object(obj, self._destination, new_name)
        if self._read_back:
            digest = hashlib.sha256()
            for piece in self._throttled(read_object(self._source, name)[1]):
                digest.update(piece)
            self._compare(new_name, digest)
        changed = bool(etag and obj.hash) and obj.hash != etag
        return CopyResult(int(obj.size), copied.hash or None, None, changed)

    def _upload(self, obj: Object, new_name: str, stream: Iterator[bytes]) -> Object:
        extra: dict[str, Any] = {}
        if obj.meta_data:
            extra["meta_data"] = dict(obj.meta_data)
        if obj.extra.get("content_type"):
            extra["content_type"] = obj.extra["content_type"]
        options = dict(self._options)
        if self._destination.driver.capabilities.multipart:
            options["ex_size"] = int(obj.size)
        return self._destination.upload_object_via_stream(stream, new_name, extra, **options)

    def _compare(self, name: str, digest: Any) -> None:
        found = hashlib.sha256()
        for piece in self._throttled(read_object(self._destination, name)[1]):
            found.update(piece)
        if found.digest() != digest.digest():
            text = "the destination returns other data than was sent"
            raise ObjectHashMismatchError(text, self._destination.driver, name)

    def _throttled(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            if self._rate is not None:
                self._rate.wait(len(piece))
            yield piece


def _fed(pieces: Iterable[bytes], digest: Any) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def _checksum(obj: Object) -> str | None:
    """The checksum that the store returned."""
    found = obj.extra.get("checksum")
    return f"{found['algorithm']}:{found['value']}" if isinstance(found, dict) else None
