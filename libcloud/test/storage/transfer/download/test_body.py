# SPDX-License-Identifier: Apache-2.0
"""Reading one version of an object through a port of any store: resuming, length, verification."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from requests.exceptions import ChunkedEncodingError

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.transfer.client import RetryLoop
from libcloud.storage.transfer.download.body import PinnedRange, checked
from libcloud.storage.transfer.download.port import RangeResponse, Verification
from libcloud.storage.transfer.retry import ConcurrencyLimiter, Retries, RetryPolicy
from libcloud.storage.transfer.values import Failure
from libcloud.storage.types import (
    IncompleteDownloadError,
    ObjectChangedError,
    ObjectDoesNotExistError,
    ObjectHashMismatchError,
)

DATA = bytes(range(100))
ETAG = '"one"'
ATTEMPTS = 3


class FakeContent:
    """The body of a response, which breaks off after ``limit`` bytes."""

    def __init__(self, data: bytes, limit: int | None = None) -> None:
        self._data = data
        self._limit = limit
        self.closed = False

    def iter_content(self, chunk_size: int, /) -> Iterator[bytes]:
        end = len(self._data) if self._limit is None else self._limit
        for start in range(0, end, chunk_size):
            yield self._data[start : min(end, start + chunk_size)]
        if self._limit is not None:
            raise ConnectionResetError("broken off")

    def close(self) -> None:
        self.closed = True


class FakePort:
    """A store that holds ``DATA``; ``limits`` say after how many bytes responses break off."""

    def __init__(self, *limits: int, etag: str = ETAG, total: int = len(DATA)) -> None:
        driver = DummyStorageDriver("key", "")
        self.obj = Object("name", len(DATA), None, {}, {}, Container("box", {}, driver), driver)
        self.requests: list[tuple[int, int, str]] = []
        self.delays: list[float] = []
        self.contents: list[FakeContent] = []
        self.error: Exception | None = None
        self.limiter = ConcurrencyLimiter()
        self._limits = iter(limits)
        self._etag = etag
        self._total = total

    def get(self, start: int, end: int, etag: str) -> RangeResponse:
        self.requests.append((start, end, etag))
        if self.error is not None:
            raise self.error
        content = FakeContent(DATA[start:end], next(self._limits, None))
        self.contents.append(content)
        headers = {"etag": self._etag, "content-range": f"bytes {start}-{end - 1}/{self._total}"}
        return RangeResponse(206, headers, content)

    def retries(self) -> Retries:
        policy = RetryPolicy(attempts=ATTEMPTS, base=1.0)
        return Retries(policy, random=lambda: 1.0, limiter=self.limiter)

    def failure(self, error: BaseException) -> Failure:
        throttled = isinstance(error, BlockingIOError)
        transient = throttled or isinstance(error, ConnectionError)
        return Failure(error, transient=transient, throttled=throttled)

    def sleep(self, seconds: float) -> None:
        self.delays.append(seconds)


def pinned(port: FakePort) -> PinnedRange:
    requests: Any = port
    return PinnedRange(requests, ETAG, 10, 50, len(DATA))


def test_the_rest_is_requested_where_the_connection_broke() -> None:
    port = FakePort(20, 7)
    assert b"".join(pinned(port).read(10)) == DATA[10:60]
    assert port.requests == [(10, 60, ETAG), (30, 60, ETAG), (37, 60, ETAG)]


def test_attempts_are_counted_from_the_last_byte_that_arrived() -> None:
    port = FakePort(*[1] * (3 * ATTEMPTS))
    assert b"".join(pinned(port).read(10)) == DATA[10:60]
    assert port.delays == [1.0] * (3 * ATTEMPTS)


def test_the_error_is_raised_when_there_are_no_more_attempts() -> None:
    port = FakePort(20, 0, 0, 0)
    pieces = pinned(port).read(10)
    assert next(pieces) + next(pieces) == DATA[10:30]
    with pytest.raises(ConnectionResetError):
        next(pieces)
    assert len(port.requests) == ATTEMPTS


def test_a_throttled_range_lowers_the_limit_of_the_store() -> None:
    port = FakePort()
    port.limiter.in_flight = 64
    port.error = BlockingIOError("slow down")
    with pytest.raises(BlockingIOError):
        next(pinned(port).read(10))
    assert port.limiter.limit(64) == 64 // 2**ATTEMPTS


def test_retries_of_a_range_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, float]] = []
    listener = staticmethod(lambda error, delay: seen.append((str(error), delay)))
    monkeypatch.setattr(RetryLoop, "retry_listener", listener)
    assert b"".join(pinned(FakePort(20)).read(10)) == DATA[10:60]
    assert seen == [("broken off", 1.0)]


def test_a_permanent_error_is_not_retried() -> None:
    port = FakePort()
    port.error = ValueError("no")
    with pytest.raises(ValueError, match="no"):
        next(pinned(port).read(10))
    assert len(port.requests) == 1


def test_a_deleted_object_is_reported_as_changed() -> None:
    port = FakePort()
    port.error = ObjectDoesNotExistError("gone", port.obj.driver, "name")
    with pytest.raises(ObjectChangedError):
        next(pinned(port).read(10))


@pytest.mark.parametrize("port", [FakePort(etag='"two"'), FakePort(total=101)])
def test_another_version_is_not_mixed_in(port: FakePort) -> None:
    with pytest.raises(ObjectChangedError):
        next(pinned(port).read(10))
    assert [content.closed for content in port.contents] == [True]


def test_a_part_is_a_range_of_the_object() -> None:
    port = FakePort()
    assert b"".join(pinned(port).part(5, 20).read(8)) == DATA[15:35]
    assert port.requests == [(15, 35, ETAG)]


def test_an_abandoned_range_is_closed() -> None:
    port = FakePort()
    pieces = pinned(port).read(10)
    next(pieces)
    pieces.close()
    assert port.contents[0].closed


@pytest.mark.parametrize("length", [9, 11])
def test_another_number_of_bytes_is_an_error(length: int) -> None:
    with pytest.raises(IncompleteDownloadError):
        list(checked(iter([b"12345", b"67890"]), FakePort().obj, length))


def test_a_broken_connection_is_an_error_of_both_kinds() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"12345"
        raise ChunkedEncodingError("cut")

    with pytest.raises(LibcloudError, match="name after 5 bytes: cut") as caught:
        list(checked(pieces(), FakePort().obj, 10))
    assert isinstance(caught.value, ChunkedEncodingError)


def test_another_checksum_is_an_error() -> None:
    verification = Verification(
        FakePort().obj,
        "sha256",
        hashlib.sha256(DATA).digest(),
        new=hashlib.sha256,
        combine=lambda parts: b"".join(value for value, _ in parts),
        format=bytes.hex,
    )
    verification.check(hashlib.sha256(DATA).digest())
    with pytest.raises(ObjectHashMismatchError, match="sha256 00"):
        verification.check(b"\0")
