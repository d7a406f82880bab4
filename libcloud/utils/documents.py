# SPDX-License-Identifier: Apache-2.0
"""Responses that are held in memory as a whole: all but the content of objects.

A few bytes on the wire can be unpacked to gigabytes, and a document of a few megabytes can take a
hundred times its size once it is parsed. So both are bounded, while they are read.
"""

from __future__ import annotations

import json
from typing import Any

from libcloud.common.types import ResponseTooLargeError
from libcloud.utils.redact import redact_text

__all__ = ["MAX_ERROR_SIZE", "MAX_RESPONSE_SIZE", "parse_json", "read_document"]

MAX_RESPONSE_SIZE = 64 * 1024 * 1024
"""Bytes, unpacked, of a response that is read as a whole. It may be set, also by programs.

A listing of 1,000 names in S3 is up to about 5 MiB; one of 5,000 blobs with all of their metadata
in Azure, or 10,000 names in Swift, up to 50 MiB.
"""

MAX_ERROR_SIZE = 1024 * 1024
"""The same of a response with a status outside of the two hundreds: an error page."""

MAX_JSON_VALUES = 2_000_000
"""Values in a JSON document; each takes about 60 bytes of memory."""

# Bytes read at once. A packed piece may become a thousand times as large, in older versions of
# urllib3 (before 2.6) at once.
_PIECE = 64 * 1024
_PACKED_PIECE = 2 * 1024


def read_document(response: Any) -> Any:
    """The content of a response of requests, which is read now if nobody has done so.

    :raises ResponseTooLargeError: it takes more memory than allowed. The connection is closed.
    """
    if getattr(response, "_content", None) is not False or response.raw is None:
        return response.content  # read already, not of requests, or a mock without a body
    success = 200 <= response.status_code < 300
    limit = MAX_RESPONSE_SIZE if success else MAX_ERROR_SIZE
    try:
        response._content = _read(response, limit)
    except BaseException:
        response.close()
        raise
    response._content_consumed = True
    return response._content


def _read(response: Any, limit: int) -> bytes:
    coding = response.headers.get("content-encoding", "").strip()
    stated = response.headers.get("content-length", "")
    if "," in coding:
        raise _too_large(response, f"is packed several times ({coding[:40]})")
    # What HEAD states is the size of the object.
    has_body = getattr(response.request, "method", None) != "HEAD"
    if has_body and not coding and stated.isdigit() and int(stated[:20]) > limit:
        raise _too_large(response, f"has {stated[:20]} bytes; at most {limit} are accepted")
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_content(_PACKED_PIECE if coding else _PIECE):
        size += len(piece)
        if size > limit:
            pieces.clear()  # which the traceback of a kept exception would hold
            unpacked = f", unpacked from {coding[:40]}" if coding else ""
            raise _too_large(response, f"has more than the {limit} bytes accepted{unpacked}")
        pieces.append(piece)
    return b"".join(pieces)


def _too_large(response: Any, what: str) -> ResponseTooLargeError:
    request = response.request
    method, url = getattr(request, "method", None), getattr(request, "url", None)
    asked = redact_text(f"{method} {str(url).partition('?')[0]}")
    error = ResponseTooLargeError(f"{asked}: the response (status {response.status_code}) {what}")
    error.http_code = response.status_code
    return error


def parse_json(text: str) -> Any:
    """The value of a JSON document.

    :raises ValueError: it is none, or has too many values.
    """
    values = text.count(",") + text.count("[") + text.count("{")
    if values > MAX_JSON_VALUES:
        raise ValueError(f"JSON has about {values} values; at most {MAX_JSON_VALUES} are accepted")
    return json.loads(text)
