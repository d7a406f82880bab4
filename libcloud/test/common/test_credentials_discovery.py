# SPDX-License-Identifier: Apache-2.0
"""Credentials, region and endpoint are found where people have them, in AWS's order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from libcloud.common.credentials import Credentials, masked
from libcloud.common.credentials.discovery import Discovery, Setting, read_profile
from libcloud.common.credentials.provider import ProfileFileError
from libcloud.test._helpers import discovered

KEYS = {"AWS_ACCESS_KEY_ID": "from-env", "AWS_SECRET_ACCESS_KEY": "secret-of-env"}

CONFIG = """
[default]
region = us-west-2
[profile work]
region = eu-central-1
endpoint_url = https://work.example
services = mine
s3 =
    addressing_style = path
    max_concurrency = 20
[services mine]
dynamodb =
    endpoint_url = https://dynamo.example
s3 =
    endpoint_url = https://s3.example
[profile  "with space"]
region = ap-south-1
[profile sso]
sso_session = company
[profile role]
role_arn = arn:aws:iam::1:role/x
source_profile = default
[profile keys]
aws_access_key_id = from-config
aws_secret_access_key = s%cret;#=x
"""

CREDENTIALS = """
# a comment
[default]
aws_access_key_id = from-default
aws_secret_access_key = secret-of-default

[work]
AWS_ACCESS_KEY_ID=from-work
aws_secret_access_key=secret-of-work
aws_session_token=token-of-work
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "config").write_text(CONFIG)
    (folder / "credentials").write_text(CREDENTIALS)
    return tmp_path


def find(home: Path, profile: str | None = None, **variables: str) -> Discovery:
    return discovered({"HOME": str(home), **variables}, profile=profile)


def key(found: Discovery) -> str | None:
    return found.credentials.key if found.credentials is not None else None


def test_arguments_of_the_caller_take_precedence(home: Path) -> None:
    given = Credentials("given", "secret")
    environ = {"HOME": str(home), **KEYS, "AWS_REGION": "r", "AWS_ENDPOINT_URL": "http://e"}
    found = discovered(environ, credentials=given, region="mine", endpoint_url="http://m")
    assert found.credentials is given
    assert found.region is not None and found.region.value == "mine"
    assert found.endpoint_url is not None and found.endpoint_url.value == "http://m"


def test_the_environment_takes_precedence_over_a_profile(home: Path) -> None:
    found = find(home, **KEYS)
    assert key(found) == "from-env"
    assert "AWS_ACCESS_KEY_ID" in found.credentials_origin


def test_the_environment_has_a_session_token(home: Path) -> None:
    found = find(home, **KEYS, AWS_SESSION_TOKEN="token")
    assert found.credentials == Credentials("from-env", "secret-of-env", "token")


def test_a_requested_profile_takes_precedence_over_the_environment(home: Path) -> None:
    assert key(find(home, "work", **KEYS)) == "from-work"
    assert key(find(home, AWS_PROFILE="work", **KEYS)) == "from-env"
    assert key(find(home, AWS_PROFILE="work")) == "from-work"


def test_the_default_profile_is_used_without_a_name(home: Path) -> None:
    found = find(home)
    assert found.credentials == Credentials("from-default", "secret-of-default")
    assert found.credentials_origin == f"profile default of {home}/.aws/credentials"
    assert found.region is not None
    assert (found.region.value, found.region.origin) == ("us-west-2", "profile default")


def test_a_profile_has_a_token_and_names_in_any_case(home: Path) -> None:
    expected = Credentials("from-work", "secret-of-work", "token-of-work")
    assert find(home, "work").credentials == expected


def test_keys_can_be_in_the_configuration_file(home: Path) -> None:
    assert find(home, "keys").credentials == Credentials("from-config", "s%cret;#=x")


def test_a_name_may_end_in_a_colon(home: Path) -> None:
    text = "[default]\naws_access_key_id: k\naws_secret_access_key: a:b=c\n"
    (home / ".aws" / "credentials").write_text(text)
    assert find(home, "default").credentials == Credentials("k", "a:b=c")


def test_a_service_has_an_endpoint_of_its_own(home: Path) -> None:
    found = find(home, "work")
    assert found.endpoint_url is not None
    assert found.endpoint_url.value == "https://s3.example"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"AWS_ENDPOINT_URL": "http://all"}, "http://all"),
        ({"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_S3": "http://s3"}, "http://s3"),
        ({"AWS_ENDPOINT_URL": ""}, "https://s3.example"),
    ],
)
def test_the_endpoint_of_the_service_takes_precedence(
    home: Path, variables: dict[str, str], expected: str
) -> None:
    found = find(home, "work", **variables)
    assert found.endpoint_url is not None and found.endpoint_url.value == expected


