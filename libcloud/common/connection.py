# SPDX-License-Identifier: Apache-2.0
"""A connection to a provider's API: builds a request, sends it and parses the response.

Drivers customize requests with the hooks ``morph_action_hook``, ``add_default_params``,
``add_default_headers``, ``encode_data`` and ``pre_connect_hook``, called in this order. All of them
are called in each attempt, on fresh copies, so that each attempt has its own signature.

Threads may share a connection. The attributes of the current request (``action``, ``method``,
``data``, ``context``) have one value per thread.
"""

from __future__ import annotations

import copy
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any

from libcloud import __version__
from libcloud.common.address import default_host, normalise, split_url, with_query
from libcloud.common.exceptions import mark_unsent
from libcloud.common.response import RawResponse, Response
from libcloud.common.types import LibcloudError
from libcloud.utils.bodies import has_content, rewinder
from libcloud.utils.headers import authority, without_brackets
from libcloud.utils.lazy import LazyAttribute
from libcloud.utils.local import PerProcess, PerThread, ThreadState, values_of
from libcloud.utils.misc import get_secure_random_string
from libcloud.utils.redact import redact_text

LOG = logging.getLogger(__name__)

_CALL_ATTRIBUTES = ("action", "method", "data", "context")

# Key of the per-thread values of a connection: the thread is sending a request on it.
_REQUESTING = "_requesting"

# The arguments of :meth:`Connection.request` for an attempt; they are not modified.
_Call = tuple[str, Any, Any, Any, str, bool, bool]


