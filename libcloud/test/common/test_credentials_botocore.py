# SPDX-License-Identifier: Apache-2.0
"""Credentials that botocore obtains from servers and programs, which are on this machine here."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from libcloud.common.credentials import Credentials, CredentialsNotFoundError, discovery
from libcloud.common.credentials import botocore as own_botocore
from libcloud.common.credentials.botocore import BotocoreProvider
from libcloud.common.credentials.discovery import discover
from libcloud.test._helpers import discovered
from libcloud.test._loopback import Loopback, Received, reply

SECRET, TOKEN = "hush-secret", "hush-token"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A home without anything, on a machine that is none of Amazon's."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / ".aws").mkdir()
    yield tmp_path


def write_config(home: Path, text: str) -> None:
    (home / ".aws" / "config").write_text(text)


def issued(number: int, seconds: float = 3600) -> dict[str, Any]:
    expires = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return {
        "AccessKeyId": f"ASIA{number}",
        "SecretAccessKey": SECRET,
        "Token": TOKEN,
        "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


class Counting:
    """Answers with credentials that are others each time.

    :param seconds: that they last.
    """

    def __init__(self, seconds: float = 3600) -> None:
        self.seconds = seconds
        self.count = 0

    def __call__(self, request: Received) -> bytes:
        self.count += 1
        return reply(body=json.dumps(issued(self.count, self.seconds)).encode())


def keys_of(found: Any) -> Credentials:
    assert found.credentials is None and found.provider is not None
    credentials = found.provider()
    assert (credentials.secret, credentials.token) == (SECRET, TOKEN)
    return credentials  # type: ignore[no-any-return]


def test_a_container_has_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(Counting()) as server:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.port}/")
        found = discover()
        assert server.requests == []
        assert "AWS_CONTAINER_CREDENTIALS_FULL_URI, through botocore" in found.credentials_origin
        assert keys_of(found).key == "ASIA1"
        assert keys_of(found).key == "ASIA1"
        assert found.provider.method == "container-role"  # type: ignore[union-attr]  # a BotocoreProvider


def test_what_expires_soon_is_obtained_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(Counting(seconds=30)) as server:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.port}/")
        source = BotocoreProvider()
        assert source().key != source().key


def test_rejected_credentials_are_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(Counting()) as server:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.port}/")
        source = BotocoreProvider()
        first = source()
        assert source.refresh(first)
        second = source()
        assert second.key != first.key
        assert source.refresh(first), "another thread has been here"
        assert source().key == second.key
        assert source.refresh(second, certain=False)


def test_others_do_not_wait_for_a_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(Counting()) as server:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.port}/")
        source = BotocoreProvider()
        first = source()
        with ThreadPoolExecutor(1) as others, source._lock():
            assert others.submit(source).result(timeout=60) == first


def test_a_doubt_is_worth_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(lambda request: reply(body=json.dumps(issued(7)).encode())) as server:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.port}/")
        source = BotocoreProvider()
        only = source()
        assert not source.refresh(only, certain=False)
        asked = len(server.requests)
        assert not source.refresh(only, certain=False)
        assert len(server.requests) == asked


def test_a_machine_has_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    def metadata(request: Received) -> bytes:
        if request.method == "PUT":
            return reply(body=b"metadata-token")
        if request.target.endswith("/security-credentials/"):
            return reply(body=b"role")
        answer = {"Code": "Success", "Type": "AWS-HMAC", **issued(1)}
        return reply(body=json.dumps(answer).encode())

    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    with Loopback(metadata) as server:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{server.port}")
        found = discover()
        assert found.credentials_origin == "the metadata of this machine, through botocore"
        assert keys_of(found).key == "ASIA1"


def test_a_process_gives_credentials(home: Path) -> None:
    answer = {**issued(1), "Version": 1}
    answer["SessionToken"] = answer.pop("Token")
    (home / "answer.json").write_text(json.dumps(answer))
    program = f"{sys.executable} -c \"print(open('{home}/answer.json').read())\""
    write_config(home, f"[profile tool]\ncredential_process = {program}\n")
    found = discover(profile="tool")
    assert found.credentials_origin == "profile tool, by credential_process, through botocore"
    assert keys_of(found).key == "ASIA1"


def test_the_output_of_a_failed_credential_process_is_not_shown(home: Path) -> None:
    program = f"{sys.executable} -c \"import sys; sys.exit('{SECRET}')\""
    write_config(home, f"[profile tool]\ncredential_process = {program}\n")
    found = discover(profile="tool")
    assert found.provider is not None
    with pytest.raises(CredentialsNotFoundError, match="CredentialRetrievalError") as caught:
        found.provider()
    assert SECRET not in str(caught.value)


STS = """<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>
<Credentials><AccessKeyId>{AccessKeyId}</AccessKeyId><SecretAccessKey>{SecretAccessKey}</SecretAccessKey>
<SessionToken>{Token}</SessionToken><Expiration>{Expiration}</Expiration></Credentials>
<AssumedRoleUser><AssumedRoleId>x</AssumedRoleId><Arn>x</Arn></AssumedRoleUser>
</{action}Result></{action}Response>"""


def token_service(request: Received) -> bytes:
    action = "AssumeRoleWithWebIdentity" if b"WebIdentity" in request.body else "AssumeRole"
    return reply(
        body=STS.format(action=action, **issued(1)).encode(), headers={"Content-Type": "text/xml"}
    )


def test_a_role_is_assumed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_config(
        home,
        "[profile base]\naws_access_key_id = base\naws_secret_access_key = base-secret\n"
        "[profile role]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = base\n"
        "region = eu-west-1\n",
    )
    with Loopback(token_service) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{server.port}")
        found = discover(profile="role")
        assert found.credentials_origin == "profile role, by role_arn, through botocore"
        assert keys_of(found).key == "ASIA1"
        assert b"arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx" in server.last.body


def test_a_web_identity_becomes_a_role(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "identity").write_text("identity-token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(home / "identity"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/x")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with Loopback(token_service) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{server.port}")
        found = discover()
        assert "AWS_WEB_IDENTITY_TOKEN_FILE" in found.credentials_origin
        assert keys_of(found).key == "ASIA1"


@pytest.mark.slow  # a process
def test_single_sign_on_gives_credentials_of_the_role(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a token that ``aws sso login`` has left."""
    cache = home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    name = hashlib.sha1(b"company", usedforsecurity=False).hexdigest()
    expires = datetime.now(timezone.utc) + timedelta(hours=8)
    token = {"accessToken": "log-in", "expiresAt": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
    (cache / f"{name}.json").write_text(json.dumps(token))
    write_config(
        home,
        "[profile sso]\nsso_session = company\nsso_account_id = 123\nsso_role_name = backup\n"
        "[sso-session company]\nsso_start_url = https://x.invalid\nsso_region = eu-west-1\n"
        "sso_registration_scopes = sso:account:access\n",
    )
    answer = {
        "accessKeyId": "ASIA1",
        "secretAccessKey": SECRET,
        "sessionToken": TOKEN,
        "expiration": int(expires.timestamp() * 1000),
    }
    body = json.dumps({"roleCredentials": answer}).encode()
    with Loopback(lambda request: reply(body=body)) as portal:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", f"http://127.0.0.1:{portal.port}")
        # In a process of its own: botocore looks once where the home is.
        program = (
            "from libcloud.common.credentials.discovery import discover; "
            "ask = discover(profile='sso').provider; print(ask().key, ask().token, ask.method)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == ["ASIA1", TOKEN, "sso"]
    assert "role_name=backup" in portal.last.target and "account_id=123" in portal.last.target
    assert portal.last.headers["x-amz-sso_bearer_token"] == "log-in"


def test_single_sign_on_without_a_log_in_is_an_error(home: Path) -> None:
    write_config(
        home,
        "[profile sso]\nsso_session = company\nsso_account_id = 1\nsso_role_name = r\n"
        "[sso-session company]\nsso_start_url = https://x.invalid\nsso_region = eu-west-1\n",
    )
    found = discover(profile="sso")
    assert found.credentials_origin == "profile sso, by sso_session, through botocore"
    assert found.provider is not None
    with pytest.raises(
        CredentialsNotFoundError, match=r"log in with: aws sso login --profile sso$"
    ):
        found.provider()


def test_keys_that_are_written_down_go_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/")
    write_config(home, "[default]\naws_access_key_id = own\naws_secret_access_key = s\n")
    found = discover()
    assert found.credentials is not None and found.credentials.key == "own"


def test_an_empty_error_is_reported_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CredentialsNotFoundError, match="nothing of that kind"):
        BotocoreProvider(not_found="nothing of that kind").current()
    with pytest.raises(CredentialsNotFoundError, match="ProfileNotFound"):
        BotocoreProvider("none").current()


def test_without_botocore_the_extra_is_named(home: Path) -> None:
    write_config(home, "[profile sso]\nsso_session = company\n")
    with (
        mock.patch.object(own_botocore, "is_installed", return_value=False),
        mock.patch.object(discovery, "is_installed", return_value=False),
    ):
        found = discover(profile="sso")
        assert found.provider is None
        assert "pip install 'libcloud-storage[aws]'" in found.missing
        with pytest.raises(CredentialsNotFoundError, match=r"libcloud-storage\[aws\]"):
            BotocoreProvider("sso").current()


def test_without_botocore_the_variable_is_named() -> None:
    found = discovered({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://x"})
    assert found.provider is None
    assert "AWS_CONTAINER_CREDENTIALS_FULL_URI is set" in found.missing


@pytest.mark.slow  # a process
def test_botocore_is_not_imported_before_it_is_needed() -> None:
    program = (
        "import sys; from libcloud.storage.drivers.s3 import S3StorageDriver as S; "
        "S.from_url('s3://bucket?anonymous=1'); S('k', 's'); print('botocore' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_no_representation_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(Counting()) as server:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.port}/")
        found = discover()
        shown = f"{found!r} {keys_of(found)!r} {found.provider!r}"
        assert "hush" not in shown


def test_no_code_is_requested_without_a_terminal(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".aws").mkdir(exist_ok=True)
    (home / ".aws" / "config").write_text(
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = keys\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/me\nregion = us-east-1\n"
        "[profile keys]\naws_access_key_id = k\naws_secret_access_key = s\n"
    )
    monkeypatch.setattr("getpass.getpass", pytest.fail)
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(CredentialsNotFoundError, match="no terminal to ask"):
        BotocoreProvider("role").current()
