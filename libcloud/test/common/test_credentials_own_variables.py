# SPDX-License-Identifier: Apache-2.0
"""Keys in the variables of a store's own tools: by the driver, the command and fsspec."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from libcloud.cli.settings import Settings
from libcloud.cli.stores import find_settings
from libcloud.cli.targets import parse_target
from libcloud.common.credentials.provider import CredentialsNotFoundError
from libcloud.storage.filesystem.connecting import make_driver
from libcloud.storage.providers import get_driver
from libcloud.test._helpers import discovered

B2 = ("backblaze_b2", "b2", ("B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY", ""))
OSS = ("aliyun_oss", "oss", ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"))
SDK = (
    "aliyun_oss",
    "oss",
    (
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALIBABA_CLOUD_SECURITY_TOKEN",
    ),
)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of Amazon")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of Amazon")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    credentials = tmp_path / "credentials"
    credentials.write_text("[named]\naws_access_key_id = mine\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return monkeypatch


@pytest.mark.parametrize(("provider", "scheme", "names"), [B2, OSS, SDK])
def test_the_variables_of_the_store_take_precedence(
    environment: pytest.MonkeyPatch, provider: str, scheme: str, names: tuple[str, str, str]
) -> None:
    kind: Any = get_driver(provider)
    assert kind.from_env().connection.user_id == "of Amazon"
    environment.setenv(names[0], "own key")
    assert kind.from_env().connection.user_id == "of Amazon"  # half of a pair is none
    environment.setenv(names[1], "own secret")
    driver = kind.from_env()
    assert (driver.connection.user_id, driver.connection.key) == ("own key", "own secret")
    again = pickle.loads(pickle.dumps(driver))
    assert again.connection.user_id == "own key"
    found = find_settings(parse_target(f"{scheme}://bucket"), Settings())
    assert found.credentials is not None and found.credentials.key == "own key"
    assert found.credentials_origin == f"the variables {names[0]}, {names[1]}"
    assert kind.from_env(profile="named").connection.user_id == "mine"


@pytest.mark.parametrize(("provider", "names"), [(B2[0], B2[2]), (OSS[0], OSS[2])])
def test_fsspec_uses_them(
    environment: pytest.MonkeyPatch, provider: str, names: tuple[str, str, str]
) -> None:
    environment.setenv(names[0], "own key")
    environment.setenv(names[1], "own secret")
    driver: Any = make_driver(
        provider, None, None, token=None, endpoint_url=None, region=None, profile=None
    )
    assert driver.connection.user_id == "own key"


def test_other_stores_do_not(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("B2_APPLICATION_KEY_ID", "own key")
    environment.setenv("B2_APPLICATION_KEY", "own secret")
    kind: Any = get_driver("s3")
    assert kind.from_env().connection.user_id == "of Amazon"


def test_a_driver_for_google_uses_those_of_google(environment: pytest.MonkeyPatch) -> None:
    kind: Any = get_driver("google_storage")
    environment.setenv("GS_ACCESS_KEY_ID", "GOOGKEY")
    environment.setenv("GS_SECRET_ACCESS_KEY", "own secret")
    driver = kind.from_env()
    assert (driver.connection.user_id, driver.secret) == ("GOOGKEY", "own secret")
    assert kind.from_env(key="GOOGOTHER", secret="s").connection.user_id == "GOOGOTHER"
    again = kind.from_env(**driver._session_settings)  # in another process
    assert again.connection.user_id == "GOOGKEY"


def test_a_driver_for_google_trusts_the_certificates_of_the_environment(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("AWS_CA_BUNDLE", __file__)
    environment.setenv("AWS_ACCESS_KEY_ID", "GOOGKEY")
    kind: Any = get_driver("google_storage")
    assert kind.from_env().connection.ca_cert == __file__
    assert kind.from_env(key="GOOGKEY", secret="s").connection.ca_cert == __file__


def test_the_driver_for_s3_does_not_use_key_files_of_google(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/no/such/file")
    found = find_settings(parse_target("google://bucket"), Settings())
    assert found.credentials_origin == "the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"


def test_a_url_that_names_amazon_is_not_for_the_endpoint_of_the_environment(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    settings = Settings(region="eu-west-1")
    assert find_settings(parse_target("s3://bucket"), settings).endpoint_url is not None
    found = find_settings(parse_target("amazon://bucket"), settings)
    assert found.endpoint_url is None
    assert found.region is not None and found.region.value == "eu-west-1"


def test_a_driver_without_a_key_gives_the_hint_of_its_store(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.delenv("AWS_ACCESS_KEY_ID")
    kind: Any = get_driver("google_storage")
    with pytest.raises(CredentialsNotFoundError) as caught:
        kind.from_env()
    assert "GS_ACCESS_KEY_ID" in caught.value.hint


def test_without_a_key_the_hint_names_the_variables_of_the_store() -> None:
    found = discovered({"AWS_EC2_METADATA_DISABLED": "true"}, variables=(B2[2],))
    assert found.hint.startswith("set B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY, or set AWS_")
    assert CredentialsNotFoundError.hint in found.hint
