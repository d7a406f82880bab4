# SPDX-License-Identifier: Apache-2.0
"""The driver for AuroraObjects."""

from __future__ import annotations

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.auroraobjects import (
    AuroraObjectsStorageDriver,
    BaseAuroraObjectsConnection,
)
from libcloud.storage.providers import get_driver
from libcloud.storage.types import Provider
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.s3_servers import any_region, connect, round_trip


def test_the_registry_knows_the_driver() -> None:
    assert get_driver(Provider.AURORAOBJECTS) is AuroraObjectsStorageDriver


@pytest.mark.slow
def test_a_server_that_checks_version_2_agrees() -> None:
    options = any_region("2", list_v2=False, url_encoded_listing=False)
    with FakeS3(options) as server:
        round_trip(connect(AuroraObjectsStorageDriver, server), server)


def test_there_is_one_host() -> None:
    driver = AuroraObjectsStorageDriver("key", "secret")
    assert driver.connection.host == "o.auroraobjects.eu"
    assert driver.connectionCls is BaseAuroraObjectsConnection


def test_there_is_no_cdn() -> None:
    driver = AuroraObjectsStorageDriver("key", "secret")
    container = Container("container", {}, driver)
    obj = Object("object", 1, "hash", {}, {}, container, driver)
    for method in (
        container.enable_cdn,
        container.get_cdn_url,
        obj.enable_cdn,
        obj.get_cdn_url,
    ):
        with pytest.raises(LibcloudError, match="CDN is not supported by AuroraObjects"):
            method()
    assert not driver.capabilities.presigned_urls
