# SPDX-License-Identifier: Apache-2.0
"""Arguments of a driver that concern access to the store: endpoint, credentials, timeouts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from libcloud.common.aws import SignedAWSConnection
from libcloud.storage.s3.connection import BaseS3Connection
from libcloud.storage.s3.endpoint import Addressing, Endpoint, parse_endpoint
from libcloud.utils.arguments import kind_of, seconds

if TYPE_CHECKING:
    from libcloud.common.credentials import Credentials
    from libcloud.storage.s3.profiles import S3Profile

CHECKSUM_CALCULATIONS = ("when_supported", "when_required")
"""When checksums are sent: the values of AWS_REQUEST_CHECKSUM_CALCULATION."""


@dataclass(frozen=True, slots=True)
class AccessOptions:
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

    def check(self, key: str | None, secret: str | None) -> tuple[str, str | None]:
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
        if key is None:
            raise TypeError(
                "credentials are needed: pass key and secret, ex_credentials, or ex_anonymous"
            )
        return key, secret

    def apply(self, driver: Any, path: str) -> None:
        """Configure the connection of ``driver``, which has not been used yet.

        :param path: of the endpoint: the prefix of all paths.
        """
        connection = driver.connection
        if path:
            connection.request_path = path
        self._set_addressing(connection, driver.profile)
        if self.credentials is not None:
            _set_credentials(_own_connection(connection, "ex_credentials"), self.credentials)
        if self.anonymous:
            _own_connection(connection, "ex_anonymous").anonymous = True
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


def _set_credentials(connection: BaseS3Connection, provider: Callable[[], Credentials]) -> None:
    from libcloud.common.credentials.provider import CredentialProvider

    if not isinstance(provider, CredentialProvider):
        provider = CredentialProvider(provider, now=connection.server_time)
    connection.credential_provider = provider


def _own_connection(connection: Any, keyword: str) -> BaseS3Connection:
    """The connection, if it supports other credentials than its arguments."""
    if not isinstance(connection, BaseS3Connection):
        raise TypeError(f"{keyword}: {type(connection).__name__} has fixed credentials")
    return connection


def endpoint_of(
    url: str | None, host: str | None = None, port: int | str | None = None
) -> Endpoint | None:
    """The endpoint of a keyword ``endpoint_url``; ``None`` without one.

    :param host: checked; must not be passed together with ``url``.
    :param port: likewise.
    :raises TypeError: an argument is not text, or ``port`` is not a number.
    :raises ValueError: ``url`` and another are passed, or one is invalid.
    """
    if url is None:
        _check_host(host, port)
        return None
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
