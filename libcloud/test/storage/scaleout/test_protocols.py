# SPDX-License-Identifier: Apache-2.0
"""Uploads by several processes to Azure and Swift, which do not know what an upload is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from libcloud.storage.base import Container
from libcloud.storage.types import PartConflictError, UploadOutcomeUnknownError, WorkerError
from libcloud.test.storage.fakes.azure import FakeAzure
from libcloud.test.storage.fakes.swift import FakeSwift
from libcloud.test.storage.s3_servers import PART
from libcloud.test.storage.scaleout.pools import OddExecutor, Pieces, Twice, sha256


@pytest.fixture(params=["azure", "swift"])
def other(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any, Container]]:
    """Server, driver and container of another protocol."""
    server: Any
    with FakeAzure() if request.param == "azure" else FakeSwift() as server:
        driver = server.connect()
        yield server, driver, driver.create_container("docs")
        assert not server.violations


def test_other_protocols_publish_and_continue(other: tuple[Any, Any, Container]) -> None:
    server, driver, container = other
    pieces, texts = Pieces([PART] * 4), list[str]()
    extra = {"meta_data": {"colour": "blue"}}
    with pytest.raises(WorkerError):
        driver.ex_upload_with(
            OddExecutor(4, 2, lost=(2,)),
            pieces.functions,
            container,
            "object",
            sizes=pieces.sizes,
            extra=extra,
            ex_window=2,
            ex_part_size=PART,
            ex_on_session=texts.append,
        )
    run = sum(pieces.runs.values())
    stored = driver.ex_attach_upload(texts[0], OddExecutor(4 - run), pieces.functions, pieces.sizes)
    assert sha256(server.body("docs", "object")) == sha256(pieces.data)
    assert sum(pieces.runs.values()) == 4
    assert stored.size == 4 * PART
    assert driver.get_object("docs", "object").meta_data["colour"] == "blue"
    again = driver.ex_attach_upload(texts[0], OddExecutor(0), pieces.functions, pieces.sizes)
    assert again.size == 4 * PART
    assert sum(pieces.runs.values()) == 4


def test_other_protocols_take_pieces_of_unknown_size(other: tuple[Any, Any, Container]) -> None:
    server, driver, container = other
    pieces = Pieces([PART, 3, PART])
    with ThreadPoolExecutor(2) as pool:
        driver.ex_upload_with(pool, pieces.functions, container, "object", ex_part_size=PART)
    assert sha256(server.body("docs", "object")) == sha256(pieces.data)
    assert [obj.name for obj in container.list_objects()] == ["object"]


@pytest.mark.parametrize("changing", [frozenset(), frozenset({2})], ids=["same", "other"])
def test_other_protocols_compare_two_attempts_at_a_piece(
    other: tuple[Any, Any, Container], changing: frozenset[int]
) -> None:
    server, driver, container = other
    pieces = Pieces([PART, 3, PART], changing)
    with Twice(1) as pool:
        if changing:
            with pytest.raises(PartConflictError) as caught:
                driver.ex_upload_with(pool, pieces.functions, container, "object")
            assert caught.value.number == 2
            assert "object" not in [obj.name for obj in container.list_objects()]
        else:
            driver.ex_upload_with(pool, pieces.functions, container, "object")
            assert sha256(server.body("docs", "object")) == sha256(pieces.data)
            assert [obj.name for obj in container.list_objects()] == ["object"]


@pytest.mark.parametrize("count", [0, 1])
def test_other_protocols_finish_a_clean_up(
    other: tuple[Any, Any, Container], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    class Killed(BaseException):
        """What ends the coordinator."""

    server, driver, container = other
    pieces, texts, calls = Pieces([PART, 3, PART]), list[str](), list[None]()
    delete = driver.ex_iterate_deletions

    def end(*args: Any, **options: Any) -> Any:
        calls.append(None)
        if len(calls) > count:
            raise Killed
        return delete(*args, **options)

    with ThreadPoolExecutor(2) as pool:
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(driver, "ex_iterate_deletions", end)
            options = {"ex_part_size": PART, "ex_on_session": texts.append}
            driver.ex_upload_with(pool, pieces.functions, container, "object", **options)
        driver.ex_attach_upload(texts[0], pool, pieces.functions)
    assert set(pieces.runs.values()) == {1}
    assert sha256(server.body("docs", "object")) == sha256(pieces.data)
    assert [obj.name for obj in container.list_objects()] == ["object"]


def test_other_protocols_do_not_publish_other_bytes(other: tuple[Any, Any, Container]) -> None:
    server, driver, container = other
    session = driver.ex_begin_upload(container, "object")
    receipts = [session.upload_part(number, b"x" * PART) for number in (1, 2)]
    session.upload_part(2, b"y" * PART)  # by a task that ran again, and whose receipt was lost
    session.complete(receipts)
    assert server.body("docs", "object") == b"x" * 2 * PART


def test_other_protocols_do_not_publish_parts_of_another_upload(
    other: tuple[Any, Any, Container],
) -> None:
    server, driver, container = other
    one, two = (driver.ex_begin_upload(container, "object") for _ in range(2))
    mine, theirs = one.upload_part(1, b"x" * PART), two.upload_part(2, b"y" * PART)
    with pytest.raises(Exception, match=r"another upload|Not Found|404"):
        one.complete([mine, theirs])
    assert ("docs", "object") not in getattr(server, "blobs", {})
    assert not container.list_objects()
    one.complete([mine, one.upload_part(2, b"z")])
    assert server.body("docs", "object") == b"x" * PART + b"z"


def test_other_protocols_do_not_abort_what_was_published(
    other: tuple[Any, Any, Container],
) -> None:
    server, driver, container = other
    session = driver.ex_begin_upload(container, "object")
    receipts = [session.upload_part(number, b"x" * PART) for number in (1, 2)]
    session.complete([*receipts, *receipts])
    assert session.complete(receipts).size == 2 * PART
    session.abort()
    assert server.body("docs", "object") == b"x" * 2 * PART
    another = driver.ex_begin_upload(container, "object")
    another.upload_part(1, b"y")
    another.abort()
    assert server.body("docs", "object") == b"x" * 2 * PART


def test_other_protocols_do_not_replace_what_was_written_since(
    other: tuple[Any, Any, Container],
) -> None:
    server, driver, container = other
    pieces, texts = Pieces([PART] * 2), list[str]()
    options = {"sizes": pieces.sizes, "ex_part_size": PART, "ex_on_session": texts.append}
    driver.ex_upload_with(OddExecutor(2), pieces.functions, container, "object", **options)
    earlier = json.dumps({**json.loads(texts[0]), "created": 1})
    driver.upload_object_via_stream(iter([b"another's"]), container, "object")
    with pytest.raises(UploadOutcomeUnknownError):
        driver.ex_attach_upload(earlier, OddExecutor(2), pieces.functions, pieces.sizes)
    assert server.body("docs", "object") == b"another's"


def test_a_late_segment_with_other_bytes_does_not_change_the_object() -> None:
    with FakeSwift() as server:
        driver = server.connect()
        container = driver.create_container("docs")
        session = driver.ex_begin_upload(container, "object")
        session.complete([session.upload_part(number, b"x" * PART) for number in (1, 2)])
        session.upload_part(2, b"y" * PART)
        obj = container.get_object("object")
        assert b"".join(obj.as_stream()) == b"x" * 2 * PART
        driver.ex_cleanup_all_multipart_uploads(container)
        session.abort()
        assert b"".join(obj.as_stream()) == b"x" * 2 * PART


def test_an_upload_of_several_processes_is_resumed_by_one() -> None:
    with FakeSwift() as server:
        driver = server.connect()
        container = driver.create_container("docs")
        session = driver.ex_begin_upload(container, "object")
        session.upload_part(1, b"x" * PART)
        session.upload_part(1, b"y" * PART)
        data = b"x" * PART + b"z"
        driver.ex_resume_upload(iter([data]), container, "object", session.upload_id)
        assert server.body("docs", "object") == data
