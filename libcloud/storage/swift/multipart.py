# SPDX-License-Identifier: Apache-2.0
"""Uploads in progress: their segments, and which of them are published.

A segment is called ``CONTAINER/OBJECT/.slo/UPLOAD ID/NUMBER`` and is in the segment container, by
default ``CONTAINER_segments``. Segments that no manifest refers to belong to an upload in progress,
to one that was interrupted, or to an object that was overwritten by a small one.

If several processes send the segments, ``-MD5`` follows the number: Swift accepts a segment after
the manifest was published, and a late one with other data must not replace one of the object.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, groupby
from typing import Any

from libcloud.common.types import MalformedResponseError
from libcloud.storage.swift import deletion, requests, responses
from libcloud.storage.swift.client import SwiftClient
from libcloud.storage.swift.responses import ObjectRecord, Segment
from libcloud.storage.types import ContainerDoesNotExistError
from libcloud.utils.bodies import hashed, new_md5
from libcloud.utils.headers import parse_time

_UPLOAD_ID = "[0-9a-f]{24}"
_SEGMENT = re.compile(
    rf"(?P<key>.+)/\.slo/(?P<id>{_UPLOAD_ID})/(?P<number>\d{{8}})(?:-[0-9a-f]{{32}})?", re.DOTALL
)
_SUFFIX = len("/.slo/") + 24 + 1 + 8 + 1 + 32
_DIGEST = 33  # a tilde and 32 digits
_CUT = re.compile(rf".+~[0-9a-f]{{{_DIGEST - 1}}}", re.DOTALL)


class NoManifestError(MalformedResponseError):
    """The store does not show the manifest of a large object."""


@dataclass(frozen=True, slots=True)
class SwiftMultipartUpload:
    """An upload whose segments no object refers to.

    :param key: name of the object; its beginning, if the name is too long to be in that of a
        segment.
    :param created_at: when the oldest of its segments was stored; ``None`` if that is not known.
    :param size: bytes of the segments.
    """

    key: str
    id: str
    created_at: datetime | None
    size: int = 0


@dataclass(frozen=True, slots=True)
class SegmentNames:
    """The names of the segments of one object, which are in a ``container`` of their own."""

    container: str
    object_container: str
    object_name: str
    max_name: int = 1024

    @property
    def of_object(self) -> tuple[str, str]:
        return self.object_container, self.object_name

    def prefix(self, upload_id: str = "") -> str:
        """The prefix of the names of the segments of an upload, or of all uploads."""
        room = self.max_name - _SUFFIX
        key = f"{self.object_container}/{self.object_name}"
        if len(key.encode()) > room:
            digest = hashlib.sha256(key.encode()).hexdigest()[: _DIGEST - 1]
            key = f"{key.encode()[: room - _DIGEST].decode(errors='ignore')}~{digest}"
        return f"{key}/.slo/{upload_id}{'/' if upload_id else ''}"

    def name(self, upload_id: str, number: int, md5: str = "") -> str:
        """Name of a segment; with its MD5, hexadecimal, if several processes send them."""
        return f"{self.prefix(upload_id)}{number:08}{'-' if md5 else ''}{md5}"


def number_of(name: str) -> int:
    return int(name.rpartition("/")[2][:8])


def has_md5(name: str) -> bool:
    """Whether the name of a segment contains its MD5, because processes share the upload."""
    return "-" in name.rpartition("/")[2]


def new_upload_id() -> str:
    return secrets.token_hex(12)


def large_etag(etags: Iterable[str]) -> str:
    """The ETag of a large object: the MD5 of those of its segments ("Large objects")."""
    return str(hashed(new_md5(), "".join(etags).encode()).hexdigest())


def manifest_of(client: SwiftClient, container_name: str, name: str) -> list[Segment]:
    """The segments of a static large object; empty for any other object, or none."""
    path = requests.object_path(container_name, name)
    what = f"Error reading {container_name}/{name}"
    found = client.send(requests.head(path), what, ok=(200, 204, 404))
    if found.status == 404:
        return []
    _check_origin(client, found, what)
    if not deletion.is_static_large(found.headers):
        return []
    response = client.send(requests.get_manifest(path), what, ok=(200, 404))
    if response.status == 404:
        return []
    if not isinstance(response.object, list):
        _check_origin(client, response, what)
        # Ceph RGW 16 has a body without bytes there, and does not say that the object is large.
        if deletion.is_static_large(client.head(container_name, name, what)):
            raise NoManifestError(f"{what}: it has no manifest", driver=client.owner)
        return []  # another object has replaced it
    return client.parse(responses.parse_manifest, response, what)


def _check_origin(client: SwiftClient, response: Any, what: str) -> None:
    """Refuse the response of a proxy: it would look like an object without segments."""
    if client.third_party or any(name in response.headers for name in ("etag", "x-timestamp")):
        return
    text = f"{what}: the response does not describe an object. Is this the store's API?"
    raise MalformedResponseError(text, driver=client.owner)


def segments_of(client: SwiftClient, names: SegmentNames, upload_id: str) -> list[ObjectRecord]:
    """The segments of an upload, in order; empty if there are none, or no segment container."""
    prefix = names.prefix(upload_id)
    try:
        return list(client.objects(names.container, prefix=prefix))
    except ContainerDoesNotExistError:
        return []


def abort(
    client: SwiftClient, names: SegmentNames, upload_id: str, sent: frozenset[str] = frozenset()
) -> None:
    """Delete the segments of an upload.

    :param sent: names of segments that may exist although a listing does not have them yet.
    """
    found = {record.name for record in segments_of(client, names, upload_id)}
    found.update(sent)
    if found:
        deletion.delete_segments(client, names.container, sorted(found))


def iterate_uploads(
    client: SwiftClient, container_name: str, segment_container: str, prefix: str = ""
) -> Iterator[SwiftMultipartUpload]:
    """The uploads to a container that are not published, by the beginning of objects' names.

    A listing may lag behind. So what is listed as not published is looked up object by object.
    """
    start = f"{container_name}/"
    listed = client.objects(segment_container, prefix=start + prefix)
    found = (
        (match["key"].removeprefix(start), match["id"], record)
        for record in listed
        if (match := _SEGMENT.fullmatch(record.name)) is not None
    )
    try:
        first = next(found, None)
    except ContainerDoesNotExistError:
        return
    if first is None:
        return
    large = {
        record.name: record.etag
        for record in client.objects(container_name, prefix=prefix)
        if record.is_large
    }
    for short, of_key in groupby(chain([first], found), key=lambda item: item[0]):
        key = _whole_name(client, container_name, short)
        uploads = {
            upload_id: [record for _, _, record in items]
            for upload_id, items in groupby(of_key, key=lambda item: item[1])
        }
        if len(uploads) == 1:
            (segments,) = uploads.values()
            if large_etag(record.etag for record in segments) == large.get(key):
                continue
        published = published_ids(client, container_name, key)
        for upload_id, segments in uploads.items():
            if upload_id not in published:
                yield _upload(key, upload_id, segments)


def published_ids(client: SwiftClient, container_name: str, name: str) -> set[str]:
    """Ids of the uploads whose segments an object refers to."""
    segments = manifest_of(client, container_name, name)
    found = (_SEGMENT.fullmatch(segment.path) for segment in segments)
    return {match["id"] for match in found if match is not None}


def _whole_name(client: SwiftClient, container_name: str, key: str) -> str:
    """The name of the object whose segments are called after ``key``, which may be cut short."""
    if _CUT.fullmatch(key) is None:
        return key
    longest = client.profile().max_name
    for record in client.objects(container_name, prefix=key[:-_DIGEST]):
        names = SegmentNames("", container_name, record.name, longest)
        if names.prefix() == f"{container_name}/{key}/.slo/":
            return record.name
    return key


def _upload(key: str, upload_id: str, segments: list[ObjectRecord]) -> SwiftMultipartUpload:
    times = [time for record in segments if (time := parse_time(record.last_modified)) is not None]
    size = sum(record.size for record in segments)
    return SwiftMultipartUpload(key, upload_id, min(times, default=None), size)
