# SPDX-License-Identifier: Apache-2.0
"""Requests on the wire, responses, and transient errors."""

from __future__ import annotations

import copy
import errno
import http.client
import pickle
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
import requests
import urllib3

from libcloud import http as libcloud_http
from libcloud.http import (
    HttpLibResponseProxy,
    LibcloudConnection,
    SignedHTTPSAdapter,
    allowed_concurrency,
    is_transient,
    never_sent,
)
from libcloud.test._helpers import run_in_threads
from libcloud.test._loopback import Loopback, Received, reply

# Both ways of sending must do the same, and close what they open.
pytestmark = [
    pytest.mark.usefixtures("http_path"),
    pytest.mark.filterwarnings("error::ResourceWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


@pytest.fixture
def connection(server: Loopback) -> LibcloudConnection:
    return LibcloudConnection("127.0.0.1", server.port, secure=False)


Send = Callable[..., None]


@pytest.fixture(params=["request", "prepared_request"])
def send(request: pytest.FixtureRequest, connection: LibcloudConnection) -> Send:
    """Both ways to send."""
    method: Send = getattr(connection, request.param)
    return method


def redirecting(request: Received) -> bytes:
    if request.target == "/start":
        return reply(302, headers={"Location": "/end//x"})
    return reply(200, b"arrived")


def test_redirects_are_followed_by_default(server: Loopback, send: Send) -> None:
    server.answer = redirecting
    send("GET", "/start")
    assert [request.target for request in server.requests] == ["/start", "/end//x"]


def test_a_connection_can_refuse_to_be_sent_elsewhere(
    server: Loopback, connection: LibcloudConnection
) -> None:
    server.answer = redirecting
    connection.follow_redirects = False
    for send in (connection.request, connection.prepared_request):
        send("GET", "/start")
        assert connection.status == 302
    assert [request.target for request in server.requests] == ["/start", "/start"]


def test_the_flag_of_the_module_stops_redirects(
    server: Loopback, connection: LibcloudConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = redirecting
    monkeypatch.setattr(libcloud_http, "ALLOW_REDIRECTS", False)
    connection.request("GET", "/start")
    assert connection.status == 302


@pytest.mark.parametrize("method", ["request", "prepared_request"])
def test_a_silent_server_times_out(server: Loopback, method: str) -> None:
    over = threading.Event()

    def silent(request: Received) -> None:
        over.wait()

    server.answer = silent
    connection = LibcloudConnection("127.0.0.1", server.port, secure=False, timeout=0.05)
    try:
        with pytest.raises(requests.ReadTimeout):
            getattr(connection, method)("GET", "/x")
    finally:
        over.set()


def test_each_request_has_the_timeout_of_the_session() -> None:
    connection = LibcloudConnection("store.example", 80, timeout=7)
    with mock.patch.object(requests.Session, "send") as sent:
        connection.prepared_request("GET", "/x")
        assert sent.call_args.kwargs["timeout"] == 7
        connection.request("GET", "/x")
        assert sent.call_args.kwargs["timeout"] == 7
    assert LibcloudConnection("store.example", 80).session.timeout == 60


def test_hooks_of_requests_are_called(connection: LibcloudConnection) -> None:
    hook = mock.Mock(return_value=None)
    connection.request("GET", "/x", hooks={"response": hook})
    assert hook.call_count == 1


def test_a_response_shows_status_headers_and_body(
    server: Loopback, connection: LibcloudConnection
) -> None:
    server.answer = lambda request: reply(404, b"caf\xc3\xa9", {"X-Name": "value"})
    connection.request("GET", "/x")
    assert (connection.status, connection.reason, connection.read()) == (
        404,
        "Said",
        b"caf\xc3\xa9",
    )
    assert connection.getheaders()["x-name"] == "value"
    proxy = HttpLibResponseProxy(connection.getresponse())
    assert (proxy.status, proxy.reason, proxy.version) == (404, "Said", "11")
    assert proxy.body == b"caf\xc3\xa9"
    assert proxy.read() == connection.getresponse().text
    assert proxy.getheader("X-NAME") == "value"
    assert proxy.getheader("x-none", "nothing") == "nothing"
    assert ("X-Name", "value") in proxy.getheaders()


def test_a_connection_without_a_response_can_be_closed() -> None:
    connection = LibcloudConnection("store.example", 80)
    connection.connect()
    connection.close()
    assert connection.getresponse() is None


def test_a_class_that_calls_no_constructor_works_too() -> None:
    bare = LibcloudConnection.__new__(LibcloudConnection)
    assert bare.getresponse() is None
    bare.response = "answer"
    assert bare.getresponse() == "answer"


def test_threads_get_the_responses_to_their_own_requests(
    server: Loopback, connection: LibcloudConnection
) -> None:
    server.answer = lambda request: reply(200, request.target.encode())
    wrong: list[tuple[str, bytes]] = []
    all_have_sent = threading.Barrier(8)

    def worker(number: int) -> None:
        for turn in range(20):
            target = f"/{number}/{turn}"
            send = connection.prepared_request if turn % 2 else connection.request
            send("GET", target)
            all_have_sent.wait(timeout=30)
            if connection.read() != target.encode():
                wrong.append((target, connection.read()))

    run_in_threads(worker)
    assert wrong == []
    assert len(server.requests) == 160


def test_connections_are_used_again(server: Loopback, connection: LibcloudConnection) -> None:
    for _ in range(5):
        connection.request("GET", "/x")
    assert server.connections == 1


@pytest.mark.parametrize(
    "make", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))]
)
def test_a_copy_has_the_settings_and_no_response(make: Any, connection: LibcloudConnection) -> None:
    connection.request("GET", "/x")
    other = make(connection)
    assert other.host == connection.host
    assert other.getresponse() is None
    other.request("GET", "/y")
    assert other.status == 200


