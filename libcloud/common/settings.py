# SPDX-License-Identifier: Apache-2.0
"""The settings of a connection, and the HTTP connection that is created from them."""

from __future__ import annotations

from typing import Any

from libcloud import __version__
from libcloud.common.address import default_host, split_url
from libcloud.utils.headers import authority, without_brackets
from libcloud.utils.lazy import LazyAttribute


class ConnectionSettings:
    """Host, port, proxy, timeouts and user agent of a connection.

    :param secure: use https.
    :param host: name or address; an IPv6 address with or without brackets; ``None``: the class
        attribute.
    :param port: ``None``: 443 or 80.
    :param url: replaces ``host``, ``port`` and ``secure``; its path is prepended to each action.
    :param timeout: connect and read timeout in seconds, and with retries also the limit for all
        attempts together; or a pair (connect, read). ``None``: the defaults of
        :mod:`libcloud.http`.
    :param proxy_url: ``scheme://[user:password@]host:port``.
    :param retry_delay: seconds before the second attempt.
    :param backoff: factor by which the delay grows after each attempt.
    :raises ValueError: ``secure`` is false and the class does not allow that.
    """

    conn_class: Any = LazyAttribute("libcloud.http", "LibcloudConnection")
    """The class of the HTTP connection. Called with keyword arguments only."""

    conn_classes: Any = None
    """In place of ``conn_class``: a class for http and one for https, as tests of 0.x set it."""

    connection: Any = None
    host: Any = "127.0.0.1"
    """Name or address; ``None`` in a subclass that sets it later, before a request."""

    port: Any = 443
    """The port, or a pair of ports for http and https."""

    timeout: Any = None
    secure: Any = 1
    driver: Any = None
    backoff: Any = None
    retry_delay: Any = None
    allow_insecure = True

    follow_redirects: bool | None = None
    """``False`` if requests contain credentials for this host only; ``None``: the default."""

    bare_keys = False
    """Whether a parameter with the value ``None`` is sent without a value. Otherwise the value is
    the text ``None``, which drivers of Apache Libcloud sign."""

    total_timeout: float | None = None
    """Seconds for a whole request and its response; ``None``: no limit. See
    :class:`~libcloud.http.LibcloudConnection`."""

    def __init__(
        self,
        secure: Any = True,
        host: str | None = None,
        port: int | str | None = None,
        url: str | None = None,
        timeout: Any = None,
        proxy_url: str | None = None,
        retry_delay: Any = None,
        backoff: Any = None,
    ) -> None:
        self.secure = 1 if secure else 0
        self.ua: list[str] = []
        self.request_path = ""
        if not self.allow_insecure and not secure:
            raise ValueError("Non https connections are not allowed (use secure=True)")
        if url:
            self.host, self.port, self.secure, self.request_path = self._tuple_from_url(url)
        else:
            host = host or default_host(self.host)
            # An IPv6 address is kept without brackets; a connection class may have no host at all.
            self.host = without_brackets(str(host)) if host else host
            self.port = port if port is not None else self._default_port()
        self.timeout = timeout or self.timeout
        self.retry_delay = retry_delay or self.retry_delay
        self.backoff = backoff or self.backoff
        self.proxy_url = proxy_url

    def __repr__(self) -> str:
        """Provider and endpoint; no credentials."""
        provider = getattr(self.driver, "name", None)
        shown = f"provider={provider}, " if provider else ""
        return f"<{type(self).__name__}: {shown}endpoint={self._endpoint}>"

    def set_http_proxy(self, proxy_url: str) -> None:
        """Send all requests through a proxy.

        :param proxy_url: ``scheme://[user:password@]host:port``.
        """
        self.proxy_url = proxy_url
        if self.connection is not None:
            self.connection.set_http_proxy(proxy_url=proxy_url)

    def connect(
        self,
        host: str | None = None,
        port: int | str | None = None,
        base_url: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Create the HTTP connection object; nothing is sent.

        :param base_url: replaces ``host`` and ``port``; its path is ignored.
        :param kwargs: passed to ``conn_class``.
        """
        secure = self.secure
        if base_url is not None:
            host, port, secure, _ = self._tuple_from_url(base_url)
        kwargs.update(host=host or self.host, port=int(port or self.port), secure=secure)
        for name in ("timeout", "proxy_url", "cert_file", "key_file", "ca_cert"):
            value = getattr(self, name, None)
            if value and name not in kwargs:
                kwargs[name] = value
        http, https = self.conn_classes or (None, None)
        conn_class = (https or http if secure else http or https) or self.conn_class
        connection = conn_class(**kwargs)
        if self.follow_redirects is not None:
            connection.follow_redirects = self.follow_redirects
        if self.total_timeout is not None:
            connection.total_timeout = self.total_timeout
        self.connection = connection

    def user_agent_append(self, token: str) -> None:
        """Append the name of an application to the User-Agent header."""
        self.ua.append(token)

    def _user_agent(self) -> str:
        name = getattr(self.driver, "name", None)
        driver = f" ({name})" if name else ""
        applications = "".join([f"({token})" for token in self.ua])
        return f"libcloud/{__version__}{driver} {applications}"

    def _host_header(self) -> str:
        return authority(self.host, int(self.port), scheme=self._scheme)

    @property
    def _scheme(self) -> str:
        return "https" if self.secure else "http"

    @property
    def _endpoint(self) -> str:
        """The base URL, for messages: without a user and without a proxy."""
        port = int(self.port) if str(self.port).isdecimal() else None
        host = authority(str(self.host), port, scheme=self._scheme)
        return f"{self._scheme}://{host}{vars(self).get('request_path') or ''}"

    def _default_port(self) -> int | str:
        usual = 443 if self.secure else 80
        port = self.port
        if isinstance(port, (tuple, list)) and len(port) == 2:  # for http and for https
            port = port[1] if self.secure else port[0]
        return usual if port in (None, 80, 443) else port

    def _tuple_from_url(self, url: str) -> tuple[str, int, int, str]:
        return split_url(url)
