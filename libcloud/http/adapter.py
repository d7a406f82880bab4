# SPDX-License-Identifier: Apache-2.0
"""The transport adapter of a session: connection pools that send the request target unchanged.

Which pool and which certificates a host needs is determined once, not for each request.
"""

from __future__ import annotations

import os
import queue
import re
import threading
from collections import deque
from contextlib import nullcontext
from functools import lru_cache
from http.client import HTTPException
from typing import Any, ClassVar

import requests
import urllib3
import urllib3.connection
import urllib3.connectionpool
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers, select_proxy
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.poolmanager import PoolManager
from urllib3.util import SKIP_HEADER
from urllib3.util.ssl_match_hostname import CertificateError

from libcloud.http.errors import named
from libcloud.http.fast_path import (
    FastRequest,
    FastResponse,
    exchange,
    request_head,
)
from libcloud.http.heads import WholeHeadResponse
from libcloud.http.sending import has_arrived
from libcloud.http.timeouts import TimedConnection, current, silence_of, timing
from libcloud.http.tls import SharedContext
from libcloud.utils.documents import read_document
from libcloud.utils.redact import redact_text

# Connections that a session keeps open: those of the largest worker pool and a few more.
_POOL_SIZE = 288

# Number of hosts whose pool is cached. Regions and virtual-hosted buckets lead to a handful.
_POOLS_KEPT = 32

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*://[^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)


# A header line that can be sent without further checks: a token (RFC 9110, section 5.6.2) and
# printable ASCII.
_HEADER_LINE = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\x20-\x7e]*")


class _Wire(threading.local):
    """The request that this thread is sending.

    :ivar target: its target, as it is sent.
    """

    target: str | None = None


_wire = _Wire()

# Compared at each request: test libraries such as responses and pook replace these methods.
_SEND = HTTPAdapter.send
_URLOPEN = urllib3.connectionpool.HTTPConnectionPool.urlopen

_SUCCESS = range(200, 300)

# Major versions of urllib3 that this library is tested with.
_KNOWN_URLLIB3 = ("1", "2")


_NO = ("0", "false", "no", "off")


def _fast_path_wanted() -> bool:
    """Return the default of :attr:`ExactAdapter.fast_path`."""
    known = getattr(urllib3, "__version__", "").partition(".")[0] in _KNOWN_URLLIB3
    return known and os.environ.get("LIBCLOUD_HTTP_FAST_PATH", "1").lower() not in _NO


# The class names are those of urllib3, because they appear in error messages.


class _Exact(TimedConnection):
    """Sends the target as given, where urllib3 would normalize it, and formats headers faster."""

    _output: Any

    def response_class(self, *args: Any, **kwargs: Any) -> WholeHeadResponse:  # type: ignore[override]  # http.client calls it like a class
        """Return the response to the last request."""
        return WholeHeadResponse(*args, state=self.state, **kwargs)

    @property
    def is_connected(self) -> bool:
        """Whether an idle connection can be used: urllib3 asks before each request."""
        return self.sock is not None and not has_arrived(self.sock)

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        super().putrequest(method, _exact(url), *args, **kwargs)

    def putheader(self, header: Any, *values: Any) -> None:
        value = values[0] if len(values) == 1 else None
        if type(value) is str and value is not SKIP_HEADER and type(header) is str:
            line = f"{header}: {value}"
            if _HEADER_LINE.fullmatch(line):
                self._output(line.encode("ascii"))
                return
        super().putheader(header, *values)


class HTTPConnection(_Exact, urllib3.connection.HTTPConnection):
    """A connection of urllib3; see :class:`_Exact`."""


