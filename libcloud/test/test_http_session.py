# SPDX-License-Identifier: Apache-2.0
"""The short way that plain requests take through requests: nothing that users see is missing."""

from __future__ import annotations

import functools
import http.client
import importlib.machinery
import queue
import socket
import sys
import types
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import pytest
import requests
import requests_mock
import responses
import urllib3.connection
import urllib3.connectionpool
import urllib3.util.connection
from requests.adapters import HTTPAdapter

from libcloud.common.types import LibcloudError
from libcloud.http import LibcloudConnection, connections, is_replaced
from libcloud.http.adapter import ExactAdapter, IdleConnections
from libcloud.http.fast_path import SESSION_METHODS
from libcloud.test._helpers import run_in_threads
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.utils.bodies import Pieces

# Both ways of sending must do the same, and close what they open.
pytestmark = [
    pytest.mark.usefixtures("http_path"),
    pytest.mark.filterwarnings("error::ResourceWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]


def answer(request: Received) -> bytes:
    """Whatever the target asks for."""
    if request.target == "/cookie":
        return reply(200, headers={"Set-Cookie": "taste=sweet; Path=/"})
    if request.target == "/large":
        return reply(200, bytes(1 << 20))
    if request.target == "/elsewhere":
        return reply(302, b"there", headers={"Location": "/here"})
    return reply(200, b"\xe9", headers={"Content-Type": "text/plain; charset=latin-1"})


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(answer) as running:
        yield running


@pytest.fixture
def connection(server: Loopback) -> LibcloudConnection:
    """A connection that follows no redirect, as those of drivers, and knows its host already."""
    made = LibcloudConnection("127.0.0.1", server.port, secure=False)
    made.follow_redirects = False
    made.session.headers["Host"] = f"127.0.0.1:{server.port}"  # as from drivers; needed to be fast
    made.request("GET", "/first")
    return made


def test_a_response_has_the_attributes_that_requests_sets(connection: LibcloudConnection) -> None:
    connection.request("PUT", "/x?y", body=b"data")
    said = connection.response

    assert (said.status_code, said.reason, said.text) == (200, "Said", "é")
    assert said.url == f"{connection.host}/x?y"
    assert said.headers["CONTENT-TYPE"] == "text/plain; charset=latin-1"
    assert (said.request.method, said.request.body) == ("PUT", b"data")
    assert said.elapsed > timedelta(0)
    assert said.history == []
    assert isinstance(said.connection, HTTPAdapter)


def test_cookies_are_kept_and_sent(connection: LibcloudConnection, server: Loopback) -> None:
    connection.request("GET", "/cookie")
    assert connection.response.cookies["taste"] == "sweet"

    connection.request("GET", "/x")
    assert server.requests[-1].headers["cookie"] == "taste=sweet"


def test_the_error_for_a_redirect_names_its_target(connection: LibcloudConnection) -> None:
    connection.request("GET", "/elsewhere")

    assert connection.response.status_code == 302
    assert connection.response.next.url == f"{connection.host}/here"


def test_a_streamed_body_stays_unread(connection: LibcloudConnection) -> None:
    connection.request("GET", "/large", stream=True)
    assert not connection.response._content_consumed

    assert connection.response.content == bytes(1 << 20)


def test_a_closed_session_opens_new_connections(
    connection: LibcloudConnection, server: Loopback
) -> None:
    connection.session.close()
    connection.request("GET", "/x")

    assert connection.status == 200
    assert server.connections == 2


def test_an_evicted_pool_is_created_again(connection: LibcloudConnection, server: Loopback) -> None:
    connection.session.get_adapter(connection.host).poolmanager.clear()
    known = connection._pools._known()
    known.clear()
    connection.request("GET", "/x")

    assert connection.status == 200
    assert server.connections == 2


def test_certificates_that_are_not_there_are_missed_each_time(
    connection: LibcloudConnection, tmp_path: Path
) -> None:
    other = LibcloudConnection("127.0.0.1", 443, secure=True)
    other.ca_cert = str(tmp_path / "none.pem")
    for _ in range(2):
        with pytest.raises(LibcloudError, match=r"none\.pem"):
            other.request("GET", "/x")


@pytest.mark.parametrize("everywhere", [True, False], ids=["everywhere", "in this session"])
def test_requests_mock_replaces_the_network(
    connection: LibcloudConnection, server: Loopback, everywhere: bool
) -> None:
    connection.session.headers["Host"] = f"127.0.0.1:{server.port}"  # for the fast path
    connection.request("GET", "/x")
    with requests_mock.Mocker(session=None if everywhere else connection.session) as mocked:
        mocked.get(f"{connection.host}/mocked", text="by requests_mock")
        connection.request("GET", "/mocked")

    assert connection.response.text == "by requests_mock"
    assert "/mocked" not in [request.target for request in server.requests]


@pytest.mark.parametrize("body", [Pieces([b"ab", b"c"]), memoryview(bytes(1 << 20))])
@pytest.mark.parametrize("place", ["everywhere", "in this session", "an adapter", "responses"])
def test_mocks_are_given_bodies_as_bytes(
    connection: LibcloudConnection, place: str, body: Any
) -> None:
    url = f"{connection.host}/mocked"
    with ExitStack() as mocks:
        seen: Any
        if place == "responses":
            seen = mocks.enter_context(responses.RequestsMock())
            seen.put(url)
        elif place == "an adapter":
            seen = requests_mock.Adapter()
            seen.register_uri("PUT", url)
            connection.session.mount("http://", seen)
        else:
            session = None if place == "everywhere" else connection.session
            seen = mocks.enter_context(requests_mock.Mocker(session=session))
            seen.put(url)
        connection.request("PUT", "/mocked", body=body)
        sent = seen.calls[0].request if place == "responses" else seen.last_request
        assert (type(sent.body), sent.body) == (bytes, bytes(body))


class OtherSession:
    """A session of a program, which has only the method that is called."""

    def request(self, data: Any, **_: Any) -> Any:
        response: Any = requests.Response()
        response.status_code, response._content = 200, data
        return response


@pytest.mark.parametrize("body", [Pieces([b"ab", b"c"]), memoryview(bytes(1 << 20))])
def test_a_session_may_have_another_class(connection: LibcloudConnection, body: Any) -> None:
    connection.session = OtherSession()
    connection.request("PUT", "/x", body=body)
    assert connection.response.content == bytes(body)


@pytest.mark.parametrize(
    ("owner", "name"), [(requests.Session, "send"), (http.client.HTTPConnection, "putrequest")]
)
def test_monitoring_sees_requests_and_is_no_mock(
    connection: LibcloudConnection, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    """OpenTelemetry wraps the first one, Sentry the second, without ``functools.wraps``."""
    original, seen = getattr(owner, name), []

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        seen.append(getattr(args[1], "body", None))
        return original(*args, **kwargs)

    if owner is requests.Session:
        functools.update_wrapper(wrapper, original)
    monkeypatch.setattr(owner, name, wrapper)
    body = Pieces([b"ab", b"c"])
    connection.request("PUT", "/x", body=body)

    assert seen in ([body], [None])  # not copied
    assert connection.status == 200
    assert not is_replaced(type(connection))


class _ReplacedError(Exception):
    """Raised by a method that a test replaces."""


@pytest.mark.parametrize("name", SESSION_METHODS)
@pytest.mark.parametrize("everywhere", [True, False], ids=["everywhere", "in this session"])
def test_a_replaced_method_of_a_session_is_called(
    connection: LibcloudConnection, server: Loopback, name: str, everywhere: bool
) -> None:
    connection.session.headers["Host"] = f"127.0.0.1:{server.port}"  # for the fast path
    connection.request("GET", "/x")
    owner = requests.Session if everywhere else connection.session
    replaced = mock.patch.object(owner, name, side_effect=_ReplacedError)
    with replaced, pytest.raises(_ReplacedError):
        connection.request("GET", "/replaced")

    assert "/replaced" not in [request.target for request in server.requests]


def test_a_program_chooses_the_address_by_replacing_functions_of_urllib3(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = urllib3.util.connection.create_connection
    asked: list[Any] = []

    def resolve(address: tuple[str, int], *args: Any, **kwargs: Any) -> Any:
        asked.append(address)
        return original(("localhost", address[1]), *args, **kwargs)

    def ipv4() -> socket.AddressFamily:
        asked.append("IPv4 only")
        return socket.AF_INET

    monkeypatch.setattr(urllib3.util.connection, "create_connection", resolve)
    monkeypatch.setattr(urllib3.util.connection, "allowed_gai_family", ipv4)
    LibcloudConnection("store.invalid", server.port, secure=False).request("GET", "/x")

    assert asked == [("store.invalid", server.port), "IPv4 only"]


def test_a_connection_is_opened_while_another_thread_imports_urllib3(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its functions need names that the end of the module defines."""
    name = "urllib3.util.connection"
    unfinished: Any = types.ModuleType(name)
    unfinished.__spec__ = importlib.machinery.ModuleSpec(name, None)
    unfinished.__spec__._initializing = True
    monkeypatch.setitem(sys.modules, name, unfinished)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        connections._create_connection(listening.getsockname(), 5).close()


@pytest.mark.parametrize("used_before", [True, False])
def test_a_replaced_pool_sends(server: Loopback, used_before: bool) -> None:
    connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
    connection.session.headers["Host"] = f"127.0.0.1:{server.port}"  # for the fast path
    if used_before:
        connection.request("GET", "/x")
    pool = "urllib3.connectionpool.HTTPConnectionPool.urlopen"
    with mock.patch(pool, side_effect=_ReplacedError), pytest.raises(_ReplacedError):
        connection.request("GET", "/replaced")

    assert "/replaced" not in [request.target for request in server.requests]


@pytest.mark.parametrize("by_method", [True, False], ids=["set_http_proxy", "proxies of session"])
def test_a_proxy_is_used_from_when_it_is_set(
    connection: LibcloudConnection, server: Loopback, by_method: bool
) -> None:
    connection.session.headers["Host"] = f"127.0.0.1:{server.port}"  # for the fast path
    connection.request("GET", "/x")
    with Loopback(answer) as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        if by_method:
            connection.set_http_proxy(address)
        else:
            connection.session.proxies["http"] = address
        connection.request("GET", "/y")

        assert [request.target for request in proxy.requests] == [f"{connection.host}/y"]
    assert "/y" not in [request.target for request in server.requests]


def test_an_adapter_of_the_user_sends(connection: LibcloudConnection, server: Loopback) -> None:
    class Counting(HTTPAdapter):
        sent = 0

        def send(self, *args: Any, **kwargs: Any) -> Any:
            Counting.sent += 1
            return super().send(*args, **kwargs)

    connection.session.mount(connection.host, Counting())
    connection.request("GET", "/x")

    assert Counting.sent == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "b\r\nX-Smuggled: c"),
        ("X-A", "b\nX-Smuggled: c"),
        ("X-A\r\nX-Smuggled", "c"),
        ("X-A:", "b"),
        ("X-A", " b"),
    ],
    ids=["lines", "line", "name of two lines", "colon", "space"],
)
def test_a_header_is_one_line(
    connection: LibcloudConnection, server: Loopback, name: str, value: str
) -> None:
    with pytest.raises((requests.exceptions.InvalidHeader, ValueError)):
        connection.request("GET", "/x", headers={name: value})
    assert [request.target for request in server.requests] == ["/first"]


def test_a_header_without_a_value_is_omitted(
    connection: LibcloudConnection, server: Loopback
) -> None:
    """As requests does: drivers of Apache Libcloud pass such headers."""
    connection.request("GET", "/x", headers={"X-A": None, "Host": None, "X-B": "b"})
    assert "x-a" not in server.last.headers
    assert server.last.headers["x-b"] == "b"
    assert server.last.headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("value", ["", "~ ! b", "b ", "\xe9"], ids=ascii)
def test_a_header_arrives_as_it_was_given(
    connection: LibcloudConnection, server: Loopback, value: str
) -> None:
    connection.request("GET", "/x", headers={"X-Given": value})
    assert server.last.headers["x-given"].strip() == value.strip()


def test_a_request_of_a_finalizer_within_the_pool_does_not_wait() -> None:
    """As when the garbage collector runs while a connection is taken or given back."""
    with Loopback() as server:
        connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
        connection.request("GET", "/first")
        pool = connection.session.get_adapter("http://").get_connection_with_tls_context(
            requests.Request("GET", connection.host + "/x").prepare(), verify=True
        )
        assert isinstance(pool.pool, IdleConnections)
        # Whatever guards the pool is held by this thread, which sends a request all the same.
        with getattr(pool.pool, "mutex", nullcontext()):
            connection.request("GET", "/nested")

        assert server.last.target == "/nested"


def test_idle_connections_are_bounded_and_the_last_one_comes_first() -> None:
    idle, unbounded = IdleConnections(2), IdleConnections(0)
    for item in "ab":
        idle.put(item)
        unbounded.put(item)
    with pytest.raises(queue.Full):
        idle.put("c")
    unbounded.put("c")

    assert (idle.qsize(), idle.get(), idle.get()) == (2, "b", "a")
    assert unbounded.qsize() == 3
    with pytest.raises(queue.Empty):
        idle.get()


def test_a_pool_that_waits_keeps_no_more_connections_than_it_may() -> None:
    with Loopback() as server:
        connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
        connection.session.mount("http://", ExactAdapter(pool_maxsize=1, pool_block=True))
        run_in_threads(lambda number: connection.request("GET", f"/{number}"), count=4)

        assert (len(server.requests), server.connections) == (4, 1)


def test_a_session_without_a_timeout_has_that_of_the_connection(server: Loopback) -> None:
    connection = LibcloudConnection("127.0.0.1", server.port, secure=False, timeout=7)
    connection.session = requests.Session()
    with mock.patch.object(connection.session, "send", wraps=connection.session.send) as send:
        connection.request("GET", "/x")

    assert connection.status == 200
    assert send.call_args.kwargs["timeout"] == 7


class Recording(urllib3.connection.HTTPConnection):
    """A replacement for the connections of urllib3, as vcrpy has them."""

    targets: ClassVar[list[str]] = []

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        self.targets.append(url)
        super().request(method, url, *args, **kwargs)


@pytest.mark.parametrize("used_before", [True, False])
def test_replaced_connections_of_urllib3_send(
    server: Loopback, monkeypatch: pytest.MonkeyPatch, used_before: bool
) -> None:
    connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
    if used_before:
        connection.request("GET", "/before")
    monkeypatch.setattr(Recording, "targets", [])
    with monkeypatch.context() as replaced:
        pool = urllib3.connectionpool.HTTPConnectionPool
        replaced.setattr(pool, "ConnectionCls", Recording)
        connection.request("GET", "/x?X-Amz-Signature=secret")
        connection.request("GET", "/y")
    connection.request("GET", "/after")
    connection.close()

    assert Recording.targets == ["/x?X-Amz-Signature=secret", "/y"]


class Presenting(urllib3.connection.HTTPSConnection):
    """Names the client certificate instead of connecting."""

    def connect(self) -> None:
        raise OSError(f"presented {self.cert_file} with {self.key_file}")


def test_replaced_connections_of_urllib3_present_the_client_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(urllib3.connectionpool.HTTPSConnectionPool, "ConnectionCls", Presenting)
    connection = LibcloudConnection("127.0.0.1", 1, True, cert_file="mine.pem", key_file="mine.key")
    with pytest.raises(requests.ConnectionError, match=r"presented mine\.pem with mine\.key"):
        connection.request("GET", "/")


def test_the_auth_of_a_session_is_called(server: Loopback) -> None:
    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-Signed"] = "by the session"
        return request

    connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
    connection.session.auth = sign
    connection.request("GET", "/x")

    assert server.last.headers["x-signed"] == "by the session"
