# SPDX-License-Identifier: Apache-2.0
"""A machine under a limiter, and with a share of memory: driven by hand, nothing waits."""

from __future__ import annotations

from typing import Any

from libcloud.storage.capabilities import Limits
from libcloud.storage.transfer.budget import MemoryBudget, Share
from libcloud.storage.transfer.retry import ConcurrencyLimiter, Retries, RetryPolicy
from libcloud.storage.transfer.upload.machine import State, UploadMachine
from libcloud.storage.transfer.upload.plan import PartPlan
from libcloud.storage.transfer.values import (
    Await,
    Command,
    Failure,
    PartReceipt,
    Pull,
    Send,
    Step,
    StoredObject,
    Wait,
)

PART = 10
BUSY = Failure(RuntimeError("slow down"), transient=True, throttled=True)


class Upload:
    """A machine, its requests in flight, and a source of ``parts`` parts."""

    def __init__(
        self,
        parts: int = 50,
        *,
        window: int = 8,
        limiter: ConcurrencyLimiter | None = None,
        budget: MemoryBudget | None = None,
    ) -> None:
        limits = Limits(min_part_size=1, max_part_size=PART)
        self.share: Any = Share(budget) if budget is not None else None
        self.machine = UploadMachine(
            PartPlan(limits, PART),
            window=window,
            share=self.share,
            retries=Retries(RetryPolicy(attempts=99), random=lambda: 0.0, limiter=limiter),
        )
        self.parts = parts
        self.flying: list[Send] = []

    def go_on(self) -> Command:
        """Do what the machine says until it has to wait, or is over; what it says then."""
        while True:
            command = self.machine.poll()
            if isinstance(command, Send):
                self.flying.append(command)
            elif isinstance(command, Pull):
                self.machine.pulled(PART, command.number == self.parts)
            else:
                return command

    def begun(self) -> Upload:
        """Up to where the first parts are in flight."""
        self.go_on()
        self.answer(1)
        self.go_on()
        return self

    def answer(self, count: int) -> None:
        """The store answers the oldest requests."""
        for send in self.flying[:count]:
            if send.step is Step.CREATE:
                self.machine.succeeded(send, "id")
            elif send.step is Step.PART:
                self.machine.succeeded(send, PartReceipt(send.number, "etag", PART))
            else:
                self.machine.succeeded(send, StoredObject("etag", PART))
        del self.flying[:count]

    def refuse(self, count: int) -> None:
        """The store has too much to do for the oldest requests."""
        for send in self.flying[:count]:
            self.machine.failed(send, BUSY)
        del self.flying[:count]

    def finish(self) -> None:
        """The store answers everything from now on."""
        while self.machine.state is not State.DONE:
            self.go_on()
            self.answer(1)


def test_as_many_parts_are_sent_as_the_window_has_until_the_store_complains() -> None:
    upload = Upload().begun()
    assert len(upload.flying) == upload.machine.limit == 8


def test_after_a_burst_of_complaints_half_as_many_parts_are_sent() -> None:
    upload = Upload().begun()
    upload.refuse(8)
    assert isinstance(upload.go_on(), Wait)
    assert len(upload.flying) == upload.machine.limit == 4
    upload.refuse(4)
    upload.go_on()
    assert len(upload.flying) == 2


def test_parts_that_are_in_flight_stay_there_and_none_follows_until_enough_are_back() -> None:
    upload = Upload().begun()
    upload.refuse(1)
    upload.go_on()
    assert (len(upload.flying), upload.machine.limit) == (7, 4)
    for left in (6, 5, 4):
        upload.answer(1)
        upload.go_on()
        assert len(upload.flying) == left
    upload.answer(1)
    upload.go_on()
    assert len(upload.flying) == 4


def test_no_part_is_read_that_could_not_be_sent() -> None:
    upload = Upload().begun()
    upload.refuse(8)
    upload.go_on()
    pulled = upload.machine.parts_pulled
    upload.answer(4)
    upload.go_on()
    assert upload.machine.parts_pulled == pulled


def test_one_part_is_always_sent() -> None:
    upload = Upload(window=2).begun()
    for _ in range(10):
        upload.refuse(len(upload.flying))
        upload.go_on()
        assert len(upload.flying) == 1
    upload.finish()
    assert upload.machine.bytes_done == PART


def test_the_window_grows_after_successes() -> None:
    upload = Upload(parts=200).begun()
    upload.refuse(8)
    seen = []
    for _ in range(100):
        upload.go_on()
        seen.append(len(upload.flying))
        upload.answer(1)
    assert seen[0] == 4
    assert seen == sorted(seen)
    assert seen[-1] == 8


def test_uploads_of_one_driver_learn_from_each_other() -> None:
    limiter = ConcurrencyLimiter()
    first, second = Upload(limiter=limiter).begun(), Upload(limiter=limiter).begun()
    first.refuse(8)
    assert second.machine.limit == 4
    second.refuse(8)
    assert second.machine.limit == 4, "they were sent before the first complaint was known"


def test_another_error_is_no_complaint() -> None:
    upload = Upload().begun()
    upload.machine.failed(upload.flying[0], Failure(RuntimeError("broken"), transient=True))
    assert upload.machine.limit == 8


# Memory.


def test_the_window_is_as_narrow_as_the_memory_that_is_left() -> None:
    budget = MemoryBudget(3 * PART + 5)
    upload = Upload(budget=budget).begun()
    assert len(upload.flying) == 3
    upload.answer(1)
    upload.go_on()
    assert len(upload.flying) == 3
    upload.finish()
    upload.share.close()
    assert budget.used == 0


def test_an_upload_sends_what_it_holds_and_reads_no_more_while_others_use_the_budget() -> None:
    budget = MemoryBudget(4 * PART)
    other = Share(budget)
    upload = Upload(budget=budget).begun()
    assert len(upload.flying) == 4
    upload.answer(2)
    assert other.take(2 * PART)
    assert isinstance(upload.go_on(), Wait)
    assert len(upload.flying) == 2


def test_an_upload_that_holds_nothing_waits_for_one_part() -> None:
    budget = MemoryBudget(PART)
    other = Share(budget)
    assert other.take(PART)
    upload = Upload(budget=budget)
    assert upload.go_on() == Await(PART)
    other.give(PART)
    upload.share.wait(PART)
    upload.go_on()
    assert len(upload.flying) == 1
    assert budget.used == PART


def test_a_short_last_part_takes_its_own_size_only() -> None:
    budget = MemoryBudget(100)
    upload = Upload(budget=budget)
    assert isinstance(upload.machine.poll(), Pull)
    assert budget.used == PART
    upload.machine.pulled(3, last=True)
    assert budget.used == 3


def test_a_repeated_request_takes_memory_once() -> None:
    budget = MemoryBudget(100)
    upload = Upload(budget=budget)
    upload.machine.poll()
    upload.machine.poll()
    assert budget.used == PART


def test_a_cancelled_upload_gives_everything_back() -> None:
    budget = MemoryBudget(100)
    upload = Upload(budget=budget).begun()
    assert budget.used
    upload.machine.cancel(KeyboardInterrupt())
    upload.share.close()
    assert budget.used == 0
