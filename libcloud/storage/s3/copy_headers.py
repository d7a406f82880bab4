# SPDX-License-Identifier: Apache-2.0
"""Headers of copies: what is kept of the source, what is changed, and which request carries it.

S3 keeps either everything that describes the source or nothing, and nothing for an object made of
parts. So where something changes, everything to be kept is sent again.

Reference: Amazon S3 API Reference, CopyObject, "x-amz-metadata-directive", and UploadPartCopy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from libcloud.storage.metadata import metadata_headers

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


@dataclass(frozen=True, slots=True)
class Given:
    """The headers of the caller, by what they describe.

    :param own: of the copy.
    :param of_source: of the source: a customer's key, preconditions, the owner.
    :param vendor: prefix of the store's own headers: ``x-amz``.
    """

    own: Mapping[str, str]
    of_source: Mapping[str, str]
    vendor: str


@dataclass(frozen=True, slots=True)
class CopyHeaders:
    """The headers of a copy.

    :param whole: of one CopyObject.
    :param in_parts: of an upload whose parts are copied.
    :param of_source: of every request that reads the source.
    """

    whole: Mapping[str, str]
    in_parts: Mapping[str, str]
    of_source: Mapping[str, str]


def split_headers(headers: Mapping[str, str], vendor: str) -> Given:
    """``headers`` of the caller, by what they describe.

    :raises ValueError: one that an argument sets. Nothing was sent.
    """
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
    """The headers of a HEAD request for the source."""
    headers = {"Accept-Encoding": "identity"}  # the size and the ETag of what is stored
    headers.update(
        (name, value)
        for name, value in given.own.items()
        if _without(name, given.vendor) == "request-payer"
    )
    for name, value in given.of_source.items():
        rest = _without(name, given.vendor)
        if rest == "source-expected-bucket-owner":
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
    """The headers of a copy.

    :param seen: of the source, from the response to HEAD; names in lower case.
    :param metadata: user metadata of the copy; ``None`` keeps that of the source.
    :param content_type: of the copy; ``None`` keeps that of the source.
    :raises ValueError: metadata that headers cannot express. Nothing was sent.
    """
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
    """Whether the description of the copy differs from that of the source."""
    if metadata is not None or content_type is not None:
        return True
    prefix = f"{given.vendor}-meta-"
    return any(
        name.lower() in _DESCRIPTION or name.lower().startswith(prefix) for name in given.own
    )


def _kept_metadata(seen: Mapping[str, str], prefix: str) -> dict[str, str]:
    """User metadata as it was read, but for what is not ASCII and must be encoded again."""
    found = {name: value for name, value in seen.items() if name.startswith(prefix)}
    foreign = {name[len(prefix) :]: text for name, text in found.items() if not text.isascii()}
    return {**found, **metadata_headers(foreign, prefix)}


def _merged(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    """Both; where names are the same in any case, the second."""
    names = {name.lower() for name in second}
    return {**{name: first[name] for name in first if name.lower() not in names}, **second}


def _without(name: str, vendor: str) -> str:
    """``name`` in lower case, without the store's prefix; empty if it does not have that."""
    name = name.lower()
    return name[len(vendor) + 1 :] if name.startswith(f"{vendor}-") else ""
