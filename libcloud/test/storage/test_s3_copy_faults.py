# SPDX-License-Identifier: Apache-2.0
"""Copies that the store makes: what goes wrong on the way, and who hears of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.storage.transfer.progress import PartDone, UploadCompleted, UploadStarted
from libcloud.storage.types import ObjectChangedError, PreconditionFailedError
from libcloud.test.storage.fakes.faults import (
    Action,
    Drop,
    ErrorIn200,
    LoseAnswer,
    Status,
    WrongETag,
)
from libcloud.test.storage.fakes.wire import Answer, Incoming
from libcloud.test.storage.s3_servers import BUCKET, PART, Store, in_parts, pattern, put


def _replace_source(made: Store) -> Callable[[object], bool]:
    """For a rule: lets a request pass, and puts another object in the place of the source."""

    def match(request: object) -> bool:
        state = made.server.state
        with state.lock:
            old = state.objects[BUCKET, "source"]
            state.objects[BUCKET, "source"] = replace(old, etag="f" * 32)
        return True

    return match


@pytest.mark.parametrize("part_size", [None, PART])
def test_a_source_that_is_replaced_during_a_copy_is_an_error(
    amazon: Store, part_size: int | None
) -> None:
    obj = put(amazon, 3 * PART)
    operation = "UploadPartCopy" if part_size else "CopyObject"
    amazon.server.faults.add(operation, Action(), match=_replace_source(amazon))
    with pytest.raises(ObjectChangedError, match="source was replaced") as caught:
        in_parts(amazon, obj, ex_part_size=part_size)
    assert isinstance(caught.value, PreconditionFailedError)
    amazon.assert_nothing_is_left("source")


class Unconditional(Action):
    """A store that does not know conditions of copies."""

    def verified(self, request: Incoming) -> Incoming:
        headers = tuple(item for item in request.headers if "copy-source-if" not in item[0])
        return replace(request, headers=headers)


def test_a_store_without_conditions_does_not_publish_parts_of_two_versions(
    amazon: Store,
) -> None:
    obj = put(amazon, 3 * PART)
    amazon.server.faults.add(
        "UploadPartCopy", Unconditional(), match=_replace_source(amazon), times=None
    )
    with pytest.raises(ObjectChangedError, match="source was replaced"):
        in_parts(amazon, obj, ex_part_size=PART)
    assert not amazon.requests("CompleteMultipartUpload")
    amazon.assert_nothing_is_left("source")


class Weak(Action):
    """A look that tells a weak ETag, or none."""

    def __init__(self, etag: str | None) -> None:
        self.etag = etag

    def answered(self, answer: Answer) -> Answer:
        if self.etag is not None:
            return answer.with_headers([("ETag", self.etag)])
        kept = tuple(item for item in answer.headers if item[0].lower() != "etag")
        return replace(answer, headers=kept)


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
@pytest.mark.parametrize("part_size", [None, PART])
def test_a_source_without_a_strong_etag_is_pinned_by_its_time(
    amazon: Store, part_size: int | None, etag: str | None
) -> None:
    obj = put(amazon, 3 * PART)
    amazon.server.faults.add("HeadObject", Weak(etag), times=None)
    in_parts(amazon, obj, ex_part_size=part_size)
    for entry in amazon.requests("CopyObject", "UploadPartCopy"):
        assert "x-amz-copy-source-if-match" not in entry.headers
        assert entry.headers["x-amz-copy-source-if-unmodified-since"].endswith("GMT")


OPERATIONS = ["CopyObject", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload"]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "fault", [Status(503, "SlowDown"), Drop(), LoseAnswer(), ErrorIn200(), Status(500)]
)
def test_a_transient_fault_is_retried(amazon: Store, operation: str, fault: Action) -> None:
    part_size = None if operation == "CopyObject" else PART
    obj = put(amazon, 3 * PART)
    rule = amazon.server.faults.add(operation, fault)
    copy = in_parts(amazon, obj, ex_part_size=part_size)
    assert rule.fired == 1
    assert amazon.body("copy") == pattern(3 * PART)
    assert copy.hash == amazon.server.objects[BUCKET, "copy"].etag
    if not (operation == "CreateMultipartUpload" and isinstance(fault, LoseAnswer)):
        amazon.assert_nothing_is_left("copy", "source")


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "fault", [Status(403, "AccessDenied"), ErrorIn200("AccessDenied", "No."), Status(503), Drop()]
)
def test_a_lasting_fault_leaves_nothing(amazon: Store, operation: str, fault: Action) -> None:
    part_size = None if operation == "CopyObject" else PART
    obj = put(amazon, 3 * PART)
    rule = amazon.server.faults.add(operation, fault, times=None)
    with pytest.raises((LibcloudError, OSError)) as caught:
        in_parts(amazon, obj, ex_part_size=part_size)
    lasting = isinstance(fault, Status) and fault.status == 403
    assert isinstance(caught.value, InvalidCredsError) == lasting
    repeated = fault in (Status(503), Drop()) or operation == "CreateMultipartUpload"
    assert rule.fired <= (18 if repeated else 3)
    upload_id = getattr(caught.value, "upload_id", None)
    left = [upload.upload_id for upload in amazon.server.unfinished_uploads()]
    assert left == ([upload_id] if upload_id else [])
    assert not left or operation == "CompleteMultipartUpload"
    assert [name for _, name in amazon.server.objects] == ["source"]


@pytest.mark.parametrize("operation", ["CopyObject", "CompleteMultipartUpload"])
def test_a_copy_whose_responses_are_all_lost_is_found(amazon: Store, operation: str) -> None:
    obj = put(amazon, 3 * PART)
    amazon.server.faults.add(operation, LoseAnswer(), times=None)
    copy = in_parts(amazon, obj, ex_part_size=None if operation == "CopyObject" else PART)
    assert copy.hash == amazon.server.objects[BUCKET, "copy"].etag
    assert copy.size == 3 * PART


def test_an_old_object_of_the_same_size_is_not_mistaken_for_the_copy(amazon: Store) -> None:
    obj = put(amazon, 3 * PART)
    put(amazon, 3 * PART, "copy")
    state = amazon.server.state
    old = state.objects[BUCKET, "copy"]
    state.objects[BUCKET, "copy"] = replace(old, modified=old.modified.replace(year=2001))
    amazon.server.faults.add("CopyObject", Drop(), times=None)
    with pytest.raises((LibcloudError, OSError)):
        in_parts(amazon, obj, ex_part_size=None)


def test_empty_parts_are_detected(amazon: Store) -> None:
    obj = put(amazon, 3 * PART)
    empty = f'<CopyPartResult><ETag>"{hashlib.md5(b"").hexdigest()}"</ETag></CopyPartResult>'
    amazon.server.faults.add("UploadPartCopy", _Body(empty.encode()), times=None)
    with pytest.raises(LibcloudError, match="copied nothing"):
        in_parts(amazon, obj)
    assert amazon.server.count("UploadPartCopy") <= 3
    amazon.assert_nothing_is_left("source")


@pytest.mark.parametrize("operation", ["CopyObject", "UploadPartCopy"])
def test_a_response_without_a_body_copied_nothing(amazon: Store, operation: str) -> None:
    obj = put(amazon, 3 * PART)
    amazon.server.faults.add(operation, _Body(b""), times=None)
    with pytest.raises(LibcloudError, match="copied nothing"):
        in_parts(amazon, obj, ex_part_size=None if operation == "CopyObject" else PART)
    assert not amazon.server.unfinished_uploads()


def test_a_copy_need_not_have_an_etag(amazon: Store) -> None:
    amazon.server.faults.add("CopyObject", _Body(b"<CopyObjectResult/>"))
    assert amazon.driver.ex_copy_object(put(amazon), amazon.container, "copy").hash is None


class _Body(Action):
    """Carry the request out and answer something else."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def answered(self, answer: Any) -> Any:
        return replace(answer, body=self.body)


