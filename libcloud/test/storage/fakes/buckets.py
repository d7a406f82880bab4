# SPDX-License-Identifier: Apache-2.0
"""Operations on buckets, listings excepted."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from libcloud.test.storage.fakes.errors import S3Error
from libcloud.test.storage.fakes.render import OWNER, Node, iso_date, xml_answer
from libcloud.test.storage.fakes.state import Call
from libcloud.test.storage.fakes.wire import Answer

# Amazon S3 User Guide, "General purpose bucket naming rules".
_NAME = re.compile(r"(?!xn--)[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]")


def list_buckets(call: Call) -> Answer:
    """GET /."""
    with call.state.lock:
        buckets: list[Node] = [
            ("Bucket", [("Name", name), ("CreationDate", iso_date(created))])
            for name, created in sorted(call.state.buckets.items())
        ]
    children: list[Node] = [("Owner", OWNER)] if call.options.optional_elements else []
    children.append(("Buckets", buckets))
    return xml_answer(call.options, "ListAllMyBucketsResult", children)


def create_bucket(call: Call) -> Answer:
    """PUT /bucket."""
    state, name = call.state, call.bucket
    if not _NAME.fullmatch(name):
        raise S3Error(400, "InvalidBucketName", "The specified bucket is not valid.")
    _check_location(call)
    with state.lock:
        if name in call.options.foreign_buckets:
            raise S3Error(409, "BucketAlreadyExists", "The requested bucket name is not available.")
        if name in state.buckets and call.options.re_creation_conflicts:
            raise S3Error(409, "BucketAlreadyOwnedByYou", "You already own it.")
        state.buckets.setdefault(name, call.options.clock())
    return Answer(200, (("Location", f"/{name}"),))


def _check_location(call: Call) -> None:
    location = ""
    if call.request.body:
        try:
            root = ElementTree.fromstring(bytes(call.request.body))
        except ElementTree.ParseError as error:
            raise S3Error(400, "MalformedXML", f"The XML was not well-formed: {error}") from None
        if root.tag.rpartition("}")[2] != "CreateBucketConfiguration":
            raise S3Error(400, "MalformedXML", f"Unexpected root element {root.tag}")
        for child in root:
            if child.tag.rpartition("}")[2] == "LocationConstraint":
                location = child.text or ""
    region = call.options.region
    if region in (None, "auto"):
        return
    if location == "us-east-1":
        raise S3Error(400, "InvalidLocationConstraint", "us-east-1 is not a location constraint")
    if (location or "us-east-1") != region:
        raise S3Error(
            400,
            "IllegalLocationConstraintException",
            f"The {location or 'unspecified'} location constraint is incompatible for the region "
            "specific endpoint this request was sent to.",
        )


def head_bucket(call: Call) -> Answer:
    """HEAD /bucket."""
    with call.state.lock:
        call.state.need_bucket(call.bucket)
    region = call.options.homes.get(call.bucket, call.options.region)
    return Answer(200, (("x-amz-bucket-region", region),) if region else ())


def get_location(call: Call) -> Answer:
    """GET /bucket?location; us-east-1 is the empty text."""
    with call.state.lock:
        call.state.need_bucket(call.bucket)
    region = call.options.region or ""
    body = '<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    body += f"{'' if region == 'us-east-1' else region}</LocationConstraint>"
    return Answer(200, (("Content-Type", "application/xml"),), body.encode())


def delete_bucket(call: Call) -> Answer:
    """DELETE /bucket."""
    with call.state.lock:
        call.state.need_bucket(call.bucket)
        stored = {*call.state.objects, *call.state.versions}
        if any(bucket == call.bucket for bucket, _ in stored):
            raise S3Error(409, "BucketNotEmpty", "The bucket you tried to delete is not empty")
        del call.state.buckets[call.bucket]
        call.state.versioning.pop(call.bucket, None)
    return Answer(204)
