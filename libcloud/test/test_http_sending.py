# SPDX-License-Identifier: Apache-2.0
"""A socket that takes no more is listened to: the response may have come already."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from libcloud.http.sending import RequestState, _final_status, has_arrived, send_buffers
from libcloud.test._loopback import reply

LARGE = bytes(8 * 1024 * 1024)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
REFUSAL = reply(403, b"no")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    with ours, theirs:
        yield ours, theirs


def read_all(sock: socket.socket, received: list[int]) -> None:
    while data := sock.recv(1 << 20):
        received.append(len(data))


@pytest.mark.parametrize(
    "said", [REFUSAL, CONTINUE + REFUSAL, b"HTTP/1.1 101 X\r\n\r\n", b"SSH-2.0-OpenSSH\r\n"]
)
def test_a_refusal_ends_the_sending(pair: tuple[socket.socket, socket.socket], said: bytes) -> None:
    ours, theirs = pair
    theirs.sendall(said)
    state = RequestState()
    with pytest.raises(BrokenPipeError):
        send_buffers(ours, [LARGE], state=state, silence=0.05)

    assert state.unsent
    assert state.received == said


def test_the_end_of_a_connection_ends_the_sending(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.shutdown(socket.SHUT_WR)
    state = RequestState()
    with pytest.raises(BrokenPipeError):
        send_buffers(ours, [LARGE], state=state, silence=0.05)

    assert (state.unsent, state.received) == (True, b"")


def test_a_server_that_stops_reading_times_out(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    with pytest.raises(TimeoutError):
        send_buffers(pair[0], [LARGE], state=RequestState(), silence=0.01)


@pytest.mark.parametrize("said", [b"", CONTINUE, CONTINUE[:9], reply(200, b"early")])
def test_all_is_sent_unless_it_is_refused(
    pair: tuple[socket.socket, socket.socket], said: bytes
) -> None:
    ours, theirs = pair
    theirs.sendall(said)
    received: list[int] = []
    reader = threading.Thread(target=read_all, args=(theirs, received))
    state = RequestState()
    halves = LARGE[:-5], b"", LARGE[-5:]
    # The reader starts when the socket is full, so that it is listened to.
    with pytest.raises(TimeoutError):
        send_buffers(ours, halves, state=RequestState(), silence=0.01)
    reader.start()
    send_buffers(ours, halves, state=state, silence=30)
    ours.shutdown(socket.SHUT_WR)
    reader.join()

    assert not state.unsent
    assert state.size == len(LARGE)
    assert sum(received) > len(LARGE)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", None),
        (b"HTTP/1.1 2", None),
        (b"HTTP/1.1 204", 204),
        (CONTINUE, None),
        (CONTINUE[:-1], None),
        (CONTINUE * 3 + b"HTTP/1.0 503 ", 503),
        (b"HTTP/1.1 103 Hints\nLink: </a>\n\nHTTP/1.1 404", 404),
        (b"HTTP/1.1 101 Switch\r\n", 101),
        (b"HTTP/2 200 OK\r\n", 0),
        (b"HTTP/1.1 103 " + b"x" * 70_000, 0),
    ],
)
def test_the_status_is_found_behind_interim_responses(data: bytes, status: int | None) -> None:
    assert _final_status(data) == status


def test_nothing_can_be_sent_on_a_closed_socket(pair: tuple[socket.socket, socket.socket]) -> None:
    assert not has_arrived(pair[0])
    pair[0].close()
    assert has_arrived(pair[0])
