# SPDX-License-Identifier: Apache-2.0
"""The fake S3 server refuses what Amazon S3 refuses."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from libcloud.test.storage.fakes.client import (
    boto_sign,
    complete,
    create_upload,
    put_part,
    request,
    send_parts,
)
from libcloud.test.storage.fakes.options import EQUAL_PARTS, SMALL_LIMITS, Options
from libcloud.test.storage.fakes.server import FakeS3

PART = b"0123456789abcdef"


def md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body).digest()).decode()


def crc32(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


@pytest.fixture
def server() -> Iterator[FakeS3]:
    with FakeS3(SMALL_LIMITS) as running:
        running.create_bucket("bkt")
        yield running


# Who is asking


def test_a_request_without_a_signature_is_refused(server: FakeS3) -> None:
    reply = request(server, "GET", "/bkt", sign=False)
    assert (reply.status, reply.code) == (403, "AccessDenied")


def test_a_wrong_secret_is_refused(server: FakeS3) -> None:
    stranger = FakeS3(replace(SMALL_LIMITS, secret="another"))
    stranger.port = server.port
    reply = request(stranger, "GET", "/bkt")
    assert (reply.status, reply.code) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ("method", "target", "header", "body", "code"),
    [
        ("PUT", "/bkt/other", "x-amz-meta-a", PART, "SignatureDoesNotMatch"),
        ("PUT", "/bkt/key?versioned", "x-amz-meta-a", PART, "SignatureDoesNotMatch"),
        ("DELETE", "/bkt/key", "x-amz-meta-a", PART, "SignatureDoesNotMatch"),
        ("PUT", "/bkt/key", "x-amz-meta-b", PART, "AccessDenied"),
        ("PUT", "/bkt/key", "x-amz-meta-a", b"another body", "XAmzContentSHA256Mismatch"),
        ("PUT", "/bkt/key", "x-amz-meta-a", PART, ""),
    ],
)
def test_what_was_signed_cannot_be_changed(
    server: FakeS3, method: str, target: str, header: str, body: bytes, code: str
) -> None:
    headers = boto_sign(server, "PUT", "/bkt/key", PART, {"x-amz-meta-a": "1"})
    headers[header] = "1"
    reply = request(server, method, target, body, headers, sign=False)
    assert reply.code == code
    assert bool(server.objects) is (code == "")


def test_a_changed_header_is_noticed(server: FakeS3) -> None:
    headers = boto_sign(server, "PUT", "/bkt/key", PART, {"x-amz-meta-a": "1"})
    headers["x-amz-meta-a"] = "2"
    reply = request(server, "PUT", "/bkt/key", PART, headers, sign=False)
    assert reply.code == "SignatureDoesNotMatch"


def test_repeated_spaces_of_a_header_are_folded_before_signing(server: FakeS3) -> None:
    reply = request(server, "PUT", "/bkt/key", PART, {"x-amz-meta-a": "b   c"})
    assert reply.status == 200
    assert server.objects["bkt", "key"].metadata == {"a": "b   c"}


@pytest.mark.parametrize(("minutes", "status"), [(14, 200), (-14, 200), (16, 403), (-16, 403)])
def test_a_date_may_be_a_quarter_of_an_hour_off(minutes: int, status: int) -> None:
    def clock() -> datetime:
        return datetime.now(timezone.utc) + timedelta(minutes=minutes)

    with FakeS3(replace(SMALL_LIMITS, clock=clock)) as server:
        reply = request(server, "GET", "/")
    assert reply.status == status
    assert reply.code == ("" if status == 200 else "RequestTimeTooSkewed")


def test_a_wrong_region_is_named(server: FakeS3) -> None:
    elsewhere = FakeS3(replace(SMALL_LIMITS, region="eu-west-1"))
    elsewhere.port = server.port
    reply = request(elsewhere, "GET", "/bkt")
    assert (reply.code, reply.text("Region")) == ("AuthorizationHeaderMalformed", "us-east-1")


def test_an_unsigned_payload_needs_https(server: FakeS3) -> None:
    headers = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    assert request(server, "PUT", "/bkt/key", PART, headers).code == "InvalidRequest"
    with FakeS3(replace(SMALL_LIMITS, unsigned_payload=True)) as lenient:
        lenient.create_bucket("bkt")
        assert request(lenient, "PUT", "/bkt/key", PART, headers).status == 200


# What the body is


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content-MD5": md5(b"another")}, "BadDigest"),
        ({"Content-MD5": "abc"}, "InvalidDigest"),
        ({"x-amz-checksum-crc32": crc32(b"another")}, "BadDigest"),
        ({"x-amz-checksum-crc32": "abc"}, "InvalidRequest"),
        ({"x-amz-checksum-crc64nvme": "AAAAAAAAAAA="}, "BadDigest"),
        ({"x-amz-checksum-sha512": "AA=="}, "NotImplemented"),
        (
            {"x-amz-checksum-crc32": crc32(PART), "x-amz-checksum-sha1": "AA=="},
            "InvalidRequest",
        ),
        ({"Content-MD5": md5(PART), "x-amz-checksum-crc32": crc32(PART)}, ""),
        ({"x-amz-checksum-crc32c": "CGtcww=="}, "BadDigest"),
    ],
)
def test_digests_are_compared_with_the_body(
    server: FakeS3, headers: dict[str, str], code: str
) -> None:
    assert request(server, "PUT", "/bkt/key", PART, headers).code == code
    assert (("bkt", "key") in server.objects) is (code == "")


def test_crcs_have_the_check_values_of_their_standards() -> None:
    from libcloud.test.storage.fakes.digests import crc

    assert crc("crc32c", b"123456789").hex() == "e3069283"
    assert crc("crc64nvme", b"123456789").hex() == "ae8b14860a799888"


def test_a_body_of_unknown_length_is_refused(server: FakeS3) -> None:
    headers = boto_sign(server, "PUT", "/bkt/key", b"", {})
    headers["Transfer-Encoding"] = "chunked"
    reply = request(server, "PUT", "/bkt/key", b"", headers, sign=False)
    assert (reply.status, reply.code) == (411, "MissingContentLength")


# Keys


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/bkt/a//b", "a//b"),
        ("/bkt//lead", "/lead"),
        ("/bkt/../x", "../x"),
        ("/bkt/./x/", "./x/"),
        ("/bkt/%252F", "%2F"),
        ("/bkt/a%2Bb%20c", "a+b c"),
        ("/bkt/%01%7F", "\x01\x7f"),
    ],
)
def test_a_key_is_the_path_decoded_once_and_never_normalised(
    server: FakeS3, path: str, key: str
) -> None:
    assert request(server, "PUT", path, PART).status == 200
    assert list(server.objects) == [("bkt", key)]


def test_a_key_is_utf8_of_at_most_1024_bytes(server: FakeS3) -> None:
    assert request(server, "PUT", "/bkt/%FF", PART).code == "InvalidURI"
    assert request(server, "PUT", "/bkt/" + "k" * 1025, PART).code == "KeyTooLongError"
    assert request(server, "PUT", "/bkt/" + "k" * 1024, PART).status == 200


# Buckets and objects


def test_buckets_are_created_where_the_server_is() -> None:
    body = b"<CreateBucketConfiguration><LocationConstraint>%s</LocationConstraint>"
    body += b"</CreateBucketConfiguration>"
    with FakeS3(replace(SMALL_LIMITS, region="eu-west-1")) as server:
        wrong = request(server, "PUT", "/bkt")
        assert wrong.code == "IllegalLocationConstraintException"
        assert request(server, "PUT", "/bkt", body % b"eu-west-1").status == 200
        again = request(server, "PUT", "/bkt", body % b"eu-west-1")
        assert (again.status, again.code) == (409, "BucketAlreadyOwnedByYou")
        assert request(server, "PUT", "/B_", body % b"eu-west-1").code == "InvalidBucketName"


def test_a_bucket_with_objects_stays(server: FakeS3) -> None:
    request(server, "PUT", "/bkt/key", PART)
    assert request(server, "DELETE", "/bkt").code == "BucketNotEmpty"
    assert request(server, "DELETE", "/bkt/key").status == 204
    assert request(server, "DELETE", "/bkt").status == 204
    assert request(server, "HEAD", "/bkt").status == 404


@pytest.mark.parametrize(
    ("span", "status", "body"),
    [
        ("bytes=2-4", 206, b"234"),
        ("bytes=14-", 206, b"ef"),
        ("bytes=-2", 206, b"ef"),
        ("bytes=15-99", 206, b"f"),
        ("bytes=4-2", 200, PART),
    ],
)
def test_ranges(server: FakeS3, span: str, status: int, body: bytes) -> None:
    request(server, "PUT", "/bkt/key", PART)
    reply = request(server, "GET", "/bkt/key", headers={"Range": span})
    assert (reply.status, reply.body) == (status, body)


def test_a_range_beyond_the_end_is_416(server: FakeS3) -> None:
    request(server, "PUT", "/bkt/key", PART)
    reply = request(server, "GET", "/bkt/key", headers={"Range": "bytes=16-"})
    assert (reply.status, reply.code) == (416, "InvalidRange")


def test_writes_can_be_conditional(server: FakeS3) -> None:
    first = request(server, "PUT", "/bkt/key", PART, {"If-None-Match": "*"})
    etag = first.headers["etag"]
    assert request(server, "PUT", "/bkt/key", b"2", {"If-None-Match": "*"}).status == 412
    assert request(server, "PUT", "/bkt/key", b"3", {"If-Match": '"other"'}).status == 412
    assert server.body("bkt", "key") == PART
    assert request(server, "PUT", "/bkt/key", b"4", {"If-Match": etag}).status == 200
    assert request(server, "PUT", "/bkt/new", b"5", {"If-Match": etag}).status == 404


def test_an_object_with_a_customer_key_needs_it_again(server: FakeS3) -> None:
    prefix = "x-amz-server-side-encryption-customer-"
    key = b"k" * 32
    trio = {
        prefix + "algorithm": "AES256",
        prefix + "key": base64.b64encode(key).decode(),
        prefix + "key-MD5": md5(key),
    }
    assert request(server, "PUT", "/bkt/key", PART, trio).status == 200
    assert request(server, "GET", "/bkt/key").status == 400
    assert request(server, "GET", "/bkt/key", headers=trio).body == PART
    assert server.objects["bkt", "key"].etag != hashlib.md5(PART).hexdigest()
    wrong = {**trio, prefix + "key-MD5": md5(PART)}
    assert request(server, "PUT", "/bkt/key", PART, wrong).code == "InvalidArgument"


def test_unknown_values_of_headers_are_refused(server: FakeS3) -> None:
    for name, code in [
        ("x-amz-storage-class", "InvalidStorageClass"),
        ("x-amz-acl", "InvalidArgument"),
    ]:
        assert request(server, "PUT", "/bkt/key", PART, {name: "nonsense"}).code == code


# Multipart uploads


def test_an_upload_is_joined_in_order_and_gets_the_etag_of_etags(server: FakeS3) -> None:
    upload = create_upload(server, headers={"Content-Type": "text/x", "x-amz-meta-a": "1"})
    parts = send_parts(server, upload, PART, PART[::-1], b"tail")
    reply = complete(server, upload, parts, {"x-amz-mp-object-size": "36"})
    digests = b"".join(bytes.fromhex(etag.strip('"')) for _, etag in parts)
    assert reply.text("ETag") == f'"{hashlib.md5(digests).hexdigest()}-3"'
    stored = server.objects["bkt", "key"]
    assert bytes(stored.body) == PART + PART[::-1] + b"tail"
    assert (stored.headers["content-type"], stored.metadata) == ("text/x", {"a": "1"})
    assert complete(server, upload, parts).code == "NoSuchUpload"


def test_complete_refuses_a_wrong_list(server: FakeS3) -> None:
    upload = create_upload(server)
    one, two = send_parts(server, upload, PART, PART)
    assert complete(server, upload, [two, one]).code == "InvalidPartOrder"
    assert complete(server, upload, [one, one]).code == "InvalidPartOrder"
    assert complete(server, upload, [(1, '"wrong"')]).code == "InvalidPart"
    assert complete(server, upload, [one, (3, two[1])]).code == "InvalidPart"
    assert complete(server, upload, []).code == "MalformedXML"
    wrong_size = complete(server, upload, [one, two], {"x-amz-mp-object-size": "31"})
    assert wrong_size.code == "InvalidRequest"
    assert server.objects == {} and len(server.unfinished_uploads()) == 1
    assert complete(server, upload, [one, two]).status == 200


def test_only_the_last_part_may_be_small(server: FakeS3) -> None:
    upload = create_upload(server)
    small, last = send_parts(server, upload, PART[:-1], b"")
    assert complete(server, upload, [small, last]).code == "EntityTooSmall"
    assert complete(server, upload, [small]).status == 200


@pytest.mark.parametrize("number", ["0", "6", "x"])
def test_part_numbers_have_bounds(server: FakeS3, number: str) -> None:
    upload = create_upload(server)
    target = f"/bkt/key?partNumber={number}&uploadId={upload}"
    assert request(server, "PUT", target, PART).code == "InvalidArgument"


def test_sizes_have_bounds(server: FakeS3) -> None:
    upload = create_upload(server)
    assert put_part(server, upload, 1, b"x" * 1025).code == "EntityTooLarge"
    assert request(server, "PUT", "/bkt/key", b"x" * 1025).code == "EntityTooLarge"


@pytest.mark.parametrize(
    ("sizes", "code"),
    [
        ((16, 17, 1), "InvalidPart"),
        ((16, 16, 17), "InvalidPart"),
        ((16, 16, 16), ""),
        ((16, 16, 1), ""),
        ((1,), ""),
    ],
)
def test_equal_parts_are_enforced(sizes: tuple[int, ...], code: str) -> None:
    with FakeS3(replace(EQUAL_PARTS, min_part_size=16)) as server:
        server.create_bucket("bkt")
        upload = create_upload(server)
        parts = send_parts(server, upload, *(b"x" * size for size in sizes))
        assert complete(server, upload, parts).code == code


def test_an_upload_belongs_to_its_key(server: FakeS3) -> None:
    upload = create_upload(server)
    target = f"/bkt/other?partNumber=1&uploadId={upload}"
    assert request(server, "PUT", target, PART).code == "NoSuchUpload"
    assert request(server, "PUT", "/bkt/key?partNumber=1&uploadId=x", PART).code == "NoSuchUpload"


def test_an_abort_leaves_nothing_and_is_reported_once(server: FakeS3) -> None:
    upload = create_upload(server)
    send_parts(server, upload, PART)
    assert request(server, "DELETE", f"/bkt/key?uploadId={upload}").status == 204
    assert server.unfinished_uploads() == []
    assert put_part(server, upload, 2, PART).code == "NoSuchUpload"
    assert request(server, "DELETE", f"/bkt/key?uploadId={upload}").code == "NoSuchUpload"


def test_composite_checksums_must_be_listed(server: FakeS3) -> None:
    upload = create_upload(server, headers={"x-amz-checksum-algorithm": "CRC32"})
    parts = send_parts(server, upload, PART)
    assert complete(server, upload, parts).code == "InvalidRequest"


def test_a_part_carries_the_checksum_that_was_announced_or_any(server: FakeS3) -> None:
    headers = {"x-amz-checksum-crc32": crc32(PART)}
    for algorithm, code in [("SHA1", "InvalidRequest"), ("CRC32", ""), ("", "")]:
        announced = {"x-amz-checksum-algorithm": algorithm} if algorithm else {}
        target = f"/bkt/key?partNumber=1&uploadId={create_upload(server, headers=announced)}"
        assert request(server, "PUT", target, PART, headers).code == code
        assert request(server, "PUT", target, PART + b"x", headers).status == 400


def test_sha256_cannot_be_a_whole_object_checksum(server: FakeS3) -> None:
    headers = {"x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-type": "FULL_OBJECT"}
    reply = request(server, "POST", "/bkt/key?uploads", headers=headers)
    assert reply.code == "InvalidRequest"


# Plainer servers


def test_responses_can_be_without_namespace_and_optional_elements() -> None:
    plain = Options(namespace=False, optional_elements=False)
    with FakeS3(plain) as server:
        server.create_bucket("bkt")
        create_upload(server)
        body = request(server, "GET", "/bkt?uploads").body
    assert b"<UploadId>" in body
    assert not [word for word in (b"xmlns", b"Owner", b"Initiator", b"IsTruncated") if word in body]
