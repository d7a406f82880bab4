# SPDX-License-Identifier: Apache-2.0
"""Credentials with white space around them, and ones that cannot be sent, from any source."""

from __future__ import annotations

import copy
import traceback
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.credentials import Credentials, MalformedCredentialsError
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.drivers.minio import MinIOStorageDriver
from libcloud.storage.drivers.rgw import S3RGWStorageDriver
from libcloud.storage.drivers.s3 import S3Connection, S3SignatureV4Connection, S3StorageDriver
from libcloud.test._helpers import discovered

WITHIN = ["hush\nhush", "hush\r\nhush", "hush\x00hush"]


@pytest.mark.parametrize("around", ["\n", "\r\n", " ", "\t", " \n"])
def test_white_space_around_a_key_and_a_token_is_removed(around: str) -> None:
    found = Credentials(f"{around}key{around}", "secret", f"{around}token{around}")
    assert found == Credentials("key", "secret", "token")


def test_line_breaks_around_a_secret_are_removed_and_spaces_stay() -> None:
    assert Credentials("key", "\n s e \r\n").secret == " s e "


@pytest.mark.parametrize("value", [*WITHIN, "hush…", " \n"])
def test_unsendable_credentials_are_refused_and_not_shown(value: str) -> None:
    for given in ((value, "s", None), ("k", "s", value)):
        with pytest.raises(MalformedCredentialsError) as caught:
            Credentials(*given)
        assert "hush" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("value", WITHIN)
def test_a_secret_with_a_line_break_within_is_refused(value: str) -> None:
    with pytest.raises(MalformedCredentialsError, match="secret") as caught:
        Credentials("k", value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (S3StorageDriver, {}),
        (MinIOStorageDriver, {"host": "h"}),
        (S3RGWStorageDriver, {"host": "h", "signature_version": "2"}),
        (S3RGWStorageDriver, {"host": "h", "signature_version": "4"}),
    ],
)
def test_drivers_clean_and_check_what_they_are_given(kind: Any, options: Any) -> None:
    connection = kind("key\n", "secret\n", token="token\n", **options).connection
    assert (connection.user_id, connection.key, connection.token) == ("key", "secret", "token")
    signer = getattr(connection, "signer", None)
    if signer is not None:
        assert (signer.access_key, signer.access_secret) == ("key", "secret")
    for given in (("a\nb", None), ("key", "a\nb")):
        with pytest.raises(MalformedCredentialsError):
            kind(given[0], "secret", token=given[1], **options)


def test_connections_and_what_is_assigned_to_them_are_cleaned() -> None:
    for kind in (S3Connection, S3SignatureV4Connection):
        connection = kind("key\n", "secret\n", token="token\n")
        connection.token = " next\n"
        assert (connection.user_id, connection.key, connection.token) == ("key", "secret", "next")
        with pytest.raises(MalformedCredentialsError):
            connection.token = "a\nb"


def test_a_key_of_google_is_cleaned() -> None:
    driver = GoogleStorageDriver("GOOGKEY\n", "secret\n")
    assert driver.connection.user_id == driver.json_connection.user_id == "GOOGKEY"
    assert driver.connection.key == "secret"
    with pytest.raises(MalformedCredentialsError):
        GoogleStorageDriver("GOOG\nKEY", "secret")


def test_the_environment_may_hold_line_breaks(tmp_path: Path) -> None:
    environ = {
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": "key\n",
        "AWS_SECRET_ACCESS_KEY": "secret\n",
        "AWS_SESSION_TOKEN": "token\n",
    }
    assert discovered(environ).credentials == Credentials("key", "secret", "token")
    with pytest.raises(MalformedCredentialsError, match="see the variables AWS_ACCESS_KEY_ID"):
        discovered({**environ, "AWS_SESSION_TOKEN": "a\nb"})


def test_the_error_for_a_malformed_key_names_its_profile(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    file = tmp_path / ".aws" / "credentials"
    file.write_text(
        "[default]\naws_access_key_id = hush\x07hush\naws_secret_access_key = s\n", "utf-8"
    )
    with pytest.raises(MalformedCredentialsError, match="profile default of") as caught:
        discovered({"HOME": str(tmp_path)})
    assert "hush" not in str(caught.value)


def test_copies_are_equal() -> None:
    found = Credentials("key", "secret", "token")
    assert copy.copy(found) == copy.deepcopy(found) == found
