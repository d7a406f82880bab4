# SPDX-License-Identifier: Apache-2.0
"""Answers whose head is cut: they are errors of the network, and not answers."""

from __future__ import annotations

import pytest
import requests

from libcloud.http import LibcloudConnection, is_transient
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
