# SPDX-License-Identifier: Apache-2.0
"""HTTP requests, on a fast path or by one session of the library requests for each connection.

The only package that imports requests, which happens when it is needed: usual requests are sent
without it. The package guarantees what storage needs and requests does not: the path and query of a
URL are sent byte for byte as given, a body of bytes is neither copied nor given a content type,
every request has a timeout, and threads can share a connection.

May import ``libcloud.utils`` and ``libcloud.security``. Tests: ``test/test_http*.py``.
"""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, nullcontext
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from libcloud.common.types import LibcloudError
from libcloud.http import fast_path
from libcloud.http.base import LibcloudBaseConnection
from libcloud.http.connections import may_use_proxy, parse_origin, usual_timeout
from libcloud.http.errors import NetworkError, is_transient, network_error, never_sent
from libcloud.http.messages import FastRequest, FastResponse, HttpLibResponseProxy
from libcloud.http.secrets import redact_error
from libcloud.http.timeouts import deadline
from libcloud.utils.bodies import Pieces, sendable
from libcloud.utils.headers import authority
from libcloud.utils.local import PerThread

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter as HTTPAdapter
    from urllib3.poolmanager import PoolManager as PoolManager

    from libcloud.http.adapter import SignedHTTPSAdapter as SignedHTTPSAdapter
    from libcloud.http.received import HTTPResponse as HTTPResponse

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
    "is_replaced",
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

_REDIRECTS = (301, 302, 303, 307, 308)

_NO = ("0", "false", "no", "off")

_TEXT = frozenset({str})

# Imported when they are needed, because importing the libraries takes long.
_LATE = MappingProxyType(
    {
        "HTTPAdapter": "requests.adapters",
        "HTTPResponse": "libcloud.http.received",
        "PoolManager": "urllib3.poolmanager",
        "SignedHTTPSAdapter": "libcloud.http.adapter",
        "requests": "libcloud.http.session",
    }
)


