# SPDX-License-Identifier: Apache-2.0
"""The store of the tests: the checking fake, which can kill the process that sends it a part."""

from __future__ import annotations

import hashlib
import os
import signal
import socketserver
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from libcloud.test.engines.pieces import whole
from libcloud.test.storage.fakes.connections import Connections
from libcloud.test.storage.fakes.faults import Action
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.fakes.wire import Answer

BUCKET = "bucket"

# Searched for where no secret may be.
SECRET = "kYpL4nT3dS3cr3tThatNobodyElseMayEverSee9"
OPTIONS = Options(key="AKIDENGINES", secret=SECRET)


class Store(FakeS3):
    """It knows who sends a request."""

    connections: Connections

    def __init__(self) -> None:
        super().__init__(OPTIONS)

    def wrap(self, server: socketserver.TCPServer) -> None:
        super().wrap(server)
        self.connections = Connections(server)

    def sender(self) -> int:
        """The id of the process whose request this thread handles."""
        # A connection that was made while processes were looked at has no process.
        for _ in range(100):
            for connection in psutil.net_connections("tcp4"):
                own = connection.laddr.port == self.connections.peer and connection.raddr
                if own and connection.pid is not None:
                    return int(connection.pid)
        raise LookupError("the sender has gone")

    def check_object(self, name: str, data: bytes | None = None) -> None:
        """The object is complete, and no upload is left."""
        stored = self.body(BUCKET, name)
        expected = whole() if data is None else data
        assert hashlib.sha256(stored).hexdigest() == hashlib.sha256(expected).hexdigest()
        self.check_clean()

    def check_clean(self) -> None:
        """No upload is left, and no rule was broken."""
        assert not self.unfinished_uploads()
        assert not self.violations

    def write_settings(self, folder: Path) -> dict[str, str]:
        """Variables with which any process connects; the secret is in a file, not in them."""
        path = folder / "credentials"
        path.write_text(
            f"[default]\naws_access_key_id = {self.key}\naws_secret_access_key = {self.secret}\n",
            encoding="utf-8",
        )
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_SHARED_CREDENTIALS_FILE": str(path),
            "AWS_CONFIG_FILE": str(folder / "absent"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@dataclass(slots=True)
class KillSender(Action):
    """Kill the process that sends a request.

    :param stored: after the request was carried out, instead of in the middle of its body.
    :ivar killed: process ids.
    """

    store: Store
    stored: bool = False
    killed: list[int] = field(default_factory=list)

    def before_body(self, length: int) -> int:
        if self.stored:
            return length
        self._kill()
        return length // 2

    def answered(self, answer: Answer) -> Answer:
        if self.stored:
            self._kill()
        return answer

    def _kill(self) -> None:
        pid = self.store.sender()
        assert pid != os.getpid()
        self.killed.append(pid)
        os.kill(pid, signal.SIGKILL)


def session_of(error: BaseException) -> str:
    """The session that a failed upload left."""
    return str(vars(error)["session"])
