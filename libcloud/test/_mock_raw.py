# SPDX-License-Identifier: Apache-2.0
"""MockRawResponse: a raw response which asks a method of its own for its answer."""

from __future__ import annotations

from typing import Any, cast

import requests

from libcloud.http import HttpLibResponseProxy
from libcloud.test._mock_answers import MockResponse, answer, as_mock_response
from libcloud.test._mock_http import BaseMockHttpObject


class MockRawResponse(BaseMockHttpObject):
    """A raw response which asks a mock method of its own: set it as ``rawResponseCls``.

    The method is named after the action of the connection's request and called once, on the first
    access. All later accesses get the same objects, so a body is read where the last reader left.

    :cvar responseCls: class of the answer, built from what the mock method returns.
    """

    responseCls: type[MockResponse] = MockResponse

    def __init__(self, connection: Any, response: Any = None) -> None:
        self.connection = connection
        self._request = getattr(response, "request", None)
        self._answer: MockResponse | None = None
        self._built: HttpLibResponseProxy | None = None

    def _get_response_if_not_availale(self) -> MockResponse:
        """The answer: asked of the mock method on the first call, the same object ever after."""
        if self._answer is None:
            action = self.connection.action
            method = getattr(self, self._method_name_of(action))
            body = getattr(self._request, "body", None)
            headers = getattr(self._request, "headers", None)
            found = as_mock_response(method(self.connection.method, action, body, headers))
            self._answer = self.responseCls(found.status, found.body, found.headers, found.reason)
        return self._answer

    @property
    def response(self) -> HttpLibResponseProxy:
        """The answer as drivers read it; ``response._response`` belongs to ``requests``."""
        if self._built is None:
            request = self._request or requests.Request("GET", "http://mock/").prepare()
            built = answer(request, self._get_response_if_not_availale())
            self._built = HttpLibResponseProxy(built)
        return self._built

    @property
    def _response(self) -> requests.Response:
        return cast("requests.Response", self.response._response)

    @property
    def status(self) -> int:
        return self._get_response_if_not_availale().status

    @property
    def body(self) -> Any:
        """The data, as the mock method returned it."""
        return self._get_response_if_not_availale().body

    @property
    def headers(self) -> dict[str, Any]:
        """The headers, names in lower case."""
        found = self._get_response_if_not_availale().headers
        return {name.lower(): value for name, value in found.items()}

    @property
    def reason(self) -> str | None:
        return self._get_response_if_not_availale().reason

    @property
    def error(self) -> str | None:
        return self.reason

    def iter_content(self, *args: Any, **kwargs: Any) -> Any:
        """The body in pieces, as ``requests.Response.iter_content`` gives them."""
        return self._response.iter_content(*args, **kwargs)

    def success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300
