# SPDX-License-Identifier: Apache-2.0
"""Deletion of many objects by one request.

Reference: Amazon S3 API, DeleteObjects.
"""

from __future__ import annotations

from xml.etree import ElementTree

from libcloud.test.storage.fakes.digests import checksum_header
from libcloud.test.storage.fakes.errors import S3Error, invalid_request, not_implemented
from libcloud.test.storage.fakes.render import Node, xml_answer
from libcloud.test.storage.fakes.state import Call
from libcloud.test.storage.fakes.versions import remove
from libcloud.test.storage.fakes.wire import Answer

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
