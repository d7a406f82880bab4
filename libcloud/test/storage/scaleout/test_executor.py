# SPDX-License-Identifier: Apache-2.0
"""One object from the tasks of an executor, on an executor that treats them badly.

Each upload ends with the SHA-256 of the object, the number of times that each piece was made, and
that no upload is left.
"""

from __future__ import annotations

import json
import pickle
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.transfer.progress import (
    PartDone,
    UploadCompleted,
    UploadEvent,
    UploadStarted,
)
from libcloud.storage.types import (
    PartConflictError,
    PreconditionFailedError,
    SizeMismatchError,
    UploadOutcomeUnknownError,
    WorkerError,
)
from libcloud.test.storage.fakes.faults import Drop, LoseAnswer, Status
from libcloud.test.storage.s3_servers import PART, Store
from libcloud.test.storage.scaleout.pools import OddExecutor, Pieces, sha256

SIZES = [PART, 10, 0, 3 * PART, PART // 2, 7, PART * 2, 1]


def upload(s3: Store, executor: Any, pieces: Pieces, **options: Any) -> Any:
    return s3.driver.ex_upload_with(
        executor, pieces.functions, s3.container, "object", sizes=pieces.sizes, **options
    )


def attach(s3: Store, session: str, executor: Any, pieces: Pieces, **options: Any) -> Any:
    return s3.driver.ex_attach_upload(
        session, executor, pieces.functions, sizes=pieces.sizes, **options
    )


def sent(s3: Store) -> list[int]:
    return [entry.part_number or 0 for entry in s3.requests("UploadPart")]


def assert_published(s3: Store, pieces: Pieces, *, runs: int | None = 1) -> None:
    assert sha256(s3.body()) == sha256(pieces.data)
    s3.assert_nothing_is_left("object")
    if runs is not None:
        full = [number for number, size in enumerate(pieces.sizes) if size]
        assert [pieces.runs[number] for number in full] == [runs] * len(full)


def test_each_piece_is_made_once(s3: Store) -> None:
    pieces = Pieces(SIZES)
    stored = upload(s3, OddExecutor(4), pieces)
    assert (stored.name, stored.size) == ("object", sum(SIZES))
    assert sent(s3) == [1, 2, 3, 4]
    assert_published(s3, pieces)


@pytest.mark.parametrize("sizes", [[], [0], [0, 0], [1], [PART - 1, 1], [5 * PART]])
def test_pieces_of_any_sizes_become_the_object(s3: Store, sizes: list[int]) -> None:
    pieces = Pieces(sizes)
    upload(s3, OddExecutor(1), pieces)
    assert_published(s3, pieces)


def test_a_piece_that_is_larger_than_a_part_is_made_for_each(s3: Store) -> None:
    pieces = Pieces([PART * 4])
    upload(s3, OddExecutor(2), pieces, ex_part_size=2 * PART)
    assert_published(s3, pieces, runs=2)


def test_no_more_tasks_wait_than_the_window_allows(s3: Store) -> None:
    pieces = Pieces([PART] * 20)
    executor = OddExecutor(20, 3)
    upload(s3, executor, pieces, ex_window=3)
    assert executor.most_waiting == 3
    assert_published(s3, pieces)


def test_duplicates_late_tasks_and_another_order_change_nothing(s3: Store) -> None:
    pieces = Pieces([PART] * 9)
    upload(s3, OddExecutor(9, 4, twice=(1, 5), late=(2, 6)), pieces, ex_window=4)
    assert len(sent(s3)) == 11
    assert pieces.runs[0] == pieces.runs[4] == 2
    assert_published(s3, pieces, runs=None)


def test_the_same_bytes_twice_under_a_kms_key_are_published(s3: Store) -> None:
    pieces = Pieces([PART] * 4)
    options = {"ex_sse": "aws:kms", "ex_checksum": "crc32"}
    upload(s3, OddExecutor(4, twice=(2, 3)), pieces, **options)
    assert len(sent(s3)) == 6
    assert_published(s3, pieces, runs=None)


@pytest.mark.parametrize("changing", [frozenset(), {2}], ids=["same", "other"])
def test_a_part_without_a_checksum_of_the_store_is_sent_again(
    s3: Store, changing: frozenset[int]
) -> None:
    pieces = Pieces([PART] * 4, changing=frozenset(changing))
    options = {"ex_sse": "aws:kms", "ex_checksum": "md5"}  # which it does not list
    executor = OddExecutor(4, twice=(2, 3))
    if changing:
        with pytest.raises(PartConflictError) as caught:
            upload(s3, executor, pieces, **options)
        assert caught.value.number == 3
        assert not s3.server.objects
    else:
        upload(s3, executor, pieces, **options)
        assert_published(s3, pieces, runs=None)
    assert sorted(sent(s3)) == [1, 2, 2, 2, 3, 3, 3, 4]


def test_a_bucket_that_encrypts_by_kms_on_its_own_accepts_the_same_bytes_twice(s3: Store) -> None:
    pieces, options = Pieces([PART] * 3), {"ex_sse": "aws:kms", "ex_checksum": "md5"}
    session = s3.driver.ex_begin_upload(s3.container, "object", **options)
    text = json.loads(session.text())
    del text["headers"]  # so no request says it
    session.upload_part(1, pieces.functions[0]())

    def send_again(event: UploadEvent) -> None:
        if isinstance(event, UploadStarted):  # the parts have been listed
            session.upload_part(1, pieces.functions[0]())

    executor = OddExecutor(2, twice=(2,))
    attach(s3, json.dumps(text), executor, pieces, on_event=send_again)
    assert_published(s3, pieces, runs=None)


def test_a_part_that_cannot_be_sent_again_is_named_and_nothing_is_published(s3: Store) -> None:
    pieces = Pieces([PART] * 4)
    options = {"ex_sse": "aws:kms", "ex_checksum": "md5"}
    s3.server.faults.add("UploadPart", Status(403, "AccessDenied"), nth=6)
    with pytest.raises(WorkerError, match=r"part 2 .*code: AccessDenied") as caught:
        upload(s3, OddExecutor(4, twice=(2,)), pieces, **options)
    assert not s3.server.objects
    attach(s3, vars(caught.value)["session"], OddExecutor(1), pieces)
    assert_published(s3, pieces, runs=None)


def test_other_bytes_at_the_second_time_are_a_conflict(s3: Store) -> None:
    pieces = Pieces([PART] * 4, changing=frozenset({2}))
    with pytest.raises(PartConflictError) as caught:
        upload(s3, OddExecutor(4, twice=(3,)), pieces)
    assert caught.value.number == 3
    assert not s3.server.objects


def test_the_coordinator_hands_out_no_data_and_no_secret(s3: Store) -> None:
    pieces, executor = Pieces([PART] * 4), OddExecutor(4)
    vars(executor)["shares_memory"] = False
    driver = type(s3.driver)
    where = {"host": s3.server.host, "port": s3.server.port, "secure": False}

    def connect() -> Any:
        return driver(s3.server.key, s3.server.secret, **where)

    upload(s3, executor, pieces, ex_connect=connect)
    assert_published(s3, pieces)
    for task in executor.tasks:
        task_session = pickle.dumps(task._replace(connect=None))
        assert len(task_session) < 1000
        assert s3.server.secret.encode() not in task_session


def test_workers_without_credentials_get_a_presigned_url_for_each_part(s3: Store) -> None:
    pieces, executor = Pieces(SIZES), OddExecutor(4)
    vars(executor)["shares_memory"] = False
    s3.server.faults.add("UploadPart", Status(503, "SlowDown"))
    upload(s3, executor, pieces, ex_ship_credentials="presigned")
    assert_published(s3, pieces)
    for task in executor.tasks:
        assert f"partNumber={task.number}&" in task.url
        assert s3.server.secret.encode() not in pickle.dumps(task)
        assert "X-Amz" not in repr(task)


def test_a_key_in_code_is_refused_before_anything_is_sent(s3: Store) -> None:
    executor = OddExecutor(4)
    vars(executor)["shares_memory"] = False
    with pytest.raises(ValueError, match="ex_connect"):
        upload(s3, executor, Pieces([PART]))
    assert not s3.server.requests


def test_events_arrive_at_the_coordinator(s3: Store) -> None:
    events: list[UploadEvent] = []
    texts: list[str] = []
    pieces = Pieces([PART] * 3)
    upload(s3, OddExecutor(3), pieces, on_event=events.append, ex_on_session=texts.append)
    assert isinstance(events[0], UploadStarted)
    assert isinstance(events[-1], UploadCompleted)
    done = [event.bytes_done for event in events if isinstance(event, PartDone)]
    assert done == [PART, 2 * PART, 3 * PART]
    assert json.loads(texts[0])["id"] == events[0].upload_id


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda: "text", r"piece 1\).*piece 1 must be bytes, not str"),
        (lambda: b"short", r"piece 1\).*piece 1 has 5 bytes, and 1000 were announced"),
        (lambda: 1 // 0, r"piece 1\).*ZeroDivisionError"),
        (7, r"piece 1\).*piece 1 must be bytes, not int"),
    ],
)
@pytest.mark.parametrize("keep", [True, False])
def test_a_bad_piece_is_named_and_nothing_is_published(
    s3: Store, value: Any, message: str, keep: bool
) -> None:
    pieces = Pieces([PART] * 3)
    functions = [pieces.functions[0], value, pieces.functions[2]]
    options: dict[str, Any] = {} if keep else {"ex_on_failure": "abort"}
    with pytest.raises(WorkerError, match=message) as caught:
        s3.driver.ex_upload_with(
            OddExecutor(3), functions, s3.container, "object", sizes=pieces.sizes, **options
        )
    error = caught.value
    assert (error.number, error.pieces, error.object_name) == (2, (1,), "object")
    assert error.worker in str(error)
    assert not s3.server.objects
    assert len(s3.server.unfinished_uploads()) == keep
    assert hasattr(error, "session") == keep


