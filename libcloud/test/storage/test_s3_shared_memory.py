# SPDX-License-Identifier: Apache-2.0
"""A memory budget for writers, and for all uploads of a driver's class."""

from __future__ import annotations

from collections.abc import Iterator

from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.transfer.budget import MemoryBudget
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
