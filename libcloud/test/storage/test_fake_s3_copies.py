# SPDX-License-Identifier: Apache-2.0
"""The fake S3 server copies and deletes in bulk as Amazon S3 does, and refuses what it refuses."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from libcloud.test.storage.fakes.client import complete, create_upload, request
from libcloud.test.storage.fakes.options import SMALL_LIMITS
from libcloud.test.storage.fakes.server import FakeS3

BODY = bytes(range(40))


@pytest.fixture
def server() -> Iterator[FakeS3]:
    with FakeS3(replace(SMALL_LIMITS, undeletable=frozenset({"locked"}))) as running:
        running.create_bucket("bkt", "other")
        headers = {"x-amz-meta-a": "1", "Content-Type": "text/plain"}
        assert request(running, "PUT", "/bkt/a%20b", BODY, headers).status == 200
        yield running


def etag(server: FakeS3, key: str = "a b") -> str:
    return server.objects["bkt", key].etag


def copied(server: FakeS3, target: str, source: str = "bkt/a%20b", **headers: str) -> Any:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return request(server, "PUT", target, headers={"x-amz-copy-source": source, **names})


def boto(server: FakeS3) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=server.url,
        aws_access_key_id=server.key,
        aws_secret_access_key=server.secret,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


# Copies of whole objects


@pytest.mark.parametrize("source", ["bkt/a%20b", "/bkt/a%20b", "bkt/%61%20b"])
def test_a_copy_has_the_content_and_the_metadata(server: FakeS3, source: str) -> None:
    reply = copied(server, "/other/new", source)
    assert (reply.status, reply.text("ETag")) == (200, f'"{etag(server)}"')
    copy = server.objects["other", "new"]
    assert bytes(copy.body) == BODY
    assert (copy.metadata, copy.headers["content-type"]) == ({"a": "1"}, "text/plain")
    assert server.operations()[-1] == "CopyObject"


def test_metadata_is_replaced_on_demand_only(server: FakeS3) -> None:
    copied(server, "/bkt/kept", x_amz_meta_b="2")
    copied(server, "/bkt/new", x_amz_meta_b="2", x_amz_metadata_directive="REPLACE")
    assert server.objects["bkt", "kept"].metadata == {"a": "1"}
    new = server.objects["bkt", "new"]
    assert (new.metadata, new.headers["content-type"]) == ({"b": "2"}, "binary/octet-stream")


@pytest.mark.parametrize(
    ("source", "headers", "status", "code"),
    [
        ("bkt/none", {}, 404, "NoSuchKey"),
        ("none/key", {}, 404, "NoSuchBucket"),
        ("bkt/a b", {}, 400, "InvalidArgument"),
        ("bkt/a+b", {}, 400, "InvalidArgument"),
        ("bkt", {}, 400, "InvalidArgument"),
        ("bkt/a%20b", {"x_amz_copy_source_if_match": '"other"'}, 412, "PreconditionFailed"),
        ("bkt/a%20b", {"x_amz_metadata_directive": "KEEP"}, 400, "InvalidArgument"),
        ("bkt/a%20b", {"x_amz_storage_class": "ROCK"}, 400, "InvalidStorageClass"),
    ],
)
def test_refused_copies(
    server: FakeS3, source: str, headers: dict[str, str], status: int, code: str
) -> None:
    reply = copied(server, "/bkt/new", source, **headers)
    assert (reply.status, reply.code) == (status, code)
    assert ("bkt", "new") not in server.objects


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "InvalidRequest"),
        ({"x_amz_storage_class": "STANDARD"}, "InvalidRequest"),
        ({"x_amz_storage_class": "GLACIER"}, ""),
        ({"x_amz_metadata_directive": "REPLACE"}, ""),
        ({"x_amz_server_side_encryption": "AES256"}, ""),
    ],
)
def test_a_copy_onto_itself_must_change_something(
    server: FakeS3, headers: dict[str, str], code: str
) -> None:
    assert copied(server, "/bkt/a%20b", **headers).code == code


def test_one_request_copies_no_more_than_one_put(server: FakeS3) -> None:
    big = replace_size(server, 1025)
    assert copied(server, "/bkt/new", big).code == "InvalidRequest"


def replace_size(server: FakeS3, size: int) -> str:
    with server.state.lock:
        found = server.state.objects["bkt", "a b"]
        server.state.objects["bkt", "big"] = replace(found, body=b"", size=size)
    return "bkt/big"


# Parts


def part(server: FakeS3, upload: str, number: int, span: str, **headers: str) -> Any:
    target = f"/bkt/key?partNumber={number}&uploadId={upload}"
    return copied(server, target, x_amz_copy_source_range=span, **headers)


def test_parts_are_copied_from_ranges(server: FakeS3) -> None:
    upload = create_upload(server)
    parts = [
        (number, part(server, upload, number, span).text("ETag"))
        for number, span in [(1, "bytes=0-19"), (2, "bytes=20-39")]
    ]
    assert parts[0][1] == f'"{hashlib.md5(BODY[:20]).hexdigest()}"'
    assert complete(server, upload, parts).status == 200
    assert server.body("bkt", "key") == BODY
    assert server.count("UploadPartCopy") == 2


@pytest.mark.parametrize("span", ["bytes=0-40", "bytes=5-4", "bytes=0-", "0-1", "bytes=-5"])
def test_a_range_lies_within_the_source(server: FakeS3, span: str) -> None:
    upload = create_upload(server)
    assert part(server, upload, 1, span).code == "InvalidArgument"
    assert not server.unfinished_uploads()[0].parts


def test_ranges_of_small_objects_are_not_copied(server: FakeS3) -> None:
    request(server, "PUT", "/bkt/small", BODY[:16])
    target = f"/bkt/key?partNumber=1&uploadId={create_upload(server)}"
    reply = copied(server, target, "bkt/small", x_amz_copy_source_range="bytes=0-1")
    assert reply.code == "InvalidRequest"


def test_a_part_of_a_replaced_source_is_refused(server: FakeS3) -> None:
    upload = create_upload(server)
    reply = part(server, upload, 1, "bytes=0-19", x_amz_copy_source_if_match='"old"')
    assert (reply.status, reply.code) == (412, "PreconditionFailed")


def test_an_upload_is_not_created_with_a_source(server: FakeS3) -> None:
    reply = request(server, "POST", "/bkt/k?uploads", headers={"x-amz-copy-source": "bkt/a%20b"})
    assert reply.code == "NotImplemented"


# Deletions


def delete(server: FakeS3, body: bytes, *, md5: bool = True) -> Any:
    digest = base64.b64encode(hashlib.md5(body).digest()).decode()
    return request(server, "POST", "/bkt?delete", body, {"Content-MD5": digest} if md5 else {})


def listed(*keys: str, quiet: str = "") -> bytes:
    inner = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
    return f"<Delete>{quiet}{inner}</Delete>".encode()


def test_many_keys_at_once(server: FakeS3) -> None:
    request(server, "PUT", "/bkt/locked", BODY)
    reply = delete(server, listed("a b", "none", "locked"))
    assert (reply.status, reply.texts("Key")) == (200, ["a b", "none", "locked"])
    assert reply.text("Code") == "AccessDenied"
    assert [key for _, key in server.objects] == ["locked"]


def test_a_short_response_names_what_was_not_deleted(server: FakeS3) -> None:
    reply = delete(server, listed("a b", "locked", quiet="<Quiet>true</Quiet>"))
    assert reply.texts("Key") == ["locked"]
    assert not server.objects


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MalformedXML"),
        (listed(), "MalformedXML"),
        (listed(""), "MalformedXML"),
        (listed("\x01"), "MalformedXML"),
        (listed(*["k"] * 1001), "MalformedXML"),
        (b"<Other/>", "MalformedXML"),
    ],
)
def test_refused_lists(server: FakeS3, body: bytes, code: str) -> None:
    assert delete(server, body).code == code


def test_a_list_needs_its_digest(server: FakeS3) -> None:
    assert delete(server, listed("a b"), md5=False).code == "InvalidRequest"
    assert ("bkt", "a b") in server.objects


# Another client agrees


def test_boto_copies_and_deletes(server: FakeS3) -> None:
    client = boto(server)
    source = {"Bucket": "bkt", "Key": "a b"}
    answer = client.copy_object(CopySource=source, Bucket="other", Key="é")
    assert answer["CopyObjectResult"]["ETag"] == f'"{etag(server)}"'
    upload = client.create_multipart_upload(Bucket="bkt", Key="joined")["UploadId"]
    where = {"Bucket": "bkt", "Key": "joined", "UploadId": upload}
    copy = client.upload_part_copy(
        CopySource=source, CopySourceRange="bytes=0-29", PartNumber=1, **where
    )
    parts = [{"PartNumber": 1, "ETag": copy["CopyPartResult"]["ETag"]}]
    client.complete_multipart_upload(MultipartUpload={"Parts": parts}, **where)
    assert server.body("other", "é") == BODY
    assert server.body("bkt", "joined") == BODY[:30]
    keys = [{"Key": "joined"}, {"Key": "a b"}]
    assert len(client.delete_objects(Bucket="bkt", Delete={"Objects": keys})["Deleted"]) == 2
    assert [key for _, key in server.objects] == ["é"]
