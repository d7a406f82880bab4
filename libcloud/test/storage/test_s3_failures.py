# SPDX-License-Identifier: Apache-2.0
"""Uploads in parts that meet trouble: it passes unnoticed, or it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.types import (
    ObjectHashMismatchError,
    ObjectTooLargeError,
    PreconditionFailedError,
    UploadOutcomeUnknownError,
)
from libcloud.test.storage.fakes.faults import (
    Action,
    Drop,
    Dropped,
    ErrorIn200,
    FlipBit,
    LeadingSpace,
    LoseAnswer,
    Status,
    WrongETag,
)
from libcloud.test.storage.fakes.wire import Answer, Incoming
from libcloud.test.storage.s3_servers import PART, Store, pattern, store

LONG = pattern(PART * 3 + 1)  # four parts


class Boom(BaseException):
    """What the sources of this module raise."""


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), SystemExit(3), Boom()])
def test_a_failing_source_leads_to_one_abort_and_its_own_error(
    s3: Store, error: BaseException
) -> None:
    with pytest.raises(type(error)) as caught:
        s3.stream(s3.failing(error, LONG))
    assert caught.value is error
    assert_aborted_once(s3)


def assert_aborted_once(s3: Store) -> None:
    (abort,) = s3.requests("AbortMultipartUpload")
    parts = s3.requests("UploadPart")
    assert {part.query["uploadId"] for part in parts} <= {abort.query["uploadId"]}
    assert abort.index == len(s3.server.requests) - 1
    s3.assert_nothing_is_left()


def test_a_refused_part_leads_to_one_abort(s3: Store) -> None:
    s3.server.faults.add("UploadPart", Status(403, "AccessDenied"), part=2)
    with pytest.raises(LibcloudError, match=r"chunk 2 of bucket/object.*403.*AccessDenied"):
        s3.stream(iter([LONG]))
    assert_aborted_once(s3)


def test_a_refused_complete_leads_to_one_abort(s3: Store) -> None:
    s3.server.faults.add("CompleteMultipartUpload", Status(400, "InvalidPart"))
    with pytest.raises(LibcloudError, match=r"commit of bucket/object.*400.*InvalidPart"):
        s3.stream(iter([LONG]))
    assert_aborted_once(s3)


class Page(Action):
    """Another server on the way answers, in its own words."""

    def __init__(self, status: int, body: bytes = b"Not Found") -> None:
        self.status, self.body = status, body

    def answered(self, answer: Answer) -> Answer:
        return Answer(self.status, (("Content-Type", "text/plain"),), self.body)


@pytest.mark.parametrize("status", [400, 404, 409])
@pytest.mark.parametrize(
    "operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject"]
)
def test_a_refusal_in_other_words_than_s3s_is_an_error_at_once(
    s3: Store, operation: str, status: int
) -> None:
    rule = s3.server.faults.add(operation, Page(status), times=None)
    with pytest.raises(LibcloudError, match=rf"bucket/object.*Status code: {status}"):
        s3.stream(iter([b"short" if operation == "PutObject" else LONG]), ex_window=1)
    assert rule.fired == 1


@pytest.mark.parametrize(
    "fault", [Status(500, "InternalError"), Status(503, "SlowDown"), Status(429, ""), Drop()]
)
@pytest.mark.parametrize(
    "operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"]
)
def test_a_transient_error_is_not_noticed(s3: Store, operation: str, fault: Any) -> None:
    rule = s3.server.faults.add(operation, fault, times=2)
    s3.stream(iter([LONG]))
    assert rule.fired == 2
    assert s3.body() == LONG
    s3.assert_nothing_is_left("object")


def test_a_part_damaged_on_its_way_is_sent_again(s3: Store) -> None:
    rule = s3.server.faults.add("UploadPart", FlipBit(), part=2)
    s3.stream(iter([LONG]))
    assert rule.fired == 1
    assert s3.body() == LONG
    s3.assert_nothing_is_left("object")


class OtherObject(Action):
    """Complete answers with the ETag of other parts."""

    def answered(self, answer: Answer) -> Answer:
        """The body, with another MD5 in it."""
        other = re.sub(rb"[0-9a-f]{32}-4", b"0" * 32 + b"-4", bytes(answer.body))
        return replace(answer, body=other)


def test_a_response_about_another_object_is_checked(s3: Store) -> None:
    rule = s3.server.faults.add("CompleteMultipartUpload", OtherObject())
    s3.stream(iter([LONG]))
    assert rule.fired == 1
    assert s3.server.count("HeadObject") == 1
    assert s3.body() == LONG
    s3.assert_nothing_is_left("object")


def test_an_object_of_other_parts_is_not_recognized(s3: Store) -> None:
    s3.server.faults.add("CompleteMultipartUpload", OtherObject())
    s3.server.faults.add("HeadObject", WrongETag(f'"{"0" * 32}-4"'), times=None)
    with pytest.raises(ObjectHashMismatchError, match="00000000-4"):
        s3.stream(iter([LONG]))


def test_a_part_stored_damaged_is_noticed_at_the_end() -> None:
    with store() as s3:
        s3.server.faults.add("UploadPart", FlipBit(where="store"), part=2)
        with pytest.raises(LibcloudError, match=r"commit of bucket/object.*(BadDigest|Checksum)"):
            s3.stream(iter([LONG]), ex_checksum="crc32")
        s3.assert_nothing_is_left()


@pytest.mark.parametrize("code", ["InternalError", "SlowDown"])
def test_a_transient_error_within_a_200_is_retried(s3: Store, code: str) -> None:
    s3.server.faults.add("CompleteMultipartUpload", ErrorIn200(code))
    s3.stream(iter([LONG]))
    assert s3.server.count("CompleteMultipartUpload") == 2
    s3.assert_nothing_is_left("object")


def test_a_lasting_error_within_a_200_is_an_error(s3: Store) -> None:
    s3.server.faults.add(
        "CompleteMultipartUpload", ErrorIn200("InvalidPart", "Part 2 is not there")
    )
    with pytest.raises(LibcloudError, match=r"InvalidPart.*Part 2 is not there"):
        s3.stream(iter([LONG]))
    assert_aborted_once(s3)


def test_a_condition_that_fails_within_a_200_is_that_error(s3: Store) -> None:
    s3.server.faults.add("CompleteMultipartUpload", ErrorIn200("PreconditionFailed"))
    with pytest.raises(PreconditionFailedError):
        s3.stream(iter([LONG]))
    assert_aborted_once(s3)


def test_white_space_before_the_response_to_complete_is_ignored(s3: Store) -> None:
    s3.server.faults.add("CompleteMultipartUpload", LeadingSpace())
    s3.stream(iter([LONG]))
    s3.assert_nothing_is_left("object")


def test_a_complete_whose_response_is_lost_is_looked_up(s3: Store) -> None:
    s3.server.faults.add("CompleteMultipartUpload", LoseAnswer())
    stored = s3.stream(iter([LONG]))
    assert (s3.body(), stored.size) == (LONG, len(LONG))
    assert s3.server.count("HeadObject") == 1
    s3.assert_nothing_is_left("object")


@pytest.mark.parametrize("data", [b"short", LONG])
def test_the_same_data_from_before_is_no_success(s3: Store, data: bytes) -> None:
    """A store that refuses each attempt has stored nothing, whatever lies there already."""
    s3.stream(iter([data]), extra={"meta_data": {"version": "old"}})
    for operation in ("PutObject", "CompleteMultipartUpload"):
        s3.server.faults.add(operation, Status(503, "SlowDown"), times=None)
    with pytest.raises(LibcloudError, match=r"bucket/object.*503.*SlowDown"):
        s3.stream(iter([data]), extra={"meta_data": {"version": "new"}})
    assert s3.server.objects["bucket", "object"].metadata == {"version": "old"}
    s3.assert_nothing_is_left("object")


@pytest.mark.parametrize("data", [b"short", LONG])
def test_another_object_of_the_same_size_is_not_recognized(s3: Store, data: bytes) -> None:
    """Nothing reaches the store any more, but what lies there can be looked at."""
    before = bytes(len(data))
    s3.stream(iter([before]))
    for operation in ("PutObject", "CompleteMultipartUpload"):
        s3.server.faults.add(operation, Drop(), times=None)
    with pytest.raises((LibcloudError, OSError)):
        s3.stream(iter([data]))
    assert s3.server.count("HeadObject") == 1
    assert s3.body() == before


KMS = {"x-amz-server-side-encryption": "aws:kms"}  # ETags are no MD5s, and say nothing


def overtaken(s3: Store, data: bytes) -> Action:
    """The request is lost, while another client writes as many bytes under the same name."""

    class Overtaken(Action):
        def received(self, request: Incoming) -> Incoming:
            with s3.server.state.lock:
                now = s3.server.options.clock()
                other = replace(s3.server.state.objects["bucket", "object"], modified=now)
                s3.server.state.objects["bucket", "object"] = other
            raise Dropped

    s3.stream(iter([bytes(len(data))]), headers=KMS)
    return Overtaken()


@pytest.mark.parametrize("data", [b"short", LONG], ids=["put", "complete"])
def test_an_object_of_another_client_is_not_mistaken_for_the_upload(s3: Store, data: bytes) -> None:
    action = overtaken(s3, data)
    for operation in ("PutObject", "CompleteMultipartUpload"):
        s3.server.faults.add(operation, action, times=None)
    with pytest.raises(LibcloudError, match="reset") as caught:
        s3.stream(iter([data]), headers=KMS)
    assert isinstance(caught.value, UploadOutcomeUnknownError) == (data is LONG)
    assert s3.body() == bytes(len(data))


@pytest.mark.parametrize("times", [1, None], ids=["once", "always"])
@pytest.mark.parametrize("data", [b"short", LONG], ids=["put", "complete"])
def test_an_object_published_by_a_lost_request_is_recognized_without_its_etag(
    s3: Store, data: bytes, times: int | None
) -> None:
    for operation in ("PutObject", "CompleteMultipartUpload"):
        s3.server.faults.add(operation, LoseAnswer(), times=times)
    s3.stream(iter([data]), headers={**KMS, "Content-Encoding": "gzip"})
    assert s3.body() == data
    s3.assert_nothing_is_left("object")


@pytest.mark.parametrize(
    ("operation", "look"), [("PutObject", "GetObject"), ("Complete", "ListParts")]
)
def test_the_time_decides_where_the_store_reports_nothing_else(
    s3: Store, operation: str, look: str
) -> None:
    """No request got a response, so there is no time to compare with."""
    data = b"short" if operation == "PutObject" else LONG
    for one in ("PutObject", "CompleteMultipartUpload"):
        s3.server.faults.add(one, LoseAnswer(), times=None)
    s3.server.faults.add(look, Status(403, "AccessDenied"), times=None)
    if data is LONG:
        s3.stream(iter([data]), headers=KMS)
    else:
        with pytest.raises(UploadOutcomeUnknownError):
            s3.stream(iter([data]), headers=KMS)
    assert s3.body() == data
    assert s3.server.count(look) == 1


def test_an_undeterminable_outcome_is_reported_as_unknown(s3: Store) -> None:
    s3.server.faults.add("CompleteMultipartUpload", LoseAnswer(), times=None)
    s3.server.faults.add("HeadObject", Drop(), times=None)
    with pytest.raises(UploadOutcomeUnknownError, match="bucket/object is unknown") as caught:
        s3.stream(iter([LONG]))
    assert caught.value.object_name == "object"
    assert s3.server.count("AbortMultipartUpload") == 0


def test_an_abort_that_fails_does_not_hide_the_error(s3: Store) -> None:
    s3.server.faults.add("AbortMultipartUpload", Status(403, "AccessDenied"), times=None)
    error = ValueError("mine")
    with pytest.raises(ValueError) as caught:
        s3.stream(s3.failing(error, LONG))
    assert caught.value is error
    (left,) = s3.server.unfinished_uploads()
    facts = vars(error)
    assert facts["upload_id"] == left.upload_id
    assert "AccessDenied" in str(facts["cleanup_error"])


def test_an_abort_is_tried_again(s3: Store) -> None:
    s3.server.faults.add("AbortMultipartUpload", Status(503, "SlowDown"), times=2)
    with pytest.raises(ValueError):
        s3.stream(s3.failing(ValueError(), LONG))
    assert s3.server.count("AbortMultipartUpload") == 3
    s3.assert_nothing_is_left()


def test_a_missing_upload_counts_as_aborted(s3: Store) -> None:
    s3.server.faults.add("AbortMultipartUpload", LoseAnswer())
    error: Any = ValueError("mine")
    with pytest.raises(ValueError):
        s3.stream(s3.failing(error, LONG))
    assert getattr(error, "upload_id", None) is None
    s3.assert_nothing_is_left()


def test_a_stream_beyond_what_the_store_takes_publishes_nothing() -> None:
    class Tiny(S3StorageDriver):
        profile = replace(
            S3StorageDriver.profile,
            limits=replace(S3StorageDriver.profile.limits, max_parts=3, max_part_size=PART),
        )

    with store(kind=Tiny) as s3:
        with pytest.raises(ObjectTooLargeError, match=str(3 * PART)):
            s3.stream(iter([LONG]))
        assert_aborted_once(s3)
        s3.server.log.clear()
        with pytest.raises(ObjectTooLargeError):
            s3.stream(iter([LONG]), ex_size=len(LONG))
        assert s3.server.requests == []


def end_by_itself() -> None:
    """Let this process, a fork, not outlive the test if it waits for what never comes."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(20)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("exits", [True, False], ids=["exits", "goes on"])
