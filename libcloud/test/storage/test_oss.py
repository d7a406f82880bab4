# SPDX-License-Identifier: Apache-2.0
"""The driver for Alibaba Cloud OSS: buckets are part of the host name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from libcloud.storage.drivers.oss import OSSMultipartUpload, OSSStorageDriver
from libcloud.storage.providers import get_driver
from libcloud.storage.types import Provider
from libcloud.test._loopback import loopback_names
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.s3_servers import round_trip

HANGZHOU, BEIJING = "s3.oss-cn-hangzhou.aliyuncs.com", "s3.oss-cn-beijing.aliyuncs.com"
OPTIONS = Options(region=None, names={HANGZHOU: "cn-hangzhou", BEIJING: "cn-beijing"}, checksums=())


@contextlib.contextmanager
def store(**keywords: Any) -> Iterator[tuple[FakeS3, OSSStorageDriver]]:
    with loopback_names("aliyuncs.com"), FakeS3(OPTIONS) as server:
        place = {"secure": False, "port": server.port}
        yield server, OSSStorageDriver(server.key, server.secret, **{**place, **keywords})


def hosts(server: FakeS3) -> set[str]:
    return {dict(entry.headers)["host"].partition(":")[0] for entry in server.requests}


def test_the_registry_has_the_driver() -> None:
    assert get_driver(Provider.ALIYUN_OSS) is OSSStorageDriver


@pytest.mark.slow
def test_a_bucket_is_part_of_the_host() -> None:
    with store() as (server, driver):
        round_trip(driver, server)

        assert hosts(server) == {f"bucket.{HANGZHOU}"}


def test_buckets_are_listed_at_the_endpoint_itself() -> None:
    with store() as (server, driver):
        server.create_bucket("bucket")

        assert [container.name for container in driver.iterate_containers()] == ["bucket"]
        assert hosts(server) == {HANGZHOU}


@pytest.mark.parametrize(
    ("place", "host", "region"),
    [
        ({}, HANGZHOU, "cn-hangzhou"),
        ({"region": "cn-beijing"}, BEIJING, "cn-beijing"),
        ({"region": "oss-cn-beijing"}, BEIJING, "cn-beijing"),
        ({"host": BEIJING}, BEIJING, "cn-beijing"),
        ({"host": "oss-cn-beijing.aliyuncs.com"}, "oss-cn-beijing.aliyuncs.com", "cn-beijing"),
        (
            {"host": "oss-accelerate.aliyuncs.com"},
            "oss-accelerate.aliyuncs.com",
            "cn-hangzhou",
        ),
        (
            {"endpoint_url": "https://s3.oss-us-west-1-internal.aliyuncs.com"},
            "s3.oss-us-west-1-internal.aliyuncs.com",
            "us-west-1",
        ),
    ],
)
def test_host_and_region_follow_from_each_other(
    place: dict[str, str], host: str, region: str
) -> None:
    driver = OSSStorageDriver("key", "secret", **place)  # type: ignore[arg-type]  # keywords
    assert (driver.connection.host, driver.region_name) == (host, region)
    assert driver.connection.addressing.resolve("/bucket/key").host == f"bucket.{host}"


def test_an_address_has_the_bucket_in_the_path() -> None:
    driver = OSSStorageDriver("key", "secret", host="127.0.0.1", port=9000, secure=False)
    assert driver.connection.addressing.resolve("/bucket/key").action == "/bucket/key"


def test_a_container_can_be_created_in_another_region() -> None:
    with store() as (server, driver):
        container = driver.create_container("bucket", ex_location="oss-cn-beijing")
        driver.upload_object_via_stream(iter([b"abc"]), container, "key")

        assert server.body("bucket", "key") == b"abc"
        assert hosts(server) == {f"bucket.{BEIJING}"}


def test_uploads_in_progress_are_aborted_by_the_names_of_apache_libcloud() -> None:
    with store() as (server, driver):
        container = driver.create_container("bucket")
        driver._initiate_multipart(container, "key")
        (upload,) = driver.ex_iterate_multipart_uploads(container, max_uploads=10)
        assert isinstance(upload, OSSMultipartUpload)
        driver.ex_abort_all_multipart_uploads(container, prefix="k")

        assert not server.unfinished_uploads()


def test_a_subclass_may_turn_parts_off_by_the_name_of_apache_libcloud() -> None:
    class Whole(OSSStorageDriver):
        supports_multipart_upload = False

    assert not Whole("key", "secret").capabilities.multipart
    assert OSSStorageDriver("key", "secret").capabilities.multipart
