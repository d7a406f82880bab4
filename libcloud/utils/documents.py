# SPDX-License-Identifier: Apache-2.0
"""Responses that are read into memory as a whole: everything except the content of objects.

A few received bytes can decompress to gigabytes, and a parsed document can take a hundred times its
size. Both are limited while they are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from libcloud.common.types import ResponseTooLargeError
from libcloud.utils.redact import redact_text

MAX_RESPONSE_SIZE = 64 * 1024 * 1024
"""Maximum size of a decompressed response that is read as a whole, in bytes. Can be set.

A listing of 1,000 names in S3 is up to about 5 MiB; one of 5,000 blobs with all of their metadata
in Azure, or 10,000 names in Swift, up to 50 MiB.
"""

MAX_ERROR_SIZE = 1024 * 1024
"""The same for a response whose status is not 2xx: an error page."""

MAX_JSON_VALUES = 2_000_000
"""Maximum number of values in a JSON document; each takes about 60 bytes of memory."""

# Bytes to read at once. Before urllib3 2.6, a compressed piece may become a thousand times as large
# at once.
_PIECE = 64 * 1024
_PACKED_PIECE = 2 * 1024


class UnexpectedDocumentError(ValueError):
    """The document has an unexpected structure."""


def read_document(response: Any) -> Any:
    """The content of a response of requests, which is closed if it is too large."""
    if getattr(response, "_content", None) is not False or vars(response).get("raw", 1) is None:
        return response.content  # already read, not from requests, or a mock without a body
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
        raise _too_large(response, f"is compressed several times ({coding[:40]})")
    # The response to HEAD states the size of the object.
    has_body = getattr(response.request, "method", None) != "HEAD"
    if has_body and not coding and stated.isdigit() and int(stated[:20]) > limit:
        raise _too_large(response, f"has {stated[:20]} bytes; at most {limit} are accepted")
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_content(_PACKED_PIECE if coding else _PIECE):
        size += len(piece)
        if size > limit:
            pieces.clear()  # the traceback of the exception would keep them alive
            unpacked = f", decompressed from {coding[:40]}" if coding else ""
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
    """Parse a JSON document. :raises ValueError: it is not valid, or has too many values."""
    values = text.count(",") + text.count("[") + text.count("{")
    if values > MAX_JSON_VALUES:
        raise ValueError(f"JSON has about {values} values; at most {MAX_JSON_VALUES} are accepted")
    from json import loads

    return loads(text)


def records(document: Any) -> list[Mapping[str, Any]]:
    if document in ("", {}):
        return []
    if not isinstance(document, list) or not all(isinstance(item, Mapping) for item in document):
        raise UnexpectedDocumentError("the response is not a list of records")
    return document


def text_in(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    if not isinstance(value, str):
        raise UnexpectedDocumentError(f"a record has no {key}")
    return value


def number_in(item: Mapping[str, Any], key: str) -> int:
    value = item.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UnexpectedDocumentError(f"a record has no whole number as {key}")
    return value