def test_configured_endpoints_can_be_ignored(home: Path) -> None:
    variables = {"AWS_ENDPOINT_URL": "http://x", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    assert find(home, "work", **variables).endpoint_url is None


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_environment_names_the_region(home: Path, name: str) -> None:
    found = find(home, **{name: "mars-1"})
    assert found.region is not None
    assert (found.region.value, found.region.origin) == ("mars-1", f"the variable {name}")


def test_a_name_with_spaces_may_be_quoted(home: Path) -> None:
    found = find(home, "with space").region
    assert found == Setting("ap-south-1", "profile with space")


def test_the_files_may_be_elsewhere(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("[default]\naws_access_key_id=other\naws_secret_access_key=s\n")
    assert key(find(home, AWS_SHARED_CREDENTIALS_FILE=str(other))) == "other"
    config = tmp_path / "conf"
    config.write_text("\ufeff[default]\nregion=x\n")
    found = find(home, AWS_CONFIG_FILE=str(config))
    assert found.region is not None and found.region.value == "x"


def test_an_empty_result_is_valid(tmp_path: Path) -> None:
    found = find(tmp_path)
    assert found.credentials is None
    assert found.region is None
    assert "AWS_ACCESS_KEY_ID is not set" in found.missing
    assert str(tmp_path) in found.missing


def test_half_a_pair_is_reported(tmp_path: Path) -> None:
    found = find(tmp_path, AWS_ACCESS_KEY_ID="x")
    assert found.missing == "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not"


def test_other_credentials_do_not_replace_a_key_without_its_secret(home: Path) -> None:
    found = find(home, AWS_ACCESS_KEY_ID="x", AWS_CONTAINER_CREDENTIALS_FULL_URI="http://x")
    assert found.credentials is None
    assert found.missing == "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not"


@pytest.mark.parametrize(("profile", "by"), [("sso", "sso_session"), ("role", "role_arn")])
def test_obtained_keys_are_reported(home: Path, profile: str, by: str) -> None:
    found = find(home, profile)
    assert found.credentials is None
    assert by in found.missing and f"--profile {profile}" in found.missing


def test_a_requested_profile_must_exist(home: Path) -> None:
    with pytest.raises(ProfileFileError, match="no profile 'none'"):
        find(home, "none")
    with pytest.raises(ProfileFileError, match="no profile 'none'"):
        find(home, AWS_PROFILE="none")


@pytest.mark.parametrize("content", ["aws_secret_access_key = hush\n", "[default]\nhush\n"])
def test_a_broken_file_is_reported_without_its_content(home: Path, content: str) -> None:
    (home / ".aws" / "credentials").write_text(content)
    with pytest.raises(ProfileFileError) as caught:
        find(home, "default")
    assert "credentials" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_that_cannot_be_read_is_reported(home: Path) -> None:
    (home / ".aws" / "config").unlink()
    (home / ".aws" / "config").mkdir()
    with pytest.raises(ProfileFileError, match="cannot be read"):
        find(home, "work")
    with pytest.raises(ProfileFileError, match="cannot be read"):
        find(home, AWS_PROFILE="work", **KEYS)


@pytest.mark.parametrize("name", ["config", "credentials"])
@pytest.mark.parametrize("content", ["[default]\nhush\n", "hush", b"\xff", None])
def test_an_unused_file_can_be_invalid(home: Path, name: str, content: Any) -> None:
    for path in (home / ".aws" / "config", home / ".aws" / "credentials"):
        path.unlink()
    path = home / ".aws" / name
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = find(home, **KEYS, AWS_REGION="here")
    assert (key(found), found.region) == ("from-env", Setting("here", "the variable AWS_REGION"))
    given = discovered({"HOME": str(home)}, credentials=Credentials("k", "s"))
    assert (key(given), given.problem) == ("k", found.problem)
    missing = find(home)
    assert (missing.credentials, missing.provider) == (None, None)
    assert str(path) in missing.missing and missing.problem in missing.missing
    assert "hush" not in missing.missing


def test_keys_of_the_one_file_are_used_when_the_other_is_broken(home: Path) -> None:
    (home / ".aws" / "config").write_text("broken")
    found = find(home)
    assert key(found) == "from-default"
    assert "config" in found.problem


@pytest.mark.parametrize("value", ["true", "TRUE"])
def test_a_profile_can_ignore_configured_endpoints(home: Path, value: str) -> None:
    with (home / ".aws" / "config").open("a") as file:
        file.write(f"[profile own]\nendpoint_url = x\nignore_configured_endpoint_urls = {value}\n")
    assert find(home, "own").endpoint_url is None
    assert find(home, "own", AWS_ENDPOINT_URL="http://e").endpoint_url is None
    used = find(home, "own", AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="false").endpoint_url
    assert used is not None and used.value == "x"
    given = discovered({"HOME": str(home)}, profile="own", endpoint_url="http://m")
    assert given.endpoint_url is not None and given.endpoint_url.value == "http://m"


def test_trusted_certificates_are_named_by_the_environment_or_a_profile(home: Path) -> None:
    assert find(home).ca_bundle is None
    with (home / ".aws" / "config").open("a") as file:
        file.write("[profile own]\nca_bundle = /own.pem\n")
    assert find(home, "own").ca_bundle == Setting("/own.pem", "profile own")
    first = find(home, "own", AWS_CA_BUNDLE="/env.pem", REQUESTS_CA_BUNDLE="/other.pem").ca_bundle
    assert first == Setting("/env.pem", "the variable AWS_CA_BUNDLE")


def test_no_representation_shows_a_secret(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    shown = f"{find(home, 'work')!r} {read_profile('work')!r}"
    for secret in ("secret-of-work", "token-of-work"):
        assert secret not in shown


@pytest.mark.parametrize("secret", ["AKIAIOSFODNN7EXAMPLE", "short", "x", ""])
def test_a_masked_key_is_not_the_key(secret: str) -> None:
    assert masked(secret) != secret
    assert len(masked(secret)) <= 11
