# SPDX-License-Identifier: Apache-2.0
"""The drivers of stores that speak S3: hosts, regions, signature versions and presigned URLs."""

from __future__ import annotations

from typing import Any
from urllib.request import urlopen

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers import auroraobjects, digitalocean_spaces, ovh, rgw, scaleway
from libcloud.storage.drivers.auroraobjects import AuroraObjectsStorageDriver
from libcloud.storage.drivers.digitalocean_spaces import DigitalOceanSpacesStorageDriver
from libcloud.storage.drivers.minio import MinIOConnectionAWS4, MinIOStorageDriver
from libcloud.storage.drivers.ovh import OvhStorageDriver
from libcloud.storage.drivers.rgw import S3RGWOutscaleStorageDriver, S3RGWStorageDriver
from libcloud.storage.drivers.s3 import S3SignatureV4Connection
from libcloud.storage.drivers.scaleway import ScalewayStorageDriver
from libcloud.storage.providers import get_driver
from libcloud.storage.types import Provider
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.s3_servers import any_region, connect, round_trip

# Connection classes by signature version.
CLASSES = {
    S3RGWStorageDriver: {"2": rgw.S3RGWConnectionAWS2, "4": rgw.S3RGWConnectionAWS4},
    DigitalOceanSpacesStorageDriver: {
        "2": digitalocean_spaces.DOSpacesConnectionAWS2,
        "4": digitalocean_spaces.DOSpacesConnectionAWS4,
    },
}
VERSIONS = [(kind, version) for kind in CLASSES for version in ("2", "4")]

# Drivers for several regions, with the title of an instance and the hosts of two of its regions.
REGIONAL: dict[Any, tuple[str, dict[str, str]]] = {
    OvhStorageDriver: ("Ovh Object Storage", ovh.REGION_TO_HOST_MAP),
    ScalewayStorageDriver: ("Scaleway Object Storage", scaleway.REGION_TO_HOST_MAP),
}

# Drivers whose region decides on the host, and hosts of them.
DECIDING: dict[Any, tuple[str, dict[str, str], tuple[str, ...]]] = {
    S3RGWOutscaleStorageDriver: (
        "OUTSCALE Ceph RGW S3",
        rgw.S3_RGW_OUTSCALE_HOSTS_BY_REGION,
        ("outscale.com", "osu.eu-west-1.outscale.com"),
    ),
    DigitalOceanSpacesStorageDriver: (
        "DigitalOcean Spaces",
        digitalocean_spaces.DO_SPACES_HOSTS_BY_REGION,
        ("digitaloceanspaces.com", "nyc3.digitaloceanspaces.com"),
    ),
}


@pytest.mark.parametrize(
    ("provider", "driver_type"),
    [
        (Provider.MINIO, MinIOStorageDriver),
        (Provider.S3_RGW, S3RGWStorageDriver),
        (Provider.S3_RGW_OUTSCALE, S3RGWOutscaleStorageDriver),
        (Provider.SCALEWAY, ScalewayStorageDriver),
        (Provider.OVH, OvhStorageDriver),
        (Provider.DIGITALOCEAN_SPACES, DigitalOceanSpacesStorageDriver),
        (Provider.AURORAOBJECTS, AuroraObjectsStorageDriver),
    ],
)
def test_the_registry_knows_the_driver(provider: str, driver_type: type[Any]) -> None:
    assert get_driver(provider) is driver_type


@pytest.mark.slow
@pytest.mark.parametrize(
    ("driver_type", "version", "options"),
    [
        (MinIOStorageDriver, "4", {}),
        (S3RGWStorageDriver, "2", {}),
        (S3RGWStorageDriver, "4", {}),
        (S3RGWOutscaleStorageDriver, "2", {}),
        (S3RGWOutscaleStorageDriver, "4", {}),
        (ScalewayStorageDriver, "4", {}),
        (OvhStorageDriver, "4", {}),
        (DigitalOceanSpacesStorageDriver, "2", {"url_encoded_listing": False}),
        (DigitalOceanSpacesStorageDriver, "4", {"url_encoded_listing": False}),
        (AuroraObjectsStorageDriver, "2", {"list_v2": False, "url_encoded_listing": False}),
    ],
)
def test_a_server_that_checks_signatures_agrees(
    driver_type: type[Any], version: str, options: dict[str, Any]
) -> None:
    with FakeS3(any_region(version, **options)) as server:
        has_both = getattr(driver_type, "connections", {})
        chosen = {"signature_version": version} if has_both else {}
        round_trip(connect(driver_type, server, **chosen), server)


