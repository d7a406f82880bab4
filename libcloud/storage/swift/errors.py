# SPDX-License-Identifier: Apache-2.0
"""The errors of Swift, and their classification for retries.

Swift has no error codes: the status decides, and the body is text for a person, or a web page with
one. The code of an exception is the name of the status.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from libcloud.storage import error_details
from libcloud.storage.error_details import ErrorDetail as ErrorDetail
from libcloud.storage.error_details import attach_detail as attach_detail
from libcloud.storage.error_details import describe as describe
from libcloud.storage.transfer.client import failure_without_detail
from libcloud.storage.transfer.values import Failure

# 498 is "Rate Limited" (Swift, "Rate Limiting"); 503 also if not enough disks store an object.
_THROTTLED = frozenset({429, 498})
_TRANSIENT = frozenset({408, 500, 502, 503, 504}) | _THROTTLED


def error_detail(status: int, headers: Mapping[str, str], body: Any) -> ErrorDetail:
    """The error in a response; a body that is neither text nor bytes counts as empty."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        code = HTTPStatus(status).phrase.replace(" ", "")
    except ValueError:
        code = "RateLimited" if status in _THROTTLED else ""
    return ErrorDetail(
        status,
        code,
        error_details.words_of(text) if isinstance(text, str) else "",
        headers.get("x-trans-id") or headers.get("x-openstack-request-id"),
        retry_after=error_details.retry_after(headers),
    )


def failure_of(error: BaseException) -> Failure:
    """Classify an exception of a request."""
    detail = getattr(error, "detail", None)
    if not isinstance(detail, ErrorDetail):
        return failure_without_detail(error)
    return Failure(
        error,
        # A body that was damaged on its way is refused with 422.
        transient=detail.status in {*_TRANSIENT, 422},
        condition_failed=detail.status == 412,
        throttled=detail.status in _THROTTLED or detail.status == 503,
        retry_after=detail.retry_after,
    )
