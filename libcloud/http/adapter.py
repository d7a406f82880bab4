# SPDX-License-Identifier: Apache-2.0
"""The adapter of a session: pools of connections that send a target as it is given.

What requests works out anew for each request (which pool, which certificates) is kept from the
first request to a host.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import nullcontext
from http.client import HTTPException
from typing import Any, ClassVar

import requests
import urllib3
import urllib3.connection
import urllib3.connectionpool
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers, select_proxy
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import PoolManager
from urllib3.util import SKIP_HEADER

from libcloud.http.errors import named
from libcloud.http.exchange import Answer, exchange, request_head
from libcloud.http.heads import WholeHeadResponse
from libcloud.http.idle import IdleConnections
from libcloud.http.plain import PlainRequest, PlainResponse
from libcloud.http.timeouts import TimedConnection, timing
from libcloud.http.tls import SharedContext
from libcloud.utils.documents import read_document
from libcloud.utils.redact import redact_text

__all__ = ["ExactAdapter", "SignedHTTPSAdapter", "split_url"]

# Connections that a session keeps open for reuse: the workers of the largest upload, and some.
_POOL_SIZE = 32

# Hosts whose pool is remembered. Regions and buckets in host names make a handful.
_POOLS_KEPT = 32

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*://[^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)


# What needs no second look before it is sent: a name of RFC 9110, section 5.6.2, and plain text.
_HEADER_LINE = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\x20-\x7e]*")


class _Wire(threading.local):
    """What this thread is sending.

    :ivar target: of the request.
    """

    target: str | None = None


_wire = _Wire()

# Tests put functions of their own in its place (responses does).
_SEND = HTTPAdapter.send

# Major versions of urllib3 that the tests run with.
_KNOWN_URLLIB3 = ("1", "2")


_NO = ("0", "false", "no", "off")


def _fast_path_wanted() -> bool:
    """The default of :attr:`ExactAdapter.fast_path`."""
    known = getattr(urllib3, "__version__", "").partition(".")[0] in _KNOWN_URLLIB3
    return known and os.environ.get("LIBCLOUD_HTTP_FAST_PATH", "1").lower() not in _NO


# The names are those of urllib3: they stand in the messages of errors.


class _Exact(TimedConnection):
    """Sends the target as given, where urllib3 would normalise it, and headers at less cost."""

    _output: Any

    def response_class(self, *args: Any, **kwargs: Any) -> WholeHeadResponse:  # type: ignore[override]  # called as the class that the standard library has here
        """The response to the request that was sent last."""
        return WholeHeadResponse(*args, state=self.state, **kwargs)

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
        with nullcontext() if self._shared is None else self._shared.lent_to(self):
            super().connect()


class _Pool(urllib3.connectionpool.HTTPConnectionPool):
    """Connections that send the target as given, and notice an answer that is cut short."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not kwargs.get("block"):
            self.QueueCls: Any = IdleConnections
        super().__init__(*args, **kwargs)

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        return super().urlopen(*args, **_careful(kwargs))

    def take_open(self) -> Any:
        """A connection that is open, to be given back; ``None`` if one has to be opened."""
        connection: Any = self._get_conn()
        if getattr(connection, "sock", None) is not None:
            return connection
        self._put_conn(connection)
        return None

    def _put_conn(self, conn: Any) -> None:
        """Let others use ``conn``, which is closed unless it is certain that its response ended."""
        if conn is not None and conn.sock is not None and not _is_clean(conn):
            conn.close()
        super()._put_conn(conn)

    give_back = _put_conn


def _is_clean(connection: Any) -> bool:
    """Whether nothing of the last response is left on ``connection``, nor anything behind it.

    What can be seen at the socket is looked for when it is used again.
    """
    state = connection.state
    # What TLS has decrypted, nobody sees at the socket.
    pending = getattr(connection.sock, "pending", None)
    return state is not None and state.answered and (pending is None or not pending())


class HTTPConnectionPool(_Pool):
    """Connections of http; see :class:`_Pool`."""

    ConnectionCls = HTTPConnection


class HTTPSConnectionPool(_Pool, urllib3.connectionpool.HTTPSConnectionPool):
    """Connections of https; see :class:`_Pool`."""

    ConnectionCls = HTTPSConnection

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, shared=SharedContext(), **kwargs)


_POOLS = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}


