# SPDX-License-Identifier: Apache-2.0
"""An error of the network belongs to two families: libcloud's, and that of requests."""

from __future__ import annotations

import gc
import warnings

import pytest
import requests

from libcloud.common.types import LibcloudError
from libcloud.http import (
    LibcloudConnection,
    NetworkError,
    is_transient,
    network_error,
    never_sent,
)
from libcloud.test._loopback import Loopback, reply

# Both ways of sending must do the same, and close what they open.
pytestmark = [
    pytest.mark.usefixtures("http_path"),
    pytest.mark.filterwarnings("error::ResourceWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.mark.parametrize(
    "kind", [requests.ConnectionError, requests.ReadTimeout, requests.exceptions.SSLError]
)
def test_it_is_caught_by_both_families(kind: type[requests.RequestException]) -> None:
    error = network_error(kind("cut off"), "Error uploading a/b", "driver")
    assert isinstance(error, (NetworkError, LibcloudError))
    assert isinstance(error, kind)
    assert error.driver == "driver"
    assert "Error uploading a/b: cut off" in str(error)


def test_it_is_judged_as_the_error_it_was_made_from() -> None:
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get("http://127.0.0.1:1/")  # nobody listens on port 1
    error = network_error(caught.value, "asking", None)
    assert error is not None
    assert is_transient(error) and never_sent(error)
    refused = network_error(requests.exceptions.SSLError("certificate verify failed"), "asking", 0)
    assert refused is not None and not is_transient(refused)


def _check_refused_tunnel() -> None:
    refused = reply(407, b"", {"Connection": "close"})
    with Loopback(lambda request: refused) as proxy:
        connection = LibcloudConnection(
            "s3.example.test", 443, secure=True, proxy_url=f"http://127.0.0.1:{proxy.port}"
        )
        with pytest.raises(requests.exceptions.ProxyError) as caught:
            connection.request("PUT", "/bucket/key", body=b"abc")
        assert [request.method for request in proxy.requests] == ["CONNECT"]
    assert is_transient(caught.value) and never_sent(caught.value)


def test_nothing_is_sent_through_a_proxy_that_opens_no_tunnel() -> None:
    # Python 3.10 leaves the response to CONNECT, and with it the socket, to the garbage collector.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        _check_refused_tunnel()
        gc.collect()


def test_an_error_that_is_not_of_the_network_is_unchanged() -> None:
    assert network_error(ValueError("no"), "asking", None) is None
    wrapped = network_error(requests.Timeout("late"), "asking", None)
    assert wrapped is not None
    assert network_error(wrapped, "asking again", None) is None
