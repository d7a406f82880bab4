# SPDX-License-Identifier: Apache-2.0
"""Heads of answers: cut ones are errors of the network, whole ones say what they always said."""

from __future__ import annotations

import http.client
import io
from typing import Any

import pytest
import requests

from libcloud.http import LibcloudConnection, is_transient
from libcloud.http.heads import WholeHeadResponse
from libcloud.test._loopback import Loopback

WHOLE = b'HTTP/1.1 200 OK\r\nETag: "0123456789"\r\nContent-Length: 0\r\n\r\n'


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
@pytest.mark.parametrize("length", [10, 17, 25, 35, 53, len(WHOLE) - 2])
def test_an_answer_that_ends_within_its_head_is_a_lost_one(method: str, length: int) -> None:
    with Loopback(lambda request: WHOLE[:length], close=True) as server:
        connection = LibcloudConnection("127.0.0.1", server.port)

        with pytest.raises(requests.ConnectionError) as caught:
            connection.request(method, "/")

    assert is_transient(caught.value)


def test_lines_may_end_without_a_carriage_return() -> None:
    with Loopback(lambda request: WHOLE.replace(b"\r", b"")) as server:
        connection = LibcloudConnection("127.0.0.1", server.port)
        connection.request("GET", "/")

        assert connection.getheaders()["ETag"] == '"0123456789"'


def test_the_connection_is_used_again_after_a_whole_answer() -> None:
    with Loopback(lambda request: WHOLE) as server:
        connection = LibcloudConnection("127.0.0.1", server.port)
        for _ in range(3):
            connection.request("GET", "/")

        assert server.connections == 1


def test_an_answer_without_headers_is_whole() -> None:
    with Loopback(lambda request: b"HTTP/1.1 204 No Content\r\n\r\n") as server:
        connection = LibcloudConnection("127.0.0.1", server.port)
        connection.request("GET", "/")

        assert connection.status == 204


HEADS = {
    "plain": b"HTTP/1.1 200 OK\r\nETag: x\r\nContent-Length: 5\r\n\r\nhello",
    "spaces": b"HTTP/1.1 200 All is  well \r\nA:  b \t\r\nContent-Length: 5 \r\n\r\nhello",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
    "no headers": b"HTTP/1.1 200 OK\r\n\r\nhello",
    "no length": b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nhello",
    "no content": b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "both lengths": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
    b"5\r\nhello\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 2\r\n\r\nhello",
    "wrong length": b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    "closing": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
    "staying": b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
    "old": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "continued": b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "folded": b"HTTP/1.1 200 OK\r\nA: b\r\n  c\r\nContent-Length: 5\r\n\r\nhello",
    "no colon": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nnonsense\r\nA: b\r\n\r\nhello",
    "beyond ASCII": b"HTTP/1.1 200 Tr\xe8s bien\r\nA: \xe9\xff\r\nContent-Length: 5\r\n\r\nhello",
    "repeated": b"HTTP/1.1 200 OK\r\nA: b\r\nA: c\r\na: b\r\nContent-Length: 5\r\n\r\nhello",
    "empty value": b"HTTP/1.1 200 OK\r\nA:\r\nContent-Length: 5\r\n\r\nhello",
    "bare ends of lines": b"HTTP/1.1 200 OK\nA: b\nContent-Length: 5\n\nhello",
    "carriage return": b"HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 5\r\n\r\nhello",
    "not HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "HTTP of tomorrow": b"HTTP/3.0 200 OK\r\n\r\n",
    "low status": b"HTTP/1.1 42 Answer\r\n\r\n",
    "nothing": b"",
    "long line": b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n",
    "as many as may be": b"HTTP/1.1 200 OK\r\n"
    + b"A: b\r\n" * 98
    + b"Content-Length: 5\r\n\r\nhello",
}


class Wire:
    """A socket that has received ``data``."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def read(kind: type[http.client.HTTPResponse], data: bytes, method: str) -> dict[str, object]:
    """What an answer of this class says of ``data``."""
    response: Any = kind(Wire(data), method=method)  # type: ignore[arg-type]
    try:
        response.begin()
    except http.client.HTTPException as error:
        return {"error": type(error), "text": str(error)}
    names = "status", "code", "reason", "version", "length", "chunked", "will_close"
    said = {name: getattr(response, name) for name in names}
    return {**said, "headers": response.msg.items(), "body": response.read()}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("data", HEADS.values(), ids=HEADS)
def test_a_head_says_what_it_says_to_the_standard_library(data: bytes, method: str) -> None:
    assert read(WholeHeadResponse, data, method) == read(http.client.HTTPResponse, data, method)


def test_a_usual_head_is_not_read_by_the_parser_for_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.client, "parse_headers", None)

    assert read(WholeHeadResponse, HEADS["plain"], "GET")["headers"] == [
        ("ETag", "x"),
        ("Content-Length", "5"),
    ]
