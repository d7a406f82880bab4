# SPDX-License-Identifier: Apache-2.0
"""Parses the documents of Swift into values.

Reference: OpenStack, "Object Storage API" (api-ref/object-store), and Swift, "Large objects".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from libcloud.utils.documents import UnexpectedDocumentError, number_in, records, text_in
from libcloud.utils.headers import strip_etag


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """A container in a listing; its size is that of all its objects, bytes."""

    name: str
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """An object in a listing; ``is_large``: a static large one; ``None``: not known."""

    name: str
    size: int = 0
    etag: str = ""
    content_type: str = ""
    last_modified: str = ""
    is_large: bool | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of a static large object: ``/CONTAINER/NAME``, not encoded, and its MD5."""

    path: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The result of a bulk deletion: status 200 if nothing failed, and errors by path."""

    status: int
    deleted: int
    missing: int
    errors: tuple[tuple[str, str], ...]


def parse_containers(document: Any) -> list[ContainerRecord]:
    return [
        ContainerRecord(text_in(item, "name"), number_in(item, "count"), number_in(item, "bytes"))
        for item in records(document)
    ]


def parse_objects(document: Any) -> list[ObjectRecord]:
    return [_object(item) for item in records(document)]


def _object(item: Mapping[str, Any]) -> ObjectRecord:
    large = item.get("slo_etag")
    return ObjectRecord(
        text_in(item, "name"),
        number_in(item, "bytes"),
        # The hash of a large object in a listing is that of its manifest.
        strip_etag(str(large or item.get("hash") or "")),
        str(item.get("content_type") or ""),
        str(item.get("last_modified") or ""),
        is_large=True if large else None,
    )


def parse_manifest(document: Any) -> list[Segment]:
    return [
        Segment(text_in(item, "name"), str(item.get("hash") or ""), number_in(item, "bytes"))
        for item in records(document)
    ]


def parse_bulk_result(document: Any) -> BulkResult:
    if not isinstance(document, Mapping) or "Response Status" not in document:
        raise UnexpectedDocumentError("the response does not say what was deleted")
    status = str(document["Response Status"])[:3]
    errors = document.get("Errors")
    return BulkResult(
        int(status) if status.isdigit() else 500,
        number_in(document, "Number Deleted"),
        number_in(document, "Number Not Found"),
        tuple((str(path), str(why)) for path, why in errors) if errors else (),
    )
