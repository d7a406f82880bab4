# SPDX-License-Identifier: Apache-2.0
"""Writers of the S3 driver: what they send, on a server that checks, and what they do otherwise."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import replace
from typing import IO, Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container
from libcloud.storage.capabilities import MIB
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    InvalidObjectNameError,
    ObjectTooLargeError,
    PreconditionFailedError,
)
from libcloud.test._loopback import Loopback, reply
from libcloud.test.storage.fakes.faults import Drop, ErrorIn200, LoseAnswer, Status
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.s3_servers import PART, Store, pattern, store
from libcloud.utils.bodies import Pieces

LONG = pattern(PART * 3 + 1)


def open_writer(s3: Store, name: str = "object", **options: Any) -> Any:
    """A writer with small parts."""
    return s3.container.ex_open_writer(name, **{"ex_part_size": PART, **options})


# What is sent.


@pytest.mark.parametrize("size", [0, 1, PART, PART + 1, 2 * PART, 3 * PART + 1])
def test_a_writer_sends_what_a_stream_sends(s3: Store, size: int) -> None:
    arguments: dict[str, Any] = {
        "extra": {"content_type": "text/x", "meta_data": {"Key": "grüße"}, "acl": "private"},
        "headers": {"Cache-Control": "no-store"},
        "ex_storage_class": "standard_ia",
        "ex_window": 1,
    }
    streamed = s3.stream(iter([pattern(size)]), **arguments)
    sent = [_told(entry) for entry in s3.server.requests]
    s3.server.log.clear()
    with open_writer(s3, **arguments) as writer:
        writer.write(pattern(size))
    assert [_told(entry) for entry in s3.server.requests] == sent
    written = writer.result
    assert (written.name, written.size, written.hash) == ("object", size, streamed.hash)
    assert (written.extra, written.meta_data) == (streamed.extra, streamed.meta_data)
    assert (written.container, written.driver) == (s3.container, s3.driver)
    assert written.hash == s3.driver.get_object("bucket", "object").hash
    s3.assert_nothing_is_left("object")


def _told(entry: Any) -> tuple[Any, ...]:
    """All of a request but when it was made and what it was called."""
    changing = ("authorization", "date", "x-amz-date", "connection")
    headers = {name: text for name, text in entry.headers.items() if name not in changing}
    body = entry.body if entry.operation != "CompleteMultipartUpload" else b""
    return entry.operation, headers, body, sorted({*entry.query} - {"uploadId"})


def test_arguments_may_be_changed_after_the_opening(amazon: Store) -> None:
    extra, headers = {"meta_data": {"a": "1"}}, {"x-amz-meta-b": "2"}
    writer = open_writer(amazon, extra=extra, headers=headers)
    extra["meta_data"]["a"] = headers["x-amz-meta-b"] = "changed"
    writer.close()
    stored = amazon.server.objects["bucket", "object"]
    assert stored.metadata == {"a": "1", "b": "2"}
    assert writer.result.meta_data == {"a": "1"}


def test_the_driver_opens_writers_as_its_containers_do(amazon: Store) -> None:
    with amazon.driver.ex_open_writer(amazon.container, "object", {"acl": "private"}) as writer:
        writer.write(b"data")
    assert writer.result.extra == {"acl": "private"}
    assert amazon.requests("PutObject")[0].headers["x-amz-acl"] == "private"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"object_name": ""}, InvalidObjectNameError),
        ({"object_name": "x" * 1025}, InvalidObjectNameError),
        ({"ex_part_size": 0}, ValueError),
        ({"ex_parts": 7}, TypeError),
        ({"ex_checksum": "crc7"}, ValueError),
        ({"ex_storage_class": "golden"}, ValueError),
        ({"ex_size": 10**18}, ObjectTooLargeError),
        ({"extra": {"meta_data": {"a": "\n"}}}, ValueError),
    ],
    ids=str,
)
def test_invalid_arguments_are_refused_when_opening(
    amazon: Store, arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        amazon.container.ex_open_writer(**{"object_name": "object", **arguments})
    assert amazon.server.requests == []


@pytest.mark.parametrize("copies", [1, 3])
def test_conditions_hold_when_it_is_published(amazon: Store, copies: int) -> None:
    amazon.in_parts()
    with (
        pytest.raises(PreconditionFailedError) as caught,
        open_writer(amazon, headers={"If-None-Match": "*"}) as writer,
    ):
        writer.write(b"x" * PART * copies)
    assert caught.value.object_name == "object"
    assert len(amazon.body()) == 2 * PART + 1
    amazon.assert_nothing_is_left("object")


def test_memory_is_bounded_however_much_is_written() -> None:
    sieve = replace(AMAZON, keep_bodies=False)
    with store(sieve) as s3:
        piece = bytearray(100_000)
        with open_writer(s3, ex_part_size=MIB, ex_window=2) as writer:
            for _ in range(30):
                writer.write(piece)
            tracemalloc.start()
            try:
                for _ in range(200):
                    writer.write(piece)
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
        assert writer.result.size == 230 * 100_000
        # Two parts held here; and the server, of this process too, holds those that it reads.
        assert peak < 6 * MIB


# Faults.


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("CreateMultipartUpload", Status(503, "SlowDown")),
        ("UploadPart", Status(500)),
        ("UploadPart", Drop("in_body")),
        ("UploadPart", LoseAnswer()),
        ("CompleteMultipartUpload", ErrorIn200()),
        ("CompleteMultipartUpload", LoseAnswer()),
        ("PutObject", Drop()),
    ],
    ids=str,
)
def test_a_transient_fault_is_not_noticed(amazon: Store, operation: str, fault: Any) -> None:
    rule = amazon.server.faults.add(operation, fault)
    data = b"small" if operation == "PutObject" else LONG
    with open_writer(amazon) as writer:
        writer.write(data)
    assert rule.fired == 1
    assert amazon.body() == data
    amazon.assert_nothing_is_left("object")


@pytest.mark.parametrize(
    "operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject"]
)
def test_a_lasting_fault_is_raised_and_nothing_is_left(amazon: Store, operation: str) -> None:
    amazon.server.faults.add(operation, Status(403, "AccessDenied"), times=None)
    with pytest.raises(Exception, match="AccessDenied"), open_writer(amazon) as writer:
        writer.write(b"small" if operation == "PutObject" else LONG)
    assert writer.result is None
    amazon.assert_nothing_is_left()


@pytest.mark.parametrize(("operation", "blocks"), [("PutObject", 3), ("UploadPart", 20)])
def test_a_writer_that_failed_keeps_its_error_and_no_body(
    amazon: Store, operation: str, blocks: int
) -> None:
    def bodies() -> int:
        gc.collect()
        return sum(type(one) is Pieces for one in gc.get_objects())

    before = bodies()
    amazon.server.faults.add(operation, Status(403, "AccessDenied"), times=None)
    writer = open_writer(amazon, ex_part_size=MIB)
    with pytest.raises(LibcloudError) as caught:
        for _ in range(blocks):
            writer.write(bytes(MIB // 4))
        writer.close()
    assert bodies() == before
    with pytest.raises(type(caught.value)) as again:
        writer.close()
    assert again.value is caught.value


def test_a_container_that_is_not_there_is_met_by_the_first_request(amazon: Store) -> None:
    amazon.container.name = "elsewhere"
    with pytest.raises(ContainerDoesNotExistError), open_writer(amazon) as writer:
        writer.write(LONG)


# Drivers that upload otherwise.


class _InOneRequest(S3StorageDriver):
    supports_s3_multipart_upload = False


class _Overriding(S3StorageDriver):
    """Adds something to every upload, as subclasses do."""

    def _put_object(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["headers"] = {**(kwargs["headers"] or {}), "x-amz-meta-added": "yes"}
        return super()._put_object(*args, **kwargs)


@pytest.mark.parametrize("size", [0, 10, 3 * PART])
def test_without_uploads_in_parts_it_is_one_request_at_the_end(size: int) -> None:
    with store(kind=_InOneRequest) as s3:
        with s3.container.ex_open_writer("object", {"meta_data": {"a": "1"}}) as writer:
            for piece in (pattern(size)[:7], pattern(size)[7:]):
                writer.write(piece)
            assert s3.server.requests == []
        assert s3.server.operations() == ["PutObject"]
        assert s3.body() == pattern(size)
        assert writer.result is not None
        assert (writer.result.size, writer.result.meta_data) == (size, {"a": "1"})


def test_without_uploads_in_parts_their_options_are_refused() -> None:
    with store(kind=_InOneRequest) as s3, pytest.raises(ValueError, match="ex_window"):
        s3.container.ex_open_writer("object", ex_window=3)


def test_without_uploads_in_parts_a_failure_publishes_nothing() -> None:
    with store(kind=_InOneRequest) as s3:
        with pytest.raises(KeyError), s3.container.ex_open_writer("object") as writer:
            writer.write(LONG)
            raise KeyError
        assert s3.server.requests == []


def test_a_subclass_that_changes_uploads_changes_writers_too() -> None:
    with store(kind=_Overriding) as s3:
        with open_writer(s3) as writer:
            writer.write(LONG)
        assert s3.server.objects["bucket", "object"].metadata == {"added": "yes"}
        assert s3.server.count("UploadPart") == 4
        s3.assert_nothing_is_left("object")


def test_so_does_a_method_put_on_the_driver(amazon: Store) -> None:
    seen: list[bytes] = []

    def upload(file: IO[bytes], container: Any, object_name: str, **rest: Any) -> str:
        seen.append(file.read())
        return "what it gives"

    amazon.driver.upload_object_via_stream = upload
    with open_writer(amazon) as writer:
        writer.write(LONG)
    assert (seen, writer.result) == ([LONG], "what it gives")


def test_google_is_written_in_one_request() -> None:
    with Loopback(lambda request: reply(200, b"", {"ETag": '"etag"'})) as server:
        driver = GoogleStorageDriver(
            "GOOG0123456789ABCXYZ", "secret", host="127.0.0.1", port=server.port, secure=False
        )
        container = Container("bucket", {}, driver)
        with pytest.raises(ValueError, match="ex_part_size"):
            container.ex_open_writer("object", ex_part_size=7)
        with container.ex_open_writer("object", ex_storage_class="nearline") as writer:
            writer.write(b"some ")
            writer.write(b"data")
            assert server.requests == []
        (request,) = server.requests
    assert (request.method, request.target) == ("PUT", "/bucket/object")
    assert request.body == b"some data"
    assert request.headers["x-goog-storage-class"] == "NEARLINE"
