# SPDX-License-Identifier: Apache-2.0
"""Responses that the libraries read: they are complete, of certain length and bounded.

The standard library takes the end of the connection for the end of the headers, skips only one kind
of interim response and accepts responses of ambiguous length. Here, all interim responses are
skipped, up to a maximum number, and the others are errors (RFC 9110, section 15.2; RFC 9112,
section 6). What the libraries read without a limit is limited: lines between chunks, and trailers.
"""

from __future__ import annotations

import http.client
import re
from typing import Any

import urllib3
from urllib3.exceptions import ReadTimeoutError

from libcloud.http.body import Received
from libcloud.http.messages import LENGTH, MOST_LINES
from libcloud.http.sending import RequestState

EMPTY_LINES = (b"\r\n", b"\n")

# The limits of the standard library for headers.
_LONGEST_LINE = 65536
_MOST_TRAILERS = 100

# Enough for a server that sends one per second while it processes a request for a minute.
_MOST_INTERIM_RESPONSES = 100

# Headers of stores take a few KiB, including the metadata of an object.
_LARGEST_HEAD = 256 * 1024

# RFC 9112, sections 4 and 5; the latter: a folded value continues on the next line.
_STATUS = re.compile(rb"HTTP/1\.[0-9] [1-9][0-9][0-9](?:[ \t][^\n]*)?\r?\n")
_INTERIM = re.compile(rb"HTTP/1\.[0-9] 1(?!01)[0-9][0-9][ \t\r\n]")
_FOLD = re.compile(r"[ \t]*\r?\n[ \t]+")
_NOT_IN_NAMES = re.compile(rb"[^\x21-\x7e]")
_BARE_RETURN = re.compile(rb"\r(?!\n)")

# RFC 9112, section 7.1.
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r?\n")


class InvalidResponseError(http.client.HTTPException):
    """A response that violates HTTP, or whose headers are too large."""


