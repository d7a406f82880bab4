# SPDX-License-Identifier: Apache-2.0
"""Profiles of servers that can be self-hosted; see :mod:`~libcloud.storage.s3.profiles`."""

from __future__ import annotations

from libcloud.storage.capabilities import KIB, TIB, Limits
from libcloud.storage.s3.profiles.profile import S3Profile
from libcloud.storage.s3.profiles.services import AMAZON_HOSTS

# boto3 always sends the region of a new bucket and requests encoded names, so stores support both;
# if one rejects the latter, the request is repeated without it.
GENERIC = S3Profile(name="S3-compatible store", location_constraint=True, url_encoded_listing=True)

MINIO = S3Profile(
    name="MinIO",
    list_version=2,
    url_encoded_listing=True,
    supports_copy_part=True,
    # Not with compression, encryption or --no-compat: those ETags are not 32 digits long
    # (github.com/apache/libcloud/issues/1607).
    etag_is_md5=True,
    multipart_etag=True,
    # Old releases reject x-amz-checksum-* (galaxy-operator#262), so none is sent by default.
    checksums=("crc32", "crc32c", "sha256", "sha1"),
    unsigned_payload=True,
)

RGW = S3Profile(
    name="Ceph RGW",
    default_region="default",
    # Upstream's driver signs with version 2 by default.
    signature_versions=("2", "4"),
    location_constraint=True,
    # Old releases have neither ListObjectsV2 nor encoding-type (rclone: quirks of "Ceph"); they
    # ignore the latter. Without it a listing that has a control character in a name is not XML.
    url_encoded_listing=True,
    # Limits: docs.ceph.com, "Ceph Object Gateway Config Reference", rgw_multipart_min_part_size,
    # rgw_multipart_part_upload_limit, rgw_max_put_size.
    etag_is_md5=True,
    multipart_etag=True,
    supports_copy_part=True,
)

# Measured with moto 5.2.5: it verifies neither signature, digest nor checksum, and ignores the
# page size of ListMultipartUploads. In a listing with encoded names, the prefixes are not encoded.
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
)

# Measured with rclone 1.75.2: names must be file system paths; x and x/child exclude each other;
# metadata names are returned capitalized; preconditions and checksums are ignored; the response to
# a range is 200; UploadPartCopy creates an empty part; after Complete, HEAD returns the MD5 of the
# whole object. There is no minimum part size. It verifies Content-MD5 only.
RCLONE = S3Profile(
    name="rclone serve s3",
    url_encoded_listing=True,
    limits=Limits(min_part_size=64 * KIB, max_object_size=5 * TIB),
    etag_is_md5=True,
    checks_payload=False,
    unsigned_payload=True,
    nested_names=False,
    metadata=False,
    versions=False,
    tags=False,
    object_lock=False,
    lifecycle=False,
)

# Measured with SeaweedFS 4.48. It compares Content-MD5 and checksums with the body, but not the
# SHA-256 of the signature. A listing of uploads replaces control characters in keys, even if
# encoded keys are requested.
SEAWEEDFS = S3Profile(
    name="SeaweedFS",
    signature_versions=("4", "2"),
    list_version=2,
    url_encoded_listing=True,
    supports_copy_part=True,
    etag_is_md5=True,
    multipart_etag=True,
    checksums=("crc32", "crc32c", "crc64nvme", "sha256", "sha1"),
    full_object_checksum=True,
    checks_payload=False,
    conditional_writes=True,
)

# Measured with JuiceFS 1.4.2: MinIO's front end of 2021 on a file system, so that keys are paths.
# ETags are only kept with --keep-etag, metadata with --object-meta.
JUICEFS = S3Profile(
    name="JuiceFS gateway",
    signature_versions=("4", "2"),
    list_version=2,
    url_encoded_listing=True,
    supports_copy_part=True,
    etag_is_md5=True,
    multipart_etag=True,
    nested_names=False,
    versions=False,
    object_lock=False,
    lifecycle=False,
)

GARAGE = S3Profile(
    name="Garage",
    # garagehq.deuxfleurs.fr, "Quick Start": s3_region = "garage". The same, "S3 Compatibility
    # status": Signature Version 4 only; supports ListObjectsV2, UploadPartCopy and DeleteObjects.
    default_region="garage",
    list_version=2,
    supports_copy_part=True,
    # The same page: lifecycle rules are supported, versions, tags and locks are not.
    versions=False,
    tags=False,
    object_lock=False,
)
