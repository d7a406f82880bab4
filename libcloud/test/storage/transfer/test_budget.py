# SPDX-License-Identifier: Apache-2.0
"""A memory budget that uploads share: its bound, its order, and freedom from deadlocks.

The walk at the end tries all orders in which small uploads can take, wait and give back.
"""

from __future__ import annotations

import copy
import gc
import logging
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from libcloud.storage.transfer import budget as module
from libcloud.storage.transfer.budget import MemoryBudget, MemoryBudgetExceededError, Share
from libcloud.test._helpers import run_in_threads


class Threads:
    """Says which thread runs."""

    current = 0

    def __call__(self) -> int:
        return self.current


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    found = Threads()
    monkeypatch.setattr(module, "get_ident", found)
    return found


class Scripted:
    """A condition whose waits are filled with what others do meanwhile; then time runs out."""

    def __init__(self, *meanwhile: Callable[[], object]) -> None:
        self._meanwhile = list(meanwhile)
        self.waits: list[float] = []

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *error: object) -> None: ...

    def notify_all(self) -> None: ...

    def wait(self, timeout: float) -> bool:
        self.waits.append(timeout)
        if not self._meanwhile:
            return False
        self._meanwhile.pop(0)()
        return True


def test_memory_is_returned() -> None:
    budget = MemoryBudget(20)
    share = Share(budget)
    assert share.take(12)
    assert not share.take(9)
    assert share.take(8)
    assert (budget.used, share.held) == (20, 20)
    share.give(12)
    assert budget.used == 8
    share.close()
    assert (budget.used, share.held) == (0, 0)


def test_more_than_the_held_memory_cannot_be_released() -> None:
    budget = MemoryBudget(20)
    share, other = Share(budget), Share(budget)
    assert share.take(5)
    assert other.take(5)
    share.give(9)
    share.close()
    assert budget.used == 5


def test_a_part_larger_than_the_budget_is_held_alone() -> None:
    budget = MemoryBudget(20)
    share, other = Share(budget), Share(budget)
    assert share.take(50)
    assert not other.take(1)
    share.give(50)
    assert other.take(1)
    assert not share.take(50)


@pytest.mark.parametrize("size", [0, -1])
def test_a_budget_of_nothing_is_an_error(size: int) -> None:
    with pytest.raises(ValueError, match="at least 1 byte"):
        MemoryBudget(size)


def test_a_waiting_thread_gets_released_memory(threads: Threads) -> None:
    budget = MemoryBudget(20)
    holder, waiter = Share(budget), Share(budget)
    assert holder.take(20)
    threads.current = 1
    changed: Any = Scripted(lambda: holder.give(5), lambda: holder.give(5))
    budget._usage().changed = changed
    waiter.wait(10)
    assert len(changed.waits) == 2
    assert (budget.used, waiter.held) == (20, 10)
    assert waiter.reserve(10), "what was waited for is there, and not taken twice"
    assert (budget.used, waiter.held) == (20, 10)


def test_a_holder_gets_no_more_memory_while_another_waits(threads: Threads) -> None:
    budget = MemoryBudget(20)
    holder, waiter = Share(budget), Share(budget)
    assert holder.take(15)
    taken: list[bool] = []

    def meanwhile() -> None:
        taken.append(holder.take(1))
        holder.give(15)

    threads.current = 1
    budget._usage().changed = Scripted(meanwhile)  # type: ignore[assignment]
    waiter.wait(10)
    assert taken == [False]
    assert holder.take(1)


def test_those_who_wait_are_served_in_order(threads: Threads) -> None:
    budget = MemoryBudget(20)
    holder, first, second = (Share(budget) for _ in range(3))
    assert holder.take(20)
    held: list[int] = []

    def while_the_second_waits() -> None:
        holder.give(5)  # enough for the second, which is not its turn

    def while_the_first_waits() -> None:
        threads.current = 2
        budget._usage().changed = Scripted(while_the_second_waits, first_goes)  # type: ignore[assignment]
        second.wait(5)

    def first_goes() -> None:
        held.append(second.held)
        holder.give(15)
        budget._usage().waiting.remove(first)

    threads.current = 1
    budget._usage().changed = Scripted(while_the_first_waits)  # type: ignore[assignment]
    budget._usage().waiting.append(first)
    while_the_first_waits()
    assert held == [0]
    assert second.held == 5


def test_a_thread_that_holds_the_memory_itself_does_not_wait(threads: Threads) -> None:
    budget = MemoryBudget(20)
    writer, other_writer = Share(budget), Share(budget)
    assert writer.take(20)
    changed: Any = Scripted()
    budget._usage().changed = changed
    other_writer.wait(10)
    assert not changed.waits
    assert budget.used == 30


