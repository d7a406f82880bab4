# SPDX-License-Identifier: Apache-2.0
"""The lease that may protect a blob while it is uploaded."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from libcloud.common.types import LibcloudError
from libcloud.storage.azure import requests
from libcloud.storage.azure.client import AzureClient
from libcloud.storage.types import ObjectDoesNotExistError

_log = logging.getLogger(__name__)

LEASE_SECONDS = 60
"""How long a lease lasts without being renewed: the longest that ends."""


class BlobLease:
    """Keeps others from writing a blob during an upload; a context manager.

    A blob that does not exist cannot be leased, and is written without a lease. Reference: Azure
    Storage REST API, "Lease Blob".

    :param clock: seconds; to renew the lease in time.
    """

    def __init__(
        self,
        client: AzureClient,
        container: str,
        name: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._names = (container, name)
        self._path = client.blob_path(container, name)
        self._clock = clock
        self._renewed = 0.0
        self._id = ""

    def __enter__(self) -> BlobLease:
        # With its own id, a repeated request finds the lease of the first one.
        proposed = {
            "x-ms-lease-duration": str(LEASE_SECONDS),
            "x-ms-proposed-lease-id": str(uuid.uuid4()),
        }
        with suppress(ObjectDoesNotExistError):
            self._id = self._send("acquire", proposed).headers["x-ms-lease-id"]
            self._renewed = self._clock()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not self._id:
            return
        try:
            self._send("release", {"x-ms-lease-id": self._id})
        except (LibcloudError, OSError) as failure:
            # The upload has succeeded, or has failed for another reason; the lease ends anyway.
            _log.warning("%s", failure)

    def headers(self) -> dict[str, str]:
        """What a request on the blob must carry; renews the lease after half of its time."""
        if not self._id:
            return {}
        if self._clock() - self._renewed > LEASE_SECONDS / 2:
            self._renewed = self._clock()
            self._send("renew", {"x-ms-lease-id": self._id})
        return {"x-ms-lease-id": self._id}

    def _send(self, action: str, headers: Mapping[str, str]) -> Any:
        what = f"Error in the lease of {'/'.join(self._names)} ({action})"
        return self._client.send(
            requests.lease(self._path, action, headers), what, names=self._names
        )
