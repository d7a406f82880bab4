# SPDX-License-Identifier: Apache-2.0
"""Listings whose keys XML cannot express, made readable without losing a byte of a key.

A key is any sequence of bytes. XML 1.0 has no way to write most control characters, nor bytes that
are not UTF-8, and turns a carriage return that is written as it is into a line feed. Servers write
all of these all the same, unless they are asked for percent-encoded names and know how.
"""

from __future__ import annotations

import re
from urllib.parse import quote, quote_from_bytes

__all__ = ["RAW", "is_exact", "with_raw_names"]

RAW = "raw"
"""The ``EncodingType`` of a document that :func:`with_raw_names` has made readable."""

_LISTING = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<List\w*(?:\s[^>]*)?>")
_ENCODED = re.compile(rb"<EncodingType>\s*url\s*</EncodingType>", re.I)
# Elements of listings that hold keys, or parts of keys.
_NAME = re.compile(
    rb"<(Key|Prefix|Delimiter|Marker|NextMarker|KeyMarker|NextKeyMarker|StartAfter)>"
    rb"([^<]*)</\1>"
)
_REFERENCE = re.compile(rb"&(?:#([0-9]{1,8})|#[xX]([0-9a-fA-F]{1,6})|(lt|gt|amp|quot|apos));")
_ENTITIES = {b"lt": b"<", b"gt": b">", b"amp": b"&", b"quot": b'"', b"apos": b"'"}

# XML 1.0, production [2] Char: what is in no document, as bytes and as references.
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BAD_REFERENCE = re.compile(
    rb"&#(?:(0*(?:[0-8]|1[124-9]|2[0-9]|3[01]))|[xX](0*(?:[0-8bcefBCEF]|1[0-9a-fA-F])));"
)
# In encoded names: the same, carriage returns, and bytes that are not UTF-8.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\udc80-\udcff]")


def is_exact(document: bytes) -> bool:
    """Whether a parser of XML gets the names out of ``document`` as they were put in."""
    if b"\r" in document or _CONTROL.search(document) or _BAD_REFERENCE.search(document):
        return False
    try:
        document.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def with_raw_names(document: bytes) -> bytes:
    """``document``, with percent-encoded names if it is a listing that has names XML cannot hold.

    >>> with_raw_names(b"<ListBucketResult><Key>a\\x01&#13;</Key></ListBucketResult>")
    b'<ListBucketResult><EncodingType>raw</EncodingType><Key>a%01%0D</Key></ListBucketResult>'
    """
    root = _LISTING.match(document)
    if root is None or is_exact(document):
        return document
    declared = re.search(rb"encoding=[\"']([\w.-]+)", document[: root.end()])
    if declared and declared[1].lower() not in (b"utf-8", b"us-ascii"):
        return document
    encoded = _ENCODED.search(document) is not None
    body = _NAME.sub(_rest_encoded if encoded else _encoded, document[root.end() :])
    body = _CONTROL.sub(b"?", _BAD_REFERENCE.sub(b"?", body)).decode("utf-8", "replace").encode()
    mark = b"" if encoded else b"<EncodingType>" + RAW.encode() + b"</EncodingType>"
    return document[: root.end()] + mark + body


def _encoded(match: re.Match[bytes]) -> bytes:
    """A name as it is, encoded."""
    text = quote_from_bytes(_REFERENCE.sub(_referenced, match[2]), safe="/")
    return b"<%b>%b</%b>" % (match[1], text.encode("ascii"), match[1])


def _rest_encoded(match: re.Match[bytes]) -> bytes:
    """An encoded name of which the server left some bytes as they are."""
    text = _BAD_REFERENCE.sub(_referenced, match[2]).decode("utf-8", "surrogateescape")
    text = _UNSAFE.sub(lambda found: quote(found[0], errors="surrogateescape"), text)
    return b"<%b>%b</%b>" % (match[1], text.encode(), match[1])


def _referenced(match: re.Match[bytes]) -> bytes:
    if match.re is _REFERENCE and match[3]:
        return _ENTITIES[match[3]]
    number = int(match[1]) if match[1] else int(match[2], 16)
    # What is no character stays as it is written.
    return chr(number).encode("utf-8", "surrogatepass") if number <= 0x10FFFF else match[0]
