# SPDX-License-Identifier: Apache-2.0
"""What an upload to S3 comes to when one request of it goes wrong, once or for good.

Every fault is tried at every operation, over http and https. Whatever happens, an upload that
returns has stored the source byte for byte; one that raises has left the object that was there;
and no part and no upload stays at the store, but where it cannot be helped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from libcloud.storage.base import Object, StorageDriver
from libcloud.storage.drivers.s3 import BaseS3StorageDriver
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.conformance.sources import cut
from libcloud.test.storage.conformance.targets import SMALL_PART, Target, targets
from libcloud.test.storage.fakes.faults import (
    Action,
    Drop,
    ErrorIn200,
    FlipBit,
    LeadingSpace,
    LoseAnswer,
    Status,
    Truncate,
)
from libcloud.test.storage.fakes.server import FakeS3

NAMES = ("fake-amazon", "fake-https")
TARGETS = [target for target in targets() if target.name in NAMES]
OLD, LONG, SHORT = b"the old one", pattern(SMALL_PART * 3 + 500), pattern(SMALL_PART - 1)

# Transient faults.
TRANSIENT: dict[str, Action] = {
    "500": Status(500),
    "502": Status(502, "BadGateway"),
    "503": Status(503, "SlowDown"),
    "504": Status(504, "GatewayTimeout"),
    "429": Status(429, "TooManyRequests", headers={"Retry-After": "0"}),
    "timeout": Status(400, "RequestTimeout"),
    "reset-before-body": Drop("before_body"),
    "reset-in-body": Drop("in_body"),
    "reset-after-body": Drop("after_body"),
    "lost-answer": LoseAnswer(),
    "flipped-bit": FlipBit(),
}
# Permanent faults.
PERMANENT: dict[str, Action] = {
    "400": Status(400, "InvalidArgument"),
    "403": Status(403, "AccessDenied"),
    "501": Status(501, "NotImplemented"),
}


@pytest.fixture(scope="module", params=TARGETS, ids=NAMES)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[FakeS3, Callable[[], StorageDriver]]]:
    """A server, and what connects a driver that does not wait between attempts."""
    target: Target = request.param
    with target.launch() as endpoint:
        assert endpoint.fake is not None

        def connect() -> StorageDriver:
            driver = target.connect(endpoint, Path("/"))
            assert isinstance(driver, BaseS3StorageDriver)
            type(driver).ex_retry_policy = RetryPolicy(attempts=3, base=0.0)
            return driver

        yield endpoint.fake, connect


Running = tuple[FakeS3, Callable[[], StorageDriver]]


def upload(running: Running, data: bytes, operation: str, fault: Action, times: int | None) -> None:
    """Replace the object by ``data`` while ``fault`` happens at ``operation``.

    :raises BaseException: what the upload raises, after it was seen to have done no harm.
    """
    server, connect = running
    server.reset()
    server.create_bucket("bucket")
    driver = connect()
    container = driver.get_container("bucket")
    send: Callable[..., Object] = driver.upload_object_via_stream
    send(iter([OLD]), container, "object")
    rule = server.faults.add(operation, fault, times=times)
    try:
        send(cut(data, 333), container, "object", ex_part_size=SMALL_PART)
    except BaseException:
        assert server.body("bucket", "object") == OLD
        raise
    else:
        assert server.body("bucket", "object") == data
    finally:
        assert rule.fired
        assert server.violations == []


def nothing_left(running: Running) -> bool:
    return running[0].unfinished_uploads() == []


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT)
@pytest.mark.parametrize("operation", ["UploadPart", "CompleteMultipartUpload"])
def test_a_long_upload_survives_a_transient_fault(
    running: Running, operation: str, fault: Action
) -> None:
    upload(running, LONG, operation, fault, times=1)
    assert nothing_left(running)


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT)
def test_a_transient_fault_of_create_leaves_at_most_an_empty_upload(
    running: Running, fault: Action
) -> None:
    upload(running, LONG, "CreateMultipartUpload", fault, times=1)
    left = running[0].unfinished_uploads()
    # An upload whose id never arrived cannot be aborted.
    assert len(left) == (1 if isinstance(fault, LoseAnswer) else 0)
    assert all(not found.parts for found in left)


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT)
def test_a_short_upload_survives_a_transient_fault(running: Running, fault: Action) -> None:
    upload(running, SHORT, "PutObject", fault, times=1)


@pytest.mark.parametrize("fault", PERMANENT.values(), ids=PERMANENT)
@pytest.mark.parametrize(
    "operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject"]
)
def test_a_refusal_is_raised_at_once_and_leaves_nothing(
    running: Running, operation: str, fault: Action
) -> None:
    data = SHORT if operation == "PutObject" else LONG
    with pytest.raises(Exception, match=r"Status code: (400|403|501)"):
        upload(running, data, operation, fault, times=None)
    assert nothing_left(running)
    if operation != "UploadPart":
        entries = [entry for entry in running[0].requests if entry.operation == operation]
        refused = [sorted([*entry.headers, *entry.query]) for entry in entries if entry.code]
        assert len(refused) in (1, 2)
        assert refused[0] not in refused[1:], "only with less is it asked again"


@pytest.mark.parametrize("fault", ["500", "503", "429", "timeout"])
@pytest.mark.parametrize(
    "operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject"]
)
def test_a_lasting_fault_is_raised_after_all_attempts_and_leaves_nothing(
    running: Running, operation: str, fault: str
) -> None:
    data = SHORT if operation == "PutObject" else LONG
    with pytest.raises(Exception, match=r"Status code: (500|503|429|400)"):
        upload(running, data, operation, TRANSIENT[fault], times=None)
    assert nothing_left(running)


@pytest.mark.parametrize("when", ["before_body", "in_body", "after_body"])
@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart", "PutObject"])
def test_a_lasting_loss_of_the_connection_is_raised_and_leaves_nothing(
    running: Running, operation: str, when: str
) -> None:
    data = SHORT if operation == "PutObject" else LONG
    with pytest.raises(Exception, match=r"(?i)connection|closed|reset|EOF"):
        upload(running, data, operation, Drop(when), times=None)
    assert nothing_left(running)


def test_a_complete_without_a_response_but_done_counts_as_done(running: Running) -> None:
    upload(running, LONG, "CompleteMultipartUpload", LoseAnswer(), times=None)
    assert nothing_left(running)


def test_white_space_before_the_response_to_complete_is_accepted(running: Running) -> None:
    upload(running, LONG, "CompleteMultipartUpload", LeadingSpace(), times=None)
    assert nothing_left(running)


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "CompleteMultipartUpload"])
def test_an_error_within_a_200_is_tried_again(running: Running, operation: str) -> None:
    upload(running, LONG, operation, ErrorIn200(), times=1)
    assert nothing_left(running)


def test_a_lasting_error_within_a_200_is_raised_with_its_code(running: Running) -> None:
    with pytest.raises(Exception, match="InternalError"):
        upload(running, LONG, "CompleteMultipartUpload", ErrorIn200(), times=None)
    assert nothing_left(running)


@pytest.mark.parametrize("keep", [0, 5, 60])
def test_a_cut_response_to_complete_counts_as_lost(running: Running, keep: int) -> None:
    upload(running, LONG, "CompleteMultipartUpload", Truncate(keep), times=1)
    assert nothing_left(running)


@pytest.mark.parametrize("running", TARGETS[1:], ids=NAMES[1:], indirect=True)
def test_a_part_damaged_by_the_store_is_noticed_by_the_checksum_of_the_whole(
    running: Running,
) -> None:
    with pytest.raises(Exception, match=r"BadDigest|InvalidPart"):
        upload(running, LONG, "UploadPart", FlipBit(where="store"), times=1)
    assert nothing_left(running)


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT)
def test_a_transient_fault_of_the_abort_neither_hides_the_error_nor_leaves_anything(
    running: Running, fault: Action
) -> None:
    server = running[0]
    with pytest.raises(Exception, match="Status code: 403"):
        upload_and_abort(running, fault, times=1)
    assert server.count("AbortMultipartUpload") >= 1
    assert nothing_left(running)


def test_an_abort_that_is_refused_does_not_hide_the_error(running: Running) -> None:
    with pytest.raises(Exception, match="Status code: 403"):
        upload_and_abort(running, Status(501, "NotImplemented"), times=None)
    assert len(running[0].unfinished_uploads()) == 1


def upload_and_abort(running: Running, fault: Action, times: int | None) -> None:
    """An upload whose second part is refused, and whose abort meets ``fault``."""
    server, connect = running
    server.reset()
    server.create_bucket("bucket")
    driver = connect()
    server.faults.add("UploadPart", Status(403, "AccessDenied"), part=2)
    server.faults.add("AbortMultipartUpload", fault, times=times)
    container = driver.get_container("bucket")
    send: Callable[..., Object] = driver.upload_object_via_stream
    try:
        send(cut(LONG, 333), container, "object", ex_part_size=SMALL_PART)
    finally:
        assert server.violations == []
