# SPDX-License-Identifier: Apache-2.0
"""Keywords of uploads to Azure Blob Storage, and the ``extra`` of its containers and blobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from libcloud.storage import azure
from libcloud.storage.azure.profiles import TIERS
from libcloud.storage.azure.responses import Entry
from libcloud.storage.metadata import metadata_in
from libcloud.storage.transfer.budget import MemoryBudget
from libcloud.storage.transfer.upload.options import UploadOptions, split_keywords
from libcloud.utils.headers import strip_etag

# Apache Libcloud has not had them since 2.5: blobs are block blobs.
_REMOVED = ("ex_blob_type", "ex_page_blob_size")


_OWN = ("ex_checksum", "ex_if_match", "ex_if_none_match", "ex_storage_class")


def split(
    given: Mapping[str, Any], *, max_memory: int | MemoryBudget | None
) -> tuple[dict[str, str], bool, UploadOptions]:
    """What the keywords of an upload mean.

    :return: headers of the request that publishes the blob; whether MD5s are sent and compared; the
        options of the engine.
    """
    removed = [name for name in _REMOVED if name in given]
    if removed:
        raise ValueError(f"Support for arguments was removed: {', '.join(removed)}")
    own, engine = split_keywords(given, _OWN, max_memory=max_memory)
    checksum = own.get("ex_checksum", "md5")
    if checksum not in ("md5", None):
        raise ValueError(f"ex_checksum is 'md5' or None, not {checksum!r}")
    headers = conditions(own.get("ex_if_match"), own.get("ex_if_none_match"))
    if own.get("ex_storage_class"):
        headers["x-ms-access-tier"] = tier(own["ex_storage_class"])
    return headers, checksum == "md5", engine


def tier(name: str) -> str:
    """The access tier of that name, in any case."""
    found = next((tier for tier in TIERS if tier.lower() == str(name).lower()), None)
    if found is None:
        raise ValueError(f"the access tier is one of {', '.join(TIERS)}, not {name!r}")
    return found


def conditions(if_match: str | None, if_none_match: str | None) -> dict[str, str]:
    """The headers for ``ex_if_match`` and ``ex_if_none_match``."""
    headers = {}
    if if_match is not None:
        headers["If-Match"] = if_match if if_match == "*" else f'"{strip_etag(if_match)}"'
    if if_none_match is not None:
        if if_none_match != "*":
            raise ValueError(f"ex_if_none_match is '*', not {if_none_match!r}")
        headers["If-None-Match"] = "*"
    return headers


def container_extra(headers: Mapping[str, str], url: str) -> dict[str, Any]:
    """From the headers of a response; names in lower case."""
    return {
        "url": url,
        "etag": headers.get("etag"),
        "last_modified": headers.get("last-modified"),
        "lease": _lease(headers, "x-ms-lease-"),
        "meta_data": metadata_in(headers, azure.requests.METADATA),
    }


def listed_container_extra(entry: Entry, url: str) -> dict[str, Any]:
    """From a listing."""
    return {
        "url": url,
        "etag": strip_etag(entry.properties.get("etag", "")),
        "last_modified": entry.properties.get("last-modified"),
        "lease": _lease(entry.properties, "lease"),
        "meta_data": dict(entry.metadata),
    }


def blob_extra(headers: Mapping[str, str], url: str) -> dict[str, Any]:
    """From the headers of a response; names in lower case."""
    return {
        **_properties(headers, url),
        "etag": headers.get("etag"),
        "lease": _lease(headers, "x-ms-lease-"),
        "blob_type": headers.get("x-ms-blob-type"),
        "storage_class": headers.get("x-ms-access-tier"),
    }


def listed_blob_extra(entry: Entry, url: str) -> dict[str, Any]:
    """From a listing, which names ETags without quotes."""
    found = entry.properties
    etag = strip_etag(found.get("etag", ""))
    return {
        **_properties(found, url),
        "etag": f'"{etag}"' if etag else None,
        "hash": etag or None,
        "lease": _lease(found, "lease"),
        "blob_type": found.get("blobtype"),
        "storage_class": found.get("accesstier"),
    }


def _properties(found: Mapping[str, str], url: str) -> dict[str, Any]:
    md5 = azure.checksums.md5_of(found)
    sent = ("cache-control", "content-disposition")
    return {
        **{name.replace("-", "_"): found[name] for name in sent if found.get(name)},
        "url": url,
        "md5_hash": md5.hex() if md5 else None,
        "content_type": found.get("content-type"),
        "content_language": found.get("content-language"),
        "content_encoding": found.get("content-encoding"),
        "last_modified": found.get("last-modified"),
    }


def _lease(properties: Mapping[str, str], prefix: str) -> dict[str, str | None]:
    names = ("status", "state", "duration")
    return {name: properties.get(f"{prefix}{name}") for name in names}
