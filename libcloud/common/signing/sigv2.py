# SPDX-License-Identifier: Apache-2.0
"""S3's Signature Version 2, as functions of a request and a secret.

Stores other than Amazon's still use it, and Google Cloud Storage uses it with its own header
prefix. Sub-resources (``uploads``, ``partNumber``, ...) are signed.

Reference: Amazon S3 User Guide, "Signing and authenticating REST requests (AWS signature version
2)".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

from libcloud.common.request import split_target

# The list under "Constructing the CanonicalizedResource element" of the reference above, and cors,
# delete, restore and tagging, which were added later.
SUB_RESOURCES = frozenset(
    """
    acl cors delete lifecycle location logging notification partNumber policy requestPayment
    response-cache-control response-content-disposition response-content-encoding
    response-content-language response-content-type response-expires restore tagging torrent
    uploadId uploads versionId versioning versions website
    """.split()
)

# Customer-supplied encryption keys are not signed. Reference: Google Cloud Storage, "V2 signing
# process", "Canonical extension headers".
_NOT_SIGNED = frozenset({"x-goog-encryption-key", "x-goog-encryption-key-sha256"})

# A folded header is unfolded; spaces within a line are kept.
# Reference: as above, "Constructing the CanonicalizedAmzHeaders element", steps 4 and 5.
_LINE_FOLD = re.compile(r"\s*[\r\n]\s*")


def string_to_sign(
    *,
    method: str,
    target: str,
    headers: Mapping[str, str],
    params: Iterable[tuple[str, str | None]] = (),
    expires: str | None = None,
    vendor_prefix: str = "x-amz",
) -> str:
    """Return the text to sign.

    :param target: path as it is sent; may include a query.
    :param params: the rest of the query, not encoded.
    :param expires: of a request that is authorized by its query; ``None``: the ``Date`` header
        counts, unless there is a ``<vendor_prefix>-date``, a vendor header.
    """
    own = {name.lower(): value for name, value in headers.items()}
    if expires is not None:
        date = expires
    else:
        date = "" if f"{vendor_prefix}-date" in own else own.get("date", "")
    lines = [
        method,
        own.get("content-md5", ""),
        own.get("content-type", ""),
        date,
        *_vendor_lines(own, vendor_prefix),
        canonical_resource(target, params),
    ]
    return "\n".join(lines)


def canonical_resource(target: str, params: Iterable[tuple[str, str | None]] = ()) -> str:
    """Return the path with the sub-resources of both queries, sorted, values not encoded."""
    path, own = split_target(target)
    chosen = sorted((name, value or "") for name, value in (*own, *params) if name in SUB_RESOURCES)
    query = "&".join(f"{name}={value}" if value else name for name, value in chosen)
    return f"{path}?{query}" if query else path


def sign(secret: str, text: str) -> str:
    digest = hmac.new(secret.encode("utf-8"), text.encode("utf-8"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode("ascii")


def _vendor_lines(headers: Mapping[str, str], prefix: str) -> list[str]:
    return [
        f"{name}:{_LINE_FOLD.sub(' ', value).strip()}"
        for name, value in sorted(headers.items())
        if name.startswith(f"{prefix}-") and name not in _NOT_SIGNED
    ]
