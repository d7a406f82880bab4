# SPDX-License-Identifier: Apache-2.0
"""AWS Signature Version 4 for S3, as functions of a request, credentials, a scope and a time.

The path is signed exactly as it is sent: encoded once and never normalized.

Reference: Amazon S3 API Reference, "Authenticating Requests (AWS Signature Version 4)".
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, NamedTuple

from libcloud.common.address import percent_encoded, with_query
from libcloud.common.credentials import Credentials, check_credentials
from libcloud.common.request import Body, HttpRequest
from libcloud.utils.bodies import hashed

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
EMPTY_PAYLOAD_HASH = hashlib.sha256(b"").hexdigest()

# "The maximum value is 604800 (seven days)": Amazon S3 API Reference, "Authenticating Requests:
# Using Query Parameters (AWS Signature Version 4)".
MAX_PRESIGN_SECONDS = 7 * 24 * 3600

# Signed headers. Proxies and HTTP libraries rewrite the others (User-Agent, Accept-Encoding,
# Connection, Content-Length), which would invalidate the signature.
_SIGNED_NAMES = frozenset({"host", "date", "content-md5", "content-type", "range"})
_SIGNED_PREFIX = "x-amz-"

_TIME_FORMAT = "%Y%m%dT%H%M%SZ"
_TERMINATOR = "aws4_request"


class Scope(NamedTuple):
    """The region and service that a signature is valid for; a region may be empty."""

    region: str
    service: str = "s3"

    def on(self, when: datetime) -> str:
        return self.on_day(stamp_of(when)[:8])

    def on_day(self, day: str) -> str:
        return f"{day}/{self.region}/{self.service}/{_TERMINATOR}"


scope_of = lru_cache(maxsize=32)(Scope)
"""Return a cached scope: the same object each time, which is fast to compare."""


class SigningKeys:
    """Caches the signing key of the day, which saves four HMACs per request. Safe for threads.

    Belongs to one signer; a copy of it starts empty.
    """

    __slots__ = ("_keyed",)

    def __init__(self) -> None:
        self._keyed: tuple[tuple[str, str, Scope], Any, Any] | None = None

    def __repr__(self) -> str:
        return "SigningKeys()"

    def __reduce__(self) -> tuple[type[SigningKeys], tuple[()]]:
        return SigningKeys, ()

    def sign(self, text: str, *, secret: str, day: str, scope: Scope) -> str:
        wanted = (secret, day, scope)
        keyed = self._keyed
        if keyed is None or keyed[0] != wanted:
            self._keyed = keyed = (wanted, *_keyed_hashes(_key_of_day(secret, day, scope)))
        inner, outer = keyed[1].copy(), keyed[2].copy()
        inner.update(text.encode("utf-8"))
        outer.update(inner.digest())
        signature: str = outer.hexdigest()
        return signature


def sign(
    method: str,
    path: str,
    params: Collection[tuple[str, str | None]],
    *,
    headers: Mapping[str, str],
    payload_hash: str,
    key_id: str,
    secret: str,
    scope: Scope,
    stamp: str,
    keys: SigningKeys,
) -> str:
    """Return the ``Authorization`` header of an :class:`~libcloud.common.request.HttpRequest`.

    :param headers: the result of :func:`headers_to_sign`.
    :param stamp: the time, formatted as in the ``x-amz-date`` header.
    :raises CredentialsNotFoundError: the driver has none.
    """
    check_credentials(key_id, secret)
    canonical = canonical_request(method, path, params, headers=headers, payload_hash=payload_hash)
    dated = scope.on_day(stamp[:8])
    text = string_to_sign(canonical, stamp=stamp, dated=dated)
    signature = keys.sign(text, secret=secret, day=stamp[:8], scope=scope)
    return authorization(f"{key_id}/{dated}", signed=headers, signature=signature)


def presign(
    request: HttpRequest,
    *,
    credentials: Credentials,
    scope: Scope,
    when: datetime,
    expires: int,
    host: str,
) -> str:
    """Return a target, path and query, with an authorization valid for ``expires`` seconds.

    It must be used with exactly the headers of ``request``; the body is not signed.

    :param expires: seconds from ``when``, 1 to :data:`MAX_PRESIGN_SECONDS`.
    :param host: as the client will send it: with its port, unless it is the scheme's default.
    :raises ValueError: ``expires`` is out of range.
    """
    if not 1 <= expires <= MAX_PRESIGN_SECONDS:
        raise ValueError(
            f"A presigned URL can be valid for 1 to {MAX_PRESIGN_SECONDS} seconds (7 days), "
            f"not for {expires}. Use a shorter time, and create a new URL when it has expired."
        )
    check_credentials(credentials.key, credentials.secret)
    given = {name.lower(): value for name, value in request.headers.items()}
    headers = headers_to_sign({**given, "host": host})
    stamp = stamp_of(when)
    dated = scope.on_day(stamp[:8])
    params: list[tuple[str, str | None]] = [
        *request.params,
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", f"{credentials.key}/{dated}"),
        ("X-Amz-Date", stamp),
        ("X-Amz-Expires", str(expires)),
        ("X-Amz-SignedHeaders", ";".join(headers)),
    ]
    if credentials.token:
        params.append(("X-Amz-Security-Token", credentials.token))
    canonical = canonical_request(
        request.method, request.path, params, headers=headers, payload_hash=UNSIGNED_PAYLOAD
    )
    text = string_to_sign(canonical, stamp=stamp, dated=dated)
    signature = SigningKeys().sign(text, secret=credentials.secret, day=stamp[:8], scope=scope)
    return f"{with_query(request.path, params)}&X-Amz-Signature={signature}"


def payload_hash_of(body: Body | str | None) -> str:
    """Return the SHA-256 of ``body`` in hexadecimal; text is hashed as UTF-8, ``None`` as empty."""
    if body is None:
        return EMPTY_PAYLOAD_HASH
    if isinstance(body, str):
        body = body.encode("utf-8")
    return str(hashed(hashlib.sha256(), body).hexdigest())


def headers_to_sign(headers: Mapping[str, object]) -> dict[str, str]:
    """Select the signed headers: names in lower case and sorted, whitespace in values folded."""
    return {lower: " ".join(str(headers[name]).split()) for lower, name in _signed((*headers,))}


@lru_cache(maxsize=64)  # requests of one kind have the same names
def _signed(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The names of the signed headers in lower case, sorted, each with the name as given."""
    known = {name.lower(): name for name in names}
    signed = (name for name in known if name in _SIGNED_NAMES or name.startswith(_SIGNED_PREFIX))
    return tuple((lower, known[lower]) for lower in sorted(signed))


