# SPDX-License-Identifier: Apache-2.0
"""A memory budget for writers, for all uploads of a driver's class; and what errors keep."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from libcloud.common.types import InvalidCredsError
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.transfer.budget import MemoryBudget, MemoryBudgetExceededError
from libcloud.test.storage.fakes.faults import Status
from libcloud.test.storage.s3_servers import PART, store


def test_two_writers_of_one_thread_do_not_wait_for_each_other() -> None:
    budget = MemoryBudget(PART)
    options = {"ex_part_size": PART, "ex_max_memory": budget}
    with store() as there:
        first = there.driver.ex_open_writer(there.container, "first", **options)
        second = there.driver.ex_open_writer(there.container, "second", **options)
        for _ in range(4):
            first.write(bytes(PART))
            second.write(bytes(PART))
        first.close()
        second.close()
        there.assert_nothing_is_left("first", "second")
    assert budget.used == 0


def test_many_writers_of_one_thread_hold_one_part_more_than_their_budget() -> None:
    budget = MemoryBudget(2 * PART)
    with store() as there:
        options = {"ex_part_size": PART, "ex_max_memory": budget}
        writers = [
            there.driver.ex_open_writer(there.container, f"object {number}", **options)
            for number in range(40)
        ]
        refused = 0
        for writer in writers:
            try:
                writer.write(bytes(PART))
            except MemoryBudgetExceededError:
                refused += 1
            assert budget.used <= 3 * PART
        for writer in writers[:3]:
            writer.close()
        assert refused == 37
        there.assert_nothing_is_left("object 0", "object 1", "object 2")
    assert budget.used == 0


def test_many_writers_one_after_another_need_one_part() -> None:
    budget = MemoryBudget(PART)
    with store() as there:
        for number in range(5):
            options = {"ex_part_size": PART, "ex_max_memory": budget}
            with there.driver.ex_open_writer(there.container, str(number), **options) as writer:
                for _ in range(3):
                    writer.write(bytes(PART))
        there.assert_nothing_is_left(*map(str, range(5)))
    assert budget.used == 0


def test_an_upload_in_the_iterator_of_another_one_may_share_its_budget() -> None:
    budget = MemoryBudget(2 * PART)
    with store() as there:

        def source() -> Iterator[bytes]:
            for number in range(5):
                there.stream(iter([bytes(3 * PART)]), f"inner {number}", ex_max_memory=budget)
                yield bytes(PART)

        there.stream(source(), "outer", ex_max_memory=budget)
        there.assert_nothing_is_left("outer", *(f"inner {number}" for number in range(5)))
    assert budget.used == 0


def test_a_driver_class_has_a_budget_for_all_its_uploads() -> None:
    budget = MemoryBudget(PART)
    used: list[int] = []

    class Frugal(S3StorageDriver):
        ex_max_memory = budget

    def source() -> Iterator[bytes]:
        for _ in range(5):
            used.append(budget.used)
            yield bytes(PART)

    with store(kind=Frugal) as there:
        there.stream(source())
    assert max(used) == PART
    assert budget.used == 0


@pytest.mark.parametrize(
    ("operation", "size"),
    [("PutObject", 10), ("CreateMultipartUpload", 3 * PART), ("UploadPart", 3 * PART)],
)
def test_an_error_is_freed_without_garbage_collection(operation: str, size: int) -> None:
    """Its traceback refers to what was sent: a batch that a store refuses would fill the memory."""
    errors: list[weakref.ref[InvalidCredsError]] = []

    def upload() -> None:
        try:
            there.container.upload_object_via_stream([bytes(size)], "object", ex_part_size=PART)
        except InvalidCredsError as error:
            errors.append(weakref.ref(error))

    with store() as there:
        there.server.faults.add(operation, Status(403, "AccessDenied"), times=10)
        gc.collect()
        gc.disable()
        try:
            upload()
            assert [error() for error in errors] == [None]
        finally:
            gc.enable()
