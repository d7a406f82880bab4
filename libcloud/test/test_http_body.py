# SPDX-License-Identifier: Apache-2.0
"""Large bodies, which the caller reads: the fast path returns and raises what the libraries do."""

from __future__ import annotations

import contextlib
import gc
import http.client
import io
import os
import pickle
import shutil
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from libcloud.http import LibcloudConnection, is_transient
from libcloud.http.body import Body
from libcloud.http.messages import FastResponse
from libcloud.http.sending import RequestState
from libcloud.http.timeouts import TimedConnection
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.utils.cancellation import Cancellation

pytestmark = [
    pytest.mark.filterwarnings("error::ResourceWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]

LARGE = bytes(range(251)) * 1200
HALF = len(LARGE) // 2
PATIENCE = 60


class Server(Loopback):
    """Responds to ``/large`` with ``said``, up to ``then``: "stay", "end", "reset" or "halt"."""

    said = reply(200, LARGE)
    then = "stay"

    def __init__(self) -> None:
        super().__init__(self.answered)
        self.over = threading.Event()

    def __exit__(self, *args: Any) -> None:
        self.over.set()
        super().__exit__(*args)

    def answered(self, request: Received) -> bytes:
        return self.said if request.target == "/large" else reply(200, b"small")

    def _exchange(self, source: Any, sink: Any) -> bool:
        stays = super()._exchange(source, sink)
        if not stays or self.last.target != "/large" or self.then == "stay":
            return stays
        if self.then == "halt":
            self.over.wait(PATIENCE)
        if self.then == "reset":
            sink._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(sink._sock.detach())
        return False


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    with running:
        yield running


def connect(server: Loopback, *, fast: bool = True) -> LibcloudConnection:
    made = LibcloudConnection("127.0.0.1", server.port, secure=False)
    made.session.headers["Host"] = f"127.0.0.1:{server.port}"  # for the fast path
    made.fast_path = fast
    return made


def request(connection: LibcloudConnection, target: str = "/large") -> Any:
    connection.prepared_request("GET", target, stream=True)
    return connection.response


def pieces(response: Any, size: Any = 1000) -> list[int]:
    """Sizes of pieces, of the right bytes."""
    found = list(response.iter_content(size))
    assert LARGE.startswith(b"".join(found))
    return [len(piece) for piece in found]


def by_raw(response: Any, read: Callable[[Any], bytes]) -> bytes:
    return b"".join(iter(lambda: read(response.raw), b""))


def copied(response: Any) -> bytes:
    file = io.BytesIO()
    shutil.copyfileobj(response.raw, file, 1000)
    return file.getvalue()


def into(response: Any) -> bytes:
    buffer = bytearray(len(LARGE) + 9)
    return bytes(buffer[: response.raw.readinto(buffer)])


def first(response: Any, size: int = 7000) -> Any:
    """The pieces after the first one."""
    rest = response.iter_content(size)
    assert next(rest) == LARGE[:size]
    return rest


def asked_midway(response: Any) -> list[bytes]:
    found = []
    for number, piece in enumerate(response.iter_content(50_000)):
        found.append(piece)
        if number == 2:
            assert (response.ok, response.raw.tell()) == (True, 150_000)
    return [*found, response.raw.read(5), response.raw.read()]


def closed_midway(response: Any) -> tuple[Any, ...]:
    rest = first(response)
    response.close()
    return list(rest), response.raw.closed, response.raw.read(), list(response.iter_content(5))


def in_a_block(response: Any) -> tuple[bytes, bool]:
    with response as same:
        found = next(same.iter_content(7))
    return found, response.raw.closed


def twice(response: Any, read: Callable[[Any], Any]) -> Any:
    assert sum(pieces(response)) == len(LARGE)
    return read(response)


READS: dict[str, Callable[[Any], Any]] = {
    "small pieces": pieces,
    "large pieces": lambda response: pieces(response, 100_000),
    "the longest piece": lambda response: pieces(response, 10 * len(LARGE)),
    "one piece": lambda response: pieces(response, None),
    "text": lambda response: "".join(response.iter_content(1000, decode_unicode=True)),
    "lines": lambda response: list(response.iter_lines()),
    "iteration": lambda response: b"".join(response),
    "content": lambda response: (response.content, response.raw.read(), response.raw.read(9)),
    "text attribute": lambda response: response.text,
    "raw": lambda response: (response.raw.read(), response.raw.read(9), response.raw.closed),
    "raw in pieces": lambda response: by_raw(response, lambda raw: raw.read(999)),
    "raw as it comes": lambda response: by_raw(response, lambda raw: raw.read1(999)),
    "raw of no size": lambda response: (response.raw.read(0), response.raw.read(None)),
    "raw stream": lambda response: list(response.raw.stream(9999)),
    "raw into": into,
    "raw data": lambda response: response.raw.data,
    "raw as a file": copied,
    "raw read too far": lambda response: [response.raw.read(len(LARGE) - 9) for _ in "ab"],
    "half, then raw": lambda response: [first(response), response.raw.read()][1],
    "half, then raw pieces": lambda response: [first(response), pieces_of_rest(response)][1],
    "half, then content": lambda response: [first(response), response.content][1],
    "half, then other pieces": lambda response: [*map(len, first(response)), *pieces(response)],
    "asked midway": asked_midway,
    "closed midway": closed_midway,
    "in a block": in_a_block,
    "twice": lambda response: twice(response, pieces),
    "content later": lambda response: twice(response, lambda response: response.content),
    "pickled": lambda response: pickle.loads(pickle.dumps(response)).content,
}


def pieces_of_rest(response: Any) -> list[bytes]:
    return list(response.raw.stream(1000))


SAID = {
    "whole": (reply(200, LARGE), "stay"),
    "a range": (reply(206, LARGE), "stay"),
    "closing": (reply(200, LARGE, {"Connection": "close"}), "end"),
    "too much": (reply(200, LARGE) + b"stray", "stay"),
    "cut": (reply(200, LARGE)[: -HALF - 1], "end"),
    "cut after its head": (reply(200, LARGE)[: -len(LARGE)], "end"),
    "cut before its last byte": (reply(200, LARGE)[:-1], "end"),
    "reset": (reply(200, LARGE)[:-HALF], "reset"),
    "silent": (reply(200, LARGE)[:-HALF], "halt"),
}


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
    """The sockets of requests, in order."""
    found: list[socket.socket] = []
    plainly = TimedConnection.await_response

    def note(connection: TimedConnection) -> None:
        plainly(connection)
        found.append(connection.sock)

    monkeypatch.setattr(TimedConnection, "await_response", note)
    return found


def outcome(response: Any, read: Callable[[Any], Any]) -> dict[str, Any]:
    """What ``read`` returns or raises, and then again."""
    shown: dict[str, Any] = {"status": response.status_code, "url": response.url}
    for name in ("first", "again"):
        try:
            shown[name] = read(response)
        except Exception as error:
            assert name == "again" or not isinstance(error, AssertionError)
            cause = type(next(iter(error.args), None))
            shown[name] = type(error), cause, is_transient(error)
            if name == "first":  # a second time, the libraries may return nothing
                break
    response.close()
    return shown


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("said", SAID)
def test_a_large_body_is_read_as_by_the_libraries(
    server: Server, sockets: list[socket.socket], said: str, read: Any
) -> None:
    server.said, server.then = SAID[said]
    shown, used = [], []
    for fast in (False, True):
        connection = connect(server, fast=fast)
        before, response = server.connections, request(connection)
        if server.then == "halt":
            sockets[-1].settimeout(0.01)
        shown.append(outcome(response, read))
        request(connection, "/small").close()
        used.append(server.connections - before)

    assert shown[0] == shown[1]
    assert used[0] == used[1]


@pytest.mark.usefixtures("http_path")
def test_a_connection_is_in_use_until_the_last_byte_was_read(server: Server) -> None:
    connection = connect(server)
    rest = first(request(connection), HALF)
    request(connection, "/small")  # on another connection
    assert server.connections == 2
    assert b"".join(rest) == LARGE[HALF:]
    unread = [request(connection), request(connection)]
    assert server.connections == 2
    for response in unread:
        response.close()


@pytest.mark.usefixtures("http_path")
@pytest.mark.parametrize("read", [first, lambda response: response, lambda response: response.raw])
def test_a_response_that_is_dropped_closes_its_connection(server: Server, read: Any) -> None:
    connection = connect(server)
    kept = [read(request(connection))]
    connection.response = None
    kept.clear()
    gc.collect()  # fails if a socket is still open
    request(connection, "/small")

    assert server.connections == 2


@pytest.mark.usefixtures("http_path")
def test_a_body_that_is_being_read_is_interrupted(server: Server) -> None:
    server.said, server.then = SAID["silent"]
    connection, cancellation = connect(server), Cancellation()
    with cancellation.active():
        rest = first(request(connection))
        timer = threading.Timer(0.01, cancellation.interrupt)
        timer.start()
        with pytest.raises(requests.RequestException) as caught:
            list(rest)
        timer.join()

    assert is_transient(caught.value)
    assert not cancellation._waits()


@pytest.mark.usefixtures("http_path")
@pytest.mark.parametrize("read", [lambda response: response.content, pieces])
def test_a_body_that_another_thread_closes_is_not_whole(
    server: Server, sockets: list[socket.socket], read: Any
) -> None:
    server.said, server.then = SAID["silent"]
    response = request(connect(server))
    closing = threading.Thread(target=response.close)
    sockets[-1].settimeout(0.5)
    timer = threading.Timer(0.05, closing.start)
    timer.start()
    with pytest.raises(requests.RequestException):
        read(response)
    timer.join()
    closing.join()


@pytest.mark.parametrize("stream", [True, False])
def test_a_large_body_is_read_without_the_libraries(server: Server, stream: bool) -> None:
    server.said = reply(200, LARGE * 5)
    connection = connect(server)
    connection.request("GET", "/large", stream=stream)

    assert connection.response.content == LARGE * 5
    assert type(connection.response) is FastResponse


def test_any_version_of_urllib3_compares_the_length(server: Server) -> None:
    response = request(connect(server))
    assert response.raw.enforce_content_length
    response.close()


class Freed(list[Any]):
    """A pool that notes what it gets back, and whether it can be reused."""

    def give_back(self, connection: Any) -> None:
        self.append(connection.state.complete)


@contextlib.contextmanager
def body_of(data: bytes, length: int, **how: Any) -> Iterator[tuple[Body, Freed]]:
    """A body of which ``data`` arrives; its first byte has arrived with the head."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data[1:])
        theirs.shutdown(socket.SHUT_WR)
        state = RequestState()
        state.received = b"head" + data[:1]
        freed, connection = Freed(), SimpleNamespace(sock=ours, state=state)
        yield Body(connection, freed, len(b"head"), length, **{"reusable": True, **how}), freed


def test_a_body_returns_its_connection_once_with_its_last_byte() -> None:
    with body_of(b"abcde", 5) as (body, freed):
        assert (body.read(4), freed) == (b"abcd", [])
        assert (body.read(4), freed) == (b"e", [True])
        assert (body.read(4), body.read()) == (b"", b"")
        body.close()
        del body
        assert freed == [True]


@pytest.mark.parametrize(("data", "reusable"), [(b"abcde?", True), (b"abcde", False)])
def test_a_connection_is_not_reused_if_that_is_not_safe(data: bytes, reusable: bool) -> None:
    with body_of(data, 5, reusable=reusable) as (body, freed):
        assert (body.read(-1), freed) == (b"abcde", [False])


def test_a_body_that_ended_early_is_not_at_its_end() -> None:
    with body_of(b"abc", 5) as (body, freed):
        assert [body.read(4), body.read(4), body.read(4)] == [b"abc", b"", b""]
        with pytest.raises(http.client.IncompleteRead):
            body.read()
        assert (freed, body.closed, body.left) == ([False], False, 2)


@pytest.mark.parametrize("error", [OSError("broken"), KeyboardInterrupt(), MemoryError()])
def test_a_body_is_not_read_on_after_an_error(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(size: int) -> bytes:
        raise error

    with body_of(b"abcde", 5) as (body, freed):
        monkeypatch.setattr(body._stream, "read", fail)
        with pytest.raises(type(error)):
            body.read(1)
        monkeypatch.undo()
        again = pytest.raises(OSError) if isinstance(error, OSError) else contextlib.nullcontext(1)
        with again:
            assert body.read(1) == b""
        assert (freed, body.closed, body.left) == ([False], False, 5)


def test_a_body_whose_connection_was_given_back_before_is_closed_quietly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with body_of(b"abcde", 5) as (body, freed):
        connection = body._connection
        connection.state = None  # as by close(), when an interrupt came before it was returned
        monkeypatch.setattr(freed, "give_back", lambda same: freed.append(same is connection))
        body.close()
        assert freed == [True]