def canonical_query(params: Collection[tuple[str, str | None]]) -> str:
    """Return ``params`` encoded, then sorted; a bare key gets an empty value."""
    if not params:
        return ""
    pairs = [(percent_encoded(name), percent_encoded(value or "")) for name, value in params]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def canonical_request(
    method: str,
    path: str,
    params: Collection[tuple[str, str | None]],
    *,
    headers: Mapping[str, str],
    payload_hash: str,
) -> str:
    lines = "\n".join((*map(":".join, headers.items()), ""))
    query = canonical_query(params) if params else ""
    return f"{method}\n{path}\n{query}\n{lines}\n{';'.join(headers)}\n{payload_hash}"


def string_to_sign(canonical: str, *, stamp: str, dated: str) -> str:
    """:param dated: the credential scope."""
    digest = hashlib.sha256(canonical.encode("utf-8")).hexdigest()
    return f"{ALGORITHM}\n{stamp}\n{dated}\n{digest}"


def _key_of_day(secret: str, day: str, scope: Scope) -> bytes:
    key = b"AWS4" + secret.encode("utf-8")
    for part in (day, scope.region, scope.service, _TERMINATOR):
        key = hmac.digest(key, part.encode("utf-8"), "sha256")
    return key


def authorization(credential: str, *, signed: Iterable[str], signature: str) -> str:
    """The ``Authorization`` header. :param credential: access key id, slash, credential scope."""
    return (
        f"{ALGORITHM} Credential={credential}, "
        f"SignedHeaders={';'.join(signed)}, Signature={signature}"
    )


def stamp_of(when: datetime) -> str:
    """``when`` in UTC as the header ``x-amz-date`` has it; a naive time is taken as UTC."""
    if when.tzinfo is None:
        when = when.replace(tzinfo=timezone.utc)
    return _stamp(int(when.timestamp() // 1))


@lru_cache(maxsize=4)
def _stamp(seconds: int) -> str:
    return time.strftime(_TIME_FORMAT, time.gmtime(seconds))


def _keyed_hashes(key: bytes) -> tuple[Any, Any]:
    """The inner and the outer hash of an HMAC after the key: RFC 2104, section 4.

    To copy both takes a third of the time of copying the object of the module ``hmac``.
    """
    block = key.ljust(hashlib.sha256().block_size, b"\0")
    return (
        hashlib.sha256(bytes(byte ^ 0x36 for byte in block)),
        hashlib.sha256(bytes(byte ^ 0x5C for byte in block)),
    )
