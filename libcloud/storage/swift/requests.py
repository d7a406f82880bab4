# SPDX-License-Identifier: Apache-2.0
"""Every operation as a value; paths are relative to the storage URL of the account.

Reference: OpenStack, "Object Storage API" (api-ref/object-store).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from libcloud.common.request import Body, HttpRequest, Params

if TYPE_CHECKING:
    from libcloud.storage.swift.responses import Segment

__all__ = [
    "INFO",
    "METADATA",
    "bulk_delete",
    "check_container_name",
    "check_object_name",
    "container_path",
    "copy_object",
    "delete",
    "delete_manifest",
    "get_manifest",
    "get_object",
    "head",
    "info",
    "list_containers",
    "list_objects",
    "metadata_headers",
    "object_path",
    "post",
    "put_container",
    "put_manifest",
    "put_object",
]

INFO = "//info"
"""Path of the document about the cluster: two slashes stand for the root of the host."""

METADATA = "x-object-meta-"
"""What names of headers with metadata of the user begin with; lower case."""

_MAX_CONTAINER_NAME = 256  # bytes; the cluster's own limit is checked by the cluster
_MAX_OBJECT_NAME = 1024


def check_container_name(name: str) -> None:
    """Refuse what cannot be the name of a container.

    :raises ValueError: it is empty, has a slash, is too long, or is not text.
    """
    if not name or "/" in name:
        raise ValueError(f"a container name is not empty and has no slash: {name!r}")
    if len(_encoded(name)) > _MAX_CONTAINER_NAME:
        raise ValueError(f"a container name has at most {_MAX_CONTAINER_NAME} bytes")


def check_object_name(name: str) -> None:
    """Refuse what cannot be the name of an object.

    :raises ValueError: it is empty, too long, has a null character, or is not text.
    """
    if not name or "\0" in name:
        raise ValueError(f"an object name is not empty and has no null character: {name!r}")
    if len(_encoded(name)) > _MAX_OBJECT_NAME:
        raise ValueError(f"an object name has at most {_MAX_OBJECT_NAME} bytes")


def _encoded(name: str) -> bytes:
    try:
        return name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"the name is not valid Unicode: {name!r}") from error


def container_path(name: str) -> str:
    """Path of a container, percent-encoded."""
    return f"/{quote(name, safe='')}"


def object_path(container_name: str, name: str) -> str:
    """Path of an object, percent-encoded but for slashes."""
    return f"{container_path(container_name)}/{quote(name, safe='/~')}"


def info() -> HttpRequest:
    """Limits and features of the cluster; not relative to the account."""
    return HttpRequest("GET", INFO)


def head(path: str, headers: Mapping[str, str] | None = None) -> HttpRequest:
    """Metadata of the account (``path`` is empty), a container or an object."""
    return HttpRequest("HEAD", path, headers=headers or {})


def post(path: str, headers: Mapping[str, str]) -> HttpRequest:
    """Change metadata of the account, a container or an object."""
    return HttpRequest("POST", path, headers=headers)


def put_container(name: str, headers: Mapping[str, str] | None = None) -> HttpRequest:
    """Create a container; 202 if it exists already."""
    return HttpRequest("PUT", container_path(name), headers=headers or {}, body=b"")


def delete(path: str) -> HttpRequest:
    """Delete a container, or an object without its segments."""
    return HttpRequest("DELETE", path)


def list_containers(marker: str, limit: int) -> HttpRequest:
    """One page of the containers whose names come after ``marker``."""
    return HttpRequest("GET", "", _page(marker, limit))


def list_objects(
    container_name: str, *, prefix: str, marker: str, limit: int, delimiter: str = ""
) -> HttpRequest:
    """One page of the objects whose names come after ``marker``."""
    params = _page(marker, limit)
    params += (("prefix", prefix),) if prefix else ()
    params += (("delimiter", delimiter),) if delimiter else ()
    return HttpRequest("GET", container_path(container_name), params)


def _page(marker: str, limit: int) -> Params:
    params: Params = (("format", "json"), ("limit", str(limit)))
    return (*params, ("marker", marker)) if marker else params


def put_object(path: str, body: Body | None, headers: Mapping[str, str]) -> HttpRequest:
    """Store an object, or a segment, in one request."""
    return HttpRequest("PUT", path, headers=headers, body=body)


def get_object(path: str, headers: Mapping[str, str] | None = None) -> HttpRequest:
    """Read an object."""
    return HttpRequest("GET", path, headers=headers or {})


def put_manifest(path: str, segments: Iterable[Segment], headers: Mapping[str, str]) -> HttpRequest:
    """Publish a static large object made of ``segments``, in order.

    Reference: Swift, "Large objects", "Static large objects".
    """
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
    """Delete a static large object with its segments.

    Reference: Swift, "Large objects", "Deleting a large object".
    """
    headers = {"Accept": "application/json"}
    return HttpRequest("DELETE", path, (("multipart-manifest", "delete"),), headers)


def bulk_delete(paths: Iterable[str]) -> HttpRequest:
    """Delete objects by their percent-encoded paths.

    Reference: Swift, "Bulk Delete" (middleware, bulk).
    """
    headers = {"Content-Type": "text/plain", "Accept": "application/json"}
    body = "\n".join(path.lstrip("/") for path in paths).encode()
    return HttpRequest("POST", "", (("bulk-delete", "true"),), headers, body)


def copy_object(path: str, source_path: str, headers: Mapping[str, str]) -> HttpRequest:
    """Store a copy of the object at ``source_path``, made by the server."""
    sent = {**headers, "X-Copy-From": source_path}
    return HttpRequest("PUT", path, headers=sent, body=b"")


def metadata_headers(meta_data: Mapping[str, str]) -> dict[str, str]:
    """Headers for metadata of the user."""
    return {f"X-Object-Meta-{name}": str(value) for name, value in meta_data.items()}
