# SPDX-License-Identifier: Apache-2.0
"""URLs that carry their own authorization, made of what a connection knows."""

from __future__ import annotations

from typing import Any

from libcloud.common.credentials import Credentials
from libcloud.common.request import HttpRequest
from libcloud.common.signing.sigv4 import Scope
from libcloud.common.types import LibcloudError
from libcloud.storage.s3.presign import Endpoint, presigned_url
from libcloud.utils.arguments import kind_of

__all__ = ["presigned_object_url"]


def presigned_object_url(
    connection: Any, path: str, *, region: str, method: str, hours: float
) -> str:
    """A URL that gives anybody the right to ``method`` what is at ``path``, for a time.

    :param connection: whose host, port and credentials to use; nothing is sent.
    :param path: of the object, as the driver makes it.
    :param hours: at most 168.
    :raises ValueError: ``hours`` is out of range.
    :raises LibcloudError: the driver is anonymous.
    """
    if isinstance(hours, (bool, str)) or not hasattr(hours, "__float__"):
        raise TypeError(f"ex_expiry must be a number of hours, such as 24, not {kind_of(hours)}")
    if not isinstance(method, str):
        raise TypeError(f"ex_method must be a str, such as 'GET', not {kind_of(method)}")
    if connection.anonymous:
        raise LibcloudError("Nobody signs a URL for an anonymous driver", connection.driver)
    address = connection.address_of(path)
    host = connection.host if address is None else address.host
    return presigned_url(
        HttpRequest(method.upper(), connection.morph_action_hook(path)),
        endpoint=Endpoint(host, bool(connection.secure), connection.port),
        credentials=connection.current_credentials()
        or Credentials(connection.user_id, connection.key, getattr(connection, "token", None)),
        scope=Scope((address.region if address is not None else None) or region, "s3"),
        when=connection.server_time(),
        expires=int(hours * 3600),
    )