@pytest.mark.parametrize(
    ("host", "port", "secure", "url"),
    [
        ("h", 443, None, "https://h"),
        ("h", 443, False, "http://h:443"),
        ("h", 443, True, "https://h"),
        ("h", 80, None, "http://h"),
        ("h", 80, True, "https://h:80"),
        ("h", 80, False, "http://h"),
        ("h", 8080, None, "http://h:8080"),
        ("h", 8443, True, "https://h:8443"),
        ("h", 8443, 0, "http://h:8443"),
        ("::1", 9000, False, "http://[::1]:9000"),
        ("[::1]", 9000, True, "https://[::1]:9000"),
        ("h", None, True, "https://h"),
    ],
)
def test_the_host_is_the_base_of_urls(host: str, port: Any, secure: Any, url: str) -> None:
    assert LibcloudConnection(host, port, secure=secure).host == url


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://h:1", ("http", "h", 1, None, None)),
        ("https://h:1/x", ("https", "h", 1, None, None)),
        ("http://u:p@h:3", ("http", "h", 3, "u", "p")),
        ("http://u:p:q@h:3", ("http", "h", 3, "u", "p:q")),
    ],
)
def test_a_proxy_is_a_url(url: str, parts: tuple[Any, ...]) -> None:
    connection = LibcloudConnection("store.example", 443, proxy_url=url)
    assert connection._parse_proxy_url(proxy_url=url) == parts
    assert (connection.proxy_scheme, connection.proxy_host, connection.proxy_port) == parts[:3]
    assert (connection.proxy_username, connection.proxy_password) == parts[3:]
    assert connection.http_proxy_used
    assert connection.session.proxies["https"] == url.removesuffix("/x")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://h:1", "Only http and https proxies are supported"),
        ("h:1", "Only http and https proxies are supported"),
        ("http://h", "proxy_url must be in the following format"),
        ("http://u@h:3", "URL is in an invalid format"),
    ],
)
def test_a_bad_proxy_is_refused(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LibcloudConnection("store.example", 443, proxy_url=url)


def test_a_certificate_of_our_own_is_shown_by_the_adapter() -> None:
    connection = LibcloudConnection("h", 443, cert_file="/cert.pem", key_file="/key.pem")
    adapter = connection.session.adapters["https://"]
    assert isinstance(adapter, SignedHTTPSAdapter)
    assert adapter.poolmanager.connection_pool_kw["cert_file"] == "/cert.pem"
    assert adapter.poolmanager.connection_pool_kw["key_file"] == "/key.pem"


class Silent(LibcloudConnection):
    """Overrides nothing."""


class Overriding(LibcloudConnection):
    def getresponse(self) -> Any:
        return None


class Declaring(Overriding):
    max_concurrency = 4


class OverridingAgain(Declaring):
    def request(self, *args: Any, **kwargs: Any) -> None:
        return None


class OverridingAndDeclaring(LibcloudConnection):
    max_concurrency = None

    def prepared_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class Foreign:
    """Has nothing in common with ours but the methods."""

    def request(self) -> None: ...


@pytest.mark.parametrize(
    ("conn_class", "allowed"),
    [
        (LibcloudConnection, None),
        (Silent, None),
        (Overriding, 1),
        (Declaring, 4),
        (OverridingAgain, 1),
        (OverridingAndDeclaring, None),
        (Foreign, 1),
        (mock.Mock(), 1),
    ],
)
def test_an_unknown_class_gets_one_request_at_a_time(conn_class: Any, allowed: int | None) -> None:
    assert allowed_concurrency(conn_class) == allowed


def test_a_refused_connection_may_pass_and_sent_nothing() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        connection = LibcloudConnection("127.0.0.1", port, secure=False)
        with pytest.raises(requests.ConnectionError) as caught:
            connection.request("GET", "/x")
    assert is_transient(caught.value)
    assert never_sent(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ],
)
def test_a_response_cut_short_may_pass(answer: bytes | None) -> None:
    with Loopback(lambda request: answer, close=True) as server:
        connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
        with pytest.raises(requests.RequestException) as caught:
            connection.request("GET", "/x")
    assert is_transient(caught.value)
    assert not never_sent(caught.value)


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (ConnectionResetError(), True),
        (BrokenPipeError(), True),
        (TimeoutError(), True),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), True),
        (OSError(errno.ENETUNREACH, "no network"), True),
        (http.client.IncompleteRead(b""), True),
        (http.client.RemoteDisconnected(""), True),
        (requests.ConnectTimeout(), True),
        (requests.ReadTimeout(), True),
        (requests.exceptions.ChunkedEncodingError(), True),
        (requests.exceptions.ProxyError(), True),
        (urllib3.exceptions.ProtocolError(), True),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), True),
        (requests.exceptions.SSLError("The read operation timed out"), True),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), False),
        (ssl.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] expired"), False),
        (requests.exceptions.SSLError("[SSL: WRONG_VERSION_NUMBER]"), False),
        (requests.exceptions.InvalidURL("x"), False),
        (requests.exceptions.MissingSchema("x"), False),
        (requests.exceptions.InvalidHeader("x"), False),
        (requests.exceptions.TooManyRedirects("x"), False),
        (requests.exceptions.InvalidProxyURL("x"), False),
        (FileNotFoundError(errno.ENOENT, "no such file"), False),
        (OSError("no CA bundle"), False),
        (ValueError("x"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_only_failures_of_the_network_may_pass(error: BaseException, transient: bool) -> None:
    assert is_transient(error) is transient


def test_the_name_of_an_object_does_not_make_an_error_transient() -> None:
    inner = urllib3.exceptions.SSLError(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"))
    pool = mock.Mock(spec=urllib3.HTTPSConnectionPool)
    outer = urllib3.exceptions.MaxRetryError(pool, "/bucket/reset/EOF/closed", inner)
    assert not is_transient(requests.exceptions.SSLError(outer))


def test_errors_show_no_signature(send: Send, server: Loopback) -> None:
    server.answer = lambda request: None
    target = (
        "/b/k?X-Amz-Expires=60&X-Amz-Signature=s3cr3t&X-Amz-Security-Token=s3cr3t&Signature=s3cr3t"
    )
    with pytest.raises(requests.RequestException) as closed:
        send("GET", target)
    unreachable = LibcloudConnection("127.0.0.1", 1, secure=False)
    with pytest.raises(requests.RequestException) as refused:
        unreachable.request("GET", target)
    for error in (closed.value, refused.value):
        assert "s3cr3t" not in f"{error} {error!r} {error.args}"
    assert "X-Amz-Expires=60" in str(refused.value)


def test_a_connection_shows_no_password() -> None:
    connection = LibcloudConnection("h", 443, proxy_url="http://user:s3cr3t@proxy:3128")
    assert "s3cr3t" not in repr(connection)
