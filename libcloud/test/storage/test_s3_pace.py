# SPDX-License-Identifier: Apache-2.0
"""Uploads of an S3 driver to a busy store, and within memory that they share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.transfer.budget import MemoryBudget
from libcloud.storage.transfer.progress import Throttled
from libcloud.test._helpers import run_in_threads
from libcloud.test.storage.fakes.faults import Status
from libcloud.test.storage.s3_servers import PART, pattern, store

SLOW = [Status(503, "SlowDown"), Status(429, "TooManyRequests"), Status(500, "SlowDownWrite")]


@pytest.mark.parametrize("action", SLOW, ids=lambda action: action.code)
def test_a_busy_store_gets_fewer_parts_at_a_time_and_the_listener_is_called(
    action: Status,
) -> None:
    events: list[Any] = []
    with store() as there:
        there.server.faults.add("UploadPart", action, part=2)
        data = there.in_parts(3, ex_window=8, on_event=events.append)
        assert there.body() == data
        assert there.driver._client.retry_loop.retries().limiter.limit(8) == 4
    assert [event.limit for event in events if isinstance(event, Throttled)] == [4]


def test_another_error_of_the_store_narrows_nothing() -> None:
    events: list[Any] = []
    with store() as there:
        there.server.faults.add("UploadPart", Status(500), part=2)
        there.in_parts(3, on_event=events.append)
        assert there.driver._client.retry_loop.retries().limiter.limit(8) == 8
    assert not [event for event in events if isinstance(event, Throttled)]


def test_a_lowered_limit_applies_to_the_next_upload_until_all_succeeds() -> None:
    with store() as there:
        there.server.faults.add("UploadPart", SLOW[0], part=1)
        there.in_parts(2, ex_window=8)
        assert there.driver._client.retry_loop.retries().limiter.limit(8) == 4
        there.in_parts(100, ex_window=8)
        assert there.driver._client.retry_loop.retries().limiter.limit(8) == 8


@pytest.mark.parametrize("size", [PART // 2, PART, 3 * PART])
def test_uploads_in_several_threads_share_a_budget_and_all_end(size: int) -> None:
    budget = MemoryBudget(size, strict=size >= PART)
    with store() as there:
        data = pattern(7 * PART + 1)
        run_in_threads(
            lambda number: there.stream(iter([data]), f"object{number}", ex_max_memory=budget),
            count=4,
        )
        assert {there.body(f"object{number}") for number in range(4)} == {data}
        there.assert_nothing_is_left(*(f"object{number}" for number in range(4)))
    assert budget.used == 0


def test_the_parts_that_are_held_are_within_the_budget() -> None:
    budget = MemoryBudget(3 * PART)
    used: list[int] = []

    def source() -> Iterator[bytes]:
        for _ in range(20):
            used.append(budget.used)
            yield bytes(PART)

    with store() as there:
        there.stream(source(), ex_max_memory=budget, ex_window=8)
    assert max(used) <= 3 * PART
    assert budget.used == 0


def test_an_upload_that_fails_gives_its_memory_back() -> None:
    budget = MemoryBudget(3 * PART)
    with store() as there:
        there.server.faults.add("UploadPart", Status(403, "AccessDenied"), part=2)
        with pytest.raises(LibcloudError):
            there.in_parts(9, ex_max_memory=budget)
    assert budget.used == 0


def test_a_source_that_uploads_on_its_own_does_not_wait_for_itself() -> None:
    budget = MemoryBudget(PART)
    with store() as there:

        def source() -> Iterator[bytes]:
            yield bytes(PART)
            there.stream(iter([b"inner"]), "inner", ex_max_memory=budget)
            yield b"outer"

        there.stream(source(), "outer", ex_max_memory=budget)
        there.assert_nothing_is_left("inner", "outer")
    assert budget.used == 0