def test_what_is_missing_is_sent_when_the_upload_is_continued(s3: Store) -> None:
    pieces = Pieces([PART] * 6)
    with pytest.raises(WorkerError, match="the worker was lost") as caught:
        upload(s3, OddExecutor(6, 2, lost=(3,)), pieces, ex_window=2)
    stored = set(sent(s3))
    s3.server.log.clear()
    attach(s3, vars(caught.value)["session"], OddExecutor(6 - len(stored)), pieces)
    assert sent(s3) == sorted({1, 2, 3, 4, 5, 6} - stored)
    assert_published(s3, pieces)


def test_a_receipt_of_another_task_is_refused(s3: Store) -> None:
    class Mixed(OddExecutor):
        """Returns the result of the first task for all."""

        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            vars(self).setdefault("first", fn(*args))
            future.set_result(vars(self)["first"])
            return future

    with pytest.raises(WorkerError, match=r"part 2 of .* returned the receipt of part 1"):
        upload(s3, Mixed(2), Pieces([PART] * 2), ex_window=1)
    assert not s3.server.objects


def test_the_error_of_a_rejected_part_has_the_reason(s3: Store) -> None:
    s3.server.faults.add("UploadPart", Status(403, "AccessDenied"), part=2)
    with pytest.raises(WorkerError, match="AccessDenied") as caught:
        upload(s3, OddExecutor(3), Pieces([PART] * 3))
    assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)


