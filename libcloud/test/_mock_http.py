# SPDX-License-Identifier: Apache-2.0
"""MockHttp and MockRawResponse: they ask a method of their own for each answer, and send nothing.

Nothing is patched. The connection's own ``requests`` session has one adapter, which builds the
answer; sessions elsewhere, and other threads, are not touched. So a mock is used from several
threads like the connection it stands for.
"""

from __future__ import annotations

import threading
import unittest
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import HTTPAdapter

from libcloud.http import HttpLibResponseProxy, LibcloudConnection
from libcloud.test._mock_answers import MockResponse, Reply, answer, as_mock_response
from libcloud.utils.bodies import Pieces

_SEPARATORS = str.maketrans({"/": "_", ".": "_", "-": "_"})


class BaseMockHttpObject:
    """Finds the mock method for a request.

    ==================================  ==========================
    target                              method
    ==================================  ==========================
    ``/bucket/my-key.txt?uploads``      ``_bucket_my_key_txt``
    the same with ``type = "FAIL"``     ``_bucket_my_key_txt_FAIL``
    ``/?Action=Do``                     ``root``
    the same, ``use_param = "Action"``  ``_Do``
    ``/a%20b~c/``                       ``_a_20b_7Ec``
    ==================================  ==========================
    """

    type: str | None = None
    use_param: str | None = None

    def _get_method_name(
        self,
        type: str | None,
        use_param: str | None,
        qs: Mapping[str, list[str]] | None,
        path: str,
    ) -> str:
        """Name for ``path``, before a percent sign is replaced; the query takes no part.

        :param qs: the query's parameters; only ``use_param`` is looked at.
        """
        name = path.split("?", 1)[0].translate(_SEPARATORS).replace("~", "%7E")
        if type:
            name = f"{name}_{type}"
        if use_param and qs and use_param in qs:
            name = f"{name}_{qs[use_param][0].replace('.', '_').replace('-', '_')}"
        return name or "root"

    def _method_name_of(self, url: str) -> str:
        """Name of the attribute which answers for ``url``, a target or an absolute URL."""
        parts = urlsplit(f"http://mock{url}" if url.startswith("/") else url)
        path = parts.path[:-1] if parts.path.endswith("/") else parts.path
        found = self._get_method_name(
            type=self.type, use_param=self.use_param, qs=parse_qs(parts.query), path=path
        )
        return found.replace("%", "_")


class _ReplyAdapter(HTTPAdapter):
    """Gives a session the reply its mock has found; asks the mock for it when there is none yet.

    The options of the call (``stream``, ``timeout``, ``verify``, ``cert``, ``proxies``) become
    attributes of the response's request, for tests to look at.
    """

    def __init__(self, mock: MockHttp) -> None:
        super().__init__()
        self._mock = mock

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        vars(request).update(
            stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies
        )
        reply = self._mock._take_reply()
        if reply is None:
            found = self._mock._get_request(
                request.method or "GET", request.path_url, request.body, request.headers
            )
            reply = as_mock_response(found)
        return answer(request, reply)


class _Unanswered(requests.Response):
    """Stands for the answer to a raw request no mock method knows; to look into it is an error.

    Only a ``MockRawResponse``, which has methods of its own, never looks.
    """

    def __init__(self, request: requests.PreparedRequest, error: AttributeError) -> None:
        self.request = request
        self._error = error

    def __getattr__(self, name: str) -> Any:
        raise self._error


