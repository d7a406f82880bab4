# SPDX-License-Identifier: Apache-2.0
"""Listings: objects (both versions), unfinished uploads, parts."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from libcloud.test.storage.fakes.errors import invalid_argument, not_implemented
from libcloud.test.storage.fakes.render import OWNER, Node, iso_date, xml_answer
from libcloud.test.storage.fakes.state import Call, StoredObject, Upload
from libcloud.test.storage.fakes.wire import Answer


@dataclass(slots=True)
class _Page:
    """A page of entries (key, id); ``last`` is the key or common prefix to go on after."""

    entries: list[tuple[str, str]] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    truncated: bool = False
    last: tuple[str, str] = ("", "")


class Listing:
    """The query of a listing, understood."""

    def __init__(self, call: Call, size_name: str) -> None:
        query = call.request.query
        self.call = call
        self.prefix = query.get("prefix", "")
        self.delimiter = query.get("delimiter", "")
        self.limit = _number(query, size_name, call.options.page_size)
        encoding = query.get("encoding-type")
        if encoding not in (None, "url"):
            raise invalid_argument("Invalid Encoding Method specified in Request")
        self.encoded = encoding == "url" and call.options.url_encoded_listing

    def text(self, value: str) -> str:
        """A key as it appears in the listing."""
        return quote_plus(value, safe="/*-._", errors="surrogateescape") if self.encoded else value

    def page(self, entries: list[tuple[str, str]], after: tuple[str, str]) -> _Page:
        """The first entries after ``after``, grouped by the delimiter."""
        page = _Page()
        for key, upload_id in sorted(entries, key=lambda entry: (entry[0].encode(), entry[1])):
            common = self._common_prefix(key)
            if common is None and (key.encode(), upload_id) <= (after[0].encode(), after[1]):
                continue
            if common in page.prefixes or common == after[0]:
                continue
            if common is not None and key.encode() <= after[0].encode():
                continue
            if not key.startswith(self.prefix):
                continue
            if len(page.entries) + len(page.prefixes) >= self.limit:
                page.truncated = self.limit > 0
                break
            if common is None:
                page.entries.append((key, upload_id))
                page.last = (key, upload_id)
            else:
                page.prefixes.append(common)
                page.last = (common, "")
        return page

    def _common_prefix(self, key: str) -> str | None:
        if not self.delimiter or not key.startswith(self.prefix):
            return None
        end = key.find(self.delimiter, len(self.prefix))
        return None if end < 0 else key[: end + len(self.delimiter)]

    def head(self, page: _Page, name: str, limit_name: str) -> list[Node]:
        """The elements all listings of keys have."""
        nodes: list[Node] = [(name, self.call.bucket), ("Prefix", self.text(self.prefix))]
        nodes.append((limit_name, self.limit))
        if self.delimiter:
            nodes.append(("Delimiter", self.text(self.delimiter)))
        if self.encoded:
            nodes.append(("EncodingType", "url"))
        if page.truncated or self.call.options.optional_elements:
            nodes.append(("IsTruncated", page.truncated))
        return nodes

    def prefixes(self, page: _Page) -> list[Node]:
        """The groups."""
        return [("CommonPrefixes", [("Prefix", self.text(found))]) for found in page.prefixes]


def _number(query: dict[str, str], name: str, largest: int) -> int:
    text = query.get(name, "")
    if not text:
        return largest
    if not text.isdigit():
        raise invalid_argument(f"Argument {name} must be an integer between 0 and 2147483647")
    return min(int(text), largest)


def _contents(listing: Listing, key: str, stored: StoredObject, *, owner: bool) -> Node:
    nodes: list[Node] = [
        ("Key", listing.text(key)),
        ("LastModified", iso_date(stored.modified)),
        ("ETag", f'"{stored.etag}"'),
        ("Size", stored.size),
    ]
    if listing.call.options.optional_elements:
        if owner:
            nodes.append(("Owner", OWNER))
        nodes.append(("StorageClass", stored.headers.get("x-amz-storage-class", "STANDARD")))
    return ("Contents", nodes)


def _objects(call: Call) -> dict[str, StoredObject]:
    with call.state.lock:
        call.state.need_bucket(call.bucket)
        return {
            key: stored
            for (bucket, key), stored in call.state.objects.items()
            if bucket == call.bucket
        }


def list_objects_v1(call: Call) -> Answer:
    """GET /bucket."""
    listing = Listing(call, "max-keys")
    objects = _objects(call)
    marker = call.request.query.get("marker", "")
    page = listing.page([(key, "") for key in objects], (marker, ""))
    nodes = listing.head(page, "Name", "MaxKeys")
    nodes.append(("Marker", listing.text(marker)))
    if page.truncated and listing.delimiter:
        # Amazon S3 API, ListObjects: NextMarker is returned only with a delimiter.
        nodes.append(("NextMarker", listing.text(page.last[0])))
    nodes += [_contents(listing, key, objects[key], owner=True) for key, _ in page.entries]
    return xml_answer(call.options, "ListBucketResult", nodes + listing.prefixes(page))


def list_objects_v2(call: Call) -> Answer:
    """GET /bucket?list-type=2."""
    if not call.options.list_v2:
        raise not_implemented("list-type=2")
    query = call.request.query
    listing = Listing(call, "max-keys")
    objects = _objects(call)
    after = query.get("start-after", "")
    token = query.get("continuation-token")
    if token is not None:
        try:
            after = base64.b64decode(token, validate=True).decode()
        except (binascii.Error, ValueError):
            raise invalid_argument("The continuation token provided is incorrect") from None
    page = listing.page([(key, "") for key in objects], (after, ""))
    nodes = listing.head(page, "Name", "MaxKeys")
    nodes.append(("KeyCount", len(page.entries) + len(page.prefixes)))
    if page.truncated:
        following = base64.b64encode(page.last[0].encode()).decode()
        nodes.append(("NextContinuationToken", following))
    owner = query.get("fetch-owner") == "true"
    nodes += [_contents(listing, key, objects[key], owner=owner) for key, _ in page.entries]
    return xml_answer(call.options, "ListBucketResult", nodes + listing.prefixes(page))


def list_uploads(call: Call) -> Answer:
    """GET /bucket?uploads."""
    listing = Listing(call, "max-uploads")
    with call.state.lock:
        call.state.need_bucket(call.bucket)
        uploads = {
            (upload.key, upload.upload_id): upload
            for upload in call.state.uploads.values()
            if upload.bucket == call.bucket
        }
    query = call.request.query
    key_marker = query.get("key-marker", "")
    id_marker = query.get("upload-id-marker", "")
    # Without an id marker the listing continues with the next key; "~~" sorts after every id.
    page = listing.page(list(uploads), (key_marker, (id_marker or "~~") if key_marker else ""))
    nodes = listing.head(page, "Bucket", "MaxUploads")
    nodes.append(("KeyMarker", listing.text(key_marker)))
    nodes.append(("UploadIdMarker", id_marker if key_marker else ""))
    if page.truncated:
        nodes.append(("NextKeyMarker", listing.text(page.last[0])))
        nodes.append(("NextUploadIdMarker", page.last[1]))
    nodes += [_upload_node(listing, uploads[entry]) for entry in page.entries]
    return xml_answer(call.options, "ListMultipartUploadsResult", nodes + listing.prefixes(page))


def _upload_node(listing: Listing, upload: Upload) -> Node:
    nodes: list[Node] = [("Key", listing.text(upload.key)), ("UploadId", upload.upload_id)]
    nodes.append(("Initiated", iso_date(upload.initiated)))
    if listing.call.options.optional_elements:
        person: list[Node] = [*OWNER, ("DisplayName", "owner")]
        nodes += [("Initiator", person), ("Owner", person)]
        nodes.append(("StorageClass", upload.headers.get("x-amz-storage-class", "STANDARD")))
    return ("Upload", nodes)


def list_parts(call: Call) -> Answer:
    """GET /bucket/key?uploadId=ID."""
    query = call.request.query
    limit = _number(query, "max-parts", call.options.page_size)
    marker = _number(query, "part-number-marker", 2**31) if "part-number-marker" in query else 0
    with call.state.lock:
        upload = call.state.need_upload(call, query["uploadId"])
        parts = sorted((number, part) for number, part in upload.parts.items() if number > marker)
    shown = parts[:limit]
    nodes: list[Node] = [("Bucket", call.bucket), ("Key", call.key)]
    nodes += [("UploadId", upload.upload_id), ("PartNumberMarker", marker), ("MaxParts", limit)]
    if len(parts) > limit:
        nodes += [("NextPartNumberMarker", shown[-1][0] if shown else marker)]
    if len(parts) > limit or call.options.optional_elements:
        nodes.append(("IsTruncated", len(parts) > limit))
    if call.options.optional_elements:
        nodes += [("Initiator", OWNER), ("Owner", OWNER), ("StorageClass", "STANDARD")]
    for number, part in shown:
        fields: list[Node] = [("PartNumber", number), ("LastModified", iso_date(part.modified))]
        fields += [("ETag", f'"{part.etag}"'), ("Size", part.size)]
        fields += [(f"Checksum{name.upper()}", value) for name, value in part.checksums.items()]
        nodes.append(("Part", fields))
    return xml_answer(call.options, "ListPartsResult", nodes)
