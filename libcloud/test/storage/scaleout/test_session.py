# SPDX-License-Identifier: Apache-2.0
"""An upload whose parts come from several processes: its text, its receipts, and its end."""

from __future__ import annotations

import errno
import io
import json
import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.http import LibcloudConnection
from libcloud.storage.base import Container
from libcloud.storage.capabilities import MIB
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.scaleout import UploadReceipt, UploadSession
from libcloud.storage.types import (
    ObjectTooLargeError,
    PartConflictError,
    PreconditionFailedError,
    SizeMismatchError,
    UploadOutcomeUnknownError,
)
from libcloud.test.storage.fakes.faults import Drop, Hold, LoseAnswer, Status
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.s3_servers import PART, Store, pattern, store

DATA = pattern(PART * 2 + 1)
ENCRYPTED: dict[str, Any] = {"ex_sse": "aws:kms", "ex_checksum": "crc32"}


def text_with(**changed: Any) -> str:
    """The text of a session, with some values changed."""
    usual = {"driver": "s3:S3StorageDriver", "settings": {}, "container": "c", "name": "n"}
    return json.dumps({"libcloud_upload": 1, **usual, "id": "i", "created": 1, **changed})


def parts_of(session: UploadSession, data: bytes = DATA) -> list[UploadReceipt]:
    return [
        session.upload_part(start // PART + 1, data[start : start + PART])
        for start in range(0, len(data), PART)
    ]


def elsewhere(session: UploadSession, s3: Store) -> UploadSession:
    """The session as another process has it, with a driver of its own."""
    where = {"host": s3.server.host, "port": s3.server.port, "secure": False}
    driver = type(s3.driver)(s3.server.key, s3.server.secret, **where)
    return UploadSession.from_json(session.text(), driver)


@pytest.fixture
def environment(s3: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Credentials in the environment; the keywords of ``from_env`` for the server."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.server.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.server.secret)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    return {"endpoint_url": f"http://{s3.server.host}:{s3.server.port}", "region": "us-east-1"}


def test_parts_of_other_processes_become_the_object(s3: Store) -> None:
    extra = {"meta_data": {"colour": "blue"}, "content_type": "text/x-test"}
    session = s3.driver.ex_begin_upload(s3.container, "object", extra=extra)
    receipts = parts_of(elsewhere(session, s3))
    stored = session.complete(reversed(receipts))
    assert (s3.body(), stored.size, stored.name) == (DATA, len(DATA), "object")
    assert s3.driver.get_object("bucket", "object").meta_data == {"colour": "blue"}
    s3.assert_nothing_is_left("object")


def test_any_process_can_complete_the_upload_again(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    receipts = parts_of(session)
    first = session.complete(receipts)
    assert elsewhere(session, s3).complete(receipts).hash == first.hash
    s3.assert_nothing_is_left("object")


def test_a_driver_of_the_environment_travels_without_a_secret(
    s3: Store, environment: dict[str, Any]
) -> None:
    driver = S3StorageDriver.from_env(**environment)
    session = driver.ex_begin_upload(Container("bucket", {}, driver), "object", ex_checksum="crc32")
    text = session.to_json()
    assert s3.server.key not in text
    assert s3.server.secret not in text
    assert len(text) < 400
    receipt = UploadSession.from_json(text).upload_part(1, DATA)
    assert pickle.loads(pickle.dumps(session)).complete([receipt]).size == len(DATA)
    assert s3.body() == DATA


def test_a_key_in_code_is_not_written_down(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    driver = S3StorageDriver("key of the test", "secret of the test", host="127.0.0.1")
    session.driver = driver
    for attempt in (session.to_json, lambda: pickle.dumps(session)):
        with pytest.raises(ValueError, match=r"from_env\(\).*ex_connect.*presigned") as caught:
            attempt()
        assert "secret of the test" not in str(caught.value)
    assert "secret of the test" not in session.text()
    with pytest.raises(ValueError, match="pass driver="):
        UploadSession.from_json(session.text())
    session.abort()


@pytest.mark.parametrize("name", ["key", "secret", "token", "ex_credentials"])
def test_a_keyword_that_may_be_a_secret_is_not_written_down(
    s3: Store, environment: dict[str, Any], name: str
) -> None:
    given: dict[str, Any] = {"key": "a-key", "secret": "a-secret", "token": "a-token"}
    if name == "ex_credentials":
        given = {"ex_credentials": lambda: None}
    driver = S3StorageDriver.from_env(**environment, **given)
    session = s3.driver.ex_begin_upload(s3.container, "object")
    session.driver = driver
    with pytest.raises(ValueError, match="was passed to the driver in code"):
        session.to_json()
    assert "a-" not in session.text().replace("us-east-1", "")
    session.driver = s3.driver
    session.abort()


def test_an_encryption_key_is_not_written_down() -> None:
    with store(replace(AMAZON, tls=True)) as s3:
        key = b"k" * 32
        session = s3.driver.ex_begin_upload(s3.container, "object", ex_sse_customer_key=key)
        with pytest.raises(ValueError, match="encryption key"):
            session.to_json()
        assert "customer-key" not in session.text()
        assert session.complete(parts_of(session)).size == len(DATA)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not the text of an upload session"),
        ("[]", "not the text of an upload session"),
        ('{"id": "x"}', "not the text of an upload session"),
        ('{"libcloud_upload": 2}', "has version 2, and this library reads version 1"),
        (
            '{"libcloud_upload":1,"driver":"os.path:x","settings":{},"container":"c","name":"n",'
            '"id":"i","created":1}',
            "names no driver of this library",
        ),
        ("[" * 100_000, "not the text of an upload session"),
        ('{"libcloud_upload":1,"name":"n"}', "damaged: it has no container"),
        (text_with(id=""), "damaged: it has no id"),
        (text_with(libcloud_upload=True), "has version True, and"),
        (text_with(driver=[]), "damaged: driver="),
        (text_with(settings={"key": "k"}), "settings that may be secrets"),
        (text_with(created="now"), "damaged: created='now'"),
        (text_with(created=10**30), "damaged: created=1000"),
        (text_with(headers=["a"]), "damaged: headers="),
        (text_with(headers={"a": 1}), "damaged: a header is not text"),
        (text_with(part_size=-1), "damaged: part_size=-1"),
        (text_with(driver="none_such:x"), "names no driver of this library"),
        (text_with(driver="s3:s3"), "names no driver of this library"),
        (text_with(settings="text"), "no settings of a driver"),
        (text_with(settings={"none_such": 1}), "has settings that S3StorageDriver does not"),
    ],
)
def test_another_text_is_rejected(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        UploadSession.from_json(text)


def test_a_receipt_is_small_and_plain(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    receipt = session.upload_part(1, DATA)
    assert len(json.dumps(receipt)) < 130
    assert len(pickle.dumps(receipt)) < 220
    assert session.complete([json.loads(json.dumps(receipt))]).size == len(DATA)


@pytest.mark.parametrize(
    "changed",
    [
        {"checksum": "crc32:###"},
        {"checksum": "crc32"},
        {"checksum": "md5:AAAA"},
        {"etag": ""},
        {"number": 10**12},
    ],
)
def test_a_damaged_receipt_publishes_nothing(s3: Store, changed: dict[str, Any]) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    receipt = session.upload_part(1, DATA)
    with pytest.raises(ValueError, match=r"is damaged|at most 10000 parts"):
        session.complete([receipt._replace(**changed)])
    assert not s3.server.objects
    assert session.complete([receipt._asdict()]).size == len(DATA)


@pytest.mark.parametrize("data", ["text", ["text"], {b"a": b"b"}, 7, None])
def test_a_part_is_bytes(s3: Store, data: Any) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    with pytest.raises(TypeError, match="part 1 of bucket/object must be bytes"):
        session.upload_part(1, data)
    session.abort()


def test_a_file_or_an_iterable_is_a_part_too(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    file = io.BytesIO(b"before" + DATA + b"after")
    file.seek(6)
    receipts = [
        session.upload_part(1, file, size=len(DATA)),
        session.upload_part(2, iter([DATA[:7], b"", DATA[7:]]), size=len(DATA)),
        session.upload_part(3, io.BufferedReader(Pipe(DATA))),
    ]
    session.complete(receipts)
    assert s3.body() == DATA * 3


class Pipe(io.BytesIO):
    """A file without a position."""

    def seekable(self) -> bool:
        return False


def test_a_part_in_a_file_is_sent_again_after_a_failure(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    s3.server.faults.add("UploadPart", Drop("in_body"))
    s3.server.faults.add("UploadPart", Status(503, "SlowDown"), nth=2)
    session.complete([session.upload_part(1, io.BytesIO(DATA))])
    assert s3.body() == DATA


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(
    "failure", [OSError(errno.EIO, "damaged"), ConnectionResetError(), BrokenPipeError()]
)
def test_a_file_that_cannot_be_read_is_no_failure_of_the_store(
    s3: Store, failure: OSError, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LibcloudConnection, "fast_path", fast)
    session = s3.driver.ex_begin_upload(s3.container, "object")

    class Failing(io.BytesIO):
        starts = 0  # of its checksum, and of attempts to send it

        def seek(self, offset: int, whence: int = 0, /) -> int:
            self.starts += whence == 0
            return super().seek(offset, whence)

        def read(self, size: int | None = -1, /) -> bytes:
            if self.starts > 1:
                raise failure
            return super().read(size)

    file = Failing(DATA)
    with pytest.raises(type(failure)) as caught:
        session.upload_part(1, file)
    assert (caught.value, file.starts) == (failure, 2)
    while s3.server.state.uploads[session.upload_id].in_flight:
        time.sleep(0.01)  # the server has not noticed yet that the connection is closed
    session.abort()


@pytest.mark.parametrize("data", [DATA, iter([DATA]), io.BytesIO(DATA)])
def test_a_part_of_another_size_is_not_sent(s3: Store, data: Any) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    with pytest.raises(SizeMismatchError, match="2001 bytes, and 2002 were announced"):
        session.upload_part(1, data, size=len(DATA) + 1)
    session.abort()
    assert not s3.requests("UploadPart")


def test_a_part_in_a_file_is_not_held_in_memory(s3: Store, tmp_path: Path) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    largest = 0

    class Watched(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            nonlocal largest
            data = super().read(size)
            largest = max(largest, len(data))
            return data

    path = tmp_path / "file"
    path.write_bytes(b"x" * (5 * MIB))
    with Watched(path) as file:
        session.upload_part(1, file)
    assert largest == MIB
    session.abort()


@pytest.mark.parametrize("number", [0, -1, 10_001])
def test_a_part_has_a_number_that_the_store_accepts(s3: Store, number: int) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    with pytest.raises(ValueError, match="numbered from 1 to 10000"):
        session.upload_part(number, DATA)
    session.abort()
    assert not s3.requests("UploadPart")


# Receipts.


def test_duplicates_of_a_receipt_count_once(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    receipts = parts_of(session) + parts_of(session)
    session.complete(receipts)
    assert s3.body() == DATA


def test_the_same_part_with_other_bytes_is_a_conflict(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    receipts = parts_of(session)
    other = session.upload_part(2, b"other".ljust(PART))
    with pytest.raises(PartConflictError) as caught:
        session.complete([*receipts, other])
    assert caught.value.number == 2
    assert not s3.requests("CompleteMultipartUpload")
    session.abort()
    s3.assert_nothing_is_left()


def test_two_receipts_without_a_checksum_are_a_conflict(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    receipt = session.upload_part(1, DATA)
    first = receipt._replace(checksum="")
    with pytest.raises(PartConflictError):
        session.complete([first, first._replace(etag="another")])
    session.abort()


def test_other_bytes_whose_receipt_was_lost_are_a_conflict(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object", ex_checksum="crc32")
    receipts = parts_of(session)
    session.upload_part(2, b"other".ljust(PART))
    with pytest.raises(PartConflictError):
        session.complete(receipts)
    assert not s3.server.objects
    session.abort()
    s3.assert_nothing_is_left()


def test_the_same_bytes_under_a_kms_key_are_found_by_their_checksum(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object", **ENCRYPTED)
    receipts = parts_of(session)
    assert parts_of(session)[0].etag != receipts[0].etag
    assert elsewhere(session, s3).complete(receipts).size == len(DATA)
    assert s3.body() == DATA
    assert len(s3.requests("ListParts")) == 1
    s3.assert_nothing_is_left("object")


def test_other_bytes_under_a_kms_key_are_a_conflict(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object", **ENCRYPTED)
    receipts = parts_of(session)
    session.upload_part(1, b"other".ljust(PART))
    with pytest.raises(PartConflictError):
        session.complete(receipts)
    assert not s3.server.objects
    session.abort()


def test_an_etag_is_not_taken_without_a_checksum(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object", ex_sse="aws:kms")
    receipts = parts_of(session)
    parts_of(session)  # the store does not report the SHA-256 of a signature
    with pytest.raises(LibcloudError, match="InvalidPart"):
        session.complete(receipts)
    assert not s3.server.objects
    session.abort()


def test_the_parts_are_listed_once(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object", **ENCRYPTED)
    receipts = parts_of(session)
    s3.server.faults.add("CompleteMultipartUpload", Status(400, "InvalidPart"), times=None)
    with pytest.raises(LibcloudError, match="InvalidPart"):
        session.complete(receipts)
    assert len(s3.requests("CompleteMultipartUpload")) == 2
    s3.server.faults.clear()
    session.abort()


def test_the_size_shows_that_the_last_parts_are_missing(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    receipts = parts_of(session)
    size = sum(receipt.size for receipt in receipts)
    with pytest.raises(SizeMismatchError, match=f"not {size}"):
        session.complete(receipts[:-1], size=size)
    assert not s3.requests("CompleteMultipartUpload")
    assert session.complete(receipts, size=size).size == size


def test_gaps_and_small_parts_are_found_before_a_request(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    receipts = parts_of(session)
    with pytest.raises(ValueError, match="parts of bucket/object are missing: 2"):
        session.complete([receipts[0], receipts[2]])
    with pytest.raises(ValueError, match="no receipts"):
        session.complete([])
    with pytest.raises(TypeError, match="a receipt is what upload_part returned"):
        session.complete([b"x"])
    assert not s3.requests("CompleteMultipartUpload")
    assert session.missing() == []
    assert session.missing(5) == [4, 5]
    session.abort()


# The end.


@pytest.mark.parametrize("action", [LoseAnswer(), Drop(), Status(500), Status(503, "SlowDown")])
def test_a_lost_response_to_complete_is_settled(s3: Store, action: Any) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    receipts = parts_of(session)
    s3.server.faults.add("CompleteMultipartUpload", action)
    assert session.complete(receipts).size == len(DATA)
    assert s3.body() == DATA
    s3.assert_nothing_is_left("object")


def test_an_unknown_outcome_is_never_followed_by_an_abort(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    receipts = parts_of(session)
    s3.server.faults.add("CompleteMultipartUpload", Drop(), times=None)
    s3.server.faults.add("HeadObject", Drop(), times=None)
    with pytest.raises(UploadOutcomeUnknownError) as caught:
        session.complete(receipts)
    assert caught.value.upload_id == session.upload_id
    assert not s3.requests("AbortMultipartUpload")
    s3.server.faults.clear()
    assert session.complete(receipts).size == len(DATA)


def test_a_condition_holds_when_the_object_is_published(s3: Store) -> None:
    s3.driver.upload_object_via_stream(iter([b"first"]), s3.container, "object")
    session = s3.driver.ex_begin_upload(s3.container, "object", ex_if_none_match="*")
    receipts = parts_of(session)
    with pytest.raises(PreconditionFailedError):
        elsewhere(session, s3).complete(receipts)
    assert s3.body() == b"first"
    session.abort()
    s3.assert_nothing_is_left("object")


def test_an_abort_removes_one_upload_and_not_its_neighbours(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    others = [s3.driver.ex_begin_upload(s3.container, name) for name in ("object", "object2")]
    parts_of(session)
    session.abort()
    session.abort()
    left = {upload.upload_id for upload in s3.server.unfinished_uploads()}
    assert left == {other.upload_id for other in others}
    for other in others:
        other.abort()


def test_a_straggler_after_the_end_finds_no_upload(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    session.complete(parts_of(session))
    with pytest.raises(LibcloudError) as caught:
        session.upload_part(1, b"late")
    assert vars(caught.value)["code"] == "NoSuchUpload"
    assert s3.body() == DATA


def test_a_straggler_during_the_abort_is_aborted_as_well(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    held, aborted = Hold("before"), Hold("after")
    s3.server.faults.add("UploadPart", held)
    s3.server.faults.add("AbortMultipartUpload", aborted)
    with ThreadPoolExecutor(2) as pool:
        straggler = pool.submit(session.upload_part, 1, DATA)
        assert held.reached.wait(30)
        abort = pool.submit(session.abort)
        assert aborted.reached.wait(30)
        held.release.set()
        straggler.result()
        aborted.release.set()
        abort.result()
    assert len(s3.requests("AbortMultipartUpload")) == 2
    s3.server.state.violations.clear()  # the abort met a part in flight
    s3.assert_nothing_is_left()


def test_a_part_is_retried_where_it_is_sent(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    s3.server.faults.add("UploadPart", Status(503, "SlowDown"))
    s3.server.faults.add("UploadPart", LoseAnswer(), nth=2)
    receipt, throttled = session.send_part(1, DATA)
    assert (receipt.size, throttled) == (len(DATA), 1)
    session.abort()


def test_a_part_that_is_too_large_is_not_sent(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    limits = replace(session.upload.limits, max_part_size=PART)
    session = UploadSession(
        session.driver, replace(session.upload, limits=limits), session.fields, {}
    )
    with pytest.raises(ObjectTooLargeError):
        session.upload_part(1, DATA)
    session.abort()


def test_a_checksum_is_required(s3: Store) -> None:
    with pytest.raises(ValueError, match="need a checksum"):
        s3.driver.ex_begin_upload(s3.container, "object", ex_checksum=None)
    assert not s3.requests("CreateMultipartUpload")
