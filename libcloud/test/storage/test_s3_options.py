# SPDX-License-Identifier: Apache-2.0
"""Options of an upload: preconditions, encryption, tags, locks."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.keywords import UploadKeywords
from libcloud.storage.s3.options import OF_OBJECT
from libcloud.storage.transfer.upload.session import UploadOptions
from libcloud.storage.types import ConditionalConflictError, PreconditionFailedError
from libcloud.test.storage.fakes.faults import Status, Truncate
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.s3_servers import BUCKET, PART, Store, pattern, store

KEY = bytes(range(100, 132))
KEY_TEXT = base64.b64encode(KEY).decode()
KEY_MD5 = base64.b64encode(hashlib.md5(KEY).digest()).decode()
UNTIL = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))
SSE = "x-amz-server-side-encryption"

OPTIONS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "if_none_match": ({"ex_if_none_match": "*"}, {"if-none-match": "*"}),
    "tags": (
        {"ex_tags": {"cost centre": "a&b=c", "empty": ""}},
        {"x-amz-tagging": "cost%20centre=a%26b%3Dc&empty="},
    ),
    "acl": ({"ex_acl": "public-read"}, {"x-amz-acl": "public-read"}),
    "sse": ({"ex_sse": "AES256"}, {SSE: "AES256"}),
    "kms": (
        {
            "ex_sse": "aws:kms",
            "ex_sse_kms_key_id": "alias/mine",
            "ex_sse_kms_context": {"of": "us"},
            "ex_sse_bucket_key": True,
        },
        {
            SSE: "aws:kms",
            f"{SSE}-aws-kms-key-id": "alias/mine",
            f"{SSE}-context": base64.b64encode(b'{"of": "us"}').decode(),
            f"{SSE}-bucket-key-enabled": "true",
        },
    ),
    "lock": (
        {"ex_object_lock_mode": "GOVERNANCE", "ex_object_lock_until": UNTIL},
        {
            "x-amz-object-lock-mode": "GOVERNANCE",
            "x-amz-object-lock-retain-until-date": "2030-01-02T02:04:05.000Z",
        },
    ),
    "hold": ({"ex_object_lock_hold": True}, {"x-amz-object-lock-legal-hold": "ON"}),
    "no hold": ({"ex_object_lock_hold": False}, {"x-amz-object-lock-legal-hold": "OFF"}),
    "payer": ({"ex_request_payer": True}, {"x-amz-request-payer": "requester"}),
    "owner": (
        {"ex_expected_bucket_owner": "123456789012"},
        {"x-amz-expected-bucket-owner": "123456789012"},
    ),
}
ON_ALL_REQUESTS = ("x-amz-request-payer", "x-amz-expected-bucket-owner")


@pytest.fixture
def there() -> Iterator[Store]:
    with store() as running:
        yield running


@pytest.fixture
def https() -> Iterator[Store]:
    with store(replace(AMAZON, tls=True)) as running:
        yield running


def test_keywords_for_type_checkers_are_those_that_work() -> None:
    of_engine = {f"ex_{field.name}" for field in fields(UploadOptions)} - {"ex_on_event"}
    assert set(UploadKeywords.__annotations__) == {
        *OF_OBJECT,
        *of_engine,
        "ex_checksum",
        "on_event",
    }


# Where they go.


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_sent_with_the_request_that_creates_the_object(
    there: Store, option: str
) -> None:
    keywords, expected = OPTIONS[option]
    there.in_parts(1, "small", **keywords)
    there.in_parts(3, "large", **keywords)
    (put,) = there.requests("PutObject")
    (create,) = there.requests("CreateMultipartUpload")
    (complete,) = there.requests("CompleteMultipartUpload")
    made = complete if option == "if_none_match" else create
    for entry in (put, made):
        assert {name: entry.headers.get(name) for name in expected} == expected
    for entry in there.requests("UploadPart"):
        meant = {name for name in expected if name in ON_ALL_REQUESTS}
        assert {name for name in expected if name in entry.headers} == meant
    there.assert_nothing_is_left("large", "small")


def test_files_and_writers_take_the_same_options(there: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    there.driver.upload_object(path, there.container, "file", ex_tags={"a": "b"})
    with there.container.ex_open_writer("written", ex_tags={"a": "b"}) as writer:
        writer.write(b"content")
    assert [put.headers["x-amz-tagging"] for put in there.requests("PutObject")] == ["a=b", "a=b"]


def test_a_customer_s_key_is_sent_with_every_request_for_the_data(https: Store) -> None:
    expected = {
        f"{SSE}-customer-algorithm": "AES256",
        f"{SSE}-customer-key": KEY_TEXT,
        f"{SSE}-customer-key-md5": KEY_MD5,
    }
    https.in_parts(1, "small", ex_sse_customer_key=KEY)
    https.in_parts(3, "large", ex_sse_customer_key=KEY)
    for entry in https.requests("PutObject", "CreateMultipartUpload", "UploadPart"):
        assert {name: entry.headers.get(name) for name in expected} == expected
    https.assert_nothing_is_left("large", "small")


@pytest.mark.parametrize("scheme", ["there", "https"])
def test_a_locked_object_carries_a_checksum_in_addition_to_the_signature(
    scheme: str, request: pytest.FixtureRequest
) -> None:
    running: Store = request.getfixturevalue(scheme)
    running.in_parts(1, ex_object_lock_hold=True)
    (put,) = running.requests("PutObject")
    assert "x-amz-checksum-crc32" in put.headers


# Reading.


def test_what_a_customers_key_encrypts_is_read_with_that_key(https: Store, tmp_path: Path) -> None:
    data = https.in_parts(3, ex_sse_customer_key=KEY)
    with_key = {"ex_sse_customer_key": KEY}
    obj = https.driver.get_object(BUCKET, "object", **with_key)
    assert obj.size == len(data)
    assert b"".join(obj.as_stream(**with_key)) == data
    assert b"".join(obj.range_as_stream(5, 9, **with_key)) == data[5:9]
    assert obj.download(tmp_path / "whole", **with_key)
    assert (tmp_path / "whole").read_bytes() == data
    assert obj.download_range(tmp_path / "range", 5, 9, **with_key)
    assert (tmp_path / "range").read_bytes() == data[5:9]
    with pytest.raises(LibcloudError, match="400"):
        https.driver.get_object(BUCKET, "object")
    with pytest.raises(LibcloudError, match="400"):
        obj.download(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_an_interrupted_read_is_resumed_with_the_key(https: Store) -> None:
    data = https.in_parts(3, ex_sse_customer_key=KEY)
    obj = https.driver.get_object(BUCKET, "object", ex_sse_customer_key=KEY)
    https.server.faults.add("GetObject", Truncate(keep=PART))
    assert b"".join(obj.as_stream(ex_sse_customer_key=KEY)) == data
    assert len(https.requests("GetObject")) == 2


def test_a_reader_may_pay_and_name_the_owner(there: Store) -> None:
    there.in_parts(1)
    terms = {"ex_request_payer": True, "ex_expected_bucket_owner": "123456789012"}
    obj = there.driver.get_object(BUCKET, "object", **terms)
    assert b"".join(obj.as_stream(**terms)) == pattern(1)
    for entry in there.requests("HeadObject", "GetObject"):
        assert entry.headers["x-amz-request-payer"] == "requester"
        assert entry.headers["x-amz-expected-bucket-owner"] == "123456789012"


@pytest.mark.parametrize(
    ("keywords", "error"),
    [
        ({"ex_sse_customer_key": KEY}, ValueError),  # over http
        ({"ex_sse_customer_key": b"short"}, ValueError),
        ({"ex_nothing": 1}, TypeError),
    ],
    ids=["http", "short", "unknown"],
)
def test_an_invalid_read_sends_no_request(
    there: Store, keywords: dict[str, Any], error: type[Exception], tmp_path: Path
) -> None:
    obj = there.stream(iter([b"data"]))
    before = len(there.server.requests)
    with pytest.raises(error):
        there.driver.get_object(BUCKET, "object", **keywords)
    with pytest.raises(error):
        obj.as_stream(**keywords)
    with pytest.raises(error):
        obj.download(tmp_path / "file", **keywords)
    assert len(there.server.requests) == before


# Conditions.


@pytest.mark.parametrize("count", [1, 3], ids=["one request", "parts"])
def test_what_is_there_is_not_overwritten(there: Store, count: int) -> None:
    there.in_parts(1)
    with pytest.raises(PreconditionFailedError, match=r"bucket/object.*412"):
        there.stream(iter([b"other" * PART * (count - 1)]), ex_if_none_match="*")
    assert there.body() == pattern(1)
    there.assert_nothing_is_left("object")


@pytest.mark.parametrize("count", [1, 3], ids=["one request", "parts"])
def test_only_the_version_that_is_meant_is_overwritten(there: Store, count: int) -> None:
    first = there.stream(iter([b"first"]))
    data = there.in_parts(count, ex_if_match=first.hash)
    assert there.body() == data
    with pytest.raises(PreconditionFailedError):
        there.in_parts(count, ex_if_match=first.hash)
    there.assert_nothing_is_left("object")


def test_a_conflict_is_distinguished_and_leaves_nothing(there: Store) -> None:
    conflict = Status(409, "ConditionalRequestConflict")
    there.server.faults.add("CompleteMultipartUpload", conflict)
    with pytest.raises(ConditionalConflictError):
        there.in_parts(3, ex_if_none_match="*")
    there.assert_nothing_is_left()


def test_a_store_that_may_ignore_conditions_gets_no_request(there: Store) -> None:
    there.driver.profile = replace(there.driver.profile, conditional_writes=False)
    for condition in ({"ex_if_none_match": "*"}, {"ex_if_match": "abc"}):
        with pytest.raises(ValueError, match="not known to support"):
            there.in_parts(1, **condition)
    assert not there.server.requests


# Invalid options.


@pytest.mark.parametrize(
    "keywords",
    [
        {"ex_if_none_match": "abc"},
        {"ex_if_none_match": "*", "ex_if_match": "abc"},
        {"ex_tags": {str(number): "" for number in range(11)}},
        {"ex_tags": {"": "value"}},
        {"ex_tags": {"a": "v" * 257}},
        {"ex_sse": "aes"},
        {"ex_sse_kms_key_id": "key"},
        {"ex_sse_bucket_key": True, "ex_sse": "AES256"},
        {"ex_sse_customer_key": KEY},  # over http
        {"ex_object_lock_mode": "GOVERNANCE"},
        {"ex_object_lock_until": UNTIL},
        {"ex_object_lock_mode": "FOREVER", "ex_object_lock_until": UNTIL},
        {"ex_object_lock_mode": "GOVERNANCE", "ex_object_lock_until": UNTIL.replace(tzinfo=None)},
        {"ex_acl": "private", "headers": {"X-Amz-Acl": "public-read"}},
    ],
    ids=lambda keywords: "+".join(keywords),
)
def test_nothing_is_sent_when_an_option_is_invalid(
    there: Store, keywords: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(ValueError):
        there.in_parts(1, **keywords)
    with pytest.raises(ValueError):
        there.driver.upload_object(tmp_path / "missing", there.container, "object", **keywords)
    with pytest.raises(ValueError):
        there.driver.ex_open_writer(there.container, "object", **keywords)
    assert not there.server.requests


@pytest.mark.parametrize("key", [b"short", KEY.decode("latin-1")], ids=["short", "text"])
def test_an_invalid_key_is_refused_and_not_shown(https: Store, key: Any) -> None:
    with pytest.raises(ValueError, match="32 bytes") as caught:
        https.in_parts(1, ex_sse_customer_key=key)
    assert str(key) not in str(caught.value)
    assert not https.server.requests


def test_a_customers_key_is_in_no_message(https: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    refused = Status(400, "InvalidRequest", "the key is wrong")
    https.server.faults.add("PutObject", refused, times=None)
    with pytest.raises(Exception, match="400") as caught:
        https.in_parts(1, ex_sse_customer_key=KEY)
    shown = f"{caught.value!r} {caught.value} {caplog.text}"
    assert KEY_TEXT not in shown
    assert str(KEY) not in shown


def test_the_same_by_a_header_and_by_a_keyword_is_once(there: Store) -> None:
    there.in_parts(1, ex_acl="private", headers={"X-AMZ-ACL": "private"})
    (put,) = there.requests("PutObject")
    assert put.headers["x-amz-acl"] == "private"


def test_the_callers_headers_stay_as_they_are(there: Store) -> None:
    headers = {"Cache-Control": "no-store"}
    there.in_parts(1, ex_acl="private", headers=headers)
    assert headers == {"Cache-Control": "no-store"}


def test_google_has_none_of_amazons_headers() -> None:
    driver = GoogleStorageDriver("GOOG" + "0" * 20, "secret", host="127.0.0.1", port=1)
    container = Container(BUCKET, {}, driver)
    for keywords in ({"ex_tags": {"a": "b"}}, {"ex_if_none_match": "*"}, {"ex_acl": "private"}):
        with pytest.raises(ValueError, match=r"x-goog|not known to support"):
            driver.upload_object_via_stream(iter([b""]), container, "object", **keywords)
