# SPDX-License-Identifier: Apache-2.0
"""Small objects are transferred on one core, unless others need it; on a fake clock and system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from libcloud.cli import cores
from libcloud.cli.cores import OneCore

_ALL = {0, 1, 2}
_SMALL, _LARGE = 10_000, 10_000_000


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """The cores that the threads of this process were limited to, the last ones last."""
    limits: list[set[int]] = [_ALL]
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: limits[-1], raising=False)
    monkeypatch.setattr(cores, "current_core", lambda: 1)
    monkeypatch.setattr(cores, "_limit_threads", limits.append)
    return limits


def limits_at(allowed: list[set[int]], sizes: list[int | None], *, share: float = 1) -> list[bool]:
    """Whether the process is limited when each item is handed out, 30 ms after the one before.

    :param share: of a core that the process gets.
    """
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.03
        return now

    with OneCore(clock=clock, used=lambda: now * share) as core:
        found = [len(allowed[-1]) == 1 for _ in core.watch(sizes, lambda size: size)]
    assert allowed[-1] == _ALL
    return found


def test_small_objects_share_the_current_core(allowed: list[set[int]]) -> None:
    assert all(limits_at(allowed, [_SMALL] * 100))
    assert allowed == [_ALL, {1}, _ALL]


@pytest.mark.parametrize("size", [_LARGE, None])
def test_all_cores_are_used_from_the_first_large_object(
    allowed: list[set[int]], size: int | None
) -> None:
    found = limits_at(allowed, [_SMALL, size, _SMALL])
    assert found == [True, False, False]


def test_all_cores_are_used_if_others_need_the_one(allowed: list[set[int]]) -> None:
    found = limits_at(allowed, [_SMALL] * 100, share=0.5)
    assert found[0]
    assert not any(found[10:])


def test_a_single_core_is_not_limited(
    allowed: list[set[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1}, raising=False)
    with OneCore() as core:
        assert [*core.watch([1, 2], lambda size: size)] == [1, 2]
    assert allowed == [_ALL]


def test_systems_without_affinity_are_not_limited(
    allowed: list[set[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    with OneCore() as core:
        assert [*core.watch([1, 2], lambda size: size)] == [1, 2]
    assert allowed == [_ALL]


@pytest.mark.skipif(not Path("/proc/thread-self").exists(), reason="Linux only")
def test_the_limit_is_that_of_the_system_and_is_lifted() -> None:
    before = os.sched_getaffinity(0)
    with OneCore():
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before
