# SPDX-License-Identifier: Apache-2.0
"""Who sent a request: picks the signature version, checks the token, verifies."""

from __future__ import annotations

import re
from dataclasses import replace

from libcloud.test.storage.fakes import signature2, signature4
from libcloud.test.storage.fakes.digests import UNSIGNED_TRAILER
from libcloud.test.storage.fakes.errors import S3Error, invalid_request
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.wire import Incoming

# Where either signature has the id of the key, in the header or the query.
_KEY = re.compile(r"(?:Credential=|AWS )([^/:,\s]+)")


def authenticate(request: Incoming, options: Options) -> str | None:
    """Verify the request's signature.

    :return: the SHA-256 that was signed, in hexadecimal, for the caller to compare with the body;
        ``None`` if the body was not signed and need not be.
    :raises S3Error: 400 or 403, as Amazon S3 answers.
    """
    options = _options_of_key(request, options)
    _check_token(request, options)
    authorization = request.header("authorization") or ""
    if authorization.startswith("AWS4-"):
        _allow("4", options)
        return _payload(request, options, signature4.verify_header(request, options))
    if "X-Amz-Algorithm" in request.query:
        _allow("4", options)
        payload = signature4.verify_query(request, options)
        return None if payload == signature4.UNSIGNED else payload
    if authorization.startswith("Bearer "):
        if options.bearer is None or authorization != f"Bearer {options.bearer}":
            raise S3Error(401, "AuthenticationRequired", "Authentication required.")
        return None
    if authorization.startswith(signature2.scheme(options)):
        _allow("2", options)
        signature2.verify_header(request, options)
        return None
    if "AWSAccessKeyId" in request.query:
        _allow("2", options)
        signature2.verify_query(request, options)
        return None
    if options.anonymous:
        return None
    raise S3Error(403, "AccessDenied", "Anonymous requests are not allowed")


def _options_of_key(request: Incoming, options: Options) -> Options:
    """The options for the key that the request is signed with.

    :raises S3Error: it has expired.
    """
    texts = [
        request.header("authorization") or "",
        f"Credential={request.query.get('X-Amz-Credential', '')}",
        f"AWS {request.query.get('AWSAccessKeyId', '')}",
    ]
    keys = [match[1] for match in map(_KEY.search, texts) if match]
    issued = next((options.issued[key] for key in keys if key in options.issued), None)
    if issued is None:
        return options
    if options.clock() >= issued.expires:
        raise S3Error(400, "ExpiredToken", "The provided token has expired.")
    key = next(key for key in keys if key in options.issued)
    return replace(options, key=key, secret=issued.secret, session_token=issued.token)


def _allow(version: str, options: Options) -> None:
    if version not in options.signature_versions:
        raise invalid_request(
            f"The authorization mechanism you have provided (version {version}) is not supported."
        )


def _check_token(request: Incoming, options: Options) -> None:
    query = {name.lower(): value for name, value in request.query.items()}
    token = request.header("x-amz-security-token") or query.get("x-amz-security-token")
    if token != options.session_token:
        if token is None:
            raise S3Error(403, "InvalidAccessKeyId", "The key belongs to a session: send its token")
        raise S3Error(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")


def _payload(request: Incoming, options: Options, payload: str) -> str | None:
    if payload == signature4.UNSIGNED:
        if not (request.secure or options.unsigned_payload):
            raise invalid_request("UNSIGNED-PAYLOAD is accepted over https only")
        return None
    if payload == UNSIGNED_TRAILER:
        if not request.secure:
            raise invalid_request(f"{payload} is accepted over https only")
        return None
    if payload.startswith("STREAMING-"):
        raise S3Error(501, "NotImplemented", f"{payload} is not implemented")
    return payload
