# SPDX-License-Identifier: Apache-2.0
"""Copies that the store makes by one request.

A static large object becomes a plain object, whose segments are its own.

Reference: OpenStack, "Object Storage API", "Copy object", and Swift, "Large objects".
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from libcloud.common.base import Connection
from libcloud.storage.swift import requests
from libcloud.storage.swift.client import SwiftClient

__all__ = ["copy_object"]

# Seconds of silence while the store copies: it answers when it has copied all of the data.
_PATIENCE = 300.0


def copy_object(
    client: SwiftClient,
    source: tuple[str, str],
    target: tuple[str, str],
    headers: Mapping[str, str],
) -> Any:
    """The response to a copy.

    :param source: names of the container and the object.
    :param target: likewise.
    :param headers: of the copy; metadata that is not there is that of the source, unless
        ``X-Fresh-Metadata`` is.
    """
    request = requests.copy_object(
        requests.object_path(*target), requests.object_path(*source), headers
    )
    connection = client.driver.connection
    patient = isinstance(connection, Connection)
    with connection.extended_timeout(_PATIENCE) if patient else nullcontext():
        what = f"Error copying {'/'.join(source)} to {'/'.join(target)}"
        return client.send(request, what, ok=(201,), names=target)
