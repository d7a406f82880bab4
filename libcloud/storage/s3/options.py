# SPDX-License-Identifier: Apache-2.0
"""Options of uploads and reads: the keywords of the driver's methods, and their headers.

Reference: Amazon S3 API Reference, the request syntax of PutObject and CreateMultipartUpload,
GetObject and HeadObject.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from libcloud.storage import s3
from libcloud.storage.keywords import EngineKeywords, ReadKeywords, UploadKeywords
from libcloud.storage.s3.checksums import encoded
from libcloud.utils.arguments import kind_of, unexpected_keyword

if TYPE_CHECKING:
    from libcloud.storage.s3.client import ClientOwner

_SSE = "x-amz-server-side-encryption"
_KMS = ("aws:kms", "aws:kms:dsse")
_LOCK = "x-amz-object-lock"
_LOCK_MODES = ("GOVERNANCE", "COMPLIANCE")

# Prefixes of annotations, and their meaning in messages.
_TYPES: Mapping[str, tuple[Any, str]] = {
    "str": (str, "a str"),
    "bool": (bool, "True or False"),
    "Mapping": (Mapping, "a dict of texts"),
    "datetime": (datetime, "an aware datetime"),
    "bytes": (object, "bytes"),  # checked apart, without showing it
}

# Amazon S3 User Guide, "Categorizing your objects using tags".
_MOST_TAGS = 10
_LONGEST_TAG = 128
_LONGEST_TAG_VALUE = 256


OF_OBJECT: Mapping[str, tuple[Any, str]] = {
    name: next(found for start, found in _TYPES.items() if text.startswith(start))
    for name, text in UploadKeywords.__annotations__.items()
    if name not in EngineKeywords.__annotations__ and name != "ex_checksum"
}
"""Keywords that concern the object: the type of each, and its meaning in messages."""


def headers_of(options: Mapping[str, Any], driver: ClientOwner) -> dict[str, str]:
    """The headers for keywords of :data:`OF_OBJECT`.

    :raises ValueError: a value is invalid, or cannot be sent.
    """
    for name, value in options.items():  # "no" would count as true
        kind, word = OF_OBJECT[name]
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"{name} must be {word}, not {kind_of(value)}")
    get: Any = options.get
    if get("ex_if_none_match") not in (None, "*"):
        raise ValueError(f"ex_if_none_match is '*', not {get('ex_if_none_match')!r}")
    if get("ex_if_none_match") and get("ex_if_match"):
        raise ValueError("ex_if_none_match and ex_if_match cannot be combined")
    check_tags(get("ex_tags") or {})
    found = {
        "If-None-Match": get("ex_if_none_match"),
        "If-Match": _quoted(get("ex_if_match")) if get("ex_if_match") else None,
        "x-amz-tagging": tagging(get("ex_tags")) if get("ex_tags") else None,
        "x-amz-acl": get("ex_acl"),
        "x-amz-request-payer": "requester" if get("ex_request_payer") else None,
        "x-amz-expected-bucket-owner": get("ex_expected_bucket_owner"),
        **_encryption(options),
        **_lock(options),
    }
    asked = {name: value for name, value in found.items() if value is not None}
    prefix = driver.http_vendor_prefix
    foreign = sorted(name for name in asked if name.startswith("x-amz-") and prefix != "x-amz")
    if foreign:  # only S3 itself has all of the options
        raise ValueError(f"{', '.join(foreign)}: headers of this store begin with {prefix}")
    is_secret = get("ex_sse_customer_key") is not None
    if is_secret and not getattr(driver.connection, "secure", False):
        raise ValueError("ex_sse_customer_key goes over https only")
    return asked


def _encryption(options: Mapping[str, Any]) -> Mapping[str, str | None]:
    sse, key, context = (
        options.get(f"ex_sse{name}") for name in ("", "_customer_key", "_kms_context")
    )
    kms = ("ex_sse_kms_key_id", "ex_sse_kms_context", "ex_sse_bucket_key")
    of_kms = " and ".join(name for name in kms if options.get(name) is not None)
    if sse not in (None, "AES256", *_KMS):
        raise ValueError(f"ex_sse is 'AES256', 'aws:kms' or 'aws:kms:dsse', not {sse!r}")
    if of_kms and sse not in _KMS:
        raise ValueError(f"{of_kms}: allowed only with ex_sse='aws:kms'")
    if key is not None:  # for every request that accesses the data
        if sse is not None:
            raise ValueError("ex_sse and ex_sse_customer_key are two ways to encrypt: choose one")
        if not isinstance(key, bytes) or len(key) != 32:  # never shown
            raise ValueError("ex_sse_customer_key is a key of 32 bytes")
        digest = hashlib.md5(key, usedforsecurity=False).digest()
        return {
            f"{_SSE}-customer-algorithm": "AES256",
            f"{_SSE}-customer-key": encoded(key),
            f"{_SSE}-customer-key-MD5": encoded(digest),
        }
    if context:
        from json import dumps

        context = encoded(dumps(dict(context)).encode())
    return {
        _SSE: sse,
        f"{_SSE}-aws-kms-key-id": options.get("ex_sse_kms_key_id"),
        f"{_SSE}-context": context or None,
        f"{_SSE}-bucket-key-enabled": _yes_or_no(options.get("ex_sse_bucket_key"), "true", "false"),
    }


def _lock(options: Mapping[str, Any]) -> dict[str, str | None]:
    mode, until, hold = (
        options.get(f"ex_object_lock_{name}") for name in ("mode", "until", "hold")
    )
    if (mode is None) != (until is None):
        raise ValueError("ex_object_lock_mode and ex_object_lock_until go together")
    text = None if mode is None else retention_time(mode, until, "ex_object_lock_")
    return {
        f"{_LOCK}-mode": mode,
        f"{_LOCK}-retain-until-date": text,
        f"{_LOCK}-legal-hold": _yes_or_no(hold, "ON", "OFF"),
    }


def retention_time(mode: object, until: object, prefix: str = "") -> str:
    """``until`` as text, after both were checked; ``prefix`` is that of the arguments' names."""
    if mode not in _LOCK_MODES:
        raise ValueError(f"{prefix}mode is 'GOVERNANCE' or 'COMPLIANCE', not {mode!r}")
    if not isinstance(until, datetime):
        raise TypeError(f"{prefix}until must be a datetime, not {kind_of(until)}")
    if until.tzinfo is None:
        raise ValueError(f"{prefix}until has no time zone")
    return until.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def check_tags(tags: Mapping[str, str], name: str = "ex_tags") -> None:
    """Reject tags that an object cannot have; ``name`` is that of the argument."""
    if not isinstance(tags, Mapping):
        raise TypeError(f"{name} must be a dict of strings, not {kind_of(tags)}")
    if len(tags) > _MOST_TAGS:
        raise ValueError(f"{name}: an object has at most {_MOST_TAGS} tags, not {len(tags)}")
    for tag, value in tags.items():
        if not isinstance(tag, str) or not isinstance(value, str):
            raise TypeError(f"{name} must map strings to strings, but {tag!r} has {kind_of(value)}")
        if not 1 <= len(tag) <= _LONGEST_TAG or len(value) > _LONGEST_TAG_VALUE:
            raise ValueError(
                f"{name}: the tag {tag!r} is too long, or empty: names have 1 to {_LONGEST_TAG} "
                f"characters, values up to {_LONGEST_TAG_VALUE}"
            )
        if not s3.requests.is_xml_text(tag + value):  # the tags could never be read
            raise ValueError(
                f"{name}: the tag {tag!r} contains a control character or half a surrogate"
            )


