# SPDX-License-Identifier: Apache-2.0
"""Usual requests import neither requests nor urllib3; everything else still works as with them."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from libcloud.http.fast_path import DEFAULT_HEADERS
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.test.test_http_tls import self_signed

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="each case is a forked process")

# Runs each case in a process of its own, and prints the libraries it has imported and its result.
PROGRAM = """
import json, os, sys
from libcloud.common.base import Connection
from libcloud.common.exceptions import BaseHTTPError
from libcloud.http import LibcloudConnection, is_transient, never_sent

http, https, certificate = sys.argv[1:]

class Driver(Connection):
    def connect(self, **kwargs):
        super().connect(**kwargs)
        self.connection.ca_cert = certificate

def connection(url=http, **kwargs):
    secure, port = url.startswith("https"), url.rsplit(":")[-1]
    return Driver(secure=secure, host="127.0.0.1", port=port, **kwargs)

def response(target="/", url=http, **kwargs):
    made = connection(url, **kwargs)
    made.request(target)
    return made.connection.getresponse()

def usual(url):
    made = connection(url)
    data = [made.request("/", method="PUT", data=memoryview(bytes(300_000))).body]
    data += [made.request("/", method="HEAD").status]
    data += [b"".join(made.request("/", raw=True, stream=True).iter_content(3)).decode()]
    return data

def large(url):
    made = connection(url)
    pieces = list(made.request("/large", raw=True, stream=True).iter_content(200_000))
    with made.request("/large", raw=True, stream=True)._response as left:
        pieces.append(next(left.iter_content(5)))
    whole = made.request("/large")
    return [*map(len, pieces), len(whole.body)]

def cut():
    pieces = []
    try:
        for piece in connection().request("/cut", raw=True, stream=True).iter_content(200_000):
            pieces.append(len(piece))
    except OSError as error:
        import requests
        known = isinstance(error, requests.exceptions.ChunkedEncodingError)
        return pieces, known, is_transient(error)

def an_error(url):
    try:
        connection(url).request("/missing")
    except BaseHTTPError as error:
        return error.code, is_transient(error), never_sent(error)

def refused():
    try:
        connection("http://127.0.0.1:1").request("/")
    except OSError as error:
        import requests
        return isinstance(error, requests.ConnectionError), is_transient(error), never_sent(error)

def untrusted():
    made = connection(https)
    made.connect()
    made.connection.ca_cert = os.environ["OTHER"]
    try:
        made.request("/")
    except OSError as error:
        import requests
        return isinstance(error, requests.exceptions.SSLError), is_transient(error)

def unverified():
    import warnings
    made = connection(https)
    made.connect()
    made.connection.verify, made.connection.ca_cert = False, None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made.request("/")
    return [type(warning.message).__name__ for warning in caught]

def a_session():
    made = connection()
    made.connect()
    made.connection.session.headers["X-Given"] = "b"
    return made.request("/headers").headers["x-given"]

def a_proxy_of_the_environment():
    os.environ["http_proxy"] = http
    made = Connection(secure=False, host="elsewhere.example")
    return made.request("/target").body

def a_proxy_in_code():
    return response("/target", proxy_url=http).text

def hooks():
    seen = []
    made = connection()
    made.connect()
    made.connection.request("GET", "/", hooks={"response": lambda r, *_, **__: seen.append(r.text)})
    return seen

def a_client_certificate():
    return type(LibcloudConnection("h", 443, cert_file=certificate).session.adapters["https://"]).__name__

def a_file():
    import io
    made = connection()
    made.connect()
    made.connection.request("PUT", "/", body=io.BytesIO(b"abc"))
    return made.connection.getresponse().text

def isinstance_later():
    said = response()
    import requests
    return [isinstance(said, requests.Response), isinstance(said.request, requests.PreparedRequest)]

def attributes():
    said = response("/json")
    shown = [said.json(), said.ok, bool(said), said.raw.status]
    return [*shown, said.cookies.get_dict(), said.history]

def a_pickle():
    import pickle
    said = pickle.loads(pickle.dumps(response("/json")))
    return [said.status_code, said.text, said.headers["CONTENT-TYPE"], type(said).__module__]

def replaced(module, owner, name):
    from importlib import import_module
    class Replaced(Exception): pass
    def replacement(*args, **kwargs): raise Replaced
    made = connection()
    made.request("/")
    setattr(getattr(import_module(module), owner), name, replacement)
    try:
        made.request("/")
    except Replaced:
        return "called"

def wrapped():
    import functools, requests
    seen, send = [], requests.Session.send
    @functools.wraps(send)
    def traced(*args, **kwargs):
        seen.append(1)
        return send(*args, **kwargs)
    requests.Session.send = traced
    connection().request("/")
    return seen

def replaced_class():
    from unittest import mock
    with mock.patch("requests.Session", autospec=True):
        during = response("/").text
    made = connection()
    made.connect()
    return during, made.connection.session.headers["Accept"]

def names():
    import libcloud.http
    assert libcloud.http.requests is sys.modules["requests"]
    return [getattr(libcloud.http, name).__name__ for name in libcloud.http.__all__
            if name.endswith(("Adapter", "PoolManager", "HTTPResponse"))]

def kept(url):
    made = connection(url)
    first = made.request("/count").body
    return first == made.request("/count").body

