# SPDX-License-Identifier: Apache-2.0
"""Where a connection goes, and how: the settings of a connection and the object made from them."""

from __future__ import annotations

from typing import Any

from libcloud import __version__
from libcloud.common.address import default_host, split_url
from libcloud.utils.hosts import authority, without_brackets
from libcloud.utils.lazy import LazyAttribute

__all__ = ["ConnectionSettings"]


class ConnectionSettings:
    """Host, port, proxy, times and names of a connection.

    :param secure: use https.
    :param host: name or address; an IPv6 address with or without brackets; ``None``: the class
        attribute.
    :param port: ``None``: 443 or 80.
    :param url: in place of ``host``, ``port`` and ``secure``; its path comes before each action.
    :param timeout: seconds to connect, seconds without a byte to or from the server, and, when
        retries are on, seconds for all attempts together; or a pair of the first two. ``None``: the
        defaults of :mod:`libcloud.http`.
    :param proxy_url: ``scheme://[user:password@]host:port``.
    :param retry_delay: seconds before the second attempt.
    :param backoff: factor of the delay after each attempt.
    :raises ValueError: ``secure`` is false and the class does not allow that.
    """

    conn_class: Any = LazyAttribute("libcloud.http", "LibcloudConnection")
    """What sends. Called with keyword arguments only."""

    conn_classes: Any = None
    """In place of ``conn_class``: a class for http and one for https, as tests of 0.x set it."""

    connection: Any = None
    host: Any = "127.0.0.1"
    """Name or address; ``None`` in a subclass that sets it later, before a request."""

    port: Any = 443
    """The port; or a pair, for http and for https."""

    timeout: Any = None
    secure: Any = 1
    driver: Any = None
    backoff: Any = None
    retry_delay: Any = None
    allow_insecure = True

    follow_redirects: bool | None = None
    """``False`` for requests with credentials that no other host may see; ``None``: the default."""

    bare_keys = False
    """Whether a parameter whose value is ``None`` is sent as its name alone; otherwise the value is
    the text ``None``, which is what drivers of Apache Libcloud sign."""

    total_timeout: float | None = None
    """Seconds for a request and its answer as a whole; ``None``: no limit. See
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

    def set_http_proxy(self, proxy_url: str) -> None:
        """Send everything through a proxy, from the next connect on.

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
        """Make the object that sends. The network is not touched.

        :param base_url: in place of ``host`` and ``port``; its path is ignored.
        :param kwargs: handed to ``conn_class``.
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
        """Add the name of an application to the header User-Agent."""
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

    def _default_port(self) -> int | str:
        usual = 443 if self.secure else 80
        port = self.port
        if isinstance(port, (tuple, list)) and len(port) == 2:  # for http and for https
            port = port[1] if self.secure else port[0]
        return usual if port in (None, 80, 443) else port

    def _tuple_from_url(self, url: str) -> tuple[str, int, int, str]:
        """Host, port, secure and path of ``url``."""
        return split_url(url)
