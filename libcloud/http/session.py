# SPDX-License-Identifier: Apache-2.0
"""The session of a connection: sends URL, headers and body of a request unchanged."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import quote, urljoin

import requests
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from requests.hooks import dispatch_hook
from requests.models import REDIRECT_STATI
from requests.utils import resolve_proxies

from libcloud.http.adapter import ExactAdapter, SignedHTTPSAdapter, split_url
from libcloud.http.fast_path import FastRequest, FastResponse, header_lines
from libcloud.http.secrets import holds_secret, keep_public_headers
from libcloud.utils.bodies import Pieces

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
_SETTINGS_KEPT = 32

# Redirects that resend the body: RFC 9110, sections 15.4.8 and 15.4.9.
_WITH_BODY = (307, 308)

# Further arguments of ``Session.request`` that the fast path supports.
_SENDING = frozenset({"allow_redirects", "stream", "verify", "timeout"})
_PLAIN = frozenset({"data", "headers", "hooks"}) | _SENDING

# Compared at each request: test libraries such as requests_mock replace this method.
_SEND = requests.Session.send

_call_hooks: Any = dispatch_hook
_extract_cookies: Any = extract_cookies_to_jar


class Session(requests.Session):
    """A session that does not change the URL and the headers of a request."""

    # Attributes that copies and pickles of a session contain.
    __attrs__ = [*requests.Session.__attrs__, "timeout"]  # noqa: RUF012  as in requests

    def __init__(self) -> None:
        super().__init__()
        self.timeout: float | tuple[float, float] | None = None
        self._origins: dict[str, str] = {}
        self._settings: dict[Any, Any] = {}
        for scheme in ("https://", "http://"):
            self.mount(scheme, ExactAdapter())

    def __setstate__(self, state: Any) -> None:
        vars(self).update(state)
        self._origins, self._settings = {}, {}

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> Any:
        """As in requests; a request that the fast path supports is sent without its overhead."""
        origin, target = split_url(str(url))
        known = self._origins.get(origin)
        plain = known is not None and not args and _PLAIN.issuperset(kwargs)
        data = kwargs.get("data")
        if not plain or not self._is_plain(data):
            return super().request(method, url, *args, **kwargs)
        headers, hooks = kwargs.get("headers"), kwargs.get("hooks")
        prepared = self._prepare_plain(
            str(method), f"{known}{_on_the_wire(target)}", headers, data, hooks=hooks
        )
        settings = self.merge_environment_settings(
            prepared.url, {}, kwargs.get("stream"), kwargs.get("verify"), None
        )
        return self.send(
            prepared,
            timeout=kwargs.get("timeout"),
            allow_redirects=kwargs.get("allow_redirects", True),
            **settings,
        )

    def send(self, request: Any, **kwargs: Any) -> Any:
        """As in requests, without searching for redirects and cookies where there are none."""
        follows = kwargs.get("allow_redirects", True)
        if "proxies" not in kwargs:
            kwargs["proxies"] = self._proxies_of(request)
        if follows or requests.Session.send is not _SEND:
            return super().send(_with_cookies(request), **kwargs)
        del kwargs["allow_redirects"]
        for name in ("stream", "verify", "cert"):
            if name not in kwargs:
                kwargs[name] = getattr(self, name)
        adapter = self.get_adapter(url=request.url)
        started = time.perf_counter()
        response: Any = adapter.send(request, **kwargs)
        response.elapsed = timedelta(seconds=time.perf_counter() - started)
        if request.hooks["response"]:
            response = _call_hooks("response", request.hooks, response, **kwargs)
        if isinstance(response, FastResponse) and response.status_code not in REDIRECT_STATI:
            return response  # has no cookies, and is read
        if "set-cookie" in response.headers:
            _extract_cookies(self.cookies, request, response.raw)
        if response.is_redirect:
            following = self.resolve_redirects(
                response, _with_cookies(request), yield_requests=True, **kwargs
            )
            response._next = next(following, None)
        if not kwargs["stream"]:
            _ = response.content
        return response

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        origin, target = split_url(str(request.url))
        known = self._origins.get(origin)
        special = (request.params, request.files, request.json, request.auth, request.cookies)
        if known is not None and not any(special) and self._is_plain(request.data):
            url = f"{known}{_on_the_wire(target)}"
            return self._prepare_plain(
                str(request.method), url, request.headers, request.data, hooks=request.hooks
            )
        # Without an ``auth``, requests would replace the signature by credentials from ~/.netrc.
        request.auth = request.auth or _keep_authorization
        prepared = super().prepare_request(request)
        if not request.params:
            self._origins[origin] = split_url(prepared.url or "")[0]
            prepared.url = self._origins[origin] + _on_the_wire(target)
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

    def _is_plain(self, data: Any) -> bool:
        """Return whether the fast path supports this request."""
        # A Request without data has an empty list.
        if data and not isinstance(data, (bytes, memoryview, Pieces)):
            return False
        # The truth of a cookie jar counts its cookies, one by one.
        cookies = getattr(self.cookies, "_cookies", True)
        return not cookies and self.auth is None and not self.params

    def _prepare_plain(
        self, method: str, url: str, given: Any, data: Any, *, hooks: Any
    ) -> requests.PreparedRequest:
        """Prepare a request as requests does, at a fraction of the cost.

        :param url: scheme and host are as requests normalizes them, from an earlier request.
        :param given: the headers.
        """
        method = method.upper()
        headers = header_lines(self.headers)
        for name, value in (given or {}).items():
            headers[name.lower()] = name, value
        body = data or None
        if body is not None:
            headers["content-length"] = "Content-Length", str(len(body))
        elif method not in ("GET", "HEAD"):
            headers.setdefault("content-length", ("Content-Length", "0"))
        every = {
            event: [*functions, *_listed((hooks or {}).get(event))]
            for event, functions in self.hooks.items()
        }
        return FastRequest(method, url, headers, body, every)

    def _proxies_of(self, request: Any) -> Any:
        """Return the proxies for ``request``, cached until the environment changes."""
        if self.proxies or not self.trust_env:
            return resolve_proxies(request, dict(self.proxies), self.trust_env)
        key = (split_url(str(request.url))[0], _environment())
        known = self._cached(key, lambda: resolve_proxies(request, {}, True))
        return dict(known)

    def _cached(self, key: Any, make: Callable[[], Any]) -> Any:
        known = self._settings.get(key)
        if known is None:
            if len(self._settings) >= _SETTINGS_KEPT:
                self._settings.clear()
            known = self._settings[key] = make()
        return known

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """Return the settings of the environment, cached until it changes."""
        # A proxy that was set in code takes precedence over the environment.
        proxies = proxies or dict(self.proxies)
        if proxies or not self.trust_env:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        key = (split_url(str(url))[0], _environment(), str(verify), str(cert), stream)
        merge = super().merge_environment_settings
        known = self._cached(key, lambda: dict(merge(url, proxies, stream, verify, cert)))
        return {**known, "proxies": dict(known["proxies"])}


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
    return _NOT_ON_THE_WIRE.sub(_percent_encode, target if target.startswith("/") else f"/{target}")


def _listed(hooks: Any) -> list[Any]:
    """Return one hook, several or none as a list."""
    if hooks is None:
        return []
    return [hooks] if callable(hooks) else list(hooks)


def _with_cookies(request: Any) -> Any:
    """Give ``request`` a cookie jar, which requests needs to follow a redirect."""
    if getattr(request, "_cookies", request) is None:
        request._cookies = RequestsCookieJar()
    return request


def _percent_encode(match: re.Match[str]) -> str:
    return quote(match[0], safe="")


def _keep_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The ``auth`` of a request that already has its authorization."""
    return request
