# SPDX-License-Identifier: Apache-2.0
"""What a response says went wrong, and what that means for the request.

Swift has no error codes: the status decides, and the body is text for a person, or a web page with
one. The code of an exception is the name of the status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

from libcloud.common.types import LibcloudError
from libcloud.utils.redact import redact_text

_ErrorT = TypeVar("_ErrorT", bound=LibcloudError)

# 498 is "Rate Limited" (Swift, "Rate Limiting"); 503 also if not enough disks store an object.
_THROTTLED = frozenset({429, 498})
_TRANSIENT = frozenset({408, 500, 502, 503, 504}) | _THROTTLED
_SHOWN = 300
_TAGS = re.compile(r"<h1>.*?</h1>|<[^>]{0,100}>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """A response that is not a success.

    :param code: name of the status, such as ``"NotFound"``.
    :param message: what the body says, without credentials; may be empty.
    :param request_id: Swift's transaction id.
    :param retry_after: seconds to wait, if the store says so.
    """

    status: int
    code: str = ""
    message: str = ""
    request_id: str | None = None
    retry_after: float | None = None


def error_detail(status: int, headers: Mapping[str, str], body: Any) -> ErrorDetail:
    """The error in a response.

    :param headers: names in lower case.
    :param body: text or bytes; anything else counts as empty.
    """
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    words = " ".join(_TAGS.sub(" ", text[: 4 * _SHOWN]).split()) if isinstance(text, str) else ""
    wait = headers.get("retry-after", "")
    try:
        code = HTTPStatus(status).phrase.replace(" ", "")
    except ValueError:
        code = "RateLimited" if status in _THROTTLED else ""
    return ErrorDetail(
        status,
        code,
        redact_text(words)[:_SHOWN],
        headers.get("x-trans-id") or headers.get("x-openstack-request-id"),
        float(wait) if wait.isdigit() else None,
    )


def describe(detail: ErrorDetail) -> str:
    """One line for an exception.

    >>> describe(ErrorDetail(409, "Conflict", "There was a conflict.", "tx12"))
    'Status code: 409, code: Conflict, message: There was a conflict., request id: tx12'
    """
    said = {"code": detail.code, "message": detail.message, "request id": detail.request_id}
    found = [f"{name}: {value}" for name, value in said.items() if value]
    return ", ".join([f"Status code: {detail.status}", *found])


def is_transient(detail: ErrorDetail) -> bool:
    """Whether the same request may succeed if it is sent again."""
    return detail.status in _TRANSIENT


def is_throttled(detail: ErrorDetail) -> bool:
    """Whether the store asks for fewer requests."""
    return detail.status in _THROTTLED or detail.status == 503


def attach_detail(error: _ErrorT, detail: ErrorDetail) -> _ErrorT:
    """``error`` with the details of the response as attributes.

    They are those of the errors of S3: ``detail``, ``status`` and ``http_code`` (the HTTP status),
    ``code``, ``request_id`` and ``retry_after``.
    """
    vars(error).update(
        detail=detail,
        status=detail.status,
        http_code=detail.status,
        code=detail.code,
        request_id=detail.request_id,
        retry_after=detail.retry_after,
    )
    return error
