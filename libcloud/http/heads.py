# SPDX-License-Identifier: Apache-2.0
"""Response heads (status line and headers): truncated ones are rejected, the usual form is fast.

The standard library treats the end of the connection as the end of the headers, so that a truncated
response looks like one with fewer headers. It also parses headers with its mail parser, which costs
about as much as sending the request. Here, heads of the usual form are parsed with one regular
expression, and all others are passed to the standard library.

The standard library also skips only one kind of interim response and accepts responses of ambiguous
length. Here, all interim responses are skipped, up to a maximum number, and an ambiguous length is
an error (RFC 9110, section 15.2; RFC 9112, section 6).
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from libcloud.http.received import EMPTY_LINES, InvalidResponseError, Received, RequestState
from libcloud.utils.headers import LOWER

# As for the standard library, a bare line feed ends a line.
HEAD_END = re.compile(rb"\n\r?\n")

# Enough for a server that sends one per second while it processes a request for a minute.
_MOST_INTERIM_RESPONSES = 100

# Headers of stores take a few KiB, including the metadata of an object.
_LARGEST_HEAD = 256 * 1024

# The limits of the standard library, which reports what exceeds them.
_LONGEST_LINE = 65536
_MOST_LINES = 100

# RFC 9112, sections 4 and 5: the usual form of a final response.
_STATUS = re.compile(rb"HTTP/1\.[0-9] [1-9][0-9][0-9](?:[ \t][^\n]*)?\r?\n")
_INTERIM = re.compile(rb"HTTP/1\.[0-9] 1(?!01)[0-9][0-9][ \t\r\n]")
_LENGTH = re.compile(r"[0-9]{1,19}")
_HEAD = re.compile(
    r"HTTP/1\.1 ([2-5][0-9][0-9])(?: ([\t\x20-\x7e]*))?\r\n"
    r"((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\xa0-\xff]*\r\n)*)\r\n"
)
_LINE = re.compile(r"([^:\r\n]+):[ \t]*([^\r\n]*)\r\n")

_WITHOUT_BODY = (http.client.NO_CONTENT, http.client.NOT_MODIFIED)
_CLOSES = {"": False, "keep-alive": False, "close": True}


class Head(NamedTuple):
    """The head of a final response whose body has a known length.

    :ivar headers: pairs of name and value, as received.
    :ivar found: the same as a mapping, names in lower case.
    :ivar length: size of the body that follows, in bytes.
    :ivar closes: the server will close the connection.
    """

    status: int
    reason: str
    headers: list[tuple[str, str]]
    found: dict[str, str]
    length: int
    closes: bool


def plain_head(data: bytes, method: str) -> Head | None:
    """Parse a complete head, up to its empty line; ``None`` if it has an unusual form.

    :param method: method of the request; the response to HEAD has no body.
    """
    match = _HEAD.fullmatch(data.decode("iso-8859-1"))
    if match is None:
        return None
    headers: list[tuple[str, str]] = _LINE.findall(match[3])
    found = {}
    for name, value in headers:
        found[LOWER[name]] = value
    if len(found) != len(headers) or len(headers) >= _MOST_LINES or "transfer-encoding" in found:
        return None  # repeated, or special: let the library decide
    status = int(match[1])
    without_body = method == "HEAD" or status in _WITHOUT_BODY
    if "content-length" in found:
        length = found["content-length"].strip()
    else:
        length = "0" if without_body else ""
    closes: bool | None = False
    if "connection" in found:
        closes = _CLOSES.get(found["connection"].strip().lower())
    if closes is None or not _LENGTH.fullmatch(length):
        return None
    size = 0 if without_body else int(length)
    return Head(status, (match[2] or "").strip(), headers, found, size, closes)


class WholeHeadResponse(http.client.HTTPResponse):
    """A response with complete headers and an unambiguous length. Skips interim responses.

    :param state: state of the request: holds the bytes that were already received, and records
        whether the connection can be reused. ``None``: unknown.
    :raises http.client.RemoteDisconnected: the connection ended within the headers.
    :raises InvalidResponseError: the length of the body is ambiguous, the protocol was switched, or
        the headers are too large.
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
        received: Any = Received(sock, self._state.received, self._state.error)
        super().__init__(received, debuglevel, method, url)

    def begin(self) -> None:
        response: Any = self  # typeshed lacks these attributes
        if response.headers is not None:
            return
        try:
            self._begin()
            self._state.check(response.status)
        except Exception:
            self.close()
            raise
        if self._state.may_be_unread(response.status):
            response.will_close = True
        response.fp.begin_body(chunked=bool(response.chunked))
        self._begun = True

    def _begin(self) -> None:
        read = _read_final_head(self.fp)
        if not self._begin_plain(read):
            self._begin_other(read)
            self._check()

    def _begin_plain(self, lines: Sequence[bytes]) -> bool:
        """Parse ``lines`` if they have the usual form; return whether they do."""
        response: Any = self  # typeshed lacks some of these attributes
        head = plain_head(b"".join(lines), response._method)
        if head is None:
            return False
        message = http.client.HTTPMessage()
        for name, value in head.headers:
            message.set_raw(name, value)
        response.code = response.status = head.status
        response.reason = head.reason
        response.version, response.will_close, response.chunked = 11, head.closes, False
        response.length = head.length
        response.headers = response.msg = message
        return True

    def _begin_other(self, lines: Sequence[bytes]) -> None:
        """Let the standard library parse ``lines`` and what may follow."""
        replay: Any = _Replay(lines, self.fp)
        stream, self.fp = self.fp, replay
        try:
            super().begin()
        finally:
            if self.fp is replay:
                self.fp = stream
        if replay.last is not None and replay.last not in EMPTY_LINES:
            raise http.client.RemoteDisconnected("Remote end closed connection within the headers")

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
        elif len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
            shown = ", ".join(sorted(lengths))[:100]
            raise InvalidResponseError(f"Content-Length is not a single number: {shown!r}")
        elif lengths and response.length is None:  # the same number several times in one header
            response.length = int(lengths.pop())

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
    """Return the list elements of all headers with this name, in lower case."""
    values = headers.get_all(name, ())
    return [item.strip().lower() for value in values for item in value.split(",")]


def _read_head(stream: Any) -> list[bytes]:
    """Read the lines of a head, at least one, up to the empty line or the first unusual one."""
    lines = [stream.readline(_LONGEST_LINE + 1)]
    if _STATUS.fullmatch(lines[0]):
        size = len(lines[0])
        while lines[-1] not in EMPTY_LINES and len(lines) < _MOST_LINES:
            lines.append(line := stream.readline(_LONGEST_LINE + 1))
            size += len(line)
            if not line.endswith(b"\n"):
                break
        if size > _LARGEST_HEAD:
            raise InvalidResponseError(
                f"the headers of the response take more than {_LARGEST_HEAD} bytes"
            )
    return lines


class _Replay:
    """A stream that returns ``lines`` first, and remembers the last line it returned."""

    def __init__(self, lines: Sequence[bytes], stream: Any) -> None:
        self._lines = iter(lines)
        self._stream = stream
        self.last: bytes | None = None  # before the first

    def readline(self, size: int = -1) -> bytes:
        line: bytes | None = next(self._lines, None)
        given: bytes = self._stream.readline(size) if line is None else line
        self.last = given
        return given

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
