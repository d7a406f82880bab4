# SPDX-License-Identifier: Apache-2.0
"""How long a request may take: to connect, in silence, to send a large body, and as a whole."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
import requests
import urllib3

from libcloud.common.base import Connection
from libcloud.http import LibcloudConnection, is_transient, timeouts
from libcloud.http.adapter import HTTPConnection
from libcloud.http.sending import RequestState
from libcloud.http.timeouts import during_request
from libcloud.test._helpers import run_in_threads
from libcloud.test._loopback import Loopback, Received, reply

# Both ways of sending must do the same, and close what they open.
pytestmark = [
    pytest.mark.usefixtures("http_path"),
    pytest.mark.filterwarnings("error::ResourceWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]

MIB = 1024 * 1024


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


def limits_of(connection: LibcloudConnection) -> Any:
    """What both ways of sending tell requests."""
    with mock.patch.object(requests.Session, "send") as sent:
        connection.prepared_request("GET", "/x")
        prepared = sent.call_args.kwargs["timeout"]
        connection.request("GET", "/x")
    assert sent.call_args.kwargs["timeout"] == prepared
    return prepared


def test_the_default_timeouts_are_ten_seconds_to_connect_and_sixty_to_read() -> None:
    assert limits_of(LibcloudConnection("store.example", 80)) == (10, 60)


@pytest.mark.parametrize("timeout", [3, 7.5, 300, (3, 60), (3, None)])
def test_a_timeout_of_the_user_is_the_limit_of_both(timeout: float) -> None:
    assert limits_of(LibcloudConnection("store.example", 80, timeout=timeout)) == timeout


@pytest.mark.parametrize(
    ("timeout", "allowed", "limits"),
    [
        (None, 300, (10, 300)),
        (7, 300, (7, 300)),
        (600, 300, 600),
        (None, 5, (10, 60)),
        ((3, 7), 300, (3, 300)),
        ((3, 7), 5, (3, 7)),
        ((3, None), 5, (3, None)),
    ],
)
def test_a_server_may_be_allowed_a_longer_silence_never_a_shorter_one(
    timeout: Any, allowed: float, limits: Any
) -> None:
    connection = LibcloudConnection("store.example", 80, timeout=timeout)
    with connection.extended_timeout(allowed):
        assert limits_of(connection) == limits
    with pytest.raises(ZeroDivisionError), connection.extended_timeout(allowed):
        raise ZeroDivisionError
    assert limits_of(connection) == limits_of(
        LibcloudConnection("store.example", 80, timeout=timeout)
    )


def test_what_one_thread_allows_another_does_not() -> None:
    connection = LibcloudConnection("store.example", 80)
    seen = []
    with connection.extended_timeout(300):
        run_in_threads(lambda number: seen.append(connection._limits), count=1)
    assert seen == [(10, 60)]


def test_a_setting_of_the_session_itself_is_left_alone() -> None:
    connection = LibcloudConnection("store.example", 80)
    connection.session.timeout = None
    assert limits_of(connection) is None
    connection.session.timeout = (1, 2)
    assert limits_of(connection) == (1, 2)
    connection.session.timeout = 3
    assert limits_of(connection) == 3


class Reconnecting(Connection):
    """Learns its host during a request, as those of Swift do."""

    def add_default_headers(self, headers: dict[str, Any]) -> dict[str, Any]:
        self.connect()
        return headers


@pytest.mark.parametrize("kind", [Connection, Reconnecting])
def test_a_connection_hands_on_what_it_allows(server: Loopback, kind: type[Connection]) -> None:
    connection = kind(secure=False, host="127.0.0.1", port=server.port)
    send = requests.Session.send
    limits = []

    def recorded(*args: Any, **kwargs: Any) -> Any:
        limits.append(kwargs["timeout"])
        return send(*args, **kwargs)

    with mock.patch.object(requests.Session, "send", recorded):
        for raw in (False, True):
            with connection.extended_timeout(300):
                connection.request("/x", raw=raw)
            connection.request("/x", raw=raw)
    assert limits == [(10, 300), (10, 60)] * 2


def test_a_foreign_connection_gets_no_notification() -> None:
    foreign = mock.Mock(spec=["request", "getresponse"])
    foreign.getresponse.return_value = mock.Mock(status_code=200, headers={}, text="", content=b"")
    connection = Connection(host="h")
    connection.connection = foreign
    with connection.extended_timeout(300):
        connection.request("/x")
    assert set(foreign.request.call_args.kwargs) == {"method", "url", "body", "headers", "stream"}


class Recorder:
    """Replaces a socket; records the calls in order."""

    def __init__(self) -> None:
        self.limits: list[Any] = []
        self.sent: list[bytes] = []

    def settimeout(self, limit: Any) -> None:
        self.limits.append(limit)

    def sendall(self, data: Any) -> None:
        self.sent.append(bytes(data))


@pytest.mark.parametrize(
    "timeout",
    [60, (10, 60), urllib3.Timeout(connect=10, read=60)],
    ids=["number", "pair", "object"],
)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_long_body_is_sent_in_slices_each_with_the_timeout(
    kind: Callable[[bytes], Any], timeout: Any
) -> None:
    body = bytes(range(256)) * 4097
    connection: Any = HTTPConnection("h")
    connection.sock = sock = Recorder()
    with during_request(None, timeout):
        connection.putrequest("PUT", "/x")
        connection.endheaders()
        del sock.sent[:]
        connection.send(kind(body))
    assert sock.limits == [60]
    assert b"".join(sock.sent) == body
    assert max(map(len, sock.sent)) <= MIB / 4


class Sluggish(socket.socket):
    """Takes less than is offered, as a socket whose buffer is full."""

    taken: list[bytes]

    def send(self, data: Any, flags: int = 0) -> int:
        assert isinstance(data, memoryview)  # of what was given: no copy of it
        self.taken.append(bytes(data[: MIB // 3]))
        return len(self.taken[-1])

    def sendmsg(self, buffers: Any, *args: Any) -> int:
        assert 0 < len(buffers) <= 16
        self.taken.append(b"".join(buffers)[: MIB // 3])
        return len(self.taken[-1])

    def sendall(self, data: Any, flags: int = 0) -> None:
        raise AssertionError("one limit for all of it")


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_over_plain_http_each_call_that_makes_progress_has_the_limit_of_silence(
    kind: Callable[[bytes], Any],
) -> None:
    body = bytes(range(256)) * 4097
    connection: Any = HTTPConnection("h")
    with Sluggish() as sock:
        sock.taken = []
        connection.sock = sock
        connection.send(kind(body))
    assert len(sock.taken) > 2
    assert b"".join(sock.taken) == body


@pytest.mark.parametrize("size", [1, 1000, MIB // 3 - 1, MIB // 3, MIB // 3 + 1, MIB])
def test_buffers_leave_whole_and_in_order_by_few_calls(size: int) -> None:
    data = bytes(range(251)) * (2 * MIB // 251)
    pieces = [b"", *(data[at : at + size] for at in range(0, min(len(data), size * 99), size)), b""]
    connection: Any = HTTPConnection("h")
    with Sluggish() as sock:
        sock.taken = []
        connection.sock = sock
        connection.send_all(pieces)
    assert b"".join(sock.taken) == b"".join(pieces)
    assert len(sock.taken) <= len(pieces) // 16 + 1 + 2 * sum(map(len, pieces)) // (MIB // 3)


def test_a_new_socket_has_the_limit_of_silence_once_it_is_connected(server: Loopback) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        with during_request(None, (10, 60)):
            connection.connect()
        assert connection.sock is not None
        assert connection.sock.gettimeout() == 60
    finally:
        connection.close()


def test_what_others_send_by_urllib3_keeps_its_own_limits(server: Loopback) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.connect()
        assert connection.sock is not None
        assert connection.sock.gettimeout() == 10
    finally:
        connection.close()


class Timer:
    """A timer that fires on demand."""

    made: list[Timer]

    def __init__(self, seconds: float, function: Callable[[], None]) -> None:
        self.seconds, self.fire = seconds, function
        self.started = self.cancelled = False
        self.made.append(self)

    def start(self) -> None:
        self.started = True

    def cancel(self) -> None:
        self.cancelled = True

    def join(self) -> None:
        assert self.cancelled


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> list[Timer]:
    """The timers that were made."""
    Timer.made = []
    monkeypatch.setattr(timeouts, "Timer", Timer)
    return Timer.made


@pytest.mark.parametrize("method", ["request", "prepared_request"])
def test_a_request_that_exceeds_its_total_time_fails(
    server: Loopback, timers: list[Timer], method: str
) -> None:
    over = threading.Event()

    def slow(request: Received) -> None:
        timers[-1].fire()
        over.wait()

    server.answer = slow
    connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
    connection.total_timeout = 900
    try:
        with pytest.raises(requests.ReadTimeout, match="within 900 seconds") as caught:
            getattr(connection, method)("PUT", "/x", body=b"body")
    finally:
        over.set()
    assert is_transient(caught.value)
    assert (timers[-1].seconds, timers[-1].started, timers[-1].cancelled) == (900, True, True)


def test_a_response_in_time_ends_the_deadline(server: Loopback, timers: list[Timer]) -> None:
    server.answer = lambda request: reply(body=b"whole")
    connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
    connection.total_timeout = 900
    for _ in range(2):
        connection.request("GET", "/x")
        timers[-1].fire()  # too late: the socket is kept for the next request
        assert connection.getresponse().content == b"whole"
    assert len(timers) == 2
    assert server.connections == 1


class LastMomentTimer(threading.Timer):
    """A timer that is about to fire when it is cancelled."""

    def run(self) -> None:
        self.finished.wait()
        self.function()


def test_a_deadline_does_not_interrupt_what_the_caller_reads_after_it(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeouts, "Timer", LastMomentTimer)
    server.answer = lambda request: reply(body=bytes(4 * MIB))
    connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
    connection.total_timeout = 900
    with pytest.raises(requests.ReadTimeout, match="within 900 seconds"):
        connection.request("GET", "/x", stream=True)


def test_a_body_without_a_length_is_not_complete_after_a_deadline(
    server: Loopback, timers: list[Timer], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = RequestState.receive

    def receive(state: RequestState, read: Any, argument: Any) -> Any:
        received = reads(state, read, argument)
        timers[-1].fire()
        return received

    monkeypatch.setattr(RequestState, "receive", receive)
    server.close = True
    server.answer = lambda request: b"HTTP/1.1 200 OK\r\n\r\nhalf"
    connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
    connection.total_timeout = 900
    with pytest.raises(requests.ReadTimeout, match="within 900 seconds"):
        connection.request("GET", "/x")


def test_a_deadline_that_passes_before_the_connection_applies(
    server: Loopback, timers: list[Timer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Timer, "start", lambda self: self.fire())
    connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
    connection.total_timeout = 900
    with pytest.raises(requests.ReadTimeout, match="within 900 seconds"):
        connection.request("GET", "/x")
    assert not server.requests


def test_without_a_total_there_is_no_timer(server: Loopback, timers: list[Timer]) -> None:
    LibcloudConnection("127.0.0.1", server.port, secure=False).request("GET", "/x")
    assert not timers


def test_a_connection_hands_on_the_total() -> None:
    class Limited(Connection):
        total_timeout = 900

    connection = Limited(host="h")
    connection.connect()
    assert connection.connection.total_timeout == 900


@pytest.mark.parametrize("http_path", [True], indirect=True)
def test_a_deadline_ends_a_handshake(timers: list[Timer]) -> None:
    def shake(sock: ssl.SSLSocket) -> None:
        timers[-1].fire()
        handshake(sock)

    handshake = ssl.SSLSocket.do_handshake
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connection = LibcloudConnection("127.0.0.1", silent.getsockname()[1], True, timeout=1)
        connection.total_timeout = 900
        with (
            mock.patch.object(ssl.SSLSocket, "do_handshake", shake),
            pytest.raises(requests.ReadTimeout, match="within 900 seconds") as caught,
        ):
            connection.request("GET", "/x", headers={"User-Agent": "", "Host": "h"})
    assert not isinstance(caught.value.__cause__, requests.Timeout)  # of connecting
