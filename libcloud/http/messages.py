# SPDX-License-Identifier: Apache-2.0
"""Requests and responses of the fast path. They become those of requests when more is asked.

The standard library parses headers with its mail parser, which costs about as much as sending the
request. Here, heads of the usual form are parsed with one regular expression; all others are left
to :mod:`libcloud.http.received`.

Their attributes have the names that requests gives them. On the first access to one that is
missing, an object gets the others and changes its class, like a module of ``LazyLoader`` in the
standard library. It counts as an instance of that class before, too.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator, MutableMapping
from datetime import timedelta
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from libcloud.http.body import AT_ONCE, Body

# Amazon allows 2 KiB of metadata, with names of one character or more. The standard library accepts
# 100 headers.
MOST_LINES = 2000

# RFC 9112, sections 4 and 5: the usual form of a final response.
LENGTH = re.compile(r"[0-9]{1,19}")
_HEAD = re.compile(
    r"HTTP/1\.1 ([2-5][0-9][0-9])(?: ([\t\x20-\x7e]*))?\r\n"
    r"((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\xa0-\xff]*\r\n)*)\r\n"
)
_LINE = re.compile(r"([^:\r\n]+):[ \t]*([^\r\n]*)\r\n")

_WITHOUT_BODY = (204, 304)
_CLOSES = {"": False, "keep-alive": False, "close": True}


class Head(NamedTuple):
    """The head of a final response whose body has a known length, or is chunked.

    :ivar headers: lower-case name -> (name as received, value).
    :ivar length: size of the body that follows, in bytes; ``None``: it is chunked.
    :ivar closes: the server will close the connection.
    """

    status: int
    reason: str
    headers: dict[str, tuple[str, str]]
    length: int | None
    closes: bool


def plain_head(data: bytes, method: str) -> Head | None:
    """Parse a complete head of a response to ``method``; ``None`` if it has an unusual form."""
    match = _HEAD.fullmatch(data.decode("iso-8859-1"))
    if match is None:
        return None
    lines: list[tuple[str, str]] = _LINE.findall(match[3])
    headers = {line[0].lower(): line for line in lines}
    if len(headers) != len(lines) or len(lines) >= MOST_LINES:
        return None  # repeated: let the library decide
    status = int(match[1])
    without_body = method == "HEAD" or status in _WITHOUT_BODY
    chunked = "transfer-encoding" in headers
    if chunked and (
        without_body
        or "content-length" in headers
        or headers["transfer-encoding"][1].strip().lower() != "chunked"
    ):
        return None
    if "content-length" in headers:
        length = headers["content-length"][1].strip()
    else:
        length = "0" if without_body or chunked else ""
    closes: bool | None = False
    if "connection" in headers:
        closes = _CLOSES.get(headers["connection"][1].strip().lower())
    if closes is None or not LENGTH.fullmatch(length):
        return None
    size = None if chunked else 0 if without_body else int(length)
    return Head(status, (match[2] or "").strip(), headers, size, closes)


class _StandIn:
    """Base of the classes that become a class of requests, whose name is ``_becomes``."""

    _becomes = ""

    def _complete(self) -> tuple[type, dict[str, Any]]:
        """Return that class, and the attributes that an object of it has."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        return getattr(genuine(self), name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return genuine(self).__reduce_ex__(protocol)

    if not TYPE_CHECKING:

        @property
        def __class__(self) -> type:
            """For ``isinstance``: before requests is imported, nobody can name its classes."""
            return getattr(sys.modules.get("requests"), self._becomes, type(self))


_set_class: Any = vars(object)["__class__"].__set__


def genuine(value: Any) -> Any:
    """Turn an object of this module into the object of requests it stands for; return ``value``."""
    stand_in = type(value)
    if issubclass(stand_in, _StandIn):  # another thread may change the class from here on
        kind, attributes = stand_in._complete(value)
        vars(value).update(attributes)
        _set_class(value, kind)
    return value


class Headers(MutableMapping[str, Any]):
    """Headers by names in any case, in a dictionary: lower-case name -> (name, value)."""

    def __init__(self, store: dict[str, tuple[Any, Any]]) -> None:
        self._store = store

    def __getitem__(self, name: str) -> Any:
        return self._store[name.lower()][1]

    def __setitem__(self, name: str, value: Any) -> None:
        self._store[name.lower()] = name, value

    def __delitem__(self, name: str) -> None:
        del self._store[name.lower()]

    def __iter__(self) -> Iterator[Any]:
        return (name for name, _ in self._store.values())

    def __len__(self) -> int:
        return len(self._store)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.genuine(), name)

    def __eq__(self, other: object) -> bool:
        return bool(self.genuine() == other)

    def __repr__(self) -> str:
        return str(dict(self.items()))

    def genuine(self) -> Any:
        """Return a copy, in the class of requests."""
        from requests.structures import CaseInsensitiveDict

        return CaseInsensitiveDict(self._store.values())


class FastRequest(_StandIn):
    """A request, with headers as in :class:`Headers`, that stands for a ``PreparedRequest``."""

    _becomes = "PreparedRequest"

    def __init__(self, method: str, url: str, lines: dict[str, tuple[Any, Any]], body: Any) -> None:
        self.method = method
        self.url = url
        self.headers = Headers(lines)
        self.body = body

    def __repr__(self) -> str:
        return f"<PreparedRequest [{self.method}]>"

    def _complete(self) -> tuple[type, dict[str, Any]]:
        from requests import PreparedRequest

        headers = getattr(self.headers, "genuine", lambda: self.headers)()
        return PreparedRequest, {**vars(PreparedRequest()), **vars(self), "headers": headers}