class ExactAdapter(HTTPAdapter):
    """Sends the target of each request as it is, and tells no secrets when that fails."""

    fast_path: ClassVar[bool] = _fast_path_wanted()
    """Whether requests on open connections are sent in few steps, without requests and urllib3.

    False if the environment variable ``LIBCLOUD_HTTP_FAST_PATH`` is 0, or if the major version of
    urllib3 is not one that this library is tested with. Set it on this class, at any time, for all
    connections.
    """

    _pid = 0
    _inherited: Any = None
    _pool_connections: int  # what requests remembers of its arguments
    _pool_maxsize: int
    _pool_block: bool
    _known: dict[Any, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("pool_maxsize", _POOL_SIZE)
        super().__init__(*args, **kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.poolmanager.pool_classes_by_scheme = _POOLS
        self._known = {}
        self._pid = os.getpid()

    def _leave_to_the_parent(self) -> None:
        """Begin without a connection, in a process that was forked.

        The parent goes on using those that were open: the answers on them are for one of the two.
        They are not closed here, for another thread of the parent may have held their locks.
        """
        self._inherited = self.poolmanager, dict(self.proxy_manager), self._known, self._inherited
        self.proxy_manager.clear()
        self.init_poolmanager(self._pool_connections, self._pool_maxsize, block=self._pool_block)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        # A SOCKS proxy has pools of its own, which give the target no other form.
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def close(self) -> None:
        self._known = {}
        super().close()

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """The pool for ``request``: the one that the last request with these settings had."""
        if proxies:
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        key = (split_url(request.url)[0], verify, cert)
        pool = self._known.get(key)
        if pool is None or pool.pool is None:  # closed, because others were used more
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            untyped: Any = super()
            untyped.cert_verify(pool, request.url, verify, cert)
            if len(self._known) >= _POOLS_KEPT:
                self._known.clear()
            self._known[key] = pool
        return pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Done when the pool was chosen, unless it is that of a proxy."""
        if self._known.get((split_url(url)[0], verify, cert)) is not conn:
            untyped: Any = super()
            untyped.cert_verify(conn, url, verify, cert)

    def request_url(self, request: Any, proxies: Any) -> Any:
        """The target, without secrets: urllib3 puts it into its log and its errors.

        :func:`_exact` has what goes on the wire, but for a SOCKS proxy, whose pools are urllib3's.
        """
        if not proxies:
            target = _wire.target or ""
            return redact_text(target) if "?" in target else target
        url = super().request_url(request, proxies)
        proxy = select_proxy(request.url, proxies) or ""
        return url if proxy.lower().startswith("socks") else redact_text(url)

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """The answer in the form of requests, which would look for cookies in each of them."""
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
            self._leave_to_the_parent()
        outer, _wire.target = _wire.target, split_url(request.url or "")[1].partition("#")[0]
        try:
            with timing(kwargs.get("timeout")):
                response = None
                if isinstance(request, PlainRequest) and not args:
                    response = self._exchanged(request, **kwargs)
                if response is None:
                    _ = request.headers  # what is wrong with them is no error of the network
                    response = super().send(request, *args, **kwargs)
                # The body of an object is left to who asked for it.
                if not kwargs.get("stream") or response.status_code not in range(200, 300):
                    read_document(response)
                return response
        finally:
            _wire.target = outer

    def _exchanged(
        self,
        request: PlainRequest,
        *,
        stream: bool = False,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
        timeout: Any = None,
    ) -> requests.Response | None:
        """The answer to ``request``, on a connection that is open; ``None`` leaves it to requests.

        :raises requests.RequestException: the request failed, as if requests had sent it.
        """
        target = _wire.target or ""
        if stream or proxies or not self._takes_fast_path() or request.lines is None:
            return None
        head = request_head(str(request.method), target, request.lines)
        if head is None:
            return None
        pool = self.get_connection_with_tls_context(request, verify, proxies, cert)
        connection = pool.take_open()
        if connection is None:
            return None
        answer: Any = None
        try:
            answer = exchange(connection, head, request.body, method=str(request.method), pool=pool)
        except (OSError, HTTPException, HTTPError) as error:
            raise named(error, request=request, pool=pool, target=target) from error
        finally:
            # One that is not read yet gives it back itself.
            if answer is None or isinstance(answer, Answer):
                pool.give_back(connection)
        if isinstance(answer, Answer):
            return PlainResponse(answer, request, self)
        return self.build_response(request, answer)

    def _takes_fast_path(self) -> bool:
        """Whether nobody has turned it off, stands in for requests, or asks it to try again."""
        retries = self.max_retries
        return self.fast_path and HTTPAdapter.send is _SEND and retries.total == 0


class SignedHTTPSAdapter(ExactAdapter):
    """Shows a certificate of its own to the server.

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
        self._begin_anew()


def split_url(url: str) -> tuple[str, str]:
    """Scheme and authority of ``url``, and the rest; neither is changed."""
    match = _ORIGIN.match(url)
    return (match[1], match[2]) if match else ("", url)


def _careful(arguments: dict[str, Any]) -> dict[str, Any]:
    """``arguments`` of ``urlopen``: with an answer's length as a promise, and headers to loop over.

    The first is the default of urllib3 2; the older one takes half an answer for a whole one.
    """
    headers = arguments.get("headers")
    if isinstance(headers, CaseInsensitiveDict):
        arguments["headers"] = dict(headers.items())  # which looks up each name; once is enough
    return {"enforce_content_length": True, **arguments}


def _exact(url: str) -> str:
    """``url`` as urllib3 has it, with the target that the request was given."""
    if _wire.target is None:
        return url
    # A proxy is told the whole URL.
    return _wire.target if url.startswith("/") else split_url(url)[0] + _wire.target
