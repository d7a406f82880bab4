# SPDX-License-Identifier: Apache-2.0
"""Parses the XML documents in responses into records.

Every parser takes the body of a response, or its root element if that is parsed already; with or
without a namespace, and without optional elements. A document that cannot be understood is a
:class:`MalformedDocumentError`, never another exception. :func:`parse_error` finds an ``<Error>``
that came with status 200: call it first.

Records hold texts as the store sent them, keys and prefixes decoded, ETags without their quotes.
Times stay text, because most callers pass them on. Sizes are bytes. What a store does not report is
``None``.

Reference: Amazon S3 API Reference, and the shapes of botocore's service model
(``data/s3/2006-03-01/service-2.json``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import unquote, unquote_plus

from libcloud.storage.s3.names import name_bytes
from libcloud.storage.s3.nodes import (
    RAW,
    Element,
    Node,
    ScannedPage,
    Source,
    excerpt,
    read_root,
)
from libcloud.storage.s3.nodes import MalformedDocumentError as MalformedDocumentError
from libcloud.storage.s3.nodes import ObjectRecord as ObjectRecord
from libcloud.utils.headers import strip_etag


class Published(NamedTuple):
    """The response to Complete, or to a copy of an object or of a part.

    :param etag: ``""`` if the store does not report it.
    :param checksums: of the object, by algorithm in lower case, base64; a composite one ends in
        ``-`` and the number of parts.
    """

    etag: str
    checksums: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """The response to DeleteObjects; nothing follows from an entry whose key is empty.

    :param deleted: keys and version ids (of an object ``None``); empty for a quiet request.
    :param errors: key and version id, error code, and message.
    """

    deleted: frozenset[tuple[str, str | None]] = frozenset()
    errors: tuple[tuple[tuple[str, str | None], str, str], ...] = ()


class UploadRecord(NamedTuple):
    """An in-progress upload; of who started it, and of who will own the object, name or id."""

    key: str
    upload_id: str
    initiated: str | None = None
    initiator: str | None = None
    owner: str | None = None


class PartRecord(NamedTuple):
    """A part that the store holds."""

    number: int
    etag: str | None
    size: int
    last_modified: str | None = None
    checksums: Mapping[str, str] = MappingProxyType({})


class Retention(NamedTuple):
    """The retention of a version of an object, which cannot be deleted until then.

    :param mode: ``"GOVERNANCE"`` or ``"COMPLIANCE"``.
    :param until: an aware time.
    """

    mode: str
    until: datetime


class VersionRecord(NamedTuple):
    """A version, or a delete marker, which has no ETag and the size 0, as a listing shows it."""

    key: str
    version_id: str
    is_latest: bool
    is_delete_marker: bool
    etag: str | None = None
    size: int = 0
    last_modified: str | None = None
    storage_class: str | None = None


class BucketRecord(NamedTuple):
    """A bucket as the list of buckets shows it."""

    name: str
    creation_date: str | None = None


_EntryT = TypeVar("_EntryT", bound=tuple[Any, ...])


@dataclass(frozen=True, slots=True)
class Page(Generic[_EntryT]):
    """One page of a listing.

    :param entries: records that begin with a name or number, in the order of the listing.
    :param marker: the parameters that request the next page: a key, and the id of an upload or of
        a version; the number of a part; or the token and the key of a listing of objects, of which
        version 1 uses the key. ``None``: there is no next page, or the store names none.
    :param prefixes: the directories of a delimiter listing.
    :param encoding: how names were written: ``"url"`` percent-encoded, as the store says; empty as
        they are; :data:`~libcloud.storage.s3.nodes.RAW` in a document that was not valid.
    :param decoded: a name is another one than was written; only prefixes count among objects.
    """

    entries: tuple[_EntryT, ...] = ()
    is_truncated: bool = False
    marker: tuple[Any, ...] | None = None
    prefixes: tuple[str, ...] = ()
    encoding: str = ""
    decoded: bool = False

    def names(self) -> list[str]:
        return [*(str(entry[0]) for entry in self.entries), *self.prefixes]


_OF_ERRORS = ("Code", "Message", "RequestId", "HostId", "Region", "Endpoint")
_NOT_CHECKSUMS = ("ChecksumAlgorithm", "ChecksumType")

_Decode = Callable[[str], str]
_Keyed = TypeVar("_Keyed", bound=UploadRecord | VersionRecord)


def parse_create(source: Source) -> str:
    """The id of the upload that a store has created."""
    upload_id = _root(source).need("UploadId").strip()
    if not upload_id:
        raise MalformedDocumentError("The UploadId of the response is empty")
    return upload_id


def parse_complete(source: Source) -> Published:
    """The response to Complete. Ceph RGW returns no ETag: then the root element identifies it."""
    root = _root(source)
    etag = strip_etag(root.find("ETag") or "")
    if not etag and root.name != "CompleteMultipartUploadResult":
        raise MalformedDocumentError(f"The response has no ETag in {root.name}")
    return Published(etag, _checksums(root))


def parse_copy(source: Source) -> Published:
    """The response to a copy of an object or a part."""
    root = read_root(source)
    if not root.name.startswith("Copy"):
        raise _unexpected(source, root)
    return Published(strip_etag(root.find("ETag") or ""), _checksums(root))


def parse_deleted(source: Source) -> DeleteResult:
    """The response to DeleteObjects."""
    root = read_root(source)
    if not root.name.startswith("Delete"):
        raise _unexpected(source, root)
    errors = [
        (_key_and_version(node), node.word("Code") or "", node.word("Message") or "")
        for node in root.children("Error")
    ]
    deleted = map(_key_and_version, root.children("Deleted"))
    return DeleteResult(frozenset(deleted), tuple(errors))


def parse_error(source: Source) -> dict[str, str] | None:
    """The elements of an error; ``None`` if it is another document, or cannot be parsed.

    Elements that repeat what was signed (``StringToSign``, ``AWSAccessKeyId`` ...) are never read.
    """
    try:
        node = _error_node(read_root(source))
        if node is None:
            return None
        found = {name: node.word(name) for name in _OF_ERRORS}
        return {name: text for name, text in found.items() if text}
    except MalformedDocumentError:
        return None


def parse_uploads(source: Source) -> Page[UploadRecord]:
    """One page of in-progress uploads."""
    return _keyed_page(source, ("Upload",), _upload, tuple, "NextUploadIdMarker")


def parse_versions(source: Source) -> Page[VersionRecord]:
    """One page of versions, by key; those of a key with the newest first."""
    names = ("Version", "DeleteMarker")
    return _keyed_page(source, names, _version, _newest_first, "NextVersionIdMarker")


def _keyed_page(
    source: Source,
    names: tuple[str, ...],
    read: Callable[[Node, _Decode], _Keyed],
    sort: Callable[[list[_Keyed]], tuple[_Keyed, ...]],
    id_marker: str,
) -> Page[_Keyed]:
    """A page whose records have a key and an id, both of which lead to the next page."""
    root = _listing(source)
    nodes = [node for node in root.children() if node.name in names]
    written = [node.need("Key") for node in nodes]
    decode, encoding = _decoder(root), _encoding(root)
    if not all(map(_may_be_encoded, written)):
        decode, encoding = str, ""
    entries, prefixes = sort([read(node, decode) for node in nodes]), _prefixes(root, decode)
    named, latest_id = root.find("NextKeyMarker"), root.word(id_marker)
    last = _last(entries, prefixes)
    key = _marker(named, last, decode)
    if entries and key == entries[-1].key:
        latest_id = latest_id or entries[-1][1]
    truncated = _is_truncated(root, bool(named and last))
    return Page(
        entries,
        truncated,
        (key, latest_id) if truncated and key is not None else None,
        prefixes,
        encoding,
        decoded=encoding == "url"
        and [*map(decode, written), *prefixes] != [*written, *_prefixes_as_written(root)],
    )


def parse_parts(source: Source) -> Page[PartRecord]:
    """One page of the parts of an upload."""
    root = _listing(source)
    parts = tuple(_part(node) for node in root.children("Part"))
    marker = root.number("NextPartNumberMarker")
    truncated = _is_truncated(root, bool(parts and marker))
    if not marker and parts:
        marker = parts[-1].number
    return Page(parts, truncated, (marker,) if truncated and marker else None)


def parse_objects(source: Source | ScannedPage) -> Page[ObjectRecord]:
    """One page of a listing, version 1 or 2."""
    root = _listing(source.root if isinstance(source, ScannedPage) else source)
    decode, encoding = _decoder(root), _encoding(root)
    if isinstance(source, ScannedPage):
        records = source.records(decode)
    else:
        records = [object_record(element, decode) for element in root.elements("Contents")]
    prefixes = _prefixes(root, decode)
    named, token = root.find("NextMarker"), root.find("NextContinuationToken")
    truncated = _is_truncated(root, bool(named or token) and bool(records or prefixes))
    marker = (token, _marker(named, _last(records, prefixes), decode))
    return Page(
        tuple(records),
        truncated,
        marker if truncated and any(marker) else None,
        prefixes,
        encoding,
        decoded=encoding == "url" and list(prefixes) != _prefixes_as_written(root),
    )


def object_record(element: Element, decode: _Decode | None = None) -> ObjectRecord:
    """One ``Contents`` element of a listing; by default, names are encoded as its parent says."""
    if decode is None:
        parent = getattr(element, "getparent", lambda: None)()
        decode = str if parent is None else _decoder(Node(parent))
    node = Node(element)
    etag, owner = node.find("ETag"), node.child("Owner")
    return ObjectRecord(
        decode(node.need("Key")),
        strip_etag(etag) if etag else None,
        node.need_number("Size"),
        node.word("LastModified"),
        owner.find("ID") if owner else None,
        owner.find("DisplayName") if owner else None,
        node.word("StorageClass"),
    )


def bucket_record(element: Element) -> BucketRecord:
    """One ``Bucket`` element of a list."""
    node = Node(element)
    return BucketRecord(node.need("Name"), node.word("CreationDate"))


def parse_buckets(source: Source) -> Page[BucketRecord]:
    """The list of buckets."""
    root = _listing(source)
    buckets, token = root.child("Buckets"), root.find("ContinuationToken")
    records = () if buckets is None else tuple(map(bucket_record, buckets.elements("Bucket")))
    truncated = _is_truncated(root, token is not None)
    return Page(records, truncated, (token,) if truncated and token else None)


def _root(source: Source) -> Node:
    """The root of a response that is not an error.

    Its name differs between servers: rclone's is ``InitiateMultipartUpload``.
    """
    root = read_root(source)
    if _error_node(root) is not None:
        raise _unexpected(source, root)
    return root


def _listing(source: Source) -> Node:
    """The root of a listing. All are called ``List...``; anything else would pass for empty."""
    root = read_root(source)
    if not root.name.startswith("List"):
        raise _unexpected(source, root)
    return root


def _unexpected(source: Source, root: Node) -> MalformedDocumentError:
    detail = excerpt(source) if isinstance(source, bytes) else excerpt(f"<{root.name}>")
    return MalformedDocumentError(f"The response is another document than expected: {detail}")


def _error_node(root: Node) -> Node | None:
    """The element with the code: the root, or where the query protocol of AWS puts it."""
    if root.name == "ErrorResponse":
        return root.child("Error")
    if root.name == "Response":
        errors = root.child("Errors")
        return errors.child("Error") if errors else None
    return root if root.name == "Error" else None


def _encoding(root: Node) -> str:
    encoding = (root.word("EncodingType") or "").lower()
    return encoding if encoding in ("url", RAW) else ""


def _decoder(root: Node) -> _Decode:
    """Decodes the names in this response, if they are percent-encoded.

    Bytes that are not UTF-8 become half surrogates (PEP 383), and are sent as they came.
    """
    # S3 encodes as a form does: a space is "+", and a plus "%2B".
    decode = {"url": unquote_plus, RAW: unquote}.get(_encoding(root))
    return str if decode is None else partial(decode, errors="surrogateescape")


def _upload(node: Node, decode: _Decode) -> UploadRecord:
    return UploadRecord(
        key=decode(node.need("Key")),
        upload_id=node.need("UploadId").strip(),
        initiated=node.word("Initiated"),
        initiator=_person(node.child("Initiator")),
        owner=_person(node.child("Owner")),
    )


def _version(node: Node, decode: _Decode) -> VersionRecord:
    etag, is_marker = node.find("ETag"), node.name == "DeleteMarker"
    return VersionRecord(
        key=decode(node.need("Key")),
        version_id=node.word("VersionId") or "null",
        is_latest=node.flag("IsLatest"),
        is_delete_marker=is_marker,
        etag=strip_etag(etag) if etag else None,
        size=0 if is_marker else node.need_number("Size"),
        last_modified=node.word("LastModified"),
        storage_class=node.word("StorageClass"),
    )


def _newest_first(versions: list[VersionRecord]) -> tuple[VersionRecord, ...]:
    """``versions`` by key, and those of a key with the newest first.

    That is S3's order. moto (5.2) lists all versions of a page, then all delete markers.
    """
    keys = [name_bytes(version.key) for version in versions]
    is_latest_first = not any(
        two.is_latest and one.key == two.key for one, two in pairwise(versions)
    )
    if keys == sorted(keys) and is_latest_first:
        return tuple(versions)
    versions.sort(key=lambda version: version.last_modified or "", reverse=True)
    versions.sort(key=lambda version: (name_bytes(version.key), not version.is_latest))
    return tuple(versions)


def _key_and_version(node: Node) -> tuple[str, str | None]:
    return node.find("Key") or "", node.word("VersionId")


def _part(node: Node) -> PartRecord:
    etag = node.find("ETag")
    return PartRecord(
        number=node.need_number("PartNumber"),
        etag=strip_etag(etag) if etag else None,
        size=node.need_number("Size"),
        last_modified=node.word("LastModified"),
        checksums=_checksums(node),
    )


def _person(node: Node | None) -> str | None:
    return None if node is None else node.find("DisplayName") or node.find("ID")


def _prefixes(root: Node, decode: _Decode) -> tuple[str, ...]:
    names = _prefixes_as_written(root)
    return tuple(map(decode, names)) if all(map(_may_be_encoded, names)) else tuple(names)


def _prefixes_as_written(root: Node) -> list[str]:
    return [node.need("Prefix") for node in root.children("CommonPrefixes")]


def _may_be_encoded(name: str) -> bool:
    """Whether a name can be percent-encoded: if it holds what would be encoded, it is not."""
    return name.isascii() and name.isprintable() and " " not in name


def _is_truncated(root: Node, implied: bool) -> bool:
    return root.flag("IsTruncated") if root.word("IsTruncated") else implied


def _marker(named: str | None, last: str | None, decode: _Decode) -> str | None:
    """The marker to continue from: that of the store, else the last name of the page.

    rclone (1.75) leaves the marker as it is in a listing with encoded names; it is the last name.
    """
    return last if named is None or named == last else decode(named)


def _last(
    records: Sequence[ObjectRecord | UploadRecord | VersionRecord], prefixes: Iterable[str]
) -> str | None:
    """The last name of a page, in the order of UTF-8, which is S3's."""
    names = [*(record.key for record in records[-1:]), *prefixes]
    return max(names, key=name_bytes, default=None)


def _checksums(node: Node) -> dict[str, str]:
    found: dict[str, str] = {}
    for child in node.children():
        if child.name.startswith("Checksum") and child.name not in _NOT_CHECKSUMS:
            value = child.text().strip()
            if value:
                found.setdefault(child.name[len("Checksum") :].lower(), value)
    return found
