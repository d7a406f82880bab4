# SPDX-License-Identifier: Apache-2.0
"""Stores as data."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from libcloud.storage.capabilities import GIB, MIB, TIB, Capabilities, Limits
from libcloud.storage.s3 import profiles
from libcloud.storage.s3.profiles import (
    PROFILES,
    S3Profile,
    capabilities,
    profile_named,
    profile_of_host,
)

ALL = [value for value in vars(profiles).values() if isinstance(value, S3Profile)]
NAMES = [profile.name for profile in ALL]

# The regions of Apache Libcloud 3.9.1, and the hosts that its users have in their firewalls.
KNOWN_HOSTS = """
us-east-1 s3.amazonaws.com
us-east-2 s3-us-east-2.amazonaws.com
us-west-1 s3-us-west-1.amazonaws.com
us-west-2 s3-us-west-2.amazonaws.com
us-gov-east-1 s3-us-gov-east-1.amazonaws.com
us-gov-west-1 s3-us-gov-west-1.amazonaws.com
cn-north-1 s3.cn-north-1.amazonaws.com.cn
cn-northwest-1 s3.cn-northwest-1.amazonaws.com.cn
eu-west-1 s3-eu-west-1.amazonaws.com
eu-west-2 s3-eu-west-2.amazonaws.com
eu-west-3 s3-eu-west-3.amazonaws.com
eu-north-1 s3.eu-north-1.amazonaws.com
eu-south-1 s3.eu-south-1.amazonaws.com
eu-central-1 s3-eu-central-1.amazonaws.com
ap-south-1 s3-ap-south-1.amazonaws.com
ap-southeast-1 s3-ap-southeast-1.amazonaws.com
ap-southeast-2 s3-ap-southeast-2.amazonaws.com
ap-northeast-1 s3-ap-northeast-1.amazonaws.com
ap-northeast-2 s3-ap-northeast-2.amazonaws.com
ap-northeast-3 s3.ap-northeast-3.amazonaws.com
sa-east-1 s3-sa-east-1.amazonaws.com
sa-east-2 s3-sa-east-2.amazonaws.com
ca-central-1 s3-ca-central-1.amazonaws.com
me-south-1 s3.me-south-1.amazonaws.com
af-south-1 s3.af-south-1.amazonaws.com
me-central-1 s3.me-central-1.amazonaws.com
"""

NEW_REGIONS = [
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-2",
    "il-central-1",
    "mx-central-1",
]


@pytest.mark.parametrize("line", KNOWN_HOSTS.split("\n")[1:-1])
def test_the_hosts_of_amazon_stay_what_they_were(line: str) -> None:
    region, host = line.split()
    assert profiles.AMAZON.host(region) == host


@pytest.mark.parametrize("region", NEW_REGIONS)
def test_the_newer_regions_of_amazon_have_hosts(region: str) -> None:
    assert profiles.AMAZON.host(region) == f"s3.{region}.amazonaws.com"


def test_amazon_has_no_other_regions() -> None:
    known = {line.split()[0] for line in KNOWN_HOSTS.split("\n")[1:-1]}
    assert set(profiles.AMAZON.hosts) == known | set(NEW_REGIONS) | {"eusc-de-east-1"}


@pytest.mark.parametrize(
    ("profile", "region", "host"),
    [
        (profiles.AMAZON, "moon-1", None),
        (profiles.AMAZON, "", None),
        (profiles.MINIO, "us-east-1", None),
        (profiles.RGW, "default", None),
        (profiles.OUTSCALE, "eu-west-2", "osu.eu-west-2.outscale.com"),
        (profiles.OUTSCALE, "cn-southeast-1", "osu.cn-southeast-1.outscale.hk"),
        (profiles.DO_SPACES, "nyc3", "nyc3.digitaloceanspaces.com"),
        (profiles.OVH, "sbg", "s3.sbg.perf.cloud.ovh.net"),
        (profiles.OVH, "gra", "s3.gra.perf.cloud.ovh.net"),
        (profiles.SCALEWAY, "fr-par", "s3.fr-par.scw.cloud"),
        (profiles.SCALEWAY, "pl-waw", "s3.pl-waw.scw.cloud"),
        (profiles.AURORA, "", "o.auroraobjects.eu"),
        (profiles.GOOGLE, "auto", "storage.googleapis.com"),
        (profiles.B2, "eu-central-003", "s3.eu-central-003.backblazeb2.com"),
        (profiles.WASABI, "us-east-1", "s3.wasabisys.com"),
        (profiles.WASABI, "eu-central-1", "s3.eu-central-1.wasabisys.com"),
        (profiles.WASABI, "", None),
    ],
)
def test_a_region_has_this_host(profile: S3Profile, region: str, host: str | None) -> None:
    assert profile.host(region) == host


@pytest.mark.parametrize("profile", ALL, ids=NAMES)
def test_the_default_region_has_a_host_if_any_region_has(profile: S3Profile) -> None:
    has_hosts = bool(profile.hosts or profile.host_pattern)
    assert (profile.host(profile.default_region) is not None) == has_hosts


@pytest.mark.parametrize("profile", ALL, ids=NAMES)
def test_a_profile_agrees_with_itself(profile: S3Profile) -> None:
    limits = profile.limits
    assert 0 < limits.min_part_size < limits.max_part_size <= limits.max_put_size
    assert limits.max_put_size <= limits.max_object_size
    assert limits.max_object_size <= limits.max_parts * limits.max_part_size
    assert set(profile.signature_versions) <= {"2", "4"}
    assert profile.signature_versions
    assert profile.list_version in (1, 2)
    assert profile.default_checksum is None or profile.default_checksum in profile.checksums
    assert not profile.full_object_checksum or profile.checksums


def test_profiles_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        profiles.AMAZON.name = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        profiles.AMAZON.hosts["x"] = "y"  # type: ignore[index]


def test_a_profile_may_be_derived() -> None:
    ours = dataclasses.replace(profiles.GENERIC, name="ours", host_pattern="{region}.example.org")
    assert ours.host("r1") == "r1.example.org"
    assert profiles.GENERIC.host("r1") is None


@pytest.mark.parametrize(
    ("profile", "region", "location"),
    [
        (profiles.AMAZON, "us-east-1", None),
        (profiles.AMAZON, "eu-west-1", "eu-west-1"),
        (profiles.AMAZON, "", None),
        (profiles.RGW, "default", "default"),
        (profiles.MINIO, "eu-west-1", None),
        (profiles.OVH, "sbg", None),
    ],
)
def test_create_bucket_sends_a_location_if_the_store_requires_one(
    profile: S3Profile, region: str, location: str | None
) -> None:
    assert profile.location(region) == location


def test_the_limits_are_those_of_the_stores() -> None:
    assert profiles.AMAZON.limits == Limits(5 * MIB, 5 * GIB, 10_000, 50_000 * GIB, 5 * GIB)
    assert profiles.GENERIC.limits.max_object_size == 5 * TIB
    assert profiles.SCALEWAY.limits.max_parts == 1000
    assert profiles.STORJ.limits.min_part_size == 64 * MIB
    assert profiles.B2.limits.min_part_size == 5_000_000
    assert profiles.R2.limits.max_put_size < 5 * GIB
    equal = [profile.name for profile in ALL if profile.limits.equal_parts]
    assert equal == ["Cloudflare R2"]


def test_checksums_are_sent_by_default_to_amazon_only() -> None:
    assert [profile.name for profile in ALL if profile.default_checksum] == ["Amazon S3"]


def test_nothing_special_is_expected_of_an_unknown_store() -> None:
    told = capabilities(profiles.GENERIC)
    assert told == Capabilities(
        multipart=True,
        limits=profiles.GENERIC.limits,
        metadata=True,
        content_type=True,
        prefix_listing=True,
        list_uploads=True,
        presigned_urls=True,
        url_encoded_listing=True,
        versions=True,
        tags=True,
        object_lock=True,
        lifecycle=True,
    )


def test_amazon_promises_all_but_chunked_uploads() -> None:
    told = dataclasses.asdict(capabilities(profiles.AMAZON))
    assert [name for name, value in told.items() if not value] == ["chunked_encoding"]


def test_capabilities_follow_the_flags_of_the_driver() -> None:
    told = capabilities(
        profiles.AMAZON, multipart=False, chunked_encoding=True, presigned_urls=False
    )
    assert (told.multipart, told.list_uploads) == (False, False)
    assert told.chunked_encoding
    assert not told.presigned_urls
    without = dataclasses.replace(profiles.AMAZON, supports_multipart=False)
    assert not capabilities(without).multipart


def test_a_store_of_version_2_has_no_presigned_urls() -> None:
    assert not capabilities(profiles.AURORA).presigned_urls


def test_every_checksum_can_be_named_in_a_header() -> None:
    assert {name for profile in ALL for name in profile.checksums} <= {
        "crc32",
        "crc32c",
        "crc64nvme",
        *(name for name in hashlib.algorithms_guaranteed if name.startswith("sha")),
    }


def test_every_profile_has_a_name() -> None:
    assert list(PROFILES) == sorted(PROFILES)
    assert {profile.name for profile in PROFILES.values()} == set(NAMES)
    assert profile_named("R2") is profiles.R2


def test_an_unknown_name_is_reported_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no S3 profile 'nimbus'; there are amazon, .*wasabi"):
        profile_named("nimbus")


@pytest.mark.parametrize(
    ("host", "profile"),
    [
        ("s3.amazonaws.com", profiles.AMAZON),
        ("bucket.vpce-1a-2b.s3.us-east-1.vpce.amazonaws.com", profiles.AMAZON),
        ("s3.cn-north-1.amazonaws.com.cn", profiles.AMAZON),
        ("s3.eusc-de-east-1.amazonaws.eu", profiles.AMAZON),
        ("0123abcd.r2.cloudflarestorage.com", profiles.R2),
        ("0123abcd.eu.r2.cloudflarestorage.com", profiles.R2),
        ("S3.us-west-004.backblazeb2.com", profiles.B2),
        ("s3.wasabisys.com", profiles.WASABI),
        ("gateway.eu1.storjshare.io", profiles.STORJ),
        ("t3.storage.dev", profiles.TIGRIS),
        ("fly.storage.tigris.dev", profiles.TIGRIS),
        ("fsn1.your-objectstorage.com", profiles.HETZNER),
        ("s3-eu-central-1.ionoscloud.com", profiles.IONOS),
        ("us-iad-10.linodeobjects.com", profiles.LINODE),
        ("ewr1.vultrobjects.com.", profiles.VULTR),
        ("b1n0.va.idrivee2-21.com", profiles.IDRIVE),
        ("fra1.digitaloceanspaces.com", profiles.DO_SPACES),
        ("s3.pl-waw.scw.cloud", profiles.SCALEWAY),
        ("storage.googleapis.com", profiles.GOOGLE),
        ("s3.amazonaws.com.example.org", None),
        ("notamazonaws.com", None),
        ("idrivee2-x.com", None),
        ("localhost", None),
        ("127.0.0.1", None),
        ("::1", None),
    ],
)
def test_a_store_is_found_by_its_host(host: str, profile: S3Profile | None) -> None:
    assert profile_of_host(host) is profile


@pytest.mark.parametrize(
    ("profile", "host", "region"),
    [
        (profiles.AMAZON, "s3.amazonaws.com", "us-east-1"),
        (profiles.AMAZON, "s3-eu-west-1.amazonaws.com", "eu-west-1"),
        (profiles.AMAZON, "s3.xx-mars-9.amazonaws.com", "xx-mars-9"),
        (profiles.AMAZON, "s3.us-iso-east-1.amazonaws.com", None),
        (profiles.AMAZON, "vpce-1a.s3.us-east-1.vpce.amazonaws.com", None),
        (profiles.AMAZON, "example.org", None),
        (profiles.AMAZON, "", None),
        (profiles.B2, "s3.us-west-004.backblazeb2.com", "us-west-004"),
        (profiles.B2, "s3..backblazeb2.com", None),
        (profiles.B2, "s3.a.b.backblazeb2.com", None),
        (profiles.IONOS, "s3-eu-central-1.ionoscloud.com", "de"),
        (profiles.R2, "1.r2.cloudflarestorage.com", None),
    ],
)
def test_the_region_is_derived_from_the_host(
    profile: S3Profile, host: str, region: str | None
) -> None:
    assert profile.region_of(host) == region
    assert profile.serves(host) == (region is not None)


@pytest.mark.parametrize("name", [name for name in PROFILES if PROFILES[name].domains])
def test_the_hosts_of_a_store_are_in_its_domains(name: str) -> None:
    profile = PROFILES[name]
    for host in profile.hosts.values():
        assert profile.owns(host)
    assert profile.host_pattern is None or profile.owns(profile.host_pattern)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-future-9", "s3.eu-future-9.amazonaws.com"),
        ("us-gov-future-9", "s3.us-gov-future-9.amazonaws.com"),
        ("cn-future-9", "s3.cn-future-9.amazonaws.com.cn"),
        ("us-iso-east-1", "s3.us-iso-east-1.c2s.ic.gov"),
        ("us-isob-east-1", "s3.us-isob-east-1.sc2s.sgov.gov"),
        ("eu-isoe-west-1", "s3.eu-isoe-west-1.cloud.adc-e.uk"),
        ("us-isof-south-1", "s3.us-isof-south-1.csp.hci.ic.gov"),
        ("eusc-de-east-9", "s3.eusc-de-east-9.amazonaws.eu"),
        ("evil.example.org/x-1", None),
        ("eu-west-1.example.org/", None),
        ("EU-WEST-1", None),
    ],
)
def test_regions_that_are_not_listed_have_hosts_by_their_form(
    region: str, host: str | None
) -> None:
    assert profiles.AMAZON.host(region) == host