@pytest.mark.parametrize(
    "driver_type", [MinIOStorageDriver, OvhStorageDriver, ScalewayStorageDriver]
)
def test_temporary_credentials_and_presigned_urls_work(driver_type: type[Any]) -> None:
    with FakeS3(any_region("4", session_token="t/o+k=n")) as server:
        server.create_bucket("bucket")
        driver = connect(driver_type, server, token="t/o+k=n")
        stored = driver.upload_object_via_stream(
            iter([b"abc"]), driver.get_container("bucket"), "a b//../c"
        )
        with urlopen(driver.get_object_cdn_url(stored)) as answer:
            assert answer.read() == b"abc"
        assert not server.violations


# Hosts.


@pytest.mark.parametrize("driver_type", [MinIOStorageDriver, S3RGWStorageDriver])
def test_a_host_is_needed(driver_type: type[Any]) -> None:
    with pytest.raises(LibcloudError, match="host argument is required"):
        driver_type("key", "secret")


def test_host_port_and_scheme_are_those_given() -> None:
    driver = MinIOStorageDriver("key", "secret", False, "minio.example.org", 9000)
    connection = driver.connection
    assert (connection.host, connection.port) == ("minio.example.org", 9000)
    assert not connection.secure
    assert driver.connectionCls.host == "minio.example.org"


def test_a_second_driver_does_not_disturb_the_first() -> None:
    first = MinIOStorageDriver("key", "secret", host="one.example.org")
    second = MinIOStorageDriver("key", "secret", host="two.example.org")
    assert first.connection.host == "one.example.org"
    assert second.connection.host == "two.example.org"
    assert first.connectionCls is second.connectionCls is MinIOConnectionAWS4


@pytest.mark.parametrize("driver_type", REGIONAL)
def test_drivers_of_two_regions_disturb_neither_each_other_nor_amazon(
    driver_type: type[Any],
) -> None:
    regions = list(REGIONAL[driver_type][1].items())[:2]
    made = [driver_type("key", "secret", True, None, None, region) for region, _ in regions]
    assert [driver.connection.host for driver in made] == [host for _, host in regions]
    assert {driver.connectionCls for driver in made} == {S3SignatureV4Connection}
    assert S3SignatureV4Connection("key", "secret").host == "s3.amazonaws.com"


def test_aurora_has_one_host() -> None:
    driver = AuroraObjectsStorageDriver("key", "secret")
    assert driver.connection.host == "o.auroraobjects.eu"
    assert driver.connectionCls is auroraobjects.BaseAuroraObjectsConnection


@pytest.mark.parametrize("driver_type", REGIONAL)
def test_settings_reach_the_connection(driver_type: type[Any]) -> None:
    driver = driver_type("key", "secret", token="token", timeout=7)
    assert (driver.connection.token, driver.connection.timeout) == ("token", 7)
    driver = driver_type("key", "secret", url="https://proxy.example.org:8443")
    assert (driver.connection.host, driver.connection.port) == ("proxy.example.org", 8443)


# Regions.


@pytest.mark.parametrize(
    ("driver_type", "host"),
    [
        (OvhStorageDriver, "s3.sbg.perf.cloud.ovh.net"),
        (ScalewayStorageDriver, "s3.fr-par.scw.cloud"),
        (DigitalOceanSpacesStorageDriver, "nyc3.digitaloceanspaces.com"),
        (S3RGWOutscaleStorageDriver, "osu.eu-west-2.outscale.com"),
    ],
)
def test_a_store_has_a_default_region(driver_type: type[Any], host: str) -> None:
    assert driver_type("key", "secret").connection.host == host


@pytest.mark.parametrize("driver_type", REGIONAL)
def test_the_region_names_the_host(driver_type: type[Any]) -> None:
    title, hosts = REGIONAL[driver_type]
    assert set(driver_type.list_regions()) == set(hosts)
    for region, host in hosts.items():
        driver = driver_type("key", "secret", region=region)
        assert driver.connection.host == driver.connectionCls.host == host
        assert (driver.region, driver.region_name) == (region, region)
        assert driver.name == f"{title} ({region})"


@pytest.mark.parametrize("driver_type", REGIONAL)
def test_an_unknown_region_needs_a_host(driver_type: type[Any]) -> None:
    for error in (ValueError, LibcloudError):
        with pytest.raises(error, match="Invalid or unsupported region: moon"):
            driver_type("key", "secret", region="moon")
    driver = driver_type("key", "secret", host="s3.moon.example.org", region="moon")
    assert (driver.connection.host, driver.region_name) == ("s3.moon.example.org", "moon")