class HTTPSConnection(_Exact, urllib3.connection.HTTPSConnection):
    """A connection of urllib3; see :class:`_Exact`."""

    def __init__(self, *args: Any, shared: SharedContext | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shared = shared

    def connect(self) -> None:
        with nullcontext() if self._shared is None else self._shared.used_by(self):
            super().connect()


class _Pool(urllib3.connectionpool.HTTPConnectionPool):
    """A pool of connections that send the target as given and detect truncated responses."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not kwargs.get("block"):
            self.QueueCls: Any = IdleConnections
        super().__init__(*args, **kwargs)

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        return super().urlopen(*args, **_urlopen_arguments(kwargs))

    def take(self) -> Any:
        """Take a connection, to be put back later; it may have to be opened."""
        idle: Any = self.pool
        if type(idle) is not IdleConnections:  # closed, or of limited size
            return self._get_conn()
        connection = idle.take()
        if connection is None:
            return self._new_conn()
        if connection.sock is not None and has_arrived(connection.sock):
            connection.close()
        return connection

    def open(self, connection: Any, timeout: Any) -> None:
        """Connect."""
        connection.timeout = _connect_timeout(timeout)
        untyped: Any = self
        try:
            untyped._validate_conn(connection)  # connects if it uses TLS
            if connection.sock is None:
                connection.connect()
        except TimeoutError as late:  # of TLS
            text = f"Read timed out. (read timeout={connection.timeout})"
            raise ReadTimeoutError(untyped, "", text) from late

    def _put_conn(self, conn: Any) -> None:
        """Put ``conn`` back; it is closed first unless its response has certainly ended."""
        if conn is not None and not (conn.release() and _is_clean(conn)):
            conn.close()
        super()._put_conn(conn)

    give_back = _put_conn


def _connect_timeout(timeout: Any) -> Any:
    """The connect timeout in ``timeout``, in any form of requests.

    :raises ValueError: as in requests, for example for 0.
    """
    if not isinstance(timeout, urllib3.Timeout):
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        timeout = urllib3.Timeout(connect=connect, read=read)
    return timeout.connect_timeout


def _is_clean(connection: Any) -> bool:
    """Return whether no byte of the last response, or after it, is left on ``connection``.

    Bytes that arrive later are detected when the connection is taken from the pool.
    """
    state = connection.state
    # Bytes that TLS has already decrypted are not visible at the socket.
    pending = getattr(connection.sock, "pending", None)
    return state is not None and state.complete and (pending is None or not pending())


class HTTPConnectionPool(_Pool):
    """A pool of http connections; see :class:`_Pool`."""

    ConnectionCls = HTTPConnection


class HTTPSConnectionPool(_Pool, urllib3.connectionpool.HTTPSConnectionPool):
    """A pool of https connections; see :class:`_Pool`."""

    ConnectionCls = HTTPSConnection

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, shared=SharedContext(), **kwargs)


_POOLS = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}


class ExactAdapter(HTTPAdapter):
    """Sends the target of each request unchanged; its errors contain no secrets."""

    fast_path: ClassVar[bool] = _fast_path_wanted()
    """Whether requests use :mod:`libcloud.http.fast_path`.

    False if the environment variable ``LIBCLOUD_HTTP_FAST_PATH`` is 0 or if the major version of
    urllib3 is untested. Setting it on this class changes it for all connections, at any time.
    """

    _pid = 0
    _inherited: Any = None
    _pool_connections: int  # set by requests
    _pool_maxsize: int
    _pool_block: bool
    _known: dict[Any, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("pool_maxsize", _POOL_SIZE)
        super().__init__(*args, **kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._reset_pools()

    def _reset_pools(self) -> None:
        self.poolmanager.pool_classes_by_scheme = _POOLS
        self._known = {}
        self._pid = os.getpid()

    def _reset_after_fork(self) -> None:
        """Start with empty pools in a forked process.

        The parent keeps using its open connections, so the child must not. They are not closed
        here, because another thread of the parent may have held their locks at the fork.
        """
        self._inherited = self.poolmanager, dict(self.proxy_manager), self._known, self._inherited
        self.proxy_manager.clear()
        self.init_poolmanager(self._pool_connections, self._pool_maxsize, block=self._pool_block)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        # A SOCKS proxy needs its own pools; they do not change the target.
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def close(self) -> None:
        self._known = {}
        super().close()

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Return the pool for ``request``, cached by origin and settings."""
        if proxies:
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        key = (split_url(request.url)[0], verify, cert)
        pool = self._known.get(key)
        if pool is None or pool.pool is None:  # evicted by urllib3
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            untyped: Any = super()
            untyped.cert_verify(pool, request.url, verify, cert)
            if len(self._known) >= _POOLS_KEPT:
                self._known.clear()
            self._known[key] = pool
        return pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Do nothing, unless for a proxy: the pool was created with the certificates."""
        if self._known.get((split_url(url)[0], verify, cert)) is not conn:
            untyped: Any = super()
            untyped.cert_verify(conn, url, verify, cert)

    def request_url(self, request: Any, proxies: Any) -> Any:
        """Return the target without secrets, because urllib3 logs it and quotes it in errors.

        :func:`_exact` restores what is sent; a SOCKS proxy uses urllib3's own pools and does not.
        """
        if not proxies:
            target = _wire.target or ""
            return redact_text(target) if "?" in target else target
        url = super().request_url(request, proxies)
        proxy = select_proxy(request.url, proxies) or ""
        return url if proxy.lower().startswith("socks") else redact_text(url)

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Build the response of requests, without searching for cookies if none were set."""
        if "set-cookie" in resp.headers:
            return super().build_response(req, resp)
        response: Any = requests.Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers.itermerged())
        response.encoding = get_encoding_from_headers(response.headers)
        response.raw, response.reason = resp, resp.reason
        response.url, response.request, response.connection = req.url, req, self
        return response  # type: ignore[no-any-return]

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        if os.getpid() != self._pid:
            self._reset_after_fork()
        outer, _wire.target = _wire.target, split_url(request.url or "")[1].partition("#")[0]
        try:
            with timing(kwargs.get("timeout")):
                response = super().send(request, *args, **kwargs)
                # The caller reads the content of an object.
                if not kwargs.get("stream") or response.status_code not in _SUCCESS:
                    read_document(response)
                return response
        finally:
            _wire.target = outer

    def exchange(self, request: FastRequest, verify: Any, *, stream: bool, timeout: Any) -> Any:
        """Send ``request`` without the layers of requests and urllib3.

        :return: the response; ``None``: nothing was sent, requests has to do it.
        :raises requests.RequestException: the request failed, as if requests had sent it.
        """
        if os.getpid() != self._pid:
            self._reset_after_fork()
        if not self.fast_path or self.max_retries.total != 0:
            return None  # off, or requests repeats requests
        urlopen = urllib3.connectionpool.HTTPConnectionPool.urlopen
        if HTTPAdapter.send is not _SEND or urlopen is not _URLOPEN:
            return None
        if type(self).send is not _OWN_SEND or "send" in self.__dict__:
            return None
        if stream and current.deadline:  # which does not include a body that the caller reads
            return None
        method: Any = request.method
        target = split_url(request.url)[1]
        head = request_head(method, target, request.lines or {})
        if head is None:
            return None
        pool = self.get_connection_with_tls_context(request, verify)
        connection = received = None
        outer, current.silence = current.silence, silence_of(timeout)
        try:
            connection = pool.take()
            if connection.sock is None:
                pool.open(connection, timeout)
            received = exchange(
                connection, head, request.body, method=method, pool=pool, stream=stream
            )
        except (OSError, HTTPException, HTTPError, CertificateError) as error:
            raise named(error, request=request, pool=pool, target=target) from error
        finally:
            current.silence = outer
            # A response that is not yet read puts the connection back itself.
            if connection and (received is None or type(received) is tuple):
                pool.give_back(connection)
        if type(received) is tuple:
            unread = stream and received[0].status in _SUCCESS
            return FastResponse(*received, request, self, stream=unread)
        response = self.build_response(request, received)
        if not stream or response.status_code not in _SUCCESS:
            read_document(response)
        return response


