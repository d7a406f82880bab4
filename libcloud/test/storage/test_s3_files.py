# SPDX-License-Identifier: Apache-2.0
"""Files through ``upload_object`` of the S3 driver, on a server that checks."""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.http import NetworkError
from libcloud.storage.drivers.rgw import S3RGWStorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.s3.profiles import GENERIC
from libcloud.storage.transfer.progress import PartStarted, UploadEvent
from libcloud.storage.transfer.upload.plan import DEFAULT_PART_SIZE
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    ObjectHashMismatchError,
    SizeMismatchError,
    UploadOutcomeUnknownError,
)
from libcloud.test.storage.fakes.faults import Drop, LoseAnswer, Status, WrongETag
from libcloud.test.storage.fakes.options import AMAZON, MIB
from libcloud.test.storage.s3_servers import PART, Store, pattern, store


def upload(s3: Store, path: Path | str, **options: Any) -> Any:
    return s3.driver.upload_object(str(path), s3.container, "object", **options)


def file_of(folder: Path, data: bytes) -> Path:
    path = folder / "source.txt"
    path.write_bytes(data)
    return path


# One request, or several.


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_a_small_file_is_one_request_of_a_known_length(
    s3: Store, size: int, tmp_path: Path
) -> None:
    """G31: also an empty one."""
    data = pattern(size)
    stored = upload(s3, file_of(tmp_path, data))
    (request,) = s3.server.requests
    assert request.operation == "PutObject"
    assert request.headers["content-length"] == str(size)
    assert "transfer-encoding" not in request.headers
    assert request.headers["content-type"] == "text/plain"
    assert (s3.body(), stored.size) == (data, size)
    assert stored.hash == hashlib.md5(data).hexdigest()


def test_a_small_file_carries_one_digest(tmp_path: Path) -> None:
    """G30, U12."""
    path = file_of(tmp_path, b"abc")
    expected = {
        "2": {"content-md5": "kAFQmDzST7DWlj99KOF/cg=="},
        "4": {"x-amz-content-sha256": hashlib.sha256(b"abc").hexdigest()},
        "https": {"x-amz-content-sha256": "UNSIGNED-PAYLOAD", "x-amz-checksum-crc32": "NSRBwg=="},
    }
    for kind, digests in expected.items():
        options = replace(AMAZON, tls=True) if kind == "https" else None
        with store(options, version="2" if kind == "2" else "4") as s3:
            upload(s3, path)
            (request,) = s3.server.requests
            wanted = ("content-md5", "x-amz-content-sha256", "x-amz-checksum-")
            found = {k: v for k, v in request.headers.items() if k.startswith(wanted)}
            assert found == digests


