# SPDX-License-Identifier: Apache-2.0
"""DigitalOcean Spaces."""

from __future__ import annotations

from typing import ClassVar

from libcloud.common.aws import SignedAWSConnection as SignedAWSConnection
from libcloud.common.types import LibcloudError as LibcloudError
from libcloud.storage.drivers.s3 import API_VERSION, S3Connection, S3SignatureV4Connection
from libcloud.storage.drivers.s3 import BaseS3Connection as BaseS3Connection
from libcloud.storage.drivers.s3 import BaseS3StorageDriver as BaseS3StorageDriver
from libcloud.storage.drivers.s3_compatible import Connections, S3CompatibleStorageDriver
from libcloud.storage.s3.profiles import DO_SPACES

DEFAULT_SIGNATURE_VERSION = DO_SPACES.signature_versions[0]
DO_SPACES_DEFAULT_REGION = DO_SPACES.default_region
DO_SPACES_HOSTS_BY_REGION = dict(DO_SPACES.hosts)
S3_API_VERSION = API_VERSION


class DOSpacesConnectionAWS2(S3Connection):
    """Signature Version 2."""

    host = DO_SPACES_HOSTS_BY_REGION[DO_SPACES_DEFAULT_REGION]


class DOSpacesConnectionAWS4(S3SignatureV4Connection):
    """Signature Version 4."""

    host = DO_SPACES_HOSTS_BY_REGION[DO_SPACES_DEFAULT_REGION]


class DigitalOceanSpacesStorageDriver(S3CompatibleStorageDriver):
    """DigitalOcean Spaces, in one of its regions."""

    name = "DigitalOcean Spaces"
    title = "DigitalOcean Spaces"
    website = "https://www.digitalocean.com/products/object-storage/"
    connections: ClassVar[Connections] = {"2": DOSpacesConnectionAWS2, "4": DOSpacesConnectionAWS4}
    profile = DO_SPACES
    region_decides = True
    presigned_urls = False