def test_a_process_forked_by_the_source_leaves_the_upload_to_its_parent(
    s3: Store, exits: bool
) -> None:
    parent = os.getpid()

    def forking() -> Iterator[bytes]:
        yield LONG[: 2 * PART]
        child = os.fork()
        if not child:
            end_by_itself()
        if not child and exits:
            raise SystemExit
        yield LONG[2 * PART :]
        if child:
            assert os.waitpid(child, 0)[1] == 0

    try:
        s3.stream(forking())
    finally:
        if os.getpid() != parent:
            os._exit(0)
    assert s3.body() == LONG
    assert sorted(Counter(s3.server.operations()).items()) == [
        ("CompleteMultipartUpload", 1),
        ("CreateMultipartUpload", 1),
        ("UploadPart", 4),
    ]
    s3.assert_nothing_is_left("object")


def test_the_object_that_was_there_stays_until_the_new_one_is_whole(s3: Store) -> None:
    s3.stream(iter([b"old"]))
    with pytest.raises(ValueError):
        s3.stream(s3.failing(ValueError(), LONG))
    assert s3.body() == b"old"


def test_an_upload_kept_on_failure_can_be_found_and_removed(s3: Store) -> None:
    error: Any = ValueError("mine")
    with pytest.raises(ValueError):
        s3.stream(s3.failing(error, LONG), ex_on_failure="keep")
    (listed,) = s3.driver.ex_iterate_multipart_uploads(s3.container)
    assert (listed.id, listed.key) == (error.upload_id, "object")
    s3.driver.ex_cleanup_all_multipart_uploads(s3.container)
    s3.assert_nothing_is_left()