def test_a_source_without_an_etag_is_copied_without_a_condition(amazon: Store) -> None:
    obj = put(amazon)
    amazon.server.faults.add("HeadObject", WrongETag(""))
    amazon.driver.ex_copy_object(obj, amazon.container, "copy")
    (request,) = amazon.requests("CopyObject")
    assert "x-amz-copy-source-if-match" not in request.headers


# Who listens


def test_a_listener_is_called_for_each_part(amazon: Store) -> None:
    obj = put(amazon, 2 * PART)
    heard: list[Any] = []
    in_parts(amazon, obj, on_event=heard.append)
    assert isinstance(heard[0], UploadStarted)
    assert sorted(one.number for one in heard if isinstance(one, PartDone)) == [1, 2]
    assert isinstance(heard[-1], UploadCompleted)
    assert heard[-1].bytes_done == 2 * PART


def test_a_listener_that_fails_ends_the_copy(amazon: Store) -> None:
    obj = put(amazon, 3 * PART)

    def listen(event: object) -> None:
        if isinstance(event, PartDone):
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        in_parts(amazon, obj, on_event=listen, ex_window=1)
    amazon.assert_nothing_is_left("source")


def test_a_connection_of_others_copies_part_by_part(amazon: Store) -> None:
    obj = put(amazon, 3 * PART)
    connection = amazon.driver.connection
    connection.request = type(connection).request.__get__(connection)
    in_parts(amazon, obj)
    assert amazon.server.peak_parts() == 1
    assert amazon.body("copy") == pattern(3 * PART)
