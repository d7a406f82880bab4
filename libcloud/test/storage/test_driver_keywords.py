# SPDX-License-Identifier: Apache-2.0
"""Keywords of constructors: a misspelled one is an error, and none is lost."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from libcloud.storage.base import StorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.providers import get_driver
from libcloud.storage.types import Provider
from libcloud.test._loopback import Loopback

KEY, SECRET = "GOOG0123456789ABCXYZ", "secret"

# As far as they take keywords at all; that of Dummy does not.
PLACES: dict[str, dict[str, Any]] = {
    Provider.S3: {},
    Provider.S3_EU_WEST: {},
    Provider.S3_RGW: {"host": "store.example"},
    Provider.S3_RGW_OUTSCALE: {},
    Provider.MINIO: {"host": "store.example"},
    Provider.SCALEWAY: {},
    Provider.OVH: {},
    Provider.DIGITALOCEAN_SPACES: {},
    Provider.AURORAOBJECTS: {},
    Provider.ALIYUN_OSS: {},
    Provider.BACKBLAZE_B2: {},
    Provider.GOOGLE_STORAGE: {},
}


@pytest.mark.parametrize("provider", [*PLACES, Provider.LOCAL])
def test_an_unknown_keyword_is_an_error_in_every_driver(provider: str, tmp_path: Path) -> None:
    key = str(tmp_path) if provider == Provider.LOCAL else KEY
    with pytest.raises(TypeError, match="no keyword argument 'nonsense'"):
        get_driver(provider)(key, SECRET, nonsense=1, **PLACES.get(provider, {}))


@pytest.mark.parametrize("provider", PLACES)
def test_an_unknown_keyword_is_reported_with_the_nearest_one(provider: str) -> None:
    kind = get_driver(provider)
    for name, meant in (("endpoint", "endpoint_url"), ("regoin", "region")):
        with pytest.raises(TypeError, match=f"'{name}': did you mean '{meant}'"):
            kind(KEY, SECRET, **PLACES[provider], **{name: "http://localhost:9000"})


def test_keywords_of_other_clients_are_recognized_without_credentials_too() -> None:
    names: dict[str, Any] = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET}
    with pytest.raises(TypeError, match="did you mean 'key'"):
        S3StorageDriver(**names)


@pytest.mark.parametrize("provider", PLACES)
def test_what_apache_libcloud_documents_is_accepted(provider: str) -> None:
    options: dict[str, Any] = {
        "timeout": 3,
        "retry_delay": 1,
        "backoff": 2,
        "proxy_url": "http://proxy:3128",
    }
    driver = get_driver(provider)(KEY, SECRET, api_version="1", **options, **PLACES[provider])
    assert driver.connection.timeout == 3
    assert driver.connection.proxy_url == "http://proxy:3128"


def test_a_class_without_a_constructor_of_its_own_is_as_strict() -> None:
    class Derived(S3StorageDriver):
        supports_s3_multipart_upload = False

    with pytest.raises(TypeError, match="Derived has no keyword argument 'endpoint'"):
        Derived(KEY, SECRET, endpoint="http://localhost:9000")  # type: ignore[call-arg]


def test_a_driver_of_another_project_may_hand_on_keywords_of_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class InHouse(S3StorageDriver):
        def __init__(self, key: str, secret: str, team: str = "", **kwargs: Any) -> None:
            self.team = team
            super().__init__(key, secret, team=team, **kwargs)  # type: ignore[call-arg]

    with caplog.at_level(logging.WARNING):
        driver = InHouse(KEY, SECRET, team="blue", timeout=3)
        assert (driver.team, driver.connection.timeout) == ("blue", 3)
        assert caplog.messages == []
        InHouse(KEY, SECRET, endpoint="http://localhost:9000")
    assert "ignored: InHouse has no keyword argument 'endpoint': did you mean" in caplog.text


def test_a_driver_on_the_base_class_may_be_given_anything() -> None:
    class Foreign(StorageDriver):
        name = "foreign"

    assert Foreign("key", "secret", nonsense=1).key == "key"


@pytest.mark.parametrize("option", ["endpoint", "region_name"])
def test_an_unknown_keyword_is_an_error_before_the_environment_is_read(option: str) -> None:
    unknown: dict[str, Any] = {option: "x"}
    with pytest.raises(TypeError, match=f"no keyword argument '{option}'"):
        S3StorageDriver.from_env(profile="there is none", **unknown)
    with pytest.raises(TypeError, match=f"no keyword argument '{option}'"):
        S3StorageDriver.from_url("s3://bucket?profile=none", **unknown)
    with pytest.raises(ValueError, match="did you mean endpoint_url"):
        S3StorageDriver.from_url("s3://bucket?endpoint=http://localhost:9000")


# Hosts.


@pytest.mark.parametrize("provider", PLACES)
@pytest.mark.parametrize("host", ["http://h", "https://user:s3cr3t@h:9000", "h/path", "h "])
def test_the_error_for_a_host_that_is_a_url_suggests_endpoint_url(provider: str, host: str) -> None:
    with pytest.raises(ValueError, match="endpoint_url='http://HOST:PORT'") as caught:
        get_driver(provider)(KEY, SECRET, host=host)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("name", ["host", "endpoint_url"])
@pytest.mark.parametrize("value", [b"store.example", 5, Path("store.example")])
def test_a_host_is_text(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"{name} must be a str"):
        S3StorageDriver(KEY, SECRET, **{name: value})


def test_a_host_may_have_its_port_with_it() -> None:
    with Loopback() as server:
        driver = S3StorageDriver(KEY, SECRET, secure=False, host=f"127.0.0.1:{server.port}")
        driver.get_container("bucket")
        assert server.last.headers["host"] == f"127.0.0.1:{server.port}"
    with pytest.raises(ValueError, match="port is passed as well"):
        S3StorageDriver(KEY, SECRET, host="h:9000", port=9000)


def test_an_empty_host_is_none() -> None:
    driver = S3StorageDriver(KEY, SECRET, host="", region="eu-west-1")
    assert driver.connection.host == "s3-eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("port", "error"), [("x", ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_a_port_is_a_number(port: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="port must be a number"):
        S3StorageDriver(KEY, SECRET, host="h", port=port)
    assert S3StorageDriver(KEY, SECRET, host="h", port="9000").connection.port == "9000"  # type: ignore[arg-type]  # as from a file of settings


@pytest.mark.parametrize("name", ["timeout", "retry_delay", "backoff", "ex_total_timeout"])
@pytest.mark.parametrize(
    ("value", "error"), [("3", TypeError), (True, TypeError), (-1, ValueError)]
)
def test_times_are_numbers_of_seconds(name: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{name} must be a"):
        S3StorageDriver(KEY, SECRET, **{name: value})


@pytest.mark.parametrize("provider", [Provider.S3, Provider.MINIO, Provider.OVH])
def test_a_signature_version_is_not_ignored(provider: str) -> None:
    kind, place = get_driver(provider), PLACES[provider]
    assert kind(KEY, SECRET, signature_version="4", **place)
    with pytest.raises(ValueError, match="signs by version 4 only"):
        kind(KEY, SECRET, signature_version="2", **place)
