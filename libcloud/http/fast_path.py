# SPDX-License-Identifier: Apache-2.0
"""The fast path: a request that is sent without the layers of requests and urllib3.

urllib3 opens the connections, and its pools keep them. Everything unusual is left to the libraries:
proxies, hooks, cookies, and responses that are chunked, compressed, truncated or large, set cookies
or follow interim responses. The libraries then read the response from its first byte: what
was already received, followed by the rest or by the error that occurred.
"""

from __future__ import annotations

import io
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from itertools import chain
from typing import Any

import requests
import urllib3
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity, get_encoding_from_headers
from urllib3.exceptions import ReadTimeoutError

from libcloud.http.heads import HEAD_END, Head, plain_head
from libcloud.http.received import RequestState
from libcloud.utils.bodies import Pieces, StreamedPieces
from libcloud.utils.headers import LOWER

# Bytes to receive at once: enough for the headers and a small document.
_TAKEN = 16 * 1024

# A body up to this size is sent together with the headers.
_JOINED = 128 * 1024

# Larger response bodies are left to the libraries, which allocate memory as the bytes arrive.
_LARGEST = 1024 * 1024

# A body up to this size is read at once even if the caller wants to read it in pieces.
_LARGEST_STREAMED = 128 * 1024

# RFC 9112, section 3: the usual form of the request line; section 5: of the name of a header.
_REQUEST_LINE = re.compile(r"[A-Z]+ [\x21-\x7e]+ HTTP/1\.1")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+")

# RFC 9112, section 5.2: a folded value continues on the next line.
_FOLD = re.compile(r"[ \t]*\r?\n[ \t]+")

# The libraries add these headers if they are missing, and interpret the others.
_NEEDED = frozenset({"accept-encoding", "host", "user-agent"})
_SPECIAL_IN_REQUESTS = frozenset({"expect", "transfer-encoding"})
_SUCCESS = range(200, 300)
_SPECIAL_IN_RESPONSES = frozenset({"content-encoding", "set-cookie"})


def request_head(method: str, target: str, headers: Mapping[str, tuple[Any, Any]]) -> bytes | None:
    """Return the request line and headers as sent; ``None`` if they have an unusual form.

    :param headers: lower-case name -> (name as sent, value).
    """
    names = headers.keys()
    if not names >= _NEEDED or not _SPECIAL_IN_REQUESTS.isdisjoint(names):
        return None
    try:
        lines = list(map(": ".join, headers.values()))
    except TypeError:
        return None  # not text
    first, all_lines = f"{method} {target} HTTP/1.1", "".join(lines)
    # Printable characters are neither controls nor line breaks. The value has no space before it.
    if not (all_lines.isascii() and all_lines.isprintable()) or ":  " in all_lines:
        return None
    if not _REQUEST_LINE.fullmatch(first) or not _are_names(tuple(names)):
        return None
    return "\r\n".join((first, *lines, "", "")).encode("ascii")


@lru_cache(maxsize=64)  # requests of one kind have the same names
def _are_names(names: tuple[str, ...]) -> bool:
    """Return whether all are names of headers, in lower case."""
    return all(map(_NAME.fullmatch, names))


def exchange(
    connection: Any, head: bytes, body: Any, *, method: str, pool: Any, stream: bool = False
) -> tuple[Head, bytes] | urllib3.HTTPResponse:
    """Send a request and receive its response.

    :param connection: an open connection of urllib3; see
        :class:`~libcloud.http.timeouts.TimedConnection`.
    :param head: from :func:`request_head`.
    :param body: bytes, a view of bytes, ``Pieces`` or ``None``.
    :param pool: the pool of ``connection``.
    :param stream: leave the body of a success unread, unless it is small.
    :return: head and body; or a response of urllib3, which is not yet read, and puts the connection
        back itself.
    :raises OSError, http.client.HTTPException, urllib3.exceptions.HTTPError: no response came.
    """
    connection.begin()
    state: RequestState = connection.state
    try:
        _send(connection, head, body)
        end = _until_head_ends(connection.sock, state)
        parsed = plain_head(state.received[:end], method) if end else None
        if parsed is not None and _is_plain(parsed, stream=stream):
            size, status = end + parsed.length, parsed.status
            if len(state.received) < size:
                _receive(connection.sock, state, size)
            received = len(state.received)
            if received >= size:
                if state.unsent:
                    state.check(status)
                # Bytes after the response belong to no request.
                whole = received == size and not parsed.closes
                state.complete = whole and not state.may_be_unread(status)
                return parsed, state.received[end:size]
        return _by_the_library(connection, method=method, pool=pool)
    finally:
        connection.settle()


def _send(connection: Any, head: bytes, body: Any) -> None:
    """Send the request; stop if the server reads no more, because it may already have responded."""
    buffers: Iterable[Any] = ()
    if body is None or len(body) <= _JOINED:
        head += bytes(body or b"")
    else:
        # Not list(body): it would reserve len(body) items, and the length of Pieces is in bytes.
        buffers = iter(body) if isinstance(body, Pieces) else (body,)
    try:
        if isinstance(body, StreamedPieces):  # not all in memory at once
            for block in chain((head,), buffers):
                connection.send_all((block,))
        else:
            connection.send_all((head, *buffers))
    except BrokenPipeError:
        pass
    connection.await_response()


