# SPDX-License-Identifier: Apache-2.0
"""From a target and the shared options to a driver that talks to the store."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from libcloud.cli.errors import NoCredentialsError, keep_out
from libcloud.cli.settings import Settings
from libcloud.cli.targets import Target, parse_target
from libcloud.common.credential_sources import Discovery, discover
from libcloud.common.credentials import Credentials
from libcloud.storage.types import Provider

if TYPE_CHECKING:  # importing it takes a quarter of a second: only what talks to a store may
    from libcloud.storage.base import Container, Object, StorageDriver

__all__ = ["Store", "connect", "driver_settings", "find_settings", "open_store"]

# Drivers of a store that can be anywhere: only these heed the endpoint and the region that the
# environment or a profile names. Others have hosts and regions of their own.
_ANYWHERE = (Provider.S3, Provider.MINIO, Provider.S3_RGW)
_NEEDS_ENDPOINT = (Provider.MINIO, Provider.S3_RGW)


@dataclass(frozen=True, slots=True)
class Store:
    """A driver, and the target it was made for.

    :param driver: of any kind: what is special about one is asked for by ``getattr``.
    """

    target: Target
    driver: Any

    def container(self, name: str | None = None) -> Container:
        """A container, without asking an S3 store whether it exists: it says so soon enough."""
        name = self.target.container if name is None else name
        if self.speaks_s3:
            from libcloud.storage.base import Container

            return Container(name, {}, self.driver)
        driver: StorageDriver = self.driver
        return driver.get_container(name)

    def object(self, name: str) -> Object:
        """An object that exists."""
        return self.container().get_object(name)

    @property
    def speaks_s3(self) -> bool:
        """The driver is one for S3, or a store like it."""
        return hasattr(self.driver, "ex_iterate_multipart_uploads")

    @property
    def in_parts(self) -> bool:
        """Uploads take the options of the engine: window, part size, listener."""
        return bool(getattr(self.driver, "supports_s3_multipart_upload", False))


def open_store(url: str, settings: Settings) -> Store:
    """The store that a URL names.

    :raises click.UsageError: the URL or an option makes no sense.
    :raises NoCredentialsError: there are no credentials for it.
    """
    target = parse_target(url, settings.provider)
    return Store(target, connect(target, settings))


def connect(target: Target, settings: Settings) -> StorageDriver:
    """A driver for ``target``; nothing is sent yet."""
    from libcloud.storage.providers import get_driver

    kind: Any = get_driver(target.provider)
    if target.provider == Provider.LOCAL:
        # A rename is atomic without a lock, too.
        locks = importlib.util.find_spec("fasteners") is not None
        driver: StorageDriver = kind(target.base, ex_use_locking=locks)
        return driver
    if target.provider == Provider.DUMMY:
        driver = kind("key", "secret")
        return driver
    found = find_settings(target, settings)
    if found.credentials is None:
        raise NoCredentialsError(found.missing)
    keep_out(found.credentials.secret, found.credentials.token)
    try:
        driver = kind(
            found.credentials.key, found.credentials.secret, **driver_settings(target, found)
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return driver


def find_settings(target: Target, settings: Settings) -> Discovery:
    """Credentials, region and endpoint for ``target``, and where each comes from."""
    environ = dict(os.environ)
    given = None
    if target.provider == Provider.GOOGLE_STORAGE:
        given = _google_keys(environ)
    found = discover(
        credentials=given,
        region=settings.region,
        endpoint_url=settings.endpoint_url,
        profile=settings.profile,
        environ=environ,
    )
    if target.provider in _ANYWHERE:
        return found
    own = discover(region=settings.region, endpoint_url=settings.endpoint_url, environ={})
    return Discovery(
        found.credentials,
        found.credentials_origin,
        own.region,
        own.endpoint_url,
        found.profile,
        found.missing,
    )


def driver_settings(target: Target, found: Discovery) -> dict[str, Any]:
    """Keyword arguments of the driver class.

    :raises click.UsageError: the endpoint is no URL, or there is none and must be one.
    """
    settings: dict[str, Any] = {}
    if found.credentials is not None and found.credentials.token:
        settings["token"] = found.credentials.token
    if found.region is not None:
        settings["region"] = found.region.value
    if found.endpoint_url is not None:
        settings.update(_endpoint(found.endpoint_url.value))
    elif target.provider in _NEEDS_ENDPOINT:
        raise click.UsageError(
            f"{target.scheme}:// can be anywhere: say where by --endpoint-url or AWS_ENDPOINT_URL"
        )
    return settings


def _endpoint(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
        raise click.UsageError(f"{url!r} is no endpoint: write http://HOST:PORT or https://HOST")
    if parts.path not in ("", "/") or parts.query or parts.username:
        raise click.UsageError(f"{parts.hostname}: an endpoint has a host and a port, no more")
    secure = parts.scheme == "https"
    return {"host": parts.hostname, "secure": secure, "port": port or (443 if secure else 80)}


def _google_keys(environ: dict[str, str]) -> Credentials | None:
    """Keys of interoperable access, by the names that gsutil's users know them by."""
    key, secret = environ.get("GS_ACCESS_KEY_ID"), environ.get("GS_SECRET_ACCESS_KEY")
    return Credentials(key, secret) if key and secret else None
