# SPDX-License-Identifier: Apache-2.0
"""The open connections of a server in this process, and when other processes have closed theirs."""

from __future__ import annotations

import socket
import socketserver
import threading
from pathlib import Path
from typing import Any, cast

_SECONDS = 60


class Connections:
    """Watches a server that handles each connection in a thread."""

    def __init__(self, server: socketserver.TCPServer) -> None:
        self._peer = threading.local()
        self._open: set[int] = set()
        self._changed = threading.Condition()
        self._address = server.server_address
        threaded = cast("Any", server)
        accept, handle = threaded.process_request, threaded.process_request_thread

        def accepted(request: Any, address: Any) -> None:
            with self._changed:
                self._open.add(address[1])
                self._changed.notify_all()
            accept(request, address)

        def handled(request: Any, address: Any) -> None:
            self._peer.port = address[1]
            try:
                handle(request, address)
            finally:
                with self._changed:
                    self._open.discard(address[1])
                    self._changed.notify_all()

        threaded.process_request, threaded.process_request_thread = accepted, handled

    @property
    def peer(self) -> int:
        """The port from which the request comes that this thread handles."""
        port: int = self._peer.port
        return port

    def wait_for_ended_processes(self) -> None:
        """Wait until all is handled that processes have sent which have ended."""
        with socket.create_connection(cast("Any", self._address)) as last, self._changed:
            # They are accepted in their order: when this one is, all earlier ones are known.
            port = last.getsockname()[1]
            assert self._changed.wait_for(lambda: port in self._open, _SECONDS)
            assert self._changed.wait_for(lambda: self._open <= _owned_ports(), _SECONDS)


def _owned_ports() -> set[int]:
    """The ports of sockets that a process still has; needs Linux."""
    # proc(5): the second field is the address, the tenth the inode, which is 0 without a process.
    rows = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    fields = [row.split() for row in rows]
    return {int(row[1].partition(":")[2], 16) for row in fields if row[9] != "0"}
