# SPDX-License-Identifier: Apache-2.0
"""The debug log: everything that helps, and nothing that gives access."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

import libcloud
from libcloud.common.base import Connection
from libcloud.http import allowed_concurrency
from libcloud.test._helpers import run_in_threads
from libcloud.test._loopback import Loopback, reply
from libcloud.utils.loggingconnection import LoggingConnection
from libcloud.utils.redact import REDACTED, redact_headers, redact_text

PRETTY = "LIBCLOUD_DEBUG_PRETTY_PRINT_RESPONSE"


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    monkeypatch.delenv(PRETTY, raising=False)
    written = io.StringIO()
    libcloud.enable_debug(written)
    yield written
    libcloud.reset_debug()


@pytest.fixture
def connection(server: Loopback, log: io.StringIO) -> Connection:
    made = Connection(secure=False, host="127.0.0.1", port=server.port)
    made.connect()
    assert isinstance(made.connection, LoggingConnection)
    return made


@pytest.mark.parametrize("raw", [True, False])
def test_request_and_response_are_written(
    server: Loopback, connection: Connection, log: io.StringIO, raw: bool
) -> None:
    server.answer = lambda request: reply(201, b"what came", {"X-Name": "value"})
    answer = connection.request(
        "/x",
        params={"a": "1"},
        data="what was sent",
        headers={"X-Mine": "m"},
        method="PUT",
        raw=raw,
    )
    text = log.getvalue()
    assert "curl -i -X PUT" in text
    assert "-H 'X-Mine: m'" in text
    assert "--data-binary 'what was sent'" in text
    assert f"'http://127.0.0.1:{server.port}/x?a=1'" in text
    assert "HTTP/1.1 201 Said\n" in text
    assert "X-Name: value\n" in text
    assert "\n\nwhat came\n" in text
    assert text.count("-------- begin") == text.count("-------- end") + 1 == 2
    assert answer.body in ("what came", b"what came")
    assert server.last.body == b"what was sent"


def test_the_wire_is_as_without_a_log(server: Loopback, connection: Connection) -> None:
    connection.request("/x", data=b"d", method="PUT")
    logged = server.last.headers
    libcloud.reset_debug()
    Connection(secure=False, host="127.0.0.1", port=server.port).request(
        "/x", data=b"d", method="PUT"
    )
    assert server.last.headers == logged


SECRET_HEADERS = [
    "Authorization",
    "authorization",
    "Proxy-Authorization",
    "x-amz-security-token",
    "X-Amz-S3session-Token",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key",
    "x-goog-encryption-key",
    "X-Auth-Token",
    "Cookie",
]


@pytest.mark.parametrize("name", SECRET_HEADERS)
@pytest.mark.parametrize("raw", [True, False])
def test_secret_headers_are_sent_and_not_written(
    server: Loopback, connection: Connection, log: io.StringIO, name: str, raw: bool
) -> None:
    server.answer = lambda request: reply(200, headers={name: "s3cr3t"})
    connection.request("/x", headers={name: "s3cr3t"}, raw=raw)
    assert server.last.headers[name.lower()] == "s3cr3t"
    assert "s3cr3t" not in log.getvalue()
    assert f"{name}: {REDACTED}" in log.getvalue()


@pytest.mark.parametrize(
    "name",
    ["Content-Type", "x-amz-date", "x-amz-content-sha256", "x-amz-server-side-encryption", "ETag"],
)
def test_other_headers_are_written(name: str) -> None:
    assert redact_headers({name: "value"}) == {name: "value"}


@pytest.mark.parametrize(
    "name",
    ["X-Amz-Signature", "X-Amz-Security-Token", "X-Goog-Signature", "Signature", "signature"],
)
def test_signatures_in_queries_are_sent_and_not_written(
    server: Loopback, connection: Connection, log: io.StringIO, name: str
) -> None:
    connection.request("/b/k?a=1", params={"before": "2", name: "s3cr3t/+=", "after": "3"})
    assert f"{name}=s3cr3t%2F%2B%3D" in server.last.target
    assert "s3cr3t" not in log.getvalue()
    assert f"/b/k?a=1&before=2&{name}={REDACTED}&after=3" in log.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        "client_secret=s3cr3t&x=1",
        "x=1&refresh_token=s3cr3t",
        '{"access_token": "s3cr3t", "x": 1}',
        '{"private_key":"s3cr3t"}',
        "<Url>https://h/k?X-Amz-Signature=s3cr3t</Url>",
    ],
)
def test_secrets_in_bodies_are_not_written(
    server: Loopback, connection: Connection, log: io.StringIO, body: str
) -> None:
    server.answer = lambda request: reply(200, body.encode())
    connection.request("/x", data=body, method="POST")
    assert server.last.body == body.encode()
    assert "s3cr3t" not in log.getvalue()
    assert log.getvalue().count(REDACTED) == 2


def test_other_parameters_are_written() -> None:
    text = "/b?X-Amz-SignedHeaders=host&X-Amz-Expires=60&signature-version=4&design=x"
    assert redact_text(text) == text


BINARY = bytes(range(256))


@pytest.mark.parametrize(
    ("make", "sent", "described"),
    [
        (lambda: BINARY, BINARY, "256 bytes that are not text"),
        (lambda: bytearray(BINARY), BINARY, "256 bytes that are not text"),
        (lambda: memoryview(BINARY), BINARY, "256 bytes that are not text"),
        (lambda: io.BytesIO(BINARY), BINARY, "BytesIO"),
        (lambda: iter([b"pie", b"ces"]), b"pieces", "iterator"),
    ],
)
@pytest.mark.parametrize("raw", [True, False])
def test_bodies_that_are_not_text_are_described(
    server: Loopback, log: io.StringIO, make: Any, sent: bytes, described: str, raw: bool
) -> None:
    connection = Connection(secure=False, host="127.0.0.1", port=server.port)
    connection.request("/x", data=make(), method="PUT", raw=raw)
    assert server.last.body == sent
    assert described in log.getvalue()


def test_a_response_that_is_not_text_is_described(
    server: Loopback, connection: Connection, log: io.StringIO
) -> None:
    server.answer = lambda request: reply(200, BINARY)
    raw = connection.request("/x", raw=True)
    assert raw.body == BINARY
    assert "# 256 bytes that are not text" in log.getvalue()


@pytest.mark.parametrize("raw", [True, False])
def test_a_requested_stream_is_read_by_the_caller(
    server: Loopback, log: io.StringIO, raw: bool
) -> None:
    server.answer = lambda request: reply(200, b"s" * 1000)
    sending = LoggingConnection("127.0.0.1", server.port, secure=False)
    if raw:
        sending.prepared_request("GET", "/x", raw=True, stream=True)
    else:
        sending.request("GET", "/x", stream=True)
    response = sending.getresponse()
    assert not response.raw.closed
    assert b"".join(response.iter_content(100)) == b"s" * 1000
    assert "# a stream; not read here" in log.getvalue()
    assert "sss" not in log.getvalue()


@pytest.mark.parametrize(
    ("pretty", "content_type", "body", "shown"),
    [
        (True, "application/json", b'{"a":1}', '{\n    "a": 1\n}'),
        (True, "application/json; charset=utf-8", b'{"a":1}', '{\n    "a": 1\n}'),
        (True, "application/json", b"{no json", "{no json"),
        (True, "text/plain", b'{"a":1}', '{"a":1}'),
        (False, "application/json", b'{"a":1}', '{"a":1}'),
    ],
)
def test_json_is_indented_if_the_environment_requests_it(
    server: Loopback,
    connection: Connection,
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    pretty: bool,
    content_type: str,
    body: bytes,
    shown: str,
) -> None:
    if pretty:
        monkeypatch.setenv(PRETTY, "1")
    server.answer = lambda request: reply(200, body, {"Content-Type": content_type})
    connection.request("/x")
    assert f"\n\n{shown}\n# " in log.getvalue()


def test_a_connection_without_a_log_writes_nothing(server: Loopback) -> None:
    sending = LoggingConnection("127.0.0.1", server.port, secure=False)
    sending.request("GET", "/x")
    assert sending.getresponse().status_code == 200


def test_the_log_is_flushed() -> None:
    sending = LoggingConnection("h", 80)
    with mock.patch.object(LoggingConnection, "log") as log:
        sending._write("text")
    assert [call[0] for call in log.method_calls] == ["write", "flush"]


def test_threads_may_share_it(server: Loopback, connection: Connection, log: io.StringIO) -> None:
    assert allowed_concurrency(LoggingConnection) is None
    server.answer = lambda request: reply(200, request.target.encode())
    wrong: list[str] = []

    def work(number: int) -> None:
        for turn in range(5):
            if connection.request(f"/{number}/{turn}").body != f"/{number}/{turn}":
                wrong.append(f"/{number}/{turn}")

    run_in_threads(work)
    assert wrong == []
    lines = log.getvalue().splitlines()
    assert len([line for line in lines if line.startswith("curl ")]) == 40
    begins = [line.split()[3] for line in lines if line.endswith("response ----------")]
    assert len(set(begins)) == 40
