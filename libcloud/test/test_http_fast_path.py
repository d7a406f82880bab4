# SPDX-License-Identifier: Apache-2.0
"""A request on an open connection: in few steps, and to the same effect as by the libraries."""

from __future__ import annotations

import copy
import gzip
import http.client
import pickle
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
import responses
import urllib3

from libcloud.common.types import ResponseTooLargeError
from libcloud.http import LibcloudConnection
from libcloud.http.adapter import ExactAdapter
from libcloud.http.fast_path import _read_chunks, _send, request_head
from libcloud.http.messages import FastResponse
from libcloud.http.sending import RequestState
from libcloud.http.session import Session
from libcloud.http.timeouts import TimedConnection
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.test.test_http_heads import HEADS, UNCERTAIN

# Both ways of sending must close what they open.
pytestmark = [
    pytest.mark.filterwarnings("error::ResourceWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]

LONG = bytes(range(256)) * 1024

ANSWERS = {
    **HEADS,
    **{name: data for name, (data, _) in UNCERTAIN.items()},
    "long body": reply(200, LONG),
    "an error": reply(404, b"<Error/>"),
    "compressed": reply(200, gzip.compress(LONG), headers={"Content-Encoding": "gzip"}),
    "cookie": reply(200, b"hello", headers={"Set-Cookie": "taste=sweet; Path=/"}),
    "redirect": reply(302, b"there", headers={"Location": "/here"}),
    "text": reply(200, b"\xe9", headers={"Content-Type": "text/plain; charset=latin-1"}),
    "said twice": b"HTTP/1.1 200 OK\r\nA: b\r\nA: b\r\nContent-Length: 5\r\n\r\nhello",
    "endless digits": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nhello",
    "most of memory": b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\nhello",
    "cut in its body": reply(200, b"hello")[:-1],
    "cut in a long body": reply(200, LONG)[:-1],
    **{
        name: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
        for name, chunks in {
            "many chunks": b"1\r\na\r\n" * 1000 + b"0A\r\n0123456789\r\n000\r\n\r\n",
            "no chunk": b"0\r\n\r\n",
            "large chunks": (b"%x\r\n%b\r\n" % (len(LONG), LONG)) * 5 + b"0\r\n\r\n",
            "chunk with an extension": b"5;a=b\r\nhello\r\n0\r\n\r\n",
            "trailers": b"5\r\nhello\r\n0\r\nA: b\r\n\r\n",
            "more than the chunks": b"5\r\nhello\r\n0\r\n\r\nHTTP",
            "cut in a chunk": b"5\r\nhel",
            "cut after a chunk": b"5\r\nhello",
            "cut before the last chunk": b"5\r\nhello\r\n",
            "cut in the last chunk": b"5\r\nhello\r\n0\r\n",
            "no size of a chunk": b"five\r\nhello\r\n0\r\n\r\n",
            "endless size of a chunk": b"0" * 70_000,
            "chunk that is longer": b"4\r\nhello\r\n0\r\n\r\n",
        }.items()
    },
    "cut in its head": reply(200, LONG)[:30],
}


@pytest.fixture(autouse=True)
def fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take it, also where the environment has turned it off."""
    monkeypatch.setattr(LibcloudConnection, "fast_path", True)


class Server(Loopback):
    """Ends a connection after each answer but the first, mostly without announcing it.

    The client may notice that late: a test sends no further request on the connection.
    """

    said: bytes = b""

    def __init__(self) -> None:
        super().__init__(self.answered)

    def answered(self, request: Received) -> bytes:
        self.close = request.target != "/first"
        return self.said if self.close else reply(200, b"first")


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    with running:
        yield running


def connect(server: Loopback, *, opened: bool) -> LibcloudConnection:
    made = LibcloudConnection("127.0.0.1", server.port, secure=False)
    made.follow_redirects = False
    made.session.headers["Host"] = f"127.0.0.1:{server.port}"
    if opened:
        made.request("GET", "/first")
    else:
        made.fast_path = False
    return made


def is_short(connection: LibcloudConnection) -> bool:
    """Whether the answer that ``connection`` has came in few steps."""
    return type(connection.response) is FastResponse


def is_unread(connection: LibcloudConnection) -> bool:
    return connection.response._content is False


def unfolded(value: str) -> str:
    """One version of urllib3 leaves a value in the lines it came in, another does not."""
    return re.sub(r"\s*\r\n\s+", " ", value)


def outcome(connection: LibcloudConnection, method: str) -> dict[str, object]:
    """All that a request shows."""
    try:
        connection.request(method, "/x?y", body=LONG if method == "PUT" else None)
    except (requests.RequestException, ResponseTooLargeError) as error:
        return {"error": type(error), "cause": type(error.args[0])}
    said = connection.response
    names = "status_code", "reason", "content", "text", "encoding", "url", "ok", "is_redirect"
    return {
        **{name: getattr(said, name) for name in names},
        "headers": [(name, unfolded(value)) for name, value in said.headers.items()],
        "cookies": said.cookies.get_dict(),
        "raw": (said.raw.status, said.raw.reason, list(said.raw.headers), said.raw.read()),
        "sent": (said.request.method, dict(said.request.headers), said.request.body),
    }


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
@pytest.mark.parametrize("said", ANSWERS.values(), ids=ANSWERS)
def test_a_response_equals_that_of_the_libraries(server: Server, said: bytes, method: str) -> None:
    server.said = said
    first, again = connect(server, opened=False), connect(server, opened=True)
    by_the_libraries = outcome(first, method)
    sent = server.last

    assert outcome(again, method) == by_the_libraries
    assert server.last == sent
    assert not is_short(first)


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
@pytest.mark.parametrize("status", [301, 303, 307])
def test_a_redirect_is_followed_as_the_libraries_do(status: int, method: str) -> None:
    def answer(request: Received) -> bytes:
        moved = request.target == "/x?y"
        return reply(status, headers={"Location": "/z"}) if moved else reply(200, request.body)

    seen = []
    for opened in (False, True):
        with Loopback(answer) as server:
            connection = connect(server, opened=opened)
            connection.follow_redirects = True
            shown = outcome(connection, method)
            history = [said.status_code for said in connection.response.history]
            sent = [(request.method, request.target, request.body) for request in server.requests]
            seen.append((history, shown["status_code"], shown["content"], sent[-2:]))

    assert seen[0] == seen[1]
    assert seen[0][0] == [status]


def test_an_invalid_host_is_an_error_of_requests() -> None:
    connection = LibcloudConnection("a..b", 80)
    connection.session.headers["Host"] = "a..b"
    with pytest.raises(requests.exceptions.InvalidURL):
        connection.request("GET", "/x")


@pytest.mark.parametrize("timeout", [urllib3.Timeout(connect=9, read=9), (9, 9), 9, None])
def test_a_timeout_may_have_any_form_of_requests(server: Server, timeout: Any) -> None:
    connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
    connection.session.timeout = timeout
    connection.request("GET", "/first", headers={"Host": "h"})

    assert connection.response.content == b"first"


@pytest.mark.parametrize("timeout", [0, [9, 9], "9"])
def test_an_invalid_timeout_is_the_error_of_requests(server: Server, timeout: Any) -> None:
    connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
    connection.session.timeout = timeout
    with pytest.raises(ValueError, match=r"[Tt]imeout"):
        connection.request("GET", "/first", headers={"Host": "h"})

    assert server.connections == 0


def test_a_pool_that_is_closed_is_an_error_of_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = LibcloudConnection("127.0.0.1", 80)
    adapter = connection.session.get_adapter(str(connection.host))
    closed = adapter.poolmanager.connection_from_url(connection.host)
    closed.close()  # by another thread, after it was looked up
    monkeypatch.setattr(adapter, "get_connection_with_tls_context", lambda *args: closed)
    with pytest.raises(requests.ConnectionError):
        connection.request("GET", "/x", headers={"Host": "h"})


@pytest.mark.parametrize(
    ("cls", "name"), [(Session, "request"), (Session, "send"), (ExactAdapter, "send")]
)
def test_a_replaced_method_is_called(
    server: Server, monkeypatch: pytest.MonkeyPatch, cls: Any, name: str
) -> None:
    connection = connect(server, opened=True)
    replacement = requests.Response()
    replacement.status_code, replacement.raw = 299, None
    monkeypatch.setattr(cls, name, lambda *args, **kwargs: replacement)
    connection.request("GET", "/x", stream=True)

    assert connection.status == 299


def test_the_debug_output_of_the_standard_library_is_printed(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = connect(server, opened=True)
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    connection.request("GET", "/first")

    assert "send: b'GET /first HTTP/1.1" in capsys.readouterr().out


def test_an_adapter_with_a_send_of_its_own_is_used(server: Server) -> None:
    class Counting(ExactAdapter):
        sent = 0

        def send(self, *args: Any, **kwargs: Any) -> Any:
            self.sent += 1
            return super().send(*args, **kwargs)

    connection = connect(server, opened=True)
    adapter = Counting()
    connection.session.mount("http://", adapter)
    connection.request("GET", "/first")

    assert adapter.sent == 1


def test_usual_responses_take_few_steps(server: Server) -> None:
    short = set()
    for name, server.said in ANSWERS.items():
        connection = connect(server, opened=True)
        with suppress(requests.RequestException, ResponseTooLargeError):
            connection.request("GET", "/x")
            short.update([name] if is_short(connection) else [])

    assert short == {
        *("plain", "spaces", "no reason", "staying", "closing", "empty value"),
        *("no content", "not modified"),
        *("long body", "an error", "text"),
        *("chunked", "many chunks", "no chunk", "more than the chunks"),
    }


@pytest.mark.parametrize("name", ["plain", "long body", "chunked", "trailers", "compressed"])
def test_a_connection_is_reused_after_a_complete_response(name: str) -> None:
    with Loopback(lambda request: ANSWERS[name]) as server:
        connection = connect(server, opened=True)
        for _ in range(3):
            connection.request("PUT", "/x", body=LONG[:1000])

        assert server.connections == 1


@pytest.mark.parametrize(
    "said",
    [
        reply(200, b"hello", headers={"Connection": "close"}),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
        b"5\r\nhello\r\n0\r\n\r\n",
    ],
    ids=["Connection: close", "two lengths"],
)
def test_after_a_response_that_ends_the_connection_another_one_is_used(said: bytes) -> None:
    with Loopback(lambda request: said) as server:
        connection = connect(server, opened=True)
        for _ in range(2):
            connection.request("GET", "/x")
            assert connection.response.content == b"hello"

        assert server.connections == 3


@pytest.mark.parametrize("said", [b"", reply(200, LONG)[:-1], reply(200)[:20]], ids=len)
def test_a_silent_server_times_out(said: bytes) -> None:
    class Halting(Loopback):
        def _exchange(self, source: Any, sink: Any) -> bool:
            going_on = super()._exchange(source, sink)
            return (going_on and self.last.target == "/first") or bool(source.read(1))

    arrived = threading.Semaphore(0)

    def answer(request: Received) -> bytes:
        arrived.release()
        return reply(200) if request.target == "/first" else said

    with Halting(answer) as server:
        connection = connect(server, opened=True)
        connection.session.timeout = 0.05
        with pytest.raises((requests.ReadTimeout, requests.ConnectionError), match="timed out"):
            connection.request("GET", "/x")

        assert all(arrived.acquire(timeout=30) for _ in range(2))  # the client may be faster
        assert len(server.requests) == 2


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("size", [0, 1, 128 * 1024, 128 * 1024 + 1, 3 * 1024 * 1024])
def test_a_body_arrives_whole(kind: Any, size: int) -> None:
    body = (LONG * (size // len(LONG) + 1))[:size]
    with Loopback() as server:
        connection = connect(server, opened=True)
        connection.request("PUT", "/x", body=kind(body))

        assert server.last.body == body
        assert server.last.headers["content-length"] == str(size)
        assert server.connections == 1


def test_an_adapter_that_tries_again_does_so() -> None:
    answers = iter([reply(200), None, reply(200, b"at last")])
    with Loopback(lambda request: next(answers)) as server:
        connection = connect(server, opened=False)
        connection.session.mount("http://", ExactAdapter(max_retries=1))
        connection.request("GET", "/first")
        connection.request("GET", "/x")

        assert connection.response.content == b"at last"
        assert [request.target for request in server.requests] == ["/first", "/x", "/x"]


def test_responses_replaces_the_network(server: Server) -> None:
    connection = connect(server, opened=True)
    with responses.RequestsMock() as mocked:
        mocked.get(f"{connection.host}/mocked", body="by responses")
        connection.request("GET", "/mocked")

    assert connection.response.text == "by responses"
    assert [request.target for request in server.requests] == ["/first"]


@pytest.mark.parametrize(
    "make", [lambda said: pickle.loads(pickle.dumps(said)), copy.copy], ids=["pickle", "copy"]
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_copied_response_equals_the_original(server: Server, make: Any, stream: bool) -> None:
    server.said = reply(200, b"hello", headers={"ETag": "x"})
    connection = connect(server, opened=True)
    connection.request("PUT", "/x", body=b"data", stream=stream)
    said = connection.response
    assert is_short(connection)
    copied = make(said)

    assert (copied.status_code, copied.content, copied.headers) == (200, b"hello", said.headers)
    assert copied.request.headers == said.request.headers
    assert copied.request.copy().headers == said.request.headers
    assert copied.cookies.get_dict() == {}


def test_a_response_has_all_attributes_of_one_of_requests(server: Server) -> None:
    server.said = reply(200, b"hello")
    connection = connect(server, opened=True)
    connection.request("GET", "/x")
    said = connection.response

    assert is_short(connection)
    assert all(hasattr(said, name) for name in vars(requests.Response()))
    assert isinstance(said.raw, urllib3.HTTPResponse)
    assert next(said.iter_content(3)) == b"hel"
    said.close()


STREAMED = {
    **ANSWERS,
    "too long for one read": reply(200, LONG[: 128 * 1024 + 1]),
    "short and cut": reply(200, LONG[:5000])[:-1],
}


def streamed(connection: LibcloudConnection, method: str, read: Any) -> dict[str, object]:
    """Everything that a streamed request shows, and what ``read`` returns of its body."""
    try:
        getattr(connection, method)("GET", "/x?y", stream=True)
        response = connection.response
        body = read(response)
    except (
        MemoryError,
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        ResponseTooLargeError,
    ) as bad:
        return {"error": type(bad)}
    status, headers = response.status_code, [*response.headers]
    return {"status": status, "headers": headers, "body": body, "closed": response.close()}


@pytest.mark.parametrize("method", ["request", "prepared_request"])
@pytest.mark.parametrize(
    "read",
    [
        lambda response: b"".join(response.iter_content(7)),
        lambda response: response.raw.read(),
        lambda response: response.content,
    ],
    ids=["iter_content", "raw", "content"],
)
@pytest.mark.parametrize("said", STREAMED.values(), ids=STREAMED)
def test_a_streamed_response_is_the_same_on_the_fast_path(
    server: Server, said: bytes, read: Any, method: str
) -> None:
    server.said = said
    first, again = connect(server, opened=False), connect(server, opened=True)
    by_the_libraries = streamed(first, method, read)
    if by_the_libraries == {"error": MemoryError}:  # some reserve memory before they read
        by_the_libraries = {"error": urllib3.exceptions.ProtocolError}

    assert streamed(again, method, read) == by_the_libraries
    assert not is_short(first)


@pytest.mark.parametrize(
    ("size", "unread"), [(0, False), (128 * 1024, False), (128 * 1024 + 1, True)]
)
def test_only_small_bodies_are_read_in_advance(server: Server, size: int, unread: bool) -> None:
    server.said = reply(200, LONG[:size])
    connection = connect(server, opened=True)
    connection.prepared_request("GET", "/x", stream=True)

    assert is_short(connection)
    assert is_unread(connection) is unread
    assert connection.response.content == LONG[:size]


def test_a_deadline_does_not_include_the_body_of_a_streamed_response(server: Server) -> None:
    server.said = reply(200, b"hello")
    connection = connect(server, opened=True)
    connection.total_timeout = 60
    connection.prepared_request("GET", "/x", stream=True)

    assert is_short(connection)
    assert is_unread(connection)
    assert connection.response.content == b"hello"


def test_a_proxy_that_is_set_later_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    direct = Loopback(lambda request: reply(200, b"direct"))
    proxied = Loopback(lambda request: reply(200, b"proxied"))
    with direct as server, proxied as proxy:
        connection = connect(server, opened=True)
        bodies = []
        for value in (None, f"http://127.0.0.1:{proxy.port}", None):
            monkeypatch.delenv("http_proxy", raising=False)
            if value is not None:
                monkeypatch.setenv("http_proxy", value)
            connection.prepared_request("GET", "/x", stream=True)
            bodies.append(connection.response.content)

    assert bodies == [b"direct", b"proxied", b"direct"]


HEADERS = {"accept-encoding": ("Accept-Encoding", "x"), "host": ("Host", "h")}
WHOLE = {**HEADERS, "user-agent": ("user-agent", "u")}


def test_a_head_is_sent_as_it_is_given() -> None:
    assert request_head("PUT", "/x?y", WHOLE) == (
        b"PUT /x?y HTTP/1.1\r\nAccept-Encoding: x\r\nHost: h\r\nuser-agent: u\r\n\r\n"
    )


@pytest.mark.parametrize(
    "headers",
    [
        HEADERS,
        {**WHOLE, "expect": ("Expect", "100-continue")},
        {**WHOLE, "transfer-encoding": ("Transfer-Encoding", "chunked")},
        {**WHOLE, "a": ("A", "b\r\nC: d")},
        {**WHOLE, "a": ("A", "b\nC: d")},
        {**WHOLE, "a": ("A", "b\r")},
        {**WHOLE, "a": ("A", " b")},
        {**WHOLE, "a": ("A", b"b")},
        {**WHOLE, "a": ("A", "\xe9")},
        {**WHOLE, "a": ("A", "\x00")},
        {**WHOLE, "a: b\r\nc": ("A: b\r\nC", "d")},
        {**WHOLE, "a: b": ("A: b", "c")},
        {**WHOLE, "a:": ("A:", "b")},
        {**WHOLE, "a ": ("A ", "b")},
        {**WHOLE, "a,b": ("A,B", "b")},
        {**WHOLE, "": ("", "b")},
    ],
    ids=ascii,
)
def test_a_head_that_is_not_of_the_usual_form_is_left_to_the_libraries(headers: Any) -> None:
    assert request_head("PUT", "/x", headers) is None


@pytest.mark.parametrize("target", ["/x y", "/x\r\nA: b", "/x\n", "", "/\xe9"], ids=ascii)
def test_a_target_is_one_word(target: str) -> None:
    assert request_head("PUT", target, WHOLE) is None


@pytest.mark.parametrize("line", [b"0;a\r\n\r\n", b"0 \r\n\r\n", b"0\n\n", b"x", b"\r\n"])
def test_an_unusual_chunk_is_left_to_the_libraries_without_waiting_for_more(line: bytes) -> None:
    state = RequestState()
    state.received = b"1\r\na\r\n" + line
    no_socket = None
    assert _read_chunks(no_socket, state, 0) == (6, None)


class _Sent(TimedConnection):
    """A connection that sends nothing and keeps the buffers."""

    def __init__(self, sock: Any) -> None:
        self.sock = sock

    def send_all(self, buffers: Any) -> None:
        self.buffers = buffers


class _TlsSocket:
    do_handshake = None


def test_a_small_body_is_copied_for_tls_only() -> None:
    body, plain, tls = bytes(1000), _Sent(None), _Sent(_TlsSocket())
    _send(plain, b"head", body)
    _send(tls, b"head", body)

    assert plain.buffers[1] is body
    assert tls.buffers == (b"head" + body,)
