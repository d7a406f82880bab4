# SPDX-License-Identifier: Apache-2.0
"""From the options of a file system to a driver."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from libcloud.common.credential_sources import discover
from libcloud.common.credentials import Credentials
from libcloud.storage.base import StorageDriver
from libcloud.storage.providers import get_driver
from libcloud.storage.types import Provider

__all__ = ["WITHOUT_ENDPOINT", "connect"]

# Drivers of a store that can be anywhere heed the endpoint and the region of the environment.
_ANYWHERE = (Provider.S3, Provider.MINIO, Provider.S3_RGW)
WITHOUT_ENDPOINT = (Provider.LOCAL, Provider.DUMMY)


def connect(
    provider: str,
    credentials: Credentials | None,
    *,
    endpoint_url: str | None,
    region: str | None,
    profile: str | None,
) -> StorageDriver:
    found = discover(
        credentials=credentials,
        region=region,
        endpoint_url=endpoint_url,
        profile=profile,
        environ=None if provider in _ANYWHERE else {},
    )
    if found.credentials is None:
        raise ValueError(f"no credentials: {found.missing}")
    options: dict[str, Any] = {}
    if found.credentials.token:
        options["token"] = found.credentials.token
    if found.region is not None:
        options["region"] = found.region.value
    if found.endpoint_url is not None:
        options.update(_endpoint(found.endpoint_url.value))
    kind: Any = get_driver(provider)
    driver: StorageDriver = kind(found.credentials.key, found.credentials.secret, **options)
    return driver


def _endpoint(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise ValueError(f"{url!r} is no endpoint: write http://HOST:PORT or https://HOST")
    return {
        "host": parts.hostname,
        "port": parts.port or (443 if secure else 80),
        "secure": secure,
    }
