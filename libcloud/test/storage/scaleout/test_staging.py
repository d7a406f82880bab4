# SPDX-License-Identifier: Apache-2.0
"""Pieces that are written as temporary objects, and the object that the store makes of them."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.scaleout.staging import StagedPiece, Staging
from libcloud.storage.types import PartConflictError
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.server import FakeS3

BUCKET = "bucket"
LARGE, SMALL = bytes(range(256)) * 4 * 1024 * 6, b"small"  # 6 MiB


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeS3]:
    with FakeS3(AMAZON) as server:
        server.create_bucket(BUCKET)
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret)
        yield server
        assert not server.unfinished_uploads()
        assert not server.violations


@pytest.fixture
def staging(store: FakeS3) -> Staging:
    driver = S3StorageDriver.from_env(ex_s3_profile="amazon")
    return Staging.begin(driver, driver.get_container(BUCKET), "big.bin")


def _write(staging: Staging, *pieces: bytes) -> list[StagedPiece]:
    """As on workers: everything but bytes is left behind."""
    copy: Staging = pickle.loads(pickle.dumps(staging))
    return [copy.write(number, [piece]) for number, piece in enumerate(pieces)]


def test_the_store_copies_pieces_and_only_small_ones_are_read(
    staging: Staging, store: FakeS3
) -> None:
    pieces = _write(staging, LARGE, SMALL, b"", LARGE[::-1], LARGE)
    store.log.clear()
    obj = staging.publish(reversed(pieces), extra={"content_type": "application/x-test"})
    assert store.body(BUCKET, "big.bin") == LARGE + SMALL + LARGE[::-1] + LARGE
    assert obj.size == 3 * len(LARGE) + len(SMALL)
    assert [name for _, name in store.objects] == ["big.bin"]
    assert store.count("UploadPartCopy") == 2
    assert store.count("UploadPart") == 1
    assert obj.driver.get_object(BUCKET, "big.bin").extra["content_type"] == "application/x-test"


@pytest.mark.parametrize("pieces", [[], [b""], [SMALL], [SMALL, SMALL]])
def test_little_data_becomes_an_object_as_well(
    pieces: list[bytes], staging: Staging, store: FakeS3
) -> None:
    staging.publish(_write(staging, *pieces))
    assert store.body(BUCKET, "big.bin") == b"".join(pieces)
    assert len(store.objects) == 1


def test_every_request_has_the_requester_pays_and_bucket_owner_headers(store: FakeS3) -> None:
    driver: Any = S3StorageDriver.from_env(ex_s3_profile="amazon")
    options = {"ex_request_payer": True, "ex_expected_bucket_owner": "me"}
    container = driver.get_container(BUCKET)
    store.log.clear()
    staging = Staging.begin(driver, container, "big.bin", **options)
    staging.publish(_write(staging, LARGE, SMALL), **options)
    assert store.body(BUCKET, "big.bin") == LARGE + SMALL
    assert {"ListObjectsV2", "DeleteObjects"} <= {entry.operation for entry in store.requests}
    for entry in store.requests:
        assert entry.headers.get("x-amz-request-payer") == "requester", entry.operation
        assert entry.headers.get("x-amz-expected-bucket-owner") == "me", entry.operation


def test_another_attempt_with_the_same_bytes_is_removed(staging: Staging, store: FakeS3) -> None:
    pieces = _write(staging, LARGE, SMALL)
    _write(staging, LARGE)
    staging.publish(pieces)
    assert store.body(BUCKET, "big.bin") == LARGE + SMALL
    assert len(store.objects) == 1


@pytest.mark.parametrize("other", [SMALL, b"\1" + LARGE[1:]], ids=["size", "bytes"])
def test_another_attempt_with_other_bytes_is_a_conflict_and_nothing_is_published(
    other: bytes, staging: Staging, store: FakeS3
) -> None:
    pieces = _write(staging, SMALL, LARGE)
    staging.write(1, [other])
    with pytest.raises(PartConflictError, match=r"piece 1 of bucket/big\.bin") as caught:
        staging.publish(pieces)
    assert caught.value.number == 1
    assert (BUCKET, "big.bin") not in store.objects
    staging.folder.discard()
    assert not store.objects


def test_a_piece_that_changed_before_it_was_copied_is_not_published(
    staging: Staging, store: FakeS3
) -> None:
    pieces = _write(staging, LARGE)
    changed = [StagedPiece(0, pieces[0].stored._replace(etag="0" * 32))]
    with pytest.raises(Exception, match="Nothing was published"):
        staging.publish(changed)
    assert (BUCKET, "big.bin") not in store.objects


@pytest.mark.parametrize("chunk", ["text", 5, None, [b"x"]])
def test_a_chunk_that_is_not_bytes_is_named_and_nothing_is_kept(
    chunk: Any, staging: Staging, store: FakeS3
) -> None:
    with pytest.raises(TypeError, match="piece 7 must be bytes"):
        staging.write(7, [b"x", chunk])
    assert not store.objects


def test_a_piece_of_another_version_of_the_library_is_refused(
    staging: Staging, store: FakeS3
) -> None:
    with pytest.raises(RuntimeError, match=r"piece 7 .* worker \S+:\d+: .* program has 0\.0"):
        replace(staging, version="0.0").write(7, [b"x"])
    assert not store.objects


@pytest.mark.parametrize(
    "text", [b"", b"{", b"7", b"[[1]]", b'[["name", "etag", "many"]]', b"\xff"]
)
def test_a_damaged_record_of_pieces_is_named(staging: Staging, text: bytes) -> None:
    folder = staging.folder
    folder.container.upload_object_via_stream([text], folder.prefix + "pieces.json")
    with pytest.raises(LibcloudError, match=r"pieces\.json is damaged"):
        folder.recorded()


def test_a_key_passed_in_code_is_refused_before_anything_is_written(store: FakeS3) -> None:
    driver = S3StorageDriver("key", store.secret, endpoint_url=store.url)
    with pytest.raises(ValueError, match="from_env") as caught:
        Staging.begin(driver, Container(BUCKET, {}, driver), "big.bin")
    assert store.secret not in str(caught.value)


def test_neither_the_job_nor_a_piece_has_a_secret(staging: Staging, store: FakeS3) -> None:
    (piece,) = _write(staging, SMALL)
    for data in (staging, piece):
        assert store.secret.encode() not in pickle.dumps(data)
        assert store.secret not in repr(data)
    staging.publish([piece])


def test_a_store_that_does_not_copy_parts_has_them_read(
    staging: Staging, store: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(S3StorageDriver, "_copy_shared_part", lambda *args: None)
    staging.publish(_write(staging, LARGE, SMALL))
    assert store.body(BUCKET, "big.bin") == LARGE + SMALL
    assert store.count("UploadPartCopy") == 0
