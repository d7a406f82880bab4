# SPDX-License-Identifier: Apache-2.0
"""Long uploads at random, where ``test_walk.py`` takes every turn of a short one.

One walk is that of the machine beside its model of a store; the other is that of a writer, with all
of the engine below it, at a store that fails on request.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from libcloud.storage.capabilities import Limits
from libcloud.storage.transfer.retry import Retries, RetryBudget, RetryPolicy
from libcloud.storage.transfer.upload.machine import UploadMachine
from libcloud.storage.transfer.upload.plan import PartPlan
from libcloud.storage.transfer.values import Pull, Send, Step, Stop, Wait
from libcloud.storage.writer import UploadWriter
from libcloud.test.storage.transfer.upload.fake_store import Call, FakeStore, Fault
from libcloud.test.storage.transfer.upload.sending import check_end as check_store
from libcloud.test.storage.transfer.upload.test_walk import (
    ATTEMPTS,
    Situation,
    answer,
    check_end,
    check_send,
    effect,
    failures,
)
from libcloud.test.storage.transfer.upload.writing import writer_to

MOST_PARTS = 40
ENOUGH = 2000  # moves after which an upload that has not ended goes in circles


class MachineWalk(RuleBasedStateMachine):
    """Drives the machine; its commands are checked against the state of the store."""

    @initialize(window=st.integers(1, 6), keep=st.booleans(), resumed=st.booleans())
    def begin(self, window: int, keep: bool, resumed: bool) -> None:
        self.window = window
        limits = Limits(min_part_size=1, max_part_size=10, max_parts=MOST_PARTS)
        retries = Retries(RetryPolicy(ATTEMPTS), RetryBudget(cost=0), random=lambda: 0.5)
        machine = UploadMachine(
            PartPlan(limits, 10),
            window=window,
            retries=retries,
            keep=keep,
            upload_id="id" if resumed else None,
        )
        self.now = Situation(machine, throttling=True)
        if resumed:
            self.now.store = effect(Send(Step.CREATE), self.now.store)
        self.over = False

    def move(self, *, last: bool) -> None:
        """Do what the machine says."""
        command = self.now.machine.poll()
        if isinstance(command, Send):
            check_send(self.now, command)
            self.now.flying = (*self.now.flying, command)
        elif isinstance(command, Pull):
            self.now.machine.pulled(10, last or command.number == MOST_PARTS)
            assert len(self.now.machine._held) <= self.window
        elif isinstance(command, Wait):
            assert self.now.flying, "waits for nothing"
        else:
            assert isinstance(command, Stop)
            check_end(self.now)
            self.over = True

    def land(self, which: int) -> Send:
        """One of the requests in flight comes back."""
        send = self.now.flying[which % len(self.now.flying)]
        self.now.flying = tuple(other for other in self.now.flying if other != send)
        return send

    @precondition(lambda self: not self.over)
    @rule(times=st.integers(1, 8), last=st.integers(0, 15).map(lambda number: not number))
    def go_on(self, times: int, last: bool) -> None:
        for _ in range(times):
            if not self.over:
                self.move(last=last)

    @precondition(lambda self: self.now.flying)
    @rule(which=st.integers(0, 5))
    def succeed(self, which: int) -> None:
        send, store = self.land(which), self.now.store
        if store.uploads or send.step in (Step.PUT, Step.CREATE, Step.CONFIRM):
            self.now.store = effect(send, store)
            self.now.machine.succeeded(send, answer(send, store))
        else:
            self.fail_by(send, 0)

    @precondition(lambda self: self.now.flying)
    @rule(which=st.integers(0, 5), how=st.integers(0, 4))
    def fail(self, which: int, how: int) -> None:
        self.fail_by(self.land(which), how)

    def fail_by(self, send: Send, how: int) -> None:
        ways = list(failures(send, self.now.store, throttling=True))
        _, failure, self.now.store = ways[how % len(ways)]
        self.now.machine.failed(send, failure)

    @precondition(lambda self: not (self.over or self.now.flying or self.now.cancelled))
    @rule()
    def cancel(self) -> None:
        self.now.cancelled = True
        self.now.machine.cancel(KeyboardInterrupt())

    @precondition(lambda self: self.over)
    @rule()
    def rest(self) -> None:
        assert self.now.machine.poll() == Stop()

    def teardown(self) -> None:
        """From anywhere it is not far to an end."""
        for _ in range(ENOUGH if hasattr(self, "now") else 0):
            if self.over:
                return
            if self.now.flying:
                self.succeed(0)
            else:
                self.move(last=True)
        assert not hasattr(self, "now"), "it goes on for ever"


class Script:
    """What goes wrong next with each step; in place of a table of :class:`FakeStore`."""

    def __init__(self) -> None:
        self.next: dict[Step, list[Fault]] = {}

    def get(self, call: Call, default: object) -> Sequence[Fault | None]:
        return _Next(self.next.get(call.step, []))


class _Next(Sequence[Any]):
    def __init__(self, faults: list[Fault]) -> None:
        self._faults = faults

    def __len__(self) -> int:
        return 10**6

    def __getitem__(self, attempt: Any) -> Any:
        return self._faults.pop(0) if self._faults else None


class WriterWalk(RuleBasedStateMachine):
    """The written data becomes the object, or an error is raised and nothing is left unreported."""

    @initialize(
        runner=st.sampled_from(["inline", "threads"]), window=st.integers(1, 4), keep=st.booleans()
    )
    def begin(self, runner: str, window: int, keep: bool) -> None:
        self.script = Script()
        faults: Any = self.script
        self.store = FakeStore(faults)
        failing = "keep" if keep else "abort"
        self.writer: UploadWriter[Any] = writer_to(
            self.store, runner, window=window, on_failure=failing
        )
        self.data = b""
        self.over = False

    def ended(self, error: BaseException | None) -> None:
        self.over = True
        check_store(self.store, self.data, error)

    @precondition(lambda self: not self.over)
    @rule(size=st.integers(0, 35))
    def write(self, size: int) -> None:
        piece = bytes((len(self.data) + index) // 3 % 251 for index in range(size))
        try:
            self.writer.write(piece)
        except Exception as error:
            with pytest.raises(type(error)):
                self.writer.close()
            self.data += piece
            self.ended(error)
        else:
            self.data += piece

    @precondition(lambda self: not self.over)
    @rule(
        step=st.sampled_from(Step), faults=st.lists(st.sampled_from(Fault), min_size=1, max_size=3)
    )
    def trouble(self, step: Step, faults: list[Fault]) -> None:
        self.script.next.setdefault(step, []).extend(faults)

    @precondition(lambda self: not self.over)
    @rule()
    def publish(self) -> None:
        try:
            self.writer.close()
        except Exception as error:
            self.ended(error)
        else:
            self.ended(None)

    @precondition(lambda self: not self.over)
    @rule()
    def abort(self) -> None:
        error: Exception | None = None
        try:
            self.writer.abort()
        except Exception as raised:
            error = raised
        self.over = True
        self.store.check()
        assert self.store.object is None
        assert error is not None or not self.store.left

    @precondition(lambda self: self.over)
    @rule()
    def rest(self) -> None:
        assert self.writer.closed

    def teardown(self) -> None:
        with contextlib.suppress(AttributeError):
            if not self.over:
                self.publish()


LONG = settings(max_examples=60, stateful_step_count=60, deadline=None)

TestMachineWalk = pytest.mark.slow(MachineWalk.TestCase)
TestMachineWalk.settings = LONG
TestWriterWalk = pytest.mark.slow(WriterWalk.TestCase)
TestWriterWalk.settings = LONG
