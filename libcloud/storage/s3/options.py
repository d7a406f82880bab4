# SPDX-License-Identifier: Apache-2.0
"""Options of uploads and reads: the keywords of the driver's methods, and their headers.

Reference: Amazon S3 API Reference, the request syntax of PutObject and CreateMultipartUpload,
GetObject and HeadObject.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from libcloud.storage import s3
from libcloud.storage.keywords import ReadKeywords, UploadKeywords
from libcloud.storage.s3.checksums import encoded
from libcloud.utils.arguments import kind_of, unexpected_keyword
from libcloud.utils.values import Value

if TYPE_CHECKING:
    from libcloud.storage.s3.profiles import S3Profile

_SSE = "x-amz-server-side-encryption"
_KMS = ("aws:kms", "aws:kms:dsse")
_LOCK = "x-amz-object-lock"
_LOCK_MODES = ("GOVERNANCE", "COMPLIANCE")

# Prefixes of annotations, and their meaning in messages.
_TYPES: Mapping[str, tuple[Any, str]] = MappingProxyType(
    {
        "str": (str, "a str"),
        "bool": (bool, "True or False"),
        "Mapping": (Mapping, "a dict of texts"),
        "datetime": (datetime, "an aware datetime"),
        "bytes": (object, "bytes"),  # checked apart, without showing it
    }
)

# Amazon S3 User Guide, "Categorizing your objects using tags".
_MOST_TAGS = 10
_LONGEST_TAG = 128
_LONGEST_TAG_VALUE = 256


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ObjectOptions(Value):
    """The keywords of :class:`~libcloud.storage.keywords.UploadKeywords` that concern the object.

    Their names are without ``ex_`` here.
    """

    if_none_match: str | None = None
    if_match: str | None = None
    tags: Mapping[str, str] | None = None
    acl: str | None = None
    sse: str | None = None
    sse_kms_key_id: str | None = None
    sse_kms_context: Mapping[str, str] | None = None
    sse_bucket_key: bool | None = None
    sse_customer_key: bytes | None = field(default=None, repr=False)
    object_lock_mode: str | None = None
    object_lock_until: datetime | None = None
    object_lock_hold: bool | None = None
    request_payer: bool = False
    expected_bucket_owner: str | None = None

    def __post_init__(self) -> None:
        for name, (kind, word) in _types().items():  # "no" would count as true
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                raise TypeError(f"ex_{name} must be {word}, not {kind_of(value)}")
        if self.if_none_match not in (None, "*"):
            raise ValueError(f"ex_if_none_match is '*', not {self.if_none_match!r}")
        if self.if_none_match and self.if_match:
            raise ValueError("ex_if_none_match and ex_if_match cannot be combined")
        self._check_encryption()
        self._check_lock()
        check_tags(self.tags or {})

    def headers(self) -> dict[str, str]:
        found = {
            "If-None-Match": self.if_none_match,
            "If-Match": _quoted(self.if_match) if self.if_match else None,
            "x-amz-tagging": tagging(self.tags) if self.tags else None,
            "x-amz-acl": self.acl,
            "x-amz-request-payer": "requester" if self.request_payer else None,
            "x-amz-expected-bucket-owner": self.expected_bucket_owner,
            **self._encryption(),
            **self._lock(),
        }
        return {name: value for name, value in found.items() if value is not None}

    def _encryption(self) -> Mapping[str, str | None]:
        key = self.sse_customer_key
        if key is not None:  # for every request that accesses the data
            digest = hashlib.md5(key, usedforsecurity=False).digest()
            return {
                f"{_SSE}-customer-algorithm": "AES256",
                f"{_SSE}-customer-key": encoded(key),
                f"{_SSE}-customer-key-MD5": encoded(digest),
            }
        context = None
        if self.sse_kms_context:
            from json import dumps

            context = encoded(dumps(dict(self.sse_kms_context)).encode())
        return {
            _SSE: self.sse,
            f"{_SSE}-aws-kms-key-id": self.sse_kms_key_id,
            f"{_SSE}-context": context,
            f"{_SSE}-bucket-key-enabled": _yes_or_no(self.sse_bucket_key, "true", "false"),
        }

    def _lock(self) -> dict[str, str | None]:
        until = self.object_lock_until
        text = None
        if until is not None:
            text = until.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return {
            f"{_LOCK}-mode": self.object_lock_mode,
            f"{_LOCK}-retain-until-date": text,
            f"{_LOCK}-legal-hold": _yes_or_no(self.object_lock_hold, "ON", "OFF"),
        }

    def _check_encryption(self) -> None:
        kms = ("sse_kms_key_id", "sse_kms_context", "sse_bucket_key")
        of_kms = " and ".join(f"ex_{name}" for name in kms if getattr(self, name) is not None)
        if self.sse not in (None, "AES256", *_KMS):
            raise ValueError(f"ex_sse is 'AES256', 'aws:kms' or 'aws:kms:dsse', not {self.sse!r}")
        if of_kms and self.sse not in _KMS:
            raise ValueError(f"{of_kms}: allowed only with ex_sse='aws:kms'")
        key: object = self.sse_customer_key
        if key is not None and self.sse is not None:
            raise ValueError("ex_sse and ex_sse_customer_key are two ways to encrypt: choose one")
        if key is not None and (not isinstance(key, bytes) or len(key) != 32):  # never shown
            raise ValueError("ex_sse_customer_key is a key of 32 bytes")

    def _check_lock(self) -> None:
        if (self.object_lock_mode is None) != (self.object_lock_until is None):
            raise ValueError("ex_object_lock_mode and ex_object_lock_until go together")
        if self.object_lock_mode not in (None, *_LOCK_MODES):
            raise ValueError(
                f"ex_object_lock_mode is 'GOVERNANCE' or 'COMPLIANCE', not "
                f"{self.object_lock_mode!r}"
            )
        if self.object_lock_until is not None and self.object_lock_until.tzinfo is None:
            raise ValueError("ex_object_lock_until has no time zone")


@cache
def _types() -> Mapping[str, tuple[Any, str]]:
    """The type of each option, and its meaning in messages."""
    return {
        one.name: next(found for start, found in _TYPES.items() if str(one.type).startswith(start))
        for one in fields(ObjectOptions)
    }


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


NO_OPTIONS = ObjectOptions()
"""The options of an upload without keywords."""


def split_keywords(given: Mapping[str, Any]) -> tuple[ObjectOptions, dict[str, Any]]:
    """Options of the object, and what is left for the engine.

    :raises TypeError: no such keyword.
    :raises ValueError: a value is invalid.
    """
    if not given:
        return NO_OPTIONS, {}
    known, own = UploadKeywords.__annotations__, _types()
    chosen, rest = {}, {}
    for name, value in given.items():
        if name not in known:
            raise unexpected_keyword(name, known)
        if name[3:] in own:  # without ``ex_``
            chosen[name[3:]] = value
        else:
            rest[name] = value
    return ObjectOptions(**chosen) if chosen else NO_OPTIONS, rest


def read_headers(given: Mapping[str, Any], *, prefix: str, secure: bool) -> dict[str, str]:
    """The headers for the keywords of a read; see :func:`write_headers`."""
    for name in given:
        if name not in ReadKeywords.__annotations__:
            raise unexpected_keyword(name, ReadKeywords.__annotations__)
    options = ObjectOptions(**{name.removeprefix("ex_"): value for name, value in given.items()})
    return _checked_headers(options, prefix=prefix, secure=secure)


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


def _checked_headers(options: ObjectOptions, *, prefix: str, secure: bool) -> dict[str, str]:
    asked = options.headers()
    foreign = sorted(name for name in asked if name.startswith("x-amz-") and prefix != "x-amz")
    if foreign:
        raise ValueError(f"{', '.join(foreign)}: headers of this store begin with {prefix}")
    if options.sse_customer_key is not None and not secure:
        raise ValueError("ex_sse_customer_key goes over https only")
    return asked


def write_headers(
    options: ObjectOptions,
    headers: Mapping[str, str] | None,
    *,
    profile: S3Profile,
    prefix: str,
    secure: bool,
) -> dict[str, str]:
    """A copy of ``headers`` with those that ``options`` ask for.

    :param prefix: of the store's own headers: only S3's own has all of the options.
    :raises ValueError: the store does not support an option, or ``headers`` contradict it.
    """
    asked = _checked_headers(options, prefix=prefix, secure=secure)
    if (options.if_none_match or options.if_match) and not profile.conditional_writes:
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
