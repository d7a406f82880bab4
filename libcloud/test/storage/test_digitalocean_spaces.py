# SPDX-License-Identifier: Apache-2.0
"""The driver for DigitalOcean Spaces."""

from __future__ import annotations

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers import digitalocean_spaces as spaces
from libcloud.storage.drivers.digitalocean_spaces import DigitalOceanSpacesStorageDriver
from libcloud.storage.providers import get_driver
from libcloud.storage.types import Provider
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.s3_servers import any_region, connect, round_trip


def test_the_registry_knows_the_driver() -> None:
    assert get_driver(Provider.DIGITALOCEAN_SPACES) is DigitalOceanSpacesStorageDriver


@pytest.mark.slow
@pytest.mark.parametrize("version", ["2", "4"])
def test_a_server_that_checks_signatures_agrees(version: str) -> None:
    with FakeS3(any_region(version, url_encoded_listing=False)) as server:
        driver = connect(DigitalOceanSpacesStorageDriver, server, signature_version=version)
        round_trip(driver, server)


@pytest.mark.parametrize("region", spaces.DO_SPACES_HOSTS_BY_REGION)
def test_the_region_decides_on_the_host(region: str) -> None:
    host = f"{region}.digitaloceanspaces.com"
    for given in (None, "digitaloceanspaces.com", "nyc3.digitaloceanspaces.com"):
        driver = DigitalOceanSpacesStorageDriver("key", "secret", host=given, region=region)
        assert driver.connection.host == driver.connectionCls.host == host
        assert driver.name == f"DigitalOcean Spaces ({region})"
        assert driver.region_name == region


def test_drivers_of_two_regions_do_not_disturb_each_other() -> None:
    first = DigitalOceanSpacesStorageDriver("key", "secret", signature_version="4")
    second = DigitalOceanSpacesStorageDriver("key", "secret", signature_version="4", region="ams3")
    assert first.connectionCls is second.connectionCls is spaces.DOSpacesConnectionAWS4
    assert first.connection.host == "nyc3.digitaloceanspaces.com"
    assert second.connection.host == "ams3.digitaloceanspaces.com"


def test_version_2_is_the_default() -> None:
    driver = DigitalOceanSpacesStorageDriver("key", "secret")
    assert driver.connectionCls is spaces.DOSpacesConnectionAWS2
    assert driver.region_name == "nyc3"


@pytest.mark.parametrize("host", [None, "nyc3.digitaloceanspaces.com"])
def test_an_unknown_region_is_refused(host: str | None) -> None:
    with pytest.raises(LibcloudError, match="Invalid or unsupported region: atlantis"):
        DigitalOceanSpacesStorageDriver("key", "secret", host=host, region="atlantis")


def test_another_signature_version_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid signature_version: 3"):
        DigitalOceanSpacesStorageDriver("key", "secret", signature_version="3")


@pytest.mark.parametrize("version", ["2", "4"])
def test_there_is_no_cdn(version: str) -> None:
    driver = DigitalOceanSpacesStorageDriver("key", "secret", signature_version=version)
    container = Container("container", {}, driver)
    obj = Object("object", 1, "hash", {}, {}, container, driver)
    for method in (
        container.enable_cdn,
        container.get_cdn_url,
        obj.enable_cdn,
        obj.get_cdn_url,
    ):
        with pytest.raises(NotImplementedError):
            method()
    assert not driver.capabilities.presigned_urls
