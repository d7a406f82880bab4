# SPDX-License-Identifier: Apache-2.0
"""Hosts and styles are those that botocore decides on. It is asked for URLs; nothing is sent."""

from __future__ import annotations

import functools
from typing import Any
from urllib.parse import urlsplit

import botocore.exceptions
import botocore.session
import pytest
from botocore.config import Config

from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.s3 import S3StorageDriver

pytestmark = pytest.mark.slow  # clients of botocore take a while to be made

REGIONS = [
    "us-east-1",
    "eu-west-1",
    "eu-central-2",
    "ap-southeast-7",
    "us-gov-west-1",
    "cn-north-1",
    "cn-future-1",
    "eusc-de-east-1",
    "us-iso-east-1",
    "us-isob-east-1",
    "eu-isoe-west-1",
    "us-isof-south-1",
]
BUCKETS = ["bucket", "a.b", "UPPER", "x_y", "192.168.0.1", "ab", "a" * 63, "a" * 64, "ab-", "xn--a"]
# botocore puts a bucket before an address too, if it has a dot; that cannot be reached.
ENDPOINTS = ["http://localhost:9000", "https://x.example", "https://x.example:1/base"]


@functools.cache
def session() -> Any:
    return botocore.session.Session()


@functools.cache
def theirs(region: str, style: str, endpoint: str | None, dualstack: bool, fips: bool) -> Any:
    config = Config(
        s3={"addressing_style": style},
        signature_version="s3v4",
        use_dualstack_endpoint=dualstack,
        use_fips_endpoint=fips,
    )
    return session().create_client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=config,
    )


def their_url(client: Any, bucket: str) -> str:
    return plain(client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"}))


def our_url(bucket: str, **keywords: Any) -> str:
    driver = S3StorageDriver("key", "secret", **keywords)
    obj = Object("k", 1, None, {}, {}, Container(bucket, {}, driver), driver)
    return plain(driver.get_object_cdn_url(obj))


def plain(url: str) -> str:
    parts = urlsplit(url)
    default = {"https": ":443", "http": ":80"}[parts.scheme]
    return f"{parts.scheme}://{parts.netloc.removesuffix(default)}{parts.path}"


@pytest.mark.parametrize("variant", ["plain", "dualstack", "fips", "dualstack-fips"])
@pytest.mark.parametrize("region", REGIONS)
def test_the_host_of_a_region(region: str, variant: str) -> None:
    dualstack, fips = "dualstack" in variant, "fips" in variant
    try:
        expected = their_url(theirs(region, "virtual", None, dualstack, fips), "bucket")
    except botocore.exceptions.BotoCoreError:
        expected = ""
    wish = {"ex_use_dualstack": dualstack, "ex_use_fips": fips, "ex_addressing_style": "auto"}
    try:
        found = our_url("bucket", region=region, **wish)
    except ValueError:
        found = ""
    assert found == expected


@pytest.mark.parametrize("bucket", BUCKETS)
@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("endpoint", [None, *ENDPOINTS])
def test_the_region_of_a_bucket(endpoint: str | None, style: str, bucket: str) -> None:
    client = theirs("eu-central-2", style, endpoint, False, False)
    where: dict[str, Any] = {"endpoint_url": endpoint} if endpoint else {}
    found = our_url(bucket, region="eu-central-2", ex_addressing_style=style, **where)
    assert found == their_url(client, bucket)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_custom_endpoint_has_the_bucket_in_the_path_by_default(endpoint: str) -> None:
    client = theirs("us-east-1", "auto", endpoint, False, False)
    found = our_url("bucket", endpoint_url=endpoint, ex_addressing_style="auto")
    assert found == their_url(client, "bucket")
