# SPDX-License-Identifier: Apache-2.0
"""What an S3 error means: its parts, whether to try again, and what to tell the user.

The tables hold the general and the S3 entries of botocore's ``data/_retry.json``, the "standard"
mode of the AWS SDKs and Tools Reference Guide ("Retry behavior"), and the "List of error codes" of
the Amazon S3 API Reference; a line with another source names it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TypeVar

from libcloud.common.types import LibcloudError
from libcloud.storage.s3.values import ErrorBody
from libcloud.storage.s3.xml import parse_error
from libcloud.utils.redact import redact_text

__all__ = [
    "PERMANENT_CODES",
    "THROTTLING_CODES",
    "TRANSIENT_CODES",
    "TRANSIENT_STATUSES",
    "ErrorDetail",
    "attach_detail",
    "describe",
    "error_detail",
    "is_transient",
    "printable",
]

_ErrorT = TypeVar("_ErrorT", bound=LibcloudError)

TRANSIENT_STATUSES = frozenset(
    {
        408,  # RFC 9110, 15.5.9: the request may be repeated; proxies say it, S3 says it with 400
        429,  # RFC 6585; Google, R2 and others throttle with it
        500,
        502,
        503,
        504,
        509,  # bandwidth limit exceeded: botocore's general retry table
    }
)

TRANSIENT_CODES = frozenset(
    {
        "BadDigest",  # botocore's S3 table: the body was damaged on its way, send it again
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "InternalError",
        "InternalServerError",
        "OperationAborted",  # 409: another operation on the bucket is under way
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeTooSkewed",  # s5cmd; an attempt is signed anew, with a new date
        "RequestTimeout",  # comes with 400: the body did not arrive in time
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "SlowDownRead",  # MinIO
        "SlowDownWrite",  # MinIO
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "TooManyRequestsException",
        "TransactionInProgressException",
        "XAmzContentSHA256Mismatch",  # as BadDigest, for the digest that signature 4 carries
    }
)

# The store asks for fewer requests: botocore's list of throttling codes, and MinIO's words.
THROTTLING_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "SlowDownRead",
        "SlowDownWrite",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)

# They stay what they are when asked again, whatever status came with them (moto and some gateways
# send 500, and the error of a Complete comes with 200).
PERMANENT_CODES = frozenset(
    {
        "AccessDenied",
        "AccountProblem",
        "AuthorizationHeaderMalformed",
        "BucketAlreadyExists",
        "BucketAlreadyOwnedByYou",
        "BucketNotEmpty",
        "ConditionalRequestConflict",  # 409: create the upload anew and send all parts again
        "EntityTooLarge",
        "EntityTooSmall",
        "ExpiredToken",
        "IllegalLocationConstraintException",
        "InvalidAccessKeyId",
        "InvalidArgument",
        "InvalidBucketName",
        "InvalidDigest",
        "InvalidPart",
        "InvalidPartOrder",
        "InvalidRange",
        "InvalidRequest",
        "InvalidStorageClass",
        "InvalidToken",
        "KeyTooLongError",
        "MalformedXML",
        "MetadataTooLarge",
        "MethodNotAllowed",
        "NoSuchBucket",
        "NoSuchKey",
        "NoSuchUpload",
        "NotImplemented",
        "PermanentRedirect",
        "PreconditionFailed",
        "QuotaExceeded",
        "SignatureDoesNotMatch",
        "TooManyBuckets",
    }
)

_MESSAGE_LENGTH = 500
_WORD_LENGTH = 100

# A message may quote what was signed: name=value, name: value, Credential=..., and the key id.
_SECRETS = re.compile(
    r"(?i)\b((?:x-amz-[\w-]*|aws)?(?:signature|credential|security-token|accesskeyid|secret[\w-]*)"
    r"|authorization)\b(\s*[=:]\s*)(?:(?:AWS4-HMAC-SHA256|AWS|GOOG1|Bearer)\s+)?[^\s,;&<>]+"
)


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """What a store said went wrong.

    :param status: HTTP status; 200 if the error came in the body of an answer that began well.
    :param code: S3's word for it; empty if there is none, as in every answer to HEAD.
    :param message: the store's sentence, without credentials; may be empty.
    :param request_id: for the store's support.
    :param host_id: likewise.
    :param region: where the bucket is, if the store says so.
    :param retry_after: seconds to wait, if the store says so.
    :param date: the store's time when it answered, aware, if it says so.
    :param endpoint: the host to ask instead, if the store says so. Anybody could say so.
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


