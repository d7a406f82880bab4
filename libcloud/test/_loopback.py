# SPDX-License-Identifier: Apache-2.0
"""A loopback server that records what it receives and sends given responses; and its host names."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BufferedIOBase
from types import TracebackType
from typing import Any
from unittest import mock

Answer = Callable[["Received"], "bytes | None"]


@dataclass(frozen=True)
class Received:
    """A request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = field(repr=False)


def reply(status: int = 200, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """The bytes of an answer, with a right Content-Length unless ``headers`` has another."""
    all_headers = {"Content-Length": str(len(body)), **(headers or {})}
    lines = [
        f"HTTP/1.1 {status} Said",
        *(f"{name}: {value}" for name, value in all_headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def shut_down(server: socketserver.TCPServer) -> None:
    """Stop ``serve_forever`` of another thread without waiting for its poll interval."""
    # Wakes the thread that polls the socket; systems that refuse this wait for the interval.
    with contextlib.suppress(OSError):
        server.socket.shutdown(socket.SHUT_RDWR)
    server.shutdown()
    server.server_close()


class Loopback:
    """Listens while its ``with`` block runs.

    :param answer: the bytes to send back for a request; ``None`` closes the connection unanswered.
    :param close: close the connection after each answer, without saying so in it.
    :param tls: speak TLS, with the certificate in this context.

    ``requests`` holds what came in, ``connections`` counts the sockets that were accepted.
    """

    def __init__(
        self,
        answer: Answer = lambda request: reply(),
        *,
        close: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.answer = answer
        self.close = close
        self.requests: list[Received] = []
        self.connections = 0
        self._lock = threading.Lock()
        loopback = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with loopback._lock:
                    loopback.connections += 1
                while loopback._exchange(self.rfile, self.wfile):
                    pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 64

            def get_request(self) -> tuple[socket.socket, Any]:
                accepted, address = super().get_request()
                if tls is not None:
                    # The handshake happens at the first read: in the thread of the connection.
                    accepted = tls.wrap_socket(
                        accepted, server_side=True, do_handshake_on_connect=False
                    )
                return accepted, address

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that goes away is part of the tests."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def last(self) -> Received:
        """The request that came in last."""
        return self.requests[-1]

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        shut_down(self._server)
        self._thread.join()

    def _exchange(self, source: BufferedIOBase, sink: BufferedIOBase) -> bool:
        """Take one request and answer it; false when the connection is at its end."""
        line = source.readline().decode("latin-1")
        if not line:
            return False
        method, target, _ = line.split(" ", 2)
        headers: dict[str, str] = {}
        while True:
            name, _, value = source.readline().decode("latin-1").strip().partition(":")
            if not name:
                break
            headers[name.lower()] = value.strip()
        request = Received(method, target, headers, _read_body(source, headers))
        with self._lock:
            self.requests.append(request)
        answer = self.answer(request)
        if answer is None:
            return False
        # Before the client hears, for its next request may change it.
        ends = self.close
        sink.write(answer)
        return not ends


def _read_body(source: BufferedIOBase, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return source.read(int(headers.get("content-length", 0)))
    body = b""
    while True:
        size = int(source.readline(), 16)
        body += source.read(size)
        source.readline()
        if not size:
            return body


@contextlib.contextmanager
def loopback_names(*domains: str) -> Iterator[None]:
    """Let ``domains``, and all that is in them, be 127.0.0.1; other names are no names at all."""
    real = socket.getaddrinfo

    def lookup(host: Any, *arguments: Any, **keywords: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if any(name == domain or name.endswith(f".{domain}") for domain in domains):
            return real("127.0.0.1", *arguments, **keywords)
        if name not in ("127.0.0.1", "::1", "localhost"):
            raise socket.gaierror(socket.EAI_NONAME, f"a test may not look up {name}")
        return real(host, *arguments, **keywords)

    with mock.patch.object(socket, "getaddrinfo", lookup):
        yield
