# SPDX-License-Identifier: Apache-2.0
"""The heads of answers: refused when they are cut, and read in one pass when they are plain.

The standard library takes the end of the connection for the end of the head: half of an answer
becomes one with fewer headers, or half a header, and without a body nothing else tells. And it
reads each head by its parser for mail, at about the cost of sending the request. So the usual
answer is read here, and whatever is not of its form is handed to the standard library.

The standard library also skips only one kind of interim response, and takes responses whose length
is not certain. Here all interim responses are skipped, a bounded number of them, and a response
that could end at two places is an error (RFC 9110, section 15.2; RFC 9112, section 6).
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from libcloud.http.received import EMPTY_LINES, InvalidResponseError, Received
from libcloud.http.request_state import RequestState

__all__ = ["HEAD_END", "Head", "WholeHeadResponse", "plain_head"]

# As for the standard library, a bare line feed ends a line.
HEAD_END = re.compile(rb"\n\r?\n")

# Enough for a server that sends one every second while it works on a request for a minute.
_MOST_INTERIM_RESPONSES = 100

# Stores answer with a few KiB, the names and values of their metadata included.
_LARGEST_HEAD = 256 * 1024

# The limits of the standard library, which says what is wrong with a head beyond them.
_LONGEST_LINE = 65536
_MOST_LINES = 100
_MOST_DIGITS = 20

# RFC 9112, sections 4 and 5, for a final answer: what nearly all are.
_STATUS = re.compile(rb"HTTP/1\.[0-9] [1-9][0-9][0-9](?:[ \t][^\n]*)?\r?\n")
_INTERIM = re.compile(rb"HTTP/1\.[0-9] 1(?!01)[0-9][0-9][ \t\r\n]")
_LENGTH = re.compile(r"[0-9]{1,19}")
_HEAD = re.compile(
    r"HTTP/1\.1 ([2-5][0-9][0-9])(?: ([\t\x20-\x7e]*))?\r\n"
    r"((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\xa0-\xff]*\r\n)*)\r\n"
)

_WITHOUT_BODY = (http.client.NO_CONTENT, http.client.NOT_MODIFIED)
_CLOSES = {None: False, "keep-alive": False, "close": True}


class Head(NamedTuple):
    """The head of a final answer whose body has a length.

    :ivar headers: pairs of name and value, as they came.
    :ivar found: the same by names in lower case.
    :ivar length: bytes of the body that follows.
    :ivar closes: the server will close the connection.
    """

    status: int
    reason: str
    headers: list[tuple[str, str]]
    found: dict[str, str]
    length: int
    closes: bool


def plain_head(data: bytes, method: str) -> Head | None:
    """What a whole head says, with its empty line; ``None`` if it is not of the usual form.

    :param method: of the request; the answer to HEAD has no body.
    """
    match = _HEAD.fullmatch(data.decode("iso-8859-1"))
    if match is None:
        return None
    headers: list[tuple[str, str]] = []
    found: dict[str, str] = {}
    for line in match[3].split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        value = value.lstrip(" \t")
        headers.append((name, value))
        if found.setdefault(name.lower(), value) != value:
            return None  # which of them holds is not ours to say
    status, length = int(match[1]), found.get("content-length", "").strip()
    without_body = method == "HEAD" or status in _WITHOUT_BODY
    if without_body and "content-length" not in found:
        length = "0"
    closes = _CLOSES.get(found.get("connection", "").strip().lower() or None)
    usual = length.isascii() and length.isdigit() and len(length) < _MOST_DIGITS
    if not usual or len(headers) >= _MOST_LINES or closes is None or "transfer-encoding" in found:
        return None
    size = 0 if without_body else int(length)
    return Head(status, (match[2] or "").strip(), headers, found, size, closes)


class WholeHeadResponse(http.client.HTTPResponse):
    """A response that has all of its head, and whose end is certain.

    Interim responses before it are skipped.

    :param state: of the request. What was received already is taken from it, and whether the
        connection can be used again is noted there. ``None``: nothing is known.
    :raises http.client.RemoteDisconnected: the connection ended before the empty line.
    :raises InvalidResponseError: the length of the body is not certain, the protocol was switched,
        or the head is too large.
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
        said: Any = self  # the types of the standard library do not know how it begins
        if said.headers is not None:
            return
        try:
            self._begin()
            self._state.check(said.status)
        except Exception:
            self.close()
            raise
        if self._state.may_be_unread(said.status):
            said.will_close = True
        said.fp.begin_body(chunked=bool(said.chunked))
        self._begun = True

    def _begin(self) -> None:
        read = _read_final_head(self.fp)
        if not self._begin_plain(read):
            self._begin_other(read)
            self._check()

    def _begin_plain(self, lines: Sequence[bytes]) -> bool:
        """Take a head of the usual form, if it is one."""
        said: Any = self  # the types of the standard library do not name all of these
        head = plain_head(b"".join(lines), said._method)
        if head is None:
            return False
        message = http.client.HTTPMessage()
        for name, value in head.headers:
            message.set_raw(name, value)
        said.code = said.status = head.status
        said.reason = head.reason
        said.version, said.will_close, said.chunked = 11, head.closes, False
        said.length = head.length
        said.headers = said.msg = message
        return True

    def _begin_other(self, lines: Sequence[bytes]) -> None:
        """Let the standard library read ``lines``, and what may follow them."""
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
        """Refuse what the standard library takes although nobody can tell where it ends."""
        said: Any = self
        if said.status < http.client.OK:
            raise InvalidResponseError(
                f"the server sent status {said.status}, which was not requested"
            )
        codings = _listed(said.headers, "transfer-encoding")
        if codings not in ([], ["identity"], ["chunked"]):
            raise InvalidResponseError(f"Transfer-Encoding {', '.join(codings)!r} is not supported")
        lengths = set(_listed(said.headers, "content-length"))
        if said.chunked:
            # RFC 9112, section 6.1: the connection ends with a response that states both, or that
            # is of an old server, which may not know this coding.
            said.will_close = said.will_close or bool(lengths) or said.version < 11
        elif len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
            shown = ", ".join(sorted(lengths))[:100]
            raise InvalidResponseError(f"Content-Length is not one number: {shown!r}")
        elif lengths and said.length is None:  # the same number several times in one header
            said.length = int(lengths.pop())

    def _close_conn(self) -> None:
        """Called at the end of the body, and by whoever needs no more of it."""
        source: Any = self.fp
        ended = self.length == 0 or (bool(self.chunked) and source.ended)
        self._state.answered = self._begun and ended and not source.holds_more()
        closing: Any = super()
        closing._close_conn()


def _read_final_head(stream: Any) -> list[bytes]:
    """The lines of a head; those of interim responses before it are skipped."""
    for _ in range(_MOST_INTERIM_RESPONSES + 1):
        lines = _read_head(stream)
        if not _INTERIM.match(lines[0]) or lines[-1] not in EMPTY_LINES:
            return lines
    raise InvalidResponseError(
        f"more than {_MOST_INTERIM_RESPONSES} interim responses came before the response"
    )


def _listed(headers: Any, name: str) -> list[str]:
    """The elements of all headers with this name, in lower case."""
    values = headers.get_all(name, ())
    return [item.strip().lower() for value in values for item in value.split(",")]


def _read_head(stream: Any) -> list[bytes]:
    """The lines of a head, at least one: to the empty one, or to where it is none of the usual."""
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
    """A stream whose first ``lines`` were read already; it remembers the last one it gave."""

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
