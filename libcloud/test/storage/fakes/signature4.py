# SPDX-License-Identifier: Apache-2.0
"""Verification of AWS Signature Version 4, written from its specification and nothing else.

Reference: Amazon S3 API, "Signature calculations for the Authorization header" and
"Authenticating requests: using query parameters".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, unquote_to_bytes

from libcloud.test.storage.fakes.errors import S3Error, invalid_request
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.wire import Incoming

UNSIGNED = "UNSIGNED-PAYLOAD"
ALGORITHM = "AWS4-HMAC-SHA256"
LONGEST_EXPIRY = 7 * 24 * 3600

_AUTHORIZATION = re.compile(
    ALGORITHM + r"\s+Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What the client says it signed."""

    credential: str
    signed_headers: str
    signature: str
    date: str
    payload: str
    in_query: bool


def canonical_uri(raw_path: str) -> str:
    """The path decoded once and encoded again as the specification says; never normalised."""
    return quote(unquote_to_bytes(raw_path), safe="/-._~")


def canonical_query(raw_query: str, without: Container[str] = ()) -> str:
    """Parameters encoded again and sorted; a bare key counts as ``key=``."""
    pairs = []
    for item in raw_query.split("&"):
        if not item:
            continue
        name, _, value = item.partition("=")
        encoded = [
            quote(unquote_to_bytes(text.replace("+", " ")), safe="-._~") for text in (name, value)
        ]
        if encoded[0] not in without:
            pairs.append((encoded[0], encoded[1]))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def verify_header(request: Incoming, options: Options) -> str:
    """Check an ``Authorization`` header.

    :return: the payload hash that was signed.
    :raises S3Error: as Amazon S3 answers.
    """
    match = _AUTHORIZATION.fullmatch((request.header("authorization") or "").strip())
    if match is None:
        raise S3Error(400, "AuthorizationHeaderMalformed", "The authorization header is malformed")
    payload = request.header("x-amz-content-sha256")
    if payload is None:
        raise invalid_request("Missing required header for this request: x-amz-content-sha256")
    date = request.header("x-amz-date")
    if date is None:
        raise S3Error(403, "AccessDenied", "AWS authentication requires a valid x-amz-date header")
    when = _parse_date(date)
    if abs(options.clock() - when) > timedelta(seconds=options.max_skew):
        raise S3Error(403, "RequestTimeTooSkewed", "The request time is too far from the server's")
    credential, signed_headers, signature = match.groups()
    claim = _Claim(credential, signed_headers, signature, date, payload, in_query=False)
    _verify(request, options, claim)
    return payload


def verify_query(request: Incoming, options: Options) -> str:
    """Check a presigned URL; the counterpart of :func:`verify_header`."""
    query = request.query
    names = ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"]
    missing = [name for name in names if f"X-Amz-{name}" not in query]
    if missing or query["X-Amz-Algorithm"] != ALGORITHM:
        raise _query_error(f"Query-string authentication version 4 requires {missing or ALGORITHM}")
    if not query["X-Amz-Expires"].isdigit():
        raise _query_error("X-Amz-Expires should be a number")
    expires = int(query["X-Amz-Expires"])
    if not 0 < expires <= LONGEST_EXPIRY:
        raise _query_error("X-Amz-Expires must be between 1 and 604800 seconds")
    when = _parse_date(query["X-Amz-Date"])
    if when - options.clock() > timedelta(seconds=options.max_skew):
        raise S3Error(403, "AccessDenied", "Request is not valid yet")
    if options.clock() > when + timedelta(seconds=expires):
        raise S3Error(403, "AccessDenied", "Request has expired")
    payload = request.header("x-amz-content-sha256") or UNSIGNED
    claim = _Claim(
        query["X-Amz-Credential"],
        query["X-Amz-SignedHeaders"],
        query["X-Amz-Signature"],
        query["X-Amz-Date"],
        payload,
        in_query=True,
    )
    _verify(request, options, claim)
    return payload


def _query_error(message: str) -> S3Error:
    return S3Error(400, "AuthorizationQueryParametersError", message)


def _parse_date(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise S3Error(403, "AccessDenied", f"{text!r} is not an ISO 8601 basic date") from None


def _verify(request: Incoming, options: Options, claim: _Claim) -> None:
    scope = _check_scope(options, claim)
    names = claim.signed_headers.split(";")
    _check_signed_headers(request, names)
    headers = "".join(f"{name}:{_header_value(request, name)}\n" for name in names)
    canonical = "\n".join(
        [
            request.method,
            canonical_uri(request.raw_path),
            canonical_query(
                request.raw_query, without=("X-Amz-Signature",) if claim.in_query else ()
            ),
            headers,
            claim.signed_headers,
            claim.payload,
        ]
    )
    digest = hashlib.sha256(canonical.encode("utf-8")).hexdigest()
    to_sign = "\n".join([ALGORITHM, claim.date, "/".join(scope), digest])
    key = b"AWS4" + options.secret.encode()
    for step in scope:
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, to_sign.encode("utf-8"), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, claim.signature):
        raise S3Error(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
            extra={"StringToSign": to_sign, "CanonicalRequest": canonical},
        )


def _check_scope(options: Options, claim: _Claim) -> list[str]:
    key, *scope = claim.credential.split("/")
    if len(scope) != 4 or scope[3] != "aws4_request" or scope[2] != "s3":
        raise S3Error(
            400, "AuthorizationHeaderMalformed", f"the credential {claim.credential} is malformed"
        )
    if key != options.key:
        raise S3Error(403, "InvalidAccessKeyId", "The access key id does not exist in our records.")
    if scope[0] != claim.date[:8]:
        raise S3Error(400, "AuthorizationHeaderMalformed", "scope and date differ in their day")
    if options.region is not None and scope[1] != options.region:
        raise S3Error(
            400,
            "AuthorizationHeaderMalformed",
            f"the region '{scope[1]}' is wrong; expecting '{options.region}'",
            extra={"Region": options.region},
            headers={"x-amz-bucket-region": options.region},
        )
    return scope


def _check_signed_headers(request: Incoming, names: list[str]) -> None:
    if names != sorted(names) or any(name != name.lower() for name in names):
        raise S3Error(
            400, "AuthorizationHeaderMalformed", "SignedHeaders must be sorted and lower case"
        )
    if "host" not in names:
        raise S3Error(403, "AccessDenied", "The header host must be signed")
    unsigned = [
        name for name, _ in request.headers if name.startswith("x-amz-") and name not in names
    ]
    if unsigned:
        raise S3Error(
            403,
            "AccessDenied",
            "There were headers present in the request which were not signed",
            extra={"HeadersNotSigned": ", ".join(unsigned)},
        )


def _header_value(request: Incoming, name: str) -> str:
    values = [value for header, value in request.headers if header == name]
    folded = ",".join(re.sub(r" +", " ", value.strip()) for value in values)
    # Non-ASCII header bytes came in as Latin-1; the specification signs them as UTF-8 text.
    raw = folded.encode("latin-1")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return folded
