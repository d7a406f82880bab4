# SPDX-License-Identifier: Apache-2.0
"""Calling again after an error: when, how often, after what delay. Time is a number here."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable

import pytest

from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
from libcloud.utils import retry
from libcloud.utils.retry import (
    RETRY_EXCEPTIONS,
    MinimalRetry,
    Retry,
    RetryForeverOnRateLimitError,
    TransientSSLError,
)


class _Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(retry, "time", clock)
    return clock


def _failing(*errors: BaseException) -> Callable[[], str]:
    """A function that raises one error after another, then returns."""
    left = list(errors)

    def function() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return function


def _limited(seconds: str | None = None) -> RateLimitReachedError:
    return RateLimitReachedError(headers={"retry-after": seconds} if seconds else None)


def test_arguments_and_result_pass_through(clock: _Clock) -> None:
    def add(a: int, *, b: int) -> int:
        """Adds."""
        return a + b

    wrapped = Retry()(add)

    assert wrapped(1, b=2) == 3
    assert (wrapped.__name__, wrapped.__doc__) == ("add", "Adds.")
    assert clock.pauses == []


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError("reset"),
        socket.gaierror("no name"),
        TimeoutError("late"),
        http.client.NotConnected(),
        http.client.ImproperConnectionState(),
        TransientSSLError("read"),
        ssl.SSLError("The read operation timed out"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_may_pass_is_tried_again(clock: _Clock, error: Exception) -> None:
    assert Retry()(_failing(error, error))() == "done"
    assert clock.pauses == [1, 1]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        BaseHTTPError(500, "server"),
        ssl.SSLCertVerificationError("expired"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_other_error_is_raised_at_once(clock: _Clock, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        Retry()(_failing(error))()

    assert caught.value is error
    assert clock.pauses == []


def test_the_delay_grows_by_the_factor(clock: _Clock) -> None:
    errors = [OSError(str(number)) for number in range(4)]

    assert Retry(retry_delay=0.5, backoff=3, timeout=100)(_failing(*errors))() == "done"
    assert clock.pauses == [0.5, 1.5, 4.5, 13.5]


def test_the_last_error_is_raised_when_the_time_is_over(clock: _Clock) -> None:
    errors = [OSError(str(number)) for number in range(10)]

    with pytest.raises(OSError, match=r"\A3\Z"):
        Retry(retry_delay=1, timeout=3)(_failing(*errors))()

    assert clock.pauses == [1, 1, 1]


def test_no_pause_starts_that_would_exceed_the_deadline(clock: _Clock) -> None:
    with pytest.raises(RateLimitReachedError):
        Retry(timeout=30)(_failing(_limited("31")))()

    assert clock.pauses == []


def test_a_rate_limit_waits_for_retry_after(clock: _Clock) -> None:
    assert Retry()(_failing(_limited("7"), _limited()))() == "done"
    assert clock.pauses == [7, 2]


def test_a_rate_limit_resets_the_delay(clock: _Clock) -> None:
    errors = [OSError(), OSError(), _limited("5"), OSError()]

    assert Retry(retry_delay=1, backoff=2, timeout=60)(_failing(*errors))() == "done"
    assert clock.pauses == [1, 2, 5, 1]


def test_a_rate_limit_can_be_waited_for_without_an_end(clock: _Clock) -> None:
    errors = [_limited("20") for _ in range(9)]

    assert RetryForeverOnRateLimitError(timeout=30)(_failing(*errors))() == "done"
    assert clock.now == 180


def test_waiting_without_an_end_is_for_rate_limits_only(clock: _Clock) -> None:
    with pytest.raises(OSError, match="gone"):
        RetryForeverOnRateLimitError(timeout=30)(_failing(_limited("40"), OSError("gone")))()


def test_the_minimal_class_retries_nothing(clock: _Clock) -> None:
    with pytest.raises(OSError, match="x"):
        MinimalRetry()(_failing(OSError("x")))()


def test_custom_exceptions_replace_the_usual_ones(clock: _Clock) -> None:
    policy = Retry(retry_exceptions=(KeyError,))

    assert policy(_failing(KeyError("k")))() == "done"
    assert not policy.should_retry(OSError())


@pytest.mark.parametrize("value", [None, 0])
def test_nothing_given_means_the_defaults(value: float | None) -> None:
    policy = Retry(retry_delay=value, timeout=value, backoff=value)

    assert (policy.retry_delay, policy.timeout, policy.backoff) == (1, 30, 1)


def test_the_rate_limit_is_the_first_of_the_exceptions() -> None:
    assert RETRY_EXCEPTIONS[0] is RateLimitReachedError
