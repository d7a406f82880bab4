# SPDX-License-Identifier: Apache-2.0
"""The error in a store's response, whatever its protocol, and how an exception shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from libcloud.common.types import LibcloudError
from libcloud.utils.headers import http_date
from libcloud.utils.redact import redact_text
from libcloud.utils.values import Value

_ErrorT = TypeVar("_ErrorT", bound=LibcloudError)

MESSAGE_LENGTH = 500
"""Characters of a store's message that are shown."""

CODE_LENGTH = 100
"""Characters of a code or an id that are shown."""

# A message may quote what was signed: name=value, name: value, Credential=..., and the key id.
_SECRETS = (
    r"(?i)\b((?:x-amz-[\w-]*|aws)?(?:signature|credential|security-token|accesskeyid|secret[\w-]*)"
    r"|authorization)\b(\s*[=:]\s*)(?:(?:AWS4-HMAC-SHA256|AWS|GOOG1|Bearer)\s+)?[^\s,;&<>]+"
)
# Azure, AuthenticationFailed: "The MAC signature found in the HTTP request '...' is not the same".
# Or the value of a header: its scheme, the account or key id, and the signature.
_MAC = (
    r"(?i)(signature found in the HTTP request |\b(?:SharedKey(?:Lite)?|AWS|GOOG1) [^\s:]+:)"
    r"(?:'[^']*'|[A-Za-z0-9+/=]{20,})"
)


# Of web pages; their headings repeat the status.
_MARKUP = r"(?s)<(h1|script|style)\b.*?</\1>|<[^>]{0,100}>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ErrorDetail(Value):
    """The error in a response. What the store does not report is empty, or ``None``.

    :param status: HTTP status; 200 if the error is in the body of a success.
    :param message: the store's sentence, without credentials.
    :param request_id: for the store's support; likewise ``host_id``.
    :param region: of the bucket.
    :param retry_after: seconds to wait.
    :param date: the store's time of the response, aware.
    :param endpoint: the host to use instead. It is not trustworthy.
    """

    status: int
    code: str = ""
    message: str = ""
    request_id: str | None = None
    host_id: str | None = None
    region: str | None = None
    retry_after: float | None = None
    date: datetime | None = None
    endpoint: str | None = None


def describe(detail: ErrorDetail) -> str:
    """One line for an exception: status, and what of code, message and request id there is.

    >>> describe(ErrorDetail(503, "SlowDown", "Reduce your request rate.", "4442587F"))
    'Status code: 503, code: SlowDown, message: Reduce your request rate., request id: 4442587F'
    """
    facts = (("code", detail.code), ("message", detail.message), ("request id", detail.request_id))
    return ", ".join(
        [f"Status code: {detail.status}", *(f"{name}: {value}" for name, value in facts if value)]
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by ``Retry-After`` (RFC 9110, 10.2.3); a date that has passed is 0."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return float(text)
    until, since = http_date(text), http_date(headers.get("date", ""))
    if until is None or since is None:
        return None
    return max(0.0, (until - since).total_seconds())


def word(text: str | None) -> str | None:
    """``text`` for a message, such as a code or an id; ``None`` if it is empty."""
    return printable(text, CODE_LENGTH) or None if text else None


def printable(text: str, length: int) -> str:
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    line = re.sub(_MAC, r"\1(hidden)", redact_text(line))
    line = re.sub(_SECRETS, r"\1\2(hidden)", line)
    return line if len(line) <= length else line[:length] + "..."


def words_of(page: str) -> str:
    """The words of a response without a code, such as the web page of a proxy, for a message.

    >>> words_of("<html><title>400 Bad Request</title><p>Plain HTTP was sent to an HTTPS port")
    '400 Bad Request Plain HTTP was sent to an HTTPS port'
    """
    return printable(re.sub(_MARKUP, " ", page[: 4 * MESSAGE_LENGTH]), MESSAGE_LENGTH)


def attach_detail(error: _ErrorT, detail: ErrorDetail) -> _ErrorT:
    """``error`` with the details of the response as attributes, some under several names."""
    vars(error).update(
        detail=detail,
        status=detail.status,
        http_code=detail.status,
        code=detail.code,
        request_id=detail.request_id,
        retry_after=detail.retry_after,
    )
    return error
