# SPDX-License-Identifier: Apache-2.0
"""Errors that stand for an HTTP status."""

from __future__ import annotations

import copy
import pickle
import time
from email.utils import formatdate
from typing import Any

import pytest

from libcloud.common.exceptions import (
    BaseHTTPError,
    RateLimitReachedError,
    exception_from_message,
)

NOW = 1_750_000_000


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_a_status_becomes_an_error(status: int) -> None:
    error = exception_from_message(status, "message", {"a": "b"})
    assert type(error) is BaseHTTPError
    assert (error.code, error.http_code) == (status, status)
    assert (error.message, error.headers, str(error)) == ("message", {"a": "b"}, "message")


@pytest.mark.parametrize("message", [None, {"error": 1}, 5])
def test_any_message_can_be_shown(message: Any) -> None:
    assert str(exception_from_message(500, message)) == str(message)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (None, 0),
        ({}, 0),
        ({"retry-after": "5"}, 5),
        ({"Retry-After": "7.5"}, 7.5),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "soon"}, 0),
    ],
)
def test_a_429_has_the_retry_after(headers: Any, seconds: float) -> None:
    error = exception_from_message(429, "message", headers)
    assert isinstance(error, RateLimitReachedError)
    assert error.retry_after == seconds
    assert (error.code, str(error)) == (429, "429 Rate limit exceeded")


def test_the_error_can_be_made_by_hand() -> None:
    assert RateLimitReachedError().retry_after == 0
    assert RateLimitReachedError(429, "message", headers={"retry-after": "2"}).retry_after == 2


@pytest.mark.parametrize(("ahead", "seconds"), [(90, "90"), (-90, "0")])
@pytest.mark.parametrize("status", [429, 503])
def test_a_date_becomes_seconds_in_the_headers(
    ahead: int, seconds: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: float(NOW))
    headers = {"retry-after": formatdate(NOW + ahead, usegmt=True)}
    error = exception_from_message(status, "message", headers)
    assert headers == {"retry-after": seconds}
    assert error.headers is headers


@pytest.mark.parametrize(
    "error",
    [BaseHTTPError(500, "m", {"a": "b"}), RateLimitReachedError(headers={"retry-after": "2"})],
)
def test_errors_survive_copying(error: BaseHTTPError) -> None:
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is type(error)
        assert (other.code, str(other), vars(other)) == (error.code, str(error), vars(error))
