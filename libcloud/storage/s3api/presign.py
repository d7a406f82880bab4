# SPDX-License-Identifier: Apache-2.0
"""URLs that carry their own authorization: whoever has one may send that one request.

They are secrets as long as they are valid: never log one.

Reference: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters (AWS Signature
Version 4)".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from libcloud.common.credentials import Credentials
from libcloud.common.request import HttpRequest
from libcloud.common.sigv4 import MAX_PRESIGN_SECONDS, Scope, presign

__all__ = ["MAX_PRESIGN_SECONDS", "Endpoint", "presigned_url"]

_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a store is reached.

    :param host: name or address; an IPv6 address with or without brackets.
    :param secure: https, not http.
    :param port: ``None`` is the scheme's own.
    """

    host: str
    secure: bool = True
    port: int | None = None

    @property
    def scheme(self) -> str:
        """``https`` or ``http``."""
        return "https" if self.secure else "http"

    @property
    def authority(self) -> str:
        """What a client sends as ``Host``: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host and self.host[0] != "[" else self.host
        if self.port is None or self.port == _PORTS[self.scheme]:
            return host
        return f"{host}:{self.port}"


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
