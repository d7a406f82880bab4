# SPDX-License-Identifier: Apache-2.0
"""OVHcloud Object Storage."""

from __future__ import annotations

from libcloud.storage.drivers.s3 import BaseS3StorageDriver as BaseS3StorageDriver
from libcloud.storage.drivers.s3 import S3SignatureV4Connection
from libcloud.storage.drivers.s3 import S3StorageDriver as S3StorageDriver
from libcloud.storage.drivers.s3_compatible import RegionalStorageDriver
from libcloud.storage.drivers.s3_constants import S3_CDN_URL_EXPIRY_HOURS as S3_CDN_URL_EXPIRY_HOURS
from libcloud.storage.s3.profiles import OVH

REGION_TO_HOST_MAP = dict(OVH.hosts)
OVH_FR_SBG_HOST = REGION_TO_HOST_MAP["sbg"]
OVH_FR_GRA_HOST = REGION_TO_HOST_MAP["gra"]
NO_CDN_SUPPORT_ERROR = "CDN feature not implemented"


class OvhStorageDriver(RegionalStorageDriver):
    """OVHcloud, in one of its regions."""

    name = "Ovh Storage Driver"
    title = "Ovh Object Storage"
    website = "https://www.ovhcloud.com/en/public-cloud/object-storage/"
    connectionCls = S3SignatureV4Connection
    profile = OVH
    region_name = OVH.default_region
