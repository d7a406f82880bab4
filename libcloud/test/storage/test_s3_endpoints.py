# SPDX-License-Identifier: Apache-2.0
"""Endpoints, and buckets in the path or in the host name."""

from __future__ import annotations

import contextlib
import copy
import pickle
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.request import urlopen

import pytest

from libcloud.storage.base import Container
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.drivers.minio import MinIOStorageDriver
from libcloud.storage.drivers.rgw import S3RGWStorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.s3 import profiles
from libcloud.storage.s3.endpoint import Endpoint, can_be_in_host, parse_endpoint
from libcloud.test._loopback import loopback_names
from libcloud.test.storage.fakes.options import AMAZON, SIGV2, Options
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.s3_servers import BUCKET, Store, store

DOMAIN = "store.test"


def make(**keywords: Any) -> Any:
    return S3StorageDriver("key", "secret", **keywords)


def where(driver: Any) -> tuple[Any, ...]:
    connection = driver.connection
    return connection.host, connection.port, connection.secure, connection.request_path


# endpoint_url.


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://localhost:9000", Endpoint("localhost", False, 9000)),
        ("https://s3.example.org", Endpoint("s3.example.org", True, 443)),
        ("http://s3.example.org/", Endpoint("s3.example.org", False, 80)),
        (" https://S3.Example.org:8443/storage/v1/s3/ ", None),
        ("http://[::1]:9000", Endpoint("::1", False, 9000)),
    ],
)
def test_an_endpoint_is_read_from_a_url(url: str, endpoint: Endpoint | None) -> None:
    expected = endpoint or Endpoint("s3.example.org", True, 8443, "/storage/v1/s3")
    assert parse_endpoint(url) == expected


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "not a valid URL"),
        ("s3.example.org", "not a valid URL"),
        ("s3://bucket", "not a valid URL"),
        ("https://", "not a valid URL"),
        ("https://host:port", "not a valid URL"),
        ("https://host:0", "not a valid URL"),
        ("https://host:99999", "not a valid URL"),
        ("https://key:hush@host", "must not contain credentials"),
        ("https://host?secret=hush", "no query"),
        ("https://host#hush", "no fragment"),
    ],
)
@pytest.mark.parametrize("kind", [S3StorageDriver, MinIOStorageDriver, GoogleStorageDriver])
def test_an_invalid_endpoint_is_rejected_without_quoting_it(
    kind: Any, url: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        kind("key", "secret", endpoint_url=url)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("kind", [S3StorageDriver, MinIOStorageDriver, S3RGWStorageDriver])
def test_a_driver_accepts_an_endpoint_url(kind: Any) -> None:
    driver = kind("key", "secret", endpoint_url="http://s3.example.org:9000/base/")
    assert where(driver) == ("s3.example.org", 9000, False, "/base")


def test_the_driver_for_google_accepts_an_endpoint_url() -> None:
    driver = GoogleStorageDriver("GOOGkey", "secret", endpoint_url="http://localhost:4443")
    assert where(driver)[:3] == ("localhost", 4443, False)


@pytest.mark.parametrize("other", [{"host": "h"}, {"port": 9}])
def test_an_endpoint_and_a_host_contradict_each_other(other: dict[str, Any]) -> None:
    for kind in (S3StorageDriver, MinIOStorageDriver, GoogleStorageDriver):
        with pytest.raises(ValueError, match="pass one of them"):
            kind("key", "secret", endpoint_url="http://e", **other)


def test_the_path_of_an_endpoint_is_signed_and_sent() -> None:
    # The server takes the first segment of the path for the bucket.
    with FakeS3() as server:
        server.create_bucket("base")
        driver = S3StorageDriver(server.key, server.secret, endpoint_url=f"{server.url}/base")
        container = Container(BUCKET, {}, driver)
        driver.upload_object_via_stream(iter([b"body"]), container, "a b")
        assert server.body("base", f"{BUCKET}/a b") == b"body"
        obj = container.get_object("a b")
        with urlopen(driver.get_object_cdn_url(obj), timeout=30) as answer:
            assert answer.read() == b"body"


# The profile and the region.


@pytest.mark.parametrize(
    ("keywords", "profile", "region"),
    [
        ({"endpoint_url": "https://1.r2.cloudflarestorage.com"}, profiles.R2, "auto"),
        ({"host": "1.r2.cloudflarestorage.com"}, profiles.R2, "us-east-1"),
        ({"host": "1.r2.cloudflarestorage.com", "region": "auto"}, profiles.R2, "auto"),
        ({"endpoint_url": "https://s3.eu-central-003.backblazeb2.com"}, profiles.B2, None),
        ({"endpoint_url": "https://fsn1.your-objectstorage.com"}, profiles.HETZNER, "fsn1"),
        ({"endpoint_url": "http://localhost:9000"}, profiles.GENERIC, "us-east-1"),
        ({"endpoint_url": "http://localhost", "ex_s3_profile": "garage"}, profiles.GARAGE, None),
        ({"host": "localhost", "ex_s3_profile": "MinIO"}, profiles.MINIO, "us-east-1"),
        ({"host": "s3.amazonaws.com"}, profiles.AMAZON, "us-east-1"),
        ({"endpoint_url": "https://s3.eu-north-1.amazonaws.com"}, profiles.AMAZON, "eu-north-1"),
        ({"host": "localhost", "ex_profile": profiles.MOTO}, profiles.MOTO, "us-east-1"),
        ({"ex_s3_profile": "wasabi"}, profiles.WASABI, "us-east-1"),
        ({}, profiles.AMAZON, "us-east-1"),
    ],
)
def test_a_profile_is_selected_by_name_or_by_host(
    keywords: dict[str, Any], profile: profiles.S3Profile, region: str | None
) -> None:
    driver = make(**keywords)
    assert driver.profile is profile
    assert driver.region_name == (region or {"Garage": "garage"}.get(profile.name, driver.region))


@pytest.mark.parametrize(
    ("keywords", "name"),
    [
        ({}, "Amazon S3 (us-east-1)"),
        ({"host": "localhost"}, "Amazon S3 (us-east-1)"),
        ({"endpoint_url": "https://1.r2.cloudflarestorage.com"}, "Cloudflare R2 (auto)"),
        ({"ex_s3_profile": "wasabi", "region": "eu-west-1"}, "Wasabi (eu-west-1)"),
    ],
)
def test_the_name_of_a_driver_contains_its_store(keywords: dict[str, Any], name: str) -> None:
    assert make(**keywords).name == name


def test_the_region_is_derived_from_the_host_of_backblaze() -> None:
    driver = make(endpoint_url="https://s3.eu-central-003.backblazeb2.com")
    assert driver.region_name == "eu-central-003"


def test_a_named_store_has_hosts_by_region() -> None:
    driver = make(ex_s3_profile="b2", region="us-west-001")
    assert driver.connection.host == "s3.us-west-001.backblazeb2.com"
    with pytest.raises(ValueError, match=r"Cloudflare R2 has no default host: pass endpoint"):
        make(ex_s3_profile="r2")
    with pytest.raises(ValueError, match="pass one of them"):
        make(ex_s3_profile="r2", ex_profile=profiles.R2)


@pytest.mark.parametrize(
    ("keywords", "host"),
    [
        ({}, "s3.amazonaws.com"),
        ({"region": "eu-west-1"}, "s3-eu-west-1.amazonaws.com"),
        ({"region": "eu-future-7"}, "s3.eu-future-7.amazonaws.com"),
        ({"region": "eu-west-1", "ex_addressing_style": "auto"}, "s3.eu-west-1.amazonaws.com"),
        ({"ex_addressing_style": "auto"}, "s3.amazonaws.com"),
        ({"region": "eu-west-1", "ex_use_dualstack": True}, "s3.dualstack.eu-west-1.amazonaws.com"),
        ({"region": "us-east-1", "ex_use_fips": True}, "s3-fips.us-east-1.amazonaws.com"),
        (
            {"region": "us-gov-west-1", "ex_use_fips": True, "ex_use_dualstack": True},
            "s3-fips.dualstack.us-gov-west-1.amazonaws.com",
        ),
        (
            {"region": "cn-north-1", "ex_use_dualstack": True},
            "s3.dualstack.cn-north-1.amazonaws.com.cn",
        ),
    ],
)
def test_amazons_hosts(keywords: dict[str, Any], host: str) -> None:
    assert make(**keywords).connection.host == host


@pytest.mark.parametrize(
    ("keywords", "complaint"),
    [
        ({"region": "cn-north-1", "ex_use_fips": True}, "no host for ex_use_fips in the region"),
        ({"host": "h", "ex_use_fips": True}, "ex_use_fips selects a host of Amazon"),
        ({"endpoint_url": "http://h", "ex_use_dualstack": True}, "do not pass host as well"),
        ({"ex_s3_profile": "wasabi", "ex_use_dualstack": True}, "no host for ex_use_dualstack"),
        ({"region": "moon"}, "Invalid or unsupported region: moon"),
        ({"ex_addressing_style": "host"}, "unknown addressing style 'host'"),
        ({"host": "10.0.0.1", "ex_addressing_style": "virtual"}, "use the addressing style 'path'"),
        ({"host": "::1", "ex_addressing_style": "virtual"}, "use the addressing style 'path'"),
    ],
)
def test_contradictory_options_are_rejected(keywords: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        make(**keywords)


# The style.


@pytest.mark.parametrize(
    ("bucket", "secure", "expected"),
    [
        ("bucket", True, True),
        ("a-1", True, True),
        ("a.b.c", True, False),
        ("a.b.c", False, True),
        ("ab", True, False),
        ("a" * 63, True, True),
        ("a" * 64, True, False),
        ("UPPER", True, False),
        ("under_score", False, False),
        ("-abc", True, False),
        ("abc-", True, False),
        ("a..b", False, False),
        ("192.168.0.1", False, False),
        ("a%20b", True, False),
        ("", True, False),
    ],
)
def test_a_bucket_is_part_of_a_host_if_its_name_can_be(
    bucket: str, secure: bool, expected: bool
) -> None:
    assert can_be_in_host(bucket, secure=secure) is expected


@pytest.mark.parametrize(
    ("keywords", "style"),
    [
        ({}, "path"),
        ({"ex_addressing_style": "auto"}, "virtual"),
        ({"ex_addressing_style": "virtual"}, "virtual"),
        ({"ex_addressing_style": "path"}, "path"),
        ({"ex_addressing_style": "auto", "ex_use_fips": True}, "virtual"),
        ({"ex_addressing_style": "auto", "host": "s3-eu-west-1.amazonaws.com"}, "virtual"),
        ({"ex_addressing_style": "auto", "host": "vpce-1.s3.r.vpce.amazonaws.com"}, "path"),
        ({"ex_addressing_style": "auto", "host": "localhost"}, "path"),
        ({"ex_addressing_style": "auto", "host": "10.0.0.1"}, "path"),
        ({"ex_addressing_style": "virtual", "host": "localhost"}, "virtual"),
        ({"ex_addressing_style": "auto", "endpoint_url": "https://t3.storage.dev"}, "virtual"),
        ({"ex_addressing_style": "auto", "host": "fly.storage.tigris.dev"}, "virtual"),
        ({"ex_addressing_style": "auto", "host": "1.r2.cloudflarestorage.com"}, "path"),
    ],
)
def test_the_addressing_style_depends_on_option_and_host(
    keywords: dict[str, Any], style: str
) -> None:
    assert make(**keywords).connection.addressing.style == style


def test_a_foreign_connection_class_supports_only_path_style() -> None:
    class Foreign:
        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

        def connect(self) -> None: ...

    class Driver(S3StorageDriver):
        connectionCls = Foreign

    Driver("key", "secret")
    with pytest.raises(TypeError, match="Foreign supports only the style 'path'"):
        Driver("key", "secret", ex_addressing_style="auto")


@contextlib.contextmanager
def named_store(version: str, style: str, **more: Any) -> Iterator[Store]:
    """A store that is known as :data:`DOMAIN`."""
    base = {"4": AMAZON, "2": SIGV2}[version]
    options = replace(base, region=None, names={DOMAIN: "us-east-1"}, **more)
    with (
        loopback_names(DOMAIN),
        store(options, version=version, host=DOMAIN, ex_addressing_style=style) as there,
    ):
        yield there


def hosts(there: Store) -> set[str]:
    return {dict(entry.headers)["host"] for entry in there.server.requests}


@pytest.mark.parametrize("version", ["4", "2"])
def test_every_operation_works_with_the_virtual_hosted_style(version: str) -> None:
    with named_store(version, "virtual") as there:
        data = there.in_parts(3, name="a/ü +~?&=.bin")
        assert there.body("a/ü +~?&=.bin") == data
        driver, container = there.driver, there.container
        obj = driver.get_object(BUCKET, "a/ü +~?&=.bin")
        assert b"".join(obj.as_stream()) == data
        assert b"".join(driver.download_object_range_as_stream(obj, 5, 9)) == data[5:9]
        copied = driver.ex_copy_object(obj, container, "copy")
        assert there.body("copy") == data
        assert sorted(found.name for found in container.iterate_objects()) == [
            "a/ü +~?&=.bin",
            "copy",
        ]
        assert list(driver.ex_iterate_multipart_uploads(container)) == []
        driver.ex_delete_objects([copied])
        assert driver.delete_object(obj)
        made = driver.create_container("made")
        assert driver.delete_container(made)
        there.assert_nothing_is_left()
        assert hosts(there) == {f"{name}.{DOMAIN}:{there.server.port}" for name in (BUCKET, "made")}


def test_requests_without_a_bucket_go_to_the_host_itself() -> None:
    with named_store("4", "virtual") as there:
        assert [found.name for found in there.driver.iterate_containers()] == [BUCKET]
        assert hosts(there) == {f"{DOMAIN}:{there.server.port}"}


def test_copies_between_buckets_name_the_source_by_its_bucket() -> None:
    with named_store("4", "virtual") as there:
        there.server.create_bucket("other")
        there.stream(iter([b"body"]))
        obj = there.driver.get_object(BUCKET, "object")
        there.driver.ex_copy_object(obj, Container("other", {}, there.driver), "copy")
        assert there.server.body("other", "copy") == b"body"


@pytest.mark.parametrize("style", ["virtual", "path"])
def test_presigned_urls_use_the_addressing_style(style: str) -> None:
    with named_store("4", style) as there:
        there.stream(iter([b"body"]), "a b")
        url = there.driver.get_object_cdn_url(there.driver.get_object(BUCKET, "a b"))
        begins = f"{BUCKET}.{DOMAIN}:{there.server.port}/a%20b?"
        if style == "path":
            begins = f"{DOMAIN}:{there.server.port}/{BUCKET}/a%20b?"
        assert url.startswith(f"http://{begins}")
        with urlopen(url, timeout=30) as answer:
            assert answer.read() == b"body"


@pytest.mark.slow  # a certificate is made
def test_a_certificate_is_checked_against_the_name_with_the_bucket() -> None:
    with named_store("4", "virtual", tls=True) as there:
        data = there.in_parts(3)
        assert there.body() == data
        there.server.create_bucket("a.b")
        # A wildcard matches one label: such a bucket stays in the path.
        dotted = Container("a.b", {}, there.driver)
        there.driver.upload_object_via_stream(iter([b"x"]), dotted, "object")
        assert hosts(there) == {
            f"{BUCKET}.{DOMAIN}:{there.server.port}",
            f"{DOMAIN}:{there.server.port}",
        }


@pytest.mark.parametrize("name", ["UPPER", "under_score", "ab"])
def test_a_bucket_that_cannot_be_in_a_host_stays_in_the_path(name: str) -> None:
    with named_store("4", "virtual") as there:
        there.server.create_bucket(name)
        container = Container(name, {}, there.driver)
        there.driver.upload_object_via_stream(iter([b"x"]), container, "object")
        assert there.server.body(name, "object") == b"x"
        assert hosts(there) == {f"{DOMAIN}:{there.server.port}"}


def test_path_style_is_the_default() -> None:
    with store() as there:
        there.stream(iter([b"x"]))
        assert [entry.target for entry in there.server.requests] == [f"/{BUCKET}/object"]
        assert hosts(there) == {f"{there.server.host}:{there.server.port}"}


def test_a_host_that_starts_like_the_bucket_does_not_contain_it() -> None:
    names = {f"{BUCKET}.example.test": "us-east-1"}
    options = Options(signature_versions=("2",), region=None, names=names, checksums=())
    host = f"{BUCKET}.example.test"
    with loopback_names("example.test"), store(options, version="2", host=host) as there:
        there.stream(iter([b"x"]))
        assert there.body() == b"x"


def by_pickle(driver: Any) -> Any:
    return pickle.loads(pickle.dumps(driver))


@pytest.mark.parametrize("twin", [copy.deepcopy, by_pickle])
def test_a_driver_can_be_copied_and_pickled(twin: Any) -> None:
    driver = make(host="s3.example.org", ex_addressing_style="virtual")
    assert driver.connection.addressing.learn_region("bucket", "mars-1")
    other = twin(driver)
    assert other.profile == driver.profile
    assert other.connection.addressing.resolve("/bucket/key").region == "mars-1"
    assert other.connection.addressing.learn_region("bucket", "mars-2")
    assert driver.connection.addressing.resolve("/bucket/key").region == "mars-1"
