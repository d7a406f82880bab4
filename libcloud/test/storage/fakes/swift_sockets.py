# SPDX-License-Identifier: Apache-2.0
"""A listener on loopback that hands each request to a function; for fakes of small protocols."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from libcloud.test.storage.fakes.connections import Connections
from libcloud.test.storage.fakes.faults import Dropped
from libcloud.test.storage.fakes.wire import (
    Answer,
    BodyTooShort,
    Incoming,
    read_body,
    read_head,
    write_answer,
)

HOST = "127.0.0.1"


class _Handler(socketserver.StreamRequestHandler):
    rbufsize = 256 * 1024
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True

    def handle(self) -> None:
        answer = cast("_Server", self.server).answer
        try:
            while self._one(answer):
                pass
        except Dropped:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.rfile.close()
            self.connection.close()
        except (BodyTooShort, OSError):
            return

    def _one(self, answer: Callable[[Incoming], Answer]) -> bool:
        request = read_head(self.rfile, secure=False)
        if request is None:
            return False
        body = read_body(self.rfile, int(request.header("content-length") or 0))
        given = answer(replace(request, body=body))
        write_answer(self.wfile, request.method, given, close=given.cut is not None)
        return given.cut is None


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    block_on_close = False
    answer: Callable[[Incoming], Answer]


class Listener:
    """Answers requests on a free loopback port, each connection in a thread of its own."""

    def __init__(self, answer: Callable[[Incoming], Answer]) -> None:
        self._answer = answer
        self.host = HOST
        self.port = 0

    def start(self) -> None:
        """Listen."""
        server = _Server((HOST, 0), _Handler)
        server.answer = self._answer
        self.connections = Connections(server)
        self.port = server.server_address[1]
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and wait for the listener's end."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
