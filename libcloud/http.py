# SPDX-License-Identifier: Apache-2.0
"""Requests over HTTP: one session of the library requests for each connection.

The only module that imports requests. It promises what storage needs and requests does not give by
itself: the path and query of a URL go on the wire byte for byte as they are given, a body of bytes
is neither copied nor given a content type, every request has a timeout, and a connection can be
shared by threads.
"""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
import threading
import warnings
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import quote, urlsplit

import requests
import urllib3
import urllib3.connection
import urllib3.connectionpool
from requests.adapters import HTTPAdapter
from urllib3.poolmanager import PoolManager

import libcloud.security
from libcloud.utils.bodies import sendable
from libcloud.utils.per_thread import PerThread
from libcloud.utils.redact import redact_text

__all__ = [
    "ALLOW_REDIRECTS",
    "DEFAULT_REQUEST_TIMEOUT",
    "HttpLibResponseProxy",
    "LibcloudBaseConnection",
    "LibcloudConnection",
    "SignedHTTPSAdapter",
    "allowed_concurrency",
    "is_transient",
]

ALLOW_REDIRECTS = 1
"""Whether redirects are followed by connections that leave ``follow_redirects`` at ``None``."""

DEFAULT_REQUEST_TIMEOUT = 60
"""Seconds without a byte from the server, where the connection has no timeout of its own."""

# Connections that a session keeps open for reuse: the workers of the largest upload, and some.
_POOL_SIZE = 32

# A response keeps its request, and so the body that was sent, for as long as it lives. Larger
# bodies than this are dropped from it: a part that was sent must not take memory any longer.
_KEPT_BODY_SIZE = 64 * 1024

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*://[^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)

# RFC 3986 leaves nothing but printable ASCII in a target, and "#" would end it.
_NOT_ON_THE_WIRE = re.compile(r"[^\x21-\x7e]|#")


class _Wire(threading.local):
    """The target of the request that this thread is sending."""

    target: str | None = None


_wire = _Wire()


# The names are those of urllib3: they stand in the messages of errors.


class HTTPConnection(urllib3.connection.HTTPConnection):
    """Sends the target as given, where urllib3 would normalise it."""

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        super().putrequest(method, _exact(url), *args, **kwargs)


class HTTPSConnection(urllib3.connection.HTTPSConnection):
    """Sends the target as given, where urllib3 would normalise it."""

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        super().putrequest(method, _exact(url), *args, **kwargs)


class HTTPConnectionPool(urllib3.connectionpool.HTTPConnectionPool):
    """Connections that send the target as given."""

    ConnectionCls = HTTPConnection


class HTTPSConnectionPool(urllib3.connectionpool.HTTPSConnectionPool):
    """Connections that send the target as given."""

    ConnectionCls = HTTPSConnection


_POOLS = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}


