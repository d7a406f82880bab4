# SPDX-License-Identifier: Apache-2.0
"""The ``extra`` of containers and objects of Azure Blob Storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from libcloud.storage import azure
from libcloud.storage.azure.responses import BlobEntry, ContainerEntry
from libcloud.storage.metadata import metadata_in
from libcloud.utils.etags import strip_etag


def container_extra(headers: Mapping[str, str], url: str) -> dict[str, Any]:
    """From the headers of a response; names in lower case."""
    return {
        "url": url,
        "etag": headers.get("etag"),
        "last_modified": headers.get("last-modified"),
        "lease": _lease(headers, "x-ms-lease-"),
        "meta_data": metadata_in(headers, azure.requests.METADATA),
    }


def listed_container_extra(entry: ContainerEntry, url: str) -> dict[str, Any]:
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


def listed_blob_extra(entry: BlobEntry, url: str) -> dict[str, Any]:
    """From a listing, which names ETags without quotes."""
    found = entry.properties
    etag = strip_etag(found.get("etag", ""))
    return {
        **_properties(found, url),
        "etag": f'"{etag}"' if etag else None,
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
