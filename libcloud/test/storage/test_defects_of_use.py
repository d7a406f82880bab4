# SPDX-License-Identifier: Apache-2.0
"""One test for each defect of Apache Libcloud 3.9.1 that the documentation lists: G19 to G35.

The first half, and why these tests are short, is in ``test_defects.py``.

=====  =============================================================================
G19    ``test_s3_downloads``
G20    ``transfer/upload/test_source``
G21    ``s3/test_presign``, ``test_s3_compatible``
G22    ``test_s3_compatible``
G23    ``test_s3_downloads``
G24    ``test_s3_downloads``
G25    ``test_s3_containers``, ``s3/test_responses``
G26    ``test_s3_containers``
G27    ``test_s3_containers``, ``s3/test_profiles``
G28    ``test_s3_connection``, ``test_s3_bad_input``
G29    ``test_google_storage``
G30    ``test_s3_multipart``, ``test_s3_files``
G31    ``test_s3_files``
G32    ``test_s3_headers``, ``transfer/upload/test_source``
G33    ``test_logging_connection``
G34    ``test_s3``
G35    ``test_s3_files``, ``common/test_sigv4``, ``test_init``
=====  =============================================================================
"""

from __future__ import annotations

import array
import gzip
import io
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from libcloud.common.types import InvalidCredsError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.drivers.ovh import OvhStorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.transfer.upload.source import PartSource
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    IncompleteListingError,
    Provider,
)
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.test.storage.fakes.faults import FlipBit, Status
from libcloud.test.storage.fakes.options import AMAZON, MIB
from libcloud.test.storage.s3_servers import PART, Store, pattern, store
from libcloud.utils.loggingconnection import LoggingConnection

LONG = pattern(PART * 3 + 1)


@pytest.fixture
def s3() -> Iterator[Store]:
    with store() as running:
        yield running


