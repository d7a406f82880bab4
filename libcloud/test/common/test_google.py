# SPDX-License-Identifier: Apache-2.0
"""Google's access tokens: where they come from, how they are kept, and the errors in between."""

from __future__ import annotations

import base64
import copy
import json
import logging
import os
import pickle
import stat
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from libcloud.common import google
from libcloud.common.base import ConnectionUserAndKey
from libcloud.common.google import (
    GoogleAuthError,
    GoogleAuthType,
    GoogleGCEServiceAcctAuthConnection,
    GoogleInstalledAppAuthConnection,
    GoogleOAuth2Credential,
    GoogleServiceAcctAuthConnection,
)
from libcloud.common.google_errors import GoogleBaseError, GoogleResponse
from libcloud.common.google_identity import CodeServer
from libcloud.test._loopback import Loopback, Received, reply

ACCOUNT = "robot@project.iam.gserviceaccount.com"
NOW = datetime(2024, 5, 6, 7, 8, 9)
TOKEN = {"access_token": "the-token", "token_type": "Bearer", "expires_in": 3600}
IN_AN_HOUR = "2024-05-06T08:08:09Z"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google, "_utcnow", lambda: NOW)


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def pem(private_key: rsa.RSAPrivateKey) -> str:
    return private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def as_json(value: object, status: int = 200) -> Callable[[Received], bytes]:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return lambda request: reply(status, body, {"Content-Type": "application/json"})


def at(server: Loopback) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": server.port, "secure": False}


def form(request: Received) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


# Who is who.


@pytest.mark.parametrize(
    ("user_id", "on_gce", "expected"),
    [
        (ACCOUNT, True, "SA"),
        ("x@developer.gserviceaccount.com", False, "SA"),
        ("GOOG0123456789ABCXYZ", True, "GCS_S3"),
        ("123.apps.googleusercontent.com", True, "IA"),
        ("anything", True, "GCE"),
        ("anything", False, "IA"),
        (None, True, "GCE"),
    ],
)
def test_the_type_of_a_user_id_is_derived_from_its_form(
    user_id: str | None, on_gce: bool, expected: str
) -> None:
    with mock.patch.object(GoogleAuthType, "_is_gce", return_value=on_gce):
        assert GoogleAuthType.guess_type(user_id) == expected


def test_an_access_key_needs_no_metadata_server() -> None:
    with mock.patch.object(google, "get_response_object") as ask:
        GoogleAuthType.guess_type("GOOG0123456789ABCXYZ")
    assert ask.call_count == 0


@pytest.mark.parametrize(("outcome", "expected"), [(200, True), (404, False), (OSError(), False)])
def test_a_metadata_server_that_responds_means_compute_engine(
    outcome: int | Exception, expected: bool
) -> None:
    ask = mock.Mock(
        side_effect=outcome if isinstance(outcome, Exception) else None,
        return_value=mock.Mock(status=outcome, body=""),
    )
    with mock.patch.object(google, "get_response_object", ask):
        assert GoogleAuthType._is_gce() is expected
    assert ask.call_args.kwargs["headers"] == {"Metadata-Flavor": "Google"}


# Answers.

