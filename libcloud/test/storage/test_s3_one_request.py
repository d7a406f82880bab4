# SPDX-License-Identifier: Apache-2.0
"""Objects that are sent by one request while they are read: without uploads in parts."""

from __future__ import annotations

import errno
import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from libcloud.common.request import HttpRequest
from libcloud.common.types import LibcloudError
from libcloud.http import adapter
from libcloud.storage import payload
from libcloud.storage.base import Container
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.types import UploadOutcomeUnknownError
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.test.storage.fakes.faults import Drop, LoseAnswer, Status
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.s3_servers import BUCKET, Store, pattern, store
from libcloud.test.storage.test_google_storage import driver_at

DATA = pattern(100_000)


class Buffered(S3StorageDriver):
    """Keeps a stream of unknown length in a temporary file."""

    supports_s3_multipart_upload = False


@pytest.fixture(scope="module")
def there() -> Iterator[Store]:
    with store(replace(AMAZON, unsigned_payload=True), kind=Buffered) as found:
        yield found


@pytest.fixture
def s3(there: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(payload, "READ_LIMIT", 1000)
    there.server.reset()
    there.server.create_bucket(BUCKET)
    return there


def pieces() -> Iterator[bytes]:
    return iter([DATA[:40_000], DATA[40_000:]])


def test_a_stream_whose_response_was_lost_is_found(s3: Store) -> None:
    s3.server.faults.add("PutObject", LoseAnswer(), times=None)
    stored = s3.driver.upload_object_via_stream(pieces(), s3.container, "object")
    assert (s3.body(), stored.size) == (DATA, len(DATA))
    assert stored.hash == hashlib.md5(DATA).hexdigest()
    assert s3.server.operations() == ["PutObject"] * 6 + ["HeadObject"]


def test_a_stream_is_found_if_later_attempts_were_cut_short(s3: Store) -> None:
    s3.server.faults.add("PutObject", LoseAnswer())
    s3.server.faults.add("PutObject", Drop("before_body"), times=None)
    stored = s3.driver.upload_object_via_stream(pieces(), s3.container, "object")
    assert (s3.body(), stored.size) == (DATA, len(DATA))
    assert stored.hash == hashlib.md5(DATA).hexdigest()
    assert s3.server.operations() == ["PutObject"] * 6 + ["HeadObject"]


def test_a_stream_that_cannot_be_looked_up_has_an_unknown_outcome(s3: Store) -> None:
    s3.server.faults.add("PutObject", LoseAnswer(), times=None)
    s3.server.faults.add("HeadObject", Status(403), times=None)
    with pytest.raises(UploadOutcomeUnknownError, match=f"with {len(DATA)} bytes") as caught:
        s3.driver.upload_object_via_stream(pieces(), s3.container, "object")
    assert caught.value.object_name == "object"


def test_a_stream_in_a_file_that_was_refused_is_sent_again(s3: Store) -> None:
    s3.server.faults.add("PutObject", Status(503, "SlowDown"))
    s3.driver.upload_object_via_stream(pieces(), s3.container, "object")
    assert s3.body() == DATA
    assert s3.server.operations() == ["PutObject", "PutObject"]


@pytest.mark.parametrize("failure", [OSError("the disk is gone"), KeyboardInterrupt()])
def test_a_source_that_fails_publishes_nothing(s3: Store, failure: BaseException) -> None:
    def failing() -> Any:
        yield DATA
        raise failure

    with pytest.raises(type(failure)) as caught:
        s3.driver.upload_object_via_stream(failing(), s3.container, "object")
    assert caught.value is failure
    assert s3.server.count("HeadObject") == 0
    assert not s3.server.objects


def test_no_response_is_awaited_after_a_broken_pipe_of_the_source(
    s3: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The HTTP library takes one of the connection for an early response."""
    awaited = []
    monkeypatch.setattr(adapter.HTTPConnection, "getresponse", lambda *_: awaited.append(1))
    failure = BrokenPipeError(errno.EPIPE, "the source is closed")

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise failure
            return super().read(size)

    with pytest.raises(BrokenPipeError) as caught:
        s3.driver.upload_object_via_stream(Failing(DATA), s3.container, "object")
    assert caught.value is failure
    assert not awaited


def test_a_partially_sent_object_is_not_looked_up(
    s3: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    methods = []

    def lose(request: HttpRequest, what: str, **options: Any) -> Any:
        methods.append(request.method)
        if request.body is not None:
            next(iter(request.body))
        raise ConnectionResetError

    monkeypatch.setattr(s3.driver._client, "send_once", lose)
    with pytest.raises(ConnectionResetError):
        s3.driver.upload_object_via_stream(pieces(), s3.container, "object")
    assert methods == ["PUT"] * 6


# Google Storage sends a stream of unknown length as it is read: that works once.


class Losing:
    """Takes in an object and loses the response; HEAD finds what there is."""

    def __init__(self) -> None:
        self.body = b""

    def __call__(self, request: Received) -> bytes | None:
        if request.method == "PUT":
            self.body = request.body
            return None
        etag = hashlib.md5(self.body, usedforsecurity=False).hexdigest()
        return reply(200, b"", {"ETag": f'"{etag}"', "Content-Length": str(len(self.body))})


def test_a_chunked_stream_whose_response_was_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "READ_LIMIT", 1000)
    with Loopback(Losing()) as server:
        driver = driver_at(server)
        container = Container("bucket", {}, driver)
        stored = driver.upload_object_via_stream(pieces(), container, "object")
    assert [request.method for request in server.requests] == ["PUT", "HEAD"]
    assert (server.requests[0].body, stored.size) == (DATA, len(DATA))
    assert stored.hash == hashlib.md5(DATA).hexdigest()


def test_a_rejected_chunked_stream_is_not_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(payload, "READ_LIMIT", 1000)
    with Loopback(lambda request: reply(503, b"")) as server:
        driver = driver_at(server)
        with pytest.raises(LibcloudError, match="503"):
            driver.upload_object_via_stream(pieces(), Container("bucket", {}, driver), "object")
    assert [request.method for request in server.requests] == ["PUT"]


@pytest.mark.parametrize("failure", [OSError("the disk is gone"), KeyboardInterrupt()])
def test_a_chunked_stream_that_was_cut_short_is_not_looked_up(
    failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload, "READ_LIMIT", 1000)

    def failing() -> Any:
        yield DATA
        raise failure

    with Loopback(Losing()) as server:
        driver = driver_at(server)
        with pytest.raises(type(failure)) as caught:
            driver.upload_object_via_stream(failing(), Container("bucket", {}, driver), "object")
    assert caught.value is failure
    assert not server.requests
