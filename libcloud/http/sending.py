# SPDX-License-Identifier: Apache-2.0
"""Sending to a socket while listening for a response that comes early.

A server may refuse a request before it has its body, and read no more of it. Whoever sends without
listening then waits until the limit of silence, or loses the refusal. So a socket does not block
when it was not able to take the beginning of a request at once: then it is looked at whether it has
something to read.
"""

from __future__ import annotations

import errno
import re
import select
import socket
import ssl
from collections.abc import Sequence
from typing import Any

from libcloud.http.heads import HEAD_END
from libcloud.http.request_state import RequestState

__all__ = ["can_listen", "send_buffers"]

# Bytes that have to leave within the limit of silence: about 4 KiB a second with the default.
_SLICE = 256 * 1024

# Buffers given to the system at once: what each one takes. Reference: POSIX, limits.h, IOV_MAX.
_AT_ONCE = 16

# Bytes received at once, and kept while only interim responses have come.
_RECEIVED = 16 * 1024
_MOST_INTERIM = 64 * 1024

_STATUS = re.compile(rb"HTTP/1\.[0-9] ([0-9]{3})")
_LONGEST_STATUS = len("HTTP/1.1 200")

_BLOCKED = (BlockingIOError, ssl.SSLWantWriteError)
_BROKEN = (BrokenPipeError, ConnectionResetError)


def can_listen(sock: Any) -> bool:
    """Whether ``sock`` can be read while it is written to: not TLS within TLS, nor stand-ins."""
    return isinstance(sock, socket.socket)


def send_buffers(
    sock: Any, buffers: Sequence[Any], *, state: RequestState, silence: float | None
) -> None:
    """Send ``buffers`` by as few calls as the system can do with.

    :param sock: see :func:`can_listen`; it should not block, unless it takes some of them at once.
        It does not block afterwards if it did not take all of them at once.
    :param buffers: bytes, or views of bytes.
    :param silence: seconds to wait until the socket takes more; ``None``: for ever.
    :raises BrokenPipeError: the server takes no more. What it said before can be read.
    :raises TimeoutError: ``silence`` is over.
    """
    views = [memoryview(buffer) for buffer in buffers if buffer]
    state.size += sum(map(len, views))
    gathers = not isinstance(sock, ssl.SSLSocket) and hasattr(sock, "sendmsg")
    start, full = 0, False
    while start < len(views):
        if full:
            if sock.gettimeout() != 0:
                sock.settimeout(0)
            _wait(sock, state, silence)
        # TLS must be given the same bytes again when they could not leave.
        offered = views[start : start + _AT_ONCE] if gathers else [views[start][:_SLICE]]
        try:
            count = sock.sendmsg(offered) if gathers else sock.send(offered[0])
        except _BLOCKED:
            full = True
            continue
        except ssl.SSLWantReadError:  # TLS 1.2 negotiates its keys anew
            _ready(sock, silence, reading=True, writing=False)
            continue
        except _BROKEN as error:
            raise _stopped(state) from error
        full = count < sum(map(len, offered))
        while start < len(views) and count >= len(views[start]):
            count -= len(views[start])
            start += 1
        if count:
            views[start] = views[start][count:]


def _wait(sock: Any, state: RequestState, silence: float | None) -> None:
    """Wait until ``sock`` takes more.

    :raises BrokenPipeError: the server has refused the request, or gone away.
    """
    readable, writable = _ready(sock, silence, reading=not state.final, writing=True)
    if writable or not readable:
        return
    try:
        data = sock.recv(_RECEIVED)
    except (BlockingIOError, ssl.SSLWantReadError):  # a message of TLS, such as a session ticket
        return
    except OSError as error:
        state.error = error
        raise _stopped(state) from error
    state.received += data
    status = _final_status(state.received) if data else 0
    state.final = status is not None
    # A success is none before all has arrived: the server is perhaps still reading.
    if status is not None and not 200 <= status < 300:
        raise _stopped(state)


def _ready(sock: Any, silence: float | None, *, reading: bool, writing: bool) -> tuple[bool, bool]:
    """Wait until ``sock`` can be read or written, and return whether it can be either.

    Neither means that it is broken.
    """
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
    """The status of the response that ``data`` begins with, after interim ones; 0 if it is none.

    ``None``: it has not come yet.
    """
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
    """What urllib3 takes for "read the response", whatever the system calls it."""
    state.unsent = True
    return BrokenPipeError(errno.EPIPE, "the server takes no more of the request")
