# SPDX-License-Identifier: Apache-2.0
"""Copies within the service: Copy Blob, which may continue after its response."""

from __future__ import annotations

import time
from collections.abc import Mapping

from libcloud.common.types import LibcloudError
from libcloud.storage.azure import requests
from libcloud.storage.azure.client import AzureClient
from libcloud.storage.transfer.upload.times import is_recent
from libcloud.storage.types import ConditionalConflictError, PreconditionFailedError

_LONGEST_WAIT = 15.0  # seconds between two looks at a copy


def copy_blob(
    client: AzureClient, source: str, container: str, name: str, headers: Mapping[str, str]
) -> Mapping[str, str]:
    """Copy the blob at a URL, wait until that is complete, and return the headers of the copy.

    Reference: Azure Storage REST API, "Copy Blob".
    """
    what = f"Error copying to {container}/{name}"
    path = client.object_path(container, name)
    request, begun = requests.copy_blob(path, source, headers), time.monotonic()

    def is_ours() -> bool:
        there = client.head(container, name)
        copied = there.get("x-ms-copy-source", "").partition("?")[0]
        return copied == source.partition("?")[0] and is_recent(there, time.monotonic() - begun)

    refusals, names = (ConditionalConflictError, PreconditionFailedError), (container, name)
    response = client.ensure(request, what, refusals, names=names, confirm=is_ours)
    started = client.head(container, name) if response is None else response.headers
    copy_id = started.get("x-ms-copy-id", "")
    status = started.get("x-ms-copy-status", "success")
    found, delay = started, 0.5
    try:
        while True:
            found = client.head(container, name)
            if found.get("x-ms-copy-id", copy_id) != copy_id:
                raise LibcloudError(f"{what}: it was superseded by another copy", client.owner)
            status = found.get("x-ms-copy-status", status)
            if status != "pending":
                break
            client.retry_loop.sleep(delay)
            delay = min(delay * 2, _LONGEST_WAIT)
        if status != "success":
            why = found.get("x-ms-copy-status-description", "")[:200]
            raise LibcloudError(f"{what}: the copy ended as {status}: {why}", client.owner)
    except BaseException as error:
        if status != "success":
            try:
                _undo(client, path, copy_id, what, names=(container, name))
            except LibcloudError as failed:
                vars(error).setdefault("cleanup_error", failed)
        raise
    return found


def _undo(
    client: AzureClient, path: str, copy_id: str, what: str, *, names: tuple[str, str]
) -> None:
    """Abort a copy that is pending, and delete the empty blob that is left of one that failed."""
    # It may have ended by now, which is 409.
    client.send(requests.abort_copy(path, copy_id), what, ok=(204, 409), names=names)
    left = client.head(*names)
    ended = left.get("x-ms-copy-status") in ("aborted", "failed")
    if ended and left.get("x-ms-copy-id") == copy_id and left.get("content-length") == "0":
        request = requests.delete(path, {"If-Match": left["etag"]})
        client.send(request, what, names=names)
