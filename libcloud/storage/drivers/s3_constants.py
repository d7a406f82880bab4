# SPDX-License-Identifier: Apache-2.0
"""Hosts by region, storage classes and the settings of presigned URLs, under the names of 3.9.1."""

from __future__ import annotations

import os
from types import MappingProxyType

from libcloud.storage.s3.profiles.services import AMAZON_HOSTS

S3_US_STANDARD_HOST = AMAZON_HOSTS["us-east-1"]
S3_US_EAST2_HOST = AMAZON_HOSTS["us-east-2"]
S3_US_WEST_HOST = AMAZON_HOSTS["us-west-1"]
S3_US_WEST_OREGON_HOST = AMAZON_HOSTS["us-west-2"]
S3_US_GOV_EAST_HOST = AMAZON_HOSTS["us-gov-east-1"]
S3_US_GOV_WEST_HOST = AMAZON_HOSTS["us-gov-west-1"]
S3_CN_NORTH_HOST = AMAZON_HOSTS["cn-north-1"]
S3_CN_NORTHWEST_HOST = AMAZON_HOSTS["cn-northwest-1"]
S3_EU_WEST_HOST = AMAZON_HOSTS["eu-west-1"]
S3_EU_WEST2_HOST = AMAZON_HOSTS["eu-west-2"]
S3_EU_WEST3_HOST = AMAZON_HOSTS["eu-west-3"]
S3_EU_CENTRAL_HOST = AMAZON_HOSTS["eu-central-1"]
S3_EU_NORTH1_HOST = AMAZON_HOSTS["eu-north-1"]
S3_EU_SOUTH1_HOST = AMAZON_HOSTS["eu-south-1"]
S3_AP_SOUTH_HOST = AMAZON_HOSTS["ap-south-1"]
S3_AP_SOUTHEAST_HOST = AMAZON_HOSTS["ap-southeast-1"]
S3_AP_SOUTHEAST2_HOST = AMAZON_HOSTS["ap-southeast-2"]
S3_AP_NORTHEAST1_HOST = AMAZON_HOSTS["ap-northeast-1"]
S3_AP_NORTHEAST2_HOST = AMAZON_HOSTS["ap-northeast-2"]
S3_AP_NORTHEAST_HOST = S3_AP_NORTHEAST1_HOST
S3_SA_EAST_HOST = AMAZON_HOSTS["sa-east-1"]
S3_SA_SOUTHEAST2_HOST = AMAZON_HOSTS["sa-east-2"]
S3_CA_CENTRAL_HOST = AMAZON_HOSTS["ca-central-1"]
S3_AF_SOUTH1_HOST = AMAZON_HOSTS["af-south-1"]

REGION_TO_HOST_MAP = dict(AMAZON_HOSTS)

S3_CDN_URL_DATETIME_FORMAT = "%Y%m%dT%H%M%SZ"
S3_CDN_URL_DATE_FORMAT = "%Y%m%d"
S3_CDN_URL_EXPIRY_HOURS = float(os.getenv("LIBCLOUD_S3_CDN_URL_EXPIRY_HOURS", "24"))

# Amazon S3 API Reference, PutObject, x-amz-storage-class; by the names that libcloud gives them.
_CLASSES = """
    standard reduced_redundancy standard_ia onezone_ia intelligent_tiering glacier deep_archive
    glacier_ir
""".split()
STORAGE_CLASSES = MappingProxyType({name: name.upper() for name in _CLASSES})
