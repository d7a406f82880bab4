# SPDX-License-Identifier: Apache-2.0
"""Drivers from the environment and from a URL; anonymous requests; checksum calculation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.credentials import Credentials, CredentialsNotFoundError
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.storage.base import Container
from libcloud.storage.drivers.digitalocean_spaces import DigitalOceanSpacesStorageDriver
from libcloud.storage.drivers.minio import MinIOStorageDriver
from libcloud.storage.drivers.ovh import OvhStorageDriver
from libcloud.storage.drivers.rgw import S3RGWOutscaleStorageDriver, S3RGWStorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.drivers.s3_regions import region_class
from libcloud.storage.filesystem import LibcloudFileSystem
from libcloud.storage.s3 import profiles
from libcloud.test.storage.fakes.options import AMAZON, SIGV2
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.s3_servers import BUCKET, store

KEYS = {"AWS_ACCESS_KEY_ID": "from-env", "AWS_SECRET_ACCESS_KEY": "secret-of-env"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """An empty environment, on a machine outside of Amazon."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield monkeypatch


def setting(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in {**KEYS, **variables}.items():
        monkeypatch.setenv(name, value)


def write_config(home: Path, text: str) -> None:
    (home / ".aws").mkdir(exist_ok=True)
    (home / ".aws" / "config").write_text(text)


# from_env.


@pytest.mark.parametrize("kind", [S3StorageDriver, MinIOStorageDriver, OvhStorageDriver])
def test_the_certificates_of_the_environment_or_a_profile_are_trusted(
    environment: Any, tmp_path: Path, kind: Any
) -> None:
    of_environment, of_profile, own = (tmp_path / f"{number}.pem" for number in range(3))
    for path in (of_environment, of_profile, own):
        path.touch()
    write_config(tmp_path, f"[default]\nca_bundle = {of_profile}\n")
    options = {"endpoint_url": "https://h"}
    setting(environment)
    assert kind.from_env(**options).connection.connection.verification == str(of_profile)
    setting(environment, AWS_CA_BUNDLE=str(of_environment), REQUESTS_CA_BUNDLE=str(own))
    assert kind.from_env(**options).connection.connection.verification == str(of_environment)
    chosen = kind.from_env(ex_ca_bundle=str(own), **options).connection
    assert chosen.connection.verification == str(own)
    chosen.connect()
    assert chosen.connection.verification == str(own)
    plain = kind("key", "secret", **options)
    assert plain.connection.connection.verification != str(of_environment)
    setting(environment, AWS_CA_BUNDLE=str(tmp_path / "none.pem"))
    with pytest.raises(ValueError, match=r"AWS_CA_BUNDLE names .*none\.pem"):
        kind.from_env(**options)
    assert kind.from_env(ex_ca_bundle=str(own), **options).connection.ca_cert == str(own)


def test_a_constructor_does_not_look_at_the_environment(environment: Any) -> None:
    setting(
        environment,
        AWS_REGION="eu-west-1",
        AWS_ENDPOINT_URL="http://elsewhere",
        AWS_SESSION_TOKEN="token",
        AWS_REQUEST_CHECKSUM_CALCULATION="when_required",
    )
    driver = S3StorageDriver("key", "secret")
    connection = driver.connection
    assert (connection.host, driver.region, connection.user_id) == (
        "s3.amazonaws.com",
        "us-east-1",
        "key",
    )
    assert connection.token is None
    assert connection.addressing.style == "path"
    assert not driver._client.unsupported.names
    with pytest.raises(CredentialsNotFoundError, match="pass key and secret"):
        S3StorageDriver().list_containers()


def test_the_environment_selects_credentials_and_endpoint(environment: Any) -> None:
    setting(environment, AWS_REGION="eu-west-1", AWS_SESSION_TOKEN="token")
    driver = S3StorageDriver.from_env()
    connection = driver.connection
    assert (connection.user_id, connection.key, connection.token) == (
        "from-env",
        "secret-of-env",
        "token",
    )
    assert connection.host == "s3.eu-west-1.amazonaws.com"
    assert connection.addressing.style == "virtual"


def test_arguments_go_before_the_environment(environment: Any) -> None:
    setting(environment, AWS_REGION="eu-west-1", AWS_ENDPOINT_URL="http://elsewhere")
    driver = S3StorageDriver.from_env(region="mars", endpoint_url="http://here:9000", timeout=7)
    connection = driver.connection
    assert (connection.host, connection.port, driver.region) == ("here", 9000, "mars")
    assert connection.timeout == 7
    driver = S3StorageDriver.from_env(host="there", key="own", secret="secret", port=1)
    assert (driver.connection.host, driver.connection.user_id) == ("there", "own")
    own = S3StorageDriver.from_env(ex_credentials=lambda: Credentials("asked", "secret"))
    assert own.connection.user_id == "asked"


@pytest.mark.parametrize(
    ("variables", "host"),
    [
        ({"AWS_ENDPOINT_URL": "http://all"}, "all"),
        ({"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_S3": "http://s3"}, "s3"),
        (
            {"AWS_ENDPOINT_URL": "http://all", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "s3.amazonaws.com",
        ),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "s3.eu-west-1.amazonaws.com"),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "TRUE"}, "s3.dualstack.us-east-1.amazonaws.com"),
        ({"AWS_USE_FIPS_ENDPOINT": "true"}, "s3-fips.us-east-1.amazonaws.com"),
        ({"AWS_USE_FIPS_ENDPOINT": "true", "AWS_ENDPOINT_URL": "http://all"}, "all"),
        ({"AWS_USE_FIPS_ENDPOINT": "false"}, "s3.amazonaws.com"),
    ],
)
def test_the_standard_variables_apply(
    environment: Any, variables: dict[str, str], host: str
) -> None:
    setting(environment, **variables)
    assert S3StorageDriver.from_env().connection.host == host


