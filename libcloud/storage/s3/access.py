# SPDX-License-Identifier: Apache-2.0
"""Arguments of a driver that concern access to the store: endpoint, credentials, timeouts.

They can come from the environment, ``~/.aws`` and a URL, as for the AWS tools. Constructors read
none of these: they do what their arguments say, as in Apache Libcloud.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from libcloud.common.aws import SignedAWSConnection
from libcloud.common.credentials import Credentials, CredentialsNotFoundError
from libcloud.storage.arguments import BOOLEANS, check_known_keywords
from libcloud.storage.s3.connection import BaseS3Connection
from libcloud.storage.s3.endpoint import Addressing, parse_endpoint
from libcloud.storage.s3.profiles import AMAZON, GOOGLE, S3Profile, profile_named
from libcloud.utils.arguments import kind_of, seconds
from libcloud.utils.values import Value

if TYPE_CHECKING:
    from libcloud.common.credentials.discovery import Discovery, Setting


CHECKSUM_CALCULATIONS = ("when_supported", "when_required")
"""When checksums are sent: the values of AWS_REQUEST_CHECKSUM_CALCULATION."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AccessOptions(Value):
    """Keywords of a driver, which are documented there; they are applied to its connection."""

    credentials: Callable[[], Credentials] | None = field(repr=False)  # may be a partial
    anonymous: bool
    checksum_calculation: str
    addressing_style: str
    use_dualstack: bool
    use_fips: bool
    total_timeout: float | None
    signature_version: str | int | None
    ca_bundle: str | None

    def check(self, key: str | None, secret: str | None) -> tuple[str | None, str | None]:
        """Check what can be checked before there is a connection; the key and secret to use."""
        seconds("ex_total_timeout", self.total_timeout)
        if self.checksum_calculation not in CHECKSUM_CALCULATIONS:
            raise ValueError(
                f"ex_checksum_calculation is one of {', '.join(CHECKSUM_CALCULATIONS)}, not "
                f"{self.checksum_calculation!r}"
            )
        if self.anonymous and (key is not None or self.credentials is not None):
            raise TypeError("ex_anonymous takes the place of key, secret and ex_credentials")
        if self.anonymous or self.credentials is not None:
            return key or "", secret or ""
        return key, secret

    def apply(self, driver: Any, path: str) -> None:
        """Configure the connection of ``driver``; ``path`` of the endpoint precedes all paths."""
        connection = driver.connection
        if path:
            connection.request_path = path
        self._set_addressing(connection, driver.profile)
        is_asked = self.anonymous or self.credentials is not None
        if is_asked and not isinstance(connection, BaseS3Connection):
            keyword = "ex_anonymous" if self.anonymous else "ex_credentials"
            raise TypeError(f"{keyword}: {type(connection).__name__} has fixed credentials")
        if self.anonymous:
            connection.anonymous = True
        elif self.credentials is not None:
            connection.credential_provider = _provider(self.credentials, connection)
        version = "4" if isinstance(connection, SignedAWSConnection) else "2"
        if self.signature_version is not None and str(self.signature_version) != version:
            raise ValueError(
                f"Invalid signature_version: {type(driver).__name__} signs by version {version} "
                "only"
            )
        if self.ca_bundle is not None:
            connection.ca_cert = self.ca_bundle
            connection.connect()
        if self.total_timeout is not None:
            connection.total_timeout = self.total_timeout
            connection.connection.total_timeout = self.total_timeout

    def _set_addressing(self, connection: Any, profile: S3Profile) -> None:
        if isinstance(connection, BaseS3Connection):
            connection.addressing = Addressing(
                profile,
                host=connection.host,
                secure=bool(connection.secure),
                style=self.addressing_style,
                dualstack=self.use_dualstack,
                fips=self.use_fips,
            )
        elif self.addressing_style != "path":
            kind = type(connection).__name__
            raise TypeError(f"ex_addressing_style: {kind} supports only the style 'path'")


def _provider(source: Callable[[], Credentials], connection: BaseS3Connection) -> Any:
    from libcloud.common.credentials.provider import CredentialProvider

    is_one = isinstance(source, CredentialProvider)
    return source if is_one else CredentialProvider(source, now=connection.server_time)


def endpoint_of(
    url: str | None, host: str | None, port: int | None, secure: bool
) -> tuple[str | None, bool, int | None, str]:
    """Host, security, port and path: those of a keyword ``endpoint_url``, or else the arguments."""
    if url is None:
        _check_host(host, port)
        return host, secure, port, ""
    if not isinstance(url, str):
        raise TypeError(f"endpoint_url must be a str, not {kind_of(url)}")
    if host is not None or port is not None:
        raise ValueError("endpoint_url specifies host and port: pass one of them")
    return parse_endpoint(url)


