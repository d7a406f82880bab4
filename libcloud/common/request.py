# SPDX-License-Identifier: Apache-2.0
"""Requests as values, and request targets: path and query.

A target is sent byte for byte as it is built here, and signers use the same value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode, urlsplit

from libcloud.common.types import LibcloudError
from libcloud.utils.bodies import Pieces

Body = bytes | bytearray | memoryview | Pieces
Params = tuple[tuple[str, str | None], ...]

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request without host and credentials.

    :param method: verb, upper case.
    :param path: percent-encoded, starts with ``/``, without a query.
    :param params: the query, in order, not encoded. ``None`` makes a bare key: ``?uploads``.
    :param headers: names in any case; values ``str``.
    :param body: bytes to send, or text, sent as UTF-8; ``None`` for no body.
    """

    method: str
    path: str
    params: Params = ()
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)
    body: Body | str | None = field(default=None, repr=False)

    @property
    def target(self) -> str:
        """Path and query as they are sent."""
        return join_target(self.path, self.params)


def encode_query(params: Iterable[tuple[str, str | None]]) -> str:
    """Return the query string of ``params`` without ``?``; ``None`` makes a bare key."""
    pairs = []
    for name, value in params:
        key = percent_encoded(name)
        pairs.append(key if value is None else f"{key}={percent_encoded(value)}")
    return "&".join(pairs)


def parse_query(query: str) -> Params:
    """The inverse of :func:`encode_query`; a key without ``=`` has the value ``None``."""
    if not query:
        return ()
    pairs: list[tuple[str, str | None]] = []
    for item in query.split("&"):
        if not item:
            continue
        name, equals, value = item.partition("=")
        pairs.append((_decoded(name), _decoded(value) if equals else None))
    return tuple(pairs)


def _decoded(text: str) -> str:
    return unquote_plus(text, errors="surrogateescape")


def join_target(path: str, params: Iterable[tuple[str, str | None]]) -> str:
    """Append ``params`` to ``path``, with ``?``, or with ``&`` if it already has a query."""
    query = encode_query(params)
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{query}"


def split_target(target: str) -> tuple[str, Params]:
    """Split a target such as ``/bucket/key?uploads`` into path and parameters."""
    path, _, query = target.partition("?")
    return path, parse_query(query)


class ReportedHost(str):
    """A host that a driver writes to its connection class for callers to read.

    The class is shared, so no connection uses this value: see :attr:`default`.

    :param host: the host of the driver that was created last.
    :param replaced: the previous ``host`` of the class.
    """

    default: str
    """The host of connections that are created without one: what the class itself declares."""

    def __new__(cls, host: str, replaced: str = "") -> ReportedHost:
        reported = super().__new__(cls, host)
        reported.default = default_host(replaced)
        return reported


def default_host(host: str) -> str:
    """Return the host that a class declares, given its ``host`` attribute."""
    return host.default if isinstance(host, ReportedHost) else host


def split_url(url: str) -> tuple[str, int, int, str]:
    """Return host, port, secure (0 or 1) and path of a base URL.

    :raises LibcloudError: the scheme is neither http nor https.
    """
    parsed = urlsplit(url)
    if parsed.scheme not in ("http", "https") or not parsed.hostname:
        raise LibcloudError(f"Invalid scheme: {parsed.scheme} in url {url}")
    secure = parsed.scheme == "https"
    return parsed.hostname, parsed.port or (443 if secure else 80), int(secure), parsed.path


def normalise(path: str) -> str:
    """Return ``path`` without empty and dot segments."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    closing = "/" if segments and path.endswith(("/", "/.", "/..")) else ""
    return "".join(f"/{segment}" for segment in segments) + closing


@lru_cache(maxsize=128)  # each part has the same names and upload id, written and signed
def percent_encoded(text: str) -> str:
    """Percent-encode everything but unreserved characters (RFC 3986, section 2.3)."""
    return quote(text, safe="", errors="surrogateescape")


def with_query(action: str, params: Any, *, bare_keys: bool = True) -> str:
    """Append ``params`` to ``action``, with ``?``, or with ``&`` if it already has a query.

    :param bare_keys: write a parameter with the value ``None`` without a value; otherwise the
        value becomes the text ``None``.
    """
    if not params:
        return action
    pairs: Iterable[tuple[Any, Any]] = params.items() if isinstance(params, Mapping) else params
    if not bare_keys:
        pairs = [(name, "None" if value is None else value) for name, value in pairs]
    encoded = [_pair(name, value) for name, value in pairs]
    query = "&".join(part for part in encoded if part)
    if not query:
        return action
    return f"{action}{'&' if '?' in action else '?'}{query}"


def _pair(name: Any, value: Any) -> str:
    """Encode a parameter: one for each item of a list, a bare key for ``None``."""
    if value is None:
        return percent_encoded(str(name))
    if isinstance(name, str) and isinstance(value, str):
        return f"{percent_encoded(name)}={percent_encoded(value)}"
    return urlencode([(name, value)], doseq=True, quote_via=quote)
