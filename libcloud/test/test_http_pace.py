# SPDX-License-Identifier: Apache-2.0
"""A response must not arrive too slowly: 4 KiB of it within the read timeout."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from libcloud.http import LibcloudConnection, is_transient, sending
from libcloud.http.sending import RequestState
from libcloud.test._loopback import Loopback, reply

pytestmark = [
    pytest.mark.usefixtures("http_path"),
    pytest.mark.filterwarnings("error::ResourceWarning"),
]

# Seconds after which a test that waits for a byte fails.
PATIENCE = 30

LARGE = 200 * 1024
DRIPPING = 40  # bytes, of which each takes ten seconds


class Clock:
    """Shows ten seconds more at each reading, and then lets the server send another byte."""

    def __init__(self) -> None:
        self.now = 0.0
        self.step = 10.0
        self.read = threading.Semaphore(0)

    def __call__(self) -> float:
        self.now += self.step
        self.read.release()
        return self.now


class Dripping(Loopback):
    """Sends the last bytes of its responses one by one."""

    def __init__(self, clock: Clock, answer: bytes, dripping: int = DRIPPING) -> None:
        super().__init__(lambda request: b"")
        self._clock, self._answer, self._dripping = clock, answer, dripping

    def _exchange(self, source: Any, sink: Any) -> bool:
        if not super()._exchange(source, sink):
            return False
        at = len(self._answer) - self._dripping
        with contextlib.suppress(OSError):
            sink.write(self._answer[:at])
            for byte in self._answer[at:]:
                assert self._clock.read.acquire(timeout=PATIENCE)
                sink.write(bytes([byte]))
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(sending, "monotonic", made)
    return made


def content(server: Loopback, method: str = "GET") -> bytes:
    connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
    connection.prepared_request(method, "/x", stream=True)
    with contextlib.closing(connection.response) as response:
        return b"".join(response.iter_content(64 * 1024))


SLOW = {
    "headers": (reply(200, b""), DRIPPING),
    "small": (reply(200, b"x" * DRIPPING), DRIPPING),
    "large": (reply(200, b"x" * LARGE), DRIPPING),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n28\r\n"
        + b"x" * DRIPPING
        + b"\r\n0\r\n\r\n",
        DRIPPING,
    ),
}


@pytest.mark.parametrize("slow", SLOW)
def test_a_response_that_arrives_too_slowly_is_a_timeout(clock: Clock, slow: str) -> None:
    with (
        Dripping(clock, *SLOW[slow]) as server,
        pytest.raises((requests.ConnectionError, requests.ReadTimeout), match="timed out") as error,
    ):
        content(server)
    assert is_transient(error.value)


def test_a_store_may_be_slow_while_it_processes_a_request(clock: Clock) -> None:
    with Dripping(clock, *SLOW["small"]) as server:
        assert content(server, "POST") == b"x" * DRIPPING


def test_no_response_may_take_forever(clock: Clock) -> None:
    clock.step = 50
    with (
        Dripping(clock, *SLOW["small"]) as server,
        pytest.raises(requests.RequestException, match="timed out"),
    ):
        content(server, "POST")


def test_without_a_timeout_a_response_may_be_slow(clock: Clock) -> None:
    with Dripping(clock, *SLOW["small"]) as server:
        connection = LibcloudConnection("127.0.0.1", server.port, secure=False, timeout=(60, None))
        connection.request("GET", "/x")
        assert connection.response.content == b"x" * DRIPPING


def test_a_caller_may_read_slowly(clock: Clock) -> None:
    clock.step = 0

    def read(pieces: Iterator[bytes]) -> Iterator[int]:
        for piece in pieces:
            clock.now += 3600
            yield len(piece)

    answer = reply(200, b"x" * LARGE)
    with Loopback(lambda request: answer) as server:
        connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
        connection.prepared_request("GET", "/x", stream=True)
        assert sum(read(connection.response.iter_content(1000))) == LARGE


def limited(clock: Clock, timeout: float = 60) -> RequestState:
    """The state of a request, whose clock only goes on while something is received."""
    clock.step = 0
    state = RequestState("GET")
    state.limit(timeout)
    return state


def one_byte(clock: Clock) -> Callable[[float], bytes]:
    """Receives a byte, for which it waits for some seconds."""

    def receive(seconds: float) -> bytes:
        clock.now += seconds
        return b"x"

    return receive


def test_the_time_until_the_first_byte_has_its_own_limit(clock: Clock) -> None:
    state, receive = limited(clock), one_byte(clock)
    assert state.receive(receive, 59) + state.receive(receive, 60) == b"xx"
    with pytest.raises(TimeoutError, match=r"3 bytes arrived in 60\.5 seconds"):
        state.receive(receive, 0.5)


def test_a_short_timeout_is_that_of_silence_only(clock: Clock) -> None:
    """Many connections may share a slow line."""
    state = limited(clock, 5)

    def receive(size: int) -> int:
        clock.now += 4
        return size

    for _ in range(100):
        state.receive(receive, 300)
    with pytest.raises(TimeoutError):
        for _ in range(100):
            state.receive(receive, 1)


def test_a_process_that_was_stopped_did_not_wait(clock: Clock) -> None:
    state, receive = limited(clock), one_byte(clock)
    for seconds in (1, 1, 86400, 59):
        assert state.receive(receive, seconds) == b"x"


def test_every_four_kibibytes_have_the_whole_time(clock: Clock) -> None:
    state = limited(clock)

    def receive(size: int) -> int:
        clock.now += 50
        return size

    state.receive(receive, 1)
    for _ in range(10):
        assert state.receive(receive, 4 * 1024 - 1) == 4 * 1024 - 1
        state.receive(receive, 4 * 1024)
