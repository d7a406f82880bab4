# SPDX-License-Identifier: Apache-2.0
"""A proxy that does to single requests what networks, load balancers and stores do.

It understands as much HTTP/1.1 as it takes to know the operation, and passes requests on with
their headers unchanged, ``Host`` among them: signatures stay valid, for the server believes that
it is addressed by the proxy's name. The script is that of the fake server, :class:`~.faults.Faults`
with its actions, and those of this module::

    with FaultProxy(endpoint.host, endpoint.port) as proxy:
        proxy.faults.add("CompleteMultipartUpload", LoseAnswer())
        ...  # a driver for proxy.host, proxy.port
"""

from __future__ import annotations

import contextlib
import io
import socket
import socketserver
import struct
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import cast

from libcloud.test._loopback import shut_down
from libcloud.test.storage.fakes import routes
from libcloud.test.storage.fakes.connections import Connections
from libcloud.test.storage.fakes.errors import S3Error
from libcloud.test.storage.fakes.faults import LONGEST_HOLD, Action, Dropped, Faults
from libcloud.test.storage.fakes.render import error_answer
from libcloud.test.storage.fakes.wire import (
    Answer,
    BodyTooShort,
    Incoming,
    read_body,
    read_head,
    write_answer,
)

HOST = "127.0.0.1"
UPSTREAM_TIMEOUT = 60.0

# Of one connection only, or reported by the proxy itself.
_HOP_BY_HOP = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})


class WireAction(Action):
    """An action that sees the bytes of the answer.

    :cvar closes: the connection to the client is closed after the answer, though it did not say so.
    """

    closes = True

    def sent(self, raw: bytes) -> bytes:
        """What the client gets of the answer ``raw``."""
        return raw


