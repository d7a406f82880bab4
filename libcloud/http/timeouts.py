# SPDX-License-Identifier: Apache-2.0
"""Timeouts of a request: for connecting, for reading or writing, and for the request as a whole.

requests and urllib3 apply the connect timeout to sending the body, too, and over plain http to the
whole body. Here, the read timeout limits the time between two calls that send part of the body.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import RLock, Timer
from typing import Any, ClassVar, Protocol

import requests

from libcloud.http.received import RequestState
from libcloud.http.sending import send_buffers
from libcloud.utils import cancellation
from libcloud.utils.local import PerProcess

# Bytes that are shown to a listener, or sent by a call that blocks, at a time.
_SLICE = 256 * 1024


_UNKNOWN: Any = object()


class _Current(threading.local):
    """The timeouts of the request that this thread is sending.

    :ivar silence: the read timeout.
    """

    silence: float | None = _UNKNOWN
    deadline: Deadline | None = None


current = _Current()


@contextmanager
def timing(timeout: Any) -> Iterator[None]:
    """Apply ``timeout``, in any form of requests, to this thread in the block."""
    outer, current.silence = current.silence, silence_of(timeout)
    try:
        yield
    finally:
        current.silence = outer


def silence_of(timeout: Any) -> float | None:
    """The read timeout in ``timeout``, in any form of requests."""
    silence = timeout[1] if isinstance(timeout, tuple) else timeout
    return getattr(silence, "read_timeout", silence)


class ProgressListener(Protocol):
    """Receives the progress of requests, in the thread that sends them. Must return quickly."""

    def sending(self, size: int) -> object:
        """Called before ``size`` more bytes of this thread's request are sent.

        An exception cancels the request, which then has no effect, because it is incomplete.
        """

    def settled(self) -> object:
        """Called when this thread's request starts, and when it has succeeded or failed."""


class TimedConnection(http.client.HTTPConnection):
    """A base class of the connections in :mod:`libcloud.http.adapter`."""

    progress_listener: ClassVar[ProgressListener | None] = None
    """For programs that show progress. It applies to all connections of the process, because
    connections are opened and closed at any time. Set it once, or for the time of a transfer."""

    state: RequestState | None = None
    """State of the current request, or of the last one."""

    _silence: float | None = None
    _cancellation: cancellation.Cancellation | None = None
    _connecting: Any = None  # the socket, below TLS

    def connect(self) -> None:
        cancellation.raise_if_abandoned()
        try:
            super().connect()
        finally:
            if self._connecting is not None:
                self._connecting.close()
                self._connecting = None
        self._watch()
        self._set_limits()
        if isinstance(self.sock, socket.socket):
            self.sock.settimeout(self._silence)

    def _new_conn(self) -> Any:
        """As in urllib3; a cancellation may interrupt the TLS handshake that follows."""
        untyped: Any = super()
        sock = untyped._new_conn()
        if cancellation.current() is not None:
            self._connecting = sock.dup()
            self._watch()
        return sock

    def close(self) -> None:
        self.state = None
        self.release()
        super().close()

    def _watch(self) -> None:
        """Let the cancellation of this thread interrupt the connection, until :meth:`release`."""
        active = cancellation.current()
        if active is not self._cancellation:
            self.release()
            self._cancellation = active
        if active is not None:
            active.start_wait(self)

    def release(self) -> bool:
        """The response has ended: return whether it was not interrupted."""
        active, self._cancellation = self._cancellation, None
        return active is None or active.end_wait(self)

    def interrupt(self) -> None:
        """Make the request that uses the connection fail; called by any thread."""
        for sock in (self._connecting, self.sock):
            if sock is not None:
                _shut_down(getattr(sock, "socket", sock))  # TLS in TLS, behind a proxy

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        self.begin()
        super().putrequest(method, url, *args, **kwargs)

    def getresponse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            self.await_response()
            return super().getresponse(*args, **kwargs)
        finally:
            self.settle()

    def begin(self) -> None:
        """Called before a request is sent on this connection."""
        self.state = RequestState()
        self._watch()
        self._set_limits()
        if TimedConnection.progress_listener is not None:
            self.settle()

    def await_response(self) -> None:
        """Make the socket blocking again, before the response is read."""
        sock: Any = self.sock
        if isinstance(sock, socket.socket) and sock.gettimeout() != self._silence:
            sock.settimeout(self._silence)

    @staticmethod
    def settle() -> None:
        """Called when the request has succeeded or failed."""
        if TimedConnection.progress_listener is not None:
            TimedConnection.progress_listener.settled()

    def send(self, data: Any) -> None:
        """Send ``data``, connecting first if necessary.

        :raises BrokenPipeError: the server responded or closed the connection before the end.
        """
        if self.sock is None and self.auto_open:
            self.connect()
        if isinstance(data, (bytes, bytearray, memoryview)):
            self.send_all((data,))
        else:
            self.await_response()
            super().send(data)

    def send_all(self, buffers: Sequence[Any]) -> None:
        """Send ``buffers`` with as few system calls as possible.

        :param buffers: bytes, or views of bytes.
        :raises BrokenPipeError: see :meth:`send`.
        """
        sock: Any = self.sock
        state = self.state
        listens = isinstance(sock, socket.socket)  # not TLS in TLS, and not a mock
        at_once = listens and TimedConnection.progress_listener is None
        for group in (buffers,) if at_once else _slices(buffers):
            if not listens:
                super().send(group[0])
                continue
            if state is None:  # CONNECT to a proxy
                state = RequestState()
            elif (state.size or isinstance(sock, ssl.SSLSocket)) and sock.gettimeout() != 0:
                # Only over plain http the first call is certain to return at once.
                sock.settimeout(0)
            send_buffers(sock, group, state=state, silence=self._silence)

    def _set_limits(self) -> None:
        sock: Any = self.sock
        if sock is None:
            return
        if current.silence is not _UNKNOWN:
            self._silence = current.silence
            if not isinstance(sock, socket.socket) or sock.gettimeout() != self._silence:
                sock.settimeout(self._silence)
        elif isinstance(sock, socket.socket):
            self._silence = sock.gettimeout()
        if current.deadline is not None:
            current.deadline.watch(sock)


