# SPDX-License-Identifier: Apache-2.0
"""Heads of answers: cut ones are errors of the network, whole ones say what they always said."""

from __future__ import annotations

import http.client
import io
from typing import Any

import pytest
import requests

from libcloud.http import LibcloudConnection, is_transient
from libcloud.http.received import InvalidResponseError, WholeHeadResponse
from libcloud.test._loopback import Loopback

# Both ways of sending must do the same, and close what they open.
pytestmark = [
    pytest.mark.usefixtures("http_path"),
    pytest.mark.filterwarnings("error::ResourceWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]

WHOLE = b'HTTP/1.1 200 OK\r\nETag: "0123456789"\r\nContent-Length: 0\r\n\r\n'


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
@pytest.mark.parametrize("length", [10, 17, 25, 35, 53, len(WHOLE) - 2])
def test_a_response_that_ends_within_its_head_is_a_lost_one(method: str, length: int) -> None:
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


def test_the_connection_is_used_again_after_a_whole_response() -> None:
    with Loopback(lambda request: WHOLE) as server:
        connection = LibcloudConnection("127.0.0.1", server.port)
        for _ in range(3):
            connection.request("GET", "/")

        assert server.connections == 1


def test_a_response_without_headers_is_whole() -> None:
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
    "closing": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
    "staying": b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
    "old": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "continued": b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "folded": b"HTTP/1.1 200 OK\r\nA: b\r\n  c\r\nContent-Length: 5\r\n\r\nhello",
    "beyond ASCII": b"HTTP/1.1 200 Tr\xe8s bien\r\nA: \xe9\xff\r\nContent-Length: 5\r\n\r\nhello",
    "repeated": b"HTTP/1.1 200 OK\r\nA: b\r\nA: c\r\na: b\r\nContent-Length: 5\r\n\r\nhello",
    "empty value": b"HTTP/1.1 200 OK\r\nA:\r\nContent-Length: 5\r\n\r\nhello",
    "bare ends of lines": b"HTTP/1.1 200 OK\nA: b\nContent-Length: 5\n\nhello",
    "not HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "HTTP of tomorrow": b"HTTP/3.0 200 OK\r\n\r\n",
    "low status": b"HTTP/1.1 42 Answer\r\n\r\n",
    "nothing": b"",
    "long line": b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 99 + b"\r\n",
    "as many as may be": b"HTTP/1.1 200 OK\r\n"
    + b"A: b\r\n" * 98
    + b"Content-Length: 5\r\n\r\nhello",
}

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 5\r\n\r\nhello"
CODING = b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"

# What ends the headers for the standard library, and the headers that it stands for.
NO_FIELDS = {
    "no colon": (b"nonsense", []),
    "no name": (b": b", []),
    "no header to continue": (b" c", []),
    "continued nonsense": (b"nonsense\r\n c\r\n\td: e", []),
    "envelope of a mail": (b"From me", []),
    "space before the colon": (b"A \t: b", [("A", "b")]),
    "space in the name": (b"A B: c\r\n d", [("A%20B", "c\r\n d")]),
    "name in UTF-8": ("Caf\u00e9: b".encode(), [("Caf%C3%A9", "b")]),
    "control character in the name": (b"A\x01: b", [("A%01", "b")]),
    "carriage return in the value": (b"A: b\rc", [("A", "b c")]),
    "carriage return in the name": (b"A\rB: b", [("A%0DB", "b")]),
}

# What the standard library takes, although it could end at two places; and what is to be said.
UNCERTAIN = {
    "two lengths": (OK + b"Content-Length: 2\r\n" + LENGTH, "not a single number: '2, 5'"),
    "two lengths in one": (OK + b"Content-Length: 5, 2\r\n\r\nhello", "not a single number"),
    "negative length": (OK + b"Content-Length: -5\r\n\r\nhello", "not a single number"),
    "length with a sign": (OK + b"Content-Length: +5\r\n\r\nhello", "not a single number"),
    "length in words": (OK + b"Content-Length: five\r\n\r\nhello", "not a single number"),
    "no digits": (OK + b"Content-Length:\r\n\r\nhello", "not a single number: ''"),
    "too many digits": (
        OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        "not a single number",
    ),
    "two codings": (
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
        "Transfer-Encoding 'gzip, chunked' is not supported",
    ),
    "unknown coding": (OK + b"Transfer-Encoding: x\r\n" + LENGTH, "is not supported"),
    "other protocol": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        "status 101, which was not requested",
    ),
    "endless interim responses": (
        b"HTTP/1.1 102 Processing\r\n\r\n" * 101 + OK + LENGTH,
        "more than 100 interim responses",
    ),
    "endless headers": (OK + b"A: b\r\n" * 2001 + LENGTH, "more than 2000 headers"),
    "large head": (OK + (b"A: " + b"b" * 60_000 + b"\r\n") * 5 + LENGTH, "more than 262144 bytes"),
    "large interim head": (
        b"HTTP/1.1 103 Hints\r\n" + (b"A: " + b"b" * 60_000 + b"\r\n") * 5 + b"\r\n" + OK + LENGTH,
        "more than 262144 bytes",
    ),
}


