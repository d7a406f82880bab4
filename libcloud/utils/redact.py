# SPDX-License-Identifier: Apache-2.0
"""Taking secrets out of what is logged, shown or raised."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["REDACTED", "redact_headers", "redact_text"]

REDACTED = "[redacted]"

# Headers that grant access to whoever reads them, or hold a key (SSE-C, by any vendor's prefix).
_SECRET_HEADER = re.compile(
    r"(proxy-)?authorization|(set-)?cookie|x-auth-(token|key)|x-storage-token"
    r"|x-[a-z]+-(security|session|s3session)-token|x-[a-z0-9]+-.*customer-key|x-goog-encryption-key",
    re.IGNORECASE,
)

# Parameters of a query or a form, and members of a JSON object. The signature of a presigned URL
# is all that one needs to use it.
_SECRET_PARAMETER = re.compile(
    r"((?:X-(?:Amz|Goog)-(?:Signature|Security-Token)|(?<![A-Za-z-])Signature"
    r"|access_token|refresh_token|id_token|client_secret|assertion"
    r"|private_key)(?:=|\"\s*:\s*\"))"
    r"[^&\s\"'<>)]+",
    re.IGNORECASE,
)


def redact_headers(headers: Mapping[str, object]) -> dict[str, object]:
    """A copy of ``headers`` without the values that are secret."""
    return {
        name: REDACTED if _SECRET_HEADER.fullmatch(str(name)) else value
        for name, value in headers.items()
    }


def redact_text(text: str) -> str:
    """``text`` without the signatures, tokens and keys in URLs, forms and JSON in it.

    >>> redact_text("/b/k?X-Amz-Expires=60&X-Amz-Signature=0a1b2c")
    '/b/k?X-Amz-Expires=60&X-Amz-Signature=[redacted]'
    """
    return _SECRET_PARAMETER.sub(rf"\g<1>{REDACTED}", text)