class MockHttp(BaseMockHttpObject, LibcloudConnection, unittest.TestCase):
    """A connection for tests. Set it as ``conn_class`` of a driver's connection class.

    For each request the method that :class:`BaseMockHttpObject` names is called as
    ``(method, url, body, headers)``, with the body as it was handed over and header values that
    are numbers as text, and returns ``(status, body, headers, reason)`` or a :class:`MockResponse`.
    A body which is a stream or an iterator is not read unless the method does. An unknown name is
    an :exc:`AttributeError`.

    Built with keywords it is a connection; built positionally, ``MockHttp(None, None)``, only its
    methods can be used.

    :cvar type: appended to each method name.
    :cvar use_param: a query parameter whose value is appended to the method name.
    :cvar max_concurrency: 1 in a subclass whose methods depend on the order of the requests: the
        parts of an upload are then sent one after another.
    :cvar test: the running :class:`LibcloudTestCase`, which then records URLs and method names.
    """

    max_concurrency: int | None = None
    test: Any = None
    proxy_url: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        unittest.TestCase.__init__(self)
        self._replies = threading.local()
        if kwargs:
            LibcloudConnection.__init__(self, *args, **kwargs)
            adapter = _ReplyAdapter(self)
            for scheme in ("http://", "https://"):
                self.session.mount(scheme, adapter)

    def request(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Any = None,
        raw: bool = False,
        stream: bool = False,
        hooks: Any = None,
    ) -> None:
        """Respond to a request through the session, as the replaced connection would send it."""
        headers = self._normalize_headers(headers=headers)
        self._replies.found = as_mock_response(self._get_request(method, url, body, headers))
        try:
            super().request(
                method=method,
                url=url,
                body=body,
                headers=headers,
                raw=raw,
                stream=stream,
                hooks=hooks,
            )
        finally:
            self._replies.found = None

    def prepared_request(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Any = None,
        raw: bool = False,
        stream: bool = False,
    ) -> None:
        """Answer a raw request; an unknown method name shows when the answer is looked at."""
        headers = self._normalize_headers(headers=headers)
        try:
            self._replies.found = as_mock_response(self._get_request(method, url, body, headers))
        except _NoMockMethodError as error:
            request = requests.PreparedRequest()
            request.method, request.body, request.headers = method, body, headers
            self.response = _Unanswered(request, error)
            return
        try:
            super().prepared_request(
                method=method, url=url, body=body, headers=headers, raw=raw, stream=stream
            )
        finally:
            self._replies.found = None

    def _take_reply(self) -> MockResponse | None:
        """The reply found for this thread's request, once."""
        found = getattr(self._replies, "found", None)
        self._replies.found = None
        return cast("MockResponse | None", found)

    def _get_request(self, method: str, url: str, body: Any = None, headers: Any = None) -> Reply:
        """What the mock method for ``url`` returns."""
        if isinstance(body, (memoryview, Pieces)):
            body = bytes(body)  # a part of an upload; mock methods compare it with bytes
        name = self._method_name_of(url)
        if self.test is not None and hasattr(self.test, "_add_visited_url"):
            self.test._add_visited_url(url=url)
            self.test._add_executed_mock_method(method_name=name)
        try:
            found = getattr(self, name)
        except AttributeError as error:
            raise _NoMockMethodError(
                f"{type(self).__name__!r} object has no attribute {name!r} (mock of {method} {url})"
            ) from error
        return cast("Reply", found(method, url, body, headers))

    def assertUrlContainsQueryParams(
        self, url: str, expected_params: Mapping[str, object], strict: bool = False
    ) -> None:
        """Fail unless the query of ``url`` holds ``expected_params``.

        :param expected_params: single values by name; each is compared as text.
        :param strict: no other parameter may be there.
        """
        found = parse_qs(urlsplit(url).query, keep_blank_values=True)
        wanted = {name: [str(value)] for name, value in expected_params.items()}
        if not strict:
            found = {name: value for name, value in found.items() if name in wanted}
        self.assertEqual(found, wanted)

    def _example(self, method: str, url: str, body: Any, headers: Any) -> Reply:
        """Answers ``/example``: shows what a mock method looks like."""
        return (200, "Hello World!", {"X-Foo": "libcloud"}, "OK")

    def _example_fail(self, method: str, url: str, body: Any, headers: Any) -> Reply:
        """Answers ``/example/fail`` with an error."""
        return (403, "Oh Noes!", {"X-Foo": "fail"}, "Forbidden")


class _NoMockMethodError(AttributeError):
    """A mock has no method for a request."""


StorageMockHttp = MockHttp
MockHttpTestCase = MockHttp


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
