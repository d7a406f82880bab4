# SPDX-License-Identifier: Apache-2.0
"""How long a request may take: to connect, in silence, and as a whole.

The libraries below know two limits, and give the one for connecting to the sending of a body as
well: a socket keeps it until the answer is awaited, and over plain http it bounds the whole body.
Here the limit of silence holds for each call that takes some of the body: as much as the system
takes at once over plain http; a slice over TLS, where a call returns when all of it has left.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from threading import Timer
from typing import Any, ClassVar, Protocol

import requests

__all__ = ["Deadline", "TimedConnection", "Watcher", "timing"]

# Bytes that have to leave within the limit of silence: about 4 KiB a second with the default.
_SLICE = 256 * 1024

# Buffers given to the system at once: what each one takes. Reference: POSIX, limits.h, IOV_MAX.
_AT_ONCE = 16


class _Current(threading.local):
    """What holds for the request that this thread is sending."""

    known = False
    silence: float | None = None
    deadline: Deadline | None = None


_current = _Current()


class timing:
    """Let ``timeout``, in any form that requests takes, hold for what this thread sends."""

    __slots__ = ("_outer", "_silence")

    def __init__(self, timeout: Any) -> None:
        self._silence = _silence_of(timeout)

    def __enter__(self) -> None:
        self._outer = _current.known, _current.silence
        _current.known, _current.silence = True, self._silence

    def __exit__(self, *args: object) -> None:
        _current.known, _current.silence = self._outer


def _silence_of(timeout: Any) -> float | None:
    silence = timeout[1] if isinstance(timeout, tuple) else timeout
    return getattr(silence, "read_timeout", silence)


class Watcher(Protocol):
    """Is told how far requests are, by the thread that sends them. It must be quick."""

    def sending(self, size: int) -> object:
        """``size`` more bytes of this thread's request are about to leave.

        An exception fails the request, of which the server then has not all: it has no effect.
        """

    def settled(self) -> object:
        """This thread's request was answered, or failed; or it begins."""


class TimedConnection(http.client.HTTPConnection):
    """Mixed into the connections of urllib3."""

    watcher: ClassVar[Watcher | None] = None
    """For a program that shows how far its transfers are: of all connections of the process, since
    connections come and go. Set it once, or for the time of a transfer."""

    def connect(self) -> None:
        super().connect()
        self._set_limits()

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        self.begin()
        super().putrequest(method, url, *args, **kwargs)

    def getresponse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().getresponse(*args, **kwargs)
        finally:
            self.settle()

    def begin(self) -> None:
        """A request is about to be sent on this connection, which is open."""
        self._set_limits()
        self.settle()

    @staticmethod
    def settle() -> None:
        """The request was answered, or failed."""
        if TimedConnection.watcher is not None:
            TimedConnection.watcher.settled()

    def send_all(self, buffers: Sequence[Any]) -> None:
        """Send ``buffers``, over plain http by as few calls as the system can do with.

        :param buffers: bytes, or views of bytes.
        """
        if TimedConnection.watcher is not None or not _gathers(self.sock):
            for buffer in buffers:
                self.send(buffer)
            return
        views = [memoryview(buffer) for buffer in buffers if buffer]
        start = 0
        while start < len(views):
            count = self.sock.sendmsg(views[start : start + _AT_ONCE])
            while start < len(views) and count >= len(views[start]):
                count -= len(views[start])
                start += 1
            if count:
                views[start] = views[start][count:]

    def send(self, data: Any) -> None:
        """Send ``data``; what is long goes in several calls, each with the whole time."""
        if not isinstance(data, (bytes, bytearray, memoryview)) or len(data) <= _SLICE:
            self._send_slice(data)
            return
        view, sock = memoryview(data), self.sock
        if TimedConnection.watcher is None and isinstance(sock, socket.socket):
            limit = _SLICE if isinstance(sock, ssl.SSLSocket) else len(view)
            while view:
                view = view[sock.send(view[:limit]) :]
            return
        for start in range(0, len(view), _SLICE):
            self._send_slice(view[start : start + _SLICE])

    def _send_slice(self, data: Any) -> None:
        if TimedConnection.watcher is not None and isinstance(data, (bytes, memoryview)):
            TimedConnection.watcher.sending(len(data))
        super().send(data)

    def _set_limits(self) -> None:
        sock: Any = getattr(self, "sock", None)
        if sock is None:
            return
        if _current.known:
            sock.settimeout(_current.silence)
        if _current.deadline is not None:
            _current.deadline.watch(sock)


def _gathers(sock: Any) -> bool:
    """Whether ``sock`` takes several buffers at once: over plain http, where systems have it."""
    plain = isinstance(sock, socket.socket) and not isinstance(sock, ssl.SSLSocket)
    return plain and hasattr(sock, "sendmsg")


class Deadline:
    """Ends what this thread sends in its ``with`` block when that takes too long as a whole.

    The socket is shut down from another thread, so that nothing has to be polled.

    :param seconds: from the start of the block.
    :raises requests.ReadTimeout: at the end of the block, in place of the error that this caused.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer = Timer(seconds, self._expire)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._expired = False
        self._sock: Any = None
        self._outer: Deadline | None = None

    def __enter__(self) -> Deadline:
        self._outer, _current.deadline = _current.deadline, self
        self._timer.start()
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._timer.cancel()
        _current.deadline = self._outer
        with self._lock:
            self._sock = None
        if self._expired and isinstance(error, Exception):
            raise requests.ReadTimeout(
                f"the request did not end within {self._seconds} seconds"
            ) from error

    def watch(self, sock: Any) -> None:
        """From now on the request is on ``sock``."""
        with self._lock:
            self._sock = sock
            expired = self._expired
        if expired:
            raise TimeoutError("the time of the request is over")

    def _expire(self) -> None:
        with self._lock:
            self._expired = True
            sock = getattr(self._sock, "socket", self._sock)  # TLS in TLS, behind a proxy
            if sock is not None:
                _shut_down(sock)


def _shut_down(sock: Any) -> None:
    """End both directions, below TLS, which another thread is in the middle of."""
    with suppress(OSError):  # it is gone already
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