@dataclass(frozen=True, slots=True)
class CutAnswer(WireAction):
    """Carry the request out; send half of the answer's body, or of its head without one."""

    def sent(self, raw: bytes) -> bytes:
        """Half of it."""
        head, gap, body = raw.partition(b"\r\n\r\n")
        return head + gap + body[: len(body) // 2] if body else head[: len(head) // 2]


@dataclass(frozen=True, slots=True)
class CloseIdle(WireAction):
    """Answer well, and close the connection that the client keeps for later."""


@dataclass(frozen=True, slots=True)
class WrongETagInBody(Action):
    """Carry Complete out and answer another ETag."""

    def answered(self, answer: Answer) -> Answer:
        """Say something else."""
        before, opening, rest = bytes(answer.body).partition(b"<ETag>")
        _, closing, after = rest.partition(b"</ETag>")
        wrong = b"&quot;" + b"0" * 32 + b"-9&quot;"
        return replace(answer, body=before + opening + wrong + closing + after)


@dataclass(frozen=True, slots=True)
class FlipAnswer(Action):
    """Carry the request out; one bit of the answer's body is another one."""

    def answered(self, answer: Answer) -> Answer:
        """Damage it."""
        body = bytearray(answer.body)
        body[len(body) // 2] ^= 1
        return replace(answer, body=bytes(body))


@dataclass(slots=True)
class Stall(Action):
    """Read the request, do nothing and say nothing, until ``release`` is set."""

    release: threading.Event = field(default_factory=threading.Event)

    def received(self, request: Incoming) -> Incoming:
        """Wait, then reset."""
        self.release.wait(LONGEST_HOLD)
        raise Dropped


@dataclass(frozen=True, slots=True)
class Strike(Action):
    """Call ``deed`` at one moment of a request, and then let it go its way.

    :param moment: ``"head"``, ``"body"`` (half of it was read), ``"request"`` or ``"answer"``.
    """

    deed: Callable[[Incoming], object]
    moment: str

    def received(self, request: Incoming) -> Incoming:
        """The request is there as a whole."""
        if self.moment == "request":
            self.deed(request)
        return request


class _Handler(socketserver.StreamRequestHandler):
    """One connection of a client; each request is forwarded on a new connection."""

    rbufsize = 256 * 1024
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Pass on request after request."""
        proxy = cast("_Server", self.server).proxy
        try:
            while self._one(proxy):
                pass
        except Dropped:
            self._reset()
        except (BodyTooShort, HTTPException, OSError):
            return

    def _one(self, proxy: FaultProxy) -> bool:
        request = read_head(self.rfile, secure=False)
        if request is None:
            return False
        operation = proxy.operation_of(request)
        action = proxy.take(operation, request)
        strike = action if isinstance(action, Strike) else None
        if strike and strike.moment == "head":
            strike.deed(request)
        body = self._body(proxy, request, action)
        try:
            wanted = action.received(replace(request, body=body))
            answer = action.answered(proxy.ask(wanted))
        except S3Error as error:
            answer = error_answer(error, request.raw_path, "FAULTPROXY")
        raw = io.BytesIO()
        write_answer(raw, request.method, answer, close=False)
        if strike and strike.moment == "answer":
            strike.deed(request)
        wire = action if isinstance(action, WireAction) else None
        self.wfile.write(wire.sent(raw.getvalue()) if wire else raw.getvalue())
        return wire is None and answer.cut is None

    def _body(self, proxy: FaultProxy, request: Incoming, action: Action) -> bytes | bytearray:
        """The body of a request; a reset within it reaches the server too."""
        length = int(request.header("content-length") or 0)
        wanted = action.before_body(length)
        if isinstance(action, Strike) and action.moment == "body" and length:
            first = read_body(self.rfile, length // 2)
            action.deed(request)
            return bytearray(first) + read_body(self.rfile, length - length // 2)
        body = read_body(self.rfile, wanted)
        if wanted < length:
            proxy.send_part_of(replace(request, body=body))
            raise Dropped
        return body

    def _reset(self) -> None:
        """Close so that the client sees a reset, not an orderly end."""
        with contextlib.suppress(OSError):
            _set_reset(self.connection)
            self.rfile.close()
            self.connection.close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    block_on_close = False
    proxy: FaultProxy

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of the tests."""


class FaultProxy:
    """A proxy on a free loopback port, in front of one server; a context manager.

    :param host: of the server, which speaks http.
    :param operation_of: the name of a request, for rules.
    """

    def __init__(
        self,
        host: str,
        port: int,
        operation_of: Callable[[Incoming], str] = routes.operation_of,
    ) -> None:
        self.operation_of = operation_of
        self._upstream = (host, port)
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self.faults = Faults()
        self._server = _Server((HOST, 0), _Handler)
        self._server.proxy = self
        self.connections = Connections(self._server)
        self.host = HOST
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        shut_down(self._server)
        self._thread.join(10)

    def count(self, operation: str) -> int:
        """Requests of one operation that came in."""
        with self._lock:
            return self._counts[operation]

    def take(self, operation: str, request: Incoming) -> Action:
        """Count a request; what is to go wrong with it."""
        with self._lock:
            self._counts[operation] += 1
        return self.faults.take(operation, request)

    def ask(self, request: Incoming) -> Answer:
        """The server's answer to ``request``.

        :raises OSError: there is none; or an ``HTTPException``.
        """
        connection = HTTPConnection(*self._upstream, timeout=UPSTREAM_TIMEOUT)
        try:
            _send(connection, request)
            answer = connection.getresponse()
            body = answer.read()
            told = answer.getheader("Content-Length")
            headers = [
                (name, value)
                for name, value in answer.getheaders()
                if name.lower() not in _HOP_BY_HOP
            ]
            length = int(told) if request.method == "HEAD" and told else None
            return Answer(answer.status, tuple(headers), body, length)
        finally:
            connection.close()

    def send_part_of(self, request: Incoming) -> None:
        """Give the server a request whose body is shorter than its head says, and a reset."""
        connection = HTTPConnection(*self._upstream, timeout=UPSTREAM_TIMEOUT)
        with contextlib.suppress(OSError):
            _send(connection, request)
            _set_reset(connection.sock)
        connection.close()


def _send(connection: HTTPConnection, request: Incoming) -> None:
    connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers:
        connection.putheader(name, value.encode("latin-1"))
    connection.endheaders(bytes(request.body) or None)


def _set_reset(connection: socket.socket) -> None:
    """Closing ``connection`` becomes a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
