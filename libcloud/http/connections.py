# SPDX-License-Identifier: Apache-2.0
"""The connections of the fast path: opened with the standard library, kept for further requests."""

from __future__ import annotations

import encodings.idna  # noqa: F401 - a child that is forked during its import finds half of it
import os
import re
import socket
import sys
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from libcloud.http.sending import has_arrived
from libcloud.http.timeouts import TimedConnection
from libcloud.utils import cancellation
from libcloud.utils.local import PerProcess

if TYPE_CHECKING:
    import ssl

# Connections that are kept for a host: those of the largest worker pool and a few more.
POOL_SIZE = 288

# Number of hosts whose pool is kept. Regions and virtual-hosted buckets lead to a handful.
_POOLS_KEPT = 32

# An origin that requests does not change, except for upper case: no credentials, no name that needs
# encoding. RFC 1035, section 2.3.4: the length of labels.
_ORIGIN = re.compile(
    r"(https?)://(?:\[([0-9a-f.]*:[0-9a-f:.]*)\]|((?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}))(?::([0-9]{1,5}))?"
)
_LONGEST_NAME = 253
_LAST_PORT = 65535

# What a timeout of the usual form is; a bool is none.
_SECONDS = frozenset({int, float, type(None)})

# Environment variables that requests reads for each request: proxies and certificates.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_SETTINGS = (
    *_PROXIES,
    *(name.upper() for name in _PROXIES),
    *("no_proxy", "NO_PROXY", "REQUEST_METHOD", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)

# Systems that have settings for proxies, too.
_WITH_SETTINGS = ("darwin", "win32")


class Origin(NamedTuple):
    """The destination of a connection pool, and the file of trusted certificates, for https."""

    scheme: str
    host: str
    port: int
    certificates: str


@lru_cache(maxsize=64)
def parse_origin(url: str, verify: Any) -> Origin | None:
    """Return the parts of an origin, a URL; ``None``: only requests can connect to it."""
    match = _ORIGIN.fullmatch(url.lower())
    if match is None or len(url) > _LONGEST_NAME:
        return None
    scheme, address, name, digits = match.groups()
    port = int(digits or (443 if scheme == "https" else 80))
    # requests warns if nothing is verified; a directory is left to it, too.
    is_file = isinstance(verify, str) and os.path.isfile(verify)
    if not 0 < port <= _LAST_PORT or (scheme == "https" and not is_file):
        return None
    return Origin(scheme, address or name, port, verify if scheme == "https" else "")


class Connection(TimedConnection):
    """A connection of a :class:`Pool`."""

    def connect(self, origin: Origin, timeout: float | None) -> None:
        """Connect; the timeout is that of the TLS handshake, too."""
        cancellation.raise_if_abandoned()
        _, host, port, certificates = origin
        self.sock = _create_connection((host, port), timeout)
        self.watch()
        for option in _socket_options():
            self.sock.setsockopt(*option)
        if certificates:
            context = context_for(certificates)
            # Without a handshake at first, so that a cancellation can interrupt it.
            self.sock = context.wrap_socket(
                self.sock, server_hostname=host, do_handshake_on_connect=False
            )
            self.watch()  # a cancellation that came while the socket was wrapped
            self.sock.do_handshake()

    def close(self) -> None:
        """Close the connection; a response that is being read from it keeps its socket open."""
        self.state = None
        self.release()
        sock, self.sock = self.sock, None
        if sock is not None:
            sock.close()


def usual_context(path: str) -> ssl.SSLContext:
    """Return a new context that trusts the certificates in a file, with the settings of urllib3."""
    import ssl

    context = ssl.create_default_context(cafile=path)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.options |= ssl.OP_NO_TICKET
    context.set_alpn_protocols(["http/1.1"])
    return context


