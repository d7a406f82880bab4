# SPDX-License-Identifier: Apache-2.0
"""Profiles of hosted services; see :mod:`~libcloud.storage.s3.profiles`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from libcloud.storage.capabilities import GIB, MIB, TIB, Limits
from libcloud.storage.s3.profiles.profile import S3Profile

# The hosts that Apache Libcloud 3.9.1 uses: some in the older form with a hyphen, which these
# regions still serve. sa-east-2 is in its list, though Amazon has no such region.
_HYPHENATED = """
    us-east-2 us-west-1 us-west-2 us-gov-east-1 us-gov-west-1 eu-west-1 eu-west-2 eu-west-3
    eu-central-1 ap-south-1 ap-southeast-1 ap-southeast-2 ap-northeast-1 ap-northeast-2
    sa-east-1 sa-east-2 ca-central-1
""".split()

# botocore 1.44.5, data/endpoints.json: partition "aws", service "s3".
_DOTTED = """
    eu-north-1 eu-south-1 eu-south-2 eu-central-2 ap-east-1 ap-east-2 ap-northeast-3 ap-south-2
    ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 me-south-1
    me-central-1 af-south-1 ca-west-1 il-central-1 mx-central-1
""".split()

# The same file: partitions "aws-cn" and "aws-eusc".
_CHINA = ("cn-north-1", "cn-northwest-1")
_EUROPEAN_SOVEREIGN = ("eusc-de-east-1",)

AMAZON_HOSTS: Mapping[str, str] = MappingProxyType(
    {
        "us-east-1": "s3.amazonaws.com",
        **{region: f"s3-{region}.amazonaws.com" for region in _HYPHENATED},
        **{region: f"s3.{region}.amazonaws.com" for region in _DOTTED},
        **{region: f"s3.{region}.amazonaws.com.cn" for region in _CHINA},
        **{region: f"s3.{region}.amazonaws.eu" for region in _EUROPEAN_SOVEREIGN},
    }
)

# Regions that came later, by the partition that their names tell, and the variants that the hosts
# of the partition have. Asked of botocore 1.44.8; test_endpoints_of_boto.py asks it again.
_ALL = ("dualstack", "fips")
AMAZON_PATTERNS = (
    (r"us-gov-[a-z]+-\d+", "s3.{region}.amazonaws.com", _ALL),
    (r"cn-[a-z]+-\d+", "s3.{region}.amazonaws.com.cn", ("dualstack",)),
    (r"eusc-[a-z]+-[a-z]+-\d+", "s3.{region}.amazonaws.eu", _ALL),
    (r"us-iso-[a-z]+-\d+", "s3.{region}.c2s.ic.gov", _ALL),
    (r"us-isob-[a-z]+-\d+", "s3.{region}.sc2s.sgov.gov", _ALL),
    (r"eu-isoe-[a-z]+-\d+", "s3.{region}.cloud.adc-e.uk", ("fips",)),
    (r"(?:us|eu)-isof-[a-z]+-\d+", "s3.{region}.csp.hci.ic.gov", ("fips",)),
    (r"[a-z]{2}-[a-z]+-\d+", "s3.{region}.amazonaws.com", _ALL),
)


def _hosts(pattern: str, regions: str, **others: str) -> Mapping[str, str]:
    """The hosts of ``regions``; in ``others``, a region has an underscore for each hyphen."""
    found = {region: pattern.format(region=region) for region in regions.split()}
    found.update((name.replace("_", "-"), host) for name, host in others.items())
    return MappingProxyType(found)


_MB = 1000 * 1000
_GB = 1000 * _MB
_TB = 1000 * _GB
# Of stores whose documentation has decimal units, or none: to be on the safe side.
_DECIMAL = Limits(max_part_size=5 * _GB, max_object_size=5 * _TB, max_put_size=5 * _GB)

AMAZON = S3Profile(
    name="Amazon S3",
    hosts=AMAZON_HOSTS,
    host_patterns=AMAZON_PATTERNS,
    # The last one is China's.
    domains=(r"\.amazonaws\.com", r"\.amazonaws\.eu", r"\.amazonaws\.com\.cn"),
    # Amazon S3 User Guide, "Virtual hosting of general purpose buckets": the bucket in the path is
    # the older style, which is still supported.
    path_style=False,
    location_constraint=True,
    list_version=2,
    url_encoded_listing=True,
    limits=Limits(),
    supports_copy_part=True,
    etag_is_md5=True,
    multipart_etag=True,
    # Amazon S3 User Guide, "Checking object integrity in Amazon S3"; by measured cost.
    checksums=("crc32", "crc32c", "crc64nvme", "sha256", "sha1"),
    default_checksum="crc32",
    full_object_checksum=True,
    object_size_check=True,
    unsigned_payload=True,
    # Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header",
    # STREAMING-UNSIGNED-PAYLOAD-TRAILER. Cloudflare R2 and older servers have none of that.
    trailing_checksums=True,
    conditional_writes=True,
    any_object_name=True,
)

OUTSCALE = S3Profile(
    name="Outscale",
    domains=(r"\.outscale\.com", r"\.outscale\.hk"),
    hosts=_hosts(
        "osu.{region}.outscale.com",
        "eu-west-1 eu-west-2 us-west-1 us-east-2",
        cn_southeast_1="osu.cn-southeast-1.outscale.hk",
    ),
    default_region="eu-west-2",
    signature_versions=("2", "4"),
    location_constraint=True,
    etag_is_md5=True,
)

DO_SPACES = S3Profile(
    name="DigitalOcean Spaces",
    domains=(r"\.digitaloceanspaces\.com",),
    # docs.digitalocean.com, "Spaces Availability".
    hosts=_hosts("{region}.digitaloceanspaces.com", "nyc3 ams3 sfo2 sfo3 sgp1 fra1 blr1 syd1"),
    default_region="nyc3",
    signature_versions=("2", "4"),
    # No url-encoded listing (rclone: quirks of "DigitalOcean"). Limits: docs.digitalocean.com,
    # "Spaces Limits": 5 TB per object, 5 GB per PUT.
    limits=_DECIMAL,
    etag_is_md5=True,
    multipart_etag=True,
)

OVH = S3Profile(
    name="OVH",
    domains=(r"\.cloud\.ovh\.net", r"\.cloud\.ovh\.us"),
    hosts=_hosts("s3.{region}.perf.cloud.ovh.net", "sbg gra"),
    default_region="sbg",
    etag_is_md5=True,
)

SCALEWAY = S3Profile(
    name="Scaleway",
    domains=(r"\.scw\.cloud",),
    hosts=_hosts("s3.{region}.scw.cloud", "fr-par nl-ams pl-waw"),
    default_region="fr-par",
    # scaleway.com/en/docs/object-storage: 1,000 parts of 5 MB to 5 GB, 5 TB per object.
    limits=replace(_DECIMAL, max_parts=1000),
    etag_is_md5=True,
)

AURORA = S3Profile(
    name="AuroraObjects",
    domains=(r"\.auroraobjects\.eu",),
    hosts={"": "o.auroraobjects.eu"},
    default_region="",
    signature_versions=("2",),
    etag_is_md5=True,
    etag_was_seen=False,
)

GOOGLE = S3Profile(
    name="Google Cloud Storage (XML API)",
    domains=(r"\.storage\.googleapis\.com",),
    hosts={"auto": "storage.googleapis.com"},
    default_region="auto",
    signature_versions=("2", "4"),
    # cloud.google.com/storage/docs/multipart-uploads: no preconditions on multipart uploads, the
    # composed object has no MD5, uploads never expire. UploadPartCopy is not supported, and one
    # CopyObject copies any size (rclone: quirks of "GCS"); DeleteObjects is not supported (s5cmd).
    # Generations take the place of versions; lifecycle rules are another document; no tags.
    versions=False,
    tags=False,
    object_lock=False,
    lifecycle=False,
    copies_any_size=True,
    bulk_delete=False,
    multipart_conditions=False,
    etag_is_md5=True,
    list_version=2,
    url_encoded_listing=True,
)

R2 = S3Profile(
    name="Cloudflare R2",
    domains=(r"\.r2\.cloudflarestorage\.com",),
    # <account>.r2.cloudflarestorage.com: the user specifies it.
    default_region="auto",
    list_version=2,
    url_encoded_listing=True,
    # developers.cloudflare.com/r2/platform/limits: PUT 4.995 GiB, object 4.995 TiB;
    # .../r2/objects/multipart-objects: parts of equal size.
    limits=Limits(
        max_part_size=5 * GIB - 5 * MIB,
        max_object_size=5 * TIB - 5 * GIB,
        max_put_size=5 * GIB - 5 * MIB,
        equal_parts=True,
    ),
    supports_copy_part=True,
    etag_is_md5=True,
    # As Amazon's since June 2023 (R2 changelog).
    multipart_etag=True,
    # CRC32 since April 2025; the others were missing then (skypilot#5282). Not sent by default.
    checksums=("crc32",),
    unsigned_payload=True,
    # developers.cloudflare.com/r2/api/s3/api: not implemented.
    versions=False,
    tags=False,
    object_lock=False,
)

B2 = S3Profile(
    name="Backblaze B2",
    # backblaze.com/docs, "Command-Line Tool": environment variables.
    key_variables=(("B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY", ""),),
    domains=(r"\.backblazeb2\.com",),
    host_pattern="s3.{region}.backblazeb2.com",
    default_region="us-west-004",
    list_version=2,
    url_encoded_listing=True,
    # backblaze.com/docs: parts of 5 MB to 5 GB, 10,000 of them, files of 10 TB. It rejects
    # x-amz-sdk-checksum-algorithm (s3transfer#327).
    limits=replace(_DECIMAL, min_part_size=5 * _MB, max_object_size=10 * _TB),
    supports_copy_part=True,
    # backblaze.com/docs, "S3-Compatible API", lists no operation on tags.
    tags=False,
)

OSS = S3Profile(
    name="Alibaba Cloud OSS",
    # alibabacloud.com/help, "Configure ossutil 2.0" and "Manage access credentials" of the SDKs.
    key_variables=(
        ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"),
        (
            "ALIBABA_CLOUD_ACCESS_KEY_ID",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "ALIBABA_CLOUD_SECURITY_TOKEN",
        ),
    ),
    # alibabacloud.com/help, "Regions and endpoints": the first region of Apache Libcloud's driver.
    hosts={"cn-hangzhou": "s3.oss-cn-hangzhou.aliyuncs.com"},
    host_pattern="s3.oss-{region}.aliyuncs.com",
    domains=(r"\.aliyuncs\.com",),
    default_region="cn-hangzhou",
    # The same, "S3 API on OSS": only virtual-hosted-style addresses; ListMultipartUploads is not
    # among the operations. The ETag of an object sent by one request is its MD5, at some hosts in
    # upper case (gitlab-org/charts#1564).
    path_style=False,
    list_version=2,
    list_uploads=False,
    supports_copy_part=True,
    etag_is_md5=True,
    etag_was_seen=False,
    checks_payload=False,
    # The same, "Limits": parts of 100 KB to 5 GB, 10,000 of them.
    limits=replace(_DECIMAL, min_part_size=100 * 1024, max_object_size=48 * _TB),
)

WASABI = S3Profile(
    name="Wasabi",
    domains=(r"\.wasabisys\.com",),
    # docs.wasabi.com, "What are the service URLs for Wasabi's different storage regions?"
    hosts={"us-east-1": "s3.wasabisys.com"},
    host_pattern="s3.{region}.wasabisys.com",
    location_constraint=True,
    list_version=2,
    url_encoded_listing=True,
    supports_copy_part=True,
    etag_is_md5=True,
)

STORJ = S3Profile(
    name="Storj",
    domains=(r"\.storjshare\.io",),
    hosts={"global": "gateway.storjshare.io"},
    default_region="global",
    list_version=2,
    # A segment is 64 MiB, and each part takes at least one; no UploadPartCopy (rclone: "Storj").
    limits=Limits(min_part_size=64 * MIB, max_object_size=5 * TIB),
)

TIGRIS = S3Profile(
    name="Tigris",
    # tigrisdata.com/docs: t3.storage.dev; fly.storage.tigris.dev on Fly. The region is "auto".
    hosts={"auto": "t3.storage.dev"},
    more_hosts=("fly.storage.tigris.dev",),
    domains=(r"\.storage\.dev", r"\.storage\.tigris\.dev"),
    default_region="auto",
    # The same, "Bucket URL format": buckets created after 19 February 2025 are addressed only by
    # host name.
    path_style=False,
    list_version=2,
    url_encoded_listing=True,
)

HETZNER = S3Profile(
    name="Hetzner Object Storage",
    # docs.hetzner.com/storage/object-storage: fsn1, nbg1, hel1; the location is the region. Runs
    # Ceph, see there: limits, here and below, are Ceph's.
    host_pattern="{region}.your-objectstorage.com",
    domains=(r"\.your-objectstorage\.com",),
    default_region="fsn1",
    url_encoded_listing=True,
    limits=_DECIMAL,
)

IONOS = S3Profile(
    name="IONOS Object Storage",
    # rclone: endpoints and regions of "IONOS"; the first region is called "de".
    hosts={
        "de": "s3-eu-central-1.ionoscloud.com",
        "eu-central-2": "s3-eu-central-2.ionoscloud.com",
        "eu-south-2": "s3-eu-south-2.ionoscloud.com",
    },
    domains=(r"\.ionoscloud\.com",),
    default_region="de",
    # No url-encoded listing (rclone: quirks of "IONOS").
)

LINODE = S3Profile(
    name="Linode Object Storage (Akamai)",
    # techdocs.akamai.com/cloud-computing: hosts are REGION.linodeobjects.com. Runs Ceph, see there.
    host_pattern="{region}.linodeobjects.com",
    domains=(r"\.linodeobjects\.com",),
    url_encoded_listing=True,
    limits=_DECIMAL,
)

VULTR = S3Profile(
    name="Vultr Object Storage",
    # docs.vultr.com: hosts are LOCATION.vultrobjects.com, such as ewr1. Runs Ceph, see there.
    host_pattern="{region}.vultrobjects.com",
    domains=(r"\.vultrobjects\.com",),
    default_region="ewr1",
    url_encoded_listing=True,
    limits=_DECIMAL,
)

IDRIVE = S3Profile(
    name="IDrive e2",
    # Each account has one host per region, such as b1n0.va.idrivee2-21.com: the user specifies it.
    domains=(r"\.idrivee2(?:-\d+)?\.com",),
)
