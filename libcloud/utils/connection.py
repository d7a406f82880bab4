# SPDX-License-Identifier: Apache-2.0
"""Sends a single request to a URL."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from libcloud.common.base import Connection


def get_response_object(
    url: str,
    method: str = "GET",
    headers: dict[str, Any] | None = None,
    retry_failed: bool | None = None,
) -> Any:
    """The response of the server at ``url``: a :class:`libcloud.common.base.Response`."""
    parsed = urlsplit(url)
    connection = Connection(secure=parsed.scheme == "https", host=parsed.hostname, port=parsed.port)
    return connection.request(
        action=parsed.path,
        params=parse_qs(parsed.query, keep_blank_values=True),
        headers=headers,
        method=method,
        retry_failed=retry_failed,
    )
