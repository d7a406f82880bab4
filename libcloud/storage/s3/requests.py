# SPDX-License-Identifier: Apache-2.0
"""The requests of the S3 protocol, as values.

Each function takes the *encoded* path, such as ``/bucket/key%20x``, and gives the
:class:`~libcloud.common.request.HttpRequest` to send: no host, no credentials, no signature. The
caller's headers are copied, never changed.

Reference: Amazon S3 API Reference; each function names its operation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from libcloud.common.request import Body, HttpRequest
from libcloud.storage import s3
from libcloud.storage.s3.names import NAMESPACE
from libcloud.utils.headers import strip_etag

_XML = "application/xml"

Marker = tuple[Any, ...] | None
"""The position of a page of a listing, from the page before; ``None``: the first page."""


def put_object(
    path: str, *, headers: Mapping[str, str] | None = None, body: Body = b"", method: str = "PUT"
) -> HttpRequest:
    """PutObject: the whole object in one request."""
    return HttpRequest(method, path, headers=dict(headers or {}), body=body)


def create_upload(path: str, *, headers: Mapping[str, str] | None = None) -> HttpRequest:
    """CreateMultipartUpload. All that is to be kept with the object goes into ``headers`` here."""
    return HttpRequest("POST", path, (("uploads", None),), dict(headers or {}), b"")


def put_part(
    path: str, *, upload_id: str, number: int, body: Body, headers: Mapping[str, str] | None = None
) -> HttpRequest:
    """UploadPart. Sent again with the same number, which is from 1, it replaces the part."""
    if number < 1:
        raise ValueError(f"Parts are numbered from 1, not {number}")
    params = (("partNumber", str(number)), ("uploadId", upload_id))
    return HttpRequest("PUT", path, params, dict(headers or {}), body)


def copy_object(
    path: str,
    *,
    source: str,
    if_match: str | None = None,
    headers: Mapping[str, str] | None = None,
    vendor: str = "x-amz",
) -> HttpRequest:
    """CopyObject: the store copies all of ``source`` server-side.

    :param source: encoded path of the object to copy, such as ``/bucket/key%20x``, and
        ``?versionId=`` for a version.
    :param if_match: ETag, without quotes, that the source must have; ``None``: any.
    :param vendor: prefix of the store's own headers.
    """
    given = {**dict(headers or {}), **_source_headers(source, if_match, vendor)}
    return HttpRequest("PUT", path, headers=given, body=b"")


def copy_part(
    path: str,
    *,
    upload_id: str,
    number: int,
    source: str,
    span: range,
    if_match: str | None = None,
    headers: Mapping[str, str] | None = None,
    vendor: str = "x-amz",
) -> HttpRequest:
    """UploadPartCopy: a part of the bytes ``span`` of ``source``; see :func:`copy_object`."""
    if not span or span.step != 1 or span.start < 0:
        raise ValueError(f"No part can be copied from the bytes {span}")
    request = put_part(path, upload_id=upload_id, number=number, body=b"", headers=headers)
    given = {**request.headers, **_source_headers(source, if_match, vendor)}
    given[f"{vendor}-copy-source-range"] = f"bytes={span.start}-{span.stop - 1}"
    return replace(request, headers=given)


def complete_upload(
    path: str,
    *,
    upload_id: str,
    parts: Sequence[tuple[int, str]],
    headers: Mapping[str, str] | None = None,
) -> HttpRequest:
    """CompleteMultipartUpload of ``parts``, pairs of number and ETag; see :func:`complete_body`."""
    # Servers would read a body with the content type of a form as parameters.
    given = dict(headers or {})
    if not any(name.lower() == "content-type" for name in given):
        given["Content-Type"] = _XML
    return HttpRequest("POST", path, (("uploadId", upload_id),), given, complete_body(parts))


def abort_upload(
    path: str, *, upload_id: str, headers: Mapping[str, str] | None = None
) -> HttpRequest:
    """AbortMultipartUpload: 204, or 404 if the upload no longer exists."""
    return HttpRequest("DELETE", path, (("uploadId", upload_id),), dict(headers or {}))


# Listings. For the markers see :class:`~.responses.Page`. ``page_size`` is at most 1,000; None
# leaves it to the store. ``url_encoding`` requests percent-encoded names, so that every name can be
# represented.


def list_parts(
    path: str,
    *,
    upload_id: str,
    marker: Marker = None,
    page_size: int | None = 1000,
    headers: Mapping[str, str] | None = None,
) -> HttpRequest:
    """ListParts."""
    (number,) = marker or (None,)
    params = _given(
        ("uploadId", upload_id), ("max-parts", page_size), ("part-number-marker", number)
    )
    return HttpRequest("GET", path, params, dict(headers or {}))


def list_uploads(
    path: str,
    *,
    prefix: str | None = None,
    delimiter: str | None = None,
    marker: Marker = None,
    page_size: int | None = 1000,
    url_encoding: bool = False,
) -> HttpRequest:
    """ListMultipartUploads; stores ignore the id of an upload without a key."""
    key, upload_id = marker or (None, None)
    params = _given(
        ("max-uploads", page_size),
        ("prefix", prefix),
        ("delimiter", delimiter),
        ("encoding-type", "url" if url_encoding else None),
        ("key-marker", key),
        ("upload-id-marker", upload_id if key else None),
    )
    return HttpRequest("GET", path, (("uploads", None), *params))


def head(path: str, headers: Mapping[str, str] | None = None) -> HttpRequest:
    """HeadObject or HeadBucket, by ``path``."""
    return HttpRequest("HEAD", path, headers=dict(headers or {}))


def get_object(path: str, *, headers: Mapping[str, str] | None = None) -> HttpRequest:
    """GetObject."""
    return HttpRequest("GET", path, headers=dict(headers or {}))


def delete(path: str) -> HttpRequest:
    """DeleteObject or DeleteBucket, by ``path``."""
    return HttpRequest("DELETE", path)


def of_version(request: HttpRequest, version_id: str | None) -> HttpRequest:
    """``request`` for one version of its object; ``None``: unchanged, for the newest."""
    if version_id is None:
        return request
    return replace(request, params=(*request.params, ("versionId", version_id)))


def delete_objects(
    path: str, *, keys: Sequence[str | tuple[str, str | None]], quiet: bool = False
) -> HttpRequest:
    """DeleteObjects, with the Content-MD5 that it must have; ``path`` is that of the bucket.

    :param keys: keys, or pairs of key and version id; not encoded; at most 1,000, and each
        :func:`can_express`.
    :param quiet: the response names only the keys that were not deleted.
    """
    if not keys:
        raise ValueError("No key to delete was passed")
    inner = _element("Quiet", "true") if quiet else ""
    for one in keys:
        key, version_id = (one, None) if isinstance(one, str) else one
        version = "" if version_id is None else _element("VersionId", _key(version_id))
        inner += _element("Object", _element("Key", _key(key)) + version)
    body = f'<Delete xmlns="{NAMESPACE}">{inner}</Delete>'.encode()
    headers = {"Content-Type": _XML, **s3.integrity.DIGESTS["md5"](body).headers}
    return HttpRequest("POST", path, (("delete", None),), headers, body)


def list_objects(
    path: str,
    *,
    version: int = 1,
    after: str | None = None,
    prefix: str | None = None,
    delimiter: str | None = None,
    marker: Marker = None,
    page_size: int | None = None,
    url_encoding: bool = False,
) -> HttpRequest:
    """ListObjects, or ListObjectsV2 with the owners of objects; only keys after ``after``."""
    token, key = marker or (None, after)
    own = [("marker", key)]
    if version != 1:
        own = [("list-type", "2"), ("continuation-token", token), ("start-after", key)]
    params = _given(
        *own,
        ("prefix", prefix),
        ("delimiter", delimiter),
        ("max-keys", page_size),
        ("encoding-type", "url" if url_encoding else None),
        ("fetch-owner", "true" if version != 1 else None),
    )
    return HttpRequest("GET", path, params)


def list_versions(
    path: str,
    *,
    prefix: str | None = None,
    marker: Marker = None,
    url_encoding: bool = False,
) -> HttpRequest:
    """ListObjectVersions."""
    key, version_id = marker or (None, None)
    params = _given(
        ("prefix", prefix),
        ("encoding-type", "url" if url_encoding else None),
        ("key-marker", key),
        ("version-id-marker", version_id if key else None),
    )
    return HttpRequest("GET", path, (("versions", None), *params))


def create_bucket(path: str, *, location: str | None = None) -> HttpRequest:
    """CreateBucket, in the region ``location``; ``None`` or empty sends no body.

    The body is text: connection classes of test suites return it as the text of the response.
    """
    if not location:
        return HttpRequest("PUT", path)
    constraint, name = _element("LocationConstraint", _text(location)), "CreateBucketConfiguration"
    return HttpRequest("PUT", path, body=f'<{name} xmlns="{NAMESPACE}">{constraint}</{name}>')


def list_buckets(*, marker: Marker = None) -> HttpRequest:
    """ListBuckets: all that the credentials own."""
    (token,) = marker or (None,)
    return HttpRequest("GET", "/", _given(("continuation-token", token)))


def returns_no_content(request: HttpRequest) -> bool:
    """Whether a success is a response without a document: what stores and deletes, but for copies.

    Reference: Amazon S3 API Reference, "Response Elements" of each operation.
    """
    if request.method == "DELETE":
        return True
    return request.method == "PUT" and not is_copy(request)


def takes_long(request: HttpRequest) -> bool:
    """Whether the store may take minutes to respond: Complete, and copies.

    Reference: Amazon S3 API Reference, "CompleteMultipartUpload": "Processing of a
    CompleteMultipartUpload request could take several minutes to finalize."
    """
    if request.method == "POST":
        return any(name == "uploadId" for name, _ in request.params)
    # A request for a copy has no body.
    return request.method == "PUT" and not request.body and is_copy(request)


def is_copy(request: HttpRequest) -> bool:
    return "-copy-source\n" in "\n".join((*request.headers, "")).lower()


def _source_headers(source: str, if_match: str | None, vendor: str) -> dict[str, str]:
    """The headers for the source of a copy; without the first slash, for all stores."""
    headers = {f"{vendor}-copy-source": source.removeprefix("/")}
    if if_match is not None:
        headers[f"{vendor}-copy-source-if-match"] = f'"{if_match}"'
    return headers


def _given(*params: tuple[str, str | int | None]) -> tuple[tuple[str, str], ...]:
    """``params`` that have a value; the empty text counts as none, as stores read it."""
    return tuple((name, str(value)) for name, value in params if value not in (None, ""))


# XML 1.0, production [2] Char: what no document can hold, however it is escaped.
_NOT_XML = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # takes long to compile

# XML 1.0, 2.11, and XML 1.1, 2.2 and 2.11: what may be made a line break or be restricted.
_ALTERED = "[\t\n\r\x7f-\x9f\u2028]"


def complete_body(parts: Sequence[tuple[int, str]]) -> bytes:
    """The body of a Complete: without a namespace, ETags without quotes."""
    if not parts:
        raise ValueError("An upload cannot be completed without parts")
    texts = []
    last = 0
    for number, etag in parts:
        if number <= last:
            raise ValueError(f"Part {number} is listed after part {last}: numbers must ascend")
        last = number
        tag = _element("ETag", _text(strip_etag(etag)))
        texts.append(_element("Part", _element("PartNumber", str(number)) + tag))
    return _element("CompleteMultipartUpload", "".join(texts)).encode("utf-8")


def is_xml_text(text: str) -> bool:
    """Whether a document can hold ``text``, escaped or not."""
    return not re.search(_NOT_XML, text)


def can_express(text: str) -> bool:
    """Whether every reader of XML gets ``text`` out as it was put in.

    Readers turn a carriage return into a line break, and some drop white space at the ends.
    """
    return text == text.strip() and is_xml_text(text) and not re.search(_ALTERED, text)


def _element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"


def _key(key: str) -> str:
    if not can_express(key):
        raise ValueError(f"XML cannot express {key[:40]!r} safely")
    return escaped(key)


def _text(value: str) -> str:
    if not is_xml_text(value):
        raise ValueError(f"XML cannot express {value[:40]!r}")
    return escaped(value)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
