# SPDX-License-Identifier: Apache-2.0
"""Requests over HTTP: one session of the library requests for each connection.

The only package that imports requests. It promises what storage needs and requests does not give by
itself: the path and query of a URL go on the wire byte for byte as they are given, a body of bytes
is neither copied nor given a content type, every request has a timeout, and a connection can be
shared by threads.

What for: sending one request and getting its answer. May import: ``libcloud.utils`` and
``libcloud.security``. Proof: ``test/test_http*.py``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.poolmanager import PoolManager

import libcloud.security
from libcloud.common.types import LibcloudError
from libcloud.http.adapter import SignedHTTPSAdapter, split_url
from libcloud.http.errors import NetworkError, is_transient, network_error, never_sent
from libcloud.http.plain import PlainRequest
from libcloud.http.response import HttpLibResponseProxy
from libcloud.http.secrets import redacting
from libcloud.http.session import Session
from libcloud.http.timeouts import Deadline
from libcloud.utils.bodies import Pieces, sendable
from libcloud.utils.hosts import authority
from libcloud.utils.per_thread import PerThread

__all__ = [
    "ALLOW_REDIRECTS",
    "DEFAULT_CONNECT_TIMEOUT",
    "DEFAULT_REQUEST_TIMEOUT",
    "HTTPAdapter",
    "HttpLibResponseProxy",
    "LibcloudBaseConnection",
    "LibcloudConnection",
    "NetworkError",
    "PoolManager",
    "SignedHTTPSAdapter",
    "allowed_concurrency",
    "is_transient",
    "network_error",
    "never_sent",
]

ALLOW_REDIRECTS = 1
"""Whether redirects are followed by connections that leave ``follow_redirects`` at ``None``."""

DEFAULT_REQUEST_TIMEOUT = 60
"""Seconds without a byte from the server, where the connection has no timeout of its own."""

DEFAULT_CONNECT_TIMEOUT = 10
"""Seconds to connect, where the connection has no timeout of its own."""

# A response keeps its request, and so the body that was sent, for as long as it lives. Larger
# bodies than this are dropped from it: a part that was sent must not take memory any longer.
_KEPT_BODY_SIZE = 64 * 1024


class LibcloudBaseConnection:
    """The settings of a connection: proxy, certificates, session."""

    session: Any = None
    proxy_scheme: str | None = None
    proxy_host: str | None = None
    proxy_port: int | None = None
    proxy_username: str | None = None
    proxy_password: str | None = None
    http_proxy_used = False
    ca_cert: str | None = None
    verify = True

    def __init__(self) -> None:
        self.session = Session()

    def set_http_proxy(self, proxy_url: str) -> None:
        """Send everything through a proxy, whatever the environment says.

        :param proxy_url: ``scheme://host:port`` or ``scheme://user:password@host:port``.
        :raises ValueError: it is not of that form.
        """
        parts = self._parse_proxy_url(proxy_url=proxy_url)
        self.proxy_scheme, self.proxy_host, self.proxy_port = parts[:3]
        self.proxy_username, self.proxy_password = parts[3:]
        self.http_proxy_used = True
        # As it was given, in brackets if it is an IPv6 address, and without a path.
        url = f"{self.proxy_scheme}://{urlsplit(proxy_url).netloc}"
        self.session.proxies = {"http": url, "https": url}

    def _parse_proxy_url(
        self, proxy_url: str
    ) -> tuple[str, str | None, int, str | None, str | None]:
        """Scheme, host, port, user and password of a proxy."""
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
        """Choose the file of trusted certificates: ``ca_cert``, else as security says."""
        if self.verify is False:
            return
        ca_cert = kwargs.get("ca_cert", libcloud.security.trusted_certificates())
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
            self.session.mount("https://", SignedHTTPSAdapter(cert_file, key_file))


class LibcloudConnection(LibcloudBaseConnection):
    """A connection to one host. Threads may share it: each gets the answer to its own request.

    :param host: name or address; ``None``: only whole URLs can be requested.
    :param port: ``None``: the one of the scheme.
    :param secure: use https; ``None``: if ``port`` is 443.
    :param kwargs: ``timeout`` in seconds, to connect and without a byte to or from the server
        (``None``: the defaults of this module), ``proxy_url``, ``cert_file`` and ``key_file``,
        ``ca_cert``.
    """

    host: Any = None
    timeout: float | None = None
    response: Any = PerThread()
    _patience: Any = PerThread(0.0)

    connect_timeout: float | None = None
    """Seconds to connect; ``None``: as long as a silence may last."""

    total_timeout: float | None = None
    """Seconds for a request and its answer as a whole, its body included unless it is left unread;
    ``None``: no limit. Costs a thread for each request."""

    max_concurrency: int | None = None
    """Requests that may run at a time; ``None`` is any number. See :func:`allowed_concurrency`."""

    follow_redirects: bool | None = None
    """``None`` leaves it to ``ALLOW_REDIRECTS``. To another host, or from https to http, a redirect
    takes only headers along that say nothing of who asks: no credentials, no cookies, no keys."""

    def __init__(
        self, host: str | None, port: int | None, secure: Any = None, **kwargs: Any
    ) -> None:
        scheme = "https" if secure or (secure is None and port == 443) else "http"
        if host is not None:
            self.host = f"{scheme}://{authority(str(host), port, scheme=scheme)}"
        proxy_url = kwargs.pop("proxy_url", None)
        timeout = kwargs.pop("timeout", None)
        # By name: a class that mixes in others decides itself how those are initialised.
        LibcloudBaseConnection.__init__(self)
        self._setup_verify()
        self._setup_ca_cert(**{name: kwargs[name] for name in ("ca_cert",) if name in kwargs})
        self._setup_signing(kwargs.get("cert_file"), kwargs.get("key_file"))
        self.session.timeout = DEFAULT_REQUEST_TIMEOUT if timeout is None else timeout
        self.connect_timeout = DEFAULT_CONNECT_TIMEOUT if timeout is None else None
        if proxy_url:
            self.set_http_proxy(proxy_url=proxy_url)

    @property
    def verification(self) -> bool | str:
        """What certificates are checked against: a file, the default (``True``), or nothing."""
        return self.verify if self.ca_cert is None else self.ca_cert

    def request(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: MutableMapping[str, Any] | None = None,
        raw: bool = False,
        stream: bool = False,
        hooks: Mapping[str, Any] | None = None,
    ) -> None:
        """Send a request; :meth:`getresponse` has the answer.

        :param url: path and query as they go on the wire, or a whole URL.
        :param body: see :meth:`prepared_request`.
        :param stream: leave the body of the answer unread.
        :param hooks: callbacks of requests: ``{"response": function}``.
        """
        headers = self._normalize_headers(headers=dict(headers or {}))
        with redacting(headers), self._deadline():
            response = self.session.request(
                method=method.lower(),
                url=self._absolute(url),
                data=sendable(body),
                headers=headers,
                allow_redirects=self._redirects,
                stream=stream,
                verify=self._existing_certificates(),
                timeout=self._limits,
                hooks=hooks,
            )
        self._keep(response)

    def prepared_request(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: MutableMapping[str, Any] | None = None,
        raw: bool = False,
        stream: bool = False,
    ) -> None:
        """Send a request whose body need not fit in memory; :meth:`getresponse` has the answer.

        :param body: bytes of any kind (not copied), text (sent as UTF-8), a file from where it
            stands, an iterator, or a form as a dict. An iterator is sent in chunks, unless a
            header ``Content-Length`` says how much it yields.
        """
        headers = self._normalize_headers(headers=dict(headers or {}))
        request = requests.Request(
            method=method, url=self._absolute(url), data=sendable(body), headers=headers
        )
        # The content of an object may have any size, and is read as the caller has asked for it.
        content = method.upper() == "GET" and not stream
        with redacting(headers), self._deadline():
            response = self.session.send(
                self.session.prepare_request(request),
                stream=stream or content,
                verify=self._existing_certificates(),
                timeout=self._limits,
                allow_redirects=self._redirects,
            )
            if content:
                _ = response.content
        self._keep(response)

    @contextmanager
    def allowing(self, seconds: float) -> Iterator[None]:
        """Let the server be silent for ``seconds``, if that is longer than usual.

        Holds for what the calling thread sends in the block: requests whose answer has to be worked
        out.
        """
        outer, self._patience = self._patience, seconds
        try:
            yield
        finally:
            self._patience = outer

    def getresponse(self) -> Any:
        """The answer to the last request of the calling thread."""
        return self.response

    def getheaders(self) -> Any:
        """Headers of the answer."""
        return self.response.headers

    @property
    def status(self) -> int:
        """Status of the answer."""
        return int(self.response.status_code)

    @property
    def reason(self) -> str | None:
        """Reason of the answer."""
        return self.response.reason  # type: ignore[no-any-return]

    def connect(self) -> None:
        """Nothing: connections are made when they are needed."""

    def read(self) -> bytes:
        """The body of the answer."""
        return bytes(self.response.content)

    def close(self) -> None:
        """Give up the answer to the last request of the calling thread."""
        if self.response is not None:
            self.response.close()

    def _existing_certificates(self) -> bool | str:
        """What certificates are checked against.

        :raises LibcloudError: there is no such file.
        """
        chosen = self.verification
        if isinstance(chosen, str) and self.host.startswith("https") and not os.path.exists(chosen):
            raise LibcloudError(
                f"there is no file of trusted certificates at {chosen}: see ex_ca_bundle, "
                "CA_CERTS_PATH in libcloud.security, and the variables SSL_CERT_FILE, "
                "REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE"
            )
        return chosen

    @property
    def _redirects(self) -> Any:
        return ALLOW_REDIRECTS if self.follow_redirects is None else self.follow_redirects

    @property
    def _limits(self) -> Any:
        """Seconds for requests: to connect and in silence, or one number for both."""
        usual = self.session.timeout
        if isinstance(usual, tuple) and isinstance(usual[1], (int, float)):
            return usual[0], max(usual[1], self._patience)
        if not isinstance(usual, (int, float)):
            return usual
        connect = usual if self.connect_timeout is None else min(self.connect_timeout, usual)
        silence = max(usual, self._patience)
        return usual if connect == silence else (connect, silence)

    def _deadline(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.total_timeout is None else Deadline(self.total_timeout)

    def _absolute(self, url: str) -> str:
        if split_url(url)[0]:
            return url
        if self.host is None:
            raise LibcloudError(
                "The connection has no host: set its attribute host and call connect(), or pass "
                "host to the driver"
            )
        # Without the slash a path could become part of the host's name.
        return f"{self.host}{url if url.startswith('/') else '/' + url}"

    def _normalize_headers(
        self, headers: MutableMapping[str, Any] | None
    ) -> MutableMapping[str, Any]:
        """``headers``, changed in place: numbers become text. New ones for ``None``."""
        headers = {} if headers is None else headers
        for name, value in headers.items():
            if isinstance(value, (int, float)):
                headers[name] = str(value)
        return headers

    def _keep(self, response: Any) -> None:
        sent = getattr(response, "request", None)
        if isinstance(sent, PlainRequest):
            if _is_large(sent.body):
                sent.body = None
        elif isinstance(sent, requests.PreparedRequest) and _is_large(sent.body):
            kept = requests.PreparedRequest()
            vars(kept).update(vars(sent))
            kept.body = None
            response.request = kept
        self.response = response


_SENDING_METHODS = ("request", "prepared_request", "getresponse", "connect")


def allowed_concurrency(conn_class: Any) -> int | None:
    """How many requests may run at a time on one instance of ``conn_class``; ``None``: any number.

    The attribute ``max_concurrency`` says so. But a class that overrides one of the methods which
    send, and neither it nor a class derived from it says anything, counts as 1: it was written
    for one thread.
    """
    for klass in getattr(conn_class, "__mro__", ()):
        if "max_concurrency" in vars(klass):
            limit: int | None = vars(klass)["max_concurrency"]
            return limit
        if any(name in vars(klass) for name in _SENDING_METHODS):
            return 1
    return 1


def _is_large(body: Any) -> bool:
    return isinstance(body, (bytes, bytearray, memoryview, Pieces)) and len(body) > _KEPT_BODY_SIZE