@pytest.mark.slow
@pytest.mark.parametrize("size", [DEFAULT_PART_SIZE, DEFAULT_PART_SIZE + 1, 3 * DEFAULT_PART_SIZE])
def test_a_file_above_the_threshold_goes_in_parts_and_is_read_once(
    amazon: Store, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G35, G30: not the whole at once, and not a second time to hash it."""
    reads: list[int] = []
    read = os.pread

    def counting(file: int, size: int, start: int) -> bytes:
        piece = read(file, size, start)
        reads.append(len(piece))
        return piece

    monkeypatch.setattr(os, "pread", counting)
    data = pattern(size)
    stored = upload(amazon, file_of(tmp_path, data))
    in_parts = size > DEFAULT_PART_SIZE
    assert amazon.server.count("PutObject") == (not in_parts)
    assert amazon.server.count("UploadPart") == (-(-size // DEFAULT_PART_SIZE) if in_parts else 0)
    assert (amazon.body(), stored.size) == (data, size)
    if in_parts:
        assert sum(reads) == size
        assert max(reads) <= DEFAULT_PART_SIZE


def test_the_size_of_a_part_can_be_chosen(s3: Store, tmp_path: Path) -> None:
    data = pattern(PART * 2 + 1)
    stored = upload(s3, file_of(tmp_path, data), ex_part_size=PART, extra={"meta_data": {"k": "v"}})
    assert [entry.body_length for entry in s3.requests("UploadPart")] == [PART, PART, 1]
    assert (s3.body(), stored.size, stored.meta_data) == (data, len(data), {"k": "v"})
    assert s3.server.objects["bucket", "object"].headers["content-type"] == "text/plain"
    small = upload(s3, file_of(tmp_path, data[:PART]), ex_part_size=PART)
    assert (s3.server.count("PutObject"), small.size) == (1, PART)


def test_a_path_object_is_a_path(s3: Store, tmp_path: Path) -> None:
    path = file_of(tmp_path, b"abc")
    assert s3.driver.upload_object(path, s3.container, "object").size == 3
    assert s3.container.upload_object(path, "other").size == 3


# Files that are not what they seem.


@pytest.mark.parametrize("options", [{}, {"ex_part_size": PART}])
def test_a_file_that_is_not_there_is_an_os_error(
    s3: Store, options: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        upload(s3, tmp_path / "absent", **options)
    with pytest.raises(IsADirectoryError):
        upload(s3, tmp_path, **options)
    assert s3.server.requests == []


@pytest.mark.parametrize("change", [-1.5, 1.0])
def test_a_file_that_changes_its_size_during_an_upload_is_not_published(
    s3: Store, change: float, tmp_path: Path
) -> None:
    path = file_of(tmp_path, pattern(4 * MIB))
    size = 4 * MIB

    def listen(event: UploadEvent) -> None:
        if isinstance(event, PartStarted) and event.number == 1:
            os.truncate(path, size + int(change * MIB))

    with pytest.raises(SizeMismatchError, match=str(size)) as caught:
        upload(s3, path, ex_part_size=MIB // 2, ex_window=1, on_event=listen)
    assert caught.value.object_name == "object"
    s3.assert_nothing_is_left()


def test_a_pipe_is_read_to_its_end(s3: Store, tmp_path: Path) -> None:
    data = pattern(PART * 3 + 1)
    path = tmp_path / "pipe"
    for options in ({}, {"ex_part_size": PART}):
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=(data,))
        writer.start()
        stored = upload(s3, path, **options)
        writer.join()
        path.unlink()
        assert (s3.body(), stored.size) == (data, len(data))
    assert s3.server.count("PutObject") == 1
    assert s3.server.count("UploadPart") == 4


# What the store says of it.


def test_upload_object_invalid_hash1(s3: Store, tmp_path: Path) -> None:
    path = file_of(tmp_path, b"abc")
    s3.server.faults.add("PutObject", WrongETag(), times=None)
    with pytest.raises(ObjectHashMismatchError, match="900150983cd24fb0d6963f7d28e17f72"):
        upload(s3, path)
    assert upload(s3, path, verify_hash=False).size == 3


@pytest.mark.parametrize("etag", ['"not an md5"', '"d41d8cd98f00b204e9800998ecf8427e-1"', '""'])
def test_an_etag_that_is_no_md5_is_no_mismatch(etag: str, tmp_path: Path) -> None:
    """G16: by its form, or by what is known of the store."""

    class Bare(S3StorageDriver):
        profile = GENERIC

    with store(kind=Bare) as s3:
        s3.server.faults.add("PutObject", WrongETag(etag))
        assert upload(s3, file_of(tmp_path, b"abc")).hash == (etag.strip('"') or None)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (404, "NoSuchBucket", ContainerDoesNotExistError),
        (400, "EntityTooLarge", LibcloudError),
        (409, "OperationAborted", LibcloudError),
        (501, "NotImplemented", LibcloudError),
    ],
)
def test_a_refused_file_is_not_a_mismatch(
    s3: Store, status: int, code: str, error: type[LibcloudError], tmp_path: Path
) -> None:
    """G16, G28."""
    s3.server.faults.add("PutObject", Status(status, code, "It is so."), times=None)
    with pytest.raises(error, match=rf"{status}.*{code}.*It is so") as caught:
        upload(s3, file_of(tmp_path, b"abc"))
    assert type(caught.value) is error
    s3.assert_nothing_is_left()


@pytest.mark.parametrize(
    "fault",
    [
        Status(503, "SlowDown"),
        Status(500),
        Status(429, ""),
        Status(400, "RequestTimeout"),
        Drop("before_body"),
        Drop("in_body"),
        LoseAnswer(),
    ],
)
def test_a_small_file_is_sent_again_when_that_may_help(
    s3: Store, fault: Any, tmp_path: Path
) -> None:
    """G9, G3: with its data."""
    rule = s3.server.faults.add("PutObject", fault, times=2)
    stored = upload(s3, file_of(tmp_path, b"abc"))
    assert rule.fired == 2
    assert (s3.body(), stored.size) == (b"abc", 3)


@pytest.mark.slow
def test_a_large_body_of_a_driver_without_parts_is_sent_again_from_its_start(
    tmp_path: Path,
) -> None:
    """G3."""

    class Plain(S3RGWStorageDriver):
        supports_s3_multipart_upload = False

    data = pattern(9 * MIB)
    with store(kind=Plain, version="2") as s3:
        s3.server.faults.add("PutObject", Drop("in_body"))
        s3.server.faults.add("PutObject", Status(503, "SlowDown"), nth=2)
        assert upload(s3, file_of(tmp_path, data)).size == len(data)
        assert s3.body() == data
        assert s3.server.count("PutObject") == 3


def test_a_conditional_upload_recognizes_its_own_object(amazon: Store, tmp_path: Path) -> None:
    path = file_of(tmp_path, b"abc")
    amazon.server.faults.add("PutObject", LoseAnswer())
    upload(amazon, path, headers={"If-None-Match": "*"})
    assert amazon.server.operations() == ["PutObject", "PutObject", "HeadObject"]
    amazon.server.reset()
    amazon.server.create_bucket("bucket")
    amazon.server.faults.add("PutObject", Status(503, "SlowDown"))
    upload(amazon, path, headers={"If-None-Match": "*"})
    assert amazon.body() == b"abc"


# The answer is lost, always.

KMS = {"x-amz-server-side-encryption": "aws:kms"}  # the ETag says nothing


def test_a_small_file_that_was_stored_unheard_is_found(s3: Store, tmp_path: Path) -> None:
    s3.server.faults.add("PutObject", LoseAnswer(), times=None)
    stored = upload(s3, file_of(tmp_path, b"abc"))
    assert (s3.body(), stored.size) == (b"abc", 3)
    assert stored.hash == hashlib.md5(b"abc").hexdigest()
    assert s3.server.count("HeadObject") == 1


@pytest.mark.parametrize("before", [None, b"xyz", b"longer"])
def test_what_was_there_before_is_not_mistaken_for_a_small_file(
    s3: Store, before: bytes | None, tmp_path: Path
) -> None:
    if before is not None:
        upload(s3, file_of(tmp_path, before))
    s3.server.faults.add("PutObject", Drop(), times=None)
    with pytest.raises(NetworkError, match="uploading bucket/object"):
        upload(s3, file_of(tmp_path, b"abc"))
    assert [bytes(stored.body) for stored in s3.server.objects.values()] == [before][: bool(before)]


def test_a_small_file_whose_etag_is_no_digest_is_compared(s3: Store, tmp_path: Path) -> None:
    s3.server.faults.add("PutObject", LoseAnswer(), times=None)
    upload(s3, file_of(tmp_path, b"abc"), headers=KMS)
    assert s3.server.operations()[-2:] == ["HeadObject", "GetObject"]
    assert s3.body() == b"abc"


@pytest.mark.parametrize("look", [Drop(), Status(403)], ids=["lost too", "refused"])
def test_a_small_file_whose_outcome_is_unknown_is_reported(
    s3: Store, look: Any, tmp_path: Path
) -> None:
    s3.server.faults.add("PutObject", LoseAnswer(), times=None)
    s3.server.faults.add("HeadObject", look, times=None)
    with pytest.raises(UploadOutcomeUnknownError, match="bucket/object is unknown") as caught:
        upload(s3, file_of(tmp_path, b"abc"))
    assert (caught.value.object_name, caught.value.upload_id) == ("object", None)
    assert isinstance(caught.value.__cause__, NetworkError)


def test_a_rejected_small_file_is_not_looked_up(s3: Store, tmp_path: Path) -> None:
    s3.server.faults.add("PutObject", Status(503, "SlowDown"), times=None)
    with pytest.raises(LibcloudError, match="SlowDown"):
        upload(s3, file_of(tmp_path, b"abc"))
    assert s3.server.count("HeadObject") == 0