def test_a_thread_exceeds_the_budget_by_one_part_with_a_warning(
    threads: Threads, caplog: pytest.LogCaptureFixture
) -> None:
    budget = MemoryBudget(20)
    first, second, third = (Share(budget) for _ in range(3))
    assert first.take(20)
    with caplog.at_level(logging.WARNING):
        second.wait(10)
    assert "exceed the memory budget of 20 bytes" in caplog.text
    with pytest.raises(MemoryBudgetExceededError, match="this thread has open hold 30 bytes"):
        third.wait(10)
    assert (budget.used, third.held) == (30, 0)
    assert not budget._usage().waiting


def test_a_thread_within_the_budget_may_exceed_it_again(threads: Threads) -> None:
    budget = MemoryBudget(20)
    first, second, third = (Share(budget) for _ in range(3))
    assert first.take(20)
    second.wait(10)
    first.give(10)
    third.wait(10)
    assert budget.used == 30


@pytest.mark.parametrize("closed", [0, 1])
def test_an_upload_that_ends_leaves_its_thread_as_it_was(threads: Threads, closed: int) -> None:
    budget = MemoryBudget(20)
    shares = [Share(budget) for _ in range(3)]
    assert shares[0].take(20)
    shares[1].wait(10)
    shares[closed].close()
    shares[2].wait(10)
    assert budget.used <= 30


def test_each_thread_may_exceed_the_budget_by_one_part(threads: Threads) -> None:
    budget = MemoryBudget(20)
    for thread in (0, 1):
        threads.current = thread
        assert Share(budget).take(10)
    for thread in (0, 1):
        threads.current = thread
        Share(budget).wait(10)
        with pytest.raises(MemoryBudgetExceededError):
            Share(budget).wait(10)
    assert budget.used == 40


def test_threads_with_two_uploads_each_take_turns(threads: Threads) -> None:
    budget = MemoryBudget(20)
    shares = {thread: [Share(budget), Share(budget)] for thread in (0, 1)}
    for which in (0, 1):
        for thread, pair in shares.items():
            threads.current = thread
            pair[which].wait(10)
    for _ in range(3):
        for thread, pair in shares.items():
            for share in pair:
                threads.current = thread
                share.give(10)
                share.wait(10)
                assert budget.used == 40


def test_what_another_thread_gives_back_does_not_count(threads: Threads) -> None:
    budget = MemoryBudget(20)
    other, first, second = (Share(budget) for _ in range(3))
    threads.current = 1
    other.wait(20)
    threads.current = 0
    budget._usage().changed = Scripted(lambda: other.give(5))  # type: ignore[assignment]
    assert not first.take(10)
    other.give(5)
    assert first.take(5)
    second.wait(10)
    other.give(5)
    first.give(3)
    with pytest.raises(MemoryBudgetExceededError):
        Share(budget).wait(10)
    first.give(2)
    second.give(5)
    assert budget.used <= 20


def test_a_budget_that_is_met_again_may_be_exceeded_by_the_same_thread(threads: Threads) -> None:
    budget = MemoryBudget(20)
    other, first, second = (Share(budget) for _ in range(3))
    threads.current = 1
    assert other.take(10)
    threads.current = 0
    assert first.take(10)
    second.wait(10)
    other.give(10)
    Share(budget).wait(10)
    assert budget.used == 30


def test_a_copy_of_a_budget_is_the_same_budget() -> None:
    budget = MemoryBudget(20)
    assert copy.copy(budget) is budget
    assert copy.deepcopy([budget])[0] is budget


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_budget_is_a_whole_one_of_the_same_size(protocol: int) -> None:
    budget = MemoryBudget(20, strict=False, patience=7.0)
    assert Share(budget).take(15)
    other = pickle.loads(pickle.dumps(budget, protocol))
    assert (other.size, other.strict, other.patience, other.used) == (20, False, 7.0, 0)
    assert Share(other).take(20)
    assert budget.used == 15


def test_waiting_that_is_in_vain_ends(threads: Threads, caplog: pytest.LogCaptureFixture) -> None:
    budget = MemoryBudget(20, patience=300)
    holder, waiter = Share(budget), Share(budget)
    assert holder.take(20)
    threads.current = 1
    changed: Any = Scripted(lambda: holder.give(1))
    budget._usage().changed = changed
    with caplog.at_level(logging.WARNING):
        waiter.wait(10)
    assert changed.waits == [1, 1, 300]
    assert budget.used == 29
    assert "beyond the budget of 20" in caplog.text


class Dropped:
    """An unreachable upload that refers to itself."""

    def __init__(self, share: Share) -> None:
        self.share, self.itself = share, self

    def __del__(self) -> None:
        self.share.close()


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Garbage is collected on demand only."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("thread", [0, 1])
def test_memory_of_uploads_that_were_dropped_is_collected(
    threads: Threads, caplog: pytest.LogCaptureFixture, thread: int
) -> None:
    budget = MemoryBudget(20)
    share, other = Share(budget), Share(budget)
    assert share.take(20)
    Dropped(share)
    threads.current = thread
    changed: Any = Scripted()
    budget._usage().changed = changed
    other.wait(10)
    assert budget.used == 10
    assert changed.waits == [1][:thread]
    assert not caplog.records