def _check_host(host: object, port: object) -> None:
    if host is not None and not isinstance(host, str):
        raise TypeError(f"host must be a str, not {kind_of(host)}")
    if host and ("/" in host or "@" in host or any(map(str.isspace, host))):
        # Not quoted, because it may contain credentials.
        raise ValueError(
            "host must be a host name or an address only: pass a URL as "
            "endpoint_url='http://HOST:PORT' instead of host, port and secure"
        )
    if host and port is not None and (host.count(":") == 1 or "]:" in host):
        raise ValueError("host contains a port, and port is passed as well: pass one of them")
    if isinstance(port, bool) or not isinstance(port, (int, str, type(None))):
        raise TypeError(f"port must be a number, not {kind_of(port)}")
    if isinstance(port, str) and not port.isdecimal():
        raise ValueError(f"port must be a number, such as 9000, not {port[:20]!r}")


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
"""Parameters of a URL, and the keyword of each; see :func:`~.arguments.container_url`."""


def settings_from_env(
    kind: Any,
    options: Mapping[str, Any],
    *,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
) -> dict[str, Any]:
    """The keyword arguments for ``from_env`` of the driver class ``kind``."""
    check_known_keywords(kind, options)
    own = any(options.get(name) for name in ("key", "ex_credentials", "ex_anonymous"))
    key, secret = options.get("key"), options.get("secret")
    named = options.get("ex_s3_profile")
    store = profile_named(named) if named else options.get("ex_profile")
    found = find_settings(
        kind,
        profile=profile,
        region=region,
        endpoint_url=endpoint_url,
        # Servers that behave like Amazon's use its profile: it names no place.
        store=None if store is AMAZON else store,
        credentials=Credentials(key, secret or "") if key else None,
    )
    if found.provider is None and not own:
        raise CredentialsNotFoundError(f"no credentials: {found.missing}", hint=found.hint)
    if options.get("ex_ca_bundle"):
        found = found._replace(ca_bundle=None)
    settings = driver_options(kind, found._replace(provider=None) if own else found)
    if options.get("host") and not endpoint_url:
        settings.pop("endpoint_url", None)
    return {**settings, **options}


def find_settings(
    kind: Any,
    *,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    store: S3Profile | None = None,
    credentials: Credentials | None = None,
) -> Discovery:
    """Credentials, region and endpoint for the driver class ``kind``, with their origins.

    A store that has its own hosts has its own regions, so those of the environment are not used.

    :param store: the store that the caller names; ``None``: that of the class.
    """
    from libcloud.common.credentials.discovery import discover, without_store_settings

    at = store or kind.profile
    variables = () if profile else at.key_variables
    found = discover(
        credentials=credentials,
        profile=profile,
        region=region,
        endpoint_url=endpoint_url,
        variables=variables,
    )
    if store is None and at is AMAZON:
        has_fixed_place = bool(kind.ex_location_name)  # the classes of single regions
    else:
        has_fixed_place = bool(at.hosts or at.host_pattern)
    # The driver for S3 cannot use the key file of a service account.
    if kind.profile is GOOGLE and credentials is None:
        from libcloud.common.credentials import google

        of_google = google.find_google_credentials(found, os.environ)
        found = of_google._replace(ca_bundle=found.ca_bundle)
    if has_fixed_place:
        return without_store_settings(found, region=region, endpoint_url=endpoint_url)
    return found


def driver_options(kind: Any, found: Discovery) -> dict[str, Any]:
    """The keyword arguments of the driver class ``kind`` for what was found."""
    settings: dict[str, Any] = {}
    for name, setting in (
        ("region", found.region),
        ("endpoint_url", found.endpoint_url),
        ("ex_addressing_style", found.addressing_style),
        ("ex_checksum_calculation", found.checksums),
    ):
        if setting is not None:
            settings[name] = setting.value
    if found.ca_bundle is not None:
        settings["ex_ca_bundle"] = _existing(found.ca_bundle)
    if kind.profile is GOOGLE:  # whose driver has keys, and only one addressing style
        if found.provider is not None:
            from libcloud.common.credentials import google

            keys = found.provider()
            google.require_google_key(keys.key)
            settings.update(key=keys.key, secret=keys.secret)
        return settings
    settings.setdefault("ex_addressing_style", "auto")
    if found.provider is not None:
        settings["ex_credentials"] = found.provider
    for name, setting in (
        ("ex_use_dualstack", found.use_dualstack),
        ("ex_use_fips", found.use_fips),
    ):
        if setting is not None and found.endpoint_url is None:
            if setting.value not in BOOLEANS:
                text = f"{setting.origin} is {setting.value!r}, which is neither true nor false"
                raise ValueError(text)
            settings[name] = BOOLEANS[setting.value]
    return settings


def _existing(setting: Setting) -> str:
    path = os.path.expanduser(setting.value)
    if not os.path.exists(path):
        raise ValueError(f"{setting.origin} names {path} for trusted certificates: no such file")
    return path
