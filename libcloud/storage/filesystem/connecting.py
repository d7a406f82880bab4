# SPDX-License-Identifier: Apache-2.0
"""Creates the driver for the options of a file system."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from libcloud.common.credentials import Credentials
from libcloud.storage.base import StorageDriver
from libcloud.storage.providers import get_driver
from libcloud.storage.s3.access import driver_options, find_settings
from libcloud.storage.types import Provider

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
    """A driver for the account of the environment, or the one that is passed."""
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
    found = find_settings(
        kind,
        profile=profile,
        region=region,
        endpoint_url=endpoint_url,
        credentials=credentials,
    )
    if anonymous:
        options = {**driver_options(kind, found._replace(provider=None)), "ex_anonymous": True}
    elif found.provider is None:
        raise ValueError(f"no credentials: {found.missing}; {found.hint}")
    else:
        options = driver_options(kind, found)
    for name in _USED:
        import_module(f"libcloud.storage.{name}")
    driver: StorageDriver = kind(**options)
    return driver
