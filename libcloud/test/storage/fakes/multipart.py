# SPDX-License-Identifier: Apache-2.0
"""Multipart uploads: create, upload part, complete, abort.

Reference: Amazon S3 API, CreateMultipartUpload, UploadPart, CompleteMultipartUpload,
AbortMultipartUpload; for equal parts: Cloudflare R2, "Multipart upload".
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from itertools import pairwise
from xml.etree import ElementTree

from libcloud.test.storage.fakes.digests import PREFIX, checksum, checksum_header
from libcloud.test.storage.fakes.errors import (
    S3Error,
    invalid_argument,
    invalid_request,
    not_implemented,
)
from libcloud.test.storage.fakes.objects import store
from libcloud.test.storage.fakes.render import Node, xml_answer
from libcloud.test.storage.fakes.requirements import (
    check_customer_key,
    customer_key,
    is_opaque,
    object_headers,
)
from libcloud.test.storage.fakes.state import Call, Part, StoredObject, Upload
from libcloud.test.storage.fakes.wire import Answer

_FULL_OBJECT_ONLY = ("crc64nvme",)
_COMPOSITE_ONLY = ("sha1", "sha256")


def create_upload(call: Call) -> Answer:
    """POST /bucket/key?uploads."""
    algorithm, kind = _upload_checksum(call)
    upload = Upload(
        bucket=call.bucket,
        key=call.key,
        upload_id=call.state.new_upload_id(),
        initiated=call.options.clock(),
        headers=object_headers(call.request),
        algorithm=algorithm,
        checksum_type=kind,
        customer_key=customer_key(call.request),
    )
    with call.state.lock:
        call.state.need_bucket(call.bucket)
        call.state.uploads[upload.upload_id] = upload
    nodes: list[Node] = [("Bucket", call.bucket), ("Key", call.key)]
    nodes.append(("UploadId", upload.upload_id))
    answer = xml_answer(call.options, "InitiateMultipartUploadResult", nodes)
    if algorithm and kind:
        answer = answer.with_headers(
            [(PREFIX + "algorithm", algorithm.upper()), (PREFIX + "type", kind)]
        )
    return answer


def _upload_checksum(call: Call) -> tuple[str | None, str | None]:
    algorithm = call.request.header(PREFIX + "algorithm")
    kind = call.request.header(PREFIX + "type")
    if algorithm is None:
        if kind is not None:
            raise invalid_request("x-amz-checksum-type needs x-amz-checksum-algorithm")
        return None, None
    algorithm = algorithm.lower()
    if algorithm not in call.options.checksums:
        raise not_implemented(f"x-amz-checksum-algorithm {algorithm}")
    kind = kind or ("FULL_OBJECT" if algorithm in _FULL_OBJECT_ONLY else "COMPOSITE")
    if kind == "FULL_OBJECT" and algorithm in _COMPOSITE_ONLY:
        raise invalid_request(f"The FULL_OBJECT checksum type cannot be used with {algorithm}")
    return algorithm, kind


def upload_part(call: Call) -> Answer:
    """PUT /bucket/key?partNumber=N&uploadId=ID.

    The upload need exist only when the request begins: a part that lands after an abort is stored,
    listed, and has to be aborted again. Reference: AbortMultipartUpload, "it might be necessary to
    abort a given multipart upload multiple times".
    """
    upload = call.upload
    if upload is None:
        upload = call.state.need_upload(call, call.request.query["uploadId"])
    number = part_number(call)
    body = call.request.body
    if len(body) > call.options.max_part_size:
        raise S3Error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum size")
    check_customer_key(call.request, upload.customer_key)
    given = checksum_header(call.request, call.options)
    # Without an algorithm in Create any checksum is verified and not kept: boto3 sends them so.
    if given is not None and upload.algorithm not in (None, given[0]):
        raise invalid_request(
            f"Checksum Type mismatch occurred, expected checksum Type: {upload.algorithm}, "
            f"actual checksum Type: {given[0]}"
        )
    checksums = {upload.algorithm: checksum(upload.algorithm, body)} if upload.algorithm else {}
    opaque = is_opaque(upload.headers, upload.customer_key)
    kept = body if call.options.keep_bodies else b""
    part = Part(
        body=kept,
        size=len(body),
        etag=call.state.etag(body, opaque=opaque),
        modified=call.options.clock(),
        checksums=checksums,
    )
    keep_part(call, upload, number, part)
    answer = Answer(200, (("ETag", f'"{part.etag}"'),))
    if given is not None:
        answer = answer.with_headers([(PREFIX + given[0], given[1])])
    encryption = "x-amz-server-side-encryption"  # Reference: UploadPart, "Response Syntax"
    if encryption in upload.headers:
        answer = answer.with_headers([(encryption, upload.headers[encryption])])
    return answer


def keep_part(call: Call, upload: Upload, number: int, part: Part) -> None:
    """Store a part, also of an upload that was aborted meanwhile."""
    with call.state.lock:
        if upload.aborted:
            upload.aborted = False
            call.state.uploads[upload.upload_id] = upload
        upload.parts[number] = part


def part_number(call: Call) -> int:
    """Of the request. :raises S3Error: it is none."""
    text = call.request.query["partNumber"]
    largest = call.options.max_parts
    if not text.isdigit() or not 1 <= int(text) <= largest:
        raise invalid_argument(
            f"Part number must be an integer between 1 and {largest}, inclusive: {text}"
        )
    return int(text)


def abort_upload(call: Call) -> Answer:
    """DELETE /bucket/key?uploadId=ID."""
    with call.state.lock:
        upload = call.upload or call.state.need_upload(call, call.request.query["uploadId"])
        if upload.upload_id not in call.state.uploads:
            call.state.need_upload(call, upload.upload_id)
        upload.parts.clear()
        upload.aborted = True
        del call.state.uploads[upload.upload_id]
    return Answer(204)


def complete_upload(call: Call) -> Answer:
    """POST /bucket/key?uploadId=ID with the list of parts."""
    if (call.request.header("content-type") or "").startswith("application/x-www-form-urlencoded"):
        raise invalid_request("Complete must not be application/x-www-form-urlencoded")
    listed = _listed_parts(call)
    with call.state.lock:
        upload = call.state.need_upload(call, call.request.query["uploadId"])
        parts = _chosen_parts(upload, listed)
        _check_sizes(call, [part.size for part in parts])
        body = b"".join(part.body for part in parts)
        checksums = _check_whole(call, upload, parts, body)
        stored = StoredObject(
            body=body,
            size=sum(part.size for part in parts),
            etag=_multipart_etag(call, upload, parts),
            modified=call.options.clock(),
            headers=upload.headers,
            checksums=checksums,
            checksum_type=upload.checksum_type or "FULL_OBJECT",
            customer_key=upload.customer_key,
        )
        version = store(call, stored)
        del call.state.uploads[upload.upload_id]
    nodes: list[Node] = []
    if call.options.optional_elements:
        nodes.append(("Location", f"http://fake/{call.bucket}/{call.key}"))
    nodes += [("Bucket", call.bucket), ("Key", call.key), ("ETag", f'"{stored.etag}"')]
    nodes += [(f"Checksum{name.upper()}", value) for name, value in checksums.items()]
    if checksums:
        nodes.append(("ChecksumType", stored.checksum_type))
    answer = xml_answer(call.options, "CompleteMultipartUploadResult", nodes)
    return answer.with_headers(version)


def _listed_parts(call: Call) -> list[dict[str, str]]:
    """The ``Part`` elements: child name to text."""
    try:
        root = ElementTree.fromstring(bytes(call.request.body))
    except ElementTree.ParseError as error:
        raise S3Error(400, "MalformedXML", f"The XML was not well-formed: {error}") from None
    name = root.tag.rpartition("}")[2]
    listed = [
        {field.tag.rpartition("}")[2]: (field.text or "").strip() for field in part}
        for part in root
        if part.tag.rpartition("}")[2] == "Part"
    ]
    complete = all("ETag" in part and part.get("PartNumber", "").isdigit() for part in listed)
    if name != "CompleteMultipartUpload" or not listed or not complete:
        raise S3Error(400, "MalformedXML", "The XML did not validate against our schema")
    return listed


def _chosen_parts(upload: Upload, listed: list[dict[str, str]]) -> list[Part]:
    numbers = [int(part["PartNumber"]) for part in listed]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise S3Error(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
    chosen = []
    for number, entry in zip(numbers, listed, strict=True):
        part = upload.parts.get(number)
        if part is None or part.etag != entry["ETag"].strip('"'):
            raise S3Error(
                400,
                "InvalidPart",
                "One or more of the specified parts could not be found.",
                extra={"PartNumber": str(number)},
            )
        _check_listed_checksum(upload, part, number, entry)
        chosen.append(part)
    if upload.algorithm and numbers != list(range(1, len(numbers) + 1)):
        text = "With checksums, parts are numbered from 1 to n without a gap"
        raise S3Error(400, "InvalidPartOrder", text)
    return chosen


def _check_listed_checksum(upload: Upload, part: Part, number: int, entry: dict[str, str]) -> None:
    given = {
        name[len("Checksum") :].lower(): value
        for name, value in entry.items()
        if name.startswith("Checksum")
    }
    if upload.checksum_type == "COMPOSITE" and upload.algorithm not in given:
        raise invalid_request(
            f"The upload was created using a {upload.algorithm} checksum. The complete request "
            f"must include the checksum for each part. It was missing for part {number}."
        )
    for name, value in given.items():
        if part.checksums.get(name) != value:
            raise S3Error(400, "InvalidPart", f"The {name} of part {number} is not what was sent")


def _check_sizes(call: Call, sizes: list[int]) -> None:
    options = call.options
    leading = sizes[:-1]
    if leading and min(leading) < options.min_part_size:
        raise S3Error(
            400,
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed size",
            extra={"MinSizeAllowed": str(options.min_part_size)},
        )
    if options.equal_parts and leading and (len(set(leading)) > 1 or sizes[-1] > leading[0]):
        raise S3Error(400, "InvalidPart", "All non-trailing parts must have the same length.")
    if sum(sizes) > options.max_object_size:
        raise S3Error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum size")
    announced = call.request.header("x-amz-mp-object-size")
    if announced is not None and announced != str(sum(sizes)):
        raise invalid_request(
            f"The provided 'x-amz-mp-object-size' header value {announced} does not match what "
            f"was computed: {sum(sizes)}"
        )


def _check_whole(call: Call, upload: Upload, parts: list[Part], body: bytes) -> dict[str, str]:
    """The checksums of the object, compared with the one that Complete carries."""
    given = checksum_header(call.request, call.options)
    kind = call.request.header(PREFIX + "type")
    if kind is not None and kind != upload.checksum_type:
        raise invalid_request(f"The upload was created with checksum type {upload.checksum_type}")
    if upload.algorithm is None:
        if given is not None:
            raise invalid_request("The upload was created without a checksum algorithm")
        return {}
    if not call.options.keep_bodies:
        return {given[0]: given[1]} if given else {}
    if upload.checksum_type == "FULL_OBJECT":
        value = checksum(upload.algorithm, body)
    else:
        joined = b"".join(base64.b64decode(part.checksums[upload.algorithm]) for part in parts)
        value = f"{checksum(upload.algorithm, joined)}-{len(parts)}"
    if given is not None and given != (upload.algorithm, value):
        raise S3Error(
            400,
            "BadDigest",
            f"The {given[0].upper()} you specified did not match the calculated checksum.",
        )
    return {upload.algorithm: value}


def _multipart_etag(call: Call, upload: Upload, parts: list[Part]) -> str:
    if not call.options.md5_etags or is_opaque(upload.headers, upload.customer_key):
        return f"{uuid.uuid4().hex}-{len(parts)}"
    joined = b"".join(bytes.fromhex(part.etag) for part in parts)
    return f"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(parts)}"