@pytest.mark.parametrize("driver_type", DECIDING)
def test_the_region_decides_on_the_host(driver_type: type[Any]) -> None:
    title, hosts, own = DECIDING[driver_type]
    for region, host in hosts.items():
        for given in (None, *own):
            driver = driver_type("key", "secret", host=given, region=region)
            assert driver.connection.host == driver.connectionCls.host == host
            assert (driver.name, driver.region_name) == (f"{title} ({region})", region)


@pytest.mark.parametrize("driver_type", DECIDING)
def test_an_unknown_region_is_refused(driver_type: type[Any]) -> None:
    _, hosts, own = DECIDING[driver_type]
    for host in (None, own[-1]):
        with pytest.raises(LibcloudError, match=f"region: moon.*{', '.join(hosts)}"):
            driver_type("key", "secret", host=host, region="moon")


def test_outscale_behind_another_host() -> None:
    for host in ("proxy.example.org", "notoutscale.com"):
        driver = S3RGWOutscaleStorageDriver("key", "secret", host=host)
        assert driver.connection.host == host


def test_the_scope_names_a_region() -> None:
    assert MinIOStorageDriver("key", "secret", host="h").region_name == "us-east-1"
    other = MinIOStorageDriver("key", "secret", host="h", region="eu-1", timeout=7)
    assert (other.region_name, other.connection.timeout) == ("eu-1", 7)
    with FakeS3(Options(region="eu-1")) as server:
        server.create_bucket("bucket")
        driver = connect(MinIOStorageDriver, server, region="eu-1")
        assert driver.get_container("bucket").name == "bucket"


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
    assert S3RGWStorageDriver.name == "Ceph RGW"


# Signature versions, and what they allow.


@pytest.mark.parametrize(("driver_type", "version"), VERSIONS)
def test_the_signature_version_chooses_the_connection_class(
    driver_type: type[Any], version: str
) -> None:
    chosen = CLASSES[driver_type][version]
    for host in ("localhost", "h"):
        driver = driver_type("key", "secret", host=host, signature_version=version)
        assert driver.connectionCls is chosen
        assert driver.signature_version == version
        assert driver.connectionCls.host == driver.connection.host == host
    default = "nyc3.digitaloceanspaces.com"
    expected = "localhost" if driver_type is S3RGWStorageDriver else default
    assert chosen("key", "secret").host == expected


@pytest.mark.parametrize("driver_type", CLASSES)
def test_version_2_is_the_default(driver_type: type[Any]) -> None:
    assert driver_type("key", "secret", host="h").connectionCls is CLASSES[driver_type]["2"]


@pytest.mark.parametrize("driver_type", CLASSES)
def test_another_signature_version_is_refused(driver_type: type[Any]) -> None:
    with pytest.raises(ValueError, match="Invalid signature_version: 3"):
        driver_type("key", "secret", host="h", signature_version="3")


@pytest.mark.parametrize(("version", "presigned"), [("2", False), ("4", True)])
def test_presigned_urls_need_version_4(version: str, presigned: bool) -> None:
    driver = S3RGWStorageDriver("key", "secret", host="h", signature_version=version)
    assert driver.capabilities.presigned_urls is presigned


@pytest.mark.parametrize(
    ("driver_type", "options", "error"),
    [
        (DigitalOceanSpacesStorageDriver, {"signature_version": "2"}, NotImplementedError),
        (DigitalOceanSpacesStorageDriver, {"signature_version": "4"}, NotImplementedError),
        (AuroraObjectsStorageDriver, {}, LibcloudError),
    ],
)
def test_there_is_no_cdn(
    driver_type: type[Any], options: dict[str, Any], error: type[Exception]
) -> None:
    driver = driver_type("key", "secret", **options)
    container = Container("container", {}, driver)
    obj = Object("object", 1, "hash", {}, {}, container, driver)
    for method in (container.enable_cdn, container.get_cdn_url, obj.enable_cdn, obj.get_cdn_url):
        with pytest.raises(error) as caught:
            method()
        if error is LibcloudError:
            assert auroraobjects.NO_CDN_SUPPORT_ERROR in str(caught.value)
    assert not driver.capabilities.presigned_urls


def test_an_upload_to_scaleway_has_at_most_1000_parts() -> None:
    assert ScalewayStorageDriver("key", "secret").capabilities.limits.max_parts == 1000
