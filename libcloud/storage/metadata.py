# SPDX-License-Identifier: Apache-2.0
"""User metadata and properties as headers, the same way for every protocol.

A header carries ASCII. Any other text goes as one encoded word of RFC 2047, which S3 itself uses;
so does text with spaces at its ends, and text that looks like an encoded word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110, section 5.6.2

PROPERTIES: Mapping[str, str] = MappingProxyType(
    {
        "cache_control": "Cache-Control",
        "content_disposition": "Content-Disposition",
        "content_encoding": "Content-Encoding",
        "content_language": "Content-Language",
        "expires": "Expires",
    }
)
"""Headers of an object that stores keep, by their names in ``extra``."""


def metadata_headers(
    metadata: Mapping[str, object], prefix: str, *, keeps_empty: bool = True
) -> dict[str, str]:
    """User metadata as headers.

    :param prefix: of the header names: ``x-amz-meta-``.
    :param keeps_empty: the store keeps values that are empty.
    :raises ValueError: a key is no header name, or a value holds control characters.
    """
    headers = {}
    for key, value in metadata.items():
        if value is None:  # not sent, as in Apache Libcloud
            continue
        text = value.decode() if isinstance(value, bytes) else str(value)
        if not re.fullmatch(_TOKEN, str(key)):
            raise ValueError(f"metadata key {key!r} cannot be part of a header's name")
        if any(ord(character) < 32 or ord(character) == 127 for character in text):
            raise ValueError(f"metadata value of {key!r} contains a control character")
        is_plain = text.isascii() and text == text.strip() and decode_metadata(text) == text
        if not is_plain or not (text or keeps_empty):
            from base64 import b64encode

            text = f"=?UTF-8?B?{b64encode(text.encode()).decode()}?="
        headers[prefix + str(key)] = text
    return headers


def decode_metadata(value: str) -> str:
    """The inverse: the text of a metadata header; text that is not an encoded word is unchanged."""
    if not (value.startswith("=?") and value.endswith("?=")):
        return value
    from email.header import decode_header, make_header

    try:
        return str(make_header(decode_header(value)))
    except (LookupError, UnicodeError, ValueError):
        return value


def metadata_in(headers: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The user metadata among ``headers``; other clients send text as UTF-8."""
    return {
        name[len(prefix) :]: decode_metadata(value if value.isascii() else from_utf8(value))
        for name, value in headers.items()
        if name.startswith(prefix)
    }


def from_utf8(text: str) -> str:
    """``text``, which was decoded as Latin-1, as headers are, although it may be UTF-8."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def properties_in(headers: Mapping[str, str]) -> dict[str, str]:
    """The properties in the headers of a response, by their names in ``extra``."""
    return {key: text for key, name in PROPERTIES.items() if (text := headers.get(name.lower()))}


def property_headers(extra: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Headers for the properties in ``extra``, without those that are ``given`` otherwise."""
    names = {name.lower() for name in given}
    return {
        name: extra[key]
        for key, name in PROPERTIES.items()
        if key in extra and name.lower() not in names
    }


def is_placeholder(obj: Any) -> bool:
    """Whether an object stands for a directory: an empty one, as Azure Data Lake and HDFS make.

    Reference: Azure Blob Storage REST API, "List Blobs", of a hierarchical namespace.
    """
    return not obj.size and str((obj.meta_data or {}).get("hdi_isfolder")).lower() == "true"
