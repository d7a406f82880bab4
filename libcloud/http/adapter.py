# SPDX-License-Identifier: Apache-2.0
"""The transport adapter of a session: connection pools that send the request target unchanged.

Used for requests that the fast path does not support.
"""

from __future__ import annotations

import os
import queue
import socket
import ssl
from collections import deque
from contextlib import suppress
from functools import partial
from typing import Any

import urllib3
import urllib3.connection
import urllib3.connectionpool
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidURL
from requests.utils import select_proxy
from urllib3.exceptions import LocationParseError
from urllib3.util.ssl_ import create_urllib3_context

from libcloud.http.connections import POOL_SIZE, context_for
from libcloud.http.fast_path import are_defined_in, connections_are_replaced, split_url
from libcloud.http.received import WholeHeadResponse
from libcloud.http.sending import has_arrived
from libcloud.http.timeouts import TimedConnection, current, during_request, shut_down, slices
from libcloud.utils import cancellation
from libcloud.utils.documents import read_document
from libcloud.utils.redact import redact_text

_REQUIRED = ("CERT_REQUIRED", ssl.CERT_REQUIRED)


_SUCCESS = range(200, 300)


# The class names are those of urllib3, because they appear in error messages.


class _Exact(TimedConnection):
    """Sends the target as given, where urllib3 would normalize it."""

    auto_open: Any
    _connecting: Any = None  # the socket, below TLS

    response_class: Any = property(lambda self: partial(WholeHeadResponse, state=self.state))

    @property
    def is_connected(self) -> bool:
        """Whether an idle connection can be used: urllib3 asks before each request."""
        return self.sock is not None and not has_arrived(self.sock)

    def connect(self) -> None:
        cancellation.raise_if_abandoned()
        untyped: Any = super()
        try:
            untyped.connect()
        finally:
            if self._connecting is not None:
                self._connecting.close()
                self._connecting = None
        self.watch()
        self.limit(current.silence)
        self.await_response()

    def _new_conn(self) -> Any:
        """As in urllib3; a cancellation may interrupt the TLS handshake that follows."""
        untyped: Any = super()
        sock = untyped._new_conn()
        if cancellation.current() is not None:
            self._connecting = sock.dup()
            self.watch()
        return sock

    def interrupt(self) -> None:
        super().interrupt()
        if self._connecting is not None:
            shut_down(self._connecting)

    def close(self) -> None:
        self.state = None
        self.release()
        untyped: Any = super()
        untyped.close()

    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()
        untyped: Any = super()
        if not isinstance(data, (bytes, bytearray, memoryview)):
            self.await_response()
            untyped.send(data)
        elif isinstance(self.sock, socket.socket):
            if untyped.debuglevel > 0:
                print("send:", repr(data))  # as http.client does
            self.send_all((data,))
        else:  # TLS in TLS
            for (part,) in slices((data,)):
                untyped.send(part)

    def getresponse(self, *args: Any, **kwargs: Any) -> Any:
        untyped: Any = super()
        try:
            self.await_response()
            return untyped.getresponse(*args, **kwargs)
        finally:
            self.settle()

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        self.begin(current.silence, method)
        untyped: Any = super()
        untyped.putrequest(method, _exact(url), *args, **kwargs)


class HTTPConnection(_Exact, urllib3.connection.HTTPConnection):
    """A connection of urllib3; see :class:`_Exact`."""


def _context(path: str) -> ssl.SSLContext:
    """Return a context of urllib3: version 1 compares host names itself."""
    context: ssl.SSLContext = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(path)
    return context


class HTTPSConnection(_Exact, urllib3.connection.HTTPSConnection):
    """A connection of urllib3; see :class:`_Exact`."""

    def connect(self) -> None:
        """Connect; the trusted certificates are loaded once for all connections, unless this one
        has its own settings. If they cannot be read, urllib3 raises the error.
        """
        kept = {"ssl_context": self.ssl_context, "ca_certs": self.ca_certs}
        own = (
            *(self.ssl_context, self.ca_cert_dir, self.ca_cert_data, self.cert_file),
            *(self.ssl_version, self.assert_hostname, self.assert_fingerprint),
        )
        if self.ca_certs and self.cert_reqs in _REQUIRED and own == (None,) * len(own):
            with suppress(OSError):
                vars(self).update(ssl_context=context_for(self.ca_certs, _context), ca_certs=None)
        try:
            super().connect()
        finally:
            vars(self).update(kept)


