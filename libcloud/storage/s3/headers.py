# SPDX-License-Identifier: Apache-2.0
"""Headers: those of each request of an upload, those of copies, and optional features.

Optional features make a request safer: checksums, the size of the whole object, the version that a
range must be of, the encoding of names in listings. A store that does not support one may refuse
the request: Cloudflare R2 with 501, Backblaze B2 with "Unsupported header", VAST refuses
preconditions of reads (https://github.com/fsspec/s3fs/pull/1008). It is sent again without then.

Of the source of a copy, S3 keeps either everything that describes it or nothing, and nothing for an
object made of parts. So where something changes, everything to be kept is sent again.

Reference: Amazon S3 API Reference, CopyObject, "x-amz-metadata-directive", and the request
syntax of PutObject, CreateMultipartUpload, UploadPart, CompleteMultipartUpload,
AbortMultipartUpload and HeadObject.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from libcloud.common.request import Body, HttpRequest
from libcloud.storage import s3
from libcloud.storage.metadata import from_utf8, metadata_headers
from libcloud.storage.transfer.values import Step

if TYPE_CHECKING:
    from libcloud.storage.s3.errors import ErrorDetail


# Requester pays, and the expected bucket owner: sent with every request.
_ALWAYS = ("x-amz-request-payer", "x-amz-expected-bucket-owner", "x-goog-user-project")
_ENCRYPTION = "x-amz-server-side-encryption"
# A customer's own key must come with everything that touches the data. Google Cloud Storage, "Use
# customer-supplied encryption keys", names the others.
_CUSTOMER_KEY = (
    "x-amz-server-side-encryption-customer-",
    "x-goog-encryption-algorithm",
    "x-goog-encryption-key",
)
_CONDITIONS = ("if-match", "if-none-match", "x-goog-if-generation-match")
# They describe one body, and so do the checksums but for those that name an algorithm.
_DIGESTS = ("content-md5", "x-amz-content-sha256")
_CHECKSUM = "x-amz-checksum-"
_OF_ALL_BODIES = ("x-amz-checksum-algorithm", "x-amz-checksum-type")


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
        describes_body = name == "content-length" or has_digest((name,))
        return name not in _CONDITIONS and not describes_body
    if step is Step.COMPLETE and name in _CONDITIONS:
        return True
    return step not in (Step.ABORT,) and name.startswith(_CUSTOMER_KEY)


def headers_of_parts(headers: Mapping[str, str]) -> dict[str, str]:
    """Those of an upload's ``headers`` that requests after Create need, or their checks."""
    steps = (Step.PART, Step.COMPLETE)
    return {
        name: value
        for name, value in headers.items()
        if any(_belongs(step, name.lower()) for step in steps)
        or name.lower().startswith(_ENCRYPTION)
    }


def has_condition(headers: Mapping[str, str]) -> bool:
    """Whether the caller makes the object conditional on what is there."""
    return any(name.lower() in _CONDITIONS for name in headers)


def has_lock(headers: Mapping[str, str]) -> bool:
    """Whether the object is to be locked, for which S3 requires a checksum in a separate header.

    Reference: Amazon S3 API Reference, PutObject, "Content-MD5".
    """
    for name in headers:  # noqa: SIM110 - faster than any()
        if name.lower()[:18] == "x-amz-object-lock-":
            return True
    return False


def has_digest(headers: Iterable[str]) -> bool:
    """Whether the caller sends a digest of the body along."""
    for name in headers:
        lower = name.lower()
        if lower in _DIGESTS or (lower[:15] == _CHECKSUM and lower not in _OF_ALL_BODIES):
            return True
    return False


CHECKSUM = "x-amz-checksum"
OBJECT_SIZE = "x-amz-mp-object-size"

# Optional features: prefixes of header names, and names of parameters. The first match counts: a
# store that does not report checksums may accept them.
_OPTIONAL = ("x-amz-checksum-mode", CHECKSUM, OBJECT_SIZE, "if-match", "if-unmodified-since")
_OPTIONAL_PARAMS = ("encoding-type", "fetch-owner")

