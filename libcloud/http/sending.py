# SPDX-License-Identifier: Apache-2.0
"""Sends a request while watching for an early response.

A server may reject a request before it has received the body, and stop reading; a client that only
sends would lose the error response, or block. So if the first bytes of a request cannot be sent at
once, the socket becomes non-blocking and is polled for input too.
"""

from __future__ import annotations

import errno
import os
import re
import select
import socket
from collections.abc import Sequence
from math import inf
from time import monotonic
from typing import Any

# As for the standard library, a bare line feed ends a line.
HEAD_END = re.compile(rb"\n\r?\n")

# Bytes that must be sent within the timeout: about 4 KiB per second with the default.
_SLICE = 256 * 1024

# Buffers per system call that every system supports. Reference: POSIX, limits.h, IOV_MAX.
_AT_ONCE = 16

# Bytes to receive at once, and to keep while only interim responses have arrived.
_RECEIVED = 16 * 1024
_MOST_INTERIM = 64 * 1024

_STATUS = re.compile(rb"HTTP/1\.[0-9] ([0-9]{3})")
_LONGEST_STATUS = len("HTTP/1.1 200")

_BROKEN = (BrokenPipeError, ConnectionResetError)


# A server that rejects a request may leave this much of its body unread, and would interpret it as
# the next request or wait for the rest. nginx and Go read up to 256 KiB to keep the connection;
# other servers read nothing.
_LARGE = 64 * 1024

# Statuses from here on mean that the request was not executed.
_REFUSED = 300

# Bytes of a response that must arrive within the read timeout, or within a minute if that is
# shorter: 68 per second, so that the largest worker pool can share a line of 140 kbit/s.
_PACED = 4 * 1024
_LEAST_SECONDS = 60

# A store may send interim responses or white space while it processes other requests than these.
_READS = ("GET", "HEAD")
_LONGER = 10


class RequestState:
    """The state of one request on a connection.

    The connection can be reused only if the whole request was sent, the response ended at its
    declared length, and no bytes followed it.

    :ivar received: bytes of the response that arrived while the request was being sent.
    :ivar error: raised after ``received``; ``None``: the rest comes from the connection.
    :ivar size: number of bytes sent.
    :ivar unsent: the server did not accept the whole request.
    :ivar final: the final response has started, not only interim ones.
    :ivar complete: the response was read to its end and no bytes follow it.

    :param method: of the request.
    """

    received = b""
    error: OSError | None = None
    size = 0
    unsent = final = complete = False
    _silence: float | None = None  # the read timeout
    _seconds = inf  # to wait for each slice of the response
    _waited: float | None = None  # for the present slice; None: nothing has arrived
    _arrived = 0  # bytes of it

    def __init__(self, method: str = "") -> None:
        self._method = method

    def limit(self, silence: float | None) -> None:
        """Limit how slowly the response may arrive, by the read timeout."""
        longer = 1 if self._method in _READS else _LONGER
        self._silence = silence
        self._seconds = inf if silence is None else max(silence, _LEAST_SECONDS) * longer

    def receive(self, receive: Any, argument: Any) -> Any:
        """Return ``receive(argument)``; only the time in which it waits counts."""
        started = monotonic()
        received = receive(argument)
        waited = monotonic() - started
        if self._waited is None:
            self._waited = 0.0  # the store was processing the request
        elif self._silence is None or waited <= self._silence:
            self._waited += waited  # otherwise, this process was stopped meanwhile
        self._arrived += received if isinstance(received, int) else len(received or b"")
        if self._arrived >= _PACED:
            self._waited, self._arrived = 0.0, 0
        elif self._waited > self._seconds:
            raise TimeoutError(f"{self._arrived} bytes arrived in {self._waited:.3g} seconds")
        return received

    def is_premature(self, status: int) -> bool:
        """Return whether a success came although the request was not sent completely."""
        return self.unsent and status < _REFUSED

    def may_be_unread(self, status: int) -> bool:
        """Return whether the server may have left part of the request unread."""
        return self.unsent or (status >= _REFUSED and self.size > _LARGE)


def is_tls(sock: Any) -> bool:
    """Return whether ``sock`` is a socket of ``ssl``, which is not imported for this."""
    return hasattr(sock, "do_handshake")


