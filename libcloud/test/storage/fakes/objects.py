# SPDX-License-Identifier: Apache-2.0
"""Operations on objects: PUT, GET, HEAD, DELETE."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from libcloud.test.storage.fakes.digests import PREFIX, checksum_header, own_checksum
from libcloud.test.storage.fakes.errors import S3Error, invalid_request, not_implemented
from libcloud.test.storage.fakes.render import Node, http_date, xml_answer
from libcloud.test.storage.fakes.requirements import (
    check_customer_key,
    check_write_conditions,
    customer_key,
    is_opaque,
    object_headers,
)
from libcloud.test.storage.fakes.state import Call, StoredObject
from libcloud.test.storage.fakes.versions import find, publish, remove, requested_version
from libcloud.test.storage.fakes.wire import Answer

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def store(call: Call, stored: StoredObject) -> list[tuple[str, str]]:
    """Publish an object, if the conditions of the request hold. Call it with the lock held.

    :return: headers of the answer.
    """
    check_write_conditions(call, call.state.objects.get((call.bucket, call.key)))
    return publish(call.state, (call.bucket, call.key), stored)


def put_object(call: Call) -> Answer:
    """PUT /bucket/key."""
    body = call.request.body
    if len(body) > call.options.max_put_size:
        raise S3Error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum size")
    headers = object_headers(call.request)
    key = customer_key(call.request)
    given = checksum_header(call.request, call.options)
    checksums = dict([given]) if given else {}
    stored = StoredObject(
        body=body if call.options.keep_bodies else b"",
        size=len(body),
        etag=call.state.etag(body, opaque=is_opaque(headers, key)),
        modified=call.options.clock(),
        headers=headers,
        checksums=checksums,
        customer_key=key,
    )
    with call.state.lock:
        call.state.need_bucket(call.bucket)
        version = store(call, stored)
    answer = Answer(200, (("ETag", f'"{stored.etag}"'), *version))
    return answer.with_headers((PREFIX + name, value) for name, value in checksums.items())


def _found(call: Call) -> tuple[StoredObject, Answer]:
    with call.state.lock:
        stored = find(call.state, (call.bucket, call.key), requested_version(call))
    check_customer_key(call.request, stored.customer_key)
    etag = f'"{stored.etag}"'
    match = call.request.header("if-match")
    if match is not None and match not in ("*", etag, stored.etag):
        raise S3Error(412, "PreconditionFailed", "If-Match does not hold")
    headers = [
        ("ETag", etag),
        ("Last-Modified", http_date(stored.modified)),
        ("Accept-Ranges", "bytes"),
    ]
    if stored.version_id is not None:
        headers.append(("x-amz-version-id", stored.version_id))
    headers += [
        (name, value)
        for name, value in stored.headers.items()
        if name not in ("x-amz-acl", "x-amz-tagging")
        and (name, value) != ("x-amz-storage-class", "STANDARD")
    ]
    if tags := stored.headers.get("x-amz-tagging"):
        headers.append(("x-amz-tagging-count", str(tags.count("&") + 1)))
    wanted = (call.request.header("x-amz-checksum-mode") or "").upper() == "ENABLED"
    if wanted and call.request.header("range") is None:
        checksums = stored.checksums
        if not checksums and call.options.own_checksum and call.options.keep_bodies:
            checksums = own_checksum(stored.body)
        headers += [(PREFIX + name, value) for name, value in checksums.items()]
        if checksums:
            headers.append((PREFIX + "type", stored.checksum_type))
    for name, value in call.request.query.items():
        if name.startswith("response-"):
            headers = [item for item in headers if item[0] != name[len("response-") :]]
            headers.append((name[len("response-") :], value))
    if call.request.header("if-none-match") in ("*", etag, stored.etag):
        return stored, Answer(304, tuple(headers))
    return stored, Answer(200, tuple(headers))


def head_object(call: Call) -> Answer:
    """HEAD /bucket/key."""
    stored, answer = _found(call)
    if answer.status == 304:
        return answer
    return Answer(200, answer.headers, b"", content_length=stored.size)


def get_object(call: Call) -> Answer:
    """GET /bucket/key, whole or one range of it."""
    stored, answer = _found(call)
    if answer.status == 304:
        return answer
    if len(stored.body) != stored.size:
        raise S3Error(500, "InternalError", "This server was told to keep no bodies")
    span = _span(call.request.header("range"), stored.size)
    if span is None:
        return Answer(200, answer.headers, stored.body)
    start, end = span
    content_range = ("Content-Range", f"bytes {start}-{end - 1}/{stored.size}")
    return Answer(206, (*answer.headers, content_range), memoryview(stored.body)[start:end])


def _span(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and one past the last; ``None`` for the whole object."""
    match = _RANGE.fullmatch(header or "")
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if first and last and int(last) < int(first):
        return None
    if first:
        start, end = int(first), min(int(last) + 1 if last else size, size)
    else:
        start, end = max(size - int(last), 0), size
    if start >= size:
        raise S3Error(
            416,
            "InvalidRange",
            "The requested range is not satisfiable",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return start, end


def delete_object(call: Call) -> Answer:
    """DELETE /bucket/key; succeeds as well when there is no such key."""
    with call.state.lock:
        call.state.need_bucket(call.bucket)
        headers = remove(call, call.key, requested_version(call))
    return Answer(204, tuple(headers))


MOST_KEYS = 1000


def delete_objects(call: Call) -> Answer:
    """POST /bucket?delete with the list of keys."""
    if not call.options.bulk_delete:
        raise not_implemented("POST ?delete")
    digest = call.request.header("content-md5") or checksum_header(call.request, call.options)
    if digest is None:
        raise invalid_request("Missing required header for this request: Content-MD5")
    keys, quiet = _listed(call)
    nodes: list[Node] = []
    with call.state.lock:
        call.state.need_bucket(call.bucket)
        for key, version_id in keys:
            named: list[Node] = [("Key", key)]
            if version_id:
                named.append(("VersionId", version_id))
            try:
                headers = dict(remove(call, key, version_id))
            except S3Error as error:
                said: list[Node] = [("Code", error.code), ("Message", error.message)]
                nodes.append(("Error", [*named, *said]))
                continue
            if "x-amz-delete-marker" in headers:
                marker = ("DeleteMarkerVersionId", headers["x-amz-version-id"])
                named += [("DeleteMarker", True), marker]
            if not quiet:
                nodes.append(("Deleted", named))
    return xml_answer(call.options, "DeleteResult", nodes)


def _listed(call: Call) -> tuple[list[tuple[str, str | None]], bool]:
    """The keys and version ids, and whether the answer is to be short."""
    try:
        root = ElementTree.fromstring(bytes(call.request.body))
    except ElementTree.ParseError as error:
        raise S3Error(400, "MalformedXML", f"The XML was not well-formed: {error}") from None
    fields = [
        {_local(field): field.text or "" for field in node}
        for node in root
        if _local(node) == "Object"
    ]
    keys = [(one.get("Key", ""), one.get("VersionId")) for one in fields]
    if _local(root) != "Delete" or not keys or len(keys) > MOST_KEYS or "" in dict(keys):
        raise S3Error(400, "MalformedXML", "The XML did not validate against our schema")
    quiet = any(_local(node) == "Quiet" and node.text == "true" for node in root)
    return keys, quiet


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
