# SPDX-License-Identifier: Apache-2.0
"""URLs of stores that have a driver of their own: ``b2://``, ``oss://``, ``cloudfiles://``."""

from __future__ import annotations

import pytest

from libcloud.cli import targets
from libcloud.cli.errors import redact
from libcloud.cli.settings import Settings
from libcloud.cli.stores import connect
from libcloud.cli.targets import parse_target
from libcloud.common.types import InvalidCredsError
from libcloud.storage.drivers.backblaze_b2 import BackblazeB2AuthConnection
from libcloud.storage.transfer.client import RetryLoop
from libcloud.storage.types import Provider
from libcloud.test._loopback import loopback_names
from libcloud.test.cli.running import Shell

HOST = "s3.eu-central-003.backblazeb2.com"


@pytest.mark.parametrize(
    ("url", "provider"),
    [("b2://bucket/key", Provider.BACKBLAZE_B2), ("oss://bucket/key", Provider.ALIYUN_OSS)],
)
def test_a_scheme_names_the_driver(url: str, provider: str) -> None:
    target = parse_target(url)
    assert (target.provider, target.s3_profile, target.name) == (provider, "", "key")


@pytest.mark.parametrize("scheme", ["b2", "oss"])
def test_the_complete_build_uses_the_profile(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "is_complete", lambda: True)
    target = parse_target(f"{scheme}://bucket/key")
    assert (target.provider, target.s3_profile) == (Provider.S3, scheme)


@pytest.mark.parametrize("scheme", ["b2", "oss"])
def test_an_object_is_copied_to_and_from_the_store(scheme: str, shell: Shell) -> None:
    at = ("--endpoint-url", f"http://{shell.endpoint.host}:{shell.endpoint.port}")
    region = ("--region", shell.endpoint.region)
    shell.ok("put", *at, *region, "-", f"{scheme}://bucket/key", stdin=b"abc")
    assert shell.ok("get", *at, *region, f"{scheme}://bucket/key", "-").out == b"abc"


def test_doctor_shows_the_endpoint_of_the_account(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RetryLoop, "sleep", staticmethod(lambda seconds: None))
    monkeypatch.setattr(BackblazeB2AuthConnection, "authenticate", lambda self, force=False: HOST)
    with loopback_names():
        result = shell("doctor", "b2://bucket")
    assert f"https://{HOST}:443" in result.out.decode()


def test_doctor_shows_that_the_account_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: BackblazeB2AuthConnection, force: bool = False) -> str:
        raise InvalidCredsError("401 bad_auth_token", self.driver)

    monkeypatch.setattr(BackblazeB2AuthConnection, "authenticate", refuse)
    result = shell("doctor", "b2://bucket")
    assert result.status == 4
    assert "bad_auth_token" in result.out.decode()


@pytest.mark.parametrize("scheme", ["swift", "cloudfiles"])
def test_the_variables_of_openstack_are_used(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OS_CLOUD", raising=False)
    monkeypatch.setenv("OS_AUTH_URL", "http://127.0.0.1:1/v3")
    monkeypatch.setenv("OS_USERNAME", "user")
    monkeypatch.setenv("OS_PASSWORD", "the password")
    driver = connect(parse_target(f"{scheme}://bucket"), Settings(region="east"))
    assert (driver.key, driver.secret, driver.region) == ("user", "the password", "east")
    assert "the password" not in redact("the password")