# The body is not signed. Without a checksum it should be.
_UNSIGNED = ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")

_REFUSALS = frozenset(
    {"InvalidArgument", "NotImplemented", "UnsupportedArgument", "XNotImplemented"}
)
_UNKNOWN = r"unsupported|not (?:supported|implemented)|unknown (?:header|parameter)"


class OptionalValue(str):
    """The value of a header, or a choice, that the library made and the user did not ask for.

    A ``str``, because it is passed to methods that users override.
    """

    __slots__ = ()


def needs_md5(detail: object, request: HttpRequest) -> bool:
    """Whether the store refused ``request`` because it requires the MD5 of the body.

    Buckets that retain all their objects do, and not every store takes another checksum. Only the
    refusal says so: who may upload need not be allowed to read the settings of the bucket.
    """
    if not isinstance(detail, s3.errors.ErrorDetail) or detail.status != 400:
        return False
    return "content-md5" in detail.message.lower() and _lacks_md5(request)


def with_md5(request: HttpRequest) -> HttpRequest:
    """``request`` with the MD5 of its body, if it stores one."""
    if not _lacks_md5(request):
        return request
    digest = s3.integrity.DIGESTS["md5"](request.body)
    return replace(request, headers={**request.headers, **digest.headers})


def _lacks_md5(request: HttpRequest) -> bool:
    if request.method != "PUT" or not isinstance(request.body, Body):
        return False
    # What is sent while it is made is followed by its checksum.
    return not any(name.lower() in ("content-md5", "x-amz-trailer") for name in request.headers)


def mark_optional(headers: Mapping[str, str], *, digest_asked: bool = False) -> dict[str, str]:
    """``headers``, marked as optional; with ``digest_asked`` by the user, only the size is."""
    marked = {}
    for name, value in headers.items():
        marked[name] = value if digest_asked and name != OBJECT_SIZE else OptionalValue(value)
    return marked


def refused_features(detail: object, request: HttpRequest) -> frozenset[str]:
    """The optional features of ``request`` that the store may have refused with ``detail``."""
    used = _features(request)
    if not used or not isinstance(detail, s3.errors.ErrorDetail) or not _is_refusal(detail):
        return frozenset()
    message = detail.message.lower()
    return frozenset(name for name in used if name in message) or used


def without_features(request: HttpRequest, features: Iterable[str]) -> HttpRequest:
    """``request`` without these optional features."""
    features = frozenset(features)
    if not features or features.isdisjoint(_features(request)):
        return request

    def is_kept(name: str, value: str) -> bool:
        if not isinstance(value, OptionalValue):
            return True
        unsigned = CHECKSUM in features and (name.lower(), value) == _UNSIGNED
        return not unsigned and not name.lower().startswith(tuple(features))

    return replace(
        request,
        params=tuple(pair for pair in request.params if pair[0] not in features),
        headers={name: text for name, text in request.headers.items() if is_kept(name, text)},
    )


def _features(request: HttpRequest) -> frozenset[str]:
    found = {name for name, _ in request.params if name in _OPTIONAL_PARAMS}
    for name, value in request.headers.items():
        if isinstance(value, OptionalValue):
            found.update([known for known in _OPTIONAL if name.lower().startswith(known)][:1])
    return frozenset(found)


def _is_refusal(detail: ErrorDetail) -> bool:
    if detail.status == 501 or detail.code in _REFUSALS:
        return True
    return detail.status == 400 and re.search(_UNKNOWN, detail.message.lower()) is not None


_DESCRIPTION = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)
_OF_SOURCE = ("copy-source-", "source-expected-bucket-owner")
_RESERVED = ("copy-source", "copy-source-range", "metadata-directive")
# With one of these S3 accepts a copy onto itself, as its error message says.
_CHANGES = ("server-side-encryption", "storage-class", "website-redirect-location")


