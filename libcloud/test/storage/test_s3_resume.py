# SPDX-License-Identifier: Apache-2.0
"""A failed upload is resumed: parts that the store has are not sent again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.capabilities import MIB
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.s3 import profiles
from libcloud.storage.transfer.progress import UploadCompleted, UploadEvent
from libcloud.storage.types import (
    PreconditionFailedError,
    SizeMismatchError,
    UploadOutcomeUnknownError,
)
from libcloud.test.storage.fakes.faults import Action, Drop, LoseAnswer, Status, Truncate
from libcloud.test.storage.fakes.options import AMAZON, EQUAL_PARTS
from libcloud.test.storage.fakes.servers import Endpoint, moto_server, rclone_server
from libcloud.test.storage.s3_servers import PART, Store, pattern, store

LONG = pattern(PART * 5 + 1)  # six parts


def broken_off(there: Store, data: bytes = LONG, *, parts: int, **options: Any) -> str:
    """Upload until the store holds so many parts; the id of what is left."""

    def source() -> Iterator[bytes]:
        yield data[: PART * parts + 1]
        raise ConnectionError("the source is gone")

    with pytest.raises(ConnectionError) as caught:
        there.stream(source(), ex_on_failure="keep", **{"ex_window": 1, **options})
    there.server.log.clear()
    (left,) = there.server.unfinished_uploads()
    assert sorted(left.parts) == [*range(1, parts + 1)]
    assert vars(caught.value)["upload_id"] == left.upload_id
    return left.upload_id


def resume(there: Store, upload_id: str, data: bytes = LONG, **options: Any) -> Any:
    return there.driver.ex_resume_upload(
        iter([data]), there.container, "object", upload_id, **options
    )


def sent(there: Store) -> list[int | None]:
    """Numbers of the parts that were sent."""
    return [entry.part_number for entry in there.requests("UploadPart")]


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_what_the_store_holds_is_not_sent_again(s3: Store, parts: int) -> None:
    upload_id = broken_off(s3, parts=parts, extra={"meta_data": {"key": "value"}})
    stored = resume(s3, upload_id)
    assert (s3.body(), stored.size, stored.name) == (LONG, len(LONG), "object")
    assert sent(s3) == [*range(parts + 1, 7)]
    assert stored.hash == s3.driver.get_object("bucket", "object").hash
    assert s3.server.objects["bucket", "object"].metadata == {"key": "value"}
    s3.assert_nothing_is_left("object")


def test_a_gap_is_filled(s3: Store) -> None:
    s3.server.faults.add("UploadPart", Status(403, "AccessDenied"), part=2)
    with pytest.raises(LibcloudError) as caught:
        s3.stream(iter([LONG]), ex_on_failure="keep", ex_window=4)
    held = {*s3.server.unfinished_uploads()[0].parts}
    s3.server.log.clear()
    resume(s3, vars(caught.value)["upload_id"])
    assert s3.body() == LONG
    assert {*sent(s3)} == {*range(1, 7)} - held
    s3.assert_nothing_is_left("object")


@pytest.mark.parametrize("size", [0, 1, PART, PART + 1, 2 * PART, 2 * PART + 1, 8 * PART])
def test_resuming_publishes_the_current_data(s3: Store, size: int) -> None:
    upload_id = broken_off(s3, parts=3)
    data = b"x" + pattern(size)[1:] if size else b""
    resume(s3, upload_id, data)
    assert s3.body() == data
    s3.assert_nothing_is_left("object")


@pytest.mark.parametrize("part_size", [PART - 1, PART + 1, 10 * PART])
def test_another_part_size_than_before_costs_and_does_no_harm(s3: Store, part_size: int) -> None:
    resume(s3, broken_off(s3, parts=2), ex_part_size=part_size)
    assert s3.body() == LONG
    s3.assert_nothing_is_left("object")


KMS = {"x-amz-server-side-encryption": "aws:kms"}  # ETags are no MD5s


def resumed(**options: Any) -> list[int | None]:
    """The parts that are sent again to a server that holds 1 and 2."""
    with store() as there:
        resume(there, broken_off(there, parts=2, **options), **options)
        assert there.body() == LONG
        there.assert_nothing_is_left("object")
        return sent(there)


def test_parts_without_a_matching_checksum_are_sent_again() -> None:
    assert resumed(headers=KMS) == [1, 2, 3, 4, 5, 6]


def test_a_checksum_is_evidence_where_the_etag_is_not() -> None:
    assert resumed(headers=KMS, ex_checksum="crc32") == [3, 4, 5, 6]


@pytest.mark.parametrize("checksum", ["md5", "sha256", None])
def test_an_md5_etag_is_compared_whatever_digest_is_sent(checksum: str | None) -> None:
    assert resumed(ex_checksum=checksum) == [3, 4, 5, 6]


def test_parts_that_must_be_equal_are() -> None:
    class Driver(S3StorageDriver):
        profile = profiles.R2

    short = LONG[: 2 * PART + 1]
    with store(EQUAL_PARTS, Driver) as there:
        upload_id = broken_off(there, parts=2)
        there.server.faults.add("CompleteMultipartUpload", Status(403, "AccessDenied"))
        with pytest.raises(LibcloudError):
            resume(there, upload_id, short)
        resume(there, upload_id)
        assert there.body() == LONG
        there.assert_nothing_is_left("object")


def test_a_listing_of_many_parts_is_read_to_its_end() -> None:
    with store(replace(AMAZON, page_size=2)) as there:
        resume(there, broken_off(there, parts=5))
        assert there.server.count("ListParts") == 3
        assert sent(there) == [6]


def test_request_payer_is_sent_with_each_request(s3: Store) -> None:
    resume(s3, broken_off(s3, parts=2), headers={"x-amz-request-payer": "requester"})
    told = [entry.headers.get("x-amz-request-payer") for entry in s3.server.requests]
    assert {*told} == {"requester"}


@pytest.mark.parametrize("operation", ["ListParts", "UploadPart", "CompleteMultipartUpload"])
@pytest.mark.parametrize(
    "fault",
    [Status(500), Drop(), LoseAnswer(), Truncate(9)],
    ids=lambda fault: type(fault).__name__,
)
def test_a_transient_error_is_not_noticed(s3: Store, operation: str, fault: Action) -> None:
    upload_id = broken_off(s3, parts=2)
    rule = s3.server.faults.add(operation, fault)
    resume(s3, upload_id)
    assert rule.fired == 1
    assert s3.body() == LONG
    s3.assert_nothing_is_left("object")


@pytest.mark.parametrize("operation", ["ListParts", "UploadPart", "CompleteMultipartUpload"])
def test_what_fails_again_can_be_resumed_again(s3: Store, operation: str) -> None:
    upload_id = broken_off(s3, parts=2)
    s3.server.faults.add(operation, Status(403, "AccessDenied"), nth=1)
    with pytest.raises(LibcloudError, match="AccessDenied"):
        resume(s3, upload_id)
    assert [left.upload_id for left in s3.server.unfinished_uploads()] == [upload_id]
    resume(s3, upload_id)
    assert s3.body() == LONG
    s3.assert_nothing_is_left("object")


def test_an_upload_succeeds_with_frequent_failures(s3: Store) -> None:
    """Each time one part is stored; none is sent twice."""
    upload_id = broken_off(s3, parts=1)
    for number in itertools.count(3):
        s3.server.faults.add("UploadPart", Status(403, "AccessDenied"), part=number)
        try:
            resume(s3, upload_id, ex_window=1)
        except LibcloudError as error:
            assert vars(error)["upload_id"] == upload_id
        else:
            break
    accepted = [entry for entry in s3.requests("UploadPart") if entry.status == 200]
    assert [entry.part_number for entry in accepted] == [2, 3, 4, 5, 6]
    assert s3.body() == LONG


def test_an_outcome_that_was_unknown_is_settled(s3: Store) -> None:
    s3.server.faults.add("CompleteMultipartUpload", Drop(), times=None)
    with pytest.raises(UploadOutcomeUnknownError) as caught:
        s3.stream(iter([LONG]))
    s3.server.faults.clear()
    s3.server.log.clear()
    assert caught.value.upload_id is not None
    resume(s3, caught.value.upload_id)
    assert (s3.body(), sent(s3)) == (LONG, [])
    s3.assert_nothing_is_left("object")


def test_a_missing_upload_is_an_error_and_nothing_is_stored(s3: Store) -> None:
    with pytest.raises(LibcloudError, match=r"object.*NoSuchUpload") as caught:
        resume(s3, "unknown")
    assert vars(caught.value)["code"] == "NoSuchUpload"
    assert s3.server.operations() == ["ListParts"]


def test_it_is_aborted_on_request(s3: Store) -> None:
    upload_id = broken_off(s3, parts=2)
    with pytest.raises(SizeMismatchError):
        resume(s3, upload_id, ex_on_failure="abort", ex_size=7)
    s3.assert_nothing_is_left()


def test_a_listener_is_called_for_the_whole_object(s3: Store) -> None:
    events: list[UploadEvent] = []
    resume(s3, broken_off(s3, parts=3), on_event=events.append)
    assert isinstance(events[-1], UploadCompleted)
    assert (events[-1].bytes_done, events[-1].parts) == (len(LONG), 6)


@pytest.mark.parametrize(
    ("options", "error"), [({"ex_window": 0}, ValueError), ({"ex_nonsense": 1}, TypeError)]
)
def test_invalid_options_are_refused_before_anything_is_sent(
    s3: Store, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        resume(s3, "id", **options)
    assert s3.server.requests == []


def test_a_driver_without_uploads_in_parts_has_none_to_resume() -> None:
    class Plain(S3StorageDriver):
        supports_s3_multipart_upload = False

    with store(kind=Plain) as there:
        with pytest.raises(ValueError, match="does not upload in parts"):
            resume(there, "id")
        assert there.server.requests == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launch", "profile"),
    [(moto_server, profiles.MOTO), (rclone_server, profiles.RCLONE)],
    ids=["moto", "rclone"],
)
def test_real_servers_continue_as_well(launch: Any, profile: Any) -> None:
    data = pattern(12 * MIB + 1)

    def source() -> Iterator[bytes]:
        yield data[: 10 * MIB + 1]
        raise ConnectionError("the source is gone")

    endpoint: Endpoint
    with launch() as endpoint:
        driver: Any = S3StorageDriver(
            endpoint.key,
            endpoint.secret,
            secure=False,
            host=endpoint.host,
            port=endpoint.port,
            ex_profile=profile,
        )
        container = driver.create_container("resuming")
        with pytest.raises(ConnectionError) as caught:
            driver.upload_object_via_stream(
                source(),
                container,
                "object",
                ex_part_size=5 * MIB,
                ex_window=1,  # the third part is read after the first is sent
                ex_on_failure="keep",
            )
        upload_id = vars(caught.value)["upload_id"]
        stored = driver.ex_resume_upload(iter([data]), container, "object", upload_id)
        assert b"".join(stored.as_stream()) == data
        assert [*driver.ex_iterate_multipart_uploads(container)] == []


def test_preconditions_hold_for_a_resumed_upload() -> None:
    with store() as there:
        upload_id = broken_off(there, parts=3)
        there.stream(iter([b"somebody else's"]))
        with pytest.raises(PreconditionFailedError):
            resume(there, upload_id, ex_if_none_match="*", ex_on_failure="abort")
        assert there.body() == b"somebody else's"
        there.assert_nothing_is_left("object")


def test_a_customer_key_is_sent_with_a_resumed_upload() -> None:
    key = {"ex_sse_customer_key": b"k" * 32}
    with store(replace(AMAZON, tls=True)) as there:
        upload_id = broken_off(there, parts=3, **key)
        resume(there, upload_id, **key)
        assert there.body() == LONG
        assert sent(there) == [4, 5, 6]


def test_an_invalid_request_is_refused_before_anything_is_sent() -> None:
    with store() as there:
        upload_id = broken_off(there, parts=3)
        for keywords in ({"ex_nothing": 1}, {"ex_window": 0}, {"ex_if_none_match": "x"}):
            with pytest.raises((TypeError, ValueError)):
                resume(there, upload_id, **keywords)
        assert not there.server.requests
