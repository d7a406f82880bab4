# SPDX-License-Identifier: Apache-2.0
"""URLs that carry their own authorization: whoever has one may send that one request.

They are secrets as long as they are valid: never log one.

Reference: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters (AWS Signature
Version 4)".
"""

from __future__ import annotations

from datetime import datetime

from libcloud.common.credentials import Credentials
from libcloud.common.request import HttpRequest
from libcloud.common.signing.sigv4 import MAX_PRESIGN_SECONDS, Scope, presign
from libcloud.storage.s3.endpoint import Endpoint

__all__ = ["MAX_PRESIGN_SECONDS", "Endpoint", "presigned_url"]


def presigned_url(
    request: HttpRequest,
    *,
    endpoint: Endpoint,
    credentials: Credentials,
    scope: Scope,
    when: datetime,
    expires: int,
) -> str:
    """A URL by which ``request`` can be sent without credentials.

    The headers of ``request`` that are signed (``Content-Type``, ``Content-MD5``, ``Range`` and
    ``x-amz-*``) must be sent with it unchanged; the body is free. A session token in
    ``credentials`` becomes part of the URL, and the URL ends with it.

    :param when: the time from which it is valid.
    :param expires: seconds from ``when``, 1 to 604,800 (7 days).
    :raises ValueError: ``expires`` is out of range.
    """
    target = presign(
        request,
        credentials=credentials,
        scope=scope,
        when=when,
        expires=expires,
        host=endpoint.authority,
    )
    return f"{endpoint.scheme}://{endpoint.authority}{target}"