class Given(NamedTuple):
    """The caller's headers about the copy, and about its source; ``vendor`` is ``x-amz``."""

    own: Mapping[str, str]
    of_source: Mapping[str, str]
    vendor: str

    def __repr__(self) -> str:
        return object.__repr__(self)  # a customer's key is not shown


class CopyHeaders(NamedTuple):
    """The headers of one CopyObject, of an upload whose parts are copied, and about the source."""

    whole: Mapping[str, str]
    in_parts: Mapping[str, str]
    of_source: Mapping[str, str]

    def __repr__(self) -> str:
        return object.__repr__(self)


def split_headers(headers: Mapping[str, str], vendor: str) -> Given:
    """``headers`` of the caller, by what they describe."""
    own: dict[str, str] = {}
    of_source: dict[str, str] = {}
    for name, value in headers.items():
        rest = _without(name, vendor)
        if rest in _RESERVED:
            raise ValueError(f"the header {name} is set by the copy itself; leave it out")
        (of_source if rest.startswith(_OF_SOURCE) else own)[name] = value
    return Given(own, of_source, vendor)


def changes(given: Given, metadata: Mapping[str, object] | None, content_type: str | None) -> bool:
    """Whether a copy onto itself would change anything."""
    if _describes(given, metadata, content_type):
        return True
    return any(_without(name, given.vendor).startswith(_CHANGES) for name in given.own)


def head_headers(given: Given) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity"}  # the size and the ETag of what is stored
    for name, value in (*given.own.items(), *given.of_source.items()):
        rest = _without(name, given.vendor)
        if rest == "request-payer":
            headers[name] = value
        elif rest == "source-expected-bucket-owner":
            headers[f"{given.vendor}-expected-bucket-owner"] = value
        elif rest.startswith("copy-source-server-side-encryption"):
            headers[f"{given.vendor}-{rest.removeprefix('copy-source-')}"] = value
    return headers


def copy_headers(
    given: Given,
    seen: Mapping[str, str],
    *,
    metadata: Mapping[str, object] | None = None,
    content_type: str | None = None,
) -> CopyHeaders:
    """The headers of a copy of what was ``seen``; ``None`` keeps what the source has."""
    prefix = f"{given.vendor}-meta-"
    kept = {name: seen[name] for name in _DESCRIPTION if name in seen}
    kept.update(_kept_metadata(seen, prefix) if metadata is None else {})
    wanted = dict(given.own)
    wanted.update(metadata_headers(metadata or {}, prefix))
    if content_type is not None:
        wanted = _merged(wanted, {"Content-Type": content_type})
    described = _merged(kept, wanted)
    tagging = f"{given.vendor}-tagging-directive"
    in_parts = {name: value for name, value in described.items() if name.lower() != tagging}
    whole = wanted
    if _describes(given, metadata, content_type):
        whole = {**described, f"{given.vendor}-metadata-directive": "REPLACE"}
    return CopyHeaders(whole, in_parts, given.of_source)


def _describes(
    given: Given, metadata: Mapping[str, object] | None, content_type: str | None
) -> bool:
    if metadata is not None or content_type is not None:
        return True
    prefix = f"{given.vendor}-meta-"
    return any(
        name.lower() in _DESCRIPTION or name.lower().startswith(prefix) for name in given.own
    )


def _kept_metadata(seen: Mapping[str, str], prefix: str) -> dict[str, str]:
    """User metadata as it was read, but for what is not ASCII and must be encoded again."""
    found = {name: value for name, value in seen.items() if name.startswith(prefix)}
    foreign = {
        name[len(prefix) :]: from_utf8(text) for name, text in found.items() if not text.isascii()
    }
    return {**found, **metadata_headers(foreign, prefix)}


def _merged(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    """Both; where names are the same in any case, the second."""
    names = {name.lower() for name in second}
    return {**{name: first[name] for name in first if name.lower() not in names}, **second}


def _without(name: str, vendor: str) -> str:
    """``name`` in lower case, without the store's prefix; empty if it does not have that."""
    name = name.lower()
    return name[len(vendor) + 1 :] if name.startswith(f"{vendor}-") else ""
