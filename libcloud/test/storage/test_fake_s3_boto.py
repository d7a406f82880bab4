# SPDX-License-Identifier: Apache-2.0
"""boto3 can work with the fake S3 server: what the fake says is what a known client understands."""

from __future__ import annotations

import io
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from libcloud.test.storage.fakes.options import AMAZON, SIGV2, SMALL_LIMITS
from libcloud.test.storage.fakes.server import FakeS3

MIB = 1024 * 1024


def boto(server: FakeS3, *, signature: str = "s3v4", checksums: str = "when_supported") -> Any:
    return boto3.client(
        "s3",
        endpoint_url=server.url,
        aws_access_key_id=server.key,
        aws_secret_access_key=server.secret,
        aws_session_token=server.options.session_token,
        region_name=server.options.region or "us-east-1",
        verify=server.certificate,
        config=Config(
            signature_version=signature,
            request_checksum_calculation=checksums,
            retries={"max_attempts": 1},
            s3={"addressing_style": "path", "payload_signing_enabled": not server.options.tls},
        ),
    )


@pytest.fixture
def server() -> Iterator[FakeS3]:
    with FakeS3(SMALL_LIMITS) as running:
        running.create_bucket("bkt")
        yield running


@pytest.mark.slow
def test_a_stream_is_uploaded_in_parts_and_read_back() -> None:
    data = bytes(range(256)) * 4096 * 12
    with FakeS3(AMAZON) as server:
        server.create_bucket("bkt")
        config = TransferConfig(multipart_threshold=1, multipart_chunksize=5 * MIB)
        boto(server).upload_fileobj(io.BytesIO(data), "bkt", "big", Config=config)
        assert server.count("UploadPart") == 3
        assert boto(server).get_object(Bucket="bkt", Key="big")["Body"].read() == data
        assert server.violations == [] and server.unfinished_uploads() == []


@pytest.mark.slow
def test_https_takes_an_unsigned_payload() -> None:
    with FakeS3(replace(AMAZON, tls=True)) as server:
        server.create_bucket("bkt")
        client = boto(server, checksums="when_required")
        client.put_object(Bucket="bkt", Key="k", Body=b"over https")
        assert server.requests[-1].headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
        assert client.get_object(Bucket="bkt", Key="k")["Body"].read() == b"over https"


def test_version_2_signatures_are_understood_with_sub_resources() -> None:
    with FakeS3(replace(SIGV2, min_part_size=1)) as server:
        server.create_bucket("bkt")
        client = boto(server, signature="s3", checksums="when_required")
        upload = client.create_multipart_upload(Bucket="bkt", Key="a b/ü+~")["UploadId"]
        names = {"Bucket": "bkt", "Key": "a b/ü+~", "UploadId": upload}
        part = client.upload_part(**names, PartNumber=1, Body=b"part")
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        client.complete_multipart_upload(**names, MultipartUpload=parts)
        assert server.body("bkt", "a b/ü+~") == b"part"


@pytest.mark.parametrize("signature", ["s3v4", "s3"])
@pytest.mark.parametrize("key", ["plain", "a//b", "sp ace+ü%2F~", "q?a=b&c"])
def test_a_presigned_url_works_for_anybody(signature: str, key: str) -> None:
    options = SMALL_LIMITS if signature == "s3v4" else SIGV2
    with FakeS3(options) as server:
        server.create_bucket("bkt")
        client = boto(server, signature=signature, checksums="when_required")
        client.put_object(Bucket="bkt", Key=key, Body=b"for you")
        url = client.generate_presigned_url("get_object", Params={"Bucket": "bkt", "Key": key})
        with urllib.request.urlopen(url, timeout=60) as answer:
            assert answer.read() == b"for you"


def test_a_session_token_is_demanded() -> None:
    with FakeS3(replace(SMALL_LIMITS, session_token="the token")) as server:
        server.create_bucket("bkt")
        boto(server).head_bucket(Bucket="bkt")
        stranger = boto3.client(
            "s3",
            endpoint_url=server.url,
            aws_access_key_id=server.key,
            aws_secret_access_key=server.secret,
            region_name="us-east-1",
        )
        with pytest.raises(ClientError, match="403"):
            stranger.head_bucket(Bucket="bkt")


def test_listings_are_paged_and_grouped(server: FakeS3) -> None:
    client = boto(server)
    names = ["a/1", "a/2", "b", "c/é x", "c/\x01", "d"]
    for name in names:
        client.put_object(Bucket="bkt", Key=name, Body=b"x")
    for operation in ("list_objects", "list_objects_v2"):
        pages = client.get_paginator(operation).paginate(
            Bucket="bkt", PaginationConfig={"PageSize": 2}
        )
        found = [entry["Key"] for page in pages for entry in page["Contents"]]
        assert found == ["a/1", "a/2", "b", "c/\x01", "c/é x", "d"]
        grouped = client.get_paginator(operation).paginate(
            Bucket="bkt", Delimiter="/", PaginationConfig={"PageSize": 1}
        )
        seen = [
            entry.get("Key") or entry["Prefix"]
            for page in grouped
            for entry in page.get("Contents", []) + page.get("CommonPrefixes", [])
        ]
        assert seen == ["a/", "b", "c/", "d"]


def test_unfinished_uploads_and_their_parts_are_listed_in_pages(server: FakeS3) -> None:
    client = boto(server)
    ids = [
        client.create_multipart_upload(Bucket="bkt", Key=key)["UploadId"]
        for key in ("one", "one", "two &")
    ]
    names = {"Bucket": "bkt", "Key": "two &", "UploadId": ids[2]}
    for number in (1, 2, 4):
        client.upload_part(**names, PartNumber=number, Body=b"x")
    uploads = client.get_paginator("list_multipart_uploads").paginate(
        Bucket="bkt", PaginationConfig={"PageSize": 1}
    )
    listed = [(entry["Key"], entry["UploadId"]) for page in uploads for entry in page["Uploads"]]
    assert listed == [("one", ids[0]), ("one", ids[1]), ("two &", ids[2])]
    parts = client.get_paginator("list_parts").paginate(**names, PaginationConfig={"PageSize": 1})
    assert [part["PartNumber"] for page in parts for part in page["Parts"]] == [1, 2, 4]
    client.abort_multipart_upload(**names)
    assert [upload.upload_id for upload in server.unfinished_uploads()] == ids[:2]


def test_whole_object_checksums_are_checked(server: FakeS3) -> None:
    client = boto(server)
    created = client.create_multipart_upload(
        Bucket="bkt", Key="k", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT"
    )
    names = {"Bucket": "bkt", "Key": "k", "UploadId": created["UploadId"]}
    part = client.upload_part(**names, PartNumber=1, Body=b"hello", ChecksumAlgorithm="CRC32")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    with pytest.raises(ClientError, match="BadDigest"):
        client.complete_multipart_upload(**names, MultipartUpload=parts, ChecksumCRC32="AAAAAA==")
    client.complete_multipart_upload(
        **names, MultipartUpload=parts, ChecksumCRC32="NhCmhg==", MpuObjectSize=5
    )
    head = client.head_object(Bucket="bkt", Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumCRC32"] == "NhCmhg==" and head["ChecksumType"] == "FULL_OBJECT"
