# SPDX-License-Identifier: Apache-2.0
"""Which of an upload's headers go to which of its requests, and user metadata as headers.

Reference: Amazon S3 API Reference, the request syntax of PutObject, CreateMultipartUpload,
UploadPart, CompleteMultipartUpload, AbortMultipartUpload and HeadObject.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from email.header import decode_header, make_header

from libcloud.storage.transfer.values import Step

__all__ = [
    "decode_metadata",
    "has_condition",
    "has_digest",
    "has_lock",
    "headers_for",
    "metadata_headers",
    "metadata_in",
]

# Whoever pays, and whose bucket it must be: asked of every request.
_ALWAYS = ("x-amz-request-payer", "x-amz-expected-bucket-owner")
# A customer's own key must come with everything that touches the data.
_CUSTOMER_KEY = "x-amz-server-side-encryption-customer-"
_CONDITIONS = ("if-match", "if-none-match")
# They describe one body, and so do the checksums but for those that name an algorithm.
_OF_ONE_BODY = ("content-md5", "content-length", "x-amz-content-sha256")
_CHECKSUM = "x-amz-checksum-"
_OF_ALL_BODIES = ("x-amz-checksum-algorithm", "x-amz-checksum-type")

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2


def headers_for(step: Step, headers: Mapping[str, str]) -> dict[str, str]:
    """Those of an upload's ``headers`` that belong to the request for ``step``.

    A PUT gets all. Create gets all but conditions, which hold when the object is published, and but
    what describes one body, which no part is; the other steps get only what they know.
    """
    if step is Step.PUT:
        return dict(headers)
    return {name: value for name, value in headers.items() if _belongs(step, name.lower())}


def _belongs(step: Step, name: str) -> bool:
    if name in _ALWAYS:
        return True
    if step is Step.CREATE:
        return name not in _CONDITIONS and not _describes_one_body(name)
    if step is Step.COMPLETE and name in _CONDITIONS:
        return True
    return step not in (Step.ABORT,) and name.startswith(_CUSTOMER_KEY)


def has_condition(headers: Mapping[str, str]) -> bool:
    """Whether the caller makes the object conditional on what is there."""
    return any(name.lower() in _CONDITIONS for name in headers)


def has_lock(headers: Mapping[str, str]) -> bool:
    """Whether the object is to be locked, for which S3 wants a checksum in a header of its own.

    Reference: Amazon S3 API Reference, PutObject, "Content-MD5".
    """
    return any(name.lower().startswith("x-amz-object-lock-") for name in headers)


def has_digest(headers: Mapping[str, str]) -> bool:
    """Whether the caller sends a digest of the body along."""
    names = {name.lower() for name in headers} - {"content-length"}
    return any(map(_describes_one_body, names))


def _describes_one_body(name: str) -> bool:
    return name in _OF_ONE_BODY or (name.startswith(_CHECKSUM) and name not in _OF_ALL_BODIES)


def metadata_headers(metadata: Mapping[str, object], prefix: str) -> dict[str, str]:
    """User metadata as headers.

    A value outside ASCII goes as one encoded word of RFC 2047, which S3 itself uses. So does one
    that would come back as another: with spaces at its ends, or an encoded word itself.

    :param prefix: of the header names: ``x-amz-meta-``.
    :raises ValueError: a key is no header name, or a value holds control characters. Nothing was
        sent.
    """
    headers = {}
    for key, value in metadata.items():
        if value is None:  # not sent, as in Apache Libcloud
            continue
        text = value.decode() if isinstance(value, bytes) else str(value)
        if not _TOKEN.fullmatch(str(key)):
            raise ValueError(f"metadata key {key!r} cannot be part of a header's name")
        if any(ord(character) < 32 or ord(character) == 127 for character in text):
            raise ValueError(f"metadata value of {key!r} holds a control character")
        if not text.isascii() or text != text.strip() or decode_metadata(text) != text:
            text = f"=?UTF-8?B?{base64.b64encode(text.encode()).decode()}?="
        headers[prefix + str(key)] = text
    return headers


def decode_metadata(value: str) -> str:
    """The inverse: the text of a metadata header; what is no encoded word stays as it is."""
    if not (value.startswith("=?") and value.endswith("?=")):
        return value
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, UnicodeError, ValueError):
        return value


def metadata_in(headers: Mapping[str, str], vendor: str) -> dict[str, str]:
    """The user metadata among ``headers``, whose names are in lower case.

    :param vendor: ``x-amz``, or what the store uses in its place.
    """
    prefix = f"{vendor}-meta-"
    return {
        name[len(prefix) :]: decode_metadata(value)
        for name, value in headers.items()
        if name.startswith(prefix)
    }
