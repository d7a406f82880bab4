# SPDX-License-Identifier: Apache-2.0
"""Checksums of uploads: what is sent, what the store must repeat, and what comes of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from libcloud.storage.types import ObjectHashMismatchError
from libcloud.test.storage.fakes.digests import checksum
from libcloud.test.storage.fakes.faults import Action, FlipBit, LoseAnswer, WrongETag
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.wire import Answer
from libcloud.test.storage.s3_servers import PART, Store, pattern, store

CRCS = ("crc32", "crc32c", "crc64nvme")
WRONG = {
    name: base64.b64encode(bytes(size)).decode() for name, size in zip(CRCS, (4, 4, 8), strict=True)
}


@pytest.fixture(scope="module")
def https() -> Iterator[Store]:
    """A store over https, where bodies need not be signed."""
    with store(replace(AMAZON, tls=True)) as running:
        yield running


@pytest.fixture
def http() -> Iterator[Store]:
    with store() as running:
        yield running


@dataclass(frozen=True, slots=True)
class WrongChecksum(Action):
    """An answer that repeats another checksum than was sent."""

    algorithm: str = "crc32"

    def answered(self, answer: Answer) -> Answer:
        name, value = f"x-amz-checksum-{self.algorithm}", WRONG[self.algorithm]
        kept = [pair for pair in answer.headers if pair[0] != name]
        tag = f"Checksum{self.algorithm.upper()}".encode()
        body = bytes(answer.body)
        before, found, rest = body.partition(b"<" + tag + b">")
        if found:
            body = before + found + value.encode() + rest[rest.index(b"</") :]
        return replace(answer, headers=(*kept, (name, value)), body=body)


# What the store confirms.


@pytest.mark.parametrize("count", [1, 3], ids=["one request", "parts"])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", CRCS)
def test_a_requested_crc_is_confirmed_for_the_whole_object(
    name: str, scheme: str, count: int, request: pytest.FixtureRequest
) -> None:
    there = request.getfixturevalue(scheme)
    data = pattern(PART * (count - 1) + 1)
    obj = there.stream(iter([data]), f"{name}-{count}", ex_checksum=name)
    assert there.body(obj.name) == data
    assert obj.extra["checksum"] == {"algorithm": name, "value": checksum(name, data)}
    assert there.server.objects["bucket", obj.name].checksums == {name: checksum(name, data)}
    assert not there.server.violations


def test_amazon_gets_a_crc_by_default_and_the_object_has_it(https: Store) -> None:
    data = https.in_parts(3, "unasked")
    obj = https.stream(iter([data]), "unasked")
    assert obj.extra["checksum"] == {"algorithm": "crc32", "value": checksum("crc32", data)}


def test_a_body_carries_one_checksum_only(https: Store) -> None:
    for name in (*CRCS, "sha256", "md5", None):
        https.in_parts(2, f"only-{name}", ex_checksum=name)
    for entry in https.requests("UploadPart"):
        of_body = [
            header
            for header in entry.headers
            if header == "content-md5" or header.startswith("x-amz-checksum-")
        ]
        signed = entry.headers["x-amz-content-sha256"] != "UNSIGNED-PAYLOAD"
        assert len(of_body) + signed <= 1


def test_an_md5_is_confirmed_by_the_etag(http: Store) -> None:
    data = pattern(PART // 2)
    obj = http.stream(iter([data]), "short", ex_checksum="md5")
    assert obj.extra["checksum"] == {"algorithm": "md5", "value": obj.hash}
    obj = http.stream(iter([pattern(PART * 3)]), "long", ex_checksum="md5")
    assert obj.extra["checksum"] == {"algorithm": "md5", "value": obj.hash}
    assert obj.hash.endswith("-3")


def test_a_file_in_one_request_returns_the_confirmed_checksum(https: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    obj = https.driver.upload_object(path, https.container, "file")
    assert obj.extra["checksum"] == {"algorithm": "crc32", "value": checksum("crc32", b"content")}


def test_a_checksum_that_the_store_does_not_return_is_not_confirmed(http: Store) -> None:
    for options in ({}, {"ex_checksum": "sha256"}, {"ex_checksum": None}):
        obj = http.stream(iter([pattern(PART * 3)]), **options)
        assert "checksum" not in obj.extra


def test_a_writer_returns_the_confirmed_checksum(https: Store) -> None:
    with https.driver.ex_open_writer(https.container, "written", ex_part_size=PART) as writer:
        writer.write(pattern(PART * 2))
    expected = checksum("crc32", pattern(PART * 2))
    assert writer.result.extra["checksum"] == {"algorithm": "crc32", "value": expected}


# What the store has got wrong.


@pytest.mark.parametrize("name", CRCS)
def test_a_part_that_arrived_as_another_is_sent_again(http: Store, name: str) -> None:
    http.server.faults.add("UploadPart", WrongChecksum(name), part=2)
    data = http.in_parts(4, ex_checksum=name)
    assert http.body() == data
    assert len(http.requests("UploadPart")) == 5


def test_a_part_whose_etag_is_not_its_md5_is_sent_again(http: Store) -> None:
    http.server.faults.add("UploadPart", WrongETag(), part=1)
    data = http.in_parts(3, ex_checksum="md5")
    assert http.body() == data
    assert len(http.requests("UploadPart")) == 4


def test_a_part_that_always_arrives_damaged_publishes_nothing(http: Store) -> None:
    http.server.faults.add("UploadPart", WrongChecksum(), part=2, times=None)
    with pytest.raises(ObjectHashMismatchError, match=r"part 2 of bucket/object.*nothing was"):
        http.in_parts(4, ex_checksum="crc32")
    http.assert_nothing_is_left()


@pytest.mark.parametrize("count", [1, 3], ids=["one request", "parts"])
def test_a_response_about_another_object_is_checked(http: Store, count: int) -> None:
    operation = "PutObject" if count == 1 else "CompleteMultipartUpload"
    http.server.faults.add(operation, WrongChecksum(), times=None)
    data = http.in_parts(count, ex_checksum="crc32")
    assert http.body() == data
    assert http.server.count("HeadObject") == 1
    http.assert_nothing_is_left("object")


def test_an_object_that_arrived_as_another_is_sent_again(http: Store) -> None:
    http.server.faults.add("PutObject", FlipBit(where="store"))
    data = http.in_parts(1, ex_checksum="md5")
    assert http.body() == data
    assert http.server.count("PutObject") == 2


@pytest.mark.parametrize("count", [1, 3], ids=["one request", "parts"])
def test_an_object_that_was_stored_as_another_is_an_error(http: Store, count: int) -> None:
    operation = "PutObject" if count == 1 else "CompleteMultipartUpload"
    for faulty in (operation, "HeadObject"):
        http.server.faults.add(faulty, WrongChecksum(), times=None)
    with pytest.raises(ObjectHashMismatchError, match=r"bucket/object.*AAAAAA==.*damaged"):
        http.in_parts(count, ex_checksum="crc32")


def test_a_file_that_was_stored_as_another_is_an_error(https: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    for operation in ("PutObject", "HeadObject"):
        https.server.faults.add(operation, WrongChecksum(), times=None)
    with pytest.raises(ObjectHashMismatchError, match="damaged") as caught:
        https.driver.upload_object(path, https.container, "a damaged one", verify_hash=False)
    assert caught.value.object_name == "a damaged one"


def test_a_different_md5_of_the_store_is_an_error(http: Store) -> None:
    http.server.faults.add("PutObject", FlipBit(where="store"), times=None)
    with pytest.raises(ObjectHashMismatchError, match="md5"):
        http.in_parts(1, ex_checksum="md5")


# What a look at the store tells, when the answer was lost.


@pytest.mark.parametrize("count", [1, 3], ids=["one request", "parts"])
def test_the_checksum_identifies_the_object_where_the_etag_does_not(count: int) -> None:
    with store(replace(AMAZON, tls=True, md5_etags=False)) as there:
        operation = "PutObject" if count == 1 else "CompleteMultipartUpload"
        there.server.faults.add(operation, LoseAnswer(), times=None)
        obj: Any = there.stream(iter([pattern(PART * (count - 1) + 1)]))
        assert obj.extra["checksum"]["algorithm"] == "crc32"
        look = there.requests("HeadObject")[-1]
        assert look.headers["x-amz-checksum-mode"] == "ENABLED"
        there.assert_nothing_is_left("object")