CASES = {
    "usual over http": lambda: usual(http),
    "usual over https": lambda: usual(https),
    "large over http": lambda: large(http),
    "large over https": lambda: large(https),
    "an error over http": lambda: an_error(http),
    "an error over https": lambda: an_error(https),
    "kept over http": lambda: kept(http),
    "kept over https": lambda: kept(https),
    "chunked": lambda: response("/chunked").content.decode(),
    "cookie": lambda: response("/cookie").cookies.get_dict(),
    "redirect": lambda: response("/redirect").text,
    "Session.send": lambda: replaced("requests", "Session", "send"),
    "HTTPAdapter.send": lambda: replaced("requests.adapters", "HTTPAdapter", "send"),
    "urlopen": lambda: replaced("urllib3.connectionpool", "HTTPConnectionPool", "urlopen"),
    **{f.__name__: f for f in (refused, cut, untrusted, unverified, a_session, a_client_certificate,
       a_proxy_of_the_environment, a_proxy_in_code, hooks, a_file, isinstance_later, attributes,
       a_pickle, wrapped, replaced_class, names)},
}
for name, case in CASES.items():
    if os.fork() == 0:
        try:
            result = case()
        except Exception as error:
            result = repr(error)
        loaded = [library for library in ("requests", "urllib3") if library in sys.modules]
        print(json.dumps([name, loaded, result]), flush=True)
        os._exit(0)
    os.wait()
"""

BOTH = ["requests", "urllib3"]
EXPECTED: dict[str, tuple[list[str], Any]] = {
    "usual over http": ([], ["got 300000", 200, "got 0"]),
    "usual over https": ([], ["got 300000", 200, "got 0"]),
    "large over http": ([], [200_000, 200_000, 200_000, 5, 600_000]),
    "large over https": ([], [200_000, 200_000, 200_000, 5, 600_000]),
    "an error over http": ([], [404, False, False]),
    "an error over https": ([], [404, False, False]),
    "kept over http": ([], True),
    "kept over https": ([], True),
    "chunked": ([], "chunked"),
    "cookie": (BOTH, {"taste": "sweet"}),
    "redirect": (BOTH, "got 0"),
    "refused": (BOTH, [True, True, True]),
    "cut": (BOTH, [[200_000, 199_999], True, True]),
    "untrusted": (BOTH, [True, False]),
    "unverified": (BOTH, ["InsecureRequestWarning"]),
    "a_session": (BOTH, "b"),
    "a_client_certificate": (BOTH, "SignedHTTPSAdapter"),
    "a_proxy_of_the_environment": (BOTH, "http://elsewhere.example/target"),
    "a_proxy_in_code": (BOTH, "{http}/target"),
    "hooks": (BOTH, ["got 0"]),
    "a_file": (BOTH, "got 3"),
    "replaced_class": (BOTH, ["got 0", "*/*"]),
    "isinstance_later": (BOTH, [True, True]),
    "attributes": (BOTH, [{"a": 1}, True, True, 200, {}, []]),
    "a_pickle": (BOTH, [200, '{"a": 1}', "application/json", "requests.models"]),
    "Session.send": (BOTH, "called"),
    "HTTPAdapter.send": (BOTH, "called"),
    "urlopen": (BOTH, "called"),
    "wrapped": (BOTH, [1]),
    "names": (BOTH, ["HTTPAdapter", "HTTPResponse", "PoolManager", "SignedHTTPSAdapter"]),
}


class Server(Loopback):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(self.answered, **kwargs)

    def answered(self, request: Received) -> bytes:
        path = request.target
        self.close = path == "/cut"
        if path == "/missing":
            return reply(404, b"<Error/>")
        if path == "/headers":
            return reply(headers={"X-Given": request.headers["x-given"]})
        if path.endswith("/target"):
            return reply(200, path.encode())
        if path == "/chunked":
            return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nchunked\r\n0\r\n\r\n"
        if path == "/cookie":
            return reply(200, headers={"Set-Cookie": "taste=sweet; Path=/"})
        if path == "/redirect":
            return reply(302, headers={"Location": "/"})
        if path == "/json":
            return reply(200, b'{"a": 1}', {"Content-Type": "application/json"})
        if path == "/large":
            return reply(200, bytes(600_000))
        if path == "/cut":
            return reply(200, bytes(400_000))[:-1]
        if path == "/count":
            return reply(200, str(self.connections).encode())
        body = b"" if request.method == "HEAD" else b"got %d" % len(request.body)
        return reply(200, body)


Outcomes = dict[str, tuple[list[str], Any]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """Imported libraries and result of each case, in one run of the program."""
    certificate = self_signed(tmp_path_factory.mktemp("tls"))
    other: Path = self_signed(tmp_path_factory.mktemp("other"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and name != "LIBCLOUD_HTTP_FAST_PATH"
    }
    with Server() as http, Server(tls=context) as https:
        urls = f"http://127.0.0.1:{http.port}", f"https://127.0.0.1:{https.port}"
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *urls, str(certificate)],
            env={**environ, "OTHER": str(other)},
            capture_output=True,
            text=True,
        )
    assert not done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    text = urls[0]
    yield {name: (loaded, _without(result, text)) for name, loaded, result in found}


def _without(result: Any, url: str) -> Any:
    return result.replace(url, "{http}") if isinstance(result, str) else result


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_the_libraries_are_imported_when_they_are_needed(outcomes: Outcomes, name: str) -> None:
    assert outcomes[name] == EXPECTED[name]


def test_headers_that_requests_adds_are_the_same_without_it() -> None:
    added = requests.utils.default_headers()
    assert list(DEFAULT_HEADERS) == [name.lower() for name in added]
    known = {name: value for name, value in DEFAULT_HEADERS.values() if value is not None}
    assert known == {name: added[name] for name in ("Accept", "Connection")}
