# SPDX-License-Identifier: Apache-2.0
"""Ceph's RADOS Gateway, and Outscale, which runs it."""

from __future__ import annotations

from typing import ClassVar

from libcloud.common.aws import SignedAWSConnection as SignedAWSConnection
from libcloud.common.types import LibcloudError as LibcloudError
from libcloud.storage.drivers.s3 import API_VERSION as API_VERSION
from libcloud.storage.drivers.s3 import BaseS3Connection as BaseS3Connection
from libcloud.storage.drivers.s3 import BaseS3StorageDriver as BaseS3StorageDriver
from libcloud.storage.drivers.s3 import S3Connection, S3SignatureV4Connection
from libcloud.storage.drivers.s3_compatible import Connections, S3CompatibleStorageDriver
from libcloud.storage.s3.profiles import OUTSCALE, RGW

DEFAULT_SIGNATURE_VERSION = RGW.signature_versions[0]
S3_RGW_DEFAULT_REGION = RGW.default_region
S3_RGW_OUTSCALE_DEFAULT_REGION = OUTSCALE.default_region
S3_RGW_OUTSCALE_HOSTS_BY_REGION = dict(OUTSCALE.hosts)


class S3RGWConnectionAWS2(S3Connection):
    """Signature Version 2; without a host, this machine's server."""

    host = "localhost"


class S3RGWConnectionAWS4(S3SignatureV4Connection):
    """Signature Version 4; without a host, this machine's server."""

    host = "localhost"


class S3RGWStorageDriver(S3CompatibleStorageDriver):
    """A Ceph cluster, at ``host``.

    :param name: keyword; what the instance is called.
    """

    name = "Ceph RGW"
    title = "Ceph RGW S3"
    website = "http://ceph.com/"
    connections: ClassVar[Connections] = {"2": S3RGWConnectionAWS2, "4": S3RGWConnectionAWS4}
    profile = RGW


class S3RGWOutscaleStorageDriver(S3RGWStorageDriver):
    """Outscale, in one of its regions."""

    name = "RGW Outscale"
    title = "OUTSCALE Ceph RGW S3"
    website = "https://en.outscale.com/"
    profile = OUTSCALE
    region_decides = True