class LibcloudConnection(LibcloudBaseConnection):
    """A connection to one host. Threads may share it: each gets the response to its own request.

    :param host: name or address; ``None``: only absolute URLs can be requested.
    :param port: ``None``: the default port of the scheme.
    :param secure: use https; ``None``: if ``port`` is 443.
    :param kwargs: ``timeout`` in seconds, for connecting and for reading or writing (``None``: the
        defaults of this module), ``proxy_url``, ``cert_file``, ``key_file``, ``ca_cert``.
    """

    fast_path: bool = os.environ.get("LIBCLOUD_HTTP_FAST_PATH", "1").lower() not in _NO
    """Whether usual requests are sent without requests and urllib3.

    ``False`` if the environment variable ``LIBCLOUD_HTTP_FAST_PATH`` is 0. Setting it on this class
    changes it for all connections, at any time.
    """

    timeout: float | None = None
    _timeout: Any = DEFAULT_REQUEST_TIMEOUT
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
        self._timeout = DEFAULT_REQUEST_TIMEOUT if timeout is None else timeout
        self.connect_timeout = DEFAULT_CONNECT_TIMEOUT if timeout is None else None
        if proxy_url:
            self.set_http_proxy(proxy_url=proxy_url)

    @property
    def verification(self) -> bool | str:
        """The trusted certificates: a file, the default (``True``), or no verification.

        As in Apache Libcloud, ``verify`` counts only without a file: a program in which it has no
        effect must not lose the verification.
        """
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
            from requests import Request

            request = Request(method=method, url=url, data=data, headers=headers)
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
        """Send a request on the fast path, or, if that is impossible, by ``otherwise``.

        :param whole: read the body of the response at the end.
        """
        headers = self._normalize_headers(headers=dict(headers or {}))
        follows: Any = self.follow_redirects
        follows = ALLOW_REDIRECTS if follows is None else follows
        response = None
        try:
            with _NO_DEADLINE if self.total_timeout is None else deadline(self.total_timeout):
                url, data = self._absolute(url), sendable(body)
                settings: dict[str, Any] = {"stream": stream or whole, "timeout": self._limits}
                settings["verify"] = self.verification
                if not hooks:
                    response = self._exchange(method.upper(), url, headers, data, follows, settings)
                if response is None:
                    self._check_certificates()
                    if isinstance(data, (memoryview, Pieces)) and self._is_mocked(url):
                        data = bytes(data)  # what programs that look at requests understand
                    response = otherwise(url, data, headers, allow_redirects=follows, **settings)
                    _drop_large_body(response)
                if whole:
                    _ = response.content
        except Exception as error:
            redact_error(error, headers)
            if type(error).__name__ == "SSLError":  # of requests, which is imported late
                self._check_certificates()
            raise
        self.response = response

    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, Any],
        body: Any,
        follows: Any,
        settings: dict[str, Any],
    ) -> Any:
        """Send a request on the fast path, as requests would; ``None``: requests has to do it."""
        stream, timeout = settings["stream"], usual_timeout(settings["timeout"])
        if not self.fast_path or timeout is None or fast_path.are_replaced():
            return None
        # A Request without data has an empty list.
        if body and not isinstance(body, (bytes, memoryview, Pieces)):
            return None
        address, target = fast_path.split_url(url)
        verify, defaults = settings["verify"], fast_path.DEFAULT_HEADERS
        session = self._session or (self.session if may_use_proxy() else None)
        if session is not None:
            from libcloud.http.session import Session

            # Otherwise it is one of the program.
            route = session.route(address, verify) if type(session) is Session else None
            if route is None:
                return None
            session.pools = self._pools  # a copy of a session has none
            (address, verify), defaults = route, session.header_lines()
        origin, target = parse_origin(address, verify), fast_path.on_the_wire(target)
        prepared = origin and fast_path.prepare(method, target, headers, body, defaults)
        if not (origin and prepared):
            return None
        head, lines = prepared
        request = FastRequest(method, f"{address.lower()}{target}", lines, body or None)
        response = fast_path.exchange(
            self._pools.get(origin), head, request, stream=stream, timeout=timeout
        )
        if type(response) is not FastResponse or response.status_code in _REDIRECTS:
            settings["verify"] = verify
            response = self.session.completed(request, response, follows=follows, settings=settings)
            _drop_large_body(response)
        elif body and len(body) > _KEPT_BODY_SIZE:
            request.body = None
        return response

    def _is_mocked(self, url: str) -> bool:
        """Return whether code of a program answers the requests of this connection."""
        if fast_path.are_mocked():
            return True
        from libcloud.http.session import is_mocked

        return is_mocked(self.session, url)

    @contextmanager
    def extended_timeout(self, seconds: float) -> Iterator[None]:
        """Raise the read timeout to ``seconds``, if it is shorter, for this thread in the block."""
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

    def _check_certificates(self) -> None:
        """Raise a clear error if the file of the certificates to trust does not exist."""
        chosen = self.verification
        if isinstance(chosen, str) and self.host.startswith("https") and not os.path.exists(chosen):
            parse_origin.cache_clear()  # so that a file which appears later is found
            raise LibcloudError(
                f"the file of trusted certificates {chosen} does not exist: see ex_ca_bundle, "
                "CA_CERTS_PATH in libcloud.security, and the variables SSL_CERT_FILE, "
                "REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE"
            )

    @property
    def _limits(self) -> Any:
        """Return the timeout for requests: a pair (connect, read), or one number for both."""
        extended = self._extended_timeout
        # A session of the program may have none.
        usual = getattr(self._session, "timeout", self._timeout)
        if isinstance(usual, tuple) and isinstance(usual[1], (int, float)):
            return usual[0], max(usual[1], extended)
        if not isinstance(usual, (int, float)):
            return usual
        connect = self.connect_timeout
        if connect is None or connect > usual:
            connect = usual
        silence = max(usual, extended) if extended else usual
        return usual if connect == silence else (connect, silence)

    def _absolute(self, url: str) -> str:
        if url[:1] == "/" and self.host is not None:
            return f"{self.host}{url}"
        if fast_path.split_url(url)[0]:
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
        if not _TEXT.issuperset(map(type, headers.values())):
            for name, value in headers.items():
                if isinstance(value, (int, float)):
                    headers[name] = str(value)
        return headers


def _drop_large_body(response: Any) -> None:
    """Remove a large body from the request that a response of requests keeps."""
    sent = getattr(response, "request", None)
    kind: Any = getattr(sys.modules.get("requests"), "PreparedRequest", None)
    body = sent.body if kind is not None and isinstance(sent, kind) else None
    if (
        body
        and isinstance(body, (bytes, bytearray, memoryview, Pieces))
        and len(body) > _KEPT_BODY_SIZE
    ):
        response.request = kept = kind()
        vars(kept).update(vars(sent), body=None)


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


def is_replaced(conn_class: Any) -> bool:
    """Return whether something else, such as a mock, sends the requests of ``conn_class``."""
    own = (getattr(LibcloudConnection, name) for name in _SENDING_METHODS)
    used = (getattr(conn_class, name, None) for name in _SENDING_METHODS)
    return any(map(operator.is_not, own, used)) or fast_path.are_mocked()


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
