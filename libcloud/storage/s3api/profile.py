# SPDX-License-Identifier: Apache-2.0
"""What differs between the stores that speak S3, as data.

A store's driver is a class with a name, a website and one of these profiles. Each value that is not
Amazon's has its source beside it; where nothing is known of a store, the cautious value stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from libcloud.storage.capabilities import GIB, KIB, MIB, TIB, Capabilities, Limits
from libcloud.storage.s3api.regions import (
    AMAZON_HOSTS,
    DIGITALOCEAN_HOSTS,
    OUTSCALE_HOSTS,
    OVH_HOSTS,
    SCALEWAY_HOSTS,
)

__all__ = [
    "AMAZON",
    "AURORA",
    "B2",
    "DO_SPACES",
    "GENERIC",
    "GOOGLE",
    "MINIO",
    "MOTO",
    "OUTSCALE",
    "OVH",
    "R2",
    "RCLONE",
    "RGW",
    "SCALEWAY",
    "STORJ",
    "WASABI",
    "S3Profile",
    "capabilities",
]

_MB = 1000 * 1000
_GB = 1000 * _MB
_TB = 1000 * _GB

# Amazon's limits but for the object, which is 5 TiB nearly everywhere: what Amazon itself said
# until December 2025.
_LIMITS = Limits(max_object_size=5 * TIB)


@dataclass(frozen=True, slots=True)
class S3Profile:
    """One store, or one kind of server. The defaults suit a server of which nothing is known.

    :param name: for messages.
    :param hosts: host by region, for the regions that have a host of their own.
    :param host_pattern: host of any other region, with ``{region}`` in it; ``None``: there is none.
    :param default_region: used if the user names none; empty if signatures name no region.
    :param signature_versions: ``"2"`` and ``"4"``; the one to use by default comes first.
    :param path_style: the bucket stands in the path, not in the host.
    :param location_constraint: CreateBucket names the region in its body.
    :param list_version: of ListObjects: 1 or 2.
    :param url_encoded_listing: listings can be asked for with percent-encoded names.
    :param limits: sizes, bytes.
    :param supports_multipart: uploads in parts are possible.
    :param supports_copy_part: a part can be copied from an object.
    :param copies_any_size: one CopyObject copies objects larger than one PUT, too.
    :param bulk_delete: DeleteObjects is there; s5cmd uses it with every store but Google's.
    :param list_uploads: unfinished uploads can be listed.
    :param etag_is_md5: an ETag of 32 hexadecimal digits, of an object sent by one PUT without
        encryption by a customer's or KMS key, is the MD5 of the object.
    :param multipart_etag: the ETag of an object made of parts is, in HEAD too, the MD5 of the
        parts' MD5s, a hyphen and the number of parts.
    :param checksums: algorithms whose ``x-amz-checksum-`` header the store verifies, the cheapest
        first.
    :param default_checksum: the one to send over https without being asked; ``None``: none.
    :param full_object_checksum: a CRC of the whole object can be given at Complete.
    :param object_size_check: Complete verifies ``x-amz-mp-object-size``.
    :param checks_payload: the store compares the body with the SHA-256 that Signature Version 4
        carries; a ``Content-MD5`` is sent to those that do not.
    :param unsigned_payload: over https the body need not be part of the signature.
    :param conditional_writes: ``If-None-Match`` and ``If-Match`` hold on PUT and on Complete.
    :param any_object_name: see :class:`~libcloud.storage.capabilities.Capabilities`.
    :param nested_names: likewise.
    :param metadata: likewise.
    :param partial_status: status of the answer to a range: 206 by RFC 9110, 15.3.7.
    """

    name: str
    hosts: Mapping[str, str] = field(default_factory=dict)
    host_pattern: str | None = None
    default_region: str = "us-east-1"
    signature_versions: tuple[str, ...] = ("4",)
    path_style: bool = True
    location_constraint: bool = False
    list_version: int = 1
    url_encoded_listing: bool = False
    limits: Limits = field(default=_LIMITS)
    supports_multipart: bool = True
    supports_copy_part: bool = False
    copies_any_size: bool = False
    bulk_delete: bool = False
    list_uploads: bool = True
    etag_is_md5: bool = False
    multipart_etag: bool = False
    checksums: tuple[str, ...] = ()
    default_checksum: str | None = None
    full_object_checksum: bool = False
    object_size_check: bool = False
    checks_payload: bool = True
    unsigned_payload: bool = False
    conditional_writes: bool = False
    any_object_name: bool = False
    nested_names: bool = True
    metadata: bool = True
    partial_status: int = 206

    def host(self, region: str) -> str | None:
        """The host that serves ``region``; ``None`` if the store has none of that name."""
        if region in self.hosts:
            return self.hosts[region]
        return self.host_pattern.format(region=region) if self.host_pattern and region else None

    def location(self, region: str) -> str | None:
        """What CreateBucket names as location for ``region``; ``None``: it names none."""
        # us-east-1 is the one region that must not be named: Amazon S3 API Reference,
        # "CreateBucket", LocationConstraint.
        if not self.location_constraint or not region or region == "us-east-1":
            return None
        return region


def capabilities(
    profile: S3Profile,
    *,
    multipart: bool = True,
    chunked_encoding: bool = False,
    presigned_urls: bool | None = None,
) -> Capabilities:
    """What a driver for the store of ``profile`` promises.

    :param multipart: the driver's own flag; both must agree.
    :param chunked_encoding: likewise the driver's; S3 itself wants a Content-Length.
    :param presigned_urls: ``None``: as the signature versions have it.
    """
    in_parts = multipart and profile.supports_multipart
    if presigned_urls is None:
        presigned_urls = "4" in profile.signature_versions
    return Capabilities(
        multipart=in_parts,
        chunked_encoding=chunked_encoding,
        limits=profile.limits,
        any_object_name=profile.any_object_name,
        nested_names=profile.nested_names,
        metadata=profile.metadata,
        content_type=True,
        etag_is_md5=profile.etag_is_md5,
        prefix_listing=True,
        range_reads=True,
        conditional_writes=profile.conditional_writes,
        list_uploads=in_parts and profile.list_uploads,
        presigned_urls=presigned_urls,
        checksums=profile.checksums,
        url_encoded_listing=profile.url_encoded_listing,
    )


# boto3 names the region of a new bucket and asks for encoded names wherever it is used, so that
# stores know both; one that refuses the latter is asked again without it.
GENERIC = S3Profile(name="S3-compatible store", location_constraint=True, url_encoded_listing=True)

AMAZON = S3Profile(
    name="Amazon S3",
    hosts=AMAZON_HOSTS,
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
    conditional_writes=True,
    any_object_name=True,
    bulk_delete=True,
)

MINIO = S3Profile(
    name="MinIO",
    list_version=2,
    url_encoded_listing=True,
    supports_copy_part=True,
    # Not with compression, encryption or --no-compat: those ETags are not 32 digits long
    # (github.com/apache/libcloud/issues/1607).
    etag_is_md5=True,
    multipart_etag=True,
    # Old releases refuse x-amz-checksum-* (galaxy-operator#262), so nothing is sent unasked.
    checksums=("crc32", "crc32c", "sha256", "sha1"),
    unsigned_payload=True,
    bulk_delete=True,
)

RGW = S3Profile(
    name="Ceph RGW",
    default_region="default",
    # Upstream's driver signs by version 2 unless told otherwise.
    signature_versions=("2", "4"),
    location_constraint=True,
    # Old releases have neither ListObjectsV2 nor encoding-type (rclone: quirks of "Ceph").
    # Limits: docs.ceph.com, "Ceph Object Gateway Config Reference", rgw_multipart_min_part_size,
    # rgw_multipart_part_upload_limit, rgw_max_put_size.
    etag_is_md5=True,
    multipart_etag=True,
    supports_copy_part=True,
    bulk_delete=True,
)

OUTSCALE = S3Profile(
    name="Outscale",
    hosts=OUTSCALE_HOSTS,
    default_region="eu-west-2",
    signature_versions=("2", "4"),
    location_constraint=True,
    etag_is_md5=True,
    bulk_delete=True,
)

DO_SPACES = S3Profile(
    name="DigitalOcean Spaces",
    hosts=DIGITALOCEAN_HOSTS,
    default_region="nyc3",
    signature_versions=("2", "4"),
    # No url-encoded listing (rclone: quirks of "DigitalOcean"). Limits: docs.digitalocean.com,
    # "Spaces Limits": 5 TB an object, 5 GB a PUT, in decimal units to be on the safe side.
    limits=Limits(max_part_size=5 * _GB, max_object_size=5 * _TB, max_put_size=5 * _GB),
    etag_is_md5=True,
    multipart_etag=True,
    bulk_delete=True,
)

OVH = S3Profile(
    name="OVH",
    hosts=OVH_HOSTS,
    default_region="sbg",
    etag_is_md5=True,
    bulk_delete=True,
)

SCALEWAY = S3Profile(
    name="Scaleway",
    hosts=SCALEWAY_HOSTS,
    default_region="fr-par",
    # scaleway.com/en/docs/object-storage: 1,000 parts of 5 MB to 5 GB, 5 TB an object.
    limits=Limits(
        max_part_size=5 * _GB, max_parts=1000, max_object_size=5 * _TB, max_put_size=5 * _GB
    ),
    etag_is_md5=True,
    bulk_delete=True,
)

AURORA = S3Profile(
    name="AuroraObjects",
    hosts={"": "o.auroraobjects.eu"},
    default_region="",
    signature_versions=("2",),
    etag_is_md5=True,
)

GOOGLE = S3Profile(
    name="Google Cloud Storage (XML API)",
    hosts={"auto": "storage.googleapis.com"},
    default_region="auto",
    signature_versions=("2", "4"),
    # cloud.google.com/storage/docs/multipart-uploads: no preconditions on multipart uploads, the
    # composed object has no MD5, uploads never expire. UploadPartCopy is not there, and one
    # CopyObject takes any size (rclone: quirks of "GCS"); DeleteObjects is not there (s5cmd).
    copies_any_size=True,
    etag_is_md5=True,
    list_version=2,
    url_encoded_listing=True,
)

R2 = S3Profile(
    name="Cloudflare R2",
    # <account>.r2.cloudflarestorage.com: the user names it.
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
    # CRC32 since April 2025; the others were missing then (skypilot#5282). Not sent unasked.
    checksums=("crc32",),
    unsigned_payload=True,
    bulk_delete=True,
)

B2 = S3Profile(
    name="Backblaze B2",
    host_pattern="s3.{region}.backblazeb2.com",
    default_region="us-west-004",
    list_version=2,
    url_encoded_listing=True,
    # backblaze.com/docs: parts of 5 MB to 5 GB, 10,000 of them, files of 10 TB. It refuses
    # x-amz-sdk-checksum-algorithm (s3transfer#327).
    limits=Limits(
        min_part_size=5 * _MB,
        max_part_size=5 * _GB,
        max_object_size=10 * _TB,
        max_put_size=5 * _GB,
    ),
    supports_copy_part=True,
    bulk_delete=True,
)

WASABI = S3Profile(
    name="Wasabi",
    # docs.wasabi.com, "What are the service URLs for Wasabi's different storage regions?"
    hosts={"us-east-1": "s3.wasabisys.com"},
    host_pattern="s3.{region}.wasabisys.com",
    location_constraint=True,
    list_version=2,
    url_encoded_listing=True,
    supports_copy_part=True,
    etag_is_md5=True,
    bulk_delete=True,
)

STORJ = S3Profile(
    name="Storj",
    hosts={"global": "gateway.storjshare.io"},
    default_region="global",
    list_version=2,
    # A segment is 64 MiB, and each part costs one at least; no UploadPartCopy (rclone: "Storj").
    limits=Limits(min_part_size=64 * MIB, max_object_size=5 * TIB),
    bulk_delete=True,
)

# Measured with moto 5.2.5: it verifies neither signature, digest nor checksum, and ignores the
# page size of ListMultipartUploads. Of a listing with encoded names, the prefixes are not encoded.
MOTO = S3Profile(
    name="moto",
    hosts=AMAZON_HOSTS,
    location_constraint=True,
    list_version=2,
    url_encoded_listing=True,
    supports_copy_part=True,
    etag_is_md5=True,
    multipart_etag=True,
    unsigned_payload=True,
    conditional_writes=True,
    any_object_name=True,
    bulk_delete=True,
)

# Measured with rclone 1.75.2: names must be paths of a file system; x and x/child exclude each
# other; names of metadata come back capitalised; conditions and checksums are ignored; a range is
# answered by 200; UploadPartCopy makes an empty part; after Complete, HEAD gives the MD5 of the
# whole object. There is no smallest part. Of the digests it compares Content-MD5 only.
RCLONE = S3Profile(
    name="rclone serve s3",
    url_encoded_listing=True,
    limits=Limits(min_part_size=64 * KIB, max_object_size=5 * TIB),
    etag_is_md5=True,
    checks_payload=False,
    unsigned_payload=True,
    nested_names=False,
    metadata=False,
    partial_status=200,
    bulk_delete=True,
)
