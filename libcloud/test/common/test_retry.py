# SPDX-License-Identifier: Apache-2.0
"""Trying a request again: when, with which body, and signed by whom."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
import requests

from libcloud.common import base
from libcloud.common.base import Connection
from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
from libcloud.common.types import LibcloudError
from libcloud.test._loopback import Loopback, Received, reply

VARIABLE = "LIBCLOUD_RETRY_FAILED_HTTP_REQUESTS"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    sleep = mock.Mock()
    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.delenv(VARIABLE, raising=False)
    return sleep


class Faulty:
    """Closes the connection ``failures`` times before it answers."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def __call__(self, request: Received) -> bytes | None:
        if self.failures:
            self.failures -= 1
            return None
        return reply(200, request.body)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(Faulty(1)) as running:
        yield running


class Signed(Connection):
    """Each signature is another one."""

    signatures = 0

    def pre_connect_hook(self, params: Any, headers: Any) -> tuple[Any, Any]:
        self.signatures += 1
        params["signature"] = str(self.signatures)
        headers["Authorization"] = f"signature {self.signatures}"
        return params, headers


@pytest.fixture
def connection(server: Loopback) -> Connection:
    return Signed(secure=False, host="127.0.0.1", port=server.port)


def test_a_request_is_tried_once_by_default(server: Loopback, connection: Connection) -> None:
    with pytest.raises(requests.ConnectionError):
        connection.request("/x")
    assert len(server.requests) == 1


@pytest.mark.parametrize("how", ["argument", "environment", "flag"])
def test_retries_can_be_enabled(
    server: Loopback, connection: Connection, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "environment":
        monkeypatch.setenv(VARIABLE, "1")
    if how == "flag":
        monkeypatch.setattr(base, "RETRY_FAILED_HTTP_REQUESTS", True)
    answer = connection.request("/x", retry_failed=True if how == "argument" else None)
    assert answer.status == 200
    assert len(server.requests) == 2


def test_an_argument_switches_retries_off(
    server: Loopback, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(requests.ConnectionError):
        connection.request("/x", retry_failed=False)
    assert len(server.requests) == 1


def test_each_attempt_is_signed_again(server: Loopback, connection: Connection) -> None:
    params, headers = {"a": "1"}, {"X-Mine": "1"}
    connection.request("/x", params=params, headers=headers, retry_failed=True)
    assert [request.target for request in server.requests] == [
        "/x?a=1&signature=1",
        "/x?a=1&signature=2",
    ]
    assert [request.headers["authorization"] for request in server.requests] == [
        "signature 1",
        "signature 2",
    ]
    assert (params, headers) == ({"a": "1"}, {"X-Mine": "1"})


class Pieces:
    """Yields the same pieces to whoever iterates."""

    def __iter__(self) -> Iterator[bytes]:
        return iter((b"bo", b"dy"))


def file_at(position: int, data: bytes) -> io.BytesIO:
    file = io.BytesIO(data)
    file.seek(position)
    return file


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize(
    "make",
    [
        lambda: b"body",
        lambda: "body",
        lambda: bytearray(b"body"),
        lambda: memoryview(b"body"),
        lambda: io.BytesIO(b"body"),
        lambda: file_at(4, b"headbody"),
        Pieces,
    ],
)
def test_each_attempt_sends_the_whole_body(
    server: Loopback, connection: Connection, make: Any, raw: bool
) -> None:
    server.answer = Faulty(2)
    connection.request("/x", data=make(), method="PUT", raw=raw, retry_failed=True)
    assert [request.body for request in server.requests] == [b"body"] * 3


class Pipe(io.RawIOBase):
    """Can be read once."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, size: int = -1) -> bytes:
        data, self.data = self.data, b""
        return data

    def tell(self) -> int:
        raise OSError(29, "Illegal seek")


@pytest.mark.parametrize(
    "make", [lambda: iter([b"body"]), lambda: (x for x in [b"body"]), lambda: Pipe(b"body")]
)
def test_a_body_that_cannot_be_sent_twice_is_sent_once(
    server: Loopback, connection: Connection, make: Any
) -> None:
    with pytest.raises(requests.ConnectionError):
        connection.request("/x", data=make(), method="PUT", raw=True, retry_failed=True)
    assert [request.body for request in server.requests] == [b"body"]


def test_a_failed_rewind_is_an_error_and_no_empty_upload(
    server: Loopback, connection: Connection
) -> None:
    class Stuck(io.BytesIO):
        stuck = False

        def seek(self, position: int, whence: int = 0) -> int:
            if self.stuck:
                raise OSError("cannot go back")
            return super().seek(position, whence)

    body = Stuck(b"body")

    def answer(request: Received) -> None:
        body.stuck = True

    server.answer = answer
    with pytest.raises(LibcloudError, match="cannot be sent again: cannot go back"):
        connection.request("/x", data=body, method="PUT", raw=True, retry_failed=True)
    assert [request.body for request in server.requests] == [b"body"]


@pytest.mark.parametrize(("timeout", "total"), [(5, 5), ((3, 60), None)])
def test_the_retry_class_gets_the_settings_of_the_connection(
    timeout: Any, total: float | None
) -> None:
    """Two times, to connect and in silence, say nothing of all attempts together."""
    connection = Connection(host="h", retry_delay=3, timeout=timeout, backoff=2)
    connection.retryCls = mock.Mock()
    connection.request("/x", retry_failed=True)
    connection.retryCls.assert_called_once_with(retry_delay=3, timeout=total, backoff=2)


def test_an_error_found_in_the_response_is_tried_again(
    server: Loopback, connection: Connection, no_waiting: mock.Mock
) -> None:
    answers = [reply(429, headers={"Retry-After": "7"}), reply(200, b"body")]
    server.answer = lambda request: answers.pop(0)
    assert connection.request("/x", retry_failed=True).body == "body"
    no_waiting.assert_called_once_with(7.0)


def test_the_last_error_is_raised_when_time_is_over(
    server: Loopback, no_waiting: mock.Mock
) -> None:
    server.answer = lambda request: reply(429, headers={"Retry-After": "60"})
    connection = Connection(secure=False, host="127.0.0.1", port=server.port, timeout=10)
    with pytest.raises(RateLimitReachedError):
        connection.request("/x", retry_failed=True)
    no_waiting.assert_not_called()


def test_what_is_not_transient_is_raised_at_once(server: Loopback, connection: Connection) -> None:
    server.answer = lambda request: reply(404)
    with pytest.raises(BaseHTTPError) as caught:
        connection.request("/x", retry_failed=True)
    assert caught.value.code == 404
    assert len(server.requests) == 1


def test_an_error_while_connecting_is_tried_again() -> None:
    connection = Connection(host="h")
    good = mock.Mock()
    good.getresponse.return_value = mock.MagicMock(status_code=200, text="", headers={})
    attempts = [socket.gaierror("no answer"), good]

    def connect() -> None:
        result = attempts.pop(0)
        if isinstance(result, Exception):
            raise result
        connection.connection = result

    connection.connect = connect  # type: ignore[assignment,method-assign]  # as tests do
    assert connection.request("/x", retry_failed=True).status == 200
