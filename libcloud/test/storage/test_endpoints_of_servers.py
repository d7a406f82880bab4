# SPDX-License-Identifier: Apache-2.0
"""Endpoints, styles and credentials with real servers: moto, and ``rclone serve s3``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from libcloud.storage.capabilities import MIB
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.test._loopback import loopback_names
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.servers import Endpoint, moto_server, rclone_server

pytestmark = pytest.mark.slow

DATA = pattern(6 * MIB)


@pytest.fixture(scope="module")
def moto() -> Iterator[Endpoint]:
    with moto_server() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def rclone() -> Iterator[Endpoint]:
    with rclone_server() as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An empty environment, on a machine outside of Amazon."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def there_and_back(driver: Any, bucket: str, name: str = "a b/ü+.bin") -> str:
    """Upload two parts, list, read by a range and by a URL; the URL."""
    container = driver.create_container(bucket)
    pieces = iter([DATA[:100], DATA[100:]])
    obj = driver.upload_object_via_stream(pieces, container, name, ex_part_size=5 * MIB)
    assert [found.name for found in container.iterate_objects()] == [name]
    assert b"".join(driver.get_object(bucket, name).as_stream()) == DATA
    url = str(driver.get_object_cdn_url(obj))
    with urlopen(url, timeout=30) as answer:
        assert answer.read() == DATA
    assert driver.delete_object(obj)
    assert driver.delete_container(container)
    return url


def test_moto_by_its_url(moto: Endpoint) -> None:
    driver = S3StorageDriver(moto.key, moto.secret, endpoint_url=moto.url, ex_s3_profile="moto")
    url = there_and_back(driver, "by-url")
    assert url.startswith(f"{moto.url}/by-url/a%20b/")


@pytest.mark.parametrize("host", ["localhost", "s3.eu-west-1.amazonaws.com"])
def test_moto_with_the_bucket_in_the_host(moto: Endpoint, host: str) -> None:
    with loopback_names("localhost", "amazonaws.com"):
        driver = S3StorageDriver(
            moto.key,
            moto.secret,
            endpoint_url=f"http://{host}:{moto.port}",
            region="eu-west-1",
            ex_addressing_style="virtual",
        )
        url = there_and_back(driver, "in-the-host")
    assert url.startswith(f"http://in-the-host.{host}:{moto.port}/a%20b/")


def test_moto_by_the_environment(moto: Endpoint, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL_S3", moto.url)
    environment.setenv("AWS_ACCESS_KEY_ID", moto.key)
    environment.setenv("AWS_SECRET_ACCESS_KEY", moto.secret)
    there_and_back(S3StorageDriver.from_env(), "by-environment")


def test_moto_by_a_role(moto: Endpoint, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(
        f"[profile base]\naws_access_key_id = {moto.key}\naws_secret_access_key = {moto.secret}\n"
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/backup\n"
        f"source_profile = base\nregion = us-east-1\nendpoint_url = {moto.url}\n"
    )
    driver = S3StorageDriver.from_url("s3://?profile=role")
    there_and_back(driver, "by-role")
    assert driver.connection.token
    assert driver.connection.user_id != moto.key


def test_rclone_by_a_url(rclone: Endpoint, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ACCESS_KEY_ID", rclone.key)
    environment.setenv("AWS_SECRET_ACCESS_KEY", rclone.secret)
    driver = S3StorageDriver.from_url(f"s3://?endpoint_url={rclone.url}&s3_profile=rclone")
    there_and_back(driver, "by-url")


def test_rclone_whose_name_is_none_of_amazons_has_buckets_in_the_path(rclone: Endpoint) -> None:
    driver = S3StorageDriver(
        rclone.key, rclone.secret, endpoint_url=rclone.url, ex_addressing_style="auto"
    )
    assert there_and_back(driver, "automatic").startswith(f"{rclone.url}/automatic/")
