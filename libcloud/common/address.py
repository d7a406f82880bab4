# SPDX-License-Identifier: Apache-2.0
"""Base URLs, paths and queries of requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from libcloud.common.types import LibcloudError


class ReportedHost(str):
    """A host that a driver writes to its connection class for callers to read.

    The class is shared, so no connection uses this value: see :attr:`default`.
    """

    default: str
    """The host of connections that are created without one: what the class itself declares."""

    def __new__(cls, host: str, replaced: str = "") -> ReportedHost:
        reported = super().__new__(cls, host)
        reported.default = default_host(replaced)
        return reported


def default_host(host: str) -> str:
    """The host that a class declares, given its ``host`` attribute."""
    return host.default if isinstance(host, ReportedHost) else host


def split_url(url: str) -> tuple[str, int, int, str]:
    """Host, port, secure (0 or 1) and path of a base URL. :raises LibcloudError: another scheme."""
    parsed = urlsplit(url)
    if parsed.scheme not in ("http", "https") or not parsed.hostname:
        raise LibcloudError(f"Invalid scheme: {parsed.scheme} in url {url}")
    secure = parsed.scheme == "https"
    return parsed.hostname, parsed.port or (443 if secure else 80), int(secure), parsed.path


def normalise(path: str) -> str:
    """``path`` without empty and dot segments."""
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

    :param bare_keys: write ``None`` as a name without a value, otherwise as the text ``None``.
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
    """One pair for each item of a list, a bare key for ``None``."""
    if value is None:
        return percent_encoded(str(name))
    if isinstance(name, str) and isinstance(value, str):
        return f"{percent_encoded(name)}={percent_encoded(value)}"
    return urlencode([(name, value)], doseq=True, quote_via=quote)