def _slices(buffers: Sequence[Any]) -> Iterator[tuple[memoryview]]:
    """Yield ``buffers`` in slices, each after the listener was called."""
    listener = TimedConnection.progress_listener
    for buffer in buffers:
        view = memoryview(buffer)
        for start in range(0, len(view), _SLICE):
            part = view[start : start + _SLICE]
            if listener is not None:
                listener.sending(len(part))
            yield (part,)


class Deadline:
    """A context manager that limits the total time of this thread's requests in the block.

    When the time is over, another thread shuts the socket down, so that no polling is needed.

    :param seconds: from the start of the block.
    :raises requests.ReadTimeout: at the end of the block, replacing the error that this caused.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer = Timer(seconds, self._expire)
        self._timer.daemon = True
        self._lock = PerProcess(RLock)
        self._expired = False
        self._sock: Any = None
        self._outer: Deadline | None = None

    def __enter__(self) -> Deadline:
        self._outer, current.deadline = current.deadline, self
        self._timer.start()
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._timer.cancel()
        current.deadline = self._outer
        with self._lock():
            self._sock = None
        if self._expired and isinstance(error, Exception):
            raise requests.ReadTimeout(
                f"the request did not end within {self._seconds} seconds"
            ) from error

    def watch(self, sock: Any) -> None:
        """Use ``sock`` for the request from now on."""
        with self._lock():
            self._sock = sock
            expired = self._expired
        if expired:
            raise TimeoutError("the total time of the request has elapsed")

    def _expire(self) -> None:
        with self._lock():
            self._expired = True
            sock = getattr(self._sock, "socket", self._sock)  # TLS in TLS, behind a proxy
            if sock is not None:
                _shut_down(sock)


def _shut_down(sock: Any) -> None:
    """Shut down both directions below TLS, which another thread may be using."""
    with suppress(OSError):  # already closed
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
