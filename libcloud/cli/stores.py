# SPDX-License-Identifier: Apache-2.0
"""From a target and the shared options to a driver that talks to the store."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from libcloud.cli.errors import NoCredentialsError, keep_out
from libcloud.cli.settings import Settings
from libcloud.cli.targets import Target, parse_target
from libcloud.common.credentials import Credentials
from libcloud.common.credentials.discovery import Discovery, discover, without_store_settings
from libcloud.common.credentials.provider import CredentialProvider
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
    try:
        driver = kind(**driver_settings(target, found, settings))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return driver


def find_settings(target: Target, settings: Settings) -> Discovery:
    """Credentials, region and endpoint for ``target``, and where each comes from."""
    found = discover(
        region=settings.region, endpoint_url=settings.endpoint_url, profile=settings.profile
    )
    if target.provider == Provider.GOOGLE_STORAGE:
        from libcloud.common.credentials.google import find_google_credentials

        found = find_google_credentials(found, os.environ)
    elif _can_be_anywhere(target):
        return found
    return without_store_settings(found, region=settings.region, endpoint_url=settings.endpoint_url)


def driver_settings(target: Target, found: Discovery, settings: Settings) -> dict[str, Any]:
    """Keyword arguments of the driver class; credentials are asked for now.

    :raises click.UsageError: there is no endpoint, and there must be one; or the store cannot be
        asked without credentials.
    :raises NoCredentialsError: there are no credentials.
    """
    from libcloud.storage.drivers.s3_opening import options_of

    options = options_of(found)
    if found.endpoint_url is None and target.provider in _NEEDS_ENDPOINT:
        raise click.UsageError(
            f"{target.scheme}:// can be anywhere: say where by --endpoint-url or AWS_ENDPOINT_URL"
        )
    if target.store:
        options["ex_s3_profile"] = target.store
    if settings.addressing_style:
        options["ex_addressing_style"] = settings.addressing_style
    options.pop("ex_credentials", None)
    if settings.no_sign_request:
        if target.provider == Provider.GOOGLE_STORAGE:
            raise click.UsageError(f"{target.scheme}:// needs credentials: no --no-sign-request")
        options["ex_anonymous"] = True
    elif found.provider is None:
        missing = NoCredentialsError(found.missing)
        missing.hint = found.hint
        raise missing
    elif target.provider == Provider.GOOGLE_STORAGE:
        credentials = _Hidden(found.provider).current()
        for name in ("ex_addressing_style", "ex_ca_bundle"):
            options.pop(name, None)
        options.update(key=credentials.key, secret=credentials.secret)
    else:
        source = _Hidden(found.provider)
        source.current()
        options["ex_credentials"] = source
    return options


def _can_be_anywhere(target: Target) -> bool:
    """Whether the environment's region and endpoint can be those of the store."""
    if not target.store:
        return target.provider in _ANYWHERE
    from libcloud.storage.s3api.profile import profile_named

    profile = profile_named(target.store)
    return not (profile.hosts or profile.host_pattern)


class _Hidden(CredentialProvider):
    """Credentials of another provider, which are kept out of everything that is printed."""

    def __init__(self, fetch: Callable[[], Credentials]) -> None:
        super().__init__(fetch)
        self._source = fetch if isinstance(fetch, CredentialProvider) else CredentialProvider(fetch)

    def current(self) -> Credentials:
        credentials = self._source.current()
        keep_out(credentials.secret, credentials.token)
        return credentials

    def refresh(self, rejected: Credentials, *, certain: bool = True) -> bool:
        return self._source.refresh(rejected, certain=certain)
