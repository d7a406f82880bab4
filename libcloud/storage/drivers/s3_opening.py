# SPDX-License-Identifier: Apache-2.0
"""Drivers by what the environment, ``~/.aws`` and a URL say, as the AWS tools read them.

A constructor looks at none of these: it does what its arguments say, as in Apache Libcloud.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from libcloud.common.credentials import CredentialsNotFoundError
from libcloud.storage.arguments import check_known_keywords
from libcloud.storage.base import Container
from libcloud.storage.drivers.s3_access import S3Access
from libcloud.storage.s3.profiles import AMAZON, S3Profile
from libcloud.utils.arguments import nearest

if TYPE_CHECKING:
    from libcloud.common.credentials.discovery import Discovery, Setting

__all__ = ["URL_KEYS", "S3Opening", "heeds_environment", "options_of"]

_Driver = TypeVar("_Driver", bound="S3Opening")

# Keys of a URL, and the keyword that each is.
URL_KEYS: Mapping[str, str] = {
    "endpoint_url": "endpoint_url",
    "region": "region",
    "profile": "profile",
    "s3_profile": "ex_s3_profile",
    "addressing_style": "ex_addressing_style",
    "use_dualstack": "ex_use_dualstack",
    "use_fips": "ex_use_fips",
    "anonymous": "ex_anonymous",
    "checksum_calculation": "ex_checksum_calculation",
}
_BOOLEANS = frozenset({"use_dualstack", "use_fips", "anonymous"})
_WORDS = {"true": True, "1": True, "false": False, "0": False}


class S3Opening(S3Access):
    """How drivers come about that look around."""

    #: The container that the URL of :meth:`from_url` names; ``None``: it names none.
    ex_container: Container | None = None
    ex_location_name: str

    @classmethod
    def from_env(
        cls: type[_Driver],
        *,
        profile: str | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        **options: Any,
    ) -> _Driver:
        """A driver with the credentials and the settings that the environment or a profile has.

        Credentials are, in this order: those of ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``
        and ``AWS_SESSION_TOKEN``; a web identity; those of the profile, written down or obtained;
        a container's; the machine's. They are asked for at the first request, again before they
        expire, and again when the store refuses them, however long an upload takes. What has to be
        obtained takes botocore: the extra ``aws``.

        ``AWS_REGION``, ``AWS_DEFAULT_REGION``, ``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL``,
        ``AWS_IGNORE_CONFIGURED_ENDPOINT_URLS``, ``AWS_USE_DUALSTACK_ENDPOINT``,
        ``AWS_USE_FIPS_ENDPOINT``, ``AWS_REQUEST_CHECKSUM_CALCULATION`` and ``AWS_CA_BUNDLE`` are
        used, and their equivalents in a profile; by drivers for stores that have hosts of their
        own, the credentials and ``AWS_CA_BUNDLE`` only.

        :param profile: of ``~/.aws``, whose keys then go before those of the environment; ``None``:
            that of ``AWS_PROFILE``, or ``default``.
        :param region: in place of what is found.
        :param endpoint_url: likewise.
        :param options: keywords of the driver; they go before what is found. Buckets stand in the
            host where they can, unless ``ex_addressing_style`` or the profile says otherwise.
        :raises CredentialsNotFoundError: there are no credentials, and nobody to ask for them.
        :raises ProfileFileError: a profile that is asked for is not there, or cannot be read.
        :raises ValueError: a setting makes no sense.
        """
        from libcloud.common.credentials.discovery import discover

        check_known_keywords(cls, options)
        own = any(options.get(name) for name in ("key", "ex_credentials", "ex_anonymous"))
        found = discover(profile=profile, region=region, endpoint_url=endpoint_url)
        if found.provider is None and not own:
            raise CredentialsNotFoundError(f"no credentials: {found.missing}")
        if options.get("ex_ca_bundle"):
            found = dataclasses.replace(found, ca_bundle=None)
        settings = options_of(found, everything=heeds_environment(cls))
        if own:
            settings.pop("ex_credentials", None)
        if options.get("host"):
            settings.pop("endpoint_url", None)
        settings.update(options)
        for name, value in (("region", region), ("endpoint_url", endpoint_url)):
            if value:
                settings[name] = value
        return cls(**settings)

    @classmethod
    def from_url(cls: type[_Driver], url: str, **options: Any) -> _Driver:
        """A driver by a URL such as ``s3://bucket?region=eu-west-1&profile=backup``.

        What the URL does not say is as in :meth:`from_env`. The bucket may be left out:
        ``s3://?endpoint_url=http://localhost:9000``. It is not looked for.

        Keys of the query are ``endpoint_url``, ``region``, ``profile``, ``s3_profile``,
        ``addressing_style``, ``use_dualstack``, ``use_fips``, ``anonymous`` (``true`` or ``false``)
        and ``checksum_calculation``. Credentials are none: URLs end up in logs, in the history of a
        shell and in the lists of processes.

        :param options: keywords of the driver; they go before what the URL says.
        :return: a driver; its ``ex_container`` is the container that the URL names, or ``None``.
        :raises ValueError: the URL is no URL of a container, has a key that is not known or is
            there twice, or holds credentials. The message shows none of them.
        :raises LibcloudError: as :meth:`from_env`.
        """
        bucket, settings = _parsed(url)
        driver = cls.from_env(**{**settings, **options})
        if bucket:
            driver.ex_container = Container(bucket, {}, driver)
        return driver


def heeds_environment(kind: Any) -> bool:
    """Whether region and endpoint of the environment can be those of a driver's store.

    :param kind: a class of drivers. A store that has hosts of its own has regions of its own.
    """
    profile: S3Profile = kind.profile
    if profile is AMAZON:
        return not kind.ex_location_name  # the classes of single regions
    return not (profile.hosts or profile.host_pattern)


def options_of(found: Discovery, *, everything: bool = True) -> dict[str, Any]:
    """Keywords of a driver, by what was found.

    :param everything: region, endpoint and the like too, not only the credentials.
    :raises ValueError: a setting has a value that nobody knows.
    """
    settings: dict[str, Any] = {"ex_addressing_style": "auto"}
    if found.provider is not None:
        settings["ex_credentials"] = found.provider
    if found.ca_bundle is not None:
        settings["ex_ca_bundle"] = _existing(found.ca_bundle)
    if not everything:
        return settings
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
        # An endpoint of one's own is what it is.
        if setting is not None and found.endpoint_url is None:
            settings[name] = _boolean(setting)
    return settings


def _existing(setting: Setting) -> str:
    """The path that ``setting`` names.

    :raises ValueError: there is nothing.
    """
    import os

    path = os.path.expanduser(setting.value)
    if not os.path.exists(path):
        raise ValueError(f"{setting.origin} names {path} for trusted certificates: no such file")
    return path


def _boolean(setting: Setting) -> bool:
    if setting.value not in _WORDS:
        raise ValueError(f"{setting.origin} is {setting.value!r}, and neither true nor false")
    return _WORDS[setting.value]


def _parsed(url: str) -> tuple[str, dict[str, Any]]:
    """The bucket of a URL, and keywords."""
    from urllib.parse import parse_qsl

    scheme, separator, rest = url.partition("://")
    place, _, query = rest.partition("?")
    bucket, _, name = place.partition("/")
    if not separator or scheme.lower() != "s3" or "#" in rest:
        raise ValueError("write s3://BUCKET?region=REGION: that is no URL of a container")
    if "@" in place or ":" in place:
        raise ValueError("a URL holds no credentials and no host: they are seen by everybody")
    if name:
        raise ValueError(f"s3://{bucket}?... names a container, and no object in it")
    settings: dict[str, Any] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        keyword = URL_KEYS.get(key)
        if keyword is None:
            found = nearest(key, URL_KEYS)
            hint = f"did you mean {found}? There" if found else "there"
            raise ValueError(f"a URL has no key {key!r}; {hint} are {', '.join(URL_KEYS)}")
        if keyword in settings:
            raise ValueError(f"the URL has {key} twice")
        if key in _BOOLEANS and value.lower() not in _WORDS:
            raise ValueError(f"{key} is neither true nor false")
        settings[keyword] = _WORDS[value.lower()] if key in _BOOLEANS else value
    return bucket, settings
