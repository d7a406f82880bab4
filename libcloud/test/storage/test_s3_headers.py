# SPDX-License-Identifier: Apache-2.0
"""Which of an upload's headers reach which of its requests; and the caller's stay the caller's."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.types import PreconditionFailedError
from libcloud.test.storage.fakes.faults import Drop, LoseAnswer, Status
from libcloud.test.storage.fakes.log import Entry
from libcloud.test.storage.s3_servers import PART, Store, pattern

LONG = pattern(PART * 2 + 1)

_KEY = bytes(range(32))
_CUSTOMER = "x-amz-server-side-encryption-customer-"
CUSTOMER_KEY = {
    f"{_CUSTOMER}algorithm": "AES256",
    f"{_CUSTOMER}key": base64.b64encode(_KEY).decode(),
    f"{_CUSTOMER}key-MD5": base64.b64encode(hashlib.md5(_KEY).digest()).decode(),
}
PAYER = {"x-amz-request-payer": "requester", "X-Amz-Expected-Bucket-Owner": "111122223333"}
KEPT = {"Cache-Control": "max-age=60", "x-amz-tagging": "a=b", "Content-Disposition": "inline"}


def carries(entry: Entry, headers: Mapping[str, str]) -> bool:
    """Whether the request had all of ``headers``; none of them is another answer than ``False``."""
    names = {name.lower(): value for name, value in headers.items()}
    found = {name for name in names if name in entry.headers}
    assert found in (set(), set(names)), entry
    return all(entry.headers.get(name) == value for name, value in names.items())


def with_headers(s3: Store, headers: Mapping[str, str]) -> set[str]:
    """The operations that carried ``headers``."""
    return {entry.operation for entry in s3.server.requests if carries(entry, headers)}


def test_properties_of_the_object_are_sent_with_create_only(s3: Store) -> None:
    extra = {"content_type": "text/x-own", "meta_data": {"k": "v"}, "acl": "private"}
    s3.stream(iter([LONG]), extra=extra, headers=KEPT, ex_storage_class="standard_ia")
    sent = {
        **KEPT,
        "Content-Type": "text/x-own",
        "x-amz-meta-k": "v",
        "x-amz-acl": "private",
        "x-amz-storage-class": "STANDARD_IA",
    }
    (create,) = s3.requests("CreateMultipartUpload")
    assert carries(create, sent)
    for entry in s3.requests("UploadPart", "CompleteMultipartUpload"):
        assert not {name.lower() for name in sent} - {"content-type"} & set(entry.headers)
        assert entry.headers.get("content-type") in (None, "application/xml")
    assert s3.server.objects["bucket", "object"].metadata == {"k": "v"}


def test_properties_of_the_object_are_sent_with_a_single_put(s3: Store) -> None:
    s3.stream(iter([b"short"]), extra={"meta_data": {"k": "v"}}, headers=KEPT)
    assert with_headers(s3, {**KEPT, "x-amz-meta-k": "v"}) == {"PutObject"}


def test_the_customer_s_key_is_sent_with_every_request_for_the_data(amazon: Store) -> None:
    amazon.server.faults.add("CompleteMultipartUpload", LoseAnswer())
    stored = amazon.stream(iter([LONG]), headers=CUSTOMER_KEY)
    assert with_headers(amazon, CUSTOMER_KEY) == {
        "CreateMultipartUpload",
        "UploadPart",
        "CompleteMultipartUpload",
        "HeadObject",
        "ListParts",
    }
    assert amazon.server.count("HeadObject") == 1
    assert (amazon.body(), stored.size) == (LONG, len(LONG))


def test_the_customer_s_key_is_not_sent_with_an_abort(amazon: Store) -> None:
    amazon.server.faults.add("UploadPart", Status(403, "AccessDenied"))
    with pytest.raises(LibcloudError):
        amazon.stream(iter([LONG]), headers=CUSTOMER_KEY)
    assert amazon.server.count("AbortMultipartUpload") == 1
    assert "AbortMultipartUpload" not in with_headers(amazon, CUSTOMER_KEY)


def test_an_object_under_a_customers_key_is_not_mistaken_for_damaged(
    amazon: Store, tmp_path: Path
) -> None:
    """G16: its ETag is no MD5."""
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    for headers in (CUSTOMER_KEY, {"x-amz-server-side-encryption": "aws:kms:dsse"}):
        stored = amazon.driver.upload_object(
            str(path), amazon.container, "object", headers=headers, verify_hash=True
        )
        assert stored.size == 3
        amazon.stream(iter([LONG]), headers=headers)
        assert amazon.body() == LONG


def test_request_payer_is_sent_with_every_request(s3: Store) -> None:
    s3.server.faults.add("CompleteMultipartUpload", LoseAnswer())
    s3.stream(iter([LONG]), headers=PAYER)
    s3.server.faults.add("UploadPart", LoseAnswer(), part=2, times=None)  # asks for parts at last
    with pytest.raises(Exception):  # noqa: B017  whatever the connection's end becomes
        s3.stream(iter([LONG]), headers=PAYER)
    operations = {entry.operation for entry in s3.server.requests}
    assert {"AbortMultipartUpload", "ListParts", "HeadObject"} <= operations
    assert with_headers(s3, PAYER) == operations
    assert all(carries(entry, PAYER) for entry in s3.server.requests)


def test_conditions_hold_when_the_object_is_published(amazon: Store) -> None:
    condition = {"If-None-Match": "*"}
    amazon.stream(iter([LONG]), headers=condition)
    assert with_headers(amazon, condition) == {"CompleteMultipartUpload"}
    amazon.stream(iter([b"short"]), "short", headers=condition)
    assert with_headers(amazon, condition) == {"CompleteMultipartUpload", "PutObject"}


@pytest.mark.parametrize("data", [b"short", LONG])
def test_a_failed_precondition_changes_nothing(amazon: Store, data: bytes) -> None:
    amazon.stream(iter([b"first"]))
    with pytest.raises(PreconditionFailedError, match=r"bucket/object.*412.*PreconditionFailed"):
        amazon.stream(iter([data]), headers={"If-None-Match": "*"})
    assert amazon.body() == b"first"
    amazon.assert_nothing_is_left("object")


@pytest.mark.parametrize("data", [b"short", LONG])
def test_a_condition_met_by_our_own_lost_request_is_no_failure(amazon: Store, data: bytes) -> None:
    """The second attempt finds the object that the first one made."""
    for operation in ("PutObject", "CompleteMultipartUpload"):
        amazon.server.faults.add(operation, LoseAnswer())
    amazon.stream(iter([data]), headers={"If-None-Match": "*"})
    assert amazon.body() == data


@pytest.mark.parametrize("data", [b"short", LONG])
def test_the_callers_headers_and_extra_stay_as_they_are(
    s3: Store, data: bytes, tmp_path: Path
) -> None:
    """G6: nothing of one object leaks into the next."""
    path = tmp_path / "file"
    path.write_bytes(data)
    headers = {"Cache-Control": "max-age=60"}
    extra: dict[str, Any] = {"meta_data": {"owner": "alice"}, "content_type": "text/plain"}
    s3.stream(iter([data]), "first", extra=extra, headers=headers)
    s3.driver.upload_object(str(path), s3.container, "second", extra=extra, headers=headers)
    assert headers == {"Cache-Control": "max-age=60"}
    assert extra == {"meta_data": {"owner": "alice"}, "content_type": "text/plain"}
    s3.stream(iter([data]), "third", headers=headers)
    assert s3.server.objects["bucket", "first"].metadata == {"owner": "alice"}
    assert s3.server.objects["bucket", "third"].metadata == {}


def test_upload_object_via_stream_guess_file_mime_type(s3: Store) -> None:
    def sent(**options: Any) -> str:
        s3.stream(iter([b"x"]), "name.txt", **options)
        return s3.server.objects["bucket", "name.txt"].headers["content-type"]

    assert sent() == "text/plain"
    assert sent(headers={"content-type": "text/own"}) == "text/own"
    assert sent(headers={"content-type": "text/own"}, extra={"content_type": "a/b"}) == "a/b"


def test_upload_object_with_acl(s3: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    s3.driver.upload_object(str(path), s3.container, "object", extra={"acl": "public-read"})
    assert s3.server.requests[-1].headers["x-amz-acl"] == "public-read"


def test_one_storage_class_is_sent_wherever_it_is_set(s3: Store) -> None:
    def sent(**options: Any) -> str:
        s3.stream(iter([b"x"]), **options)
        return s3.server.objects["bucket", "object"].headers["x-amz-storage-class"]

    given = {"X-Amz-Storage-Class": "GLACIER"}
    assert sent() == "STANDARD"
    assert sent(headers=given) == "GLACIER"
    assert sent(headers=given, ex_storage_class="standard_ia") == "STANDARD_IA"
    assert given == {"X-Amz-Storage-Class": "GLACIER"}


def test_upload_small_object_with_glacier_ir(s3: Store) -> None:
    s3.stream(iter([b"x"]), ex_storage_class="glacier_ir")
    assert s3.server.objects["bucket", "object"].headers["x-amz-storage-class"] == "GLACIER_IR"


def test_upload_object_invalid_ex_storage_class(s3: Store) -> None:
    with pytest.raises(ValueError, match="Invalid storage class value: nonsense"):
        s3.stream(iter([b"x"]), ex_storage_class="nonsense")
    assert s3.server.requests == []


def test_a_digest_of_the_caller_is_sent_in_place_of_ours(s3: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    right = base64.b64encode(hashlib.md5(b"abc").digest()).decode()
    wrong = base64.b64encode(hashlib.md5(b"xyz").digest()).decode()
    s3.stream(iter([b"abc"]), "stream", headers={"content-md5": right})
    s3.driver.upload_object(str(path), s3.container, "file", headers={"content-md5": right})
    assert all(carries(entry, {"content-md5": right}) for entry in s3.server.requests)
    with pytest.raises(LibcloudError, match=r"bucket/other.*400.*BadDigest"):
        s3.stream(iter([b"abc"]), "other", headers={"content-md5": wrong})
    with pytest.raises(LibcloudError, match=r"bucket/other.*400.*BadDigest"):
        s3.driver.upload_object(str(path), s3.container, "other", headers={"content-md5": wrong})
    s3.assert_nothing_is_left("file", "stream")


def test_a_digest_of_the_whole_is_not_sent_with_what_is_not_the_whole(amazon: Store) -> None:
    given = {
        "Content-MD5": base64.b64encode(hashlib.md5(LONG).digest()).decode(),
        "x-amz-content-sha256": hashlib.sha256(LONG).hexdigest(),
    }
    amazon.stream(iter([LONG]), headers=given)
    for entry in amazon.server.requests:
        assert "content-md5" not in entry.headers
        assert entry.headers["x-amz-content-sha256"] != given["x-amz-content-sha256"]


@pytest.mark.parametrize("text", ["a  b", "a   b  c", "é", "日本", "=?x", "", "-"])
def test_metadata_arrives_as_it_was_given(s3: Store, text: str) -> None:
    """G32: repeated spaces are signed right, and what is not ASCII is encoded."""
    for data in (b"short", LONG):
        s3.stream(iter([data]), extra={"meta_data": {"k": text}})
        assert s3.driver.get_object("bucket", "object").meta_data == {"k": text}


def test_a_failed_attempt_sends_the_same_headers_again(amazon: Store) -> None:
    amazon.server.faults.add("UploadPart", Drop(), part=1)
    amazon.stream(iter([LONG]), headers=CUSTOMER_KEY)
    first, second = (e for e in amazon.requests("UploadPart") if e.part_number == 1)
    assert carries(first, CUSTOMER_KEY)
    assert carries(second, CUSTOMER_KEY)
