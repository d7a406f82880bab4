# SPDX-License-Identifier: Apache-2.0
"""Requests as values, and their targets: path and query, sent and signed as they are built here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import unquote_plus

from libcloud.common.address import with_query
from libcloud.utils.bodies import Pieces
from libcloud.utils.values import PortableValue

Body = bytes | bytearray | memoryview | Pieces
Params = tuple[tuple[str, str | None], ...]

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True, eq=False, repr=False)
class HttpRequest(PortableValue):
    """A request without host and credentials. Not changed once it is made.

    It does not show its headers, which may contain a customer's key.

    :param path: percent-encoded, starts with ``/``, without a query.
    :param params: the query, in order, not encoded. ``None`` makes a bare key: ``?uploads``.
    """

    method: str
    path: str
    params: Params = ()
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS, repr=False)
    body: Body | str | None = field(default=None, repr=False)

    @property
    def target(self) -> str:
        return with_query(self.path, self.params)


def parse_query(query: str) -> Params:
    """The parameters of a query string; a key without ``=`` has the value ``None``."""
    pairs: list[tuple[str, str | None]] = []
    for item in filter(None, query.split("&")):
        name, equals, value = item.partition("=")
        pairs.append((_decoded(name), _decoded(value) if equals else None))
    return tuple(pairs)


def _decoded(text: str) -> str:
    return unquote_plus(text, errors="surrogateescape")


def split_target(target: str) -> tuple[str, Params]:
    path, _, query = target.partition("?")
    return path, parse_query(query)
