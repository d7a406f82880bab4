# SPDX-License-Identifier: Apache-2.0
"""The settings of a connection: proxy, certificates, session."""

from __future__ import annotations

import warnings
from typing import Any
from urllib.parse import urlsplit

import libcloud.security
from libcloud.http.connections import Pools


class _LazySession:
    """A session that is created on first use. Assigning another one to an object replaces it."""

    def __get__(self, connection: Any, owner: type | None = None) -> Any:
        known = vars(connection) if connection is not None else {}
        if "_pools" not in known:  # not initialized, as mocks
            return None
        from libcloud.http.session import Session

        made = Session(connection._timeout, known["_pools"])
        # Threads that get here at the same time all get the session of the first.
        return known.setdefault("session", made)


class LibcloudBaseConnection:
    """Settings of a connection: proxy, certificates, session."""

    host: Any = None
    session: Any = _LazySession()
    proxy_scheme: str | None = None
    proxy_host: str | None = None
    proxy_port: int | None = None
    proxy_username: str | None = None
    proxy_password: str | None = None
    http_proxy_used = False
    ca_cert: str | None = None
    verify: bool | str = True

    _pools: Pools
    _timeout: Any = None  # of the session

    def __init__(self) -> None:
        self._pools = Pools()

    @property
    def _session(self) -> Any:
        """The session; ``None``: none was needed yet."""
        return vars(self).get("session", type(self).session)

    def set_http_proxy(self, proxy_url: str) -> None:
        """Send all requests through a proxy, regardless of the environment.

        :param proxy_url: ``scheme://host:port`` or ``scheme://user:password@host:port``.
        :raises ValueError: the URL does not have this form.
        """
        parts = self._parse_proxy_url(proxy_url=proxy_url)
        self.proxy_scheme, self.proxy_host, self.proxy_port = parts[:3]
        self.proxy_username, self.proxy_password = parts[3:]
        self.http_proxy_used = True
        # Unchanged, with brackets around an IPv6 address, but without a path.
        url = f"{self.proxy_scheme}://{urlsplit(proxy_url).netloc}"
        self.session.proxies = {"http": url, "https": url}

    def _parse_proxy_url(
        self, proxy_url: str
    ) -> tuple[str, str | None, int, str | None, str | None]:
        """Return scheme, host, port, user and password of a proxy."""
        parsed = urlsplit(proxy_url)
        if parsed.scheme not in ("http", "https"):
            raise ValueError("Only http and https proxies are supported")
        if not parsed.hostname or not parsed.port:
            raise ValueError(
                "proxy_url must be in the following format: <scheme>://<proxy host>:<proxy port>"
            )
        user, at, _ = parsed.netloc.rpartition("@")
        if not at:
            return parsed.scheme, parsed.hostname, parsed.port, None, None
        name, colon, password = user.partition(":")
        if not colon:
            raise ValueError("URL is in an invalid format")
        return parsed.scheme, parsed.hostname, parsed.port, name, password

    def _setup_verify(self) -> None:
        self.verify = libcloud.security.VERIFY_SSL_CERT

    def _setup_ca_cert(self, **kwargs: Any) -> None:
        """Set the file of trusted certificates: ``ca_cert``, or what ``libcloud.security`` says."""
        if self.verify is False:
            return
        if "ca_cert" in kwargs:
            ca_cert = kwargs["ca_cert"]
        else:
            secure = not str(self.host).startswith("http:")
            ca_cert = libcloud.security.trusted_certificates(secure=secure)
        if isinstance(ca_cert, list):
            warnings.warn(
                "A list of certificate files is not supported; the first one is used.",
                DeprecationWarning,
                stacklevel=2,
            )
            ca_cert = ca_cert[0]
        self.ca_cert = ca_cert

    def _setup_signing(self, cert_file: str | None = None, key_file: str | None = None) -> None:
        if cert_file or key_file:
            from libcloud.http.adapter import SignedHTTPSAdapter

            self.session.mount("https://", SignedHTTPSAdapter(cert_file, key_file))