def error_detail(
    status: int, headers: Mapping[str, str], body: bytes = b"", *, now: datetime | None = None
) -> ErrorDetail:
    """What the parts of an answer say of an error. Never raises, whatever the answer holds.

    :param headers: names in any case.
    :param body: any; ``code`` and ``message`` stay empty unless it is an ``<Error>`` document.
    :param now: the time from which a ``Retry-After`` that names a date counts; ``None`` takes the
        answer's own ``Date``.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    said = (parse_error(body) if body else None) or ErrorBody(code="")
    return ErrorDetail(
        status=status,
        code=printable(said.code, _WORD_LENGTH),
        message=printable(said.message, _MESSAGE_LENGTH),
        request_id=_word(
            said.request_id or lowered.get("x-amz-request-id") or lowered.get("x-amzn-requestid")
        ),
        host_id=_word(said.host_id or lowered.get("x-amz-id-2")),
        region=_word(lowered.get("x-amz-bucket-region") or said.region),
        retry_after=_retry_after(lowered, now),
        date=_date(lowered.get("date", "")),
        endpoint=_word(said.endpoint),
    )


def is_transient(detail: ErrorDetail) -> bool:
    """Whether the same request may well succeed if it is sent again.

    The code decides if the tables know it, else the status. An error within a 200 is transient
    unless its code says otherwise: Amazon S3 API Reference, "CompleteMultipartUpload".
    """
    if detail.code in PERMANENT_CODES:
        return False
    if detail.code in TRANSIENT_CODES:
        return True
    return detail.status in TRANSIENT_STATUSES or 200 <= detail.status < 300


def describe(detail: ErrorDetail) -> str:
    """One line for an exception: status, and what of code, message and request id there is.

    >>> describe(ErrorDetail(503, "SlowDown", "Reduce your request rate.", "4442587F"))
    'Status code: 503, code: SlowDown, message: Reduce your request rate., request id: 4442587F'
    """
    said = (
        ("code", detail.code),
        ("message", detail.message),
        ("request id", detail.request_id),
    )
    return ", ".join(
        [f"Status code: {detail.status}", *(f"{name}: {value}" for name, value in said if value)]
    )


def _retry_after(headers: Mapping[str, str], now: datetime | None) -> float | None:
    """Seconds to wait by ``Retry-After`` (RFC 9110, 10.2.3); a date that has passed is 0."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return float(text)
    until, since = _date(text), now or _date(headers.get("date", ""))
    if until is None or since is None:
        return None
    if since.tzinfo is None:
        since = since.replace(tzinfo=timezone.utc)
    return max(0.0, (until - since).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=timezone.utc)


def _word(text: str | None) -> str | None:
    return printable(text, _WORD_LENGTH) or None if text else None


def printable(text: str, length: int) -> str:
    """``text`` on one line, at most ``length`` characters, without credentials."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    line = _SECRETS.sub(r"\1\2(hidden)", redact_text(line))
    return line if len(line) <= length else line[:length] + "..."


def attach_detail(error: _ErrorT, detail: ErrorDetail) -> _ErrorT:
    """``error`` with the details of the response as attributes.

    They are ``detail``, ``status`` and ``http_code`` (the HTTP status), ``code``, ``request_id``,
    and ``retry_after`` (seconds; ``None`` if the store names no time).
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
