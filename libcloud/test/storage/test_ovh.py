# SPDX-License-Identifier: Apache-2.0
"""The driver for OVHcloud Object Storage."""

from __future__ import annotations

from urllib.request import urlopen

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.drivers.ovh import REGION_TO_HOST_MAP, OvhStorageDriver
from libcloud.storage.drivers.s3 import S3SignatureV4Connection
from libcloud.storage.providers import get_driver
from libcloud.storage.types import Provider
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.s3_servers import any_region, connect, round_trip


def test_the_registry_knows_the_driver() -> None:
    assert get_driver(Provider.OVH) is OvhStorageDriver


@pytest.mark.slow
def test_a_server_that_checks_version_4_agrees() -> None:
    with FakeS3(any_region("4")) as server:
        round_trip(connect(OvhStorageDriver, server), server)


def test_presigned_urls_work() -> None:
    with FakeS3(any_region("4")) as server:
        server.create_bucket("bucket")
        driver = connect(OvhStorageDriver, server)
        stored = driver.upload_object_via_stream(
            iter([b"abc"]), driver.get_container("bucket"), "a b"
        )
        with urlopen(driver.get_object_cdn_url(stored)) as answer:
            assert answer.read() == b"abc"


def test_the_region_names_the_host() -> None:
    assert set(OvhStorageDriver.list_regions()) == set(REGION_TO_HOST_MAP)
    for region, host in REGION_TO_HOST_MAP.items():
        driver = OvhStorageDriver("key", "secret", region=region)
        assert driver.connection.host == driver.connectionCls.host == host
        assert (driver.region, driver.region_name) == (region, region)
        assert driver.name == f"Ovh Object Storage ({region})"
    assert OvhStorageDriver("key", "secret").connection.host == "s3.sbg.perf.cloud.ovh.net"


def test_drivers_of_two_regions_disturb_neither_each_other_nor_amazon() -> None:
    first = OvhStorageDriver("key", "secret", True, None, None, "sbg")
    second = OvhStorageDriver("key", "secret", True, None, None, "gra")
    assert first.connectionCls is second.connectionCls is S3SignatureV4Connection
    assert first.connection.host == "s3.sbg.perf.cloud.ovh.net"
    assert second.connection.host == "s3.gra.perf.cloud.ovh.net"
    assert S3SignatureV4Connection("key", "secret").host == "s3.amazonaws.com"


def test_an_unknown_region_needs_a_host() -> None:
    for error in (ValueError, LibcloudError):
        with pytest.raises(error, match="Invalid or unsupported region: moon"):
            OvhStorageDriver("key", "secret", region="moon")
    driver = OvhStorageDriver("key", "secret", host="s3.moon.example.org", region="moon")
    assert (driver.connection.host, driver.region_name) == ("s3.moon.example.org", "moon")


def test_settings_reach_the_connection() -> None:
    driver = OvhStorageDriver("key", "secret", token="token", timeout=7)
    assert (driver.connection.token, driver.connection.timeout) == ("token", 7)
    driver = OvhStorageDriver("key", "secret", url="https://proxy.example.org:8443")
    assert (driver.connection.host, driver.connection.port) == ("proxy.example.org", 8443)
