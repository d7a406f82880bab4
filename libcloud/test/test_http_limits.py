# SPDX-License-Identifier: Apache-2.0
"""Responses that are read as a whole are bounded while they are read; objects are not."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from libcloud.common.base import Connection, JsonResponse, Response, XmlResponse
from libcloud.common.response import RawResponse
from libcloud.common.types import MalformedResponseError, ResponseTooLargeError
from libcloud.http import LibcloudConnection, fast_path
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.utils import documents, xml
from libcloud.utils.documents import parse_json, read_document
from libcloud.utils.xml import InvalidXmlError, parse_xml

# Both ways of sending must do the same, and close what they open.
pytestmark = [
    pytest.mark.usefixtures("http_path"),
    pytest.mark.filterwarnings("error::ResourceWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]

SIZE = 1_000_000
CHUNKED = b"HTTP/1.1 %d Said\r\nTransfer-Encoding: chunked\r\n%b\r\n"
ENDLESS = b"100\r\n" + bytes(256) + b"\r\n"


def packed(coding: str, size: int = 2 * SIZE) -> bytes:
    pack = gzip.compress if coding == "gzip" else zlib.compress
    return reply(200, pack(bytes(size)), headers={"Content-Encoding": coding})


TOO_LARGE = {
    "stated": (reply(200, bytes(SIZE + 1)), "has 1000001 bytes; at most 1000000 are accepted"),
    "stated to be huge": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n",
        "has 999999999999999 bytes",
    ),
    "chunks": (CHUNKED % (200, b"") + ENDLESS * 4000, "has more than the 1000000 bytes accepted"),
    "until the end": (b"HTTP/1.1 200 OK\r\n\r\n" + bytes(SIZE + 1), "has more than the 1000000"),
    "gzip": (packed("gzip"), "1000000 bytes accepted, decompressed from gzip"),
    "deflate": (packed("deflate"), "decompressed from deflate"),
    "packed twice": (
        reply(200, gzip.compress(gzip.compress(b"x")), headers={"Content-Encoding": "gzip, gzip"}),
        "is compressed several times",
    ),
    "error": (reply(500, bytes(2001)), "(status 500) has 2001 bytes; at most 2000 are accepted"),
    "error in chunks": (CHUNKED % (404, b"") + ENDLESS * 40, "(status 404) has more than the 2000"),
    "redirect": (
        CHUNKED % (301, b"Location: /there\r\n") + ENDLESS * 40,
        "(status 301) has more than the 2000",
    ),
}


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_RESPONSE_SIZE", SIZE)
    monkeypatch.setattr(documents, "MAX_ERROR_SIZE", 2000)
    for name in ("_IN_ADVANCE", "_LARGEST"):
        monkeypatch.setattr(fast_path, name, 1000)


@pytest.fixture
def server() -> Iterator[Loopback]:
    """Answers all but the first request by its attribute ``said``, and ends the connection."""

    class Server(Loopback):
        said = b""

        def answered(self, request: Received) -> bytes:
            self.close = request.target != "/first"
            return self.said if self.close else reply()

    running: Any = Server()
    running.answer = running.answered
    with running:
        yield running


def connect(server: Loopback) -> LibcloudConnection:
    connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
    connection.follow_redirects = False
    connection.session.headers["Host"] = f"127.0.0.1:{server.port}"  # for the fast path
    connection.request("GET", "/first")
    return connection


@pytest.mark.parametrize("follows", [True, False])
@pytest.mark.parametrize(("said", "text"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_response_that_is_too_large_raises_response_too_large_error(
    server: Any, said: bytes, text: str, follows: bool
) -> None:
    server.said = said
    connection = connect(server)
    connection.follow_redirects = follows
    with pytest.raises(ResponseTooLargeError) as caught:
        connection.request("GET", "/bucket?signature=secret")

    assert f"GET http://127.0.0.1:{server.port}/bucket: the response" in str(caught.value)
    assert text in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.http_code == int(said[9:12])
    assert isinstance(caught.value, MalformedResponseError)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("name", ["error", "error in chunks", "redirect"])
def test_the_error_page_of_a_raw_request_is_bounded(
    server: Any, name: str, method: str, stream: bool
) -> None:
    server.said, text = TOO_LARGE[name]
    connection = connect(server)
    with pytest.raises(ResponseTooLargeError) as caught:
        connection.prepared_request(method, "/x", body=b"data", raw=True, stream=stream)

    assert text in str(caught.value)


@pytest.mark.parametrize("stream", [True, False])
def test_an_object_may_have_any_size(server: Any, stream: bool) -> None:
    server.said = reply(200, bytes(3 * SIZE))
    connection = connect(server)
    connection.prepared_request("GET", "/x", raw=True, stream=stream)

    assert sum(map(len, connection.getresponse().iter_content(100_000))) == 3 * SIZE


@pytest.mark.parametrize("opened", [True, False])
def test_head_states_the_size_of_an_object_of_any_size(server: Any, opened: bool) -> None:
    server.said = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000000000\r\n\r\n"
    connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
    connection.follow_redirects = False
    if opened:
        connection.request("GET", "/first")
    connection.request("HEAD", "/x")

    assert connection.getheaders()["Content-Length"] == "5000000000000"


@pytest.mark.parametrize("size", [0, 1, SIZE])
@pytest.mark.parametrize("coding", [None, "gzip", "deflate"])
def test_a_response_up_to_the_limit_is_read(server: Any, size: int, coding: str | None) -> None:
    server.said = packed(coding, size) if coding else reply(200, bytes(size))
    connection = connect(server)
    connection.request("GET", "/x")

    assert connection.read() == bytes(size)


@pytest.mark.parametrize("kind", [Response, JsonResponse, XmlResponse])
def test_a_document_that_a_foreign_connection_left_unread_is_bounded(
    server: Any, kind: type[Response]
) -> None:
    server.said = packed("gzip")
    response = requests.get(f"http://127.0.0.1:{server.port}/x", stream=True)
    with pytest.raises(ResponseTooLargeError):
        kind(response, Connection(host="h"))


def test_an_error_page_that_a_foreign_connection_left_unread_is_bounded(server: Any) -> None:
    server.said = reply(403, bytes(2001))
    response = requests.get(f"http://127.0.0.1:{server.port}/x", stream=True)
    with pytest.raises(ResponseTooLargeError):
        RawResponse(Connection(host="h"), response)


@pytest.mark.parametrize("kind", [JsonResponse, XmlResponse])
def test_an_error_holds_the_start_of_a_large_document(server: Any, kind: type[Response]) -> None:
    server.said = reply(200, b"<a>" + b"<" * 70_000)
    response = requests.get(f"http://127.0.0.1:{server.port}/x")
    with pytest.raises(MalformedResponseError) as caught:
        kind(response, Connection(host="h"))

    assert len(caught.value.body or "") == 64 * 1024


def test_a_response_that_is_not_of_requests_returns_its_content() -> None:
    class Foreign:
        content = b"x" * (SIZE + 1)

    assert read_document(Foreign()) == Foreign.content


@pytest.mark.parametrize("document", ["<a>" + "<b/>" * 5 + "</a>", '<a b="" c="" d="" e="" f=""/>'])
def test_a_document_of_too_many_elements_is_refused(
    monkeypatch: pytest.MonkeyPatch, document: str
) -> None:
    monkeypatch.setattr(xml, "MAX_MARKS", 5)
    with pytest.raises(InvalidXmlError, match="tags and attributes has more than the 5 allowed"):
        parse_xml(document)


def test_json_of_too_many_values_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_JSON_VALUES", 5)
    assert parse_json('{"a": [1, 2, 3]}') == {"a": [1, 2, 3]}
    with pytest.raises(ValueError, match="about 6 values; at most 5"):
        parse_json("[[], [], []]")


def test_a_response_that_a_test_made_without_a_body_is_empty() -> None:
    response = requests.Response()
    response.status_code = 200
    assert response.raw is None
    assert not read_document(response)
