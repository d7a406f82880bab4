# SPDX-License-Identifier: Apache-2.0
"""How long a request may take: to connect, in silence, and as a whole.

The libraries below know two limits, and give the one for connecting to the sending of a body as
well: a socket keeps it until the answer is awaited, and over plain http it bounds the whole body.
Here the limit of silence holds from one call that takes some of the body to the next.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from threading import RLock, Timer
from typing import Any, ClassVar, Protocol

import requests

from libcloud.http.request_state import RequestState
from libcloud.http.sending import can_listen, send_buffers
from libcloud.utils.per_process import PerProcess

__all__ = ["Deadline", "TimedConnection", "Watcher", "timing"]

# Bytes that are shown to a watcher, or sent by a call that blocks, at a time.
_SLICE = 256 * 1024


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

    state: RequestState | None = None
    """Of the request that is on its way, or that was answered last."""

    _silence: float | None = None

    def connect(self) -> None:
        super().connect()
        self._set_limits()
        if can_listen(self.sock):
            self.sock.settimeout(self._silence)

    def close(self) -> None:
        self.state = None
        super().close()

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
        """A request is about to be sent on this connection."""
        self.state = RequestState()
        self._set_limits()
        self.settle()

    def await_response(self) -> None:
        """Let the socket wait again: a response is about to be read."""
        sock: Any = self.sock
        if can_listen(sock) and sock.gettimeout() != self._silence:
            sock.settimeout(self._silence)

    @staticmethod
    def settle() -> None:
        """The request was answered, or failed."""
        if TimedConnection.watcher is not None:
            TimedConnection.watcher.settled()

    def send(self, data: Any) -> None:
        """Send ``data``, connecting first if necessary.

        :raises BrokenPipeError: the server has answered or gone away before it had all of it.
        """
        if self.sock is None and self.auto_open:
            self.connect()
        if isinstance(data, (bytes, bytearray, memoryview)):
            self.send_all((data,))
        else:
            self.await_response()
            super().send(data)

    def send_all(self, buffers: Sequence[Any]) -> None:
        """Send ``buffers`` by as few calls as the system can do with.

        :param buffers: bytes, or views of bytes.
        :raises BrokenPipeError: see :meth:`send`.
        """
        watcher = TimedConnection.watcher
        if watcher is None and can_listen(self.sock):
            self._send_listening(buffers)
            return
        for buffer in buffers:
            view = memoryview(buffer)
            for start in range(0, len(view), _SLICE):
                part = view[start : start + _SLICE]
                if watcher is not None:
                    watcher.sending(len(part))
                if can_listen(self.sock):
                    self._send_listening((part,))
                else:
                    super().send(part)

    def _send_listening(self, buffers: Sequence[Any]) -> None:
        sock: Any = self.sock
        state = self.state
        if state is None:  # a proxy is asked for a tunnel
            state = RequestState()
        elif (state.size or isinstance(sock, ssl.SSLSocket)) and sock.gettimeout() != 0:
            # Only over plain http, and only the first call is certain to return at once.
            sock.settimeout(0)
        send_buffers(sock, buffers, state=state, silence=self._silence)

    def _set_limits(self) -> None:
        sock: Any = self.sock
        if sock is None:
            return
        if _current.known:
            self._silence = _current.silence
            if not can_listen(sock) or sock.gettimeout() != self._silence:
                sock.settimeout(self._silence)
        elif can_listen(sock):
            self._silence = sock.gettimeout()
        if _current.deadline is not None:
            _current.deadline.watch(sock)


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
        self._lock = PerProcess(RLock)
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
        with self._lock():
            self._sock = None
        if self._expired and isinstance(error, Exception):
            raise requests.ReadTimeout(
                f"the request did not end within {self._seconds} seconds"
            ) from error

    def watch(self, sock: Any) -> None:
        """From now on the request is on ``sock``."""
        with self._lock():
            self._sock = sock
            expired = self._expired
        if expired:
            raise TimeoutError("the time of the request is over")

    def _expire(self) -> None:
        with self._lock():
            self._expired = True
            sock = getattr(self._sock, "socket", self._sock)  # TLS in TLS, behind a proxy
            if sock is not None:
                _shut_down(sock)


def _shut_down(sock: Any) -> None:
    """End both directions, below TLS, which another thread is in the middle of."""
    with suppress(OSError):  # it is gone already
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
