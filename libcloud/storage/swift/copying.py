# SPDX-License-Identifier: Apache-2.0
"""Copies that the store makes by one request.

A static large object becomes a plain object, whose segments are its own.

Reference: OpenStack, "Object Storage API", "Copy object", and Swift, "Large objects".
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import nullcontext

from libcloud.common.base import Connection
from libcloud.storage.swift import requests
from libcloud.storage.swift.client import SwiftClient
from libcloud.storage.swift.deletion import is_static_large
from libcloud.storage.transfer.upload.times import is_recent
from libcloud.storage.types import PreconditionFailedError

# Seconds without data while the store copies: it responds when it has copied everything.
_PATIENCE = 300.0


def copy_object(
    client: SwiftClient,
    source: tuple[str, str],
    target: tuple[str, str],
    headers: Mapping[str, str],
) -> Mapping[str, str]:
    """Copy an object, and return the headers that describe the copy.

    Metadata that ``headers`` lack is that of the source, unless they have ``X-Fresh-Metadata``.
    """
    request = requests.copy_object(
        client.object_path(*target), client.object_path(*source), headers
    )
    connection, begun = client.owner.connection, time.monotonic()
    patient = isinstance(connection, Connection)
    what = f"Error copying {'/'.join(source)} to {'/'.join(target)}"

    def is_ours() -> bool:
        there, original = client.head(*target, what), client.head(*source, what)
        # The ETag of a copied large object is another one.
        compared = ("content-length",) if is_static_large(original) else ("content-length", "etag")
        same = all(there.get(name) == original.get(name) for name in compared)
        return same and is_recent(there, time.monotonic() - begun)

    with connection.extended_timeout(_PATIENCE) if patient else nullcontext():
        copied = client.retry_loop.ensure(
            lambda: client.send_once(request, what, ok=(201,), names=target),
            PreconditionFailedError,
            confirm=is_ours,
        )
    return client.head(*target, what) if copied is None else copied.headers
