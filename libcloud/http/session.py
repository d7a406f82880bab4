# SPDX-License-Identifier: Apache-2.0
"""The session of a connection: sends the URL, the headers and the body of a request as given."""

from __future__ import annotations

import os
import re
import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import requests
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from requests.hooks import dispatch_hook
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity

from libcloud.http.adapter import ExactAdapter, SignedHTTPSAdapter, split_url
from libcloud.utils.bodies import Pieces

__all__ = ["Session", "SignedHTTPSAdapter", "split_url"]

# RFC 3986 leaves nothing but printable ASCII in a target, and "#" would end it.
_NOT_ON_THE_WIRE = re.compile(r"[^\x21-\x7e]|#")

# A header that requests has nothing against.
_HEADER = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\x21-\x7e][\x20-\x7e]*")

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

# What a call of ``Session.request`` may have besides what a request is made of, to be a plain one.
_SENDING = frozenset({"allow_redirects", "stream", "verify", "timeout"})
_PLAIN = frozenset({"data", "headers", "hooks"}) | _SENDING

# Tests put functions of their own in the place of this one (requests_mock does).
_SEND = requests.Session.send

_call_hooks: Any = dispatch_hook
_extract_cookies: Any = extract_cookies_to_jar


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
            self.mount(scheme, ExactAdapter())

    def __setstate__(self, state: Any) -> None:
        vars(self).update(state)
        self._origins, self._settings = {}, {}

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> Any:
        """As that of requests, which a request takes that is not a plain one."""
        origin, target = split_url(str(url))
        known = self._origins.get(origin)
        plain = known is not None and not args and _PLAIN.issuperset(kwargs)
        if not plain or not self._is_plain(kwargs.get("data")):
            return super().request(method, url, *args, **kwargs)
        headers, hooks = kwargs.get("headers"), kwargs.get("hooks")
        prepared = self._prepare_plain(
            str(method), f"{known}{_on_the_wire(target)}", headers, kwargs.get("data"), hooks=hooks
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
        """As that of requests, without the steps that a request does not need.

        These are the ones that follow redirects, and those that look for cookies where none are.
        """
        follows = kwargs.get("allow_redirects", True)
        if follows or requests.Session.send is not _SEND or "proxies" not in kwargs:
            return super().send(_with_cookies(request), **kwargs)
        del kwargs["allow_redirects"]
        for name in ("stream", "verify", "cert"):
            kwargs.setdefault(name, getattr(self, name))
        adapter = self.get_adapter(url=request.url)
        started = time.perf_counter()
        response: Any = adapter.send(request, **kwargs)
        response.elapsed = timedelta(seconds=time.perf_counter() - started)
        if request.hooks["response"]:
            response = _call_hooks("response", request.hooks, response, **kwargs)
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

    def _is_plain(self, data: Any) -> bool:
        """Whether there is nothing in a request that only requests knows how to send."""
        # A Request without data holds an empty list.
        if data and not isinstance(data, (bytes, memoryview, Pieces)):
            return False
        return not self.cookies and self.auth is None and not self.params

    def _prepare_plain(
        self, method: str, url: str, given: Any, data: Any, *, hooks: Any
    ) -> requests.PreparedRequest:
        """What ``requests`` makes of a plain request, at a fraction of its cost.

        :param url: with scheme and host as requests writes them, from an earlier request.
        :param given: the headers.
        """
        prepared: Any = requests.PreparedRequest()
        prepared.method = method.upper()
        prepared.url = url
        headers: Any = CaseInsensitiveDict(self.headers)
        for name, value in (given or {}).items():
            if type(value) is not str or not _HEADER.fullmatch(f"{name}:{value}"):
                check_header_validity((name, value))
            headers[name] = value
        prepared.headers = headers
        body = data or None
        prepared.body = body
        if body is not None:
            headers["Content-Length"] = str(len(body))
        elif prepared.method not in ("GET", "HEAD") and "Content-Length" not in headers:
            headers["Content-Length"] = "0"
        prepared.hooks = {
            event: [*functions, *_listed((hooks or {}).get(event))]
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


def _on_the_wire(target: str) -> str:
    """``target`` with a slash in front, and with what cannot be sent as it is percent-encoded."""
    return _NOT_ON_THE_WIRE.sub(_percent_encode, target if target.startswith("/") else f"/{target}")


def _listed(hooks: Any) -> list[Any]:
    """One hook, several, or none, as a list."""
    if hooks is None:
        return []
    return [hooks] if callable(hooks) else list(hooks)


def _with_cookies(request: Any) -> Any:
    """``request`` with a place for cookies: requests looks there when it is sent elsewhere."""
    if getattr(request, "_cookies", request) is None:
        request._cookies = RequestsCookieJar()
    return request


def _percent_encode(match: re.Match[str]) -> str:
    return quote(match[0], safe="")


def _keep_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The ``auth`` of a request that carries what it needs already."""
    return request