def test_a_profile_is_complete(environment: Any, tmp_path: Path) -> None:
    write_config(
        tmp_path,
        """
[profile work]
aws_access_key_id = from-work
aws_secret_access_key = secret-of-work
region = eu-central-1
use_dualstack_endpoint = true
request_checksum_calculation = WHEN_REQUIRED
s3 =
    addressing_style = path
    max_concurrency = 20
""",
    )
    setting(environment)
    for driver in (
        S3StorageDriver.from_env(profile="work"),
        S3StorageDriver.from_url("s3://bucket?profile=work"),
    ):
        connection = driver.connection
        assert connection.user_id == "from-work"
        assert connection.host == "s3.dualstack.eu-central-1.amazonaws.com"
        assert connection.addressing.style == "path"
        assert driver._client.unsupported.names == {"x-amz-checksum"}


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_USE_FIPS_ENDPOINT": "maybe"},
        {"AWS_REQUEST_CHECKSUM_CALCULATION": "sometimes"},
        {"AWS_ENDPOINT_URL": "nowhere"},
        {"AWS_REGION": "mars"},
    ],
)
def test_invalid_settings_are_refused(environment: Any, variables: dict[str, str]) -> None:
    setting(environment, **variables)
    with pytest.raises(ValueError, match=r"maybe|sometimes|not a valid URL|mars"):
        S3StorageDriver.from_env()


def test_missing_credentials_are_an_error_with_the_reason() -> None:
    with pytest.raises(CredentialsNotFoundError, match="AWS_ACCESS_KEY_ID is not set"):
        S3StorageDriver.from_env()


def test_keys_that_are_replaced_in_a_file_are_read_again(environment: Any, tmp_path: Path) -> None:
    text = "[default]\naws_access_key_id={}\naws_secret_access_key={}\n"
    with FakeS3() as server:
        server.create_bucket(BUCKET)
        write_config(tmp_path, text.format("old-key", "old-secret"))
        driver = S3StorageDriver.from_env(endpoint_url=server.url)
        with pytest.raises(InvalidCredsError):
            list(Container(BUCKET, {}, driver).iterate_objects())
        write_config(tmp_path, text.format(server.key, server.secret))
        assert list(Container(BUCKET, {}, driver).iterate_objects()) == []