def test_a_subclass_may_replace_the_wire_calls() -> None:
    seen: list[str] = []

    class Own(S3StorageDriver):
        def _initiate_multipart(self, container: Any, object_name: Any, headers: Any = None) -> str:
            seen.append("initiate")
            return super()._initiate_multipart(container, object_name, headers)

        # As 3.9.1 has it: without further arguments, and the ETag is a text.
        def _commit_multipart(  # type: ignore[override]
            self, container: Any, object_name: Any, upload_id: Any, chunks: Any, **rest: Any
        ) -> str:
            seen.append("commit")
            return str(super()._commit_multipart(container, object_name, upload_id, chunks))

    with store(kind=Own) as s3:
        stored = s3.stream(iter([LONG]))
        assert seen == ["initiate", "commit"]
        assert stored.hash == s3.server.objects["bucket", "object"].etag


def test_an_upload_of_unknown_id_is_mentioned_in_the_error(s3: Store) -> None:
    s3.server.faults.add("CreateMultipartUpload", LoseAnswer(), times=None)
    with pytest.raises(LibcloudError) as caught:
        s3.stream(iter([LONG]))
    assert "unknown id may be left behind" in vars(caught.value)["orphan"]
    assert not hasattr(caught.value, "upload_id") or caught.value.upload_id is None
    assert all(not left.parts for left in s3.server.unfinished_uploads())
