# SPDX-License-Identifier: Apache-2.0
"""Keyword arguments of a driver from the environment, ``~/.aws`` and a URL, as the AWS tools do.

Constructors read none of these: they do what their arguments say, as in Apache Libcloud.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from libcloud.common.credentials import CredentialsNotFoundError
from libcloud.storage.arguments import check_known_keywords, url_settings
from libcloud.storage.s3.profiles import AMAZON, S3Profile

if TYPE_CHECKING:
    from libcloud.common.credentials.discovery import Discovery, Setting

URL_PARAMETERS: Mapping[str, str] = {
    "endpoint_url": "endpoint_url",
    "region": "region",
    "profile": "profile",
    "s3_profile": "ex_s3_profile",
    "addressing_style": "ex_addressing_style",
    "use_dualstack": "ex_use_dualstack?",
    "use_fips": "ex_use_fips?",
    "anonymous": "ex_anonymous?",
    "checksum_calculation": "ex_checksum_calculation",
}
"""Parameters of a URL, and the keyword of each; see :func:`~.arguments.url_settings`."""

_WORDS = {"true": True, "1": True, "false": False, "0": False}


def settings_from_env(
    kind: Any,
    options: Mapping[str, Any],
    *,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
) -> dict[str, Any]:
    """The keyword arguments for ``from_env`` of the driver class ``kind``.

    :param options: keywords that the caller passed; they take precedence over what is found.
    :raises CredentialsNotFoundError: there are no credentials, and no way to obtain any.
    """
    from libcloud.common.credentials.discovery import discover, without_store_settings

    check_known_keywords(kind, options)
    own = any(options.get(name) for name in ("key", "ex_credentials", "ex_anonymous"))
    found = discover(
        profile=profile,
        region=region,
        endpoint_url=endpoint_url,
        variables=() if profile else kind.profile.key_variables,
    )
    if found.provider is None and not own:
        raise CredentialsNotFoundError(f"no credentials: {found.missing}")
    if not _uses_store_settings(kind):
        found = without_store_settings(found, region=region, endpoint_url=endpoint_url)
    if options.get("ex_ca_bundle"):
        found = dataclasses.replace(found, ca_bundle=None)
    settings = driver_options(found)
    if own:
        settings.pop("ex_credentials", None)
    if options.get("host") and not endpoint_url:
        settings.pop("endpoint_url", None)
    return {**settings, **options}


def _uses_store_settings(kind: Any) -> bool:
    """Whether the region and endpoint of the environment can be those of a driver's store.

    A store that has its own hosts has its own regions.
    """
    profile: S3Profile = kind.profile
    if profile is AMAZON:
        return not kind.ex_location_name  # the classes of single regions
    return not (profile.hosts or profile.host_pattern)


def driver_options(found: Discovery) -> dict[str, Any]:
    """The keyword arguments of a driver for what was found.

    :raises ValueError: a setting has an invalid value.
    """
    settings: dict[str, Any] = {"ex_addressing_style": "auto"}
    if found.provider is not None:
        settings["ex_credentials"] = found.provider
    if found.ca_bundle is not None:
        settings["ex_ca_bundle"] = _existing(found.ca_bundle)
    for name, setting in (
        ("region", found.region),
        ("endpoint_url", found.endpoint_url),
        ("ex_addressing_style", found.addressing_style),
        ("ex_checksum_calculation", found.checksums),
    ):
        if setting is not None:
            settings[name] = setting.value
    for name, setting in (
        ("ex_use_dualstack", found.use_dualstack),
        ("ex_use_fips", found.use_fips),
    ):
        if setting is not None and found.endpoint_url is None:
            settings[name] = _boolean(setting)
    return settings


def _existing(setting: Setting) -> str:
    """The path that ``setting`` names."""
    import os

    path = os.path.expanduser(setting.value)
    if not os.path.exists(path):
        raise ValueError(f"{setting.origin} names {path} for trusted certificates: no such file")
    return path


def _boolean(setting: Setting) -> bool:
    if setting.value not in _WORDS:
        raise ValueError(f"{setting.origin} is {setting.value!r}, which is neither true nor false")
    return _WORDS[setting.value]


def parse_url(url: str) -> tuple[str, dict[str, Any]]:
    """The bucket of a URL, which may be empty, and the keyword arguments in its query.

    :raises ValueError: see ``from_url`` of the driver. The message shows no credentials.
    """
    scheme, separator, rest = url.partition("://")
    place, _, query = rest.partition("?")
    bucket, _, name = place.partition("/")
    if not separator or scheme.lower() != "s3" or "#" in rest:
        raise ValueError("this is not a valid URL of a container: write s3://BUCKET?region=REGION")
    if "@" in place or ":" in place:
        raise ValueError("a URL must not contain credentials or a host: everybody can see it")
    if name:
        raise ValueError(f"s3://{bucket}?... must name a container, not an object")
    return bucket, url_settings(query, URL_PARAMETERS)
