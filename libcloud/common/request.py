# SPDX-License-Identifier: Apache-2.0
"""Requests as values, and request targets: path and query.

A target is sent byte for byte as it is built here, and signers use the same value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import unquote_plus

from libcloud.common.address import percent_encoded
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
