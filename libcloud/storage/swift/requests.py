# SPDX-License-Identifier: Apache-2.0
"""The requests of Swift, as values; paths are relative to the storage URL of the account.

Reference: OpenStack, "Object Storage API" (api-ref/object-store).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from libcloud.common.request import Body, HttpRequest, Params
from libcloud.storage import metadata
from libcloud.storage.arguments import check_path_name

if TYPE_CHECKING:
    from libcloud.storage.swift.responses import Segment

INFO = "//info"
"""Path of the document about the cluster: two slashes stand for the root of the host."""

METADATA = "x-object-meta-"
"""Prefix of the headers with user metadata; lower case."""

_MAX_CONTAINER_NAME = 256  # bytes; Swift's default, as the next one
_MAX_OBJECT_NAME = 1024


def check_container_name(name: str) -> None:
    """Refuse a name that Swift does not take, or whose path is that of something else."""
    check_path_name("a container name", name, "/", _MAX_CONTAINER_NAME)
    if name in (".", "..") or "\0" in name:
        raise ValueError(f"a container name is not . or .. and has no null character: {name!r}")


def check_object_name(name: str) -> None:
    check_path_name("an object name", name, "\0", _MAX_OBJECT_NAME)


def container_path(name: str) -> str:
    return f"/{quote(name, safe='')}"


def object_path(container_name: str, name: str) -> str:
    """Path of an object, percent-encoded but for slashes."""
    return f"{container_path(container_name)}/{quote(name, safe='/~')}"


def info() -> HttpRequest:
    """Limits and features of the cluster; not relative to the account."""
    return HttpRequest("GET", INFO)


def head(path: str) -> HttpRequest:
    """Metadata of the account (``path`` is empty), a container or an object."""
    return HttpRequest("HEAD", path)


def post(path: str, headers: Mapping[str, str]) -> HttpRequest:
    """Change metadata of the account, a container or an object."""
    return HttpRequest("POST", path, headers=headers)


def put_container(name: str, headers: Mapping[str, str] | None = None) -> HttpRequest:
    """Create a container; 202 if it exists already."""
    return HttpRequest("PUT", container_path(name), headers=headers or {}, body=b"")


def delete(path: str) -> HttpRequest:
    """Delete a container, or an object without its segments."""
    return HttpRequest("DELETE", path)


# Pages have as many names as the cluster puts there: it refuses requests for more.


def list_containers(marker: str) -> HttpRequest:
    """One page of the containers whose names come after ``marker``."""
    return HttpRequest("GET", "", _page(marker))


def list_objects(container_name: str, *, prefix: str, marker: str) -> HttpRequest:
    """One page of the objects whose names come after ``marker``."""
    params = _page(marker)
    params += (("prefix", prefix),) if prefix else ()
    return HttpRequest("GET", container_path(container_name), params)


def _page(marker: str) -> Params:
    params: Params = (("format", "json"),)
    return (*params, ("marker", marker)) if marker else params


def put_object(path: str, body: Body | None, headers: Mapping[str, str]) -> HttpRequest:
    """Store an object, or a segment, in one request."""
    return HttpRequest("PUT", path, headers=headers, body=body)


def get_object(path: str) -> HttpRequest:
    return HttpRequest("GET", path)


def put_manifest(path: str, segments: Iterable[Segment], headers: Mapping[str, str]) -> HttpRequest:
    """Publish a static large object made of ``segments``, in order."""
    listed = [
        {"path": segment.path, "etag": segment.etag, "size_bytes": segment.size}
        for segment in segments
    ]
    body = json.dumps(listed).encode()
    return HttpRequest("PUT", path, (("multipart-manifest", "put"),), headers, body)


def get_manifest(path: str) -> HttpRequest:
    """The manifest of a static large object; any other object is read itself."""
    return HttpRequest("GET", path, (("multipart-manifest", "get"),))


def delete_manifest(path: str) -> HttpRequest:
    """Delete a static large object with its segments."""
    headers = {"Accept": "application/json"}
    return HttpRequest("DELETE", path, (("multipart-manifest", "delete"),), headers)


def bulk_delete(paths: Iterable[str]) -> HttpRequest:
    """Delete objects by their percent-encoded paths. Reference: Swift, "Bulk Delete"."""
    headers = {"Content-Type": "text/plain", "Accept": "application/json"}
    body = "\n".join(path.lstrip("/") for path in paths).encode()
    return HttpRequest("POST", "", (("bulk-delete", "true"),), headers, body)


def copy_object(path: str, source_path: str, headers: Mapping[str, str]) -> HttpRequest:
    """Store a copy of the object at ``source_path``."""
    return HttpRequest("PUT", path, (), {**headers, "X-Copy-From": source_path}, b"")


def metadata_headers(meta_data: Mapping[str, object]) -> dict[str, str]:
    """Headers for metadata of the user. Swift itself removes values that are empty."""
    return metadata.metadata_headers(meta_data, "X-Object-Meta-", keeps_empty=False)


def metadata_in(headers: Mapping[str, str]) -> dict[str, str]:
    """The metadata in the headers of a response."""
    return metadata.metadata_in(headers, METADATA)
