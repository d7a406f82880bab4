# SPDX-License-Identifier: Apache-2.0
"""Where secrets of a request must not go: other hosts, exceptions, pickles, logs of libraries."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import urllib3

from libcloud.http import LibcloudConnection
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.utils.redact import REDACTED, redact_exception, redact_text, secrets_in

SECRET = "s3cr3t/value+0123456789="
SECRETS = {
    "Authorization": f"Bearer {SECRET}",
    "Cookie": f"session={SECRET}",
    "X-Api-Key": SECRET,
    "X-Auth-Token": SECRET,
    "X-Custom-Credential": SECRET,
    "x-amz-security-token": SECRET,
    "x-amz-server-side-encryption-customer-key": SECRET,
}


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as started:
        yield started


@pytest.fixture
def other() -> Iterator[Loopback]:
    with Loopback() as started:
        yield started


@pytest.fixture
def connection(server: Loopback) -> LibcloudConnection:
    return LibcloudConnection("127.0.0.1", server.port, secure=False)


Send = Callable[..., None]


@pytest.fixture(params=["request", "prepared_request", "request on an open connection"])
def send(request: pytest.FixtureRequest, connection: LibcloudConnection) -> Send:
    """All ways to send."""
    method: Send = getattr(connection, request.param.partition(" ")[0])
    if "open" in request.param:
        connection.request("GET", "/")
    return method


def redirect(status: int, location: str) -> Callable[[Received], bytes]:
    return lambda request: reply(
        status if request.target.endswith("/start") else 200, headers={"Location": location}
    )


# Redirects.


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_credentials_do_not_follow_a_redirect_to_another_host(
    server: Loopback, other: Loopback, send: Send, status: int, host: str
) -> None:
    server.answer = redirect(status, f"http://{host}:{other.port}/end")
    common = {"User-Agent": "me", "Accept-Encoding": "gzip", "Range": "bytes=0-1"}
    send("GET", "/start", headers={**SECRETS, **common, "Host": f"127.0.0.1:{server.port}"})
    (received,) = other.requests
    assert SECRET not in str(received)
    assert not {name.lower() for name in SECRETS} & set(received.headers)
    assert received.headers["host"] == f"{host}:{other.port}"
    assert {name: received.headers[name.lower()] for name in common} == common


def test_credentials_follow_a_redirect_within_the_host(server: Loopback, send: Send) -> None:
    server.answer = redirect(302, "/end")
    send("GET", "/start", headers=SECRETS)
    received = server.requests[-1]
    kept = {name: value for name, value in SECRETS.items() if name != "Cookie"}
    assert received.target == "/end"
    assert {name: received.headers[name.lower()] for name in kept} == kept


def test_netrc_gives_no_credentials_to_the_host_of_a_redirect(
    server: Loopback, other: Loopback, send: Send, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"default login me password {SECRET}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server.answer = redirect(302, f"http://localhost:{other.port}/end")
    send("GET", "/start")
    assert "authorization" not in other.last.headers


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize(
    "body", [f"client_secret={SECRET}", f'{{"refresh_token": "{SECRET}"}}'.encode()]
)
def test_a_token_in_a_body_is_not_sent_to_another_host(
    server: Loopback, other: Loopback, connection: LibcloudConnection, status: int, body: Any
) -> None:
    server.answer = redirect(status, f"http://localhost:{other.port}/end")
    connection.request("POST", "/start", body=body)
    assert connection.status == status
    assert other.requests == []


def test_other_bodies_follow_a_redirect(
    server: Loopback, other: Loopback, connection: LibcloudConnection
) -> None:
    server.answer = redirect(307, f"http://localhost:{other.port}/end")
    connection.request("PUT", "/start", body=b"data")
    assert other.last.body == b"data"


# Proxies.


@pytest.mark.parametrize("no_proxy", ["", "store.invalid,other.invalid"])
@pytest.mark.parametrize("target", ["/x", "/start"])
def test_a_proxy_set_in_code_takes_precedence_over_the_environment(
    server: Loopback,
    other: Loopback,
    monkeypatch: pytest.MonkeyPatch,
    *,
    target: str,
    no_proxy: str,
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{other.port}")
    monkeypatch.setenv("no_proxy", no_proxy)
    server.answer = redirect(302, "http://other.invalid/end")
    connection = LibcloudConnection(
        "store.invalid", 80, secure=False, proxy_url=f"http://127.0.0.1:{server.port}"
    )
    for _ in range(2):
        connection.request("GET", target)
        connection.prepared_request("GET", target)
        connection.request("GET", target, stream=True)
    assert other.requests == []
    assert server.requests[0].target == f"http://store.invalid{target}"
    assert len(server.requests) == (12 if target == "/start" else 6)


def test_no_proxy_of_the_environment_spares_a_host(
    server: Loopback, other: Loopback, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{other.port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    send("GET", "/x")
    assert (server.last.target, other.requests) == ("/x", [])


def test_the_proxy_may_have_an_ipv6_address() -> None:
    connection = LibcloudConnection("h", 80, proxy_url="http://me:pass@[::1]:3128/")
    assert connection.session.proxies == dict.fromkeys(
        ("http", "https"), "http://me:pass@[::1]:3128"
    )
    assert connection.proxy_host == "::1"


# Exceptions.


def everything_shown(error: BaseException) -> str:
    """What a traceback, a representation and a pickle show of ``error``."""
    texts = ["".join(traceback.format_exception(error)), repr(error), repr(vars(error))]
    for found in redact_exception(error):
        texts += [repr(found), repr(found.args), str(found)]
        request = getattr(found, "request", None)
        texts += [repr(vars(request))] if request is not None else []
    return "\n".join(texts)


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("value", [f"{SECRET}\n", f" {SECRET}", f"{SECRET}…", f"{SECRET}\r\nX: y"])
def test_a_header_that_cannot_be_sent_is_named_and_its_value_not_shown(
    server: Loopback, send: Send, name: str, value: str
) -> None:
    sent = len(server.requests)
    with pytest.raises(requests.exceptions.InvalidHeader, match=name) as caught:
        send("GET", "/x", headers={name: value})
    assert "s3cr3t" not in everything_shown(caught.value)
    assert len(server.requests) == sent


def test_a_failed_request_shows_and_pickles_no_secret(connection: LibcloudConnection) -> None:
    connection = LibcloudConnection("127.0.0.1", 1, secure=False)
    for send in (connection.request, connection.prepared_request):
        with pytest.raises(requests.ConnectionError) as caught:
            send("PUT", f"/k?Signature={SECRET}&x=1", headers=SECRETS, body=SECRET.encode())
        assert "s3cr3t" not in everything_shown(caught.value)
        assert b"s3cr3t" not in pickle.dumps(caught.value)
        kept: Any = caught.value.request
        assert kept.method == "PUT"
        assert f"Signature={REDACTED}&x=1" in kept.url


def test_a_response_that_breaks_off_shows_no_secret(server: Loopback, send: Send) -> None:
    server.answer = lambda request: None
    with pytest.raises(requests.ConnectionError) as caught:
        send("GET", f"/k?X-Amz-Signature={SECRET}", headers=SECRETS)
    assert "s3cr3t" not in everything_shown(caught.value)
    assert b"s3cr3t" not in pickle.dumps(caught.value)


def test_too_many_redirects_show_no_secret(server: Loopback, send: Send) -> None:
    server.answer = lambda request: reply(302, headers={"Location": "/start"})
    with pytest.raises(requests.TooManyRedirects) as caught:
        send("GET", "/start", headers=SECRETS)
    assert "s3cr3t" not in everything_shown(caught.value)
    response: Any = caught.value.response
    assert "s3cr3t" not in repr(vars(response.request))


def test_causes_contexts_and_notes_are_redacted() -> None:
    try:
        try:
            raise UnicodeEncodeError("latin-1", f"Signature={SECRET}", 0, 1, "no")
        except UnicodeEncodeError as inner:
            raise ValueError(f"Authorization: Bearer {SECRET}") from inner
    except ValueError as error:
        error.__notes__ = [f"token {SECRET}"]  # type: ignore[attr-defined]  # as add_note()
        redact_exception(error, [SECRET])
        assert SECRET not in everything_shown(error)
        assert SECRET not in repr(error.__cause__)


# Logs.


def test_the_log_of_urllib3_shows_no_secret(
    server: Loopback, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    target = f"/k?a=1&Signature={SECRET}&x-amz-security-token={SECRET}&b=2"
    send("GET", target, headers={**SECRETS, "Accept": "slow"}, stream=True)
    assert server.last.target == target
    assert "s3cr3t" not in caplog.text
    assert urllib3.__name__ in {record.name.partition(".")[0] for record in caplog.records}


def test_the_log_of_urllib3_shows_no_secret_of_a_request_through_a_proxy(
    server: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connection = LibcloudConnection(
        "store.invalid", 80, secure=False, proxy_url=f"http://127.0.0.1:{server.port}"
    )
    connection.request("GET", f"/k?Signature={SECRET}")
    assert server.last.target == f"http://store.invalid/k?Signature={SECRET}"
    assert "s3cr3t" not in caplog.text


# Texts.


@pytest.mark.parametrize(
    "text",
    [
        f"<p>The URL http://store/k?AWSAccessKeyId=K&amp;Signature={SECRET} cannot be had",
        f"https://acme.blob.core.windows.net/c/b?sv=2021-12-02&sig={SECRET} cannot be had",
        f"AccountName=acme;AccountKey={SECRET};EndpointSuffix=core.windows.net",
        f"http://h/?url=http%3A%2F%2Fs%2Fk%3FSignature%3D{SECRET}%26x",
        f"AUTHORIZATION: AWS K:{SECRET}",
        f"{{'authorization': 'AWS4-HMAC-SHA256 Credential=K, Signature={SECRET}'}}",
        f'{{\\"X-Auth-Token\\": \\"{SECRET}\\"}}',
        f'{{"x-amz-server-side-encryption-customer-key": "{SECRET}"}}',
        f"<SessionToken>{SECRET}</SessionToken>",
        f'{{"SecretAccessKey": "{SECRET}"}}',
        f"cannot connect to http://me:{SECRET.replace('/', '')}@proxy:3128".replace("s3", "s3"),
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET} {SECRET}\n-----END RSA PRIVATE KEY-----",
        f'"private_key": "-----BEGIN PRIVATE KEY-----\\n{SECRET}\\n{SECRET}',
    ],
)
def test_secrets_are_taken_out_of_any_text(text: str) -> None:
    assert "s3cr3t" not in redact_text(text)
    assert REDACTED in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "The authorization header is malformed; the region 'us-east-1' is wrong",
        "http://h:9000/bucket/key@1?prefix=a&marker=b",
        "x-amz-server-side-encryption-customer-key-MD5: abc",
        "x-amz-meta-cookie: chocolate",
        "NextContinuationToken=abc",
    ],
)
def test_text_without_secrets_is_unchanged(text: str) -> None:
    assert redact_text(text) == text


def test_parts_of_secret_headers_are_redacted() -> None:
    found = secrets_in({"Authorization": "AWS KEY:signature0", b"x-auth-token": b"token0123\n"})
    assert {"AWS KEY:signature0", "signature0", "token0123"} <= set(found)
    assert secrets_in(None) == secrets_in({"Content-Type": "text/plain; charset=utf-8"}) == []


@pytest.mark.parametrize(
    "header",
    [
        "SharedKey longaccount:signature0",
        "AWS longaccount:signature0",
        "AWS longaccount:user:signature0",  # of Swift's own accounts
        "AWS4-HMAC-SHA256 Credential=longaccount/20261201/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=signature0",
    ],
)
def test_of_a_signed_header_only_the_signature_is_a_secret(header: str) -> None:
    secrets = secrets_in({"Authorization": header})
    text = "longaccount, AWS4-HMAC-SHA256 SharedKey SignedHeaders=host;x-amz-date"
    assert redact_text(text, secrets) == text
    assert "signature0" not in redact_text(f"{header} signature0", secrets)


def test_of_a_token_each_part_is_a_secret() -> None:
    secrets = secrets_in({"Authorization": "Bearer long-name:long-token"})
    assert redact_text("long-name long-token", secrets) == f"{REDACTED} {REDACTED}"