def test_who_is_interrupted_waits_no_more(threads: Threads) -> None:
    budget = MemoryBudget(20)
    holder, waiter = Share(budget), Share(budget)
    assert holder.take(20)
    threads.current = 1

    def interrupt() -> None:
        raise KeyboardInterrupt

    budget._usage().changed = Scripted(interrupt)  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        waiter.wait(10)
    holder.give(5)
    assert holder.take(5), "nobody stands in the way"
    assert waiter.held == 0


def test_a_representation_shows_the_content() -> None:
    assert repr(MemoryBudget(20)) == "MemoryBudget(20, used=0)"


def test_threads_stay_within_the_budget_and_all_end() -> None:
    budget = MemoryBudget(30)
    used: list[int] = []

    def upload(number: int) -> None:
        share = Share(budget)
        for _ in range(50):
            if not share.take(10):
                share.wait(10)
                share.fill(10)
            used.append(budget.used)
            if share.take(10):
                share.give(10)
            share.give(10)
        share.close()

    run_in_threads(upload)
    assert budget.used == 0
    assert max(used) <= 30


def test_a_thread_is_woken_by_what_another_gives_back() -> None:
    budget = MemoryBudget(10)
    holder = Share(budget)
    assert holder.take(10)
    done = threading.Event()

    def wait() -> None:
        Share(budget).wait(10)
        done.set()

    thread = threading.Thread(target=wait)
    thread.start()
    holder.give(10)
    thread.join(30)
    assert done.is_set()


# The walk.

Move = tuple[int, str]


class World:
    """Uploads, each in a thread of its own, that send parts of these sizes."""

    def __init__(self, size: int, sizes: tuple[tuple[int, ...], ...], threads: Threads) -> None:
        self.budget = MemoryBudget(size)
        self.shares = [Share(self.budget) for _ in sizes]
        self.left = [list(parts) for parts in sizes]
        self.flying: list[list[int]] = [[] for _ in sizes]
        self.waiting = [False] * len(sizes)
        self.threads = threads

    def key(self) -> object:
        order = [self.shares.index(share) for share in self.budget._usage().waiting]
        flying = [tuple(sorted(parts)) for parts in self.flying]
        return str((self.left, flying, self.waiting, order))

    def done(self) -> bool:
        return not any(self.left) and not any(self.flying)

    def moves(self) -> Iterator[Move]:
        """All that can happen next."""
        for upload, share in enumerate(self.shares):
            self.threads.current = upload
            if self.waiting[upload]:
                if self.budget._usage().waiting[0] is share and self._fits(upload):
                    yield upload, "admitted"
            elif self.left[upload] and (not self.flying[upload] or self._would_take(upload)):
                yield upload, "pull"
            for part in sorted(set(self.flying[upload])):
                yield upload, f"sent {part}"

    def _would_take(self, upload: int) -> bool:
        return not self.budget._usage().waiting and self._fits(upload)

    def _fits(self, upload: int) -> bool:
        used = self.budget.used
        return not used or used + self.left[upload][0] <= self.budget.size

    def do(self, move: Move) -> None:
        upload, what = move
        self.threads.current = upload
        share = self.shares[upload]
        if what.startswith("sent"):
            part = int(what.split()[1])
            self.flying[upload].remove(part)
            share.give(part)
        elif what == "admitted":
            # The end of Share.wait, and the take that follows.
            assert share._admitted(self.left[upload][0])
            self.budget._usage().waiting.remove(share)
            self.waiting[upload] = False
            self.flying[upload].append(self.left[upload].pop(0))
        elif share.take(self.left[upload][0]):
            self.flying[upload].append(self.left[upload].pop(0))
        else:
            assert not self.flying[upload], "who holds something does not wait"
            self.budget._usage().waiting.append(share)
            self.waiting[upload] = True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        (1, ((1, 1, 1), (1, 1), (1,))),
        (2, ((1, 2, 1), (2, 1), (1, 1))),
        (3, ((1, 2, 3), (3, 1), (2, 2))),
        (2, ((3, 1), (1, 3), (1, 1, 1))),
        (5, ((2, 2, 2), (3, 3), (5,))),
    ],
)
def test_uploads_that_share_a_budget_do_not_deadlock(
    threads: Threads, size: int, sizes: tuple[tuple[int, ...], ...]
) -> None:
    paths: list[tuple[Move, ...]] = [()]
    seen: set[object] = set()
    ends = 0
    while paths:
        path = paths.pop()
        world = World(size, sizes, threads)
        for move in path:
            world.do(move)
        if world.key() in seen:
            continue
        seen.add(world.key())
        assert world.budget.used == sum(map(sum, world.flying)), path
        alone = sum(map(len, world.flying)) == 1
        assert world.budget.used <= size or alone, path
        followers = list(world.moves())
        assert followers or world.done(), ("nobody can go on", path)
        ends += world.done()
        paths += [(*path, move) for move in followers]
    assert ends
    assert len(seen) > 20
