# SPDX-License-Identifier: Apache-2.0
"""The driver for MinIO."""

from __future__ import annotations

from urllib.request import urlopen

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.drivers.minio import MinIOConnectionAWS4, MinIOStorageDriver
from libcloud.storage.providers import get_driver
from libcloud.storage.types import Provider
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.s3_servers import any_region, connect, round_trip


def test_the_registry_knows_the_driver() -> None:
    assert get_driver(Provider.MINIO) is MinIOStorageDriver


@pytest.mark.slow
def test_a_server_that_checks_version_4_agrees() -> None:
    with FakeS3(any_region("4")) as server:
        round_trip(connect(MinIOStorageDriver, server), server)


def test_a_host_is_needed() -> None:
    with pytest.raises(LibcloudError, match="host argument is required"):
        MinIOStorageDriver("key", "secret")


def test_host_port_and_scheme_are_those_given() -> None:
    driver = MinIOStorageDriver("key", "secret", False, "minio.example.org", 9000)
    connection = driver.connection
    assert (connection.host, connection.port, connection.secure) == (
        "minio.example.org",
        9000,
        False,
    )
    assert driver.connectionCls.host == "minio.example.org"


def test_a_second_driver_does_not_disturb_the_first() -> None:
    first = MinIOStorageDriver("key", "secret", host="one.example.org")
    second = MinIOStorageDriver("key", "secret", host="two.example.org")
    assert first.connection.host == "one.example.org"
    assert second.connection.host == "two.example.org"
    assert first.connectionCls is second.connectionCls is MinIOConnectionAWS4


def test_the_scope_names_a_region() -> None:
    assert MinIOStorageDriver("key", "secret", host="h").region_name == "us-east-1"
    other = MinIOStorageDriver("key", "secret", host="h", region="eu-1", timeout=7)
    assert (other.region_name, other.connection.timeout) == ("eu-1", 7)
    with FakeS3(Options(region="eu-1")) as server:
        server.create_bucket("bucket")
        driver = connect(MinIOStorageDriver, server, region="eu-1")
        assert driver.get_container("bucket").name == "bucket"


def test_temporary_credentials_and_presigned_urls_work() -> None:
    with FakeS3(any_region("4", session_token="t/o+k=n")) as server:
        server.create_bucket("bucket")
        driver = connect(MinIOStorageDriver, server, token="t/o+k=n")
        stored = driver.upload_object_via_stream(
            iter([b"abc"]), driver.get_container("bucket"), "a b//../c"
        )
        with urlopen(driver.get_object_cdn_url(stored)) as answer:
            assert answer.read() == b"abc"
        assert not server.violations
