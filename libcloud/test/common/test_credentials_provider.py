# SPDX-License-Identifier: Apache-2.0
"""When a source of credentials is asked, and by how many threads at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from libcloud.common.credentials import Credentials
from libcloud.common.credentials.provider import CredentialProvider
from libcloud.test._helpers import run_in_threads

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
SECRET = "s3cr3t"


class World:
    """A clock, and a function that gives numbered credentials."""

    def __init__(self, lasts: timedelta | None = timedelta(hours=1)) -> None:
        self.time = START
        self.lasts = lasts
        self.asked = 0
        self.error: Exception | None = None
        self.source = CredentialProvider(self.ask, now=lambda: self.time)

    def ask(self) -> Credentials:
        self.asked += 1
        if self.error is not None:
            raise self.error
        expires = None if self.lasts is None else self.time + self.lasts
        return Credentials(f"key{self.asked}", SECRET, f"token{self.asked}", expires)

    def after(self, **elapsed: float) -> str:
        """The key of the credentials at that time after the start."""
        self.time = START + timedelta(**elapsed)
        return self.source.current().key


def test_nothing_is_requested_before_it_is_needed() -> None:
    assert World().asked == 0


def test_credentials_are_used_until_shortly_before_they_expire() -> None:
    world = World()
    assert world.after(minutes=0) == "key1"
    assert world.after(minutes=54, seconds=59) == "key1"
    assert world.after(minutes=55) == "key2"
    assert world.after(minutes=109) == "key2"
    assert world.asked == 2


def test_short_lived_ones_are_used_for_half_of_their_time() -> None:
    world = World(lasts=timedelta(minutes=2))
    assert [world.after(seconds=second) for second in (0, 59, 60, 119, 120)] == [
        "key1",
        "key1",
        "key2",
        "key2",
        "key3",
    ]


def test_credentials_that_do_not_expire_are_fetched_once() -> None:
    world = World(lasts=None)
    assert {world.after(days=day) for day in (0, 1, 10_000)} == {"key1"}


def test_an_error_while_the_old_ones_are_valid_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    world.after(minutes=0)
    world.error = OSError(f"no route, {SECRET}")
    with caplog.at_level(logging.WARNING):
        assert world.after(minutes=55) == "key1"
        assert world.after(minutes=55, seconds=59) == "key1"
    assert world.asked == 2
    assert "OSError" in caplog.text
    assert SECRET not in caplog.text
    assert world.after(minutes=56) == "key1"
    assert world.asked == 3
    with pytest.raises(OSError, match="no route"):
        world.after(minutes=60)
    world.error = None
    assert world.after(minutes=60) == "key5"


def test_the_first_error_reaches_the_caller() -> None:
    world = World()
    world.error = OSError("no route")
    with pytest.raises(OSError, match="no route"):
        world.source.current()


def test_an_invalid_credentials_object_is_refused_without_showing_it() -> None:
    given: Any = (SECRET, SECRET)
    with pytest.raises(TypeError, match="not tuple") as caught:
        CredentialProvider(lambda: given).current()
    assert SECRET not in str(caught.value)


def test_refused_credentials_are_replaced_once_for_all_who_used_them() -> None:
    world = World()
    refused = world.source.current()
    assert [world.source.refresh(refused) for _ in range(3)] == [True, True, True]
    assert world.asked == 2
    assert world.source.current().key == "key2"


def test_the_same_credentials_again_are_no_renewal() -> None:
    same = Credentials("key", SECRET)
    source = CredentialProvider(lambda: same)
    assert source.refresh(source.current()) is False


@pytest.mark.parametrize(("certain", "asked"), [(True, 4), (False, 2)])
def test_suspected_credentials_are_fetched_once(certain: bool, asked: int) -> None:
    times = 0

    def ask() -> Credentials:
        nonlocal times
        times += 1
        return Credentials("key", SECRET)

    source = CredentialProvider(ask)
    for _ in range(3):
        assert source.refresh(source.current(), certain=certain) is False
    assert times == asked


def in_the_middle_of_asking(world: World, meanwhile: Callable[[], None]) -> None:
    """Let a thread ask; call ``meanwhile`` before it gets its answer."""
    asks, answer = threading.Event(), threading.Event()
    ask = world.ask

    def slow() -> Credentials:
        asks.set()
        assert answer.wait(30)
        return ask()

    world.source._fetch = slow
    thread = threading.Thread(target=world.source.current)
    thread.start()
    try:
        assert asks.wait(30)
        meanwhile()
    finally:
        answer.set()
        thread.join()


def test_valid_credentials_do_not_wait_for_a_renewal() -> None:
    world = World()
    world.after(minutes=0)
    world.time += timedelta(minutes=57)
    seen: list[str] = []
    in_the_middle_of_asking(world, lambda: seen.append(world.source.current().key))
    assert seen == ["key1"]
    assert (world.source.current().key, world.asked) == ("key2", 2)


@pytest.mark.parametrize("expired", [False, True])
def test_threads_without_valid_credentials_get_those_of_one_question(expired: bool) -> None:
    world = World()
    if expired:
        world.after(minutes=0)
        world.time += timedelta(hours=2)
    keys: list[str] = []
    run_in_threads(lambda number: keys.append(world.source.current().key))
    assert world.asked == 1 + expired
    assert keys == [f"key{1 + expired}"] * 8


def test_threads_with_rejected_credentials_fetch_once() -> None:
    world = World()
    refused = world.source.current()
    renewed: list[bool] = []
    run_in_threads(lambda number: renewed.append(world.source.refresh(refused)))
    assert renewed == [True] * 8
    assert world.asked == 2


def test_the_time_at_which_credentials_expire_has_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Credentials("key", SECRET, expires=datetime(2026, 1, 1))


def test_neither_the_source_nor_its_credentials_show_secrets() -> None:
    world = World()
    world.source.current()
    assert SECRET not in repr(world.source) + repr(world.source._cached)
    assert "token1" not in repr(world.source._cached)
