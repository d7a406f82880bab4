# SPDX-License-Identifier: Apache-2.0
"""Discovery of Google's credentials, without prompts where there is no terminal."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.credentials import Credentials, CredentialsNotFoundError
from libcloud.common.credentials.discovery import Discovery
from libcloud.common.credentials.google import find_google_credentials
from libcloud.common.google import GoogleAuthError, GoogleInstalledAppAuthConnection
from libcloud.utils.environment import can_ask_user

NOTHING = Discovery(None, missing="nothing")
HMAC = {"GS_ACCESS_KEY_ID": "GOOGKEY", "GS_SECRET_ACCESS_KEY": "secret"}


def of_amazon(key: str) -> Discovery:
    return Discovery(Credentials(key, "secret-of-amazon"), "the variables")


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "key.json"
    path.write_text(json.dumps({"client_email": "me@x.iam.gserviceaccount.com"}))
    return str(path)


def test_hmac_keys_of_the_environment_go_first(key_file: str) -> None:
    found = find_google_credentials(
        of_amazon("GOOGOTHER"), {**HMAC, "GOOGLE_APPLICATION_CREDENTIALS": key_file}
    )
    assert found.credentials == Credentials("GOOGKEY", "secret")
    assert found.provider is not None and found.provider() == found.credentials


def test_the_file_of_a_service_account_is_named_by_a_variable(key_file: str) -> None:
    found = find_google_credentials(NOTHING, {"GOOGLE_APPLICATION_CREDENTIALS": key_file})
    assert found.credentials == Credentials("me@x.iam.gserviceaccount.com", key_file)


def test_a_google_key_can_be_in_the_variables_of_amazon() -> None:
    assert find_google_credentials(of_amazon("GOOGKEY"), {}).credentials is not None


@pytest.mark.parametrize("aws", [NOTHING, of_amazon("AKIAEXAMPLE")])
def test_keys_of_amazon_are_not_used_and_googles_variables_are_named(aws: Discovery) -> None:
    found = find_google_credentials(aws, {})
    assert (found.credentials, found.provider) == (None, None)
    for name in ("GS_ACCESS_KEY_ID", "GS_SECRET_ACCESS_KEY", "GOOGLE_APPLICATION_CREDENTIALS"):
        assert name in found.hint
    assert "AWS_ACCESS_KEY_ID" not in found.hint


@pytest.mark.parametrize("content", [None, "no json", "{}", "[]"])
def test_an_invalid_key_file_is_reported(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CredentialsNotFoundError, match=r"key\.json, which GOOGLE_APPLICATION"):
        find_google_credentials(NOTHING, {"GOOGLE_APPLICATION_CREDENTIALS": str(path)})


def test_other_keys_of_the_environment_are_refused() -> None:
    with pytest.raises(CredentialsNotFoundError, match="not a key for Google"):
        find_google_credentials(NOTHING, {**HMAC, "GS_ACCESS_KEY_ID": "AKIAEXAMPLE"})


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.isatty = lambda: terminal  # type: ignore[method-assign]


@pytest.mark.parametrize(("stdin", "stdout"), [(False, True), (True, False), (False, False)])
def test_no_log_in_is_requested_without_a_terminal(
    stdin: bool, stdout: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Stream(stdout)
    monkeypatch.setattr(sys, "stdin", Stream(stdin))
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.delattr(sys, "ps1", raising=False)
    connection: Any = GoogleInstalledAppAuthConnection("AKIAEXAMPLE", "secret")
    monkeypatch.setattr(connection, "_receive_code_through_local_loopback", pytest.fail)
    with pytest.raises(GoogleAuthError, match="no terminal"):
        connection.get_new_token()
    assert shown.getvalue() == ""


def test_a_user_at_a_terminal_is_prompted(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Stream(True)
    monkeypatch.setattr(sys, "stdin", Stream(True))
    monkeypatch.setattr(sys, "stdout", shown)
    connection: Any = GoogleInstalledAppAuthConnection("id", "secret")
    monkeypatch.setattr(connection, "_receive_code_through_local_loopback", lambda: "code")
    assert connection.get_code() == "code"
    assert "https://accounts.google.com" in shown.getvalue()


def test_a_notebook_has_no_terminal_and_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "ps1", "In : ", raising=False)
    assert can_ask_user()