def has_arrived(sock: Any) -> bool:
    """Return whether ``sock`` can be read: bytes have arrived, or it was closed on any side."""
    if sock.fileno() < 0:
        return True
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def send_buffers(
    sock: Any, buffers: Sequence[Any], *, state: RequestState, silence: float | None
) -> None:
    """Send ``buffers`` with as few system calls as possible.

    ``sock`` is non-blocking afterwards if it did not accept all buffers at once.

    :param silence: seconds to wait until the socket accepts more; ``None``: no limit.
    :raises BrokenPipeError: the server reads no more of the request. Its response can be read.
    """
    views = [memoryview(buffer) for buffer in buffers if buffer]
    total = sum(map(len, views))
    state.size += total
    # The method of a socket with a timeout polls it before it sends. Each of the two system calls
    # releases the interpreter's lock, which other threads of a busy program wait for.
    writes = type(sock) is socket.socket and hasattr(os, "writev")
    gathers = writes or (not is_tls(sock) and hasattr(sock, "sendmsg"))
    start, full = 0, False
    while start < len(views):
        if full:
            if sock.gettimeout() != 0:
                sock.settimeout(0)
            _wait(sock, state, silence)
        # TLS must be given the same bytes again if they could not be sent.
        offered = views[start : start + _AT_ONCE] if gathers else [views[start][:_SLICE]]
        try:
            if writes:
                count = os.writev(sock.fileno(), offered)
            else:
                count = sock.sendmsg(offered) if gathers else sock.send(offered[0])
        except _BROKEN as error:
            raise _stopped(state) from error
        except OSError as error:
            full = _blocks(error, "SSLWantWriteError")
            if not full:
                if not _blocks(error, "SSLWantReadError"):
                    raise
                _ready(sock, silence, reading=True, writing=False)  # TLS 1.2 renegotiation
            continue
        if not start and count == total:
            return  # the usual case
        full = count < sum(map(len, offered))
        while start < len(views) and count >= len(views[start]):
            count -= len(views[start])
            start += 1
        if count:
            views[start] = views[start][count:]


def _wait(sock: Any, state: RequestState, silence: float | None) -> None:
    """Wait until ``sock`` is writable, unless the server rejects the request or closes it."""
    readable, writable = _ready(sock, silence, reading=not state.final, writing=True)
    if writable or not readable:
        return
    try:
        data = sock.recv(_RECEIVED)
    except OSError as error:
        if _blocks(error, "SSLWantReadError"):  # only a TLS message, such as a session ticket
            return
        state.error = error
        raise _stopped(state) from error
    state.received += data
    status = _final_status(state.received) if data else 0
    state.final = status is not None
    # A success does not count before the whole request was sent: the server may still be reading.
    if status is not None and not 200 <= status < 300:
        raise _stopped(state)


def _blocks(error: OSError, name: str) -> bool:
    """Return whether a non-blocking call would block; ``name``: the class of the error in TLS."""
    return isinstance(error, BlockingIOError) or type(error).__name__ == name


def _ready(sock: Any, silence: float | None, *, reading: bool, writing: bool) -> tuple[bool, bool]:
    """Wait until ``sock`` is readable or writable, and return which; neither: it is broken."""
    if not hasattr(select, "poll"):  # Windows
        found = select.select([sock] * reading, [sock] * writing, [sock], silence)
        if not any(found):
            raise TimeoutError("timed out")
        return bool(found[0]), bool(found[1])
    poll = select.poll()
    poll.register(sock, (select.POLLIN if reading else 0) | (select.POLLOUT if writing else 0))
    events = poll.poll(None if silence is None else silence * 1000)
    if not events:
        raise TimeoutError("timed out")
    return bool(events[0][1] & select.POLLIN), bool(events[0][1] & select.POLLOUT)


def _final_status(data: bytes) -> int | None:
    """Return the status of the first final response; 0: not HTTP; ``None``: none arrived."""
    start = 0
    while match := _STATUS.match(data, start):
        status = int(match[1])
        if status >= 200 or status == 101:
            return status
        end = HEAD_END.search(data, start)
        if end is None:
            break
        start = end.end()
    incomplete = match is not None or len(data) - start < _LONGEST_STATUS
    return None if incomplete and len(data) < _MOST_INTERIM else 0


def _stopped(state: RequestState) -> BrokenPipeError:
    """Return the error after which urllib3 reads the response, on every platform."""
    state.unsent = True
    return BrokenPipeError(errno.EPIPE, "the server reads no more of the request")
