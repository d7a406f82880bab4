# SPDX-License-Identifier: Apache-2.0
"""How a connection builds, signs and sends a request, and what it keeps to itself."""

from __future__ import annotations

import copy
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from unittest import mock

import pytest
import responses

from libcloud.common import base
from libcloud.common.base import (
    CertificateConnection,
    Connection,
    ConnectionKey,
    ConnectionUserAndKey,
    KeyCertificateConnection,
    RawResponse,
    Response,
)
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import LibcloudError
from libcloud.http import LibcloudConnection
from libcloud.test._helpers import run_in_threads
from libcloud.test._loopback import Loopback, reply
from libcloud.utils.connection import get_response_object


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


@pytest.fixture
def connection(server: Loopback) -> Connection:
    return Connection(secure=False, host="127.0.0.1", port=server.port)


class Recorder(Connection):
    """Notes the order of the hooks and what they see; marks what passes through."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seen: list[tuple[Any, ...]] = []

    def morph_action_hook(self, action: str) -> str:
        self.seen.append(("morph", action))
        return f"/morphed{action}"

    def add_default_params(self, params: Any) -> Any:
        self.seen.append(("params", self.action, self.method, self.data))
        params["default"] = "1"
        return params

    def add_default_headers(self, headers: dict[str, Any]) -> dict[str, Any]:
        self.seen.append(("headers", dict(headers)))
        headers["X-Default"] = "1"
        return headers

    def encode_data(self, data: Any) -> Any:
        self.seen.append(("data", data))
        return data.upper()

    def pre_connect_hook(self, params: Any, headers: Any) -> tuple[Any, Any]:
        self.seen.append(("sign", dict(params), sorted(headers)))
        headers["Authorization"] = "signed"
        params["signature"] = "2"
        return params, headers


def test_hooks_run_in_their_order_and_on_copies(server: Loopback) -> None:
    connection = Recorder(secure=False, host="127.0.0.1", port=server.port)
    params, headers = {"mine": "0"}, {"X-Mine": "0"}
    connection.request("/x", params=params, data="body", headers=headers, method="PUT")
    names = ["Accept-Encoding", "Host", "User-Agent", "X-Default", "X-Mine"]
    assert connection.seen == [
        ("morph", "/x"),
        ("params", "/morphed/x", "PUT", "body"),
        ("headers", {"X-Mine": "0"}),
        ("data", "body"),
        ("sign", {"mine": "0", "default": "1"}, names),
    ]
    assert server.last.target == "/morphed/x?mine=0&default=1&signature=2"
    assert server.last.headers["authorization"] == "signed"
    assert server.last.body == b"BODY"
    assert (params, headers) == ({"mine": "0"}, {"X-Mine": "0"})


def test_no_data_is_not_encoded(server: Loopback) -> None:
    connection = Recorder(secure=False, host="127.0.0.1", port=server.port)
    for data in (None, "", b""):
        connection.request("/x", data=data)
    assert [step for step in connection.seen if step[0] == "data"] == []


class LateHostConnection(ConnectionUserAndKey):
    """Learns its host after it was made, as from a token service."""

    host: Any = None


def test_the_host_of_a_connection_can_be_set_later(server: Loopback) -> None:
    connection = LateHostConnection("user", "key", secure=False)
    connection.connect()
    connection.host, connection.port = "127.0.0.1", server.port
    connection.connect()
    connection.request("/x")
    assert server.last.headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("by_url", [False, True])
def test_connect_takes_a_host_for_a_connection_without_one(server: Loopback, by_url: bool) -> None:
    connection = LateHostConnection("user", "key", secure=False)
    if by_url:
        connection.connect(base_url=f"http://127.0.0.1:{server.port}/ignored")
    else:
        connection.connect(host="127.0.0.1", port=server.port)
    connection.request("/x")
    assert server.last.target == "/x"
    assert server.last.headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("raw", [False, True])
def test_the_error_for_a_request_without_a_host_names_the_option(raw: bool) -> None:
    connection = LateHostConnection("user", "key")
    with pytest.raises(LibcloudError, match="has no host: set its host attribute"):
        connection.request("/x", raw=raw)


@pytest.mark.parametrize(
    ("action", "params", "target"),
    [
        ("/x", None, "/x"),
        ("/x", {}, "/x"),
        ("/x", [], "/x"),
        ("/x", {"a": "1", "b": "c d+e/~"}, "/x?a=1&b=c%20d%2Be%2F~"),
        ("/x", [("b", "2"), ("a", "1"), ("b", "3")], "/x?b=2&a=1&b=3"),
        ("/x", {"a": ["1", "2"], "n": 5, "t": True}, "/x?a=1&a=2&n=5&t=True"),
        ("/x", {"uploads": ""}, "/x?uploads="),
        ("/x", {"a": None, "b": "1"}, "/x?a=None&b=1"),
        ("/x?uploads", None, "/x?uploads"),
        ("/x?uploads", {"a": "1"}, "/x?uploads&a=1"),
        ("/x?uploadId=a%2Fb", {"a": "1"}, "/x?uploadId=a%2Fb&a=1"),
        ("/x?q=//../", None, "/x?q=//../"),
        ("/x%20y%2Fz", None, "/x%20y%2Fz"),
    ],
)
def test_parameters_follow_the_query_of_the_action(
    connection: Connection, server: Loopback, action: str, params: Any, target: str
) -> None:
    before = copy.deepcopy(params)
    connection.request(action, params=params)
    assert server.last.target == target
    assert params == before


@pytest.mark.parametrize(
    ("prefix", "action", "path"),
    [
        ("", "", "/"),
        ("", "/", "/"),
        ("", "a/b", "/a/b"),
        ("", "/a/b/", "/a/b/"),
        ("", "//a//b", "/a/b"),
        ("", "/a/./b/../c", "/a/c"),
        ("", "/../a", "/a"),
        ("", "/a/..", "/"),
        ("/v1", "/a", "/v1/a"),
        ("/v1/", "/a", "/v1/a"),
        ("v1", "a?b=//", "/v1/a?b=//"),
        ("/v1", "/../a", "/v1/a"),
        ("/v1", "", "/v1/"),
    ],
)
def test_the_path_is_joined_to_its_prefix_and_tidied(prefix: str, action: str, path: str) -> None:
    connection = Connection()
    connection.request_path = prefix
    assert connection.morph_action_hook(action) == path


def test_a_flag_leaves_the_path_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "ALLOW_PATH_DOUBLE_SLASHES", True)
    connection = Connection()
    connection.request_path = "/v1/"
    assert connection.morph_action_hook("/a//b/../c") == "/v1//a//b/../c"


@pytest.mark.parametrize("name", ["Accept-Encoding", "accept-encoding"])
def test_the_caller_chooses_the_encoding_of_the_response(
    connection: Connection, server: Loopback, name: str
) -> None:
    connection.request("/x", headers={name: "identity"})
    assert server.last.headers["accept-encoding"] == "identity"
    connection.request("/x")
    assert server.last.headers["accept-encoding"] == "gzip,deflate"


def test_the_connection_is_called_with_these_keywords() -> None:
    connection = Connection(host="h")
    connection.connection = mock.Mock()
    answer = connection.connection.getresponse.return_value = mock.MagicMock(status_code=200)
    connection.responseCls = mock.Mock()
    connection.rawResponseCls = mock.Mock()
    connection.request("/x", data=b"d", method="PUT", stream=True)
    sent = connection.connection.request.call_args
    assert sorted(sent.kwargs) == ["body", "headers", "method", "stream", "url"]
    assert sent.args == ()
    connection.responseCls.assert_called_once_with(connection=connection, response=answer)
    connection.request("/x", data=b"d", method="PUT", raw=True)
    sent = connection.connection.prepared_request.call_args
    assert sorted(sent.kwargs) == ["body", "headers", "method", "raw", "stream", "url"]
    connection.rawResponseCls.assert_called_once_with(connection=connection, response=answer)


def test_a_document_is_sent_as_json(connection: Connection, server: Loopback) -> None:
    connection.request("/x", json={"a": 1}, method="POST")
    assert server.last.body == b'{"a": 1}'
    assert server.last.headers["content-type"] == "application/json"


def test_cache_busting_adds_a_random_parameter_to_gets() -> None:
    connection = Connection()
    one, two = (connection._add_cache_busting_to_params({"a": "1"}) for _ in range(2))
    assert sorted(one) == ["a", "cache-busting"]
    assert one["cache-busting"] != two["cache-busting"]
    pairs = connection._add_cache_busting_to_params([("a", "1")])
    assert [name for name, _ in pairs] == ["a", "cache-busting"]


def test_cache_busting_is_for_gets_only(connection: Connection, server: Loopback) -> None:
    connection.cache_busting = True
    connection.request("/x")
    assert "cache-busting=" in server.last.target
    connection.request("/x", method="PUT")
    assert server.last.target == "/x"


def test_the_user_agent_names_version_driver_and_applications() -> None:
    connection = Connection()
    connection.driver = mock.Mock()
    connection.driver.name = "Some store"
    connection.user_agent_append("app/1")
    connection.user_agent_append("lib/2")
    agent = connection._user_agent()
    assert agent.startswith("libcloud/3.9.1")
    assert agent.endswith(" (Some store) (app/1)(lib/2)")


def test_applications_in_the_user_agent_may_be_any_objects() -> None:
    connection = Connection()
    connection.user_agent_append(5)  # type: ignore[arg-type]
    connection.user_agent_append(PurePosixPath("app/1"))  # type: ignore[arg-type]
    assert connection._user_agent().endswith(" (5)(app/1)")


def test_insecure_connections_can_be_ruled_out() -> None:
    class Strict(Connection):
        allow_insecure = False

    assert Strict().secure == 1
    with pytest.raises(ValueError, match="Non https connections are not allowed"):
        Strict(secure=False)


@pytest.mark.parametrize(
    ("url", "settings"),
    [
        ("https://h", ("h", 443, 1, "")),
        ("http://h/a/", ("h", 80, 0, "/a/")),
        ("https://h:99/p?q=1", ("h", 99, 1, "/p")),
        ("https://user:password@h/", ("h", 443, 1, "/")),
    ],
)
def test_a_url_sets_host_port_security_and_path(url: str, settings: tuple[Any, ...]) -> None:
    made = Connection(url=url)
    assert (made.host, made.port, made.secure, made.request_path) == settings


def test_a_url_of_another_scheme_is_refused() -> None:
    with pytest.raises(LibcloudError, match="Invalid scheme: ftp in url ftp://h/"):
        Connection(url="ftp://h/")


def test_the_port_follows_from_the_scheme() -> None:
    assert Connection(host="h").port == 443
    assert Connection(host="h", secure=False).port == 80
    assert Connection(host="h", secure=False, port=99).port == 99


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (Connection(host="h"), {}),
        (Connection(host="h", timeout=3), {"timeout": 3}),
        (Connection(host="h", proxy_url="http://p:1"), {"proxy_url": "http://p:1"}),
        (CertificateConnection("c", host="h"), {"cert_file": "c"}),
        (KeyCertificateConnection("k", "c", host="h"), {"key_file": "k", "cert_file": "c"}),
    ],
)
def test_settings_are_handed_to_what_sends(made: Connection, expected: dict[str, Any]) -> None:
    made.conn_class = mock.Mock()
    made.connect()
    made.conn_class.assert_called_once_with(host="h", port=443, secure=1, **expected)


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        (ConnectionKey, {"key": "k"}),
        (ConnectionUserAndKey, {"user_id": "u", "key": "k"}),
        (CertificateConnection, {"cert_file": "c"}),
        (KeyCertificateConnection, {"key_file": "f", "cert_file": "c", "ca_cert": "a"}),
    ],
)
def test_every_setting_arrives(kind: Any, keys: dict[str, str]) -> None:
    names = ("host", "port", "timeout", "proxy_url", "backoff", "retry_delay")
    given = {name: number for number, name in enumerate(names, 2)} | {"host": "h"}
    made = kind(**keys, secure=False, **given)
    assert {name: getattr(made, name) for name in (*keys, *names)} == {**keys, **given}
    assert made.secure == 0
    assert kind(**keys, url="http://elsewhere:99/p").host == "elsewhere"


def test_connect_can_go_elsewhere() -> None:
    made = Connection(host="h")
    made.connect(host="other", port=99)
    assert made.connection.host == "https://other:99"
    made.connect(base_url="http://base:98/path")
    assert made.connection.host == "http://base:98"


def test_a_proxy_can_be_set_before_and_after_connect() -> None:
    made = Connection(host="h")
    made.set_http_proxy("http://p:1")
    made.connect()
    assert made.connection.proxy_host == "p"
    made.set_http_proxy("http://q:2")
    assert made.connection.proxy_host == "q"


def test_redirects_can_be_switched_off_for_a_kind_of_connection(server: Loopback) -> None:
    class Signed(Connection):
        follow_redirects = False

    server.answer = lambda request: reply(307, headers={"Location": "/elsewhere"})
    signed = Signed(secure=False, host="127.0.0.1", port=server.port)
    with pytest.raises(BaseHTTPError) as caught:
        signed.request("/x", headers={"x-amz-security-token": "t"})
    assert caught.value.code == 307
    assert len(server.requests) == 1


def test_a_context_lasts_for_one_request(connection: Connection, server: Loopback) -> None:
    with pytest.raises(TypeError, match="context needs to be a dictionary"):
        connection.set_context([])  # type: ignore[arg-type]  # that is the test
    connection.set_context({"a": 1})
    assert connection.context == {"a": 1}
    connection.request("/x")
    assert connection.context == {}
    server.answer = lambda request: reply(500)
    connection.set_context({"a": 1})
    with pytest.raises(BaseHTTPError):
        connection.request("/x")
    assert connection.context == {}


def test_a_host_without_address_gets_a_hint() -> None:
    connection = Connection(host="no-such-host")
    connection.connection = mock.Mock()
    connection.connection.request.side_effect = socket.gaierror(-5, "No address")
    with pytest.raises(socket.gaierror, match=r"No address.*no-such-host"):
        connection.request("/x")
    other = connection.connection.request.side_effect = socket.gaierror(-2, "unknown")
    with pytest.raises(socket.gaierror) as caught:
        connection.request("/x")
    assert caught.value is other


def test_an_error_of_tls_is_raised_as_its_text() -> None:
    connection = Connection(host="h")
    connection.connection = mock.Mock()
    connection.connection.request.side_effect = ssl.SSLError(1, "broken")
    with pytest.raises(ssl.SSLError, match="broken"):
        connection.request("/x")


def test_connect_happens_once_for_all_threads() -> None:
    made: list[Any] = []

    class Counting(LibcloudConnection):
        def __init__(self, **kwargs: Any) -> None:
            made.append(self)
            super().__init__(**kwargs)

    with Loopback() as server:
        connection = Connection(secure=False, host="127.0.0.1", port=server.port)
        connection.conn_class = Counting
        run_in_threads(lambda number: connection.request("/x"))
    assert len(made) == 1


def test_connect_may_use_another_connection_first(server: Loopback) -> None:
    class WithToken(Connection):
        def connect(self, *args: Any, **kwargs: Any) -> None:
            Connection(secure=False, host="127.0.0.1", port=server.port).request("/token")
            super().connect(*args, **kwargs)

    WithToken(secure=False, host="127.0.0.1", port=server.port).request("/x")
    assert [request.target for request in server.requests] == ["/token", "/x"]


class Signing(Connection):
    """Signs the way old drivers do: from its own attributes."""

    def pre_connect_hook(self, params: Any, headers: Any) -> tuple[Any, Any]:
        headers["X-Signed"] = f"{self.method} {self.action} {self.data.decode()}"
        headers["X-Context"] = self.context["number"]
        return params, headers


class SigningWithDefaults(Signing):
    action = None
    method = "GET"
    data = None


@pytest.mark.parametrize("kind", [Signing, SigningWithDefaults])
def test_threads_sign_and_get_their_own_requests(server: Loopback, kind: type[Connection]) -> None:
    server.answer = lambda request: reply(200, f"{request.target} {request.body.decode()}".encode())
    connection = kind(secure=False, host="127.0.0.1", port=server.port)
    wrong: list[str] = []

    def work(number: int) -> None:
        for turn in range(15):
            path, data = f"/{number}/{turn}", f"data-{number}-{turn}"
            connection.set_context({"number": str(number)})
            answer = connection.request(path, data=data.encode(), method="PUT", raw=turn % 2 == 0)
            body = answer.body if isinstance(answer.body, str) else answer.body.decode()
            if body != f"{path} {data}":
                wrong.append(body)

    run_in_threads(work)
    assert wrong == []
    for request in server.requests:
        assert request.headers["x-signed"] == f"PUT {request.target} {request.body.decode()}"
        assert request.headers["x-context"] == request.target.split("/")[1]


def test_attributes_of_the_request_can_be_set_from_outside() -> None:
    connection = Connection()
    assert connection.action is None
    connection.method = "PUT"
    assert (connection.method, Connection.method, Connection().method) == ("PUT", None, None)

    class Sub(Connection):
        action = "/mine"

    assert (Sub.action, Sub().action) == ("/mine", "/mine")
    with mock.patch.object(Connection, "action", "/patched"):
        assert Connection().action == "/patched"
    assert Connection().action is None


def test_the_body_is_not_kept_after_the_request(connection: Connection) -> None:
    connection.request("/x", data=b"body", method="PUT")
    assert connection.data is None
    assert (connection.action, connection.method) == ("/x", "PUT")


def test_each_thread_sees_its_own_request() -> None:
    connection = Connection()
    connection.action = "/mine"
    other: list[Any] = []
    thread = threading.Thread(target=lambda: other.append(connection.action))
    thread.start()
    thread.join()
    assert other == [None]


@pytest.mark.parametrize(
    "made",
    [
        ConnectionKey("s3cr3t"),
        ConnectionUserAndKey("user", "s3cr3t"),
        Connection(proxy_url="http://user:s3cr3t@proxy:3128"),
    ],
)
def test_a_connection_shows_no_secret(made: Connection) -> None:
    assert "s3cr3t" not in f"{made!r} {made}"


def test_the_log_has_one_line_for_a_request(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "libcloud.common"):
        connection.request(
            "/b/k?X-Amz-Signature=s3cr3t",
            params={"Signature": "s3cr3t"},
            headers={"Authorization": "s3cr3t"},
        )
    (line,) = caplog.messages
    assert line.startswith("GET /b/k: 200 in ")
    assert "s3cr3t" not in line


@responses.activate
def test_the_response_is_what_the_library_requests_got() -> None:
    responses.get("https://h/x", body=" text ", headers={"X-Name": "v"})
    answer = Connection(host="h").request("/x")
    assert isinstance(answer, Response)
    assert (answer.status, answer.body, answer.headers["x-name"]) == (200, "text", "v")
    raw = Connection(host="h").request("/x", raw=True)
    assert isinstance(raw, RawResponse)
    assert raw.body == b" text "


def test_one_request_to_a_url(server: Loopback) -> None:
    server.answer = lambda request: reply(200, b"body")
    answer = get_response_object(f"http://127.0.0.1:{server.port}/a?b=c&d=")
    assert answer.body == "body"
    assert server.last.target == "/a?b=c&d="
