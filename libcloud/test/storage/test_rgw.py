# SPDX-License-Identifier: Apache-2.0
"""The drivers for Ceph's gateway and for Outscale."""

from __future__ import annotations

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.drivers import rgw
from libcloud.storage.drivers.rgw import S3RGWOutscaleStorageDriver, S3RGWStorageDriver
from libcloud.storage.providers import get_driver
from libcloud.storage.types import Provider
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.s3_servers import any_region, connect, round_trip

CLASSES = {"2": rgw.S3RGWConnectionAWS2, "4": rgw.S3RGWConnectionAWS4}


def test_the_registry_knows_the_drivers() -> None:
    assert get_driver(Provider.S3_RGW) is S3RGWStorageDriver
    assert get_driver(Provider.S3_RGW_OUTSCALE) is S3RGWOutscaleStorageDriver


@pytest.mark.slow
@pytest.mark.parametrize("version", ["2", "4"])
@pytest.mark.parametrize("driver_type", [S3RGWStorageDriver, S3RGWOutscaleStorageDriver])
def test_a_server_that_checks_signatures_agrees(
    driver_type: type[S3RGWStorageDriver], version: str
) -> None:
    with FakeS3(any_region(version)) as server:
        round_trip(connect(driver_type, server, signature_version=version), server)


@pytest.mark.parametrize("version", ["2", "4"])
def test_the_signature_version_chooses_the_connection_class(version: str) -> None:
    driver = S3RGWStorageDriver("key", "secret", host="localhost", signature_version=version)
    assert driver.connectionCls is CLASSES[version]
    assert driver.signature_version == version
    other = S3RGWStorageDriver("key", "secret", host="h", signature_version=version)
    assert other.connectionCls is CLASSES[version]
    assert other.connectionCls.host == other.connection.host == "h"
    assert CLASSES[version]("key", "secret").host == "localhost"


def test_version_2_is_the_default() -> None:
    driver = S3RGWStorageDriver("key", "secret", host="localhost")
    assert driver.connectionCls is rgw.S3RGWConnectionAWS2


def test_another_signature_version_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid signature_version: 3"):
        S3RGWStorageDriver("key", "secret", host="h", signature_version="3")


def test_a_host_is_needed() -> None:
    with pytest.raises(LibcloudError, match="host"):
        S3RGWStorageDriver("key", "secret")


def test_containers_are_created_in_the_region() -> None:
    driver = S3RGWStorageDriver("key", "secret", host="h")
    assert (driver.region_name, driver.ex_location_name) == ("default", "default")
    driver = S3RGWStorageDriver("key", "secret", True, "h", 8080, None, "zone")
    assert (driver.region_name, driver.ex_location_name) == ("zone", "zone")
    with FakeS3(any_region("2")) as server:
        connect(S3RGWStorageDriver, server, region="zone").create_container("bucket")
        assert b"<LocationConstraint>zone</LocationConstraint>" in server.requests[0].body


def test_a_subclass_may_name_another_location() -> None:
    class Elsewhere(S3RGWStorageDriver):
        ex_location_name = "elsewhere"

    assert Elsewhere("key", "secret", host="h").ex_location_name == "elsewhere"


def test_an_instance_is_called_by_its_region_or_as_the_user_likes() -> None:
    assert S3RGWStorageDriver("key", "secret", host="h").name == "Ceph RGW S3 (default)"
    assert S3RGWStorageDriver("key", "secret", host="h", name="ours").name == "ours"
    assert S3RGWOutscaleStorageDriver("key", "secret").name == "OUTSCALE Ceph RGW S3 (eu-west-2)"
    assert S3RGWStorageDriver.name == "Ceph RGW"


@pytest.mark.parametrize("region", rgw.S3_RGW_OUTSCALE_HOSTS_BY_REGION)
def test_outscale_uses_the_host_of_the_region(region: str) -> None:
    host = rgw.S3_RGW_OUTSCALE_HOSTS_BY_REGION[region]
    for given in (None, "outscale.com", "osu.eu-west-1.outscale.com"):
        driver = S3RGWOutscaleStorageDriver("key", "secret", host=given, region=region)
        assert driver.connection.host == driver.connectionCls.host == host


def test_outscale_behind_another_host() -> None:
    for host in ("proxy.example.org", "notoutscale.com"):
        driver = S3RGWOutscaleStorageDriver("key", "secret", host=host)
        assert driver.connection.host == host


def test_an_unknown_region_of_outscale_is_refused() -> None:
    for host in (None, "osu.eu-west-1.outscale.com"):
        with pytest.raises(LibcloudError, match=r"region: moon.*eu-west-1, eu-west-2"):
            S3RGWOutscaleStorageDriver("key", "secret", host=host, region="moon")


def test_presigned_urls_need_version_4() -> None:
    container = S3RGWStorageDriver("key", "secret", host="h").connection
    assert container.host == "h"
    for version, presigned in (("2", False), ("4", True)):
        driver = S3RGWStorageDriver("key", "secret", host="h", signature_version=version)
        assert driver.capabilities.presigned_urls is presigned