class FastResponse(_StandIn):
    """A response whose body is read already, or by the caller; ``Response`` of requests.

    :param stream: a body that is already read can be read from ``raw``, too.
    """

    _becomes = "Response"
    _body: Body | None = None

    def __init__(
        self,
        head: Head,
        body: bytes | Body,
        request: Any,
        elapsed: timedelta,
        *,
        stream: bool = False,
    ) -> None:
        self.status_code = head.status
        self.reason = head.reason
        self.headers = Headers(head.headers)
        kind = head.headers.get("content-type")
        self.encoding = None if kind is None else encoding_of(kind[1])
        self.url, self.request, self.elapsed = request.url, request, elapsed
        self._content: Any = body
        self._content_consumed, self._streamed = True, stream
        if isinstance(body, Body):
            self._body, self._content, self._content_consumed = body, False, False

    def __repr__(self) -> str:
        return f"<Response [{self.status_code}]>"

    def __bool__(self) -> bool:
        return bool(genuine(self))

    def __iter__(self) -> Iterator[bytes]:
        return iter(genuine(self))

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, unless the body was read: then it is already back in its pool."""
        if self._body is not None:
            self._body.close()

    @property
    def content(self) -> bytes:
        """The body; what is left of it if a part was read before."""
        if self._content is False:
            if self._content_consumed:
                return genuine(self).content  # type: ignore[no-any-return]
            self._content = b"".join(self.iter_content(AT_ONCE))
        return self._content  # type: ignore[no-any-return]

    @property
    def text(self) -> str:
        """The body as text; requests guesses the encoding if none is declared."""
        try:
            if self.encoding is not None:
                return str(self.content, self.encoding, "replace")
        except LookupError:
            pass
        return genuine(self).text  # type: ignore[no-any-return]

    def iter_content(self, chunk_size: Any = 1, decode_unicode: bool = False) -> Iterator[Any]:
        """Return an iterator over the body, in pieces of ``chunk_size``; ``None``: as a whole."""
        content, usual = self._content, isinstance(chunk_size, int) and chunk_size > 0
        if decode_unicode or not usual or (content is False and self._content_consumed):
            return genuine(self).iter_content(chunk_size, decode_unicode)  # type: ignore[no-any-return]
        if content is False:
            return self._pieces(chunk_size)
        if len(content) <= chunk_size:
            return iter((content,) if content else ())
        return (content[at : at + chunk_size] for at in range(0, len(content), chunk_size))

    def _pieces(self, size: int) -> Iterator[bytes]:
        body: Any = self._body
        while not body.closed:
            try:
                piece = body.read(size) if type(self) is FastResponse else b""
            except OSError:
                piece = b""
            if not piece:  # requests names the error, or somebody has asked for something of it
                yield from genuine(self).iter_content(size)
                return
            yield piece
        self._content_consumed = True

    def _complete(self) -> tuple[type, dict[str, Any]]:
        """Its ``raw`` has no body, which is ``content``, unless the response is streamed."""
        from requests import Response
        from requests.adapters import HTTPAdapter
        from urllib3 import HTTPResponse

        headers = getattr(self.headers, "genuine", lambda: self.headers)()
        body: Any = self._body
        raw = HTTPResponse(
            body=body or io.BytesIO(self._content if self._streamed else b""),
            headers=headers,
            status=self.status_code,
            version=11,
            reason=self.reason,
            preload_content=False,
            decode_content=False,
            pool=body and body.pool,
            enforce_content_length=True,  # the default only since version 2
            request_method=self.request.method,
        )
        if body is not None:
            raw.length_remaining, raw._fp_bytes_read = body.left, body.length - body.left
        attributes = {**vars(Response()), "raw": raw, "connection": HTTPAdapter()}
        return Response, {**attributes, **vars(self), "headers": headers}


@lru_cache(maxsize=64)
def encoding_of(content_type: str) -> str | None:
    """Return the encoding that requests derives from the header Content-Type."""
    kind, *parameters = content_type.split(";")
    for parameter in reversed(parameters):
        name, _, value = parameter.partition("=")
        if name.strip("\"' ").lower() == "charset":
            return value.strip("\"' ")
    if "text" in kind:
        return "ISO-8859-1"
    return "utf-8" if "application/json" in kind else None


class HttpLibResponseProxy:
    """A response of requests with the interface of :class:`http.client.HTTPResponse`."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def read(self, amt: int | None = None) -> str:
        """Return the whole body as text, regardless of ``amt``."""
        return str(self._response.text)

    def getheader(self, name: str, default: Any = None) -> Any:
        """Return the value of a header."""
        return self._response.headers.get(name, default)

    def getheaders(self) -> list[tuple[str, str]]:
        """Return the headers as pairs of name and value."""
        return list(self._response.headers.items())

    status = property(attrgetter("_response.status_code"))
    reason = property(attrgetter("_response.reason"))
    body = property(attrgetter("_response.content"), doc="The whole body.")
    version = "11"
    """HTTP version without the dot."""