def context_for(
    path: str, create: Callable[[str], ssl.SSLContext] = usual_context
) -> ssl.SSLContext:
    """Return what ``create`` returns, or has returned before unless the file has changed.

    Loading the certificates takes 20 ms of CPU time, so all connections share one context.

    :raises ssl.SSLError: the file cannot be read or contains no certificates.
    """
    try:
        status = os.stat(path)
        return _context(create, path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        import ssl

        raise ssl.SSLError(f"{path}: {error}") from error


@lru_cache(maxsize=16)
def _context(
    create: Callable[[str], ssl.SSLContext], path: str, modified: int, size: int
) -> ssl.SSLContext:
    return create(path)


def _create_connection(address: tuple[str, int], timeout: float | None) -> socket.socket:
    """Connect as urllib3 would, whose functions programs replace: for IPv4 only, or other DNS."""
    module: Any = sys.modules.get("urllib3.util.connection")
    # Another thread may be importing it, for a response that only urllib3 understands.
    if getattr(getattr(module, "__spec__", None), "_initializing", False):
        module = None
    return (module or socket).create_connection(address, timeout)  # type: ignore[no-any-return]


def _socket_options() -> Any:
    """Return the socket options of urllib3, whose default a program may have changed."""
    known = getattr(sys.modules.get("urllib3.connection"), "HTTPConnection", None)
    usual = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    return usual if known is None else known.default_socket_options


class Pool:
    """The connections to one host. Threads share it.

    It has no lock, because a ``__del__`` that sends a request may run in a thread anywhere:
    appending to a deque and removing from it are atomic.
    """

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self._idle: deque[Connection] = deque()
        # Not ``__del__``: in a reference cycle, the sockets could be collected before the pool.
        self._closing = weakref.finalize(self, _close_all, self._idle)

    def __str__(self) -> str:  # as in the messages of urllib3
        return self.named("Pool")

    def named(self, suffix: str = "") -> str:
        """Return host and port with the name of the class in urllib3."""
        scheme, host, port, _ = self.origin
        return f"{scheme.upper()}Connection{suffix}(host={host!r}, port={port})"

    def take(self) -> Connection:
        """Remove and return the connection that was used last, or one that is not open."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if not has_arrived(connection.sock):
                return connection
            connection.close()
        return Connection()

    def give_back(self, connection: Any) -> None:
        """Keep ``connection`` for another request, if its response has certainly ended."""
        reusable = connection.release() and connection.is_clean()
        # In a reference cycle, a ``__del__`` may send a request after the pool was closed.
        if reusable and self._closing.alive and len(self._idle) < POOL_SIZE:
            self._idle.append(connection)
        else:
            connection.close()

    _put_conn = give_back  # the name that responses of urllib3 call

    def close(self) -> None:
        _close_all(self._idle)


def _close_all(idle: deque[Connection]) -> None:
    with suppress(IndexError):  # there is none
        while True:
            idle.pop().close()


class Pools:
    """The pools of a session, by origin. A forked process starts with none: it must not use the
    connections of its parent. Neither do copies and pickles contain any."""

    def __init__(self) -> None:
        self._known: PerProcess[dict[Origin, Pool]] = PerProcess(dict)

    def get(self, origin: Origin) -> Pool:
        known = self._known()
        pool = known.get(origin)
        if pool is None:
            if len(known) >= _POOLS_KEPT:
                known.clear()
            pool = known.setdefault(origin, Pool(origin))
        return pool

    def close(self) -> None:
        known = self._known()
        while known:
            known.popitem()[1].close()


def usual_timeout(timeout: Any) -> tuple[Any, Any] | None:
    """Return the timeouts for connecting and for reading; ``None``: requests has to judge them."""
    pair = timeout if type(timeout) is tuple else (timeout, timeout)
    if len(pair) != 2 or not _SECONDS.issuperset(map(type, pair)):
        return None
    connect, read = pair
    return pair if (connect is None or connect > 0) and (read is None or read > 0) else None


def environment() -> tuple[Any, ...]:
    """Return the values of the environment variables that requests reads."""
    # A lookup in ``os.environ`` takes a microsecond; in its underlying dictionary, a twentieth.
    known = getattr(os.environ, "_data", None)
    if isinstance(known, dict):
        return tuple(map(known.get, _encoded_settings()))
    return tuple(map(os.environ.get, _SETTINGS))


@cache
def _encoded_settings() -> tuple[Any, ...]:
    """Return their names, encoded as in the dictionary behind ``os.environ``."""
    encode: Any = os.environ.encodekey
    return tuple(map(encode, _SETTINGS))


def may_use_proxy() -> bool:
    """Return whether the environment or the system names a proxy: requests has to judge it."""
    return any(environment()[: 2 * len(_PROXIES)]) or _has_system_proxy()


@cache
def _has_system_proxy() -> bool:
    if sys.platform not in _WITH_SETTINGS:
        return False
    from urllib.request import getproxies

    return bool(getproxies())