def peak_of(work: Any) -> int:
    """Most bytes that Python held at once for ``work``."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_g19_a_download_does_not_hold_the_object(s3: Store, tmp_path: Path) -> None:
    stored = s3.stream(iter([bytes(16 * MIB)]), ex_part_size=8 * MIB)
    assert peak_of(lambda: stored.download(str(tmp_path / "copy"))) < 4 * MIB


@pytest.mark.slow
@pytest.mark.parametrize("size", [64, 64 * 1024, 4 * MIB])
def test_g20_a_part_takes_the_memory_of_one_part(size: int) -> None:
    """It took 3 to 6; and with pieces of 64 bytes this test would have taken a minute."""

    def cut() -> None:
        pieces = (bytes(size) for _ in range(4 * MIB // size))
        assert len(PartSource(pieces).next_part(4 * MIB).body) == 4 * MIB

    assert peak_of(cut) < 2 * 4 * MIB


def test_get_object_cdn_url() -> None:
    """G21: with the token and the port."""
    with store(replace(AMAZON, session_token="the/token"), token="the/token") as s3:
        stored = s3.stream(iter([b"abc"]), "a//b/../c d")
        with urlopen(s3.driver.get_object_cdn_url(stored)) as answer:
            assert answer.read() == b"abc"
        with pytest.raises(ValueError):
            s3.driver.get_object_cdn_url(stored, ex_expiry=24 * 7 + 1)


def test_get_object_cdn_url_put() -> None:
    with store() as s3:
        place = Object("new", 0, None, {}, {}, s3.container, s3.driver)
        url = s3.driver.get_object_cdn_url(place, ex_method="PUT")
        with urlopen(Request(url, b"abc", method="PUT")) as response:
            assert response.status == 200
        assert s3.container.get_object("new").size == 3


def test_g22_drivers_for_two_hosts_do_not_disturb_each_other() -> None:
    sbg = OvhStorageDriver("key", "secret", region="sbg")
    gra = OvhStorageDriver("key", "secret", region="gra")
    amazon = S3StorageDriver("key", "secret")
    assert sbg.connection.host == "s3.sbg.perf.cloud.ovh.net"
    assert gra.connection.host == "s3.gra.perf.cloud.ovh.net"
    assert amazon.connection.host == "s3.amazonaws.com"


def test_g23_what_is_stored_compressed_can_be_downloaded(s3: Store, tmp_path: Path) -> None:
    data = gzip.compress(b"x" * 6000)
    stored = s3.stream(iter([data]), headers={"Content-Encoding": "gzip"})
    assert b"".join(stored.as_stream()) == data
    assert stored.download(str(tmp_path / "copy")) is True
    assert (tmp_path / "copy").read_bytes() == data


@pytest.mark.parametrize("size", [100, 4096, None])
def test_g24_chunk_size_is_honoured(s3: Store, size: int | None) -> None:
    stored = s3.stream(iter([bytes(10_000)]))
    pieces = [len(piece) for piece in stored.as_stream(chunk_size=size)]
    assert pieces[0] == (size or 10_000)
    assert sum(pieces) == 10_000


def test_g25_a_listing_ends_and_holds_every_name(s3: Store) -> None:
    for name in ("a\x01b", "é", "a b+c"):
        s3.stream(iter([b"x"]), name)
    assert [obj.name for obj in s3.container.list_objects()] == ["a\x01b", "a b+c", "é"]
    page = reply(200, b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>")
    with Loopback(lambda request: page) as server:
        driver = S3StorageDriver("k", "s", secure=False, host="127.0.0.1", port=server.port)
        with pytest.raises(IncompleteListingError, match="no marker to continue from"):
            Container("bucket", {}, driver).list_objects()
        assert len(server.requests) == 1


def test_g26_cleanup_continues_and_can_keep_young_uploads(s3: Store) -> None:
    for name in "abc":
        s3.driver._initiate_multipart(s3.container, name)
    s3.driver.ex_cleanup_multipart_uploads(s3.container, older_than=timedelta(hours=1))
    assert len(s3.server.unfinished_uploads()) == 3
    s3.server.faults.add("AbortMultipartUpload", Status(404, "NoSuchUpload"))
    s3.driver.ex_cleanup_all_multipart_uploads(s3.container)
    assert [upload.key for upload in s3.server.unfinished_uploads()] == ["a"]


def test_g26_the_size_of_a_page_is_taken_from_the_class(s3: Store) -> None:
    s3.driver.RESPONSES_PER_REQUEST = 2
    assert list(s3.driver.ex_iterate_multipart_uploads(s3.container)) == []
    assert s3.server.requests[0].query["max-uploads"] == "2"


def test_g27_regions_that_are_new_or_not_amazons_can_be_used() -> None:
    for region in ("eu-central-2", "ap-southeast-5", "il-central-1", "mx-central-1"):
        assert S3StorageDriver("k", "s", region=region).region == region
    assert S3StorageDriver("k", "s", region="garage", host="s3.example.org").region == "garage"
    with pytest.raises(ValueError, match="Invalid or unsupported region: nowhere"):
        S3StorageDriver("k", "s", region="nowhere")
    assert Provider.S3_EU_WEST3 == "s3_eu_west_3"
    with store(replace(AMAZON, region="eu-west-1")) as s3:
        s3.driver.create_container("new")
        assert b"eu-west-1" in s3.server.requests[0].body


def test_g28_the_error_of_the_store_is_reported(s3: Store) -> None:
    s3.server.faults.add("CreateMultipartUpload", Status(403, "AccountProblem", "Call us."))
    with pytest.raises(InvalidCredsError, match=r"403.*AccountProblem.*Call us") as caught:
        s3.stream(iter([LONG]))
    facts = vars(caught.value)
    assert (facts["code"], facts["status"]) == ("AccountProblem", 403)
    assert facts["request_id"]
    assert caught.value.driver is s3.driver
    with pytest.raises(ContainerDoesNotExistError, match="NoSuchBucket"):
        Container("absent", {}, s3.driver).list_objects()


def test_g29_google_can_use_another_host_and_counts_what_it_sends() -> None:
    def stored(request: Received) -> bytes:
        return reply(200)

    with Loopback(stored) as server:
        driver = GoogleStorageDriver(
            "GOOG0123456789ABCXYZ", "s", host="127.0.0.1", port=server.port, secure=False
        )
        container = Container("bucket", {}, driver)
        assert driver.upload_object_via_stream(iter([b"abc", b"def"]), container, "k").size == 6
        stream = io.BytesIO(b"head, body")
        stream.seek(6)
        assert driver.upload_object_via_stream(stream, container, "k").size == 4
        assert driver.upload_object_via_stream(iter(["é"]), container, "k").size == 2
        assert [request.body for request in server.requests] == [b"abcdef", b"body", "é".encode()]
        assert not any("x-goog-storage-class" in request.headers for request in server.requests)


def test_g30_every_body_carries_a_digest_that_is_checked(s3: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    for operation in ("PutObject", "UploadPart"):
        s3.server.faults.add(operation, FlipBit())  # damaged on its way, once
    s3.driver.upload_object(str(path), s3.container, "file")
    s3.stream(iter([LONG]))
    assert (s3.body("file"), s3.body()) == (b"abc", LONG)
    refused = [entry.code for entry in s3.server.requests if entry.status == 400]
    assert refused == ["XAmzContentSHA256Mismatch"] * 2


def test_g31_what_is_empty_is_one_request_with_a_length(s3: Store, tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_bytes(b"")
    s3.driver.upload_object(str(path), s3.container, "file")
    s3.stream(iter([]), "stream")
    for entry in s3.server.requests:
        assert entry.operation == "PutObject"
        assert entry.headers["content-length"] == "0"
        assert "transfer-encoding" not in entry.headers
    s3.assert_nothing_is_left("file", "stream")


@pytest.mark.parametrize(
    "piece", [bytearray(b"abcd"), memoryview(b"abcd"), array.array("H", [25185, 25699]), "abcd"]
)
def test_g32_any_buffer_is_data(s3: Store, piece: Any) -> None:
    s3.stream(iter([piece]))
    assert s3.body() == b"abcd"


@pytest.mark.parametrize("text", ["日本", "a  b", "ÿ"])
def test_g32_metadata_may_be_any_text(s3: Store, text: str) -> None:
    s3.stream(iter([b"x"]), extra={"meta_data": {"k": text}})
    assert s3.driver.get_object("bucket", "object").meta_data == {"k": text}


def test_g33_the_debug_log_takes_binary_data_and_no_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = io.StringIO()
    monkeypatch.setattr(LoggingConnection, "log", log)
    monkeypatch.setattr(S3StorageDriver.connectionCls, "conn_class", LoggingConnection)
    with store() as s3:
        data = bytes(range(256)) * 20
        stored = s3.stream(iter([data]))
        assert b"".join(stored.as_stream()) == data
        signed = [entry.headers["authorization"] for entry in s3.server.requests]
    text = log.getvalue()
    assert "/bucket/object" in text
    assert not [value for value in signed if value.rpartition("Signature=")[2] in text]


def test_g34_the_hash_is_that_of_get_object(s3: Store) -> None:
    stored = s3.stream(iter([LONG]))
    found = s3.driver.get_object("bucket", "object")
    assert stored.hash == found.hash
    assert '"' not in stored.hash


def test_g35_a_large_file_goes_in_parts(s3: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(LONG)
    s3.driver.upload_object(str(path), s3.container, "object", ex_part_size=PART)
    assert s3.server.count("UploadPart") == 4


def test_g35_only_what_stays_as_it_is_is_signed(s3: Store) -> None:
    s3.driver.get_container("bucket")
    s3.stream(iter([b"x"]))
    for entry in s3.server.requests:
        signed = entry.headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
        assert not {"user-agent", "accept-encoding", "connection"} & set(signed)
        assert "Version" not in entry.query


def test_g35_the_driver_loads_no_other_api() -> None:
    code = (
        "import sys, libcloud.storage.drivers.s3\n"
        "others = ('compute', 'dns', 'backup', 'container', 'loadbalancer')\n"
        "print([n for n in sys.modules if n.startswith(tuple(f'libcloud.{o}' for o in others))])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
