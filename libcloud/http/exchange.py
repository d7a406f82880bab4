# SPDX-License-Identifier: Apache-2.0
"""A request and its answer on a connection that is open already: the usual case, in few steps.

Connections come from the pools of urllib3 and go back there. Whatever is not as usual is left to
the libraries: to connect, proxies, answers in chunks, compressed, with cookies, after interim ones,
cut short or large. They read an answer from its beginning: what was taken from the socket, then
what comes after that, be it more bytes or an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import urllib3
from urllib3.exceptions import ReadTimeoutError

from libcloud.http.heads import HEAD_END, Head, plain_head
from libcloud.http.request_state import RequestState
from libcloud.utils.bodies import Pieces

__all__ = ["Answer", "exchange", "request_head"]

# Bytes taken from a socket at once: more than a head, and the small document behind it.
_TAKEN = 16 * 1024

# A body up to this size leaves together with the head.
_JOINED = 128 * 1024

# Bodies of answers up to this size are read here. A library takes memory as the bytes come.
_LARGEST = 1024 * 1024

# RFC 9112, sections 3 and 5: what needs no second look. Names were looked at before, since a colon
# in one of them would not show.
_HEAD = re.compile(
    r"[A-Z]+ [\x21-\x7e]+ HTTP/1\.1\r\n"
    r"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: (?:[\x21-\x7e][\x20-\x7e]*)?\r\n)*\r\n"
)
_NO_NAMES = re.compile(r"[:\s]")

# RFC 9112, section 5.2: a value may go on in the next line.
_FOLD = re.compile(r"[ \t]*\r?\n[ \t]+")

# The libraries add those that are missing, and do something about the others.
_NEEDED = frozenset({"accept-encoding", "host", "user-agent"})
_SPECIAL_IN_REQUESTS = frozenset({"expect", "transfer-encoding"})
_SPECIAL_IN_ANSWERS = ("content-encoding", "set-cookie")


class Answer(NamedTuple):
    """A whole answer of the usual form."""

    head: Head
    body: bytes


def request_head(method: str, target: str, headers: Mapping[str, tuple[Any, Any]]) -> bytes | None:
    """The head of a request as it goes on the wire; ``None`` if it is not of the usual form.

    :param headers: names in lower case, each with the name as it is sent and the value.
    """
    names = headers.keys()
    if not names >= _NEEDED or not _SPECIAL_IN_REQUESTS.isdisjoint(names):
        return None
    try:
        lines = list(map(": ".join, headers.values()))
    except TypeError:
        return None  # not text
    text = "\r\n".join((f"{method} {target} HTTP/1.1", *lines, "", ""))
    # More ends of lines than lines: one of them holds two.
    if text.count("\n") != len(lines) + 2 or _NO_NAMES.search(",".join(names)):
        return None
    return text.encode("ascii") if _HEAD.fullmatch(text) else None


def exchange(
    connection: Any, head: bytes, body: Any, *, method: str, pool: Any
) -> Answer | urllib3.HTTPResponse:
    """Send a request and get its answer.

    :param connection: of urllib3, open; see :class:`~libcloud.http.timeouts.TimedConnection`.
    :param head: from :func:`request_head`.
    :param body: bytes, a view of bytes, ``Pieces`` or ``None``.
    :param pool: where ``connection`` is from.
    :return: an answer in the form of urllib3 is not read yet, and gives the connection back itself.
    :raises OSError, http.client.HTTPException, urllib3.exceptions.HTTPError: no answer came.
    """
    connection.begin()
    state: RequestState = connection.state
    try:
        _send(connection, head, body)
        _until_head_ends(connection.sock, state)
        end = HEAD_END.search(state.received)
        said = None if end is None else plain_head(state.received[: end.end()], method)
        if end is not None and said is not None and said.length <= _LARGEST and _is_plain(said):
            _receive(connection.sock, state, end.end() + said.length)
            content = state.received[end.end() :]
            if len(content) >= said.length:
                state.check(said.status)
                # Bytes behind the answer belong to none of our requests.
                state.answered = (
                    len(content) == said.length
                    and not said.closes
                    and not state.may_be_unread(said.status)
                )
                return Answer(said, content[: said.length])
        return _by_the_library(connection, method=method, pool=pool)
    finally:
        connection.settle()


def _send(connection: Any, head: bytes, body: Any) -> None:
    """Send all of it, unless the server takes no more: it may have answered before."""
    buffers: Iterable[Any] = ()
    if body is None or len(body) <= _JOINED:
        head += bytes(body or b"")
    else:
        # Of what has a length, room for as many items would be made: that of Pieces is in bytes.
        buffers = iter(body) if isinstance(body, Pieces) else (body,)
    with suppress(BrokenPipeError):
        connection.send_all((head, *buffers))
    connection.await_response()


def _until_head_ends(sock: Any, state: RequestState) -> None:
    """Receive the head of a response, and what comes with it; less if an error comes."""
    data = state.received
    try:
        while state.error is None and not HEAD_END.search(data) and len(data) < _TAKEN:
            more = sock.recv(_TAKEN)
            if not more:
                break
            data += more
    except OSError as error:
        state.error = error
    state.received = data


def _receive(sock: Any, state: RequestState, size: int) -> None:
    """Receive up to ``size`` bytes in all; less if an error comes."""
    done = len(state.received)
    if done >= size or state.error is not None:
        return
    whole = memoryview(bytearray(size))
    whole[:done] = state.received
    try:
        while done < size:
            count = sock.recv_into(whole[done:])
            if not count:
                break
            done += count
    except OSError as error:
        state.error = error
    state.received = bytes(whole[:done])


def _is_plain(head: Head) -> bool:
    """Whether no library has to look at it."""
    unique = len(head.found) == len(head.headers)
    return unique and not any(name in head.found for name in _SPECIAL_IN_ANSWERS)


def _by_the_library(connection: Any, *, method: str, pool: Any) -> urllib3.HTTPResponse:
    """The answer that begins with what was received, as urllib3 has it."""
    response = connection.response_class(connection.sock, method=method)
    try:
        response.begin()
    except TimeoutError as late:
        seconds = connection.sock.gettimeout()
        raise ReadTimeoutError(pool, "", f"Read timed out. (read timeout={seconds})") from late
    headers: Any = [(name, _FOLD.sub(" ", value)) for name, value in response.msg.items()]
    if response.will_close:
        connection.close()  # for sending; what was made of it to read stays open
    return urllib3.HTTPResponse(
        body=response,
        headers=headers,
        status=response.status,
        version=response.version,
        reason=response.reason,
        preload_content=False,
        decode_content=False,
        original_response=response,
        pool=pool,
        connection=connection,
        enforce_content_length=True,
        request_method=method,
    )
