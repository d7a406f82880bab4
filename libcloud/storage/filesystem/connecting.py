# SPDX-License-Identifier: Apache-2.0
"""Creates the driver for the options of a file system."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from libcloud.common.credentials import Credentials
from libcloud.storage.providers import get_driver
from libcloud.storage.s3.access import driver_options, find_settings
from libcloud.storage.types import Provider

_WITHOUT_ENDPOINT = (Provider.LOCAL, Provider.DUMMY)

# Modules that operations use, imported together with the driver: the threads of the first operation
# would wait for each other's imports.
_USED = (
    "worker_pool transfer.download.saving s3.deletion s3.download_port s3.errors "
    "s3.listing s3.nodes s3.objects s3.responses s3.uploads"
).split()


def make_driver(
    provider: str,
    key: str | None,
    secret: str | None,
    *,
    token: str | None,
    anonymous: bool = False,
    **place: str | None,
) -> Any:
    """A driver of ``provider``, a constant of :class:`~libcloud.storage.types.Provider`.

    :param place: ``endpoint_url``, ``region`` and ``profile``. For Swift, the first is where tokens
        are requested: TempAuth if it ends with ``/v1.0``; the last is a cloud in ``clouds.yaml``.
    :raises ValueError: there are no credentials, or they are incomplete.
    """
    kind: Any = get_driver(provider)
    if provider in _WITHOUT_ENDPOINT:
        return kind(key, secret)
    if provider in (Provider.OPENSTACK_SWIFT, Provider.CLOUDFILES):
        url = place["endpoint_url"]
        options = {"cloud": place["profile"], "region": place["region"], "ex_force_auth_url": url}
        if key:
            version = "1.0" if (url or "").endswith("/v1.0") else "3.x_password"
            options.update(key=key, secret=secret, ex_force_auth_version=version)
        return kind.from_env(**{name: one for name, one in options.items() if one})
    if provider == Provider.AZURE_BLOBS:
        account = {"key": key, "secret": secret, "endpoint_url": place.pop("endpoint_url")}
        if given := [name for name, value in {"token": token, **place}.items() if value]:
            raise ValueError(f"not supported for Azure: {', '.join(given)}")
        return kind.from_env(**account, ex_anonymous=anonymous or None)
    if bool(key) != bool(secret):
        raise ValueError("key and secret belong together: pass both, or neither")
    if provider == Provider.GOOGLE_STORAGE and anonymous:
        raise ValueError("anon: Google Cloud Storage needs credentials")
    credentials = Credentials(key, secret, token) if key and secret else None
    return _connect(kind, credentials, anonymous, place)


def _connect(
    kind: Any, credentials: Credentials | None, anonymous: bool, place: Mapping[str, Any]
) -> Any:
    found = find_settings(kind, credentials=credentials, **place)
    if anonymous:
        options = {**driver_options(kind, found._replace(provider=None)), "ex_anonymous": True}
    elif found.provider is None:
        raise ValueError(f"no credentials: {found.missing}; {found.hint}")
    else:
        options = driver_options(kind, found)
    for name in _USED:
        import_module(f"libcloud.storage.{name}")
    return kind(**options)
