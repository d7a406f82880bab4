# SPDX-License-Identifier: Apache-2.0
"""The fake S3 server: sockets, threads, and the way of a request through the checks.

::

    with FakeS3(SMALL_LIMITS) as server:
        driver = S3StorageDriver(
            server.key, server.secret, secure=False, host=server.host, port=server.port
        )
        ...
        assert server.count("UploadPart") == 3
        assert not server.unfinished_uploads() and not server.violations
"""

from __future__ import annotations

import atexit
import functools
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, cast

from libcloud.test._loopback import shut_down
from libcloud.test.storage.fakes.connections import Connections
from libcloud.test.storage.fakes.exchange import Exchange
from libcloud.test.storage.fakes.faults import Action, Dropped, Faults
from libcloud.test.storage.fakes.log import Entry, RequestLog
from libcloud.test.storage.fakes.options import AMAZON, Options
from libcloud.test.storage.fakes.routes import with_bucket_of_host
from libcloud.test.storage.fakes.state import State, StoredObject, Upload
from libcloud.test.storage.fakes.wire import (
    Answer,
    BodyTooShort,
    Incoming,
    read_body,
    read_head,
    write_answer,
)

if TYPE_CHECKING:
    from typing_extensions import Self

HOST = "127.0.0.1"


class _Handler(socketserver.StreamRequestHandler):
    """One connection of a client."""

    rbufsize = 256 * 1024
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Answer request after request."""
        fake = cast("_Server", self.server).fake
        try:
            while self._one(fake):
                pass
        except Dropped:
            self._reset()
        except (BodyTooShort, OSError):
            # The client has disconnected.
            return

    def _one(self, fake: FakeServer) -> bool:
        request = read_head(self.rfile, secure=fake.secure)
        if request is None:
            return False
        length_text = request.header("content-length") or ""
        if (request.header("expect") or "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        exchange = fake.exchange(request)
        request = exchange.request
        try:
            answer = exchange.early_answer(length_text)
            unread = answer is not None
            if answer is None:
                length = int(length_text or 0)
                wanted = exchange.action.before_body(length)
                body = read_body(self.rfile, wanted)
                if wanted < length:
                    raise Dropped
                answer = exchange.answer(replace(request, body=body))
        finally:
            exchange.leave()
        close = (
            unread
            or fake.close_connections
            or answer.cut is not None
            or (request.header("connection") or "").lower() == "close"
        )
        write_answer(self.wfile, request.method, answer, close=close)
        return not close

    def _reset(self) -> None:
        """Close so that the client sees a reset, not an orderly end."""
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.rfile.close()
            self.connection.close()
        except OSError:
            return


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    block_on_close = False
    fake: FakeServer


class Conversation(Protocol):
    """One request and its answer."""

    request: Incoming
    action: Action

    def early_answer(self, length: str) -> Answer | None:
        """A refusal that comes without reading the body."""

    def answer(self, request: Incoming) -> Answer:
        """Check, carry out, answer."""

    def leave(self) -> None:
        """The request is decided; called before its answer is written."""


class FakeServer:
    """A server on a free loopback port; a context manager."""

    secure = False
    close_connections = False

    def __init__(self) -> None:
        self.log = RequestLog()
        self.faults = Faults()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.host = HOST
        self.port = 0

    def exchange(self, request: Incoming) -> Conversation:
        """What becomes of a request."""
        raise NotImplementedError

    def wrap(self, server: socketserver.TCPServer) -> None:
        """Hook: TLS."""

    def start(self) -> Self:
        """Listen."""
        server = _Server((HOST, 0), _Handler)
        server.fake = self
        self.wrap(server)
        self.connections = Connections(server)
        self.port = server.server_address[1]
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and wait for the listener's end."""
        if self._server is not None and self._thread is not None:
            shut_down(self._server)
            self._thread.join(10)
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"{'https' if self.secure else 'http'}://{self.host}:{self.port}"

    @property
    def requests(self) -> list[Entry]:
        """All requests so far, in order of arrival."""
        return self.log.entries

    def count(self, operation: str) -> int:
        """Requests of one operation, such as ``"UploadPart"``, with or without a response."""
        return self.log.counts()[operation]

    def operations(self) -> list[str]:
        """Names of the operations in order of arrival."""
        return [entry.operation for entry in self.requests]


class FakeS3(FakeServer):
    """A fake S3 on a free loopback port; a context manager.

    :param options: what it insists on; see :mod:`.options`.
    """

    def __init__(self, options: Options = AMAZON) -> None:
        super().__init__()
        self.options = options
        self.state = State(options)
        self.secure = options.tls
        self.close_connections = options.close_connections
        self.certificate: str | None = None

    def exchange(self, request: Incoming) -> Exchange:
        return Exchange(self, with_bucket_of_host(request, self.options))

    def wrap(self, server: socketserver.TCPServer) -> None:
        if not self.options.tls:
            return
        context, self.certificate = server_context()
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )

    @property
    def key(self) -> str:
        """Access key id."""
        return self.options.key

    @property
    def secret(self) -> str:
        """Secret access key."""
        return self.options.secret

    @property
    def objects(self) -> dict[tuple[str, str], StoredObject]:
        """A snapshot of what is stored, by bucket and key."""
        with self.state.lock:
            return dict(self.state.objects)

    def body(self, bucket: str, key: str) -> bytes:
        """The bytes of an object."""
        return bytes(self.objects[bucket, key].body)

    def unfinished_uploads(self) -> list[Upload]:
        """Uploads neither completed nor aborted, the oldest first."""
        with self.state.lock:
            return sorted(self.state.uploads.values(), key=lambda upload: upload.upload_id)

    @property
    def violations(self) -> list[str]:
        """Broken rules that no answer can tell of, such as an abort while a part is in flight."""
        with self.state.lock:
            return list(self.state.violations)

    def peak_parts(self, upload_id: str | None = None) -> int:
        """Most parts that were in flight at once: on the server, or of one upload."""
        return self.state.peaks[upload_id or "parts"]

    def create_bucket(self, *names: str) -> None:
        """Make buckets without a request."""
        with self.state.lock:
            for name in names:
                self.state.buckets[name] = self.options.clock()

    def reset(self) -> None:
        """Forget requests, faults, objects, uploads and buckets."""
        self.faults.clear()
        self.log.clear()
        with self.state.lock:
            state = self.state
            for store in (state.buckets, state.objects, state.uploads):
                store.clear()
            for kept in (state.versioning, state.versions, state.lifecycles):
                kept.clear()
            self.state.violations.clear()
            self.state.peaks.clear()


_NAMES = "IP:127.0.0.1,DNS:localhost,DNS:store.test,DNS:*.store.test"


@functools.lru_cache(maxsize=1)
def make_certificate() -> tuple[str, str]:
    """Paths of a certificate and of its key; made once a process.

    It is for 127.0.0.1, localhost, store.test and one label before that, as those of stores are.
    """
    folder = Path(tempfile.mkdtemp(prefix="fake-s3-tls-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-newkey", "rsa:2048"),
            *("-subj", "/CN=127.0.0.1"),
            *("-addext", f"subjectAltName={_NAMES}"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return str(certificate), str(key)


def server_context() -> tuple[ssl.SSLContext, str]:
    """A context for the listening socket, and the path of the certificate clients must trust."""
    certificate, key = make_certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate
