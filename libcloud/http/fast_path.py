# SPDX-License-Identifier: Apache-2.0
"""The fast path: requests and responses of the usual form, without the libraries.

requests and urllib3 take half of the time that a short program needs until its first request, so
they are imported for unusual requests and responses only: proxies, hooks, cookies, redirects,
client certificates, and responses that are compressed, set cookies, follow interim responses, or
are chunked and large or truncated. The libraries then read the response from its first byte: what
was already received, followed by the rest or by the error that occurred.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from inspect import unwrap
from itertools import chain
from time import perf_counter
from types import FunctionType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from libcloud.http.body import Body
from libcloud.http.errors import named
from libcloud.http.messages import FastRequest, FastResponse, Head, plain_head
from libcloud.http.sending import HEAD_END, RequestState, is_tls
from libcloud.http.timeouts import current
from libcloud.utils.bodies import Pieces, StreamedPieces
from libcloud.utils.documents import read_document

if TYPE_CHECKING:
    from libcloud.http.connections import Pool

# Bytes to receive at once: enough for the headers and a small document.
_TAKEN = 16 * 1024

# A body up to this size is joined with the headers, where one call does not send both.
_JOINED = 128 * 1024

# A larger chunked body is left to the libraries.
_LARGEST = 1024 * 1024

# A body up to this size is read at once even if the caller wants to read it in pieces.
_IN_ADVANCE = 128 * 1024

_ORIGIN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)(.*)", re.DOTALL)

# RFC 3986: a target consists of printable ASCII, and "#" would end it.
_NOT_ON_THE_WIRE = re.compile(r"[^\x21-\x7e]|#")

# RFC 9112, section 3: the usual form of the request line; section 5: of the name of a header.
_REQUEST_LINE = re.compile(r"[A-Z]+ [\x21-\x7e]+ HTTP/1\.1")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+")

# The libraries add these headers if they are missing, and interpret the others.
_NEEDED = frozenset({"accept-encoding", "host", "user-agent"})
_SPECIAL_IN_REQUESTS = frozenset({"expect", "transfer-encoding"})
_SPECIAL_IN_RESPONSES = frozenset({"content-encoding", "set-cookie"})
_SUCCESS = range(200, 300)

# RFC 9112, section 7.1: the line before a chunk, without extensions.
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_START_OF_CHUNK_LINE = re.compile(rb"[0-9A-Fa-f]{0,8}\r?")

DEFAULT_HEADERS: Mapping[str, tuple[Any, Any]] = {
    **dict.fromkeys(("user-agent", "accept-encoding"), ("", None)),
    "accept": ("Accept", "*/*"),
    "connection": ("Connection", "keep-alive"),
}
"""Headers that requests adds to every request: those with ``None`` must be given by the caller."""

SESSION_METHODS = ("request", "send", "get_adapter", "merge_environment_settings")

# Functions that test libraries such as responses, requests_mock and pook replace, or that
# monitoring such as OpenTelemetry wraps: module and class where they are looked up, module where
# they are defined, names.
_MOCKABLE = (
    ("requests", "Session", "requests.sessions", SESSION_METHODS),
    ("requests.adapters", "HTTPAdapter", "requests.adapters", ("send",)),
    ("urllib3.connectionpool", "HTTPConnectionPool", "urllib3.connectionpool", ("urlopen",)),
)

# Those of http.client are replaced by monitoring only: the wrappers of Sentry have no __wrapped__.
_REPLACEABLE = (
    *_MOCKABLE,
    ("http.client", "HTTPConnection", "http.client", ("putrequest", "getresponse")),
)
_LIBRARIES = frozenset({"requests", "urllib3", *(module for module, *_ in _REPLACEABLE)})


def are_replaced() -> bool:
    """Return whether a program has replaced functions of the libraries, which it wants called."""
    if sys.modules.keys().isdisjoint(_LIBRARIES):
        return False
    for module, name, origin, functions in _REPLACEABLE:
        owner = getattr(sys.modules.get(module), name, None)
        if owner is not None and not are_defined_in(origin, owner, functions):
            return True
    if getattr(getattr(sys.modules.get("http.client"), "HTTPConnection", None), "debuglevel", 0):
        return True  # it prints what is sent and received
    tls = sys.modules.get("urllib3.util.ssl_")
    return connections_are_replaced() or bool(getattr(tls, "IS_PYOPENSSL", False))


def are_mocked() -> bool:
    """Return whether a function of requests or urllib3 was replaced by one that is no wrapper."""
    for module, name, origin, functions in _MOCKABLE:
        owner = getattr(sys.modules.get(module), name, None)
        found = [] if owner is None else [getattr(owner, function) for function in functions]
        if not all(_is_defined_in(origin, unwrap(function)) for function in found):
            return True
    return connections_are_replaced()


def connections_are_replaced() -> bool:
    """Return whether a program, such as vcrpy, has replaced the connections of urllib3."""
    pools = sys.modules.get("urllib3.connectionpool")
    for name in ("HTTPConnectionPool", "HTTPSConnectionPool"):
        kind = getattr(getattr(pools, name, None), "ConnectionCls", None)
        if kind is not None and kind.__module__ != "urllib3.connection":
            return True
    return False


def are_defined_in(module: str, owner: type, names: Iterable[str]) -> bool:
    """Return whether methods are functions defined in ``module``, whatever decorators copied."""
    for name in names:  # noqa: SIM110  a generator takes twice as long, for each request
        if not _is_defined_in(module, getattr(owner, name)):
            return False
    return True


def _is_defined_in(module: str, function: Any) -> bool:
    return type(function) is FunctionType and function.__globals__.get("__name__") == module


def split_url(url: str) -> tuple[str, str]:
    """Split ``url`` into scheme with authority, and the rest."""
    match = _ORIGIN.match(url)
    return (match[1], match[2]) if match else ("", url)


def on_the_wire(target: str) -> str:
    """Return ``target`` with a leading slash, unsendable characters percent-encoded."""
    target = target if target[:1] == "/" else f"/{target}"
    return _NOT_ON_THE_WIRE.sub(lambda match: quote(match[0], safe=""), target)


def prepare(
    method: str, target: str, headers: Mapping[str, Any], body: Any, defaults: Mapping[str, Any]
) -> tuple[bytes, dict[str, tuple[Any, Any]]] | None:
    """Return the head of a request as sent, and its headers; ``None`` if these are unusual."""
    lines = dict(defaults)
    lines |= {item[0].lower(): item for item in headers.items()}
    if body:
        lines["content-length"] = "Content-Length", str(len(body))
    elif method not in ("GET", "HEAD"):
        lines.setdefault("content-length", ("Content-Length", "0"))
    head = request_head(method, target, lines)
    return None if head is None else (head, lines)


def request_head(method: str, target: str, headers: Mapping[str, tuple[Any, Any]]) -> bytes | None:
    """Return the request line and headers as sent; ``None`` if they have an unusual form."""
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
    return all(map(_NAME.fullmatch, names))


def exchange(
    pool: Pool, head: bytes, request: FastRequest, *, stream: bool, timeout: tuple[Any, Any]
) -> Any:
    """Send a request and receive its response, raising what requests would raise.

    :param stream: leave the body of a success unread, unless it is small.
    :return: :class:`FastResponse`; or a response of urllib3, which is not yet read, and returns the
        connection to ``pool`` itself.
    """
    received: Any = None
    connection, started = pool.take(), perf_counter()
    try:
        if connection.sock is None:
            connection.connect(pool.origin, timeout[0])
        connection.begin(timeout[1], request.method)
        received = _receive(connection, head, request, pool=pool, stream=stream)
    except Exception as error:
        known = named(error, request=request, pool=pool, connection=connection, timeout=timeout[0])
        if known is None:
            raise
        raise known from error
    finally:
        if received is None or (type(received) is tuple and type(received[1]) is bytes):
            pool.give_back(connection)
    if type(received) is not tuple:
        return received
    elapsed = timedelta(seconds=perf_counter() - started)
    parsed, body = received
    unread = stream and parsed.status in _SUCCESS
    response = FastResponse(parsed, body, request, elapsed, stream=unread)
    if not unread:
        read_document(response)
    return response


def _receive(
    connection: Any, head: bytes, request: FastRequest, *, pool: Pool, stream: bool
) -> Any:
    """Send ``request``; return head and body of its response, or a response of urllib3."""
    state: RequestState = connection.state
    method: str = request.method
    try:
        _send(connection, head, request.body)
        end = _until_head_ends(connection.sock, state)
        parsed = plain_head(state.received[:end], method) if end else None
        if parsed is not None and _is_plain(parsed, stream=stream):
            premature = state.is_premature(parsed.status)
            body = None if premature else _read_body(connection, pool, parsed, end, stream=stream)
            if body is not None:
                return parsed, body
        from libcloud.http.received import unread_response

        return unread_response(connection, method=method, pool=pool)
    finally:
        connection.settle()


def _send(connection: Any, head: bytes, body: Any) -> None:
    """Send the request; stop if the server reads no more, because it may already have responded."""
    buffers: Iterable[Any] = ()
    joins = is_tls(connection.sock) or isinstance(body, Pieces)
    if not body or (joins and len(body) <= _JOINED):
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
    while True:
        end = HEAD_END.search(data) if data else None
        more = b"" if end or len(data) >= _TAKEN else _more(sock, state, _TAKEN)
        if not more:
            break
        data += more
    state.received = data
    return end.end() if end else 0


def _more(sock: Any, state: RequestState, size: int) -> bytes:
    """Receive more of a response; nothing at its end, or after an error, which ``state`` keeps."""
    received = b""
    if state.error is None:
        try:
            received = state.receive(sock.recv, size)
        except OSError as error:
            state.error = error
    return received


def _read_body(
    connection: Any, pool: Pool, head: Head, start: int, *, stream: bool
) -> bytes | Body | None:
    """Receive the body, or leave a large one to the caller; ``None``: leave it to urllib3."""
    sock, state = connection.sock, connection.state
    # A deadline does not include what the caller reads.
    in_advance = 0 if stream and current.is_limited else _IN_ADVANCE
    reusable = not head.closes and not state.may_be_unread(head.status)
    if head.length is None:
        end, body = _read_chunks(sock, state, start)
    else:
        end, body = start + head.length, None
        if head.length <= in_advance:
            if len(state.received) < end:
                _read(sock, state, end)
            body = state.received[start:end] if len(state.received) >= end else None
        if body is None:
            return Body(connection, pool, start, head.length, reusable=reusable)
    # Bytes after the response belong to no request.
    state.complete = reusable and len(state.received) == end
    return body


def _read_chunks(sock: Any, state: RequestState, at: int) -> tuple[int, bytes | None]:
    data, chunks = bytearray(state.received), list[bytearray]()
    try:
        while True:
            line = _CHUNK_LINE.match(data, at)
            if line is None:
                if not _START_OF_CHUNK_LINE.fullmatch(data, at):
                    return at, None
                needed = len(data) + 1
            else:
                start, size = line.end(), int(line[1], 16)
                needed = start + size + 2
                if len(data) >= needed:
                    at = needed
                    if data[at - 2 : at] != b"\r\n":  # such as trailers
                        return at, None
                    if not size:
                        return at, b"".join(chunks)
                    chunks.append(data[start : at - 2])
                    continue
            more = b"" if needed > _LARGEST else _more(sock, state, _IN_ADVANCE)
            if not more:
                return at, None
            data += more
    finally:
        state.received = bytes(data)


def _read(sock: Any, state: RequestState, size: int) -> None:
    """Receive up to ``size`` bytes in total; less after an error, or at the end."""
    pieces, missing = [state.received], size - len(state.received)
    while missing > 0 and pieces[-1]:
        pieces.append(_more(sock, state, min(missing, _IN_ADVANCE)))
        missing -= len(pieces[-1])
    state.received = b"".join(pieces)


def _is_plain(head: Head, *, stream: bool) -> bool:
    """Return whether the fast path can handle this response."""
    chunks = head.length is None and stream and head.status in _SUCCESS
    return not chunks and _SPECIAL_IN_RESPONSES.isdisjoint(head.headers)
