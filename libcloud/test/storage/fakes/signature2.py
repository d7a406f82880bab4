# SPDX-License-Identifier: Apache-2.0
"""Verification of AWS Signature Version 2, written from its specification and nothing else.

Reference: Amazon S3 User Guide, "Signing and authenticating REST requests (AWS signature
version 2)".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from libcloud.test.storage.fakes.errors import S3Error
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.wire import Incoming

SUB_RESOURCES = frozenset(
    [
        "acl",
        "cors",
        "delete",
        "lifecycle",
        "location",
        "logging",
        "notification",
        "partNumber",
        "policy",
        "requestPayment",
        "restore",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versionId",
        "versioning",
        "versions",
        "website",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-content-type",
        "response-expires",
    ]
)

# Google Cloud Storage, "V2 signing process": "Canonical extension headers".
_NOT_SIGNED = frozenset({"x-goog-encryption-key", "x-goog-encryption-key-sha256"})


def scheme(options: Options) -> str:
    """What the ``Authorization`` header begins with.

    Reference: Google Cloud Storage, "V2 signing process": ``GOOG1`` in place of ``AWS``.
    """
    return "AWS " if options.vendor == "x-amz-" else "GOOG1 "


def string_to_sign(request: Incoming, date: str, vendor: str = "x-amz-") -> str:
    """The text both sides sign; ``date`` is the fourth line (a date or an expiry)."""
    amazon: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name.startswith(vendor) and name not in _NOT_SIGNED:
            amazon.setdefault(name, []).append(value)
    lines = [
        request.method,
        request.header("content-md5") or "",
        request.header("content-type") or "",
        date,
    ]
    lines += [f"{name}:{','.join(values)}" for name, values in sorted(amazon.items())]
    lines.append(_resource(request))
    return "\n".join(lines)


def _resource(request: Incoming) -> str:
    bare = {item for item in request.raw_query.split("&") if "=" not in item}
    signed = [
        name if name in bare else f"{name}={value}"
        for name, value in sorted(request.query.items())
        if name in SUB_RESOURCES
    ]
    return request.raw_resource + ("?" + "&".join(signed) if signed else "")


def verify_header(request: Incoming, options: Options) -> None:
    """Check ``Authorization: AWS key:signature``."""
    given = (request.header("authorization") or "").removeprefix(scheme(options))
    key, _, signature = given.partition(":")
    date = request.header(f"{options.vendor}date")
    text = date or request.header("date") or ""
    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        raise S3Error(403, "AccessDenied", "A valid Date or x-amz-date header is needed") from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=timezone.utc)
    if abs(options.clock() - when) > timedelta(seconds=options.max_skew):
        raise S3Error(403, "RequestTimeTooSkewed", "The request time is too far from the server's")
    signed = string_to_sign(request, "" if date else text, options.vendor)
    _compare(options, key, signature, signed)


def verify_query(request: Incoming, options: Options) -> None:
    """Check ``AWSAccessKeyId``, ``Expires`` and ``Signature`` in the query."""
    expires = request.query.get("Expires", "")
    if not expires.isdigit():
        raise S3Error(403, "AccessDenied", "Query-string authentication requires Expires")
    if options.clock() > datetime.fromtimestamp(int(expires), timezone.utc):
        raise S3Error(403, "AccessDenied", "Request has expired")
    _compare(
        options,
        request.query.get("AWSAccessKeyId", ""),
        request.query.get("Signature", ""),
        string_to_sign(request, expires),
    )


def _compare(options: Options, key: str, signature: str, text: str) -> None:
    if key != options.key:
        raise S3Error(403, "InvalidAccessKeyId", "The access key id does not exist in our records.")
    digest = hmac.new(options.secret.encode(), text.encode("utf-8"), hashlib.sha1).digest()
    if not hmac.compare_digest(base64.b64encode(digest).decode(), signature):
        raise S3Error(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
            extra={"StringToSign": text},
        )
