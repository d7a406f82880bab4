# SPDX-License-Identifier: Apache-2.0
"""Parts of the fast path that repeat what the libraries do: origins, headers, encodings, errors."""

from __future__ import annotations

import copy
import socket
from typing import Any

import pytest
import requests

from libcloud.http import LibcloudConnection, is_transient, never_sent
from libcloud.http.connections import parse_origin
from libcloud.http.messages import Headers, encoding_of


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://h", "h", 80),
        ("https://H.example", "h.example", 443),
        ("http://127.0.0.1:9000", "127.0.0.1", 9000),
        ("http://[::1]:65535", "::1", 65535),
        ("https://a_b-c.example:8443", "a_b-c.example", 8443),
    ],
)
def test_an_origin_of_the_usual_form_is_connected_to(url: str, host: str, port: int) -> None:
    origin = parse_origin(url, __file__)
    assert origin is not None
    assert (origin.scheme, origin.host, origin.port) == (url.partition(":")[0], host, port)
    assert origin.certificates == (__file__ if origin.scheme == "https" else "")


@pytest.mark.parametrize(
    ("url", "verify"),
    [
        *((f"http://{host}", __file__) for host in ("a..b", ".a", "a.", "é", "u@h", "h:", "h:0")),
        *(
            (f"http://{host}", __file__)
            for host in ("h:65536", "[1.2.3.4]", "[fe80::1%1]", "*", "")
        ),
        *((f"http://{host}", __file__) for host in ("a" * 64, "a." * 127 + "b", "h\n", "h/x")),
        *(("https://h", verify) for verify in (True, False, None, "/", "/none.pem")),
        ("ftp://h", __file__),
    ],
    ids=ascii,
)
def test_any_other_origin_is_left_to_requests(url: str, verify: Any) -> None:
    assert parse_origin(url, verify) is None


@pytest.mark.parametrize(
    "content_type",
    [
        *("", "text/html", "application/json", "application/xml", "TEXT/plain", "Application/JSON"),
        *('text/x; charset="utf-8"', "a/b;charset=latin-1", "a/b; Charset = 'x' ; y=z", "a/b; y"),
        *("a/b; charset=x; charset=y", "a/b; charset=", "; charset=z", "a/b; xcharset=z"),
    ],
)
def test_an_encoding_is_that_of_requests(content_type: str) -> None:
    assert encoding_of(content_type) == requests.utils.get_encoding_from_headers(
        requests.structures.CaseInsensitiveDict({"Content-Type": content_type})
    )


def test_headers_behave_as_those_of_requests() -> None:
    pairs = {"ETag": "x", "Content-Length": "5"}
    theirs = requests.structures.CaseInsensitiveDict(pairs)
    ours: Any = Headers({name.lower(): (name, value) for name, value in pairs.items()})

    for headers in (ours, theirs):
        headers["X-A"] = "b"
        del headers["etag"]
    assert (list(ours.items()), len(ours)) == (list(theirs.items()), len(theirs))
    assert ours == theirs == {"CONTENT-LENGTH": "5", "x-a": "b"}
    assert ours["content-length"] == ours.get("Content-LENGTH") == "5"
    assert list(ours.lower_items()) == list(theirs.lower_items())
    assert (repr(ours), ours.copy(), copy.copy(ours)) == (repr(theirs), theirs, theirs)


ERRORS: dict[str, Any] = {
    "refused": ConnectionRefusedError(111, "Connection refused"),
    "name": socket.gaierror(-2, "Name or service not known"),
    "late": TimeoutError("timed out"),
    "unreachable": OSError(113, "No route to host"),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_an_error_of_connecting_is_that_of_the_libraries(
    monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error

    monkeypatch.setattr("socket.create_connection", fail)
    monkeypatch.setattr("urllib3.util.connection.create_connection", fail)
    seen: list[Any] = []
    for is_fast in (False, True):
        connection = LibcloudConnection("h.example", 9000, secure=False)
        connection.fast_path = is_fast
        connection.session.headers["Host"] = "h.example:9000"
        with pytest.raises(requests.RequestException) as caught:
            connection.request("GET", "/x?y")
        raised: Any = caught.value
        reason = raised.args[0].reason
        judged = is_transient(raised), never_sent(raised)
        text = str(raised).partition("(Caused by")[0]  # the rest may have an address in memory
        seen.append(
            (type(raised), text, type(reason), type(reason.__cause__ or reason.__context__), judged)
        )

    assert seen[0] == seen[1]
