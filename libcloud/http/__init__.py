# SPDX-License-Identifier: Apache-2.0
"""HTTP requests: one session of the library requests for each connection.

The only package that imports requests. It guarantees what storage needs and requests does not: the
path and query of a URL are sent byte for byte as given, a body of bytes is neither copied nor given
a content type, every request has a timeout, and threads can share a connection.

May import ``libcloud.utils`` and ``libcloud.security``. Tests: ``test/test_http*.py``.
"""

from __future__ import annotations

import http.client
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, nullcontext
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.poolmanager import PoolManager

import libcloud.security
from libcloud.common.types import LibcloudError
from libcloud.http.adapter import SignedHTTPSAdapter, split_url
from libcloud.http.errors import NetworkError, is_transient, network_error, never_sent
from libcloud.http.fast_path import FastRequest
from libcloud.http.secrets import redact_error
from libcloud.http.session import Session
from libcloud.http.timeouts import Deadline
from libcloud.utils.bodies import Pieces, sendable
from libcloud.utils.headers import authority
from libcloud.utils.local import PerThread

__all__ = [
    "ALLOW_REDIRECTS",
    "DEFAULT_CONNECT_TIMEOUT",
    "DEFAULT_REQUEST_TIMEOUT",
    "HTTPAdapter",
    "HTTPResponse",
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
"""Whether connections whose ``follow_redirects`` is ``None`` follow redirects."""

DEFAULT_REQUEST_TIMEOUT = 60
"""Default read timeout of connections, seconds."""

DEFAULT_CONNECT_TIMEOUT = 10
"""Default connect timeout of connections, seconds."""

# A response keeps its request, and with it the body that was sent. Bodies larger than this are
# removed from it, so that a part does not occupy memory after it was sent.
_KEPT_BODY_SIZE = 64 * 1024

_NO_DEADLINE = nullcontext()

# Methods of a session that tests and programs replace.
_REPLACEABLE = frozenset({"request", "send", "get_adapter", "prepare_request"})


class LibcloudBaseConnection:
    """Settings of a connection: proxy, certificates, session."""

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
    """A connection to one host. Threads may share it: each gets the response to its own request.

    :param host: name or address; ``None``: only absolute URLs can be requested.
    :param port: ``None``: the default port of the scheme.
    :param secure: use https; ``None``: if ``port`` is 443.
    :param kwargs: ``timeout`` in seconds, for connecting and for reading or writing (``None``: the
        defaults of this module), ``proxy_url``, ``cert_file``, ``key_file``, ``ca_cert``.
    """

    host: Any = None
    timeout: float | None = None
    response: Any = PerThread()
    _extended_timeout: Any = PerThread(0.0)

    connect_timeout: float | None = None
    """Connect timeout in seconds; ``None``: the same as the read timeout."""

    total_timeout: float | None = None
    """Seconds for a whole request and its response, including the body unless it is streamed;
    ``None``: no limit. Uses one thread per request."""

    max_concurrency: int | None = None
    """Maximum number of concurrent requests; ``None``: unlimited.

    See :func:`allowed_concurrency`.
    """

    follow_redirects: bool | None = None
    """``None``: as ``ALLOW_REDIRECTS``. A redirect to another host, or from https to http, carries
    no headers that contain credentials, cookies or keys."""

    def __init__(
        self, host: str | None, port: int | None, secure: Any = None, **kwargs: Any
    ) -> None:
        scheme = "https" if secure or (secure is None and port == 443) else "http"
        if host is not None:
            self.host = f"{scheme}://{authority(str(host), port, scheme=scheme)}"
        proxy_url = kwargs.pop("proxy_url", None)
        timeout = kwargs.pop("timeout", None)
        # By name: a class with several bases decides itself how the others are initialized.
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
        """What certificates are verified against: a file, the default (``True``), or nothing."""
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
        """Send a request; :meth:`getresponse` returns the response.

        :param url: path and query as they are sent, or an absolute URL.
        :param body: see :meth:`prepared_request`.
        :param stream: do not read the body of the response.
        :param hooks: hooks of the library requests: ``{"response": function}``.
        """

        def by_requests(url: str, data: Any, headers: Any, **settings: Any) -> Any:
            return self.session.request(
                method=method.lower(), url=url, data=data, headers=headers, hooks=hooks, **settings
            )

        self._send(method, url, body, headers, stream=stream, hooks=hooks, otherwise=by_requests)

    def prepared_request(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: MutableMapping[str, Any] | None = None,
        raw: bool = False,
        stream: bool = False,
    ) -> None:
        """Send a request whose body may exceed memory; :meth:`getresponse` returns the response.

        :param body: a bytes-like object (not copied), text (sent as UTF-8), a file (sent from its
            current position), an iterator, or a form as a dict. An iterator is sent chunked,
            unless a ``Content-Length`` header states its size.
        """

        def by_requests(url: str, data: Any, headers: Any, **settings: Any) -> Any:
            request = requests.Request(method=method, url=url, data=data, headers=headers)
            return self.session.send(self.session.prepare_request(request), **settings)

        # The content of an object may have any size; the caller decides how it is read.
        whole = not stream and method.upper() == "GET"
        self._send(method, url, body, headers, stream=stream, whole=whole, otherwise=by_requests)

    def _send(
        self,
        method: str,
        url: str,
        body: Any,
        headers: Any,
        *,
        stream: bool,
        otherwise: Callable[..., Any],
        hooks: Any = None,
        whole: bool = False,
    ) -> None:
        """Send a request on the fast path, or by requests.

        :param otherwise: sends it by requests: if there are hooks, if the session or its methods
            were replaced, or if the fast path does not support it.
        :param whole: read the body of the response at the end.
        """
        headers = self._normalize_headers(headers=dict(headers or {}))
        session, response = self.session, None
        follows: Any = self.follow_redirects
        follows = ALLOW_REDIRECTS if follows is None else follows
        try:
            with _NO_DEADLINE if self.total_timeout is None else Deadline(self.total_timeout):
                url, data = self._absolute(url), sendable(body)
                settings: dict[str, Any] = {"stream": stream or whole, "timeout": self._limits}
                settings["verify"] = self._existing_certificates()
                if (
                    not hooks
                    and type(session) is Session
                    and _REPLACEABLE.isdisjoint(session.__dict__)
                ):
                    response = session.exchange(
                        method.upper(), url, headers, data, follows=follows, **settings
                    )
                if response is None:
                    response = otherwise(url, data, headers, allow_redirects=follows, **settings)
                if whole:
                    _ = response.content
        except Exception as error:
            redact_error(error, headers)
            raise
        self._keep(response)

    @contextmanager
    def extended_timeout(self, seconds: float) -> Iterator[None]:
        """Raise the read timeout to ``seconds`` in the block, for requests of the calling thread.

        For requests that take the server long to process. A longer timeout is left unchanged.
        """
        outer, self._extended_timeout = self._extended_timeout, seconds
        try:
            yield
        finally:
            self._extended_timeout = outer

    def getresponse(self) -> Any:
        """Return the response to the last request of the calling thread."""
        return self.response

    def getheaders(self) -> Any:
        """Return the headers of the response."""
        return self.response.headers

    @property
    def status(self) -> int:
        """Status of the response."""
        return int(self.response.status_code)

    @property
    def reason(self) -> str | None:
        """Reason of the response."""
        return self.response.reason  # type: ignore[no-any-return]

    def connect(self) -> None:
        """Do nothing: connections are opened when they are needed."""

    def read(self) -> bytes:
        """Return the body of the response."""
        return bytes(self.response.content)

    def close(self) -> None:
        """Close the response to the last request of the calling thread."""
        if self.response is not None:
            self.response.close()

    def _existing_certificates(self) -> bool | str:
        """Return what certificates are verified against.

        :raises LibcloudError: the file does not exist.
        """
        chosen = self.verification
        if isinstance(chosen, str) and self.host.startswith("https") and not os.path.exists(chosen):
            raise LibcloudError(
                f"the file of trusted certificates {chosen} does not exist: see ex_ca_bundle, "
                "CA_CERTS_PATH in libcloud.security, and the variables SSL_CERT_FILE, "
                "REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE"
            )
        return chosen

    @property
    def _limits(self) -> Any:
        """Return the timeout for requests: a pair (connect, read), or one number for both."""
        usual, extended = self.session.timeout, self._extended_timeout
        if isinstance(usual, tuple) and isinstance(usual[1], (int, float)):
            return usual[0], max(usual[1], extended)
        if not isinstance(usual, (int, float)):
            return usual
        connect = self.connect_timeout
        if connect is None or connect > usual:
            connect = usual
        silence = extended if extended > usual else usual
        return usual if connect == silence else (connect, silence)

    def _absolute(self, url: str) -> str:
        if url[:1] == "/" and self.host is not None:
            return f"{self.host}{url}"
        if split_url(url)[0]:
            return url
        if self.host is None:
            raise LibcloudError(
                "The connection has no host: set its host attribute and call connect(), or pass "
                "host to the driver"
            )
        # Without the slash, the path could become part of the host name.
        return f"{self.host}/{url}"

    def _normalize_headers(
        self, headers: MutableMapping[str, Any] | None
    ) -> MutableMapping[str, Any]:
        """Convert numbers in ``headers`` to text, in place; ``None`` becomes an empty dict."""
        headers = {} if headers is None else headers
        for name, value in headers.items():
            if type(value) is not str and isinstance(value, (int, float)):
                headers[name] = str(value)
        return headers

    def _keep(self, response: Any) -> None:
        sent = getattr(response, "request", None)
        body = sent.body if isinstance(sent, requests.PreparedRequest) else None
        if (
            body
            and isinstance(body, (bytes, bytearray, memoryview, Pieces))
            and len(body) > _KEPT_BODY_SIZE
        ):
            if not isinstance(sent, FastRequest):
                kept = requests.PreparedRequest()
                vars(kept).update(vars(sent))
                response.request = sent = kept
            sent.body = None
        self.response = response


_SENDING_METHODS = ("request", "prepared_request", "getresponse", "connect")


def allowed_concurrency(conn_class: Any) -> int | None:
    """Return how many concurrent requests an instance of ``conn_class`` supports; ``None``: any.

    This is the attribute ``max_concurrency``. A class that overrides a sending method without
    setting the attribute, in the class itself or in a subclass, counts as 1: it was written for
    one thread.
    """
    for klass in getattr(conn_class, "__mro__", ()):
        own = klass.__dict__
        if "max_concurrency" in own:
            limit: int | None = own["max_concurrency"]
            return limit
        if any(name in own for name in _SENDING_METHODS):
            return 1
    return 1


class HttpLibResponseProxy:
    """A response of requests with the interface of :class:`http.client.HTTPResponse`."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def read(self, amt: int | None = None) -> str:
        """Return the whole body as text, regardless of ``amt``."""
        return str(self._response.text)

    def getheader(self, name: str, default: Any = None) -> Any:
        """Return the value of a header."""
        return self._response.headers.get(name, default)

    def getheaders(self) -> list[tuple[str, str]]:
        """Return the headers as pairs of name and value."""
        return list(self._response.headers.items())

    @property
    def status(self) -> int:
        """Status of the response."""
        return self._response.status_code  # type: ignore[no-any-return]

    @property
    def reason(self) -> str:
        """Reason of the response."""
        return self._response.reason  # type: ignore[no-any-return]

    @property
    def version(self) -> str:
        """HTTP version without the dot: 11."""
        return "11"

    @property
    def body(self) -> bytes:
        """The whole body."""
        return self._response.content  # type: ignore[no-any-return]


class HTTPResponse(http.client.HTTPResponse):
    """The standard library's response, whose ``read`` returns "" once it is closed.

    Public as ``libcloud.common.base.HTTPResponse``; kept for compatibility.
    """

    def read(self, amt: int | None = None) -> Any:
        """Read at most ``amt`` bytes; return an empty string if the response is closed."""
        return "" if self.fp is None else super().read(amt)