def _until_head_ends(sock: Any, state: RequestState) -> int:
    """Receive until the headers are complete; return their size, or 0 after an error."""
    data = state.received
    try:
        while True:
            end = HEAD_END.search(data) if data else None
            if end or state.error is not None or len(data) >= _TAKEN:
                break
            more = sock.recv(_TAKEN)
            if not more:
                break
            data += more
    except OSError as error:
        state.error = error
    state.received = data
    return end.end() if end else 0


def _receive(sock: Any, state: RequestState, size: int) -> None:
    """Receive up to ``size`` bytes in total; less after an error."""
    done = len(state.received)
    if state.error is not None:
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


def _is_plain(head: Head, *, stream: bool) -> bool:
    """Return whether the fast path can handle this response."""
    if head.length > (_LARGEST_STREAMED if stream and head.status in _SUCCESS else _LARGEST):
        return False
    return _SPECIAL_IN_RESPONSES.isdisjoint(head.found)


def _by_the_library(connection: Any, *, method: str, pool: Any) -> urllib3.HTTPResponse:
    """Let urllib3 read the response, starting with the bytes already received."""
    response = connection.response_class(connection.sock, method=method)
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


class FastRequest(requests.PreparedRequest):
    """A prepared request without hooks; creates attributes of requests when they are used.

    :param url: as it is sent.
    :param lines: headers: lower-case name -> (name as sent, value).
    :param body: bytes, a view of bytes, ``Pieces`` or ``None``.
    """

    def __init__(
        self, method: str, url: str, lines: Mapping[str, tuple[Any, Any]], body: Any
    ) -> None:
        self.lines: Mapping[str, tuple[Any, Any]] | None = lines
        self._headers: Any = None
        self.method = method
        self.url = url
        self.body = body
        self.hooks = {"response": []}
        self._cookies: Any = None
        self._body_position: Any = None

    @property
    def headers(self) -> Any:
        """The headers in the class of requests; after this call, changes to them are sent.

        :raises requests.exceptions.InvalidHeader: a header cannot be sent.
        """
        if self._headers is None and self.lines is not None:
            for line in self.lines.values():
                check_header_validity(line)
            self._headers, self.lines = CaseInsensitiveDict(self.lines.values()), None
        return self._headers

    @headers.setter
    def headers(self, value: Any) -> None:
        self._headers, self.lines = value, None

    def copy(self) -> requests.PreparedRequest:
        """Return an ordinary prepared request."""
        made: Any = requests.PreparedRequest()
        made.method, made.url, made.body = self.method, self.url, self.body
        made.headers, made.hooks = self.headers.copy(), self.hooks
        made._cookies, made._body_position = self._cookies, self._body_position
        return made  # type: ignore[no-any-return]


class FastResponse(requests.Response):
    """A response whose body is already read; creates other attributes when they are used.

    :param stream: the body can also be read from ``raw``.
    """

    _unread = b""

    def __init__(
        self, head: Head, body: bytes, request: Any, adapter: Any, *, stream: bool = False
    ) -> None:
        vars(self).update(_defaults())
        self.history = []
        self.status_code = head.status
        self.reason = head.reason
        headers: Any = CaseInsensitiveDict.__new__(CaseInsensitiveDict)
        headers._store = OrderedDict(zip(head.found, head.headers, strict=True))
        self.headers = headers
        if "content-type" in head.found:
            self.encoding = _encoding_of(head.found["content-type"])
        self.url, self.request, self.connection = request.url, request, adapter
        self._content, self._content_consumed = body, True
        self._raw: Any = None
        if stream:
            self._unread = body
        self._jar: Any = None

    @property
    def raw(self) -> Any:
        """The response of urllib3; without the body, which is ``content``, unless streamed."""
        if self._raw is None:
            self._raw = urllib3.HTTPResponse(
                body=io.BytesIO(self._unread),
                headers=self.headers,
                status=self.status_code,
                version=11,
                reason=self.reason,
                preload_content=False,
                decode_content=False,
                request_method=self.request.method,
            )
        return self._raw

    @raw.setter
    def raw(self, value: Any) -> None:
        self._raw = value

    def close(self) -> None:
        """Do nothing unless ``raw`` was used: the connection is already back in its pool."""
        if self._raw is not None:
            super().close()

    @property
    def cookies(self) -> Any:
        """An empty cookie jar."""
        if self._jar is None:
            self._jar = RequestsCookieJar()
        return self._jar

    @cookies.setter
    def cookies(self, value: Any) -> None:
        self._jar = value


def header_lines(headers: Any) -> dict[str, tuple[Any, Any]]:
    """Return ``headers`` as lower-case name -> (name as sent, value)."""
    known = getattr(headers, "_store", None)  # the class of requests has it
    if isinstance(known, dict):
        return dict(known)
    return {LOWER[name]: (name, value) for name, value in headers.items()}


@lru_cache(maxsize=64)
def _encoding_of(content_type: str) -> str | None:
    return get_encoding_from_headers(CaseInsensitiveDict({"content-type": content_type}))


@cache
def _defaults() -> dict[str, Any]:
    """Return the initial attributes of a response, for any version of requests."""
    return {
        name: value
        for name, value in vars(requests.Response()).items()
        if name not in ("raw", "cookies", "history", "headers")
    }
