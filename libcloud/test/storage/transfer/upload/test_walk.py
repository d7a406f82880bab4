# SPDX-License-Identifier: Apache-2.0
"""Every situation that a small upload can get into: it ends, and it ends as it should.

A model of a store stands beside the machine. At each step all that can happen is tried: every
answer, in every order, with effect and without, a source that ends or fails, a cancel at any point,
a store that asks for fewer requests, and no memory left at any point.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from libcloud.storage.capabilities import Limits
from libcloud.storage.transfer.budget import Share
from libcloud.storage.transfer.retry import Retries, RetryBudget, RetryPolicy
from libcloud.storage.transfer.upload.machine import UploadMachine
from libcloud.storage.transfer.upload.plan import PartPlan
from libcloud.storage.transfer.upload.states import CLEAN_UP, TRANSITIONS, Event, State
from libcloud.storage.transfer.values import (
    Await,
    Confirmation,
    Failure,
    PartReceipt,
    Pull,
    Send,
    Step,
    Stop,
    StoredObject,
    Wait,
)

PARTS = 3
WINDOW = 2
ATTEMPTS = 2
OBJECT = StoredObject("etag", 10 * PARTS, PARTS)
NO = RuntimeError("no")
LOST = ConnectionError("lost")


@dataclass(frozen=True)
class Store:
    """What the store holds, as it really is."""

    uploads: int = 0  # open uploads that a Create has made; the machine knows the last one at most
    known: bool = False
    parts: frozenset[int] = frozenset()
    late: frozenset[int] = frozenset()  # parts whose answer was lost, that may land yet
    published: bool = False
    complete_unanswered: bool = False


@dataclass
class Situation:
    machine: UploadMachine
    store: Store = Store()
    flying: tuple[Send, ...] = ()
    cancelled: bool = False
    throttling: bool = False  # the store may ask for fewer requests
    trail: tuple[object, ...] = ()  # how it came about: nested pairs, the latest step last

    def key(self) -> tuple[object, ...]:
        state = tuple(
            _frozen(set(value) if name == "_in_flight" else value)
            for name, value in vars(self.machine).items()
            if name not in ("_plan", "_retries", "taken")
        )
        limiter = self.machine._retries.limiter
        epochs = self.machine._in_flight.items()
        # Epochs are only compared: which of the requests are of the present one, is what counts.
        paced = (
            limiter._limit,
            limiter._widest,
            limiter._successes,
            frozenset(sent for sent, epoch in epochs if epoch == limiter.epoch),
        )
        return (state, paced, self.store, frozenset(self.flying), self.cancelled)

    def fork(self, note: str) -> Situation:
        machine = _twin(self.machine)
        for name, value in vars(machine).items():
            if type(value) in (set, dict, deque) and name != "taken":
                setattr(machine, name, value.copy())
        machine._retries = _twin(machine._retries)
        machine._retries.limiter = _twin(machine._retries.limiter)
        if machine.share is not None:
            machine.share = _twin(machine.share)
        trail = (self.trail, note)
        return Situation(machine, self.store, self.flying, self.cancelled, self.throttling, trail)


@dataclass
class Memory:
    """Stands for a share of memory: is there room, or is there none?"""

    held: int = 0
    reserved: int = 0
    room: bool = True

    def reserve(self, size: int) -> bool:
        if self.room and not self.reserved:
            self.reserved = size
            self.held += size
        return bool(self.reserved)

    def fill(self, size: int) -> None:
        self.held -= self.reserved - size
        self.reserved = 0

    def give(self, size: int) -> None:
        self.held -= size

    def close(self) -> None:
        self.held = 0


class RecordingMachine(UploadMachine):
    """Notes each transition it takes in a set that all copies share."""

    taken: set[tuple[State, Event]]

    def _move(self, event: Event) -> None:
        self.taken.add((self.state, event))
        super()._move(event)


def new_machine(
    memory: Memory | None = None,
    *,
    window: int = WINDOW,
    attempts: int = ATTEMPTS,
    **options: Any,
) -> RecordingMachine:
    # Retries are free: a budget that all situations share would soon be empty, and end all retries.
    retries = Retries(RetryPolicy(attempts), RetryBudget(cost=0), random=_half)
    limits = Limits(min_part_size=1, max_part_size=10, max_parts=9, max_object_size=90)
    share: Any = memory
    plan = PartPlan(limits, 10)
    machine = RecordingMachine(plan, window=window, share=share, retries=retries, **options)
    machine.taken = set()
    return machine


def _twin(original: Any) -> Any:
    """What ``copy.copy()`` gives, in half the time: most of the walk is copying."""
    twin = object.__new__(type(original))
    vars(twin).update(vars(original))
    return twin


def _frozen(value: object) -> object:
    if value is None or type(value) in (bool, int, str, State):
        return value
    if isinstance(value, dict):
        return frozenset(value)
    if isinstance(value, set):
        return frozenset(value)
    if isinstance(value, deque):
        return tuple(value)
    if isinstance(value, Share):
        return None
    if isinstance(value, Memory):
        return value.held, value.reserved
    if isinstance(value, Failure):
        return replace(value, error=NO)  # what it says is of no account, what it means is
    return type(value) if isinstance(value, (BaseException, StoredObject)) else value


def _half() -> float:
    return 0.5


def failures(send: Send, store: Store, throttling: bool) -> Iterator[tuple[str, Failure, Store]]:
    """All ways in which the request can fail, with the store as it is afterwards."""
    gone = not store.uploads and send.step in (Step.PART, Step.COMPLETE, Step.ABORT, Step.CHECK)
    if gone:
        yield "gone", Failure(NO, upload_gone=True), _answered(store, send)
    else:
        yield "refused", Failure(NO), _answered(store, send)
        yield "lost after", Failure(LOST, transient=True, effect_unknown=True), _lost(store, send)
    if send.step in (Step.PUT, Step.COMPLETE) and not gone:
        again = send.step is Step.PUT
        done = _answered(effect(send, store), send)
        yield "contradicted", Failure(NO, transient=again, contradicted=True), done
    yield "busy", Failure(NO, transient=True), _answered(store, send)
    if throttling and send.step is Step.PART:
        yield "throttled", Failure(NO, transient=True, throttled=True), store
    lost = Failure(LOST, transient=True, effect_unknown=True)
    unanswered = store.complete_unanswered or send.step is Step.COMPLETE
    late = store.late | {send.number} if send.step is Step.PART else store.late
    yield "lost before", lost, replace(store, complete_unanswered=unanswered, late=late)


def _answered(store: Store, send: Send) -> Store:
    return replace(store, complete_unanswered=False) if send.step is Step.COMPLETE else store


def _lost(store: Store, send: Send) -> Store:
    done = effect(send, store)
    if send.step is Step.COMPLETE:
        return replace(done, complete_unanswered=True)
    return replace(store, uploads=store.uploads + 1) if send.step is Step.CREATE else done


def effect(send: Send, store: Store) -> Store:
    """The store after it has done what was asked."""
    if send.step is Step.CREATE:
        return replace(store, uploads=store.uploads + 1, known=True)
    if send.step is Step.PART:
        return replace(store, parts=store.parts | {send.number})
    if send.step in (Step.COMPLETE, Step.PUT):
        uploads = store.uploads - (send.step is Step.COMPLETE)
        return replace(store, uploads=uploads, published=True, complete_unanswered=False)
    if send.step is Step.ABORT:
        # What was on its way when its answer was lost may land now.
        return replace(
            store, uploads=store.uploads - (not store.late), parts=store.late, late=frozenset()
        )
    return store


def answer(send: Send, store: Store) -> Any:
    if send.step is Step.CREATE:
        return "id"
    if send.step is Step.PART:
        return PartReceipt(send.number, "etag", 10)
    if send.step is Step.CONFIRM:
        there = store.published
        return (Confirmation.STORED, OBJECT) if there else (Confirmation.ABSENT, None)
    if send.step is Step.CHECK:
        return bool(store.parts)
    return None if send.step is Step.ABORT else OBJECT


def answers(situation: Situation, send: Send) -> Iterator[Situation]:
    """The situations after each possible response to ``send``."""
    store = situation.store
    rest = tuple(other for other in situation.flying if other != send)
    possible = store.uploads or send.step in (Step.PUT, Step.CREATE, Step.CONFIRM)
    if possible:
        after = situation.fork(f"{send.step.value} {send.number} ok")
        after.flying = rest
        after.store = effect(send, store)
        after.machine.succeeded(send, answer(send, store))
        yield after
    for note, failure, store_after in failures(send, store, situation.throttling):
        after = situation.fork(f"{send.step.value} {send.number} {note}")
        after.flying = rest
        after.store = store_after
        after.machine.failed(send, failure)
        yield after


def check_send(situation: Situation, send: Send) -> None:
    machine, store = situation.machine, situation.store
    trail = situation.trail
    if send.step is Step.ABORT:
        assert not situation.flying, ("abort while something is in flight", trail)
        assert not store.complete_unanswered, ("abort while a Complete is unanswered", trail)
    if send.step is Step.COMPLETE:
        numbers = [receipt.number for receipt in machine.receipts]
        assert numbers == list(range(1, machine.parts_pulled + 1)), trail
        assert not situation.flying, trail
    assert send.attempt <= ATTEMPTS, trail
    if send.step is Step.PART:
        assert len(situation.flying) < machine.limit, ("more than the store asked for", trail)


def check_end(situation: Situation) -> None:
    machine, store, trail = situation.machine, situation.store, situation.trail
    if machine.share is not None:
        machine.share.close()
    assert machine.share is None or not machine.share.held, trail
    assert machine.state in (State.DONE, State.FAILED), trail
    assert not situation.flying, trail
    if machine.error is None:
        assert store.published, ("success, and no object", trail)
        assert machine.result is not None, trail
        return
    if store.published:
        told = machine.result is not None or machine.outcome_unknown or situation.cancelled
        assert told, ("published, and reported as a plain failure", trail)
    elif store.uploads:
        told = machine.left_behind or machine.orphan_possible
        assert told, ("an upload was left behind, and nobody is told", trail)


def check_interrupted_cleanup(situation: Situation) -> None:
    """An interrupt of the clean-up reports what may be left; what is in flight stays so."""
    gave_up = situation.fork("give up")
    gave_up.machine.give_up(KeyboardInterrupt())
    gave_up.flying, gave_up.cancelled = (), True
    check_end(gave_up)


def check_memory(situation: Situation) -> None:
    """Held memory was acquired, and an upload that holds memory never waits for more."""
    machine, trail = situation.machine, situation.trail
    memory: Any = machine.share
    if not isinstance(memory, Memory):
        return
    assert memory.held == sum(machine._held.values()) + memory.reserved, trail
    narrow = situation.fork("no room")
    memory = narrow.machine.share
    memory.room = False
    reserved = memory.reserved
    command = narrow.machine.poll()
    assert not isinstance(command, (Pull, Stop)) or reserved, trail
    if isinstance(command, Await):
        assert not narrow.machine._held, ("waits for memory, and holds some", trail)
        assert not situation.flying, ("waits for memory, with work to do", trail)
    if isinstance(command, Wait):
        assert situation.flying, ("waits for nothing", trail)


def moves(situation: Situation) -> Iterator[Situation]:
    """All situations that can follow."""
    for send in situation.flying:
        yield from answers(situation, send)
    polled = situation.fork("poll")
    command = polled.machine.poll()
    if isinstance(command, Send):
        check_send(situation, command)
        polled.flying = (*polled.flying, command)
        polled.trail = (situation.trail, f"{command.step.value} {command.number} sent")
        yield polled
    elif isinstance(command, Pull):
        for last in (False, True) if command.number < PARTS else (True,):
            pulled = polled.fork(f"pulled {command.number}{' last' if last else ''}")
            pulled.machine.pulled(10, last)
            held = len(pulled.machine._held)
            assert held <= pulled.machine.window, situation.trail
            yield pulled
    elif isinstance(command, Wait):
        assert situation.flying, ("waits for nothing", situation.trail)
    else:
        assert isinstance(command, Stop)
        check_end(situation)
        if situation.machine.state is State.DONE:
            yield cancel(situation)
        return
    check_memory(situation)
    if not situation.cancelled and not situation.flying:
        yield cancel(situation)
    if situation.machine.error is not None:
        check_interrupted_cleanup(situation)


def cancel(situation: Situation) -> Situation:
    cancelled = situation.fork("cancel")
    cancelled.cancelled = True
    cancelled.machine.cancel(KeyboardInterrupt())
    return cancelled


def walk(first: Situation) -> tuple[int, int]:
    """Go through every situation that can follow; how many there were, and how many ends."""
    seen = {first.key()}
    stack = [first]
    ends = 0
    while stack:
        situation = stack.pop()
        followers = list(moves(situation))
        ends += not followers
        for follower in followers:
            key = follower.key()
            if key not in seen:
                seen.add(key)
                stack.append(follower)
    return len(seen), ends


def new_upload(memory: Memory | None = None, **options: Any) -> Situation:
    return Situation(new_machine(memory, **options))


def resumed_upload(**options: Any) -> Situation:
    return Situation(new_machine(upload_id="id", **options), Store(uploads=1, known=True))


def throttled_upload() -> Situation:
    return Situation(new_machine(), throttling=True)


def short_upload() -> Situation:
    """The size is announced, so that the source may turn out to be too short."""
    return Situation(new_machine(expected_size=10 * PARTS, attempts=1))


@pytest.mark.slow
def test_every_situation_of_a_small_upload_has_a_next_step_and_a_right_end() -> None:
    taken: set[tuple[State, Event]] = set()
    for first in (
        new_upload(Memory()),
        new_upload(keep=True),
        resumed_upload(attempts=1),
        resumed_upload(keep=True, window=3),
        short_upload(),
    ):
        situations, ends = walk(first)
        assert situations > 1000
        assert ends > 10
        taken |= first.machine.taken  # type: ignore[attr-defined]
    progress = {(state, event) for state, events in TRANSITIONS.items() for event in events}
    assert {(state, event) for state, event in taken if event not in CLEAN_UP} == progress
    assert {event for _, event in taken if event in CLEAN_UP} == set(CLEAN_UP)


@pytest.mark.slow
def test_every_situation_at_a_store_that_throttles_has_a_right_end() -> None:
    situations, ends = walk(throttled_upload())
    assert situations > 10_000
    assert ends > 10
