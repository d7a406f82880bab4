# SPDX-License-Identifier: Apache-2.0
"""Names that ``libcloud.storage.drivers.s3`` has because 3.9.1 imported them there."""

from __future__ import annotations

from libcloud.common.aws import (
    AWSBaseResponse,
    AWSTokenConnection,
    SignedAWSConnection,
    UnsignedPayloadSentinel,
)
from libcloud.common.base import ConnectionUserAndKey, RawResponse
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.storage.base import StorageDriver
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ContainerError,
    ContainerIsNotEmptyError,
    InvalidContainerNameError,
    ObjectDoesNotExistError,
    ObjectHashMismatchError,
)

__all__ = [
    "AWSBaseResponse",
    "AWSTokenConnection",
    "ConnectionUserAndKey",
    "ContainerAlreadyExistsError",
    "ContainerDoesNotExistError",
    "ContainerError",
    "ContainerIsNotEmptyError",
    "InvalidContainerNameError",
    "InvalidCredsError",
    "LibcloudError",
    "ObjectDoesNotExistError",
    "ObjectHashMismatchError",
    "RawResponse",
    "SignedAWSConnection",
    "StorageDriver",
    "UnsignedPayloadSentinel",
]
