# SPDX-License-Identifier: Apache-2.0
"""A feature that a store rejects is dropped, unless the user requested it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.request import HttpRequest
from libcloud.common.types import LibcloudError
from libcloud.storage.s3.client import UnsupportedFeatures
from libcloud.storage.s3.errors import ErrorDetail
from libcloud.storage.s3.headers import (
    OptionalValue,
    mark_optional,
    refused_features,
    without_features,
)
from libcloud.test._helpers import run_in_threads
from libcloud.test.storage.fakes.faults import Rule, Status
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.s3_servers import Store, store

CHECKSUM = "x-amz-checksum"
SIZE = "x-amz-mp-object-size"
NOT_IMPLEMENTED = Status(501, "NotImplemented", "A header you provided implies functionality")
UNSUPPORTED = Status(400, "InvalidArgument", "Unsupported header 'x-amz-checksum-crc32' received")
REFUSALS = {
    "501": NOT_IMPLEMENTED,
    "400": UNSUPPORTED,
    "other words": Status(400, "BadRequest", "x-amz-checksum-crc32 is not supported"),
}


@pytest.fixture
def there() -> Iterator[Store]:
    """A store over https, where the driver sends a CRC-32 of its own accord."""
    with store(replace(AMAZON, tls=True)) as running:
        yield running


def refuse(there: Store, operation: str, prefix: str, action: Status) -> Rule:
    """Let the server refuse requests with headers or parameters that begin so."""

    def carries(request: Any) -> bool:
        names = [*request.header_values, *request.query]
        return any(name.startswith(prefix) for name in names)

    return there.server.faults.add(operation, action, times=None, match=carries)


def carrying(there: Store, operation: str, prefix: str) -> list[bool]:
    """For each request of ``operation`` whether it had such a header or parameter."""
    return [
        any(name.startswith(prefix) for name in [*entry.headers, *entry.query])
        for entry in there.requests(operation)
    ]


def test_without_a_refusal_all_of_it_is_sent(there: Store) -> None:
    data = there.in_parts(3)
    assert there.body() == data
    assert carrying(there, "UploadPart", CHECKSUM) == [True] * 3
    assert carrying(there, "CreateMultipartUpload", CHECKSUM) == [True]
    complete = there.requests("CompleteMultipartUpload")[0].headers
    assert {SIZE, "x-amz-checksum-crc32", "x-amz-checksum-type"} <= set(complete)


@pytest.mark.parametrize("words", REFUSALS)
@pytest.mark.parametrize(
    "operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"]
)
def test_an_upload_continues_without_a_rejected_checksum(
    there: Store, operation: str, words: str
) -> None:
    rule = refuse(there, operation, CHECKSUM, REFUSALS[words])
    data = there.in_parts(4)
    assert there.body() == data
    assert rule.fired
    there.assert_nothing_is_left("object")
    assert there.server.count("CreateMultipartUpload") <= 2
    fired = rule.fired
    again = there.in_parts(3, "again")
    assert there.body("again") == again
    assert rule.fired == fired, "it is remembered"
    latest = [entry for entry in there.server.requests if entry.key == "again"]
    assert not [entry for entry in latest if any(n.startswith(CHECKSUM) for n in entry.headers)]


def test_parts_carry_nothing_that_the_creation_was_refused_for(there: Store) -> None:
    refuse(there, "CreateMultipartUpload", CHECKSUM, NOT_IMPLEMENTED)
    there.in_parts(3)
    assert carrying(there, "UploadPart", CHECKSUM) == [False] * 3
    assert carrying(there, "CompleteMultipartUpload", CHECKSUM) == [False]


def test_what_is_sent_without_a_checksum_is_signed_instead(there: Store) -> None:
    refuse(there, "*", CHECKSUM, NOT_IMPLEMENTED)
    there.in_parts(3)
    there.stream(iter([b"a", b"b"]), "small")
    accepted = [e for e in there.requests("UploadPart", "PutObject") if e.status == 200]
    hashes = [entry.headers["x-amz-content-sha256"] for entry in accepted]
    assert len(hashes) == 4
    assert not [value for value in hashes if len(value) != 64]


@pytest.mark.parametrize("way", ["stream", "file", "pieces"])
def test_a_body_of_one_request_is_sent_without_it(there: Store, way: str, tmp_path: Path) -> None:
    refuse(there, "PutObject", CHECKSUM, NOT_IMPLEMENTED)
    (tmp_path / "file").write_bytes(b"body")
    for name in ("first", "second"):
        if way == "file":
            there.driver.upload_object(str(tmp_path / "file"), there.container, name)
        elif way == "stream":
            there.stream(iter([b"body"]), name)
        else:
            there.stream(iter([b"a" * 70_000] * 2), name, ex_part_size=200_000)
    assert [entry.status for entry in there.requests("PutObject")] == [501, 200, 200]
    assert len(there.body("second")) == (4 if way != "pieces" else 140_000)


def test_a_size_that_is_refused_leaves_the_checksum_alone(there: Store) -> None:
    action = Status(400, "InvalidArgument", f"Unsupported header '{SIZE}'")
    refuse(there, "CompleteMultipartUpload", SIZE, action)
    there.in_parts(3)
    assert carrying(there, "CompleteMultipartUpload", SIZE) == [True, False]
    assert carrying(there, "CompleteMultipartUpload", CHECKSUM) == [True, True]


def test_no_size_is_requested_even_with_a_checksum(there: Store) -> None:
    refuse(there, "CompleteMultipartUpload", SIZE, NOT_IMPLEMENTED)
    data = there.in_parts(3, ex_checksum="crc32")
    assert there.body() == data
    assert carrying(there, "CompleteMultipartUpload", CHECKSUM) == [True, True]


@pytest.mark.parametrize("words", REFUSALS)
@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart"])
def test_a_requested_checksum_is_never_omitted(there: Store, operation: str, words: str) -> None:
    refuse(there, operation, CHECKSUM, REFUSALS[words])
    with pytest.raises(LibcloudError, match="Status code: "):
        there.in_parts(3, ex_checksum="crc32")
    assert all(carrying(there, operation, CHECKSUM))
    there.assert_nothing_is_left()


def test_a_checksum_in_the_caller_s_headers_is_never_omitted(there: Store) -> None:
    refuse(there, "PutObject", CHECKSUM, NOT_IMPLEMENTED)
    with pytest.raises(LibcloudError, match="NotImplemented"):
        there.stream(iter([b"body"]), headers={"x-amz-checksum-crc32": "AAAAAA=="})
    assert carrying(there, "PutObject", CHECKSUM) == [True]


def test_a_feature_whose_removal_did_not_help_is_kept(there: Store) -> None:
    rule = there.server.faults.add("PutObject", NOT_IMPLEMENTED, times=None)
    with pytest.raises(LibcloudError, match="NotImplemented"):
        there.stream(iter([b"body"]))
    assert rule.fired == 2
    there.server.faults.clear()
    there.stream(iter([b"body"]))
    assert carrying(there, "PutObject", CHECKSUM) == [True, False, True]


@pytest.mark.parametrize(
    "action",
    [
        Status(400, "BadDigest", "The CRC32 you specified did not match"),
        Status(400, "InvalidRequest", f"Value for {CHECKSUM}-crc32 header is invalid."),
        Status(403, "AccessDenied", "Access Denied"),
        Status(412, "PreconditionFailed"),
    ],
)
def test_another_refusal_is_no_reason_to_send_less(there: Store, action: Status) -> None:
    there.server.faults.add("PutObject", action, times=None)
    with pytest.raises(LibcloudError):
        there.stream(iter([b"body"]))
    assert all(carrying(there, "PutObject", CHECKSUM))


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ("ListObjectsV2", "encoding-type"),
        ("ListObjectsV2", "fetch-owner"),
        ("ListMultipartUploads", "encoding-type"),
    ],
)
def test_a_listing_continues_without_a_rejected_parameter(
    there: Store, operation: str, name: str
) -> None:
    there.in_parts(2, "a b")
    action = Status(400, "InvalidArgument", f"Unknown parameter {name}")
    rule = refuse(there, operation, name, action)
    for _ in range(2):
        assert [obj.name for obj in there.container.list_objects()] == ["a b"]
        assert list(there.driver.ex_iterate_multipart_uploads(there.container)) == []
    assert rule.fired == 1
    assert carrying(there, operation, name) == [True, False, False]


def test_it_is_reported_once(there: Store, caplog: pytest.LogCaptureFixture) -> None:
    refuse(there, "UploadPart", CHECKSUM, NOT_IMPLEMENTED)
    with caplog.at_level(logging.WARNING):
        there.in_parts(6)
        there.in_parts(6)
    assert [r.levelname for r in caplog.records if CHECKSUM in r.getMessage()] == ["WARNING"]


def test_each_driver_finds_out_separately(there: Store) -> None:
    refuse(there, "UploadPart", CHECKSUM, NOT_IMPLEMENTED)
    there.in_parts(2)
    other = type(there.driver)("key", "secret")
    assert there.driver._client.unsupported.names == {CHECKSUM}
    assert other._client.unsupported.names == frozenset()


def test_threads_share_what_any_of_them_detected(caplog: pytest.LogCaptureFixture) -> None:
    given_up = UnsupportedFeatures("driver")
    run_in_threads(lambda number: given_up.add([f"name{number % 4}"]))
    assert given_up.names == {f"name{number}" for number in range(4)}
    assert len(caplog.records) == 4


# As values.

CARRYING = HttpRequest(
    "PUT",
    "/b/k",
    (("encoding-type", "url"), ("partNumber", "1")),
    mark_optional({"x-amz-checksum-crc32": "c", "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}),
)


def test_without_names_all_optional_features_are_meant() -> None:
    assert refused_features(ErrorDetail(501), CARRYING) == {CHECKSUM, "encoding-type"}


def test_what_is_named_is_meant() -> None:
    detail = ErrorDetail(400, "InvalidArgument", "Encoding-Type?")
    assert refused_features(detail, CARRYING) == {"encoding-type"}


@pytest.mark.parametrize("detail", [None, ErrorDetail(503, "SlowDown"), ErrorDetail(400)])
def test_other_errors_mean_nothing(detail: ErrorDetail | None) -> None:
    assert refused_features(detail, CARRYING) == frozenset()


def test_a_payload_that_is_not_signed_goes_with_the_checksum() -> None:
    left = without_features(CARRYING, {CHECKSUM})
    assert (left.params, left.headers) == (CARRYING.params, {})


def test_a_mark_survives_copies_of_a_request() -> None:
    request = HttpRequest("PUT", "/", headers={**dict(CARRYING.headers), "asked": "1"})
    assert isinstance(request.headers["x-amz-checksum-crc32"], OptionalValue)
    assert without_features(request, {CHECKSUM}).headers == {"asked": "1"}


def test_a_request_without_optional_features_is_unchanged() -> None:
    request = HttpRequest("PUT", "/", headers={"x-amz-checksum-crc32": "asked for"})
    assert without_features(request, {CHECKSUM}) is request
    assert refused_features(ErrorDetail(501), request) == frozenset()


def require_md5(there: Store) -> Rule:
    """Let the bucket retain all objects, so that it takes only bodies with a Content-MD5."""
    text = "Content-MD5 HTTP header is required for Put Object requests with Object Lock parameters"
    action = Status(400, "InvalidRequest", text)

    def lacks_md5(request: Any) -> bool:
        return request.method == "PUT" and "content-md5" not in request.header_values

    return there.server.faults.add("*", action, times=None, match=lacks_md5)


@pytest.mark.parametrize("tls", [True, False])
def test_a_bucket_that_retains_objects_gets_the_md5_it_requires(tls: bool, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"body")
    with store(replace(AMAZON, tls=tls)) as there:
        rule = require_md5(there)
        data = there.in_parts(4)
        assert there.body() == data
        fired = rule.fired
        there.in_parts(3, "again", ex_checksum="sha256")
        there.stream(iter([]), "empty")
        there.driver.upload_object(str(tmp_path / "file"), there.container, "file")
        assert rule.fired == fired, "it is remembered"
        there.assert_nothing_is_left("again", "empty", "file", "object")
        (put,) = [entry for entry in there.requests("PutObject") if entry.key == "file"]
        assert not [name for name in put.headers if name.startswith(CHECKSUM)]


def test_a_body_with_the_wrong_md5_is_not_sent_again_with_the_right_one(there: Store) -> None:
    wrong = {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    with pytest.raises(LibcloudError, match="Content-MD5"):
        there.stream(iter([b"body"]), "object", headers=wrong)
    there.assert_nothing_is_left()


def test_other_buckets_of_the_driver_get_no_md5(there: Store) -> None:
    there.server.create_bucket("other")
    rule = require_md5(there)
    there.stream(iter([b"body"]), "object")
    there.server.faults.clear()
    there.driver.upload_object_via_stream(iter([b"body"]), there.driver.get_container("other"), "x")
    assert rule.fired == 1
    assert "content-md5" not in there.requests("PutObject")[-1].headers
