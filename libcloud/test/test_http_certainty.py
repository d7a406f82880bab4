# SPDX-License-Identifier: Apache-2.0
"""Responses that come early, late, twice or never: none is taken for that of another request."""

from __future__ import annotations

import gc
import io
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from libcloud.http import LibcloudConnection, is_transient
from libcloud.http.adapter import HTTPConnection
from libcloud.http.connections import Connection
from libcloud.http.messages import FastResponse
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.test.test_http_tls import self_signed
from libcloud.utils.bodies import Pieces

# Both ways of sending must do the same, and close what they open.
pytestmark = [
    pytest.mark.usefixtures("http_path"),
    pytest.mark.filterwarnings("error::ResourceWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]

# More than the sockets of a connection hold.
LARGE = bytes(32 * 1024 * 1024)
REFUSAL = reply(403, b"<Error/>")


class Hasty(Loopback):
    """Answers ``PUT`` once it has the head; ``then`` says what it does with the connection."""

    def __init__(self, said: bytes, then: str, **kwargs: Any) -> None:
        super().__init__(lambda request: reply(200, request.target.encode()), **kwargs)
        self.said, self.then = said, then
        self.over = threading.Event()

    def __exit__(self, *args: Any) -> None:
        self.over.set()
        super().__exit__(*args)

    def _exchange(self, source: Any, sink: Any) -> bool:
        if not source.peek(3).startswith(b"PUT"):
            return super()._exchange(source, sink)
        while source.readline().strip():
            pass
        sink.write(self.said)
        if self.then == "read all":
            source.read(len(LARGE))
            sink.write(reply(200, b"stored"))
        elif self.then == "read nothing":
            self.over.wait()
        return self.then == "read all"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


def connect(server: Loopback, **kwargs: Any) -> LibcloudConnection:
    made = LibcloudConnection("127.0.0.1", server.port, **{"secure": False, **kwargs})
    made.follow_redirects = False
    made.session.headers["Host"] = f"127.0.0.1:{server.port}"
    made.request("GET", "/first")
    return made


BODIES: dict[str, Callable[[], Any]] = {
    "bytes": lambda: LARGE,
    "pieces": lambda: Pieces([LARGE[: 1 << 20]] * 32),
    "iterator": lambda: iter([LARGE[: 1 << 20]] * 32),
    "file": lambda: io.BytesIO(LARGE),
}


@pytest.mark.parametrize("then", ["read nothing", "close"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_early_refusal_is_the_response_and_costs_the_connection(body: Any, then: str) -> None:
    with Hasty(REFUSAL, then) as server:
        connection = connect(server)
        connection.request("PUT", "/x", body=body())
        assert (connection.status, connection.read()) == (403, b"<Error/>")
        connection.request("GET", "/next")
        assert connection.read() == b"/next"
        assert server.connections == 2


@pytest.mark.parametrize("interim", [b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 3])
def test_an_early_refusal_is_noticed_over_tls(certificate: Path, interim: bytes) -> None:
    with Hasty(interim + REFUSAL, "read nothing", tls=context(certificate)) as server:
        connection = connect(server, secure=True, ca_cert=str(certificate))
        connection.request("PUT", "/x", body=LARGE)
        assert (connection.status, connection.read()) == (403, b"<Error/>")


@pytest.mark.parametrize("interim", [100, 102, 103])
def test_interim_responses_do_not_end_the_sending(interim: int) -> None:
    with Hasty(b"HTTP/1.1 %d Wait\r\nLink: </a>\r\n\r\n" % interim, "read all") as server:
        connection = connect(server)
        connection.request("PUT", "/x", body=LARGE)
        assert connection.read() == b"stored"
        connection.request("GET", "/next")
        assert connection.read() == b"/next"
        assert server.connections == 1


def test_a_success_before_the_request_was_received_is_none() -> None:
    with Hasty(reply(200, headers={"ETag": "x"}), "close") as server:
        connection = connect(server)
        with pytest.raises(requests.ConnectionError, match="before it received the") as caught:
            connection.request("PUT", "/x", body=LARGE)
    assert is_transient(caught.value)


@pytest.mark.parametrize(("size", "connections"), [(1000, 1), (100_000, 2)])
def test_a_refused_request_with_a_large_body_costs_its_connection(
    size: int, connections: int
) -> None:
    with Loopback(lambda request: REFUSAL if request.body else reply()) as server:
        connection = connect(server)
        connection.request("PUT", "/x", body=bytes(size))
        connection.request("GET", "/next")
        assert server.connections == connections


@pytest.mark.parametrize(
    "interim",
    [b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 100 Continue\n\n" * 100],
    ids=["hints", "many"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_a_response_after_interim_ones_is_that_of_its_request(method: str, interim: bytes) -> None:
    def answer(request: Received) -> bytes:
        return interim + reply(200, b"" if method == "HEAD" else request.target.encode())

    with Loopback(answer) as server:
        connection = connect(server)
        for target in ("/a", "/b", "/c"):
            connection.request(method, target, stream=target == "/b")
            assert connection.read() == (b"" if method == "HEAD" else target.encode())
            assert connection.status == 200
        assert server.connections == 1


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_bytes_behind_a_response_are_not_the_next_one(
    method: str, chunked: bool, stream: bool
) -> None:
    stray = reply(200, b"stray")

    def answer(request: Received) -> bytes:
        name = b"" if request.method == "HEAD" else request.target.encode()
        if request.target != "/evil":
            return reply(200, name)
        if not chunked:
            return reply(200, name) + stray
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        body = b"%x\r\n%b\r\n0\r\nA: b\r\n\r\n" % (len(name), name) if name else b""
        return head + body + stray

    with Loopback(answer) as server:
        connection = connect(server)
        for target in ("/evil", "/good", "/evil", "/good"):
            connection.request(method, target, stream=stream)
            assert connection.read() == (b"" if method == "HEAD" else target.encode())
        assert server.connections == 3


def test_bytes_that_only_tls_has_seen_are_not_the_next_response(certificate: Path) -> None:
    """The end of a body and what follows it arrive in one record, of which the body is read."""
    body = bytes(20_000)

    class InTwoRecords(Loopback):
        def _exchange(self, source: Any, sink: Any) -> bool:
            stays = super()._exchange(source, sink)
            if self.last.target == "/evil":
                sink.write(self.sent[17_000:])
            return stays

        sent = reply(200, body) + reply(200, b"stray")

    def answer(request: Received) -> bytes:
        evil = request.target == "/evil"
        return InTwoRecords.sent[:17_000] if evil else reply(200, request.target.encode())

    with InTwoRecords(answer, tls=context(certificate)) as server:
        connection = connect(server, secure=True, ca_cert=str(certificate))
        for _ in range(3):
            connection.request("GET", "/evil")
            assert connection.read() == body
            connection.request("GET", "/good")
            assert connection.read() == b"/good"


@pytest.mark.parametrize("said", [None, reply()[:20], b"HTTP/1.1 101 Switch\r\n\r\n", b"SSH-2\r\n"])
def test_a_response_that_fails_closes_its_socket(
    monkeypatch: pytest.MonkeyPatch, said: bytes | None, http_path: bool
) -> None:
    sockets = []
    kind: Any = Connection if http_path else HTTPConnection
    connect_plainly = kind.connect

    def connect_and_note(connection: Any, *args: Any) -> None:
        connect_plainly(connection, *args)
        sockets.append(connection.sock)

    monkeypatch.setattr(kind, "connect", connect_and_note)
    answers = {"/first": reply()}
    with Loopback(lambda request: answers.get(request.target, said)) as server:
        connection = connect(server)
        server.close = True
        with pytest.raises(requests.ConnectionError) as kept:
            connection.request("GET", "/x")

    assert kept
    assert [sock.fileno() for sock in sockets] == [-1]


def context(certificate: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


def test_the_fast_path_is_taken_unless_it_is_turned_off(http_path: bool) -> None:
    with Loopback() as server:
        connection = connect(server)
        connection.request("GET", "/x")

        assert (type(connection.response) is FastResponse) is http_path


@pytest.mark.parametrize("http_path", [True], indirect=True)
def test_a_request_of_a_finalizer_in_a_reference_cycle_closes_its_socket() -> None:
    class Upload:
        def __init__(self, port: int) -> None:
            self.connection = LibcloudConnection("127.0.0.1", port, secure=False)
            self.connection.request("PUT", "/x", headers={"User-Agent": "", "Host": "h"})
            self.cycle = self

        def __del__(self) -> None:
            self.connection.request("DELETE", "/x", headers={"User-Agent": "", "Host": "h"})

    with Loopback() as server:
        Upload(server.port)
        gc.collect()  # fails if a socket is still open

        assert [request.method for request in server.requests] == ["PUT", "DELETE"]