_OWN_SEND = ExactAdapter.send


class SignedHTTPSAdapter(ExactAdapter):
    """Presents a client certificate.

    :param cert_file: path of the certificate, PEM.
    :param key_file: path of its private key, PEM.
    """

    __attrs__ = [*HTTPAdapter.__attrs__, "cert_file", "key_file"]  # noqa: RUF012  as in requests

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
        self._reset_pools()


@lru_cache(maxsize=32)  # each request needs it several times
def split_url(url: str) -> tuple[str, str]:
    """Split ``url`` into scheme with authority, and the rest."""
    match = _ORIGIN.match(url)
    return (match[1], match[2]) if match else ("", url)


def _urlopen_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Adjust the arguments of ``urlopen``: enforce the content length, and use a plain dict.

    urllib3 2 enforces the length by default; version 1 accepts a truncated response as complete.
    """
    headers = arguments.get("headers")
    if isinstance(headers, CaseInsensitiveDict):
        arguments["headers"] = dict(headers.items())  # faster to iterate over
    return {"enforce_content_length": True, **arguments}


def _exact(url: str) -> str:
    """Replace the target in ``url``, from urllib3, by the one that the request was given."""
    if _wire.target is None:
        return url
    # A proxy gets the absolute URL.
    return _wire.target if url.startswith("/") else split_url(url)[0] + _wire.target


class IdleConnections:
    """The idle connections of a pool: the queue interface that urllib3 needs, without a lock.

    The lock of the standard library's queue is not reentrant. If an object is collected while a
    thread holds that lock, and its ``__del__`` sends a request (for example to abort an upload),
    the thread would wait for itself.

    :param maxsize: connections to keep, or slightly more if several threads put one back at the
        same time; 0: unlimited.
    """

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._items: deque[Any] = deque()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Add ``item``.

        :raises queue.Full: ``maxsize`` is reached.
        """
        if 0 < self._maxsize <= len(self._items):
            raise queue.Full
        self._items.append(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Remove and return the item that was added last.

        :raises queue.Empty: there is none.
        """
        try:
            return self._items.pop()
        except IndexError:
            raise queue.Empty from None

    def take(self) -> Any:
        """Remove and return the item that was added last; ``None`` if there is none."""
        try:
            return self._items.pop()
        except IndexError:
            return None

    def qsize(self) -> int:
        """Return the number of items."""
        return len(self._items)