def tagging(tags: Mapping[str, str]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(tags[name], safe='')}" for name in tags)


def _quoted(etag: str) -> str:
    """An ETag for a precondition, with quotes, which libcloud's hashes do not have."""
    return etag if etag == "*" or etag.endswith('"') else f'"{etag}"'


def _yes_or_no(flag: bool | None, yes: str, no: str) -> str | None:
    return None if flag is None else yes if flag else no


def read_headers(given: Mapping[str, Any], driver: ClientOwner) -> dict[str, str]:
    """The headers for the keywords of a read."""
    for name in given:
        if name not in ReadKeywords.__annotations__:
            raise unexpected_keyword(name, ReadKeywords.__annotations__)
    return headers_of(given, driver)


def read_options(headers: Mapping[str, str]) -> dict[str, Any]:
    """The keywords with which an object is read that was written with ``headers``."""
    given = {name.lower(): value for name, value in headers.items()}
    options: dict[str, Any] = {}
    if f"{_SSE}-customer-key" in given:
        options["ex_sse_customer_key"] = base64.b64decode(given[f"{_SSE}-customer-key"])
    if "x-amz-request-payer" in given:
        options["ex_request_payer"] = True
    if "x-amz-expected-bucket-owner" in given:
        options["ex_expected_bucket_owner"] = given["x-amz-expected-bucket-owner"]
    return options


def write_headers(
    options: Mapping[str, Any], headers: Mapping[str, str] | None, driver: ClientOwner
) -> dict[str, str]:
    """A copy of ``headers`` with those that ``options`` ask for.

    :raises ValueError: the store does not support an option, or ``headers`` contradict it.
    """
    asked, profile = headers_of(options, driver), driver.profile
    if {"If-None-Match", "If-Match"} & {*asked} and not profile.conditional_writes:
        raise ValueError(
            f"ex_if_none_match and ex_if_match: {profile.name} is not known to support conditional "
            "writes, and might replace an existing object. If it does, say so by the driver's "
            "ex_profile (conditional_writes=True)"
        )
    by_lower = {name.lower(): name for name in asked}
    sent = dict(asked)
    for name, value in (headers or {}).items():
        known = by_lower.get(name.lower())
        if known is None:
            sent[name] = value
        elif value != asked[known]:
            raise ValueError(f"headers and a keyword contradict each other: {name}")
    return sent
