# SPDX-License-Identifier: Apache-2.0
"""What arrives at the server: target, headers and body of a request."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from libcloud.http import LibcloudConnection
from libcloud.test._loopback import Loopback, reply

# Both ways of sending must do the same, and close what they open.
pytestmark = [
    pytest.mark.usefixtures("http_path"),
    pytest.mark.filterwarnings("error::ResourceWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]

LARGE = 100_000


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


TARGETS = [
    "/",
    "/bucket/a//b",
    "//leading",
    "/bucket//",
    "/bucket/./a/../b",
    "/bucket/..",
    "/bucket/%2e%2E/%2f%7e~",
    "/bucket/key?uploads",
    "/bucket/key?uploads&x=1",
    "/bucket/key?",
    "/bucket/key?a=/../b&c=//",
    "/bucket/a+b%20c?d=+%20",
    "/bucket/!$&'()*,;=:@|[]{}\"<>\\^`",
    "/bucket/100%",
]


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_arrives_as_it_is_given(send: Send, server: Loopback, target: str) -> None:
    send("GET", target)
    assert server.last.target == target


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_passes_a_proxy_as_it_is_given(server: Loopback, target: str) -> None:
    connection = LibcloudConnection(
        "store.example", 9000, secure=False, proxy_url=f"http://127.0.0.1:{server.port}"
    )
    connection.request("GET", target)
    assert server.last.target == f"http://store.example:9000{target}"


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/a b", "/a%20b"),
        ("/\u00e9", "/%C3%A9"),
        ("/a#b", "/a%23b"),
        ("/a\r\nHost: other", "/a%0D%0AHost:%20other"),
    ],
)
def test_what_cannot_be_on_the_wire_is_encoded(
    send: Send, server: Loopback, target: str, sent: str
) -> None:
    send("GET", target)
    assert server.last.target == sent


def test_a_whole_url_is_used_as_it_is(send: Send) -> None:
    with Loopback() as other:
        send("GET", f"http://127.0.0.1:{other.port}/a//b?c")
        assert other.last.target == "/a//b?c"


def test_a_path_never_becomes_part_of_the_host(send: Send, server: Loopback) -> None:
    send("GET", ".example.org/x")
    assert server.last.target == "/.example.org/x"


def test_a_query_without_a_path_requests_the_root(send: Send, server: Loopback) -> None:
    send("GET", "?uploads")
    assert server.last.target == "/?uploads"


class NextOnly:
    """An iterator of the time before ``__iter__`` was asked for."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    def __next__(self) -> bytes:
        if not self.pieces:
            raise StopIteration
        return self.pieces.pop(0)


def file_at(position: int, data: bytes) -> io.BytesIO:
    file = io.BytesIO(data)
    file.seek(position)
    return file


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b"bytes", b"bytes"),
        (bytearray(b"array"), b"array"),
        (memoryview(b"view"), b"view"),
        (memoryview(b"v" * LARGE), b"v" * LARGE),
        (bytearray(b"a" * LARGE), b"a" * LARGE),
        (memoryview(b"0123" * LARGE).cast("I"), b"0123" * LARGE),
        (memoryview(b"a-b-" * LARGE)[::2], b"ab" * LARGE),
        ("t\u00e9xt", "t\u00e9xt".encode()),
        (io.BytesIO(b"file"), b"file"),
        (file_at(4, b"headbody"), b"body"),
    ],
)
def test_a_body_with_a_length_is_sent_with_it(
    send: Send, server: Loopback, body: Any, sent: bytes
) -> None:
    send("PUT", "/x", body=body)
    if isinstance(body, io.BytesIO):
        body.seek(len(body.getvalue()) - len(sent))
    assert server.last.body == sent
    assert server.last.headers["content-length"] == str(len(sent))
    assert "transfer-encoding" not in server.last.headers
    assert "content-type" not in server.last.headers


@pytest.mark.parametrize(
    "body", [None, b"", "", bytearray(), memoryview(b""), io.BytesIO(), file_at(3, b"all")]
)
def test_an_empty_body_has_the_length_0(send: Send, server: Loopback, body: Any) -> None:
    for method in ("PUT", "POST"):
        send(method, "/x", body=body)
        assert server.last.headers["content-length"] == "0"
        assert "transfer-encoding" not in server.last.headers
        assert "content-type" not in server.last.headers


