# SPDX-License-Identifier: Apache-2.0
"""The session of a connection: sends the URL, the headers and the body of a request as given."""

from __future__ import annotations

import os
import re
import threading
from typing import Any
from urllib.parse import quote

import requests
import urllib3.connection
import urllib3.connectionpool
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity
from urllib3.poolmanager import PoolManager

from libcloud.http.heads import WholeHeadResponse
from libcloud.http.timeouts import TimedConnection, timing
from libcloud.utils.bodies import Pieces
from libcloud.utils.redact import redact_text

__all__ = ["Session", "SignedHTTPSAdapter", "split_url"]

# Connections that a session keeps open for reuse: the workers of the largest upload, and some.
_POOL_SIZE = 32

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*://[^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)

# RFC 3986 leaves nothing but printable ASCII in a target, and "#" would end it.
_NOT_ON_THE_WIRE = re.compile(r"[^\x21-\x7e]|#")

# What requests looks up in the environment for each request: proxies and certificates.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_SETTINGS = (
    *_PROXIES,
    *(name.upper() for name in _PROXIES),
    "REQUEST_METHOD",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)
_SETTINGS_KEPT = 32


class _Wire(threading.local):
    """The target of the request that this thread is sending."""

    target: str | None = None


_wire = _Wire()


# The names are those of urllib3: they stand in the messages of errors.


class HTTPConnection(TimedConnection, urllib3.connection.HTTPConnection):
    """Sends the target as given, where urllib3 would normalise it."""

    response_class = WholeHeadResponse

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        super().putrequest(method, _exact(url), *args, **kwargs)


class HTTPSConnection(TimedConnection, urllib3.connection.HTTPSConnection):
    """Sends the target as given, where urllib3 would normalise it."""

    response_class = WholeHeadResponse

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        super().putrequest(method, _exact(url), *args, **kwargs)


class HTTPConnectionPool(urllib3.connectionpool.HTTPConnectionPool):
    """Connections that send the target as given, and notice an answer that is cut short."""

    ConnectionCls = HTTPConnection

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        # The default of urllib3 2; the older one takes half an answer for a whole one.
        return super().urlopen(*args, **{"enforce_content_length": True, **kwargs})


class HTTPSConnectionPool(urllib3.connectionpool.HTTPSConnectionPool):
    """Connections that send the target as given, and notice an answer that is cut short."""

    ConnectionCls = HTTPSConnection

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        # The default of urllib3 2; the older one takes half an answer for a whole one.
        return super().urlopen(*args, **{"enforce_content_length": True, **kwargs})


_POOLS = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}


