# SPDX-License-Identifier: Apache-2.0
"""Keywords of all S3 drivers that concern how the store is reached, and who asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from libcloud.common.aws import SignedAWSConnection
from libcloud.storage import s3
from libcloud.storage.arguments import check_known_keywords, check_settings
from libcloud.storage.base import StorageDriver
from libcloud.storage.s3.connection import BaseS3Connection
from libcloud.storage.s3.endpoint import Addressing
from libcloud.storage.s3.profiles import GENERIC, S3Profile
from libcloud.utils.arguments import kind_of, seconds

if TYPE_CHECKING:
    from libcloud.common.credentials import Credentials
    from libcloud.storage.s3.endpoint import Endpoint

__all__ = ["CHECKSUM_CALCULATIONS", "S3Access", "endpoint_of"]

CHECKSUM_CALCULATIONS = ("when_supported", "when_required")
"""When checksums are sent; the words are those of AWS_REQUEST_CHECKSUM_CALCULATION."""


def endpoint_of(
    url: str | None, host: str | None = None, port: int | str | None = None
) -> Endpoint | None:
    """The endpoint of a keyword ``endpoint_url``; ``None`` without one.

    :param host: must not be given as well; it is checked.
    :param port: likewise.
    :raises TypeError: an argument is not text, or ``port`` is no number.
    :raises ValueError: both are given, ``url`` is no endpoint, or ``host`` is no host.
    """
    if url is None:
        _check_host(host, port)
        return None
    if not isinstance(url, str):
        raise TypeError(f"endpoint_url must be a str, not {kind_of(url)}")
    if host is not None or port is not None:
        raise ValueError("endpoint_url says what host and port say: pass one of them")
    return s3.endpoint.parse_endpoint(url)


def _check_host(host: object, port: object) -> None:
    if host is not None and not isinstance(host, str):
        raise TypeError(f"host must be a str, not {kind_of(host)}")
    if host and ("/" in host or "@" in host or any(map(str.isspace, host))):
        # Not shown: it may hold credentials.
        raise ValueError(
            "host is the name of a host, or its address, and nothing else: pass a URL as "
            "endpoint_url='http://HOST:PORT', in place of host, port and secure"
        )
    if host and port is not None and (host.count(":") == 1 or "]:" in host):
        raise ValueError("host has a port, and port is given as well: pass one of them")
    if isinstance(port, bool) or not isinstance(port, (int, str, type(None))):
        raise TypeError(f"port must be a number, not {kind_of(port)}")
    if isinstance(port, str) and not port.isdecimal():
        raise ValueError(f"port must be a number, such as 9000, not {port[:20]!r}")


class S3Access(StorageDriver):
    """A driver whose credentials may come from a function.

    :param ex_credentials: gives the credentials of the moment, for ones that do not last; in place
        of ``key``, ``secret`` and ``token``. It is called when they are about to expire and when
        the store refuses them, by one thread at a time. A
        :class:`~libcloud.common.credentials.provider.CredentialProvider` is used as it is.
    :param ex_anonymous: sign nothing, for containers that anybody may read; in place of all
        credentials.
    :param ex_checksum_calculation: ``"when_supported"``: an upload carries the checksum that the
        store is known to check. ``"when_required"``: none that nobody asked for, but the SHA-256
        that is part of the signature.
    :param endpoint_url: in place of ``host``, ``port`` and ``secure``: ``https://HOST:PORT``, and a
        path that all paths of the store begin with, if it has one.
    :param ex_addressing_style: where the bucket of a request stands: ``"path"``, as in Apache
        Libcloud, ``"virtual"`` (in the name of the host, if the name of the bucket allows it), or
        ``"auto"``: so with Amazon and where a store wants it so, elsewhere in the path.
    :param ex_total_timeout: seconds for a request and its answer as a whole, however lively they
        are; ``None``: no limit. Bodies of downloads are not included.
    :param signature_version: checked, in drivers for stores that know one version only.
    :param ex_ca_bundle: file, or directory, of the certificates of trusted authorities; ``None``:
        see :mod:`libcloud.security`.
    :raises TypeError: there is neither ``key`` nor ``ex_credentials`` nor ``ex_anonymous``, or more
        than one of them; or the connection is not one that can do without its own credentials.
    :raises ValueError: ``endpoint_url`` is none, or there is a ``host`` beside it; or there is no
        such style or choice.
    """

    profile: S3Profile = GENERIC
    _checksum_calculation = "when_supported"

    def __init__(
        self,
        key: str | None = None,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        api_version: str | None = None,
        region: str | None = None,
        *,
        ex_credentials: Callable[[], Credentials] | None = None,
        ex_anonymous: bool = False,
        ex_checksum_calculation: str = "when_supported",
        endpoint_url: str | None = None,
        ex_addressing_style: str = "path",
        ex_use_dualstack: bool = False,
        ex_use_fips: bool = False,
        ex_total_timeout: float | None = None,
        signature_version: str | int | None = None,
        ex_ca_bundle: str | None = None,
        **kwargs: Any,
    ) -> None:
        check_known_keywords(type(self), kwargs)
        check_settings(kwargs)
        seconds("ex_total_timeout", ex_total_timeout)
        if ex_anonymous and (key is not None or ex_credentials is not None):
            raise TypeError("ex_anonymous takes the place of key, secret and ex_credentials")
        if ex_anonymous or ex_credentials is not None:
            key, secret = key or "", secret or ""
        elif key is None:
            raise TypeError(
                "credentials are needed: pass key and secret, ex_credentials, or ex_anonymous"
            )
        if ex_checksum_calculation not in CHECKSUM_CALCULATIONS:
            raise ValueError(
                f"ex_checksum_calculation is one of {', '.join(CHECKSUM_CALCULATIONS)}, not "
                f"{ex_checksum_calculation!r}"
            )
        self._checksum_calculation = ex_checksum_calculation
        endpoint = endpoint_of(endpoint_url) or endpoint_of(None, host, port)
        if endpoint is not None and host is None:
            host, port, secure = endpoint.host, endpoint.port, endpoint.secure
        super().__init__(key, secret, secure, host, port, api_version, region, **kwargs)
        if endpoint is not None and endpoint.path:
            self.connection.request_path = endpoint.path
        self._set_addressing(ex_addressing_style, dualstack=ex_use_dualstack, fips=ex_use_fips)
        if ex_credentials is not None:
            self._take_credentials_from(ex_credentials)
        if ex_anonymous:
            self._own_connection("ex_anonymous").anonymous = True
        if signature_version is not None and str(signature_version) != self._signature_version():
            raise ValueError(
                f"Invalid signature_version: {type(self).__name__} signs by version "
                f"{self._signature_version()} only"
            )
        if ex_ca_bundle is not None:
            # From now on; nothing was sent yet.
            self.connection.ca_cert = ex_ca_bundle
            self.connection.connect()
        if ex_total_timeout is not None:
            self.connection.total_timeout = ex_total_timeout
            self.connection.connection.total_timeout = ex_total_timeout

    def _signature_version(self) -> str:
        return "4" if isinstance(self.connection, SignedAWSConnection) else "2"

    def _set_addressing(self, style: str, *, dualstack: bool, fips: bool) -> None:
        connection = self.connection
        if not isinstance(connection, BaseS3Connection):
            if style != "path":
                kind = type(connection).__name__
                raise TypeError(f"ex_addressing_style: {kind} supports only the style 'path'")
            return
        connection.addressing = Addressing(
            self.profile,
            host=connection.host,
            secure=bool(connection.secure),
            style=style,
            dualstack=dualstack,
            fips=fips,
        )

    def _take_credentials_from(self, provider: Callable[[], Credentials]) -> None:
        from libcloud.common.credentials.provider import CredentialProvider

        connection = self._own_connection("ex_credentials")
        if not isinstance(provider, CredentialProvider):
            provider = CredentialProvider(provider, now=connection.server_time)
        connection.credential_provider = provider

    def _own_connection(self, keyword: str) -> BaseS3Connection:
        """Return the connection if it supports other credentials than its arguments.

        :raises TypeError: it does not, because it is the class of another project.
        """
        connection = self.connection
        if not isinstance(connection, BaseS3Connection):
            raise TypeError(f"{keyword}: {type(connection).__name__} has fixed credentials")
        return connection