class _Pool(urllib3.connectionpool.HTTPConnectionPool):
    """A pool of connections that send the target as given and detect truncated responses."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not kwargs.get("block"):
            self.QueueCls: Any = IdleConnections
        super().__init__(*args, **kwargs)

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        # The default of urllib3 2; version 1 accepts a truncated response as complete.
        return super().urlopen(*args, **{"enforce_content_length": True, **kwargs})

    def _put_conn(self, conn: Any) -> None:
        """Put ``conn`` back; it is closed first unless its response has certainly ended."""
        if conn is not None and not (conn.release() and conn.is_clean()):
            conn.close()
        super()._put_conn(conn)


class HTTPConnectionPool(_Pool):
    """A pool of http connections; see :class:`_Pool`."""

    ConnectionCls = HTTPConnection


class HTTPSConnectionPool(_Pool, urllib3.connectionpool.HTTPSConnectionPool):
    """A pool of https connections; see :class:`_Pool`."""

    ConnectionCls = HTTPSConnection


_POOLS = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}


class ExactAdapter(HTTPAdapter):
    """Sends the target of each request unchanged; its errors contain no secrets."""

    _pid = 0
    _inherited: Any = None
    _ordinary: HTTPAdapter | None = None
    _pool_connections: int  # set by requests
    _pool_maxsize: int
    _pool_block: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("pool_maxsize", POOL_SIZE)
        super().__init__(*args, **kwargs)

    @property
    def is_usual(self) -> bool:
        """Whether a request is sent to the same effect without the adapter."""
        return (
            type(self) is ExactAdapter
            and "send" not in vars(self)
            and are_defined_in(__name__, ExactAdapter, ["send"])
            and self.max_retries.total == 0
            and self.poolmanager.connection_pool_kw == {"maxsize": POOL_SIZE, "block": False}
        )

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS
        self._pid = os.getpid()

    def _reset_after_fork(self) -> None:
        """Start with empty pools in a forked process; threads of the parent may hold locks."""
        kept = self.poolmanager, dict(self.proxy_manager), self._ordinary
        self._inherited, self._ordinary = (*kept, self._inherited), None
        self.proxy_manager.clear()
        self.init_poolmanager(self._pool_connections, self._pool_maxsize, block=self._pool_block)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        # A SOCKS proxy needs its own pools; they do not change the target.
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def request_url(self, request: Any, proxies: Any) -> Any:
        """Return the target without secrets, because urllib3 logs it and quotes it in errors."""
        if not proxies:
            target = current.target or ""
            return redact_text(target) if "?" in target else target
        url = super().request_url(request, proxies)
        proxy = select_proxy(request.url, proxies) or ""
        return url if proxy.lower().startswith("socks") else redact_text(url)

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if os.getpid() != self._pid:
            self._reset_after_fork()
        target = split_url(request.url or "")[1].partition("#")[0]
        with during_request(target, kwargs.get("timeout")):
            try:
                if connections_are_replaced():
                    response = self._of_requests().send(request, *args, **kwargs)
                else:
                    response = super().send(request, *args, **kwargs)
            except LocationParseError as error:  # found late, while connecting
                raise InvalidURL(error, request=request) from error
            # The caller reads the content of an object.
            if not kwargs.get("stream") or response.status_code not in _SUCCESS:
                read_document(response)
            return response

    def _of_requests(self) -> HTTPAdapter:
        """Return an adapter whose pools use what has replaced the connections of urllib3."""
        if self._ordinary is None:
            self._ordinary = HTTPAdapter(max_retries=self.max_retries)
            # Settings of TLS, such as a client certificate.
            self._ordinary.poolmanager.connection_pool_kw = self.poolmanager.connection_pool_kw
        return self._ordinary

    def close(self) -> None:
        super().close()
        if self._ordinary is not None:
            self._ordinary.close()


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
        kwargs.update(cert_file=self.cert_file, key_file=self.key_file)
        super().init_poolmanager(connections, maxsize, block, **kwargs)


def _exact(url: str) -> str:
    """Replace the target in ``url``, from urllib3, by the one that the request was given."""
    if current.target is None:
        return url
    # A proxy gets the absolute URL.
    return current.target if url.startswith("/") else split_url(url)[0] + current.target


class IdleConnections:
    """The idle connections of a pool: the queue interface that urllib3 needs, without a lock.

    The lock of the standard library's queue is not reentrant: a ``__del__`` that sends a request,
    while its thread holds that lock, would wait forever.
    """

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._items: deque[Any] = deque()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Add ``item``, or raise :exc:`queue.Full`."""
        if 0 < self._maxsize <= len(self._items):
            raise queue.Full
        self._items.append(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Remove and return the item that was added last, or raise :exc:`queue.Empty`."""
        try:
            return self._items.pop()
        except IndexError:
            raise queue.Empty from None

    def qsize(self) -> int:
        return len(self._items)
