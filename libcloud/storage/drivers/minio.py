# SPDX-License-Identifier: Apache-2.0
"""MinIO."""

from __future__ import annotations

from libcloud.common.aws import SignedAWSConnection as SignedAWSConnection
from libcloud.common.types import LibcloudError as LibcloudError
from libcloud.storage.drivers.s3 import API_VERSION as API_VERSION
from libcloud.storage.drivers.s3 import BaseS3Connection as BaseS3Connection
from libcloud.storage.drivers.s3 import BaseS3StorageDriver as BaseS3StorageDriver
from libcloud.storage.drivers.s3 import S3SignatureV4Connection
from libcloud.storage.drivers.s3_compatible import S3CompatibleStorageDriver
from libcloud.storage.s3.profiles import MINIO


class MinIOConnectionAWS4(S3SignatureV4Connection):
    """Signature Version 4; without a host, this machine's server."""

    host = "localhost"


class MinIOStorageDriver(S3CompatibleStorageDriver):
    """A MinIO server, at ``host``."""

    name = "MinIO Storage Driver"
    website = "https://min.io/"
    connectionCls = MinIOConnectionAWS4
    profile = MINIO
