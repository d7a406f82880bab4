# SPDX-License-Identifier: Apache-2.0
"""Server-side copies: CopyObject and UploadPartCopy.

Reference: Amazon S3 API, CopyObject and UploadPartCopy; "CopyObject", "x-amz-metadata-directive".
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote_to_bytes

from libcloud.test.storage.fakes.digests import checksum
from libcloud.test.storage.fakes.errors import (
    S3Error,
    invalid_argument,
    invalid_request,
    not_implemented,
)
from libcloud.test.storage.fakes.multipart import keep_part, part_number
from libcloud.test.storage.fakes.objects import store
from libcloud.test.storage.fakes.render import Node, iso_date, xml_answer
from libcloud.test.storage.fakes.requirements import (
    check_customer_key,
    customer_key,
    is_opaque,
    object_headers,
)
from libcloud.test.storage.fakes.state import Call, Part, StoredObject
from libcloud.test.storage.fakes.versions import find
from libcloud.test.storage.fakes.wire import Answer

_SOURCE = "x-amz-copy-source"
_TAGS = "x-amz-tagging"
_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]+)")
# What must be percent-encoded in a header that is read as a URL.
_UNENCODED = re.compile(r"[^!-~]|[+?#]")
# Not copied from the source: Amazon S3 API, CopyObject.
_OWN = (
    "x-amz-acl",
    "x-amz-storage-class",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-website-redirect-location",
)


def _source(call: Call) -> tuple[str, str, StoredObject]:
    """The object to copy: bucket, key, and what it is; all conditions hold."""
    text, marked, version = call.request.header_values[_SOURCE].partition("?versionId=")
    if _UNENCODED.search(text):
        raise invalid_argument("x-amz-copy-source must be URL-encoded")
    path = unquote_to_bytes(text.removeprefix("/"))
    raw_bucket, _, raw_key = path.partition(b"/")
    try:
        bucket, key = raw_bucket.decode(), raw_key.decode()
    except UnicodeDecodeError:
        raise invalid_argument("x-amz-copy-source is not UTF-8") from None
    if not bucket or not key:
        raise invalid_argument("Copy Source must mention the source bucket and key")
    with call.state.lock:
        version_id = unquote_to_bytes(version).decode() if marked else None
        found = find(call.state, (bucket, key), version_id)
    check_customer_key(call.request, found.customer_key, "x-amz-copy-source-")
    match = call.request.header(f"{_SOURCE}-if-match")
    if match is not None and match.strip('"') != found.etag:
        raise S3Error(
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
            extra={"Condition": "x-amz-copy-source-If-Match"},
        )
    return bucket, key, found


def _no_body(call: Call) -> None:
    if call.request.body:
        raise invalid_request("A copy has no body")


def copy_object(call: Call) -> Answer:
    """PUT /bucket/key with x-amz-copy-source."""
    _no_body(call)
    bucket, key, source = _source(call)
    if source.size > call.options.max_put_size:
        raise invalid_request(
            "The specified copy source is larger than the maximum allowable size for a copy "
            f"source: {call.options.max_put_size}"
        )
    target_key = customer_key(call.request)
    with call.state.lock:
        is_newest = call.state.objects.get((bucket, key)) is source
    to_itself = (bucket, key) == (call.bucket, call.key) and is_newest
    headers = _headers(call, source, to_itself=to_itself)
    opaque = is_opaque(headers, target_key)
    whole = len(source.body) == source.size
    copy = StoredObject(
        body=source.body,
        size=source.size,
        etag=call.state.etag(bytes(source.body), opaque=opaque) if whole else _name(source),
        modified=call.options.clock(),
        headers=headers,
        checksums={} if "-" in source.etag else dict(source.checksums),
        customer_key=target_key,
    )
    with call.state.lock:
        call.state.need_bucket(call.bucket)
        version = store(call, copy)
    nodes: list[Node] = [("LastModified", iso_date(copy.modified)), ("ETag", f'"{copy.etag}"')]
    return xml_answer(call.options, "CopyObjectResult", nodes).with_headers(version)


def _headers(call: Call, source: StoredObject, *, to_itself: bool) -> dict[str, str]:
    directive = call.request.header("x-amz-metadata-directive") or "COPY"
    if directive not in ("COPY", "REPLACE"):
        raise invalid_argument("Unknown metadata directive.")
    given = object_headers(call.request, copy=True)
    own = {name: given[name] for name in _OWN if name in given}
    # A storage class that stays what it was is no change.
    changed = {name for name in own if own[name] != source.headers.get(name, "STANDARD")}
    if to_itself and directive == "COPY" and not changed:
        raise invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself "
            "without changing the object's metadata, storage class, website redirect location "
            "or encryption attributes."
        )
    kept = {name: value for name, value in source.headers.items() if name not in _OWN} | own
    headers = given if directive == "REPLACE" else kept
    # Tags have a directive of their own: Amazon S3 API, CopyObject, "x-amz-tagging-directive".
    tagged = (
        given if call.request.header("x-amz-tagging-directive") == "REPLACE" else source.headers
    )
    headers.pop(_TAGS, None)
    return {**headers, _TAGS: tagged[_TAGS]} if _TAGS in tagged else headers


def copy_part(call: Call) -> Answer:
    """PUT /bucket/key?partNumber=N&uploadId=ID with x-amz-copy-source."""
    _no_body(call)
    upload = call.upload
    if upload is None:
        upload = call.state.need_upload(call, call.request.query["uploadId"])
    number = part_number(call)
    check_customer_key(call.request, upload.customer_key)
    _, _, source = _source(call)
    start, stop = _span(call, source)
    whole = len(source.body) == source.size
    body = bytes(memoryview(source.body)[start:stop]) if whole else b""
    opaque = is_opaque(upload.headers, upload.customer_key)
    algorithm = upload.algorithm if whole else None
    part = Part(
        body=body,
        size=stop - start,
        etag=call.state.etag(body, opaque=opaque) if whole else _name(source, start, stop),
        modified=call.options.clock(),
        checksums={algorithm: checksum(algorithm, body)} if algorithm else {},
    )
    keep_part(call, upload, number, part)
    nodes: list[Node] = [("LastModified", iso_date(part.modified)), ("ETag", f'"{part.etag}"')]
    nodes += [(f"Checksum{name.upper()}", value) for name, value in part.checksums.items()]
    return xml_answer(call.options, "CopyPartResult", nodes)


def _span(call: Call, source: StoredObject) -> tuple[int, int]:
    """First byte and one past the last."""
    if not call.options.copy_parts:
        raise not_implemented("UploadPartCopy")
    text = call.request.header(f"{_SOURCE}-range")
    start, stop = 0, source.size
    if text is not None:
        match = _RANGE.fullmatch(text)
        if match is None:
            raise invalid_argument("The x-amz-copy-source-range value must be bytes=first-last")
        start, stop = int(match[1]), int(match[2]) + 1
        if not start < stop <= source.size:
            raise invalid_argument(f"Range specified is not valid for source object: {text}")
        if source.size <= call.options.min_part_size:
            raise invalid_request("The specified copy source is not supported as a byte-range copy")
    if stop - start > call.options.max_part_size:
        raise invalid_request("The specified copy range is larger than the maximum allowable size")
    return start, stop


def _name(source: StoredObject, *span: int) -> str:
    """Instead of the MD5 of bytes that this server is configured not to keep."""
    text = f"{source.etag} {span}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