@pytest.mark.parametrize("make", [lambda *p: iter(p), NextOnly, lambda *p: (x for x in p)])
def test_an_iterator_is_sent_in_chunks(send: Send, server: Loopback, make: Any) -> None:
    send("PUT", "/x", body=make(b"one-", b"", b"two"))
    assert server.last.body == b"one-two"
    assert server.last.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in server.last.headers


@pytest.mark.parametrize("name", ["Content-Length", "content-length"])
def test_an_iterator_of_known_length_is_not_chunked(
    send: Send, server: Loopback, name: str
) -> None:
    send("PUT", "/x", body=iter([b"one-", b"two"]), headers={name: "7"})
    assert server.last.body == b"one-two"
    assert server.last.headers["content-length"] == "7"
    assert "transfer-encoding" not in server.last.headers


def test_a_dict_is_sent_as_a_form(send: Send, server: Loopback) -> None:
    send("POST", "/x", body={"a": "b c"})
    assert server.last.body == b"a=b+c"
    assert server.last.headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_content_type_that_was_given_stays(send: Send, server: Loopback) -> None:
    send("PUT", "/x", body=b"<a/>", headers={"Content-Type": "application/xml"})
    assert server.last.headers["content-type"] == "application/xml"


class Seeing(HTTPAdapter):
    """Keeps the bodies that it sends."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[Any] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        self.bodies.append(request.body)
        return super().send(request, *args, **kwargs)


@pytest.mark.parametrize("view", [lambda data: data, memoryview])
def test_large_buffers_are_not_copied(connection: LibcloudConnection, view: Any) -> None:
    data = bytearray(LARGE)
    seeing = Seeing()
    connection.session.mount("http://", seeing)
    connection.prepared_request("PUT", "/x", body=view(data))
    (body,) = seeing.bodies
    assert body.obj is data


def test_a_response_does_not_keep_a_large_body_alive(connection: LibcloudConnection) -> None:
    for send in (connection.request, connection.prepared_request):
        send("PUT", "/x", body=b"x" * LARGE)
        assert connection.getresponse().request.body is None
        assert connection.getresponse().request.headers["Content-Length"] == str(LARGE)
        send("PUT", "/x", body=b"small")
        assert connection.getresponse().request.body == b"small"


@pytest.mark.parametrize("proxied", [False, True])
def test_an_object_may_have_as_much_metadata_as_amazon_allows(
    server: Loopback, connection: LibcloudConnection, proxied: bool
) -> None:
    metadata = {f"x-amz-meta-{number:x}": "v" for number in range(600)}
    server.answer = lambda request: reply(200, b"content", metadata)
    if proxied:
        connection.set_http_proxy(f"http://127.0.0.1:{server.port}")
    connection.request("GET", "/x")
    assert connection.response.content == b"content"
    assert metadata.items() <= dict(connection.response.headers).items()


def test_numbers_in_headers_become_text(send: Send, server: Loopback) -> None:
    headers = {"x-int": 5, "x-float": 0.5, "x-text": "t"}
    send("GET", "/x", headers=headers)
    assert server.last.headers["x-int"] == "5"
    assert server.last.headers["x-float"] == "0.5"
    assert headers == {"x-int": 5, "x-float": 0.5, "x-text": "t"}


def test_normalize_headers_works_in_place(connection: LibcloudConnection) -> None:
    headers: dict[str, Any] = {"a": 1, "b": "x", "c": None}
    assert connection._normalize_headers(headers=headers) is headers
    assert headers == {"a": "1", "b": "x", "c": None}


def test_netrc_never_replaces_a_signature(
    send: Send, server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    send("GET", "/x", headers={"Authorization": "AWS4-HMAC-SHA256 signed"})
    assert server.last.headers["authorization"] == "AWS4-HMAC-SHA256 signed"
    send("GET", "/x?Signature=abc")
    assert "authorization" not in server.last.headers


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_leaves_open_connections_to_its_parent(
    server: Loopback, connection: LibcloudConnection
) -> None:
    """Two who write to one socket get each other's answers."""
    connection.session.headers["Host"] = f"127.0.0.1:{server.port}"  # for the fast path
    connection.request("GET", "/parent")
    child = os.fork()
    if not child:
        try:
            connection.request("GET", "/child")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    connection.request("GET", "/parent")
    assert [received.target for received in server.requests] == ["/parent", "/child", "/parent"]
    assert server.connections == 2