@pytest.mark.parametrize(
    ("kind", "uses_settings"),
    [
        (MinIOStorageDriver, True),
        (S3RGWStorageDriver, True),
        (DigitalOceanSpacesStorageDriver, False),
        (OvhStorageDriver, False),
        (S3RGWOutscaleStorageDriver, False),
        (region_class("S3EUWestStorageDriver", S3StorageDriver), False),
    ],
)
def test_a_store_with_its_own_hosts_takes_only_the_credentials(
    environment: Any, kind: Any, uses_settings: bool
) -> None:
    setting(environment, AWS_ENDPOINT_URL="http://elsewhere", AWS_REGION="ap-south-1")
    driver = kind.from_env()
    assert driver.connection.user_id == "from-env"
    assert (driver.connection.host == "elsewhere") is uses_settings
    assert (driver.region_name == "ap-south-1") is uses_settings


# from_url.


def test_a_url_specifies_bucket_and_settings(environment: Any) -> None:
    setting(environment)
    url = "s3://photos?endpoint_url=https%3A%2F%2Flocalhost%3A9000&region=eu&addressing_style=path"
    driver = S3StorageDriver.from_url(url)
    assert (driver.connection.host, driver.connection.port) == ("localhost", 9000)
    assert driver.region == "eu"
    assert driver.ex_container is not None
    assert (driver.ex_container.name, driver.ex_container.driver) == ("photos", driver)


def test_a_url_need_not_name_a_bucket(environment: Any) -> None:
    setting(environment)
    driver = S3StorageDriver.from_url("s3://?s3_profile=wasabi&region=eu-central-1")
    assert driver.connection.host == "s3.eu-central-1.wasabisys.com"
    assert driver.profile is profiles.WASABI
    assert driver.ex_container is None


@pytest.mark.parametrize(("name", "region"), [("wasabi", "us-east-1"), ("amazon", "ap-south-1")])
def test_a_profile_with_its_own_hosts_takes_only_the_credentials(
    environment: Any, name: str, region: str
) -> None:
    setting(environment, AWS_REGION="ap-south-1")
    for chosen in ({"ex_s3_profile": name}, {"ex_profile": profiles.profile_named(name)}):
        driver = S3StorageDriver.from_env(**chosen)
        assert (driver.connection.user_id, driver.region_name) == ("from-env", region)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("https://bucket", "not a valid URL of a container"),
        ("bucket", "not a valid URL of a container"),
        ("s3://bucket#hush", "not a valid URL of a container"),
        ("s3://bucket/name", "must name a container, not an object"),
        ("s3://key:hush@bucket", "must not contain credentials"),
        ("s3://host:9000/bucket", "or a host"),
        ("s3://bucket?secret=hush", "no parameter 'secret'; there are endpoint_url, region"),
        ("s3://bucket?region=a&region=hush", "region twice"),
        ("s3://bucket?use_fips=hush", "must be true or false"),
        ("s3://bucket?s3_profile=nimbus", "no S3 profile 'nimbus'"),
        ("s3://bucket?endpoint_url=localhost", "not a valid URL"),
    ],
)
def test_an_invalid_url_is_rejected(environment: Any, url: str, complaint: str) -> None:
    setting(environment)
    with pytest.raises(ValueError, match=complaint) as caught:
        S3StorageDriver.from_url(url)
    assert "hush" not in str(caught.value)


def test_a_missing_url_is_rejected(environment: Any) -> None:
    missing: Any = None
    with pytest.raises(TypeError, match="a URL must be a str, not None: write s3://BUCKET"):
        S3StorageDriver.from_url(missing)