class _ExactAdapter(HTTPAdapter):
    """Sends the target of each request as it is, and tells no secrets when that fails."""

    _pid = 0
    _inherited: Any = None
    _pool_connections: int  # what requests remembers of its arguments
    _pool_maxsize: int
    _pool_block: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("pool_maxsize", _POOL_SIZE)
        super().__init__(*args, **kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS
        self._pid = os.getpid()

    def _leave_to_the_parent(self) -> None:
        """Begin without a connection, in a process that was forked.

        The parent goes on using those that were open: the answers on them are for one of the two.
        They are not closed here, for another thread of the parent may have held their locks.
        """
        self._inherited = self.poolmanager, dict(self.proxy_manager), self._inherited
        self.proxy_manager.clear()
        self.init_poolmanager(self._pool_connections, self._pool_maxsize, block=self._pool_block)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        # A SOCKS proxy has pools of its own, which give the target no other form.
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        if os.getpid() != self._pid:
            self._leave_to_the_parent()
        outer, _wire.target = _wire.target, split_url(request.url or "")[1].partition("#")[0]
        try:
            with timing(kwargs.get("timeout")):
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
        self.poolmanager.pool_classes_by_scheme = _POOLS
        self._pid = os.getpid()


class Session(requests.Session):
    """A session that leaves the URL and the headers of a request as they are given."""

    # What a copy or a pickle of a session takes along.
    __attrs__ = [*requests.Session.__attrs__, "timeout"]  # noqa: RUF012  as in requests

    def __init__(self) -> None:
        super().__init__()
        self.timeout: float | tuple[float, float] | None = None
        self._origins: dict[str, str] = {}
        self._settings: dict[Any, Any] = {}
        for scheme in ("https://", "http://"):
            self.mount(scheme, _ExactAdapter())

    def __setstate__(self, state: Any) -> None:
        vars(self).update(state)
        self._origins, self._settings = {}, {}

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        origin, target = split_url(str(request.url))
        known = self._origins.get(origin)
        if known is not None and self._is_plain(request):
            return self._prepare_plain(request, known, target)
        # Without an ``auth``, requests would look for one in ~/.netrc and put it in the place of
        # the signature.
        request.auth = request.auth or _keep_authorization
        prepared = super().prepare_request(request)
        if not request.params:
            self._origins[origin] = split_url(prepared.url or "")[0]
            prepared.url = self._origins[origin] + _on_the_wire(target)
        given = {name.lower() for name in request.headers or ()}
        if "content-length" in given and "transfer-encoding" not in given:
            prepared.headers.pop("Transfer-Encoding", None)
        return prepared

    def _is_plain(self, request: requests.Request) -> bool:
        """Whether there is nothing in ``request`` that only requests knows how to send."""
        # A Request without data holds an empty list.
        if request.data and not isinstance(request.data, (bytes, memoryview, Pieces)):
            return False
        special = (request.params, request.files, request.json, request.auth, request.cookies)
        return not any(special) and not self.cookies and self.auth is None and not self.params

    def _prepare_plain(
        self, request: requests.Request, origin: str, target: str
    ) -> requests.PreparedRequest:
        """What ``requests`` makes of a plain request, at a fraction of its cost.

        :param origin: scheme and host as requests writes them, from an earlier request.
        """
        prepared: Any = requests.PreparedRequest()
        prepared.method = str(request.method).upper()
        prepared.url = origin + _on_the_wire(target)
        headers: Any = CaseInsensitiveDict(self.headers)
        for name, value in (request.headers or {}).items():
            check_header_validity((name, value))
            headers[name] = value
        prepared.headers = headers
        body = request.data or None
        prepared.body = body
        if body is not None:
            headers["Content-Length"] = str(len(body))
        elif prepared.method not in ("GET", "HEAD") and "Content-Length" not in headers:
            headers["Content-Length"] = "0"
        prepared._cookies = RequestsCookieJar()  # requests looks there when it is redirected
        prepared.hooks = {
            event: [*functions, *_listed((request.hooks or {}).get(event))]
            for event, functions in self.hooks.items()
        }
        return prepared  # type: ignore[no-any-return]

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """Settings of the environment, looked up again only when it has changed."""
        if proxies or not self.trust_env:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        state = (*map(os.environ.get, _SETTINGS), str(verify), str(cert), stream)
        key = (split_url(str(url))[0], state, tuple(sorted((self.proxies or {}).items())))
        known = self._settings.get(key)
        if known is None:
            if len(self._settings) >= _SETTINGS_KEPT:
                self._settings.clear()
            known = dict(super().merge_environment_settings(url, proxies, stream, verify, cert))
            self._settings[key] = known
        return {**known, "proxies": dict(known["proxies"])}


def _exact(url: str) -> str:
    """``url`` as urllib3 has it, with the target that the request was given."""
    if _wire.target is None:
        return url
    # A proxy is told the whole URL.
    return _wire.target if url.startswith("/") else split_url(url)[0] + _wire.target


def split_url(url: str) -> tuple[str, str]:
    """Scheme and authority of ``url``, and the rest; neither is changed."""
    match = _ORIGIN.match(url)
    return (match[1], match[2]) if match else ("", url)


def _on_the_wire(target: str) -> str:
    """``target`` with a slash in front, and with what cannot be sent as it is percent-encoded."""
    return _NOT_ON_THE_WIRE.sub(_percent_encode, target if target.startswith("/") else f"/{target}")


def _listed(hooks: Any) -> list[Any]:
    """One hook, several, or none, as a list."""
    if hooks is None:
        return []
    return [hooks] if callable(hooks) else list(hooks)


def _percent_encode(match: re.Match[str]) -> str:
    return quote(match[0], safe="")


def _keep_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The ``auth`` of a request that carries what it needs already."""
    return request


def _redact(error: BaseException) -> None:
    """Take signatures out of the texts of ``error``: urllib3 puts the whole URL there."""
    for nested in (error, *error.args):
        if isinstance(nested, BaseException):
            nested.args = tuple(
                redact_text(part) if isinstance(part, str) else part for part in nested.args
            )