_STATUSES_AND_ERRORS: list[tuple[int, Any, str, Any, Any]] = [
    (404, {"error": {"code": 404, "message": "m"}}, "ResourceNotFoundError", 404, "m"),
    (400, {"error": "invalid_grant"}, "InvalidRequestError", None, "invalid_grant"),
    (
        400,
        {"error": "invalid_grant", "error_description": "why"},
        "InvalidRequestError",
        None,
        "why",
    ),
    (
        403,
        {"error": {"code": 403, "message": "m", "errors": [{"reason": "forbidden"}]}},
        "GoogleBaseError",
        "forbidden",
        {"reason": "forbidden"},
    ),
    (
        200,
        {"error": {"errors": [{"code": "QUOTA_EXCEEDED", "message": "x"}]}},
        "QuotaExceededError",
        "QUOTA_EXCEEDED",
        "x",
    ),
    (
        409,
        {"error": {"errors": [{"code": "alreadyExists", "message": "x"}]}},
        "ResourceExistsError",
        "alreadyExists",
        "x",
    ),
    (
        409,
        {"error": {"errors": [{"code": "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "message": "x"}]}},
        "ResourceInUseError",
        "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE",
        "x",
    ),
    (409, {"error": {"code": 409, "message": "m"}}, "GoogleBaseError", 409, "m"),
    (500, b"<html>", "GoogleBaseError", None, "<html>"),
    (200, b"<html>", "JsonParseError", None, "<html>"),
    (503, b"", "GoogleBaseError", None, "Status code: 503"),
    (404, {"foo": 1}, "ResourceNotFoundError", None, {"foo": 1}),
]


class _JsonConnection(ConnectionUserAndKey):
    responseCls = GoogleResponse


@pytest.mark.parametrize(("status", "body", "kind", "code", "value"), _STATUSES_AND_ERRORS)
def test_an_error_becomes_the_exception_for_it(
    status: int, body: Any, kind: str, code: Any, value: Any
) -> None:
    with Loopback(as_json(body, status)) as server, pytest.raises(GoogleBaseError) as caught:
        _JsonConnection("u", "k", **at(server)).request("/")
    error = caught.value
    assert type(error).__name__ == kind
    assert (error.http_code, error.code, error.value) == (status, code, value)


@pytest.mark.parametrize(("body", "parsed"), [({"a": 1}, {"a": 1}), (b"", "")])
def test_a_success_is_parsed(body: Any, parsed: Any) -> None:
    with Loopback(as_json(body)) as server:
        assert _JsonConnection("u", "k", **at(server)).request("/").object == parsed


# Service accounts.


def test_a_service_account_sends_a_signed_assertion(
    private_key: rsa.RSAPrivateKey, pem: str
) -> None:
    with Loopback(as_json(TOKEN)) as server:
        connection = GoogleServiceAcctAuthConnection(
            ACCOUNT, pem, ["scope1", "scope2"], **at(server)
        )
        token = connection.get_new_token()
    assert token == {**TOKEN, "expire_time": IN_AN_HOUR}
    request = server.requests[0]
    assert (request.method, request.target) == ("POST", "/o/oauth2/token")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    sent = form(request)
    assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert "=" not in sent["assertion"]
    text, _, signature = sent["assertion"].rpartition(".")
    private_key.public_key().verify(
        _unpadded(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    header, claims = (json.loads(_unpadded(part)) for part in text.split("."))
    assert header == {"alg": "RS256", "typ": "JWT"}
    assert claims["iss"] == ACCOUNT
    assert claims["scope"] == "scope1 scope2"
    assert claims["aud"] == "https://127.0.0.1/o/oauth2/token"
    assert (claims["iat"], claims["exp"]) == (1714979289, 1714979289 + 3600)


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("form", ["pem", "pem file", "json", "json file", "parsed", "home"])
def test_a_private_key_may_come_in_any_form(form: str, pem: str, tmp_path: Path) -> None:
    parsed = {"private_key": pem, "client_email": ACCOUNT}
    (tmp_path / "k.pem").write_text(pem)
    (tmp_path / "k.json").write_text(json.dumps(parsed))
    key: Any = {
        "pem": pem,
        "pem file": str(tmp_path / "k.pem"),
        "json": json.dumps(parsed),
        "json file": str(tmp_path / "k.json"),
        "parsed": parsed,
        "home": "~/k.pem",
    }[form]
    assert GoogleServiceAcctAuthConnection(ACCOUNT, key).key == pem


@pytest.mark.parametrize(
    "key",
    [
        "/no/such/file.pem",
        "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----",
        "{}",
        '{"private_key": 1}',
        "{",
    ],
)
def test_an_invalid_key_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(GoogleAuthError) as caught:
        GoogleServiceAcctAuthConnection(ACCOUNT, key)
    assert "c2VjcmV0" not in str(caught.value)


def test_without_cryptography_the_error_names_the_extra(
    pem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "cryptography.hazmat.primitives.serialization"
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(GoogleAuthError, match="pip install cryptography"):
        GoogleServiceAcctAuthConnection(ACCOUNT, pem)


# Compute Engine.


def test_an_instance_takes_its_token_from_the_metadata_server() -> None:
    answer = mock.Mock(status=200, body=json.dumps(TOKEN))
    with mock.patch.object(google, "get_response_object", return_value=answer) as ask:
        token = GoogleGCEServiceAcctAuthConnection("", None).get_new_token()
    assert token == {**TOKEN, "expire_time": IN_AN_HOUR}
    assert ask.call_args.args == (
        "http://metadata.google.internal/computeMetadata/v1/"
        "instance/service-accounts/default/token",
    )


@pytest.mark.parametrize(
    ("status", "message"), [(404, "not enabled"), (500, "Internal GCE Authorization failed: '500'")]
)
def test_an_instance_without_a_token_is_reported(status: int, message: str) -> None:
    answer = mock.Mock(status=status, body="x")
    connection = GoogleGCEServiceAcctAuthConnection("", None)
    ask = mock.patch.object(google, "get_response_object", return_value=answer)
    with ask, pytest.raises(ValueError, match=message):
        connection.get_new_token()


# Installed applications.


def installed(server: Loopback) -> GoogleInstalledAppAuthConnection:
    return GoogleInstalledAppAuthConnection("id", "secret", ["scope"], **at(server))


def test_a_code_becomes_a_token() -> None:
    with Loopback(as_json(TOKEN)) as server:
        connection = installed(server)
        with mock.patch.object(connection, "get_code", return_value="the-code"):
            assert connection.get_new_token()["expire_time"] == IN_AN_HOUR
    assert form(server.requests[0]) == {
        "code": "the-code",
        "client_id": "id",
        "client_secret": "secret",
        "redirect_uri": "http://127.0.0.1:8087",
        "grant_type": "authorization_code",
    }


@pytest.mark.parametrize("new", [None, "r2"])
def test_refreshing_keeps_what_refreshes(new: str | None) -> None:
    answer = {**TOKEN, **({"refresh_token": new} if new else {})}
    with Loopback(as_json(answer)) as server:
        token = installed(server).refresh_token({"refresh_token": "r1"})
    assert form(server.requests[0])["refresh_token"] == "r1"
    assert token["refresh_token"] == (new or "r1")


def test_credentials_that_cannot_be_refreshed_are_fetched_again() -> None:
    with Loopback(as_json(TOKEN)) as server:
        connection = installed(server)
        with mock.patch.object(connection, "get_code", return_value="c"):
            connection.refresh_token({})
    assert form(server.requests[0])["grant_type"] == "authorization_code"


def test_a_token_response_without_a_token_is_an_error() -> None:
    refused = pytest.raises(GoogleAuthError, match="contains no token")
    with Loopback(as_json({"hello": "world"})) as server, refused:
        installed(server).refresh_token({"refresh_token": "r"})


def browse(port: int, *queries: str) -> list[int]:
    """What a browser gets for each of ``queries``."""
    statuses = []
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for query in queries:
        try:
            with opener.open(f"http://127.0.0.1:{port}/{query}", timeout=60) as answer:
                statuses.append(answer.status)
        except urllib.error.HTTPError as error:
            statuses.append(error.code)
            error.close()
    return statuses


def come_back(*queries: str) -> tuple[Any, list[int]]:
    """The code, or the error, and what the browser saw."""
    statuses: list[int] = []
    with CodeServer(0, "the-state") as server:
        browser = threading.Thread(
            target=lambda: statuses.extend(browse(server.server_port, *queries))
        )
        browser.start()
        try:
            outcome: Any = server.wait()
        except PermissionError as error:
            outcome = str(error)
        browser.join(30)
    return outcome, statuses


def test_the_code_of_the_browser_is_received() -> None:
    assert come_back("favicon.ico", "?code=c&state=the-state") == ("c", [400, 200])


@pytest.mark.parametrize("query", ["?code=evil&state=other", "?code=evil"])
def test_a_code_of_another_page_aborts(query: str) -> None:
    outcome, statuses = come_back(query)
    assert "aborted" in outcome
    assert "evil" not in outcome
    assert statuses == [400]


def test_a_refusal_of_the_user_aborts() -> None:
    assert come_back("?error=access_denied&state=the-state") == (
        "Authorization was refused.",
        [400],
    )


def test_the_state_is_not_known_beforehand() -> None:
    with Loopback() as server:
        assert installed(server)._state != installed(server)._state


# Tokens that are kept.


def credential(server: Loopback, **kwargs: Any) -> GoogleOAuth2Credential:
    with mock.patch.object(GoogleInstalledAppAuthConnection, "get_code", return_value="c"):
        return GoogleOAuth2Credential("id", "secret", auth_type="IA", **at(server), **kwargs)


def test_a_token_is_kept_in_a_file_of_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / ".google_libcloud_auth.id"
    file.write_text("old")
    file.chmod(0o644)
    with Loopback(as_json(TOKEN)) as server:
        assert credential(server).access_token == "the-token"
        assert credential(server).access_token == "the-token"
    assert len(server.requests) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == {**TOKEN, "expire_time": IN_AN_HOUR}
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_link_to_the_token_file_stays_a_link(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    with Loopback(as_json(TOKEN)) as server:
        credential(server, credential_file="~/link")
    assert link.is_symlink()
    assert json.loads((tmp_path / "target").read_text())["access_token"] == "the-token"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}'])
def test_a_damaged_token_file_is_ignored(tmp_path: Path, content: str) -> None:
    file = tmp_path / "file"
    file.write_text(content)
    with Loopback(as_json(TOKEN)) as server:
        assert credential(server, credential_file=str(file)).access_token == "the-token"


def test_a_token_that_cannot_be_kept_still_works(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Loopback(as_json(TOKEN)) as server, caplog.at_level(logging.WARNING):
        kept = credential(server, credential_file=str(tmp_path / "none" / "file"))
        assert kept.access_token == "the-token"
    assert "could not be written" in caplog.text
    assert "the-token" not in caplog.text


@pytest.mark.parametrize(
    ("seconds", "refreshed"), [(-10, True), (0, True), (30, True), (31, False), (3600, False)]
)
def test_a_token_is_refreshed_before_it_expires(seconds: int, refreshed: bool) -> None:
    with Loopback(as_json(TOKEN)) as server:
        kept = credential(server)
        expires = (NOW + timedelta(seconds=seconds)).strftime(google.UTC_TIMESTAMP_FORMAT)
        kept.token = {"access_token": "old", "refresh_token": "r", "expire_time": expires}
        assert kept.access_token == ("the-token" if refreshed else "old")


def test_a_token_of_unknown_age_is_refreshed() -> None:
    with Loopback(as_json(TOKEN)) as server:
        kept = credential(server)
        kept.token = {"access_token": "old", "refresh_token": "r"}
        assert kept.access_token == "the-token"
        assert kept.token_expire_utc_datetime == NOW + timedelta(hours=1)


def test_threads_refresh_once() -> None:
    count = 8
    with Loopback(as_json(TOKEN)) as server:
        kept = credential(server)
        kept.token = {"access_token": "old", "refresh_token": "r"}
        before = len(server.requests)
        ready = threading.Barrier(count)
        got: list[str] = []

        def ask() -> None:
            ready.wait(30)
            got.append(kept.access_token)

        threads = [threading.Thread(target=ask) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert got == ["the-token"] * count
    assert len(server.requests) == before + 1


def test_a_copy_and_a_pickle_hold_no_token_and_look_for_it_again() -> None:
    with Loopback(as_json(TOKEN)) as server:
        kept = credential(server)
        assert kept.access_token == "the-token"
        before = len(server.requests)
        for other in (copy.deepcopy(kept), pickle.loads(pickle.dumps(kept))):
            assert other.token is None
            assert b"the-token" not in pickle.dumps(other)
            assert other.access_token == "the-token"
        assert len(server.requests) == before, "it was in its file"


@pytest.mark.parametrize(
    ("auth_type", "message"), [("bogus", "Invalid auth type"), ("GCS_S3", "cannot be used")]
)
def test_a_type_without_tokens_is_refused(auth_type: str, message: str) -> None:
    with pytest.raises(GoogleAuthError, match=message):
        GoogleOAuth2Credential("id", "secret", auth_type=auth_type)


def test_no_representation_shows_a_secret(pem: str) -> None:
    with Loopback(as_json(TOKEN)) as server:
        kept = credential(server)
        shown = repr(kept) + repr(kept.oauth2_conn)
        shown += repr(GoogleServiceAcctAuthConnection(ACCOUNT, pem))
    for secret in ("the-token", "secret", "PRIVATE"):
        assert secret not in shown


def test_the_home_directory_of_the_tests_is_not_the_users(tmp_path: Path) -> None:
    assert os.path.expanduser("~") == str(tmp_path)


def test_a_refused_token_is_replaced_unless_another_thread_has_done_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = iter(["second", "third"])
    later = datetime(2999, 1, 1).strftime("%Y-%m-%dT%H:%M:%SZ")

    def refresh(self: object, token: object) -> dict[str, str]:
        return {"access_token": next(made), "expire_time": later}

    kind = google.GoogleInstalledAppAuthConnection
    monkeypatch.setattr(kind, "refresh_token", refresh)
    cached = tmp_path / "token"
    cached.write_text(json.dumps({"access_token": "first", "expire_time": later}))
    credential = google.GoogleOAuth2Credential(
        "x.apps.googleusercontent.com", "secret", credential_file=str(cached)
    )
    credential.renew("first")
    credential.renew("first")
    assert credential.access_token == "second"