def test_options_go_before_the_url(environment: Any) -> None:
    setting(environment)
    driver = S3StorageDriver.from_url("s3://bucket?region=eu-west-1", region="eu-west-2")
    assert driver.region == "eu-west-2"


# Nobody signs.


@pytest.mark.parametrize("version", ["4", "2"])
def test_an_anonymous_driver_signs_nothing(version: str) -> None:
    options = replace(AMAZON if version == "4" else SIGV2, anonymous=True)
    with store(options, version=version) as there:
        kind = type(there.driver)
        where: Any = {"host": there.server.host, "port": there.server.port, "secure": False}
        driver = kind(ex_anonymous=True, **where)
        container = Container(BUCKET, {}, driver)
        there.server.log.clear()
        driver.upload_object_via_stream(iter([b"body"]), container, "small")
        driver.upload_object_via_stream(iter([b"x" * 2500]), container, "large", ex_part_size=1000)
        obj = driver.get_object(BUCKET, "small")
        assert b"".join(obj.as_stream()) == b"body"
        assert [found.name for found in container.iterate_objects()] == ["large", "small"]
        for entry in there.server.requests:
            headers = dict(entry.headers)
            assert "authorization" not in headers
            assert "Signature" not in entry.target and "AWSAccessKeyId" not in entry.target
            if entry.operation in ("PutObject", "UploadPart"):
                assert "content-md5" in headers
        with pytest.raises(LibcloudError, match="anonymous"):
            S3StorageDriver(ex_anonymous=True, **where).get_object_cdn_url(obj)


def test_anonymous_replaces_credentials(environment: Any) -> None:
    for other in ({"key": "key", "secret": "s"}, {"ex_credentials": lambda: None}):
        with pytest.raises(TypeError, match="takes the place"):
            S3StorageDriver(ex_anonymous=True, **other)
    assert S3StorageDriver.from_url("s3://bucket?anonymous=true").connection.anonymous
    setting(environment)
    driver = S3StorageDriver.from_env(ex_anonymous=True)
    assert driver.connection.anonymous and driver.connection.credential_provider is None


def test_a_file_system_reads_what_anybody_may_read() -> None:
    with store(replace(AMAZON, anonymous=True)) as there:
        there.stream(iter([b"public"]))
        url = f"http://{there.server.host}:{there.server.port}"
        fs = LibcloudFileSystem(anon=True, endpoint_url=url, skip_instance_cache=True)
        assert fs.cat_file("bucket/object") == b"public"
        assert "authorization" not in dict(there.server.requests[-1].headers)


# Checksums by default.


@pytest.mark.slow  # certificates are made
def test_when_required_only_requested_checksums_are_sent() -> None:
    options = replace(AMAZON, tls=True)
    with store(options, ex_profile=small(), ex_checksum_calculation="when_required") as there:
        there.in_parts(3)
        there.stream(iter([b"small"]), "small")
        sent = [dict(entry.headers) for entry in there.server.requests]
        assert not [name for headers in sent for name in headers if "checksum" in name]
        hashes = {headers["x-amz-content-sha256"] for headers in sent}
        assert "UNSIGNED-PAYLOAD" not in hashes
        there.stream(iter([b"asked"]), "asked", ex_checksum="crc32")
        assert "x-amz-checksum-crc32" in dict(there.server.requests[-1].headers)
        there.assert_nothing_is_left("asked", "object", "small")


@pytest.mark.slow  # certificates are made
def test_when_supported_the_profile_decides() -> None:
    options = replace(AMAZON, tls=True)
    with store(options, ex_profile=small(), ex_checksum_calculation="when_supported") as there:
        there.stream(iter([b"small"]), "small")
        assert "x-amz-checksum-crc32" in dict(there.server.requests[-1].headers)


def small() -> profiles.S3Profile:
    return replace(profiles.AMAZON, limits=replace(profiles.AMAZON.limits, min_part_size=1))


def test_another_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="one of when_supported, when_required, not 'never'"):
        S3StorageDriver("key", "secret", ex_checksum_calculation="never")
