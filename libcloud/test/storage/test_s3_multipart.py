# SPDX-License-Identifier: Apache-2.0
"""What uploads in parts send, on a server that checks signatures, digests and order."""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from libcloud.http import LibcloudConnection
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.s3.profiles import AMAZON as AMAZON_PROFILE
from libcloud.test.storage.fakes.options import AMAZON, NO_NAMESPACE, SIGV2
from libcloud.test.storage.s3_servers import PART, Store, pattern, store

LONG = pattern(PART * 3 + 1)  # four parts


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 1])
def test_the_bytes_of_the_parts_are_those_of_the_source(s3: Store, size: int) -> None:
    """Also of an empty stream, and of one whose length is a multiple of the part size."""
    data = pattern(size)
    stored = s3.stream(iter([data[:3], b"", data[3:], b""]))
    assert (s3.body(), stored.size) == (data, size)
    sizes = [entry.body_length for entry in s3.requests("UploadPart")]
    expected = [PART] * (size // PART) + [size % PART] * (size % PART > 0)
    assert sizes == (expected if size > PART else [])
    whole = ["CreateMultipartUpload", *["UploadPart"] * len(expected), "CompleteMultipartUpload"]
    assert s3.server.operations() == (whole if size > PART else ["PutObject"])
    assert stored.hash == s3.driver.get_object("bucket", "object").hash
    s3.assert_nothing_is_left("object")


def test_one_upload_has_one_id_and_parts_without_a_gap(s3: Store) -> None:
    s3.stream(iter([LONG]))
    parts = s3.requests("UploadPart")
    assert [part.part_number for part in parts] == [1, 2, 3, 4]
    (complete,) = s3.requests("CompleteMultipartUpload")
    assert len({entry.query["uploadId"] for entry in [complete, *parts]}) == 1
    assert s3.requests("CreateMultipartUpload")[0].query["uploads"] == ""


def test_complete_lists_the_etags_of_the_responses_in_order(s3: Store) -> None:
    s3.stream(iter([LONG]))
    (complete,) = s3.requests("CompleteMultipartUpload")
    pieces = [LONG[start : start + PART] for start in range(0, len(LONG), PART)]
    expected = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{hashlib.md5(piece).hexdigest()}</ETag>"
        "</Part>"
        for number, piece in enumerate(pieces, 1)
    )
    assert complete.body.decode() == (
        f"<CompleteMultipartUpload>{expected}</CompleteMultipartUpload>"
    )


def test_version_2_sends_the_md5_of_each_part_and_nothing_else() -> None:
    with store(version="2") as s3:
        s3.stream(iter([LONG]))
        s3.stream(iter([b"short"]), "short")
        for entry in s3.requests("UploadPart", "PutObject"):
            digest = base64.b64encode(hashlib.md5(entry.body).digest()).decode()
            assert digests(entry.headers) == {"content-md5": digest}


def test_version_4_signs_the_sha256_of_each_part_and_sends_nothing_else() -> None:
    with store(NO_NAMESPACE) as s3:
        s3.stream(iter([LONG]))
        s3.stream(iter([b"short"]), "short")
        for entry in s3.requests("UploadPart", "PutObject"):
            digest = hashlib.sha256(entry.body).hexdigest()
            assert digests(entry.headers) == {"x-amz-content-sha256": digest}


def test_https_to_amazon_sends_a_crc32_of_each_part_and_of_the_whole() -> None:
    with store(replace(AMAZON, tls=True)) as s3:
        s3.stream(iter([LONG]))
        s3.stream(iter([b"short"]), "short")
        for entry in s3.requests("UploadPart", "PutObject"):
            assert digests(entry.headers) == {
                "x-amz-checksum-crc32": crc32(entry.body),
                "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
            }
        (complete,) = s3.requests("CompleteMultipartUpload")
        assert complete.headers["x-amz-checksum-crc32"] == crc32(LONG)
        assert complete.headers["x-amz-mp-object-size"] == str(len(LONG))
        assert s3.server.objects["bucket", "object"].checksums == {"crc32": crc32(LONG)}


@pytest.mark.parametrize("tls", [False, True])
def test_the_caller_selects_the_checksum(tls: bool) -> None:
    def asked(running: Store, checksum: str | None) -> set[str]:
        running.server.log.clear()
        running.stream(iter([LONG]), ex_checksum=checksum)
        parts = running.requests("UploadPart")
        return {name for entry in parts for name in digests(entry.headers)}

    with store(replace(AMAZON, tls=tls)) as running:
        signed = {
            "x-amz-content-sha256"
        }  # a part of every signature; over https it may be unsigned
        assert asked(running, "md5") == {"content-md5"} | signed
        assert asked(running, "crc32") == {"x-amz-checksum-crc32"} | signed
        assert asked(running, "sha256") == signed
        assert asked(running, None) == signed
        parts = running.requests("UploadPart")
        values = {entry.headers["x-amz-content-sha256"] for entry in parts}
        assert (values == {"UNSIGNED-PAYLOAD"}) is tls


def digests(headers: dict[str, str]) -> dict[str, str]:
    wanted = ("content-md5", "x-amz-content-sha256", "x-amz-checksum-")
    return {name: value for name, value in headers.items() if name.startswith(wanted)}


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def test_parts_go_at_once_but_no_more_than_the_window(s3: Store) -> None:
    data = pattern(PART * 40)
    s3.stream(iter([data]), ex_window=3)
    assert s3.body() == data
    assert s3.server.peak_parts() <= 3


def test_a_foreign_connection_class_gets_one_request_after_another(s3: Store) -> None:
    class Foreign(LibcloudConnection):
        def request(self, *args: Any, **kwargs: Any) -> Any:
            return super().request(*args, **kwargs)

    s3.driver.connection.conn_class = Foreign
    s3.driver.connection.connect()
    s3.stream(iter([LONG]), ex_window=4)
    assert [entry.ended for entry in s3.server.requests] == list(range(6))
    assert [entry.part_number for entry in s3.server.requests] == [None, 1, 2, 3, 4, None]
    assert s3.body() == LONG


def test_signatures_of_version_2_cover_the_sub_resources() -> None:
    """G1: each request of an upload is accepted by a server that computes them itself."""
    with store(SIGV2, version="2") as s3:
        s3.stream(iter([LONG]))
        assert not list(s3.driver.ex_iterate_multipart_uploads(s3.container))
        assert {entry.status for entry in s3.server.requests} == {200}


@pytest.mark.parametrize("size", [0, 699, 700, 701, PART, PART + 1])
@pytest.mark.parametrize("way", ["stream", "file"])
def test_what_exceeds_one_request_is_sent_as_one_part(size: int, way: str, tmp_path: Path) -> None:
    limits = replace(AMAZON_PROFILE.limits, min_part_size=1, max_put_size=700)

    class Driver(S3StorageDriver):
        profile = replace(AMAZON_PROFILE, limits=limits)

    with store(replace(AMAZON, max_put_size=700), Driver) as s3:
        data, path = pattern(size), tmp_path / "file"
        path.write_bytes(data)
        if way == "stream":
            s3.stream(iter([data]))
        else:
            s3.driver.upload_object(path, s3.container, "object")
        assert s3.body() == data
        assert s3.server.count("PutObject") == (size <= 700)
        s3.assert_nothing_is_left("object")
