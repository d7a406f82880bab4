# SPDX-License-Identifier: Apache-2.0
"""Settings of buckets and objects: versioning, lifecycle rules, tags, legal holds, retention.

Reference: Amazon S3 API Reference, the operations that the functions name.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, quote
from xml.etree import ElementTree

from libcloud.test.storage.fakes.errors import S3Error, invalid_request, not_implemented
from libcloud.test.storage.fakes.render import Node, xml_answer
from libcloud.test.storage.fakes.state import Call, StoredObject, Version
from libcloud.test.storage.fakes.versions import find, requested_version
from libcloud.test.storage.fakes.wire import Answer

_TAGS = "x-amz-tagging"
_HOLD = "x-amz-object-lock-legal-hold"
_MODE = "x-amz-object-lock-mode"
_UNTIL = "x-amz-object-lock-retain-until-date"


def _document(call: Call, name: str) -> ElementTree.Element:
    """The body: a document called ``name``, which came with a digest."""
    if call.request.header("content-md5") is None:
        raise invalid_request("Missing required header for this request: Content-MD5")
    try:
        root = ElementTree.fromstring(bytes(call.request.body))
    except ElementTree.ParseError as error:
        raise S3Error(400, "MalformedXML", f"The XML was not well-formed: {error}") from None
    if _local(root) != name:
        raise S3Error(400, "MalformedXML", "The XML did not validate against our schema")
    return root


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(root: ElementTree.Element, *names: str) -> str:
    """The text of the element at ``names``; empty if it is missing."""
    for name in names:
        root = next((child for child in root if _local(child) == name), ElementTree.Element(""))
    return root.text or ""


def get_versioning(call: Call) -> Answer:
    """GetBucketVersioning."""
    with call.state.lock:
        call.state.need_bucket(call.bucket)
        status = call.state.versioning.get(call.bucket)
    nodes: list[Node] = [("Status", status)] if status else []
    return xml_answer(call.options, "VersioningConfiguration", nodes)


def put_versioning(call: Call) -> Answer:
    """PutBucketVersioning."""
    if not call.options.versions:
        raise not_implemented("versioning")
    status = _text(_document(call, "VersioningConfiguration"), "Status")
    if status not in ("Enabled", "Suspended"):
        raise S3Error(400, "MalformedXML", "The XML did not validate against our schema")
    state = call.state
    with state.lock:
        state.need_bucket(call.bucket)
        if call.bucket not in state.versioning:
            for place, stored in state.objects.items():
                if place[0] == call.bucket:
                    stored.version_id = "null"
                    state.versions[place] = [Version("null", stored.modified, stored)]
        state.versioning[call.bucket] = status
    return Answer(200)


def get_lifecycle(call: Call) -> Answer:
    """GetBucketLifecycleConfiguration: the document as it was put."""
    with call.state.lock:
        call.state.need_bucket(call.bucket)
        found = call.state.lifecycles.get(call.bucket)
    if found is None:
        raise S3Error(404, "NoSuchLifecycleConfiguration", "The lifecycle does not exist")
    return Answer(200, (("Content-Type", "application/xml"), *found[1]), found[0])


def put_lifecycle(call: Call) -> Answer:
    """PutBucketLifecycleConfiguration."""
    root = _document(call, "LifecycleConfiguration")
    rules = [child for child in root if _local(child) == "Rule"]
    names = [_text(rule, "ID") for rule in rules]
    if not rules or len(set(names)) < len(names):
        raise S3Error(400, "MalformedXML", "The XML did not validate against our schema")
    kinds = {_local(child) for rule in rules for child in rule} & {"Filter", "Prefix"}
    if len(kinds) > 1:
        raise invalid_request("Filter element can only be used in Lifecycle V2.")
    for rule in rules:
        if _text(rule, "Status") not in ("Enabled", "Disabled"):
            raise S3Error(400, "MalformedXML", "The XML did not validate against our schema")
    name = "x-amz-transition-default-minimum-object-size"
    size = call.request.header(name) or "all_storage_classes_128K"
    with call.state.lock:
        call.state.need_bucket(call.bucket)
        call.state.lifecycles[call.bucket] = (bytes(call.request.body), ((name, size),))
    return Answer(200)


def delete_lifecycle(call: Call) -> Answer:
    """DeleteBucketLifecycle."""
    with call.state.lock:
        call.state.need_bucket(call.bucket)
        call.state.lifecycles.pop(call.bucket, None)
    return Answer(204)


def _object(call: Call) -> StoredObject:
    return find(call.state, (call.bucket, call.key), requested_version(call))


def get_tags(call: Call) -> Answer:
    """GetObjectTagging."""
    with call.state.lock:
        text = _object(call).headers.get(_TAGS, "")
    pairs = parse_qsl(text, keep_blank_values=True)
    tags: list[Node] = [("Tag", [("Key", key), ("Value", value)]) for key, value in pairs]
    return xml_answer(call.options, "Tagging", [("TagSet", tags)])


def put_tags(call: Call) -> Answer:
    """PutObjectTagging."""
    root = _document(call, "Tagging")
    tags = [(_text(tag, "Key"), _text(tag, "Value")) for child in root for tag in child]
    if len(tags) > 10:
        raise S3Error(400, "BadRequest", "Object tags cannot be greater than 10")
    with call.state.lock:
        text = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in tags)
        _object(call).headers[_TAGS] = text
    return Answer(200)


def delete_tags(call: Call) -> Answer:
    """DeleteObjectTagging."""
    with call.state.lock:
        _object(call).headers.pop(_TAGS, None)
    return Answer(204)


def _lockable(call: Call) -> StoredObject:
    if call.bucket not in call.options.locked_buckets:
        raise invalid_request("Bucket is missing Object Lock Configuration")
    return _object(call)


def get_legal_hold(call: Call) -> Answer:
    """GetObjectLegalHold."""
    with call.state.lock:
        status = _lockable(call).headers.get(_HOLD)
    if status is None:
        raise S3Error(404, "NoSuchObjectLockConfiguration", "There is no ObjectLock configuration")
    return xml_answer(call.options, "LegalHold", [("Status", status)])


def put_legal_hold(call: Call) -> Answer:
    """PutObjectLegalHold."""
    status = _text(_document(call, "LegalHold"), "Status")
    with call.state.lock:
        _lockable(call).headers[_HOLD] = status
    return Answer(200)


def get_retention(call: Call) -> Answer:
    """GetObjectRetention."""
    with call.state.lock:
        headers = _lockable(call).headers
    if _MODE not in headers:
        raise S3Error(404, "NoSuchObjectLockConfiguration", "There is no ObjectLock configuration")
    nodes: list[Node] = [("Mode", headers[_MODE]), ("RetainUntilDate", headers[_UNTIL])]
    return xml_answer(call.options, "Retention", nodes)


def put_retention(call: Call) -> Answer:
    """PutObjectRetention: only ever longer, unless governance is bypassed."""
    root = _document(call, "Retention")
    mode, until = _text(root, "Mode"), _text(root, "RetainUntilDate")
    bypass = call.request.header("x-amz-bypass-governance-retention") == "true"
    with call.state.lock:
        headers = _lockable(call).headers
        if until < headers.get(_UNTIL, "") and not (headers[_MODE] == "GOVERNANCE" and bypass):
            raise S3Error(403, "AccessDenied", "Access Denied because object protected")
        headers.pop(_MODE, None)
        headers.pop(_UNTIL, None)
        if mode:
            headers.update({_MODE: mode, _UNTIL: until})
    return Answer(200)
