# SPDX-License-Identifier: Apache-2.0
"""Creates the driver for the options of a file system."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from libcloud.common.credentials import Credentials
from libcloud.common.credentials.discovery import discover, without_store_settings
from libcloud.common.credentials.google import find_google_credentials, require_google_key
from libcloud.storage.base import StorageDriver
from libcloud.storage.providers import get_driver
from libcloud.storage.s3.access import driver_options
from libcloud.storage.types import Provider

# Drivers of stores without a fixed endpoint use the endpoint and region of the environment.
_ANYWHERE = (Provider.S3, Provider.MINIO, Provider.S3_RGW)
_WITHOUT_ENDPOINT = (Provider.LOCAL, Provider.DUMMY)

# Modules that operations use, imported together with the driver: the threads of the first operation
# would wait for each other's imports.
_USED = (
    "worker_pool transfer.download.saving s3.deletion s3.download_port s3.errors "
    "s3.listing s3.nodes s3.objects s3.responses s3.uploads s3.versions"
).split()


def make_driver(
    provider: str, key: str | None, secret: str | None, *, token: str | None, **settings: Any
) -> StorageDriver:
    """A driver of ``provider``, a constant of :class:`~libcloud.storage.types.Provider`.

    :param settings: those of :func:`_connect`.
    :raises ValueError: there are no credentials, or they are incomplete.
    """
    if provider in _WITHOUT_ENDPOINT:
        kind: Any = get_driver(provider)
        local: StorageDriver = kind(key, secret)
        return local
    if provider in (Provider.OPENSTACK_SWIFT, Provider.CLOUDFILES):
        return _connect_swift(provider, key, secret, **settings)
    if provider == Provider.AZURE_BLOBS:
        return _connect_azure(key, secret, token=token, **settings)
    if bool(key) != bool(secret):
        raise ValueError("key and secret belong together: pass both, or neither")
    credentials = Credentials(key, secret, token) if key and secret else None
    return _connect(provider, credentials, **settings)


def _connect_swift(
    provider: str,
    key: str | None,
    secret: str | None,
    *,
    endpoint_url: str | None,
    region: str | None,
    profile: str | None,
    anonymous: bool = False,
) -> StorageDriver:
    """:param endpoint_url: where tokens are requested: TempAuth if it ends with ``/v1.0``.
    :param profile: name of a cloud in ``clouds.yaml``.
    """
    kind: Any = get_driver(provider)
    options = {"cloud": profile, "region": region, "ex_force_auth_url": endpoint_url}
    if key:
        version = "1.0" if (endpoint_url or "").endswith("/v1.0") else "3.x_password"
        options.update(key=key, secret=secret, ex_force_auth_version=version)
    driver: StorageDriver = kind.from_env(**{name: one for name, one in options.items() if one})
    return driver


def _connect_azure(
    account: str | None,
    secret: str | None,
    *,
    endpoint_url: str | None,
    anonymous: bool,
    **rest: Any,
) -> StorageDriver:
    """A driver for the account of the environment, or for the one that is passed.

    :raises ValueError: an option that is not supported for Azure.
    """
    given = [name for name, value in rest.items() if value]
    if given:
        raise ValueError(f"not supported for Azure: {', '.join(given)}")
    kind: Any = get_driver(Provider.AZURE_BLOBS)
    options = {"key": account, "secret": secret, "endpoint_url": endpoint_url}
    driver: StorageDriver = kind.from_env(**options, ex_anonymous=anonymous or None)
    return driver


def _connect(
    provider: str,
    credentials: Credentials | None,
    *,
    endpoint_url: str | None,
    region: str | None,
    profile: str | None,
    anonymous: bool = False,
) -> StorageDriver:
    if provider == Provider.GOOGLE_STORAGE and anonymous:
        raise ValueError("anon: Google Cloud Storage needs credentials")
    kind: Any = get_driver(provider)
    found = discover(
        credentials=credentials,
        region=region,
        endpoint_url=endpoint_url,
        profile=profile,
        variables=() if profile else kind.profile.key_variables,
    )
    if provider == Provider.GOOGLE_STORAGE and credentials is None:
        found = find_google_credentials(found, os.environ)
    if provider not in _ANYWHERE:
        found = without_store_settings(found, region=region, endpoint_url=endpoint_url)
    if found.provider is None and not anonymous:
        raise ValueError(f"no credentials: {found.missing}; {found.hint}")
    options = driver_options(found)
    if anonymous:
        options.pop("ex_credentials", None)
        options["ex_anonymous"] = True
    elif provider == Provider.GOOGLE_STORAGE and found.provider is not None:
        keys = found.provider()
        require_google_key(keys.key)
        options.update(key=keys.key, secret=keys.secret)
        for name in ("ex_credentials", "ex_addressing_style", "ex_ca_bundle"):
            options.pop(name, None)
    for name in _USED:
        import_module(f"libcloud.storage.{name}")
    driver: StorageDriver = kind(**options)
    return driver
