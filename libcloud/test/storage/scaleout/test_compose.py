# SPDX-License-Identifier: Apache-2.0
"""Pieces of unknown size: their temporary objects, and what becomes of them."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.scaleout import UploadSession, staging
from libcloud.storage.scaleout.staging import Staging, folder_of
from libcloud.storage.types import PartConflictError, UploadOutcomeUnknownError, WorkerError
from libcloud.test.storage.fakes.faults import Drop, LoseAnswer, Status
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.s3_servers import PART, Store, store
from libcloud.test.storage.scaleout.pools import OddExecutor, Pieces, Twice, raise_smallest_part

SIZES = [2 * PART, 10, 0, 3 * PART, 1]
KEY = b"k" * 32


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as found:
        yield found


class Killed(BaseException):
    """What ends the coordinator."""


def upload(s3: Store, pool: Any, pieces: Pieces, **options: Any) -> Any:
    return s3.driver.ex_upload_with(pool, pieces.functions, s3.container, "object", **options)


def attach(s3: Store, session: str, pool: Any, pieces: Pieces, **options: Any) -> Any:
    return s3.driver.ex_attach_upload(session, pool, pieces.functions, **options)


def refuse_deletion(s3: Store) -> None:
    for name in ("DeleteObjects", "DeleteObject"):
        s3.server.faults.add(name, Status(403, "AccessDenied"), times=None)


@pytest.mark.parametrize("name", ["x" * 1024, "x" + "é" * 511])
def test_the_names_of_temporary_objects_are_not_too_long(
    s3: Store, pool: ThreadPoolExecutor, name: str
) -> None:
    pieces = Pieces(SIZES)
    s3.driver.ex_upload_with(pool, pieces.functions, s3.container, name)
    assert s3.body(name) == pieces.data
    s3.assert_nothing_is_left(name)


@pytest.mark.parametrize("end", ["complete", "abort"])
def test_a_piece_that_is_stored_after_the_upload_ended_is_removed(s3: Store, end: str) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    receipt = session.upload_part(1, b"x" * PART)
    session.complete([receipt]) if end == "complete" else session.abort()
    late = staging.store_piece(staging.PieceTask(session, 0, late=True), b"data")
    assert (late.receipt, late.code, late.piece) == (None, "NoSuchUpload", 0)
    s3.assert_nothing_is_left(*["object"] * (end == "complete"))


def test_a_part_of_an_upload_that_another_process_aborted_names_the_reason(s3: Store) -> None:
    def abort(event: object) -> None:
        if type(event).__name__ == "UploadStarted":
            UploadSession.from_json(sessions[0], s3.driver).abort()

    sessions = list[str]()
    with pytest.raises(WorkerError, match="another process has completed or aborted it"):
        s3.driver.ex_upload_with(
            OddExecutor(1),
            [b"x" * 10],
            s3.container,
            "object",
            [10],
            ex_on_session=sessions.append,
            on_event=abort,
        )
    s3.assert_nothing_is_left()


# Encryption.


@pytest.mark.parametrize(
    "options",
    [{"ex_sse": "aws:kms", "ex_sse_kms_key_id": "my-key"}, {"ex_sse_customer_key": KEY}],
    ids=["kms", "key"],
)
def test_temporary_objects_are_encrypted_as_the_object_is(
    pool: ThreadPoolExecutor, options: dict[str, Any]
) -> None:
    pieces = Pieces(SIZES)
    with store(replace(AMAZON, tls="ex_sse" not in options)) as s3:
        raise_smallest_part(s3)
        upload(s3, pool, pieces, ex_expected_bucket_owner="me", **options)
        created = s3.requests("CreateMultipartUpload")[0].headers
        names = [name for name in created if "encryption" in name or "owner" in name]
        assert len(names) >= 3
        written = s3.requests("PutObject")
        assert len(written) == len(SIZES) + 1
        for entry in written:
            assert [entry.headers.get(name) for name in names] == [created[name] for name in names]
        assert s3.requests("UploadPartCopy")
        assert s3.requests("UploadPart")
        assert s3.body() == pieces.data
        s3.assert_nothing_is_left("object")


def test_every_request_has_the_requester_pays_and_bucket_owner_headers(
    s3: Store, pool: ThreadPoolExecutor
) -> None:
    pieces = Pieces(SIZES)
    sessions: list[str] = []
    s3.server.faults.add("CompleteMultipartUpload", Status(403, "AccessDenied"))
    with pytest.raises(LibcloudError):
        upload(
            s3,
            Twice(2),
            pieces,
            ex_request_payer=True,
            ex_expected_bucket_owner="me",
            ex_sse="aws:kms",
            ex_on_session=sessions.append,
        )
    s3.server.faults.add("DeleteObjects", Status(405, "MethodNotAllowed"))
    attach(s3, sessions[0], pool, pieces)
    assert s3.body() == pieces.data
    s3.assert_nothing_is_left("object")
    sent = s3.server.requests
    operations = {entry.operation for entry in sent}
    assert {"ListObjectsV2", "ListMultipartUploads", "DeleteObjects", "DeleteObject"} <= operations
    for entry in sent:
        assert entry.headers.get("x-amz-request-payer") == "requester", entry.operation
        assert entry.headers.get("x-amz-expected-bucket-owner") == "me", entry.operation
    s3.driver.list_container_objects(s3.container)
    assert "x-amz-request-payer" not in s3.server.requests[-1].headers


@pytest.mark.parametrize("options", [{}, {"ex_connect": S3StorageDriver}], ids=["", "connect"])
def test_a_key_of_the_caller_stays_in_its_process(
    options: dict[str, Any],
) -> None:
    executor = OddExecutor(1)
    vars(executor)["shares_memory"] = False
    with store(replace(AMAZON, tls=True)) as s3:
        for sizes in (None, [1]):
            with pytest.raises(ValueError, match="needs an encryption key"):
                s3.driver.ex_upload_with(
                    executor,
                    [b"x"] if sizes else [lambda: b"x"],
                    s3.container,
                    "object",
                    sizes=sizes,
                    ex_sse_customer_key=KEY,
                    **options,
                )
        assert not s3.server.requests


def test_a_session_with_a_key_of_the_caller_is_continued_in_its_process() -> None:
    pieces = Pieces([PART] * 2)
    with store(replace(AMAZON, tls=True)) as s3, ThreadPoolExecutor(1) as pool:
        session = s3.driver.ex_begin_upload(s3.container, "object", ex_sse_customer_key=KEY)
        s3.driver.ex_attach_upload(session, pool, pieces.functions, sizes=pieces.sizes)
        assert s3.body() == pieces.data


def test_pieces_of_a_job_are_encrypted_as_its_object_is(
    s3: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.server.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.server.secret)
    driver = S3StorageDriver.from_env(endpoint_url=s3.server.url, ex_s3_profile="amazon")
    options: dict[str, Any] = {"ex_sse": "aws:kms", "ex_sse_kms_key_id": "my-key"}
    staging = Staging.begin(driver, driver.get_container("bucket"), "object", **options)
    pieces = [staging.write(number, [b"x" * 10]) for number in range(2)]
    staging.write(1, [b"x" * 10])  # another attempt, with another ETag
    for entry in s3.requests("PutObject"):
        assert entry.headers["x-amz-server-side-encryption-aws-kms-key-id"] == "my-key"
    staging.publish(pieces, **options)
    s3.assert_nothing_is_left("object")


# Attempts.


@pytest.mark.parametrize(
    "options", [{}, {"ex_sse": "aws:kms", "ex_checksum": "crc32"}], ids=["", "kms"]
)
def test_a_task_that_runs_twice_changes_nothing(s3: Store, options: dict[str, Any]) -> None:
    pieces = Pieces(SIZES)
    with Twice(2) as pool:
        upload(s3, pool, pieces, **options)
    assert s3.body() == pieces.data
    s3.assert_nothing_is_left("object")


@pytest.mark.parametrize("failure", ["keep", "abort"])
def test_other_bytes_at_the_second_time_are_a_conflict(s3: Store, failure: str) -> None:
    pieces = Pieces(SIZES, changing=frozenset({3}))
    with Twice(2) as pool, pytest.raises(PartConflictError, match=r"piece 3 of bucket/object"):
        upload(s3, pool, pieces, ex_on_failure=failure)
    assert ("bucket", "object") not in s3.server.objects
    if failure == "abort":
        s3.assert_nothing_is_left()


# A coordinator ended.


def _end_at(s3: Store, monkeypatch: pytest.MonkeyPatch, name: str, count: int) -> None:
    """End the coordinator at a call of a method of the driver, after ``count`` others."""
    kind, method = type(s3.driver), getattr(s3.driver, name)
    calls: list[None] = []

    def ends(*args: Any, **options: Any) -> Any:
        calls.append(None)
        if len(calls) > count:
            raise Killed
        return method(*args, **options)

    monkeypatch.setattr(kind, name, lambda self, *args, **options: ends(*args, **options))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("ex_cleanup_all_multipart_uploads", 0),
        ("ex_iterate_deletions", 0),  # nothing is removed yet
        ("ex_iterate_deletions", 1),  # only the record is left
    ],
)
def test_an_upload_is_found_wherever_its_clean_up_ended(
    s3: Store, pool: Any, monkeypatch: pytest.MonkeyPatch, name: str, count: int
) -> None:
    pieces, texts = Pieces(SIZES), list[str]()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        _end_at(s3, patch, name, count)
        upload(s3, pool, pieces, ex_on_session=texts.append)
    assert len(s3.server.objects) == (len(SIZES) + 2 if not count else 2)
    again = attach(s3, texts[0], pool, pieces)
    assert (again.size, s3.body()) == (sum(SIZES), pieces.data)
    assert set(pieces.runs.values()) == {1}
    assert len(s3.requests("CompleteMultipartUpload")) == 1
    s3.assert_nothing_is_left("object")


def test_an_upload_is_found_when_part_of_its_pieces_is_removed(s3: Store, pool: Any) -> None:
    pieces, texts = Pieces(SIZES), list[str]()
    refuse_deletion(s3)
    upload(s3, pool, pieces, ex_on_session=texts.append)
    s3.server.faults.clear()
    prefix = folder_of(UploadSession.from_json(texts[0], s3.driver)).prefix
    listed = s3.driver.list_container_objects(s3.container, prefix)
    s3.driver.ex_delete_objects(listed[1:4], s3.container)
    attach(s3, texts[0], pool, pieces)
    assert set(pieces.runs.values()) == {1}
    s3.assert_nothing_is_left("object")


def test_an_upload_that_was_removed_completely_is_found_again(s3: Store, pool: Any) -> None:
    pieces, texts = Pieces(SIZES), list[str]()
    first = upload(s3, pool, pieces, ex_on_session=texts.append)
    again = attach(s3, texts[0], pool, pieces)
    assert (again.hash, again.size) == (first.hash, first.size)
    assert len(s3.requests("CompleteMultipartUpload")) == 1
    s3.assert_nothing_is_left("object")


def test_what_cannot_be_removed_is_logged_and_the_object_returned(
    s3: Store, pool: Any, caplog: pytest.LogCaptureFixture
) -> None:
    refuse_deletion(s3)
    with caplog.at_level(logging.WARNING):
        assert upload(s3, pool, Pieces(SIZES)).size == sum(SIZES)
    assert "temporary objects below object.pieces-" in caplog.text


def test_an_unknown_outcome_keeps_the_pieces(s3: Store, pool: Any) -> None:
    pieces, texts = Pieces(SIZES), list[str]()
    s3.server.faults.add("CompleteMultipartUpload", LoseAnswer())
    s3.server.faults.add("CompleteMultipartUpload", Drop(), nth=2, times=None)
    s3.server.faults.add("HeadObject", Drop(), times=None)
    with pytest.raises(UploadOutcomeUnknownError):
        upload(s3, pool, pieces, ex_on_session=texts.append, ex_on_failure="abort")
    s3.server.faults.clear()
    attach(s3, texts[0], pool, pieces)
    assert set(pieces.runs.values()) == {1}
    s3.assert_nothing_is_left("object")


def test_an_aborted_upload_is_not_repeated(s3: Store, pool: Any) -> None:
    pieces, texts = Pieces(SIZES), list[str]()
    s3.server.faults.add("UploadPartCopy", Status(403, "AccessDenied"))
    with pytest.raises(WorkerError):
        upload(s3, pool, pieces, ex_on_session=texts.append)
    UploadSession.from_json(texts[0], s3.driver).abort()
    with pytest.raises(LibcloudError) as caught:
        attach(s3, texts[0], pool, pieces)
    assert vars(caught.value)["code"] == "NoSuchUpload"
    s3.assert_nothing_is_left()
    with pytest.raises(LibcloudError):
        attach(s3, texts[0], pool, pieces)
    assert set(pieces.runs.values()) == {1}


def test_objects_of_a_killed_worker_are_removed(s3: Store, pool: Any) -> None:
    pieces, texts = Pieces(SIZES), list[str]()

    def begin_piece(text: str) -> None:
        texts.append(text)
        prefix = folder_of(UploadSession.from_json(text, s3.driver)).prefix
        began = s3.driver.ex_begin_upload(s3.container, f"{prefix}00000000-0123456789ab")
        began.upload_part(1, b"x")

    upload(s3, pool, pieces, ex_on_session=begin_piece)
    assert s3.body() == pieces.data
    s3.assert_nothing_is_left("object")


def test_a_piece_that_an_earlier_attempt_has_read_is_not_taken_for_an_empty_one(
    s3: Store, pool: Any
) -> None:
    data, texts = [b"a" * PART, b"b" * PART], list[str]()
    file, once = io.BytesIO(data[0]), iter([data[1]])
    s3.server.faults.add("PutObject", Status(403, "AccessDenied"), times=None)
    with pytest.raises(WorkerError):
        s3.driver.ex_upload_with(
            pool, [file, once], s3.container, "object", ex_on_session=texts.append
        )
    s3.server.faults.clear()
    with pytest.raises(ValueError, match=r"piece 1 of object can be read only once"):
        s3.driver.ex_attach_upload(texts[0], pool, [file, once])
    assert not any(name == "object" for _, name in s3.server.objects)
    s3.driver.ex_attach_upload(texts[0], pool, [file, lambda: data[1]])
    assert s3.body() == b"".join(data)
    s3.assert_nothing_is_left("object")


def test_fewer_pieces_than_before_are_refused(s3: Store, pool: Any) -> None:
    pieces, texts = Pieces(SIZES), list[str]()
    s3.server.faults.add("UploadPartCopy", Status(403, "AccessDenied"))
    with pytest.raises(WorkerError):
        upload(s3, pool, pieces, ex_on_session=texts.append)
    with pytest.raises(ValueError, match="had 5 pieces, and has 4 now"):
        attach(s3, texts[0], pool, Pieces(SIZES[:4]))
    attach(s3, texts[0], pool, pieces)
    s3.assert_nothing_is_left("object")


def test_fewer_pieces_than_are_stored_are_refused(s3: Store, pool: Any) -> None:
    pieces, texts = Pieces(SIZES), list[str]()
    s3.server.faults.add("PutObject", Status(403, "AccessDenied"), nth=len(SIZES))
    with pytest.raises(WorkerError):
        upload(s3, pool, pieces, ex_on_session=texts.append, ex_window=1)
    with pytest.raises(ValueError, match="there are 2 pieces"):
        attach(s3, texts[0], pool, Pieces(SIZES[:2]))
    attach(s3, texts[0], pool, pieces)
    s3.assert_nothing_is_left("object")


def test_removed_pieces_are_repeated(s3: Store, pool: Any) -> None:
    pieces, texts = Pieces(SIZES), list[str]()
    s3.server.faults.add("UploadPartCopy", Status(403, "AccessDenied"))
    with pytest.raises(WorkerError):
        upload(s3, pool, pieces, ex_on_session=texts.append)
    prefix = folder_of(UploadSession.from_json(texts[0], s3.driver)).prefix
    listed = s3.driver.list_container_objects(s3.container, f"{prefix}00000003")
    s3.driver.ex_delete_objects(listed, s3.container)
    attach(s3, texts[0], pool, pieces)
    assert [pieces.runs[number] for number in range(len(SIZES))] == [1, 1, 1, 2, 1]
    assert s3.body() == pieces.data
    s3.assert_nothing_is_left("object")


def test_an_object_that_is_too_large_leaves_nothing(
    s3: Store, pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = replace(s3.driver.profile.limits, max_object_size=5 * PART)
    monkeypatch.setattr(s3.driver, "profile", replace(s3.driver.profile, limits=limits))
    with pytest.raises(LibcloudError, match="bytes"):
        upload(s3, pool, Pieces(SIZES), ex_on_failure="abort")
    s3.assert_nothing_is_left()


def test_a_worker_with_another_version_is_refused(s3: Store) -> None:
    class Old(ThreadPoolExecutor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            return super().submit(partial(fn, args[0]._replace(version="0"), *args[1:]))

    with Old(1) as pool, pytest.raises(WorkerError, match=r"piece 0 of .* install the same"):
        upload(s3, pool, Pieces(SIZES), ex_on_failure="abort")
    s3.assert_nothing_is_left()
