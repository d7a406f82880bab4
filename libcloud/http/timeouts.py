# SPDX-License-Identifier: Apache-2.0
"""Timeouts of a request: for connecting, for reading or writing, and for the request as a whole.

Here, the read timeout limits the time between two calls that send part of the body; requests and
urllib3 apply the connect timeout to it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any, ClassVar, Protocol

from libcloud.http.sending import RequestState, is_tls, send_buffers
from libcloud.utils import cancellation

# Bytes that are shown to a listener, or sent by a call that blocks, at a time.
_SLICE = 256 * 1024

UNKNOWN: Any = object()


class _Current(threading.local):
    """The request that this thread is sending."""

    target: str | None = None
    silence: float | None = UNKNOWN  # the read timeout
    is_limited = False  # by a deadline


current = _Current()


@contextmanager
def during_request(target: str | None, timeout: Any) -> Iterator[None]:
    """Apply ``timeout``, in any form of requests, to this thread in the block."""
    silence = timeout[1] if isinstance(timeout, tuple) else timeout
    silence = getattr(silence, "read_timeout", silence)
    outer = current.target, current.silence
    current.target, current.silence = target, silence
    try:
        yield
    finally:
        current.target, current.silence = outer


class ProgressListener(Protocol):
    """Receives the progress of requests, in the thread that sends them. Must return quickly."""

    def sending(self, size: int) -> object:
        """Called before ``size`` more bytes of this thread's request are sent.

        An exception cancels the request, which then has no effect, because it is incomplete.
        """

    def settled(self) -> object:
        """Called when this thread's request starts, and when it has succeeded or failed."""


class TimedConnection:
    """Base of all connections: timeouts, cancellation, and sending in few system calls."""

    progress_listener: ClassVar[ProgressListener | None] = None
    """For programs that show progress. It applies to all connections of the process, because
    connections are opened and closed at any time. Set it once, or for the time of a transfer."""

    sock: Any = None

    state: RequestState | None = None
    """State of the current request, or of the last one."""

    _silence: float | None = None
    _cancellation: cancellation.Cancellation | None = None

    def watch(self) -> None:
        """Let the cancellation of this thread interrupt the connection, until :meth:`release`."""
        active = cancellation.current()
        if active is not self._cancellation:
            if self._cancellation is not None:
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
        if self.sock is not None:
            shut_down(self.sock)

    def is_clean(self) -> bool:
        """Return whether no byte of the last response, or after it, is left."""
        # Bytes that TLS has already decrypted are not visible at the socket.
        pending = getattr(self.sock, "pending", None)
        return bool(self.state and self.state.complete) and (pending is None or not pending())

    def begin(self, silence: float | None, method: str) -> None:
        """Called before a request with this read timeout is sent on the connection."""
        self.state = RequestState(method)
        self.watch()
        self.limit(silence)
        self.settle()

    def limit(self, silence: Any) -> None:
        """Set the read timeout, unless there is no socket yet."""
        sock = self.sock
        if sock is not None and silence is not UNKNOWN:
            self._silence = silence
            if not isinstance(sock, socket.socket) or sock.gettimeout() != silence:
                sock.settimeout(silence)
        elif isinstance(sock, socket.socket):
            self._silence = sock.gettimeout()

    def await_response(self) -> None:
        """Make the socket blocking again, before the response is read."""
        sock = self.sock
        if isinstance(sock, socket.socket) and sock.gettimeout() != self._silence:
            sock.settimeout(self._silence)
        if self.state is not None:
            self.state.limit(self._silence)

    @staticmethod
    def settle() -> None:
        """Called when the request has succeeded or failed."""
        if TimedConnection.progress_listener is not None:
            TimedConnection.progress_listener.settled()

    def send_all(self, buffers: Sequence[Any]) -> None:
        """Send ``buffers``; see :func:`~libcloud.http.sending.send_buffers`."""
        sock, state = self.sock, self.state or RequestState()  # none: CONNECT to a proxy
        at_once = TimedConnection.progress_listener is None
        for group in (buffers,) if at_once else slices(buffers):
            # Only over plain http the first call is certain to return at once.
            if (state.size or is_tls(sock)) and self.state and sock.gettimeout() != 0:
                sock.settimeout(0)
            send_buffers(sock, group, state=state, silence=self._silence)


def slices(buffers: Sequence[Any]) -> Iterator[tuple[memoryview]]:
    """Yield ``buffers`` in slices, each after the listener was called."""
    listener = TimedConnection.progress_listener
    for buffer in buffers:
        view = memoryview(buffer)
        for start in range(0, len(view), _SLICE):
            part = view[start : start + _SLICE]
            if listener is not None:
                listener.sending(len(part))
            yield (part,)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Limit the total time of this thread's requests in the block.

    When the time is over, another thread shuts the socket down, so that no polling is needed.

    :raises requests.ReadTimeout: the time was over, in place of the error that this caused.
    """
    limit, outer = cancellation.Cancellation(), cancellation.current()
    timer = Timer(seconds, limit.abandon)
    timer.daemon = True
    was_limited, current.is_limited = current.is_limited, True
    timer.start()
    try:
        try:
            with limit.active():
                yield
        finally:
            timer.cancel()
            timer.join()  # afterwards, it does not interrupt what the caller still reads
            current.is_limited = was_limited
        if limit.abandoned:  # a body without a length seems to be complete
            raise cancellation.CancelledError("cancelled")
    except Exception as error:
        if not limit.abandoned or (outer is not None and outer.abandoned):
            raise
        import requests

        raise requests.ReadTimeout(f"the request did not end within {seconds} seconds") from error


def shut_down(sock: Any) -> None:
    """Shut down both directions below TLS, which another thread may be using."""
    with suppress(OSError):  # already closed
        # Behind a proxy that uses TLS itself, ``sock`` is an object of urllib3.
        socket.socket.shutdown(getattr(sock, "socket", sock), socket.SHUT_RDWR)
