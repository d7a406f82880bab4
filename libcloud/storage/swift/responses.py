# SPDX-License-Identifier: Apache-2.0
"""Documents that Swift returns, as values.

Reference: OpenStack, "Object Storage API" (api-ref/object-store), and Swift, "Large objects".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from libcloud.utils.etags import strip_etag


class UnexpectedDocumentError(ValueError):
    """The document is another one than expected."""


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """A container in a listing.

    :param size: bytes of all its objects.
    """

    name: str
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """An object in a listing.

    :param etag: of the object; for a large one, of the object that it makes.
    :param is_large: a static large object; ``None``: the cluster does not say.
    """

    name: str
    size: int = 0
    etag: str = ""
    content_type: str = ""
    last_modified: str = ""
    is_large: bool | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of a static large object.

    :param path: ``/CONTAINER/NAME``, not encoded.
    :param etag: its MD5, hexadecimal.
    """

    path: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What a deletion of many objects did.

    :param status: of the deletion as a whole; 200 if nothing failed.
    :param errors: pairs of a path and what is wrong with it.
    """

    status: int
    deleted: int
    missing: int
    errors: tuple[tuple[str, str], ...]


def parse_containers(document: Any) -> list[ContainerRecord]:
    """:raises UnexpectedDocumentError: it is no listing of containers."""
    return [
        ContainerRecord(_text(item, "name"), _number(item, "count"), _number(item, "bytes"))
        for item in _items(document)
    ]


def parse_objects(document: Any) -> list[ObjectRecord]:
    """:raises UnexpectedDocumentError: it is no listing of objects."""
    return [_object(item) for item in _items(document)]


def _object(item: Mapping[str, Any]) -> ObjectRecord:
    large = item.get("slo_etag")
    return ObjectRecord(
        _text(item, "name"),
        _number(item, "bytes"),
        # The hash of a large object in a listing is that of its manifest.
        strip_etag(str(large or item.get("hash") or "")),
        str(item.get("content_type") or ""),
        str(item.get("last_modified") or ""),
        is_large=True if large else None,
    )


def parse_manifest(document: Any) -> list[Segment]:
    """:raises UnexpectedDocumentError: it is no manifest."""
    return [
        Segment(_text(item, "name"), str(item.get("hash") or ""), _number(item, "bytes"))
        for item in _items(document)
    ]


def parse_bulk_result(document: Any) -> BulkResult:
    """:raises UnexpectedDocumentError: it does not say what was deleted."""
    if not isinstance(document, Mapping) or "Response Status" not in document:
        raise UnexpectedDocumentError("the response does not say what was deleted")
    status = str(document["Response Status"])[:3]
    errors = document.get("Errors")
    return BulkResult(
        int(status) if status.isdigit() else 500,
        _number(document, "Number Deleted"),
        _number(document, "Number Not Found"),
        tuple((str(path), str(why)) for path, why in errors) if errors else (),
    )


def _items(document: Any) -> list[Mapping[str, Any]]:
    if document in ("", {}):
        return []
    if not isinstance(document, list) or not all(isinstance(item, Mapping) for item in document):
        raise UnexpectedDocumentError("the response is not a list of records")
    return document


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    if not isinstance(value, str):
        raise UnexpectedDocumentError(f"a record has no {key}")
    return value


def _number(item: Mapping[str, Any], key: str) -> int:
    value = item.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UnexpectedDocumentError(f"a record has no whole number as {key}")
    return value
