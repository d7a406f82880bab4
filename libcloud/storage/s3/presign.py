# SPDX-License-Identifier: Apache-2.0
"""Presigned URLs: each allows anyone to send one request.

They are secrets as long as they are valid: never log one.

Reference: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters (AWS Signature
Version 4)".
"""

from __future__ import annotations

from typing import Any

from libcloud.common.credentials import Credentials
from libcloud.common.request import HttpRequest, Params
from libcloud.common.signing.sigv4 import Scope, presign
from libcloud.common.types import LibcloudError
from libcloud.storage.base import Object, ObjectVersion
from libcloud.storage.s3.endpoint import Endpoint
from libcloud.storage.s3.objects import version_of, version_to_delete
from libcloud.storage.s3.requests import of_version
from libcloud.utils.arguments import kind_of


def presigned_object_url(
    connection: Any,
    path: str,
    *,
    method: str,
    hours: float,
    version_id: str | None = None,
    params: Params = (),
) -> str:
    """A presigned URL that allows ``method`` on the object at ``path``, by ``connection``.

    Nothing is sent. A session token becomes part of the URL, which ends with it.

    :param hours: at most 168.
    """
    if isinstance(hours, (bool, str)) or not hasattr(hours, "__float__"):
        raise TypeError(f"ex_expiry must be a number of hours, such as 24, not {kind_of(hours)}")
    if not isinstance(method, str):
        raise TypeError(f"ex_method must be a str, such as 'GET', not {kind_of(method)}")
    if connection.anonymous:
        raise LibcloudError("an anonymous driver cannot sign a URL", connection.driver)
    address = connection.address_of(path)
    host = connection.host if address is None else address.host
    endpoint = Endpoint(host, bool(connection.secure), connection.port)
    request = HttpRequest(method.upper(), connection.morph_action_hook(path), params)
    target = presign(
        of_version(request, version_id),
        credentials=connection.current_credentials()
        or Credentials(connection.user_id, connection.key, getattr(connection, "token", None)),
        scope=Scope((address and address.region) or connection.signing_region(), "s3"),
        when=connection.server_time(),
        expires=int(hours * 3600),
        host=endpoint.authority,
    )
    return f"{endpoint.scheme}://{endpoint.authority}{target}"


def version_for(obj: Object, method: object) -> str | None:
    """The version that a URL for ``method`` on ``obj`` names; ``None``: none."""
    verb = str(method).upper()
    if verb in ("GET", "HEAD"):
        return version_of(obj)
    if verb == "DELETE":
        return version_to_delete(obj)
    if isinstance(obj, ObjectVersion):
        raise ValueError(f"ex_method={verb!r}: a version cannot be written; pass the object")
    return None