def test_a_throttled_part_is_retried_and_slows_the_upload_down(s3: Store) -> None:
    s3.server.faults.add("UploadPart", Status(503, "SlowDown"), times=2)
    pieces = Pieces([PART] * 8)
    upload(s3, OddExecutor(8, 1), pieces, ex_window=4)
    assert_published(s3, pieces)


def test_a_failure_cancels_what_has_not_started(s3: Store) -> None:
    futures: list[Future[Any]] = []

    class Idle(OddExecutor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            futures.append(Future())
            if len(futures) == 4:
                futures[0].set_exception(RuntimeError("the worker was lost"))
            return futures[-1]

    with pytest.raises(WorkerError, match="the worker was lost"):
        upload(s3, Idle(4), Pieces([PART] * 4), ex_window=4)
    assert [future.cancelled() for future in futures] == [False, True, True, True]


def test_an_unknown_outcome_is_not_cleaned_up(s3: Store) -> None:
    pieces = Pieces([PART] * 3)
    s3.server.faults.add("CompleteMultipartUpload", Drop(), times=None)
    s3.server.faults.add("HeadObject", Drop(), times=None)
    with pytest.raises(UploadOutcomeUnknownError):
        upload(s3, OddExecutor(3), pieces, ex_on_failure="abort")
    assert not s3.requests("AbortMultipartUpload")


# The coordinator ends at any point, and another one continues.


class Killed(BaseException):
    """What ends the coordinator."""


@pytest.mark.parametrize("event", ["UploadStarted", "PartDone", "UploadCompleting"])
def test_an_upload_is_continued_wherever_its_coordinator_ended(s3: Store, event: str) -> None:
    pieces, texts = Pieces([PART] * 4), list[str]()

    def end(found: UploadEvent) -> None:
        if type(found).__name__ == event:
            raise Killed

    with pytest.raises(Killed):
        upload(s3, OddExecutor(4), pieces, on_event=end, ex_on_session=texts.append)
    assert not s3.server.objects
    stored = len(set(sent(s3)))
    s3.server.log.clear()
    attach(s3, texts[0], OddExecutor(4 - stored), pieces)
    assert len(sent(s3)) == 4 - stored
    assert_published(s3, pieces)


@pytest.mark.parametrize("known", [True, False])
def test_of_two_coordinators_the_first_one_finds_the_object_of_the_other(
    s3: Store, known: bool
) -> None:
    pieces, texts = Pieces([PART] * 4), list[str]()
    sizes = pieces.sizes if known else None

    def other(event: UploadEvent) -> None:
        if isinstance(event, UploadStarted):
            with ThreadPoolExecutor(1) as pool:
                s3.driver.ex_attach_upload(texts[0], pool, pieces.functions, sizes=sizes)

    options: dict[str, Any] = {"ex_on_session": texts.append, "on_event": other, "sizes": sizes}
    with ThreadPoolExecutor(1) as pool:
        found = s3.driver.ex_upload_with(pool, pieces.functions, s3.container, "object", **options)
    assert found.size == 4 * PART
    assert s3.body() == pieces.data
    assert len(s3.requests("CompleteMultipartUpload")) == 1
    s3.assert_nothing_is_left("object")


@pytest.mark.parametrize("known", [True, False])
def test_of_two_coordinators_the_later_one_finds_the_object(s3: Store, known: bool) -> None:
    pieces, texts = Pieces([PART] * 4), list[str]()
    sizes = pieces.sizes if known else None
    options: dict[str, Any] = {"ex_on_session": texts.append, "ex_window": 1}
    with pytest.raises(WorkerError):
        executor = OddExecutor(4, 1, lost=(1,)) if known else ThreadPoolExecutor(1)
        fails = [pieces.functions[0], *pieces.functions[1:3], lambda: 1 // 0]
        s3.driver.ex_upload_with(executor, fails, s3.container, "object", sizes=sizes, **options)

    def first(event: UploadEvent) -> None:
        if isinstance(event, PartDone) and not s3.server.objects.get(("bucket", "object")):
            with ThreadPoolExecutor(1) as pool:
                s3.driver.ex_attach_upload(texts[0], pool, pieces.functions, sizes=pieces.sizes)

    with ThreadPoolExecutor(1) as pool:
        found = s3.driver.ex_attach_upload(
            texts[0], pool, pieces.functions, sizes=sizes, on_event=first, ex_window=1
        )
    assert found.size == 4 * PART
    assert s3.body() == pieces.data
    assert len(s3.requests("CompleteMultipartUpload")) == 1


def test_an_upload_that_was_completed_is_found(s3: Store) -> None:
    pieces, texts = Pieces([PART] * 3), list[str]()
    first = upload(s3, OddExecutor(3), pieces, ex_on_session=texts.append)
    s3.server.log.clear()
    again = attach(s3, texts[0], OddExecutor(0), pieces)
    assert (again.hash, again.size) == (first.hash, first.size)
    assert not s3.requests("UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload")


def test_an_upload_whose_completion_arrives_late_is_found(s3: Store) -> None:
    pieces, texts = Pieces([PART] * 3), list[str]()
    s3.server.faults.add("CompleteMultipartUpload", LoseAnswer())
    s3.server.faults.add("CompleteMultipartUpload", Drop(), nth=2, times=None)
    s3.server.faults.add("HeadObject", Drop(), times=None)
    with pytest.raises(UploadOutcomeUnknownError):
        upload(s3, OddExecutor(3), pieces, ex_on_session=texts.append)
    s3.server.faults.clear()
    assert attach(s3, texts[0], OddExecutor(0), pieces).size == 3 * PART
    assert not s3.requests("AbortMultipartUpload")
    assert_published(s3, pieces)


def test_an_upload_that_was_aborted_is_not_mistaken_for_published(s3: Store) -> None:
    pieces, texts = Pieces([PART] * 3), list[str]()
    s3.driver.upload_object_via_stream(iter([b"x" * 3 * PART]), s3.container, "object")
    with pytest.raises(WorkerError):
        upload(
            s3,
            OddExecutor(3, lost=(1,)),
            pieces,
            ex_on_session=texts.append,
            ex_on_failure="abort",
        )
    with pytest.raises(LibcloudError) as caught:
        attach(s3, texts[0], OddExecutor(0), pieces)
    assert vars(caught.value)["code"] == "NoSuchUpload"
    assert s3.body() == b"x" * 3 * PART


def test_other_sizes_than_before_are_refused(s3: Store) -> None:
    pieces, texts = Pieces([PART] * 3), list[str]()
    with pytest.raises(WorkerError):
        upload(s3, OddExecutor(3, lost=(1,)), pieces, ex_on_session=texts.append)
    s3.server.log.clear()
    with pytest.raises(ValueError, match="do not have the sizes"):
        attach(s3, texts[0], OddExecutor(0), Pieces([PART, PART, PART + 1]))
    assert not s3.server.requests


def test_a_session_that_was_started_manually_can_be_used(s3: Store) -> None:
    pieces = Pieces([PART] * 3)
    session = s3.driver.ex_begin_upload(s3.container, "object")
    attach(s3, session, OddExecutor(3), pieces)
    assert_published(s3, pieces)


def test_a_failed_condition_keeps_the_parts(s3: Store) -> None:
    s3.driver.upload_object_via_stream(iter([b"first"]), s3.container, "object")
    with pytest.raises(PreconditionFailedError) as caught:
        upload(s3, OddExecutor(3), Pieces([PART] * 3), ex_if_none_match="*")
    assert "session" in vars(caught.value)
    assert s3.body() == b"first"


# Arguments.


def test_sizes_must_be_known(s3: Store) -> None:
    pieces = Pieces([PART] * 2)
    for sizes, kind, message in (
        ([PART], ValueError, "2 pieces and 1 sizes"),
        ([PART, -1], ValueError, "negative"),
        ([PART, "7"], TypeError, "must be an int"),
    ):
        with pytest.raises(kind, match=message):
            s3.driver.ex_upload_with(
                OddExecutor(1), pieces.functions, s3.container, "object", sizes=sizes
            )
    with pytest.raises(SizeMismatchError):
        upload(s3, OddExecutor(1), pieces, ex_size=7)
    with pytest.raises(ValueError, match="ex_ship_credentials is 'presigned'"):
        upload(s3, OddExecutor(1), pieces, ex_ship_credentials="key")
    assert not s3.server.requests


def test_bytes_and_futures_are_pieces_too(s3: Store) -> None:
    pieces = Pieces([PART] * 3)
    with ThreadPoolExecutor(2) as pool:
        future: Future[bytes] = pool.submit(pieces.functions[1])
        given = [pieces.functions[0](), future, memoryview(pieces.functions[2]())]
        s3.driver.ex_upload_with(pool, given, s3.container, "object", sizes=pieces.sizes)
    assert_published(s3, pieces)


# Pieces of unknown size.


def test_pieces_of_unknown_size_become_temporary_objects_first(s3: Store) -> None:
    pieces = Pieces([2 * PART, 10, 3 * PART, 1])
    with ThreadPoolExecutor(3) as pool:
        stored = s3.driver.ex_upload_with(pool, pieces.functions, s3.container, "object")
    assert stored.size == sum(pieces.sizes)
    assert len(s3.requests("UploadPartCopy")) == 1  # a part of several pieces is sent
    assert_published(s3, pieces)


def test_temporary_objects_are_used_again(s3: Store) -> None:
    pieces, texts = Pieces([PART] * 4), list[str]()
    functions = [*pieces.functions[:3], lambda: 1 // 0]
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(
            WorkerError, match=r"piece 3 of bucket/object.*ZeroDivisionError"
        ) as caught:
            s3.driver.ex_upload_with(
                pool, functions, s3.container, "object", ex_on_session=texts.append
            )
        assert vars(caught.value)["session"] == texts[0]
        assert len(s3.server.objects) == 3
        s3.driver.ex_attach_upload(texts[0], pool, pieces.functions)
    assert_published(s3, pieces)


@pytest.mark.parametrize("function", [lambda: 1 // 0, lambda: "text"])
def test_an_upload_that_is_aborted_leaves_no_temporary_objects(s3: Store, function: Any) -> None:
    functions = [*Pieces([PART] * 2).functions, function]
    with ThreadPoolExecutor(2) as pool, pytest.raises(WorkerError):
        s3.driver.ex_upload_with(pool, functions, s3.container, "object", ex_on_failure="abort")
    s3.assert_nothing_is_left()


def test_a_session_that_cannot_be_stored_ends_the_upload(s3: Store) -> None:
    def store_text(text: str) -> None:
        raise OSError("no space left on device")

    options = {"ex_on_session": store_text}
    with pytest.raises(OSError, match="no space left"):
        upload(s3, OddExecutor(1), Pieces([1]), ex_on_failure="abort", **options)
    s3.assert_nothing_is_left()
    with pytest.raises(OSError, match="no space left") as caught:
        upload(s3, OddExecutor(1), Pieces([1]), **options)
    s3.driver.ex_attach_upload(vars(caught.value)["session"], OddExecutor(0), [b"x"])
    assert s3.body() == b"x"


@pytest.mark.parametrize("pieces", [b"bytes", "text", {b"a": b"b"}])
def test_one_piece_is_not_mistaken_for_many(s3: Store, pieces: Any) -> None:
    with pytest.raises(TypeError, match="pieces must be an iterable of pieces"):
        s3.driver.ex_upload_with(OddExecutor(1), pieces, s3.container, "object")
    assert not s3.requests("CreateMultipartUpload")