class Wire:
    """A socket that has received ``data``."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str, buffering: int = -1) -> io.BytesIO:
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
def test_a_response_head_is_parsed_as_by_the_standard_library(data: bytes, method: str) -> None:
    assert read(WholeHeadResponse, data, method) == read(http.client.HTTPResponse, data, method)


@pytest.mark.parametrize("length", [b"Content-Length: 5\r\n\r\nhello", CODING + CHUNKS])
@pytest.mark.parametrize(("line", "fields"), NO_FIELDS.values(), ids=NO_FIELDS)
def test_headers_after_one_of_an_invalid_form_count(
    line: bytes, fields: list[tuple[str, str]], length: bytes
) -> None:
    said: Any = read(WholeHeadResponse, OK + line + b"\r\n" + length, "GET")

    assert said["headers"][:-1] == fields
    assert said["body"] == b"hello"


@pytest.mark.parametrize(("data", "text"), UNCERTAIN.values(), ids=UNCERTAIN)
def test_a_response_whose_end_is_not_certain_is_refused(data: bytes, text: str) -> None:
    said = read(WholeHeadResponse, data, "GET")

    assert said["error"] is InvalidResponseError
    assert text in str(said["text"])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100,
        b"HTTP/1.1 199\n\n",
        b"HTTP/1.0 100 Tr\xe8s bien\r\nContent-Length: 5\r\n\r\n",
    ],
    ids=["processing", "two hints", "as many as may be", "bare ends of lines", "beyond ASCII"],
)
def test_interim_responses_are_skipped(interim: bytes, method: str) -> None:
    final = HEADS["plain"]

    assert read(WholeHeadResponse, interim + final, method) == read(
        http.client.HTTPResponse, final, method
    )


def test_an_interim_response_that_is_cut_is_a_lost_one() -> None:
    said = read(WholeHeadResponse, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n", "GET")

    assert said["error"] is http.client.RemoteDisconnected


@pytest.mark.parametrize(
    ("data", "closes"),
    [
        (OK + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS, False),
        (OK + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n" + CHUNKS, True),
        (
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
            + CHUNKS,
            True,
        ),
        (OK + b"Content-Length: 5, 5\r\n\r\nhello", True),
        (OK + b"Content-Length: 5\r\n" + LENGTH, False),
    ],
    ids=["chunks", "chunks and a length", "chunks of HTTP/1.0", "length twice", "two headers"],
)
def test_a_connection_ends_with_a_doubtful_response(data: bytes, closes: bool) -> None:
    said = read(WholeHeadResponse, data, "GET")

    assert (said["body"], said["will_close"]) == (b"hello", closes)


@pytest.mark.parametrize(
    ("chunks", "text"),
    [
        (b"-1\r\nhello\r\n0\r\n\r\n", "the size of a chunk is not a number"),
        (b"0x5\r\nhello\r\n0\r\n\r\n", "the size of a chunk is not a number"),
        (b"0\r\n" + b"A: b\r\n" * 101 + b"\r\n", "more than 100 trailers"),
    ],
)
def test_chunks_and_trailers_are_checked(chunks: bytes, text: str) -> None:
    data = OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
    with pytest.raises(InvalidResponseError, match=text):
        read(WholeHeadResponse, data, "GET")
