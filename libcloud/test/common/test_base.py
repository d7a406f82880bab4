# SPDX-License-Identifier: Apache-2.0
"""The public names of ``common.base``: objects made late, and jobs that are waited for."""

from __future__ import annotations

import time
from typing import Any
from unittest import mock

import pytest

from libcloud.common import base
from libcloud.common.base import LazyObject, PollingConnection
from libcloud.common.types import LibcloudError


def test_all_names_are_there() -> None:
    for name in base.__all__:
        assert getattr(base, name) is not None


class Late(LazyObject):
    made = 0

    def __init__(self, value: int, other: int | None = None) -> None:
        Late.made += 1
        self.value = value
        self.other = other


@pytest.fixture(autouse=True)
def count_anew() -> None:
    Late.made = 0


def test_a_lazy_object_is_made_at_the_first_access() -> None:
    lazy = Late.lazy(1, other=2)
    assert Late.made == 0
    assert (lazy.value, lazy.other) == (1, 2)
    assert Late.made == 1


def test_a_lazy_object_is_of_its_class() -> None:
    assert isinstance(Late.lazy(1), Late)


def test_what_is_set_on_a_lazy_object_is_set_on_the_object() -> None:
    lazy = Late.lazy(1)
    lazy.value = 5
    assert lazy.value == 5
    assert lazy._lazy_obj.value == 5
    assert Late.made == 1


class Job(PollingConnection):
    """A job that takes ``turns`` questions."""

    poll_interval = 3

    def __init__(self, turns: int, **kwargs: Any) -> None:
        super().__init__(host="h", **kwargs)
        self.turns = turns
        self.sent: list[tuple[Any, ...]] = []

    def request(self, action: str, *args: Any, **kwargs: Any) -> Any:
        self.sent.append((action, kwargs.get("method")))
        return len(self.sent)

    def get_poll_request_kwargs(self, response: Any, context: Any, request_kwargs: Any) -> Any:
        return {"action": f"/job/{response}/{context['name']}"}

    def has_completed(self, response: Any) -> bool:
        return bool(response > self.turns)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """A clock on which only sleeping takes time."""
    now = mock.Mock(value=1000.0)

    def sleep(seconds: float) -> None:
        now.value += seconds

    monkeypatch.setattr(time, "time", lambda: now.value)
    monkeypatch.setattr(time, "sleep", sleep)
    return now


def test_a_job_is_polled_until_it_is_done(clock: mock.Mock) -> None:
    job = Job(turns=3)
    assert job.async_request("/start", method="POST", context={"name": "n"}) == 4
    assert job.sent == [("/start", "POST"), *[("/job/1/n", None)] * 3]
    assert clock.value == 1006


def test_a_job_that_takes_too_long_is_an_error(clock: mock.Mock) -> None:
    job = Job(turns=100, timeout=9)
    with pytest.raises(LibcloudError, match="Job did not complete in 9 seconds"):
        job.async_request("/start", context={"name": "n"})
    assert len(job.sent) == 4


def test_subclasses_define_the_request() -> None:
    job = PollingConnection(host="h")
    with pytest.raises(NotImplementedError):
        job.get_poll_request_kwargs(None, None, None)
    with pytest.raises(NotImplementedError):
        job.has_completed(None)
