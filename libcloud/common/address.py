# SPDX-License-Identifier: Apache-2.0
"""Where a request goes: the parts of a base URL, and how path and query are put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from libcloud.common.types import LibcloudError

__all__ = ["normalise", "split_url", "with_query"]


def split_url(url: str) -> tuple[str, int, int, str]:
    """Host, port, whether it is secure (0 or 1), and path of a base URL.

    :raises LibcloudError: it is neither http nor https.
    """
    parsed = urlsplit(url)
    if parsed.scheme not in ("http", "https") or not parsed.hostname:
        raise LibcloudError(f"Invalid scheme: {parsed.scheme} in url {url}")
    secure = parsed.scheme == "https"
    return parsed.hostname, parsed.port or (443 if secure else 80), int(secure), parsed.path


def normalise(path: str) -> str:
    """``path`` with one slash before each segment, and without empty or dot segments."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    closing = "/" if segments and path.endswith(("/", "/.", "/..")) else ""
    return "".join(f"/{segment}" for segment in segments) + closing


def with_query(action: str, params: Any) -> str:
    """``action`` with ``params`` appended: by ``?``, or by ``&`` when it has a query already."""
    if not params:
        return action
    pairs: Iterable[tuple[Any, Any]] = params.items() if isinstance(params, Mapping) else params
    encoded = [
        quote(str(name), safe="")
        if value is None
        else urlencode([(name, value)], doseq=True, quote_via=quote)
        for name, value in pairs
    ]
    query = "&".join(part for part in encoded if part)
    if not query:
        return action
    return f"{action}{'&' if '?' in action else '?'}{query}"