class CheckedReceived(Received):
    """The received bytes as a socket, for ``makefile``; ``ended``: the last line was empty."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.ended = False
        self._chunked = False
        self._trailers: int | None = None  # before the last chunk

    def makefile(self, mode: str) -> CheckedReceived:
        return self

    def begin_body(self, *, chunked: bool) -> None:
        self._chunked, self.ended = chunked, False

    def readline(self, size: int | None = -1) -> bytes:
        """Read a line; in a chunked body, it must belong to a chunk or to one of a few trailers."""
        bounded = size is not None and size >= 0
        line = super().readline(size if bounded else _LONGEST_LINE + 1)
        if not bounded and len(line) > _LONGEST_LINE:
            raise InvalidResponseError(f"a line of the body is longer than {_LONGEST_LINE} bytes")
        self.ended = line in EMPTY_LINES
        if not self._chunked or not line.endswith(b"\n"):
            return line
        if self._trailers is not None:
            self._trailers += 1
            if self._trailers > _MOST_TRAILERS:
                raise InvalidResponseError(f"the body has more than {_MOST_TRAILERS} trailers")
            return EMPTY_LINES[0] if self.ended else line  # urllib3 expects this line
        chunk = _CHUNK.fullmatch(line)
        if chunk is None:
            raise InvalidResponseError("the size of a chunk is not a number")
        if not chunk[1].strip(b"0"):
            self._trailers = 0
        return line


class WholeHeadResponse(http.client.HTTPResponse):
    """A response with complete headers and an unambiguous length. Skips interim responses.

    :param state: state of the request: holds the bytes that were already received, and records
        whether the connection can be reused. ``None``: unknown.
    """

    def __init__(
        self,
        sock: Any,
        debuglevel: int = 0,
        method: str | None = None,
        url: str | None = None,
        *,
        state: RequestState | None = None,
    ) -> None:
        self._state = RequestState() if state is None else state
        self._begun = False
        received: Any = CheckedReceived(sock, self._state)
        super().__init__(received, debuglevel, method, url)

    def begin(self) -> None:
        response: Any = self  # typeshed lacks these attributes
        if response.headers is not None:
            return
        try:
            self._begin()
            if self._state.is_premature(response.status):
                raise InvalidResponseError(
                    f"the server responded with status {response.status} before it received the "
                    "whole request"
                )
        except Exception:
            self.close()
            raise
        if self._state.may_be_unread(response.status):
            response.will_close = True
        response.fp.begin_body(chunked=bool(response.chunked))
        self._begun = True

    def _begin(self) -> None:
        stream: Any = self.fp
        lines = _read_final_head(stream)
        few, read_line = iter(_in_few(_fields(lines))), stream.readline

        def readline(size: int) -> bytes:
            """Return what was read already, then the rest of a head of an unusual form."""
            line = next(few, None)
            if line is None:
                lines.append(line := read_line(size))
            return line

        stream.readline = readline
        try:
            super().begin()
        finally:
            del stream.readline
        if lines[-1] not in EMPTY_LINES:
            raise http.client.RemoteDisconnected("Remote end closed connection within the headers")
        self._check()

    def _check(self) -> None:
        """Reject responses of ambiguous length, which the standard library accepts."""
        response: Any = self
        if response.status < http.client.OK:
            raise InvalidResponseError(
                f"the server sent status {response.status}, which was not requested"
            )
        codings = _listed(response.headers, "transfer-encoding")
        if codings not in ([], ["identity"], ["chunked"]):
            raise InvalidResponseError(f"Transfer-Encoding {', '.join(codings)!r} is not supported")
        lengths = set(_listed(response.headers, "content-length"))
        if response.chunked:
            # RFC 9112, section 6.1: the connection must be closed after a response that has both
            # headers, or that comes from an HTTP/1.0 server, which may not support this coding.
            response.will_close = response.will_close or bool(lengths) or response.version < 11
        elif len(lengths) > 1 or not all(map(LENGTH.fullmatch, lengths)):
            shown = ", ".join(sorted(lengths))[:100]
            raise InvalidResponseError(f"Content-Length is not a single number: {shown!r}")
        elif len(_listed(response.headers, "content-length")) > 1:
            # RFC 9110, section 8.6: the same number several times counts once.
            number = lengths.pop()
            del response.headers["Content-Length"]
            response.headers["Content-Length"] = number
            if response.length is None:
                response.length = int(number)

    def _close_conn(self) -> None:
        """Called at the end of the body, or when the rest of it is not needed."""
        source: Any = self.fp
        ended = self.length == 0 or (bool(self.chunked) and source.ended)
        self._state.complete = self._begun and ended and not source.holds_more()
        closing: Any = super()
        closing._close_conn()


def _read_final_head(stream: Any) -> list[bytes]:
    """Read the lines of a final head, skipping interim responses."""
    for _ in range(_MOST_INTERIM_RESPONSES + 1):
        lines = _read_head(stream)
        if not _INTERIM.match(lines[0]) or lines[-1] not in EMPTY_LINES:
            return lines
    raise InvalidResponseError(
        f"more than {_MOST_INTERIM_RESPONSES} interim responses were received before the response"
    )


def _listed(headers: Any, name: str) -> list[str]:
    values = headers.get_all(name, ())
    return [item.strip().lower() for value in values for item in value.split(",")]


def _read_head(stream: Any) -> list[bytes]:
    """Read the lines of a head, at least one, up to the empty line or the first unusual one."""
    lines = [stream.readline(_LONGEST_LINE + 1)]
    if _STATUS.fullmatch(lines[0]):
        size = len(lines[0])
        while lines[-1] not in EMPTY_LINES:
            if len(lines) > MOST_LINES:
                raise InvalidResponseError(f"the response has more than {MOST_LINES} headers")
            lines.append(line := stream.readline(_LONGEST_LINE + 1))
            size += len(line)
            if not line.endswith(b"\n"):
                break
        if size > _LARGEST_HEAD:
            raise InvalidResponseError(
                f"the headers of the response take more than {_LARGEST_HEAD} bytes"
            )
    return lines


def _fields(lines: list[bytes]) -> list[bytes]:
    """Return a head whose lines are all headers, because any other ends the headers for the
    standard library, which then misses the length of the body.

    RFC 9112, sections 2.2 and 5: a carriage return alone is a space, and none precedes the colon.
    Stores send names in UTF-8, which are percent-encoded here.
    """
    fields, folded = lines[:1], False
    for line in lines[1:-1]:
        name, colon, _ = line.partition(b":")
        if not line.startswith((b" ", b"\t")):
            name = _NOT_IN_NAMES.sub(lambda match: b"%%%02X" % match[0][0], name.rstrip())
            folded = bool(colon and name)
            line = name + line[line.find(b":") :]
        if folded:
            fields.append(_BARE_RETURN.sub(b" ", line))
    return [*fields, *lines[1:][-1:]]


def _in_few(lines: list[bytes]) -> list[bytes]:
    """Join the lines of a head, whose number the standard library limits, but not the last one."""
    few = lines[:1]
    for line in lines[1:-1]:
        if len(few) > 1 and len(few[-1]) + len(line) <= _LONGEST_LINE:
            few[-1] += line
        else:
            few.append(line)
    return [*few, *lines[1:][-1:]]


def unread_response(connection: Any, *, method: str, pool: Any) -> urllib3.HTTPResponse:
    """Let urllib3 read a response, starting with the bytes already received."""
    response = WholeHeadResponse(connection.sock, method=method, state=connection.state)
    try:
        response.begin()
    except TimeoutError as late:
        seconds = connection.sock.gettimeout()
        raise ReadTimeoutError(pool, "", f"Read timed out. (read timeout={seconds})") from late
    headers: Any = [(name, _FOLD.sub(" ", value)) for name, value in response.msg.items()]
    if response.will_close:
        connection.close()  # the reading side stays open
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


class HTTPResponse(http.client.HTTPResponse):
    """The standard library's response, whose ``read`` returns "" once it is closed.

    Public as ``libcloud.common.base.HTTPResponse``; kept for compatibility.
    """

    def read(self, amt: int | None = None) -> Any:
        """Read at most ``amt`` bytes; return an empty string if the response is closed."""
        return "" if self.fp is None else super().read(amt)
