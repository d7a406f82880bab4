# SPDX-License-Identifier: Apache-2.0
"""Scheme, host and port of a connection, in its URL and in the header ``Host``."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from libcloud.common.base import Connection


@pytest.mark.parametrize(
    ("host", "port", "header"),
    [
        ("h", 443, "h"),
        ("h", 80, "h:80"),
        ("h", 8443, "h:8443"),
        ("h", "8443", "h:8443"),
        ("::1", 443, "[::1]"),
        ("::1", 9000, "[::1]:9000"),
        ("[::1]", 443, "[::1]"),
        ("[::1]", 9000, "[::1]:9000"),
        ("[::1]:9000", 443, "[::1]:9000"),
    ],
)
def test_the_host_is_named_with_an_unusual_port(host: str, port: Any, header: str) -> None:
    connection = Connection(host=host, port=port)
    connection.connection = mock.Mock()
    connection.connection.getresponse.return_value = mock.MagicMock(status_code=200)
    connection.request("/x")
    assert connection.connection.request.call_args.kwargs["headers"]["Host"] == header


@pytest.mark.parametrize(
    ("url", "header"),
    [
        ("http://h:443", "h:443"),
        ("https://h:80", "h:80"),
        ("http://h:80", "h"),
        ("https://h:443", "h"),
        ("http://[::1]:443", "[::1]:443"),
        ("https://[::1]", "[::1]"),
    ],
)
def test_the_scheme_and_the_port_of_a_url_are_used_as_they_are(url: str, header: str) -> None:
    connection = Connection(url=url)
    connection.connect()
    assert connection.connection.host == f"{url.partition('://')[0]}://{header}"
    assert connection._host_header() == header
