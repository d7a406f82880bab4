# SPDX-License-Identifier: Apache-2.0
"""The fake S3 server injects faults, and detects violations of order."""

from __future__ import annotations

import hashlib
import http.client
import threading
from collections.abc import Iterator

import pytest

from libcloud.test.storage.fakes.client import (
    Reply,
    complete,
    create_upload,
    put_part,
    request,
    send_parts,
)
from libcloud.test.storage.fakes.faults import (
    Drop,
    ErrorIn200,
    FlipBit,
    Hold,
    LeadingSpace,
    LoseAnswer,
    Status,
    Truncate,
    WrongETag,
)
from libcloud.test.storage.fakes.options import SMALL_LIMITS
from libcloud.test.storage.fakes.server import FakeS3

PART = b"0123456789abcdef"


@pytest.fixture
def server() -> Iterator[FakeS3]:
    with FakeS3(SMALL_LIMITS) as running:
        running.create_bucket("bkt")
        yield running


def put(server: FakeS3, key: str = "key") -> Reply:
    return request(server, "PUT", f"/bkt/{key}", PART)


def test_the_nth_request_goes_wrong_and_only_that(server: FakeS3) -> None:
    rule = server.faults.add("PutObject", Status(503, "SlowDown"), nth=2, times=2)
    assert [put(server).status for _ in range(5)] == [200, 503, 503, 200, 200]
    assert rule.fired == 2 and server.faults.pending == []


def test_a_rule_can_concern_one_part_and_set_retry_after(server: FakeS3) -> None:
    busy = Status(429, "TooManyRequests", headers={"Retry-After": "7"})
    server.faults.add("UploadPart", busy, part=2)
    upload = create_upload(server)
    first, second = (put_part(server, upload, number, PART) for number in (1, 2))
    assert (first.status, second.status) == (200, 429)
    assert (second.code, second.headers["retry-after"]) == ("TooManyRequests", "7")
    assert put_part(server, upload, 2, PART).status == 200


@pytest.mark.parametrize("when", ["before_body", "in_body", "after_body"])
def test_a_dropped_request_is_not_carried_out(server: FakeS3, when: str) -> None:
    server.faults.add("PutObject", Drop(when))
    with pytest.raises((OSError, http.client.HTTPException)):
        put(server)
    assert server.objects == {}
    assert server.requests[-1].status == 0


def test_a_lost_response_leaves_the_work_done(server: FakeS3) -> None:
    server.faults.add("PutObject", LoseAnswer())
    with pytest.raises((OSError, http.client.HTTPException)):
        put(server)
    assert server.body("bkt", "key") == PART


def test_a_response_can_be_cut_off(server: FakeS3) -> None:
    put(server)
    server.faults.add("GetObject", Truncate(keep=3))
    with pytest.raises(http.client.IncompleteRead) as caught:
        request(server, "GET", "/bkt/key")
    assert caught.value.partial == PART[:3]


def test_complete_can_respond_200_with_an_error(server: FakeS3) -> None:
    server.faults.add("CompleteMultipartUpload", ErrorIn200("SlowDown"))
    upload = create_upload(server)
    parts = send_parts(server, upload, PART)
    reply = complete(server, upload, parts)
    assert (reply.status, reply.code) == (200, "SlowDown")
    assert server.objects == {}
    assert complete(server, upload, parts).text("Key") == "key"


def test_complete_can_send_white_space_first(server: FakeS3) -> None:
    server.faults.add("CompleteMultipartUpload", LeadingSpace())
    upload = create_upload(server)
    reply = complete(server, upload, send_parts(server, upload, PART))
    assert b"\n     " in reply.body and reply.text("Key") == "key"


def test_an_etag_can_be_wrong(server: FakeS3) -> None:
    server.faults.add("PutObject", WrongETag('"abc"'))
    assert put(server).headers["etag"] == '"abc"'
    assert server.objects["bkt", "key"].etag == hashlib.md5(PART).hexdigest()


def test_a_bit_flipped_on_the_way_is_noticed_and_in_the_store_is_not(server: FakeS3) -> None:
    server.faults.add("PutObject", FlipBit(3))
    assert put(server).code == "XAmzContentSHA256Mismatch"
    server.faults.add("PutObject", FlipBit(3, where="store"))
    assert put(server).status == 200
    assert server.body("bkt", "key") == b"0122456789abcdef"


def held_part(server: FakeS3, upload: str, hold: Hold) -> threading.Thread:
    """A part on its way in a thread of its own, held by the server."""
    server.faults.add("UploadPart", hold)
    thread = threading.Thread(target=put_part, args=(server, upload, 1, PART))
    thread.start()
    assert hold.reached.wait(30)
    return thread


def test_a_part_that_lands_after_an_abort_is_stored_and_noted(server: FakeS3) -> None:
    upload, hold = create_upload(server), Hold("before")
    thread = held_part(server, upload, hold)
    assert request(server, "DELETE", f"/bkt/key?uploadId={upload}").status == 204
    assert server.unfinished_uploads() == []
    hold.release.set()
    thread.join(30)
    assert [list(left.parts) for left in server.unfinished_uploads()] == [[1]]
    assert server.violations == ["AbortMultipartUpload of 'key' came while 1 parts were in flight"]
    assert request(server, "DELETE", f"/bkt/key?uploadId={upload}").status == 204
    assert server.unfinished_uploads() == []


def test_complete_during_a_part_and_abort_during_complete_are_noted(server: FakeS3) -> None:
    upload, hold = create_upload(server), Hold("before")
    thread = held_part(server, upload, hold)
    complete(server, upload, [(1, "x")])
    hold.release.set()
    thread.join(30)
    slow = Hold("after")
    server.faults.add("CompleteMultipartUpload", slow)
    parts = [(1, server.unfinished_uploads()[0].parts[1].etag)]
    last = threading.Thread(target=complete, args=(server, upload, parts))
    last.start()
    assert slow.reached.wait(30)
    # The upload is completed already, so that the abort finds none: that is what makes it wrong.
    request(server, "DELETE", f"/bkt/key?uploadId={upload}")
    slow.release.set()
    last.join(30)
    assert server.violations == [
        "CompleteMultipartUpload of 'key' came while 1 parts were in flight",
        "AbortMultipartUpload of 'key' came while a Complete was unanswered",
    ]


def test_the_peak_of_parts_in_flight_is_counted(server: FakeS3) -> None:
    upload = create_upload(server)
    holds = [Hold("before"), Hold("before")]
    for number, hold in enumerate(holds, 1):
        server.faults.add("UploadPart", hold, part=number)
    threads = [
        threading.Thread(target=put_part, args=(server, upload, number, PART)) for number in (1, 2)
    ]
    for thread, hold in zip(threads, holds, strict=True):
        thread.start()
        assert hold.reached.wait(30)
    for thread, hold in zip(threads, holds, strict=True):
        hold.release.set()
        thread.join(30)
    put_part(server, upload, 3, PART)
    assert server.peak_parts() == 2


def test_the_log_shows_the_response(server: FakeS3) -> None:
    put(server, "a%20b")
    request(server, "GET", "/bkt?prefix=x%2Fy&uploads")
    first, second = server.requests
    assert (first.operation, first.key, first.body_length, first.status) == (
        "PutObject",
        "a b",
        16,
        200,
    )
    assert first.body == PART and first.target == "/bkt/a%20b"
    assert (second.operation, second.query) == (
        "ListMultipartUploads",
        {"prefix": "x/y", "uploads": ""},
    )
    assert server.count("PutObject") == 1 and (first.ended, second.ended) == (0, 1)
