# SPDX-License-Identifier: Apache-2.0
"""Settings of containers: whether they keep versions.

Reference: Amazon S3 API Reference, GetBucketVersioning and PutBucketVersioning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from libcloud.common.request import HttpRequest
from libcloud.storage import s3
from libcloud.storage.s3.names import NAMESPACE
from libcloud.storage.s3.nodes import MalformedDocumentError, read_root

if TYPE_CHECKING:
    from libcloud.storage.s3.client import S3Client

_STATES = {"": "disabled", "enabled": "enabled", "suspended": "suspended"}


def versioning(client: S3Client, path: str, container_name: str) -> str:
    """``"enabled"``, ``"suspended"`` or ``"disabled"``."""
    what = f"Error getting the versioning of {container_name}"
    request = HttpRequest("GET", path, (("versioning", None),))
    response = client.send(request, what, names=(container_name, ""))
    return client.parse(_parse_versioning, response, what)


def set_versioning(client: S3Client, path: str, container_name: str, *, enabled: bool) -> None:
    """Enable or suspend versioning."""
    status = "Enabled" if enabled else "Suspended"
    body = f'<VersioningConfiguration xmlns="{NAMESPACE}"><Status>{status}</Status>'
    client.send(
        put_document(path, "versioning", f"{body}</VersioningConfiguration>".encode()),
        f"Error setting the versioning of {container_name}",
        names=(container_name, ""),
    )


def put_document(
    path: str, name: str, body: bytes, headers: Mapping[str, str] | None = None
) -> HttpRequest:
    """The request that sets the subresource ``name``, with the Content-MD5 that it must have."""
    digest = s3.integrity.DIGESTS["md5"](body).headers
    sent = {"Content-Type": "application/xml", **digest, **(headers or {})}
    return HttpRequest("PUT", path, ((name, None),), sent, body)


def _parse_versioning(document: Any) -> str:
    root = read_root(document)
    state = (root.word("Status") or "").lower()
    if "Versioning" not in root.name or state not in _STATES:  # moto: GetBucketVersioningResponse
        raise MalformedDocumentError(f"The answer is not a versioning configuration: {root.name}")
    return _STATES[state]