class Connection:
    """A connection to one host.

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

    conn_class: Any = LazyAttribute("libcloud.http", "LibcloudConnection")  # called by keywords
    conn_classes: Any = None  # in its place: for http and for https, as tests of 0.x set it
    connection: Any = None
    host: Any = "127.0.0.1"  # ``None`` in a subclass that sets it before a request
    port: Any = 443  # or a pair, for http and https
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

    responseCls: Any = Response
    rawResponseCls: Any = RawResponse
    retryCls: Any = LazyAttribute("libcloud.utils.retry", "Retry")

    cache_busting = False

    action: Any = PerThread()
    method: Any = PerThread()
    data: Any = PerThread()
    context: Any = PerThread(factory=dict)
    _extended_timeout: Any = PerThread(0.0)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Keep attributes of a request per thread where a subclass gives them a default."""
        super().__init_subclass__(**kwargs)
        for name in _CALL_ATTRIBUTES:
            value = vars(cls).get(name)
            if name in vars(cls) and (value is None or isinstance(value, (str, bytes))):
                setattr(cls, name, descriptor := PerThread(value))
                descriptor.__set_name__(cls, name)

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
        """Send all requests through a proxy, ``scheme://[user:password@]host:port``."""
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
        applications = "".join(map("({})".format, self.ua))
        return f"libcloud/{__version__}{driver} {applications}"

    def _host_header(self) -> str:
        return authority(self.host, int(self.port), scheme=self._scheme)

    @property
    def _scheme(self) -> str:
        return "https" if self.secure else "http"

    @property
    def _endpoint(self) -> str:
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

    def set_context(self, context: dict[str, Any]) -> None:
        """Attach data to the next request of this thread, for its response class.

        :raises TypeError: ``context`` is not a dict.
        """
        if not isinstance(context, dict):
            raise TypeError("context needs to be a dictionary")
        self.context = context

    def reset_context(self) -> None:
        self.context = {}

    @contextmanager
    def extended_timeout(self, seconds: float) -> Iterator[None]:
        """Raise the read timeout to ``seconds`` in the block, for requests of the calling thread.

        A foreign ``conn_class`` keeps its own timeout.
        """
        outer, self._extended_timeout = self._extended_timeout, seconds
        try:
            yield
        finally:
            self._extended_timeout = outer

    def request(
        self,
        action: str,
        params: Any = None,
        data: Any = None,
        headers: Mapping[str, Any] | None = None,
        method: str = "GET",
        raw: bool = False,
        stream: bool = False,
        json: Any = None,
        retry_failed: bool | None = None,
    ) -> Any:
        """Send a request and return the response: ``responseCls``, or ``rawResponseCls``.

        The arguments are not modified.

        :param action: percent-encoded path; may include a query.
        :param params: dict or list of pairs; see ``bare_keys`` for the value ``None``.
        :param data: the body; see :meth:`libcloud.http.LibcloudConnection.prepared_request`.
        :param raw: return ``rawResponseCls``; with ``stream``, the caller reads the body.
        :param json: a document to send as JSON if ``data`` is ``None``.
        :param retry_failed: retry after transient errors; ``None``: according to the
            environment variable LIBCLOUD_RETRY_FAILED_HTTP_REQUESTS and the flag in
            :mod:`libcloud.common.base`. A body that cannot be sent twice is sent once.
        """
        if json is not None and data is None:
            from json import dumps

            data = dumps(json)
            headers = {"Content-Type": "application/json", **(headers or {})}
        call = (action, params, data, headers, method, raw, stream)
        # A request within another one of the same thread comes from a signal handler or from a
        # finalizer, which the garbage collector may run anywhere.
        values = values_of(self)
        interrupted = ThreadState(self, self.connection) if values.get(_REQUESTING) else None
        values[_REQUESTING] = True
        try:
            if retry_failed is None:
                name = "RETRY_FAILED_HTTP_REQUESTS"
                retry_failed = bool(os.environ.get(f"LIBCLOUD_{name}")) or _flag(name)
            rewind = rewinder(data) if retry_failed else None
            return self._attempt(call) if rewind is None else self._with_retries(call, rewind)
        finally:
            self.reset_context()
            values[_REQUESTING] = False
            if interrupted is not None:
                interrupted.restore()

    def morph_action_hook(self, action: str) -> str:
        """Hook: return the path of the request, ``request_path`` and ``action`` joined.

        Empty and dot segments are removed, unless ``ALLOW_PATH_DOUBLE_SLASHES`` is set in
        :mod:`libcloud.common.base`: then the two are put together as they are.
        """
        if _flag("ALLOW_PATH_DOUBLE_SLASHES"):
            return self.request_path + action
        path, question, query = action.partition("?")
        prefix = normalise(self.request_path).rstrip("/")
        return prefix + (normalise(path) or "/") + question + query

    def add_default_params(self, params: Any) -> Any:
        """Hook: add parameters of every request to ``params``, a copy, and return them."""
        return params

    def add_default_headers(self, headers: dict[str, Any]) -> dict[str, Any]:
        """Hook: add headers of every request to ``headers``, a copy, and return them."""
        return headers

    def pre_connect_hook(self, params: Any, headers: Any) -> tuple[Any, Any]:
        """Hook: the last changes to parameters and headers, such as the signature."""
        return params, headers

    def encode_data(self, data: Any) -> Any:
        """Hook: return the body to send for ``data``."""
        return data

    def _begin_attempt(self, action: str) -> None:
        """Hook: decide what holds throughout one attempt, before the request is built."""

    def _end_attempt(self) -> None:
        """Hook: forget that."""

    def _request_url(self, target: str) -> str:
        """Hook: the URL for a path and query; without a host, it is that of the connection."""
        return target

    def _with_retries(self, call: _Call, rewind: Callable[[], None]) -> Any:
        def attempt() -> Any:
            try:
                rewind()
            except OSError as error:
                # An OSError would count as a network error, and be retried.
                text = f"The request failed, and its body cannot be sent again: {error}"
                raise LibcloudError(text, self.driver) from error
            return self._attempt(call)

        total = None if isinstance(self.timeout, tuple) else self.timeout
        retry = self.retryCls(retry_delay=self.retry_delay, timeout=total, backoff=self.backoff)
        return retry(attempt)()

    def _attempt(self, call: _Call) -> Any:
        """Build the request from ``call``, calling the hooks, and send it."""
        action, params, data, headers, method, raw, stream = call
        is_ready = False
        try:
            self._begin_attempt(action)
            action = self.morph_action_hook(action)
            self.action, self.method, self.data = action, method, data
            params = self.add_default_params(copy.copy(params) if params else {})
            if self.cache_busting and method == "GET":
                params = self._add_cache_busting_to_params(params)
            headers = self.add_default_headers(dict(headers or {}))
            headers["User-Agent"] = self._user_agent()
            if "accept-encoding" not in [name.lower() for name in headers]:
                headers["Accept-Encoding"] = "gzip,deflate"
            if self.host is not None:
                headers["Host"] = self._host_header()
            if has_content(data):
                data = self.encode_data(data)
            params, headers = self.pre_connect_hook(params, headers)
            if self.connection is None:
                self._connect_once()
            is_ready = True
            target = with_query(action, params, bare_keys=self.bare_keys) if params else action
            return self._retryable_request(
                url=self._request_url(target),
                data=data,
                headers=headers,
                method=method,
                raw=raw,
                stream=stream,
            )
        except Exception as error:
            if not is_ready:  # such as an error of a request for a token
                mark_unsent(error)
            raise
        finally:
            # Otherwise the body would stay in memory until this thread's next request.
            self.data = None
            self._end_attempt()

    def _connect_once(self) -> None:
        # Two threads that make the first request of a connection must not make two of it. The lock
        # is this connection's own: there are ``connect`` methods which ask another one for a token.
        lock = vars(self).setdefault("_connecting", PerProcess(RLock))
        with lock():
            if self.connection is None:
                self.connect()

    def _retryable_request(
        self, url: str, data: Any, headers: Any, method: str, raw: bool, stream: bool
    ) -> Any:
        connection, seconds = self.connection, self._extended_timeout
        arguments = {"method": method, "url": url, "body": data, "headers": headers}
        if raw:
            arguments["raw"] = raw
        send = connection.prepared_request if raw else connection.request
        is_logged = LOG.isEnabledFor(logging.DEBUG)
        started = time.perf_counter() if is_logged else 0.0
        try:
            if seconds and _has_own_timeouts(connection):
                with connection.extended_timeout(seconds):
                    send(**arguments, stream=stream)
            else:
                send(**arguments, stream=stream)
        except OSError as error:
            clearer = _clearer_error(error, self.host)
            if clearer is None:
                raise
            raise clearer from error
        response = connection.getresponse()
        if is_logged:
            LOG.debug(
                "%s %s: %s in %.0f ms",
                method,
                redact_text(url.partition("?")[0]),
                getattr(response, "status_code", None),
                (time.perf_counter() - started) * 1000,
            )
        kind = self.rawResponseCls if raw else self.responseCls
        return kind(connection=self, response=response)

    def _add_cache_busting_to_params(self, params: Any) -> Any:
        value = get_secure_random_string(8)
        if isinstance(params, Mapping):
            return {**params, "cache-busting": value}
        return [*params, ("cache-busting", value)]


def _has_own_timeouts(connection: Any) -> bool:
    from libcloud.http import LibcloudConnection

    return isinstance(connection, LibcloudConnection)


def _clearer_error(error: OSError, host: str) -> OSError | None:
    """A clearer error than ``error``, or one that can be pickled; ``None`` if there is none."""
    import socket
    import ssl

    if isinstance(error, ssl.SSLError):
        return ssl.SSLError(str(error))
    # glibc: the name has no address. Not every platform defines the constant.
    no_address = getattr(socket, "EAI_NODATA", -5)
    if not isinstance(error, socket.gaierror) or error.args[:1] != (no_address,):
        return None
    return socket.gaierror(
        f"{error}. Perhaps the host of the connection is not a host name: {host}"
    )


def _flag(name: str) -> bool:
    """A flag of ``libcloud.common.base``, which imports this module.

    Until it is loaded, no one can have set a flag.
    """
    return bool(getattr(sys.modules.get("libcloud.common.base"), name, False))