class _ExactAdapter(HTTPAdapter):
    """Sends the target of each request as it is, and tells no secrets when that fails."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("pool_maxsize", _POOL_SIZE)
        super().__init__(*args, **kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        # A SOCKS proxy has pools of its own, which give the target no other form.
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        outer, _wire.target = _wire.target, _split_url(request.url or "")[1].partition("#")[0]
        try:
            return super().send(request, *args, **kwargs)
        except requests.RequestException as error:
            _redact(error)
            raise
        finally:
            _wire.target = outer


class SignedHTTPSAdapter(_ExactAdapter):
    """Shows a certificate of its own to the server.

    :param cert_file: path of the certificate, PEM.
    :param key_file: path of its private key, PEM.
    """

    def __init__(self, cert_file: str | None, key_file: str | None) -> None:
        self.cert_file = cert_file
        self.key_file = key_file
        super().__init__()

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **kwargs: Any
    ) -> None:
        self.poolmanager = PoolManager(
            num_pools=connections,
            maxsize=maxsize,
            block=block,
            cert_file=self.cert_file,
            key_file=self.key_file,
            **kwargs,
        )
        self.poolmanager.pool_classes_by_scheme = _POOLS


class _Session(requests.Session):
    """A session that leaves the URL and the headers of a request as they are given."""

    def __init__(self) -> None:
        super().__init__()
        self.timeout: float | tuple[float, float] | None = None
        for scheme in ("https://", "http://"):
            self.mount(scheme, _ExactAdapter())

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        # Without an ``auth``, requests would look for one in ~/.netrc and put it in the place of
        # the signature.
        request.auth = request.auth or _keep_authorization
        prepared = super().prepare_request(request)
        if not request.params:
            origin = _split_url(prepared.url or "")[0]
            target = _split_url(str(request.url))[1] or "/"
            prepared.url = origin + _NOT_ON_THE_WIRE.sub(_percent_encode, target)
        given = {name.lower() for name in request.headers or ()}
        if "content-length" in given and "transfer-encoding" not in given:
            prepared.headers.pop("Transfer-Encoding", None)
        return prepared


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
        self.session = _Session()

    def set_http_proxy(self, proxy_url: str) -> None:
        """Send everything through a proxy, whatever the environment says.

        :param proxy_url: ``scheme://host:port`` or ``scheme://user:password@host:port``.
        :raises ValueError: it is not of that form.
        """
        parts = self._parse_proxy_url(proxy_url=proxy_url)
        self.proxy_scheme, self.proxy_host, self.proxy_port = parts[:3]
        self.proxy_username, self.proxy_password = parts[3:]
        self.http_proxy_used = True
        user = f"{self.proxy_username}:{self.proxy_password}@" if self.proxy_username else ""
        url = f"{self.proxy_scheme}://{user}{self.proxy_host}:{self.proxy_port}"
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
        """Choose the file of trusted certificates: ``ca_cert``, else the setting in security."""
        if self.verify is False:
            return
        ca_cert = kwargs.get("ca_cert", libcloud.security.CA_CERTS_PATH)
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

    :param host: name or address.
    :param port: 443 always means https.
    :param secure: use https.
    :param kwargs: ``timeout`` in seconds without a byte from the server (``None``: the default of
        this module), ``proxy_url``, ``cert_file`` and ``key_file``, ``ca_cert``.
    """

    host: Any = None
    timeout: float | None = None
    response: Any = PerThread()

    max_concurrency: int | None = None
    """Requests that may run at a time; ``None`` is any number. See :func:`allowed_concurrency`."""

    follow_redirects: bool | None = None
    """``None`` leaves it to ``ALLOW_REDIRECTS``. A redirect takes headers to another host."""

    def __init__(self, host: str, port: int | None, secure: Any = None, **kwargs: Any) -> None:
        scheme = "https" if secure or port == 443 else "http"
        name = f"[{host}]" if ":" in host and not host.startswith("[") else host
        suffix = "" if port in (None, 80, 443) else f":{port}"
        self.host = f"{scheme}://{name}{suffix}"
        proxy_url = kwargs.pop("proxy_url", None)
        timeout = kwargs.pop("timeout", None)
        # By name: a class that mixes in others decides itself how those are initialised.
        LibcloudBaseConnection.__init__(self)
        self._setup_verify()
        self._setup_ca_cert(**{name: kwargs[name] for name in ("ca_cert",) if name in kwargs})
        self._setup_signing(kwargs.get("cert_file"), kwargs.get("key_file"))
        self.session.timeout = DEFAULT_REQUEST_TIMEOUT if timeout is None else timeout
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
        self._keep(
            self.session.request(
                method=method.lower(),
                url=self._absolute(url),
                data=sendable(body),
                headers=self._normalize_headers(headers=dict(headers or {})),
                allow_redirects=self._redirects,
                stream=stream,
                verify=self.verification,
                timeout=self.session.timeout,
                hooks=hooks,
            )
        )

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
        request = requests.Request(
            method=method,
            url=self._absolute(url),
            data=sendable(body),
            headers=self._normalize_headers(headers=dict(headers or {})),
        )
        self._keep(
            self.session.send(
                self.session.prepare_request(request),
                stream=stream,
                verify=self.verification,
                timeout=self.session.timeout,
                allow_redirects=self._redirects,
            )
        )

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

    @property
    def _redirects(self) -> Any:
        return ALLOW_REDIRECTS if self.follow_redirects is None else self.follow_redirects

    def _absolute(self, url: str) -> str:
        if _ORIGIN.match(url):
            return url
        # Without the slash a path could become part of the host's name.
        return f"{self.host}{url if url.startswith(('/', '?')) else '/' + url}"

    def _normalize_headers(self, headers: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """``headers``, changed in place: numbers become text."""
        for name, value in headers.items():
            if isinstance(value, (int, float)):
                headers[name] = str(value)
        return headers

    def _keep(self, response: Any) -> None:
        sent = getattr(response, "request", None)
        if isinstance(sent, requests.PreparedRequest) and _is_large(sent.body):
            response.request = sent.copy()
            response.request.body = None
        self.response = response


class HttpLibResponseProxy:
    """A response of requests behind the methods of the standard library's."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def read(self, amt: int | None = None) -> str:
        """The whole body as text, whatever ``amt``."""
        return str(self._response.text)

    def getheader(self, name: str, default: Any = None) -> Any:
        """The value of a header."""
        return self._response.headers.get(name, default)

    def getheaders(self) -> list[tuple[str, str]]:
        """Pairs of name and value."""
        return list(self._response.headers.items())

    @property
    def status(self) -> int:
        """Status of the answer."""
        return self._response.status_code  # type: ignore[no-any-return]

    @property
    def reason(self) -> str:
        """Reason of the answer."""
        return self._response.reason  # type: ignore[no-any-return]

    @property
    def version(self) -> str:
        """HTTP version, without the dot."""
        return "11"

    @property
    def body(self) -> bytes:
        """The whole body."""
        return self._response.content  # type: ignore[no-any-return]


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


# Errors of the network that may be gone at the next attempt.
_TRANSIENT_ERRNO = {
    errno.EAGAIN,
    errno.ECONNABORTED,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.EINTR,
    errno.ENETDOWN,
    errno.ENETRESET,
    errno.ENETUNREACH,
    errno.ENOBUFS,
    errno.EPIPE,
    errno.ETIMEDOUT,
}

# What TLS says of a connection that broke. All else it says is about certificates and settings.
_BROKEN_TLS = re.compile(r"EOF|timed out|reset|bad record mac|BAD_RECORD_MAC|closed", re.IGNORECASE)

_TRANSIENT = (
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    http.client.IncompleteRead,
    http.client.BadStatusLine,
    http.client.NotConnected,
    http.client.ImproperConnectionState,
    urllib3.exceptions.IncompleteRead,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.TimeoutError,
    urllib3.exceptions.MaxRetryError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)

_PERMANENT = (
    ssl.SSLCertVerificationError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidHeader,
    requests.exceptions.UnrewindableBodyError,
    urllib3.exceptions.LocationParseError,
)


def is_transient(error: BaseException) -> bool:
    """Whether the network failed in a way that may be gone at the next attempt.

    True for refused, reset and silent connections and for answers cut short; false for certificates
    that were refused, for requests that could not be made, and for whatever is no error of the
    network.
    """
    if isinstance(error, _PERMANENT):
        return False
    if isinstance(error, (ssl.SSLError, requests.exceptions.SSLError, urllib3.exceptions.SSLError)):
        text = str(error)
        return "certificate" not in text.lower() and bool(_BROKEN_TLS.search(text))
    if isinstance(error, _TRANSIENT):
        return True
    return isinstance(error, OSError) and error.errno in _TRANSIENT_ERRNO


def _exact(url: str) -> str:
    """``url`` as urllib3 has it, with the target that the request was given."""
    if _wire.target is None:
        return url
    # A proxy is told the whole URL.
    return _wire.target if url.startswith("/") else _split_url(url)[0] + _wire.target


def _split_url(url: str) -> tuple[str, str]:
    """Scheme and authority of ``url``, and the rest; neither is changed."""
    match = _ORIGIN.match(url)
    return (match[1], match[2]) if match else ("", url)


def _percent_encode(match: re.Match[str]) -> str:
    return quote(match[0], safe="")


def _keep_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The ``auth`` of a request that carries what it needs already."""
    return request


def _is_large(body: Any) -> bool:
    return isinstance(body, (bytes, bytearray, memoryview)) and len(body) > _KEPT_BODY_SIZE


def _redact(error: BaseException) -> None:
    """Take signatures out of the texts of ``error``: urllib3 puts the whole URL there."""
    for nested in (error, *error.args):
        if isinstance(nested, BaseException):
            nested.args = tuple(
                redact_text(part) if isinstance(part, str) else part for part in nested.args
            )
