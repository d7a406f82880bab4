# SPDX-License-Identifier: Apache-2.0
"""Scaleway Object Storage."""

from __future__ import annotations

from libcloud.storage.drivers.s3 import BaseS3StorageDriver as BaseS3StorageDriver
from libcloud.storage.drivers.s3 import S3SignatureV4Connection
from libcloud.storage.drivers.s3 import S3StorageDriver as S3StorageDriver
from libcloud.storage.drivers.s3_compatible import RegionalStorageDriver
from libcloud.storage.drivers.s3_constants import S3_CDN_URL_EXPIRY_HOURS as S3_CDN_URL_EXPIRY_HOURS
from libcloud.storage.s3.profiles import SCALEWAY

REGION_TO_HOST_MAP = dict(SCALEWAY.hosts)
SCW_FR_PAR_STANDARD_HOST = REGION_TO_HOST_MAP["fr-par"]
SCW_NL_AMS_HOST = REGION_TO_HOST_MAP["nl-ams"]
SCW_PL_WAR_HOST = REGION_TO_HOST_MAP["pl-waw"]
NO_CDN_SUPPORT_ERROR = "CDN feature not implemented"


class ScalewayStorageDriver(RegionalStorageDriver):
    """Scaleway, in one of its regions."""

    name = "Scaleway Storage Driver"
    title = "Scaleway Object Storage"
    website = "https://www.scaleway.com/en/object-storage/"
    connectionCls = S3SignatureV4Connection
    profile = SCALEWAY
    region_name = SCALEWAY.default_region
