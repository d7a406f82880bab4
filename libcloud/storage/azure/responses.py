# SPDX-License-Identifier: Apache-2.0
"""Parses the documents of Azure Blob Storage into values.

Reference: Azure Storage REST API, "List Containers", "List Blobs" and "Get Block List". Documents
of Azure have no namespace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from libcloud.storage.azure.checksums import checksum_of
from libcloud.storage.metadata import decode_metadata
from libcloud.utils.documents import UnexpectedDocumentError
from libcloud.utils.xml import InvalidXmlError, parse_xml

_LEASE = "x-ms-lease-"

# What properties in a listing are called as headers, if that is something else.
_HEADERS: Mapping[str, str] = {
    "accesstier": "x-ms-access-tier",
    "blobtype": "x-ms-blob-type",
    **{f"lease{name}": f"{_LEASE}{name}" for name in ("status", "state", "duration")},
}


class Entry(NamedTuple):
    """A container or a blob; ``properties`` are named like headers, in lower case."""

    name: str
    properties: Mapping[str, str]
    metadata: Mapping[str, str]
    size: int = 0


class Block(NamedTuple):
    """A block of a blob: its id, base64, and its size, bytes."""

    id: str
    size: int


class Page(NamedTuple):
    """A part of a listing. The next one begins at the marker; the last one has none."""

    entries: list[Entry]
    prefixes: list[str]
    marker: str

    def names(self) -> list[str]:
        return [*(entry.name for entry in self.entries), *self.prefixes]


def parse_containers(root: Any) -> Page:
    items = _listed(root, "Containers")
    entries = [
        Entry(_name(item), _properties(item), _metadata(item))
        for item in items.iterfind("Container")
    ]
    return Page(entries, [], (root.findtext("NextMarker") or "").strip())


def parse_blobs(root: Any) -> Page:
    items = _listed(root, "Blobs")
    entries = []
    for item in items.iterfind("Blob"):
        properties = _properties(item)
        length = properties.get("content-length", "")
        if not length.isdecimal():
            raise UnexpectedDocumentError(f"the size of a blob is {length[:40]!r}")
        entries.append(Entry(_name(item), properties, _metadata(item), int(length)))
    prefixes = [_name(item) for item in items.iterfind("BlobPrefix")]
    return Page(entries, prefixes, (root.findtext("NextMarker") or "").strip())


def parse_blocks(root: Any, kind: str) -> list[Block]:
    """The blocks of a block list, ``"CommittedBlocks"`` or ``"UncommittedBlocks"``, in order."""
    _check_root(root, "BlockList")
    blocks = root.iterfind(f"{kind}/Block")
    return [Block(item.findtext("Name") or "", int(item.findtext("Size") or 0)) for item in blocks]


def parse_error(body: bytes) -> tuple[str, str]:
    """Code and message of an error document; empty if it is another document."""
    try:
        root = parse_xml(body)
    except InvalidXmlError:
        return "", ""
    if root.tag != "Error":
        return "", ""
    details = (root.findtext("Message"), root.findtext("AuthenticationErrorDetail"))
    return root.findtext("Code") or "", " ".join(filter(None, details))


def container_extra(entry: Entry, url: str) -> dict[str, Any]:
    properties = entry.properties
    return {
        "url": url,
        "etag": properties.get("etag"),
        "last_modified": properties.get("last-modified"),
        "lease": _lease(properties),
        "meta_data": dict(entry.metadata),
    }


def blob_extra(entry: Entry, url: str) -> dict[str, Any]:
    properties = entry.properties
    md5 = checksum_of(properties)
    sent = ("cache-control", "content-disposition")
    return {
        **{name.replace("-", "_"): properties[name] for name in sent if properties.get(name)},
        "url": url,
        "md5_hash": md5.hex() if md5 else None,
        "content_type": properties.get("content-type"),
        "content_language": properties.get("content-language"),
        "content_encoding": properties.get("content-encoding"),
        "last_modified": properties.get("last-modified"),
        "etag": properties.get("etag"),
        "lease": _lease(properties),
        "blob_type": properties.get("x-ms-blob-type"),
        "storage_class": properties.get("x-ms-access-tier"),
    }


def _lease(properties: Mapping[str, str]) -> dict[str, str | None]:
    return {name: properties.get(f"{_LEASE}{name}") for name in ("status", "state", "duration")}


def _listed(root: Any, child: str) -> Any:
    _check_root(root, "EnumerationResults")
    found = root.find(child)
    if found is None:
        raise UnexpectedDocumentError(f"the document has no {child}")
    return found


def _check_root(root: Any, tag: str) -> None:
    if isinstance(root, str):
        raise UnexpectedDocumentError("the response has no document")
    if root.tag != tag:
        raise UnexpectedDocumentError(f"the document is a {str(root.tag)[:40]!r}, not a {tag}")


def _name(item: Any) -> str:
    """The name of an entry; one that XML cannot express is percent-encoded (from 2021-02-12)."""
    element = item.find("Name")
    if element is None or not element.text:
        raise UnexpectedDocumentError("an entry of the listing has no name")
    text = str(element.text)
    return unquote(text) if element.get("Encoded") == "true" else text


def _properties(item: Any) -> dict[str, str]:
    found = ((name.lower(), text) for name, text in _pairs(item, "Properties"))
    return {_HEADERS.get(name, name): text for name, text in found}


def _metadata(item: Any) -> dict[str, str]:
    return {name.lower(): decode_metadata(text) for name, text in _pairs(item, "Metadata")}


def _pairs(item: Any, tag: str) -> Iterator[tuple[str, str]]:
    parent = item.find(tag)
    for child in parent if parent is not None else ():
        yield str(child.tag), (child.text or "").strip()
