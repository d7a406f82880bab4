# SPDX-License-Identifier: Apache-2.0
"""The session of a connection: sends URL, headers and body of a request unchanged."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin

import requests
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from requests.models import REDIRECT_STATI

from libcloud.http.adapter import ExactAdapter, SignedHTTPSAdapter, split_url
from libcloud.http.fast_path import FastRequest, FastResponse, header_lines
from libcloud.http.secrets import holds_secret, keep_public_headers
from libcloud.utils.bodies import Pieces
from libcloud.utils.headers import LOWER

__all__ = ["Session", "SignedHTTPSAdapter", "split_url"]

# RFC 3986: a target consists of printable ASCII, and "#" would end it.
_NOT_ON_THE_WIRE = re.compile(r"[^\x21-\x7e]|#")

# Environment variables that requests reads for each request: proxies and certificates.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_SETTINGS = (
    *_PROXIES,
    *(name.upper() for name in _PROXIES),
    "REQUEST_METHOD",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)
_ROUTES_KEPT = 32

# Redirects that resend the body: RFC 9110, sections 15.4.8 and 15.4.9.
_WITH_BODY = (307, 308)

# Compared at each request: test libraries such as requests_mock replace these methods.
_METHODS = requests.Session.request, requests.Session.send, requests.Session.get_adapter

_extract_cookies: Any = extract_cookies_to_jar


class _Route(NamedTuple):
    """How requests to a host are sent.

    :ivar origin: scheme and host, as requests normalizes them.
    :ivar verify: what certificates are verified against.
    """

    adapter: ExactAdapter
    origin: str
    verify: Any


class Session(requests.Session):
    """A session that does not change the URL and the headers of a request."""

    # Attributes that copies and pickles of a session contain.
    __attrs__ = [*requests.Session.__attrs__, "timeout"]  # noqa: RUF012  as in requests

    def __init__(self) -> None:
        super().__init__()
        self.timeout: float | tuple[float, float] | None = None
        self._routes: dict[Any, _Route | None] = {}
        for scheme in ("https://", "http://"):
            self.mount(scheme, ExactAdapter())

    def __setstate__(self, state: Any) -> None:
        vars(self).update(state)
        self._routes = {}

    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, Any],
        body: Any,
        *,
        stream: bool,
        verify: Any,
        timeout: Any,
        follows: Any,
    ) -> Any:
        """Send a request that :mod:`libcloud.http.fast_path` supports, and return its response.

        The URL and the headers are those that requests would send.

        :param follows: whether redirects are followed.
        :return: ``None``: nothing was sent; requests has to do it.
        """
        # A Request without data has an empty list; the truth of a cookie jar counts its cookies.
        if body and not isinstance(body, (bytes, memoryview, Pieces)):
            return None
        session = type(self)
        if (session.request, session.send, session.get_adapter) != _METHODS:
            return None
        if (
            self.params
            or self.auth
            or self.proxies
            or self.cert
            or self.hooks["response"]
            or getattr(self.cookies, "_cookies", 1)
        ):
            return None
        origin, target = split_url(url)
        route = self._route(origin, verify)
        if route is None:
            return None
        lines = header_lines(self.headers)
        for name, value in headers.items():
            lines[LOWER[name]] = name, value
        if body:
            lines["content-length"] = "Content-Length", str(len(body))
        elif method not in ("GET", "HEAD"):
            lines.setdefault("content-length", ("Content-Length", "0"))
        request = FastRequest(method, f"{route.origin}{_on_the_wire(target)}", lines, body or None)
        started = time.perf_counter()
        response = route.adapter.exchange(request, route.verify, stream=stream, timeout=timeout)
        if response is None:
            return None
        response.elapsed = timedelta(seconds=time.perf_counter() - started)
        if type(response) is FastResponse and response.status_code not in REDIRECT_STATI:
            return response  # has no cookies, and is read
        settings = {"stream": stream, "verify": route.verify, "timeout": timeout, "proxies": {}}
        return self._completed(request, response, follows, settings)

    def _completed(self, request: Any, response: Any, follows: Any, settings: Any) -> Any:
        """Keep the cookies of ``response``, and follow its redirect, as requests does."""
        if "set-cookie" in response.headers:
            _extract_cookies(self.cookies, request, response.raw)
        if response.is_redirect:
            request._cookies = RequestsCookieJar()
            following = self.resolve_redirects(
                response, request, yield_requests=not follows, **settings
            )
            if not follows:
                response._next = next(following, None)
            elif history := list(following):
                *history, response = (response, *history)
                response.history = history
        if not settings["stream"]:
            _ = response.content
        return response

    def _route(self, origin: str, verify: Any) -> _Route | None:
        """How requests to ``origin`` are sent, cached until the settings or an adapter change.

        ``None``: by requests, such as through a proxy.
        """
        own = self.verify, self.trust_env
        key = (origin, verify, own, _environment(), *self.adapters.values())
        if key in self._routes:
            return self._routes[key]
        if len(self._routes) >= _ROUTES_KEPT:
            self._routes.clear()
        settings = self.merge_environment_settings(f"{origin}/", {}, False, verify, None)
        adapter = self.get_adapter(f"{origin}/")
        route = None
        if isinstance(adapter, ExactAdapter) and not settings["proxies"] and not settings["cert"]:
            prepared = super().prepare_request(requests.Request("GET", f"{origin}/"))
            route = _Route(adapter, split_url(prepared.url or "")[0], settings["verify"])
        self._routes[key] = route
        return route

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        # Without an ``auth``, requests would replace the signature by credentials from ~/.netrc.
        request.auth = request.auth or _keep_authorization
        prepared = super().prepare_request(request)
        if not request.params:
            target = split_url(str(request.url))[1]
            prepared.url = split_url(prepared.url or "")[0] + _on_the_wire(target)
        given = {name.lower() for name in request.headers or ()}
        if "content-length" in given and "transfer-encoding" not in given:
            prepared.headers.pop("Transfer-Encoding", None)
        return prepared

    def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
        """Remove all secret headers on a redirect to another host or from https to http.

        requests would remove ``Authorization`` only, and look for a replacement in ~/.netrc.
        """
        before, after = str(response.request.url), str(prepared_request.url)
        if _is_elsewhere(self, before, after):
            keep_public_headers(prepared_request)
        elif split_url(before)[0] != split_url(after)[0]:
            prepared_request.headers.pop("Host", None)

    def get_redirect_target(self, resp: Any) -> str | None:
        """Return the target; ``None`` if a body with a token would be sent to another host."""
        target = super().get_redirect_target(resp)
        if target is None or resp.status_code not in _WITH_BODY:
            return target
        elsewhere = _is_elsewhere(self, resp.url, urljoin(resp.url, target))
        return None if elsewhere and holds_secret(resp.request.body) else target

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """As in requests; a proxy that was set in code precedes those of the environment."""
        proxies = proxies or dict(self.proxies)
        return super().merge_environment_settings(url, proxies, stream, verify, cert)


def _is_elsewhere(session: Any, before: str, after: str) -> bool:
    """Return whether a redirect leads to another host or from https to http."""
    return bool(session.should_strip_auth(before, after))


def _environment() -> tuple[Any, ...]:
    """Return the values of the relevant environment variables."""
    # A lookup in ``os.environ`` takes a microsecond; in its underlying dictionary, a twentieth.
    known = getattr(os.environ, "_data", None)
    if isinstance(known, dict):
        return tuple(map(known.get, _encoded_settings()))
    return tuple(map(os.environ.get, _SETTINGS))


@cache
def _encoded_settings() -> tuple[Any, ...]:
    """Return their names, encoded as in the dictionary behind ``os.environ``."""
    encode: Callable[[str], Any] = os.environ.encodekey
    return tuple(map(encode, _SETTINGS))


def _on_the_wire(target: str) -> str:
    """Return ``target`` with a leading slash, unsendable characters percent-encoded."""
    return _NOT_ON_THE_WIRE.sub(_percent_encode, target if target[:1] == "/" else f"/{target}")


def _percent_encode(match: re.Match[str]) -> str:
    return quote(match[0], safe="")


def _keep_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The ``auth`` of a request that already has its authorization."""
    return request
