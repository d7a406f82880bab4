# SPDX-License-Identifier: Apache-2.0
"""The session of a connection: sends URL, headers and body of a request unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import requests
import requests.sessions
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from libcloud.http.adapter import ExactAdapter, SignedHTTPSAdapter
from libcloud.http.connections import Pools, environment
from libcloud.http.fast_path import SESSION_METHODS, are_defined_in, on_the_wire, split_url
from libcloud.http.messages import genuine
from libcloud.http.secrets import holds_secret, keep_public_headers
from libcloud.utils.documents import read_document

__all__ = ["Session", "SignedHTTPSAdapter", "split_url"]

_ROUTES_KEPT = 32

# Redirects that resend the body: RFC 9110, sections 15.4.8 and 15.4.9.
_WITH_BODY = (307, 308)

_SUCCESS = range(200, 300)

# Methods that tests and programs replace, in the class or in an object.
_CALLED = ("request", "send", "get_adapter")
_REPLACEABLE = frozenset({*SESSION_METHODS, "prepare_request"})

_extract_cookies: Any = extract_cookies_to_jar


# Not ``requests.Session``: a program may have replaced it when this module is imported.
class Session(requests.sessions.Session):
    """A session that does not change the URL and the headers of a request."""

    # Attributes that copies and pickles of a session contain.
    __attrs__ = [*requests.sessions.Session.__attrs__, "timeout"]  # noqa: RUF012  as in requests

    pools: Pools | None = None
    should_strip_auth: Any  # whether a redirect leads to another host or from https to http

    def __init__(self, timeout: Any = None, pools: Pools | None = None) -> None:
        super().__init__()
        self.timeout: Any = timeout
        self.pools = pools
        self._routes: dict[Any, tuple[str, Any] | None] = {}
        for scheme in ("https://", "http://"):
            self.mount(scheme, ExactAdapter())

    def __setstate__(self, state: Any) -> None:
        vars(self).update(state)
        self._routes = {}

    def close(self) -> None:
        """Close all connections that are not in use."""
        if self.pools is not None:
            self.pools.close()
        super().close()

    def route(self, origin: str, verify: Any) -> tuple[str, Any] | None:
        """Return how the fast path sends a request as this session would.

        :return: the origin as requests normalizes it, and what certificates are verified against;
            ``None``: the session has to send the request.
        """
        if (
            not _REPLACEABLE.isdisjoint(vars(self))
            or not are_defined_in("requests.sessions", Session, _CALLED)
            or self.params
            or self.auth
            or self.proxies
            or self.cert
            or self.hooks["response"]
            or getattr(self.cookies, "_cookies", 1)  # the truth of a jar counts its cookies
        ):
            return None
        adapter = self.get_adapter(f"{origin}/")
        if not (isinstance(adapter, ExactAdapter) and adapter.is_usual):
            return None
        key = (origin, verify, self.verify, self.trust_env, environment())
        if key not in self._routes:
            if len(self._routes) >= _ROUTES_KEPT:
                self._routes.clear()
            self._routes[key] = self._new_route(origin, verify)
        return self._routes[key]

    def _new_route(self, origin: str, verify: Any) -> tuple[str, Any] | None:
        settings = self.merge_environment_settings(f"{origin}/", {}, False, verify, None)
        if settings["proxies"] or settings["cert"]:
            return None
        prepared = super().prepare_request(requests.Request("GET", f"{origin}/"))
        verify = DEFAULT_CA_BUNDLE_PATH if settings["verify"] is True else settings["verify"]
        return split_url(prepared.url or "")[0], verify

    def header_lines(self) -> dict[str, tuple[Any, Any]]:
        """Return the headers of every request as lower-case name -> (name as sent, value)."""
        known = getattr(self.headers, "_store", None)  # the class of requests has it
        if isinstance(known, dict):
            return known
        return {name.lower(): (name, value) for name, value in self.headers.items()}

    def completed(
        self, request: Any, received: Any, *, follows: Any, settings: Mapping[str, Any]
    ) -> Any:
        """Return the response of requests: its cookies are kept, and its redirect is followed."""
        request, response = genuine(request), genuine(received)
        stream = settings["stream"]
        if not isinstance(response, requests.Response):
            adapter: Any = self.get_adapter(request.url)
            response = adapter.build_response(request, received)
            if not stream or response.status_code not in _SUCCESS:
                read_document(response)
        if "set-cookie" in response.headers:
            _extract_cookies(self.cookies, request, response.raw)
        if response.is_redirect:
            request._cookies = RequestsCookieJar()
            following = self.resolve_redirects(
                response, request, yield_requests=not follows, proxies={}, **settings
            )
            if not follows:
                response._next = next(following, None)
            elif history := list(following):
                *history, response = (response, *history)
                response.history = history
        if not stream:
            _ = response.content
        return response

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        # Without an ``auth``, requests would replace the signature by credentials from ~/.netrc.
        request.auth = request.auth or self.auth or (lambda prepared: prepared)
        prepared = super().prepare_request(request)
        if not request.params:
            target = split_url(str(request.url))[1]
            prepared.url = split_url(prepared.url or "")[0] + on_the_wire(target)
        given = {name.lower() for name in request.headers or ()}
        if "content-length" in given and "transfer-encoding" not in given:
            prepared.headers.pop("Transfer-Encoding", None)
        return prepared

    def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
        """Remove all secret headers, not only ``Authorization``, on a redirect to elsewhere."""
        before, after = str(response.request.url), str(prepared_request.url)
        if self.should_strip_auth(before, after):
            keep_public_headers(prepared_request)
        elif split_url(before)[0] != split_url(after)[0]:
            prepared_request.headers.pop("Host", None)

    def get_redirect_target(self, resp: Any) -> str | None:
        """Return the target; ``None`` if a body with a token would be sent to another host."""
        target = super().get_redirect_target(resp)
        if target is None or resp.status_code not in _WITH_BODY:
            return target
        elsewhere = self.should_strip_auth(resp.url, urljoin(resp.url, target))
        return None if elsewhere and holds_secret(resp.request.body) else target

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """As in requests; a proxy that was set in code precedes those of the environment."""
        proxies = proxies or dict(self.proxies)
        return super().merge_environment_settings(url, proxies, stream, verify, cert)


def is_mocked(session: Any, url: str) -> bool:
    """Return whether ``session``, one of its methods, or its adapter is not of requests."""
    if not isinstance(session, requests.sessions.Session):
        return True
    replaced = not _REPLACEABLE.isdisjoint(vars(session))
    return replaced or not isinstance(session.get_adapter(url), HTTPAdapter)
