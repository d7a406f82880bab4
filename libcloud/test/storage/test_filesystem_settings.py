# SPDX-License-Identifier: Apache-2.0
"""Which settings of the environment and of profiles a file system uses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.credentials import CredentialsNotFoundError
from libcloud.storage.filesystem import LibcloudFileSystem

GOOGLE: dict[str, Any] = {"provider": "google_storage", "skip_instance_cache": True}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.startswith(("AWS_", "GS_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def test_google_has_its_own_variables(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-amazon")
    with pytest.raises(ValueError, match="set GS_ACCESS_KEY_ID and GS_SECRET_ACCESS_KEY"):
        LibcloudFileSystem(**GOOGLE)
    environment.setenv("GS_ACCESS_KEY_ID", "GOOGKEY")
    environment.setenv("GS_SECRET_ACCESS_KEY", "secret")
    fs: Any = LibcloudFileSystem(**GOOGLE)
    assert fs.driver.connection.user_id == "GOOGKEY"


def test_a_key_that_is_not_googles_is_refused_at_once() -> None:
    with pytest.raises(CredentialsNotFoundError, match="not a key for Google"):
        LibcloudFileSystem("AKIAEXAMPLE", "secret", **GOOGLE)
    with pytest.raises(ValueError, match="needs credentials"):
        LibcloudFileSystem(anon=True, **GOOGLE)


def test_settings_of_amazon_are_not_those_of_another_store(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(
        "[default]\nregion = eu-west-9\nendpoint_url = http://elsewhere\n"
    )
    fs: Any = LibcloudFileSystem(
        "key", "secret", provider="digitalocean_spaces", skip_instance_cache=True
    )
    assert fs.driver.connection.host == "nyc3.digitaloceanspaces.com"


def test_certificates_of_the_environment_are_trusted(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    environment.setenv("AWS_CA_BUNDLE", str(bundle))
    options: Any = {"endpoint_url": "https://h", "skip_instance_cache": True}
    fs: Any = LibcloudFileSystem("key", "secret", **options)
    assert fs.driver.connection.connection.verification == str(bundle)
    environment.setenv("AWS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with pytest.raises(ValueError, match="AWS_CA_BUNDLE names"):
        LibcloudFileSystem("key", "secret", **options)
