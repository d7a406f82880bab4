# SPDX-License-Identifier: Apache-2.0
"""AuroraObjects of PCextreme."""

from __future__ import annotations

from typing import Any, NoReturn

from libcloud.common.types import LibcloudError
from libcloud.storage.drivers.s3 import BaseS3Connection, BaseS3StorageDriver
from libcloud.storage.s3.profiles import AURORA
from libcloud.storage.types import Provider

__all__ = [
    "AURORA_OBJECTS_EU_HOST",
    "NO_CDN_SUPPORT_ERROR",
    "AuroraObjectsStorageDriver",
    "BaseAuroraObjectsConnection",
    "BaseAuroraObjectsStorageDriver",
]

AURORA_OBJECTS_EU_HOST = AURORA.hosts[AURORA.default_region]
NO_CDN_SUPPORT_ERROR = "CDN is not supported by AuroraObjects"


class BaseAuroraObjectsConnection(BaseS3Connection):
    """Signature Version 2."""

    host = AURORA_OBJECTS_EU_HOST


class BaseAuroraObjectsStorageDriver(BaseS3StorageDriver):
    """What drivers for regions of AuroraObjects share.

    :param token: accepted, as in Apache Libcloud, and not used: there are no temporary credentials.
    """

    type = Provider.AURORAOBJECTS
    name = "PCextreme AuroraObjects"
    website = "https://www.pcextreme.com/aurora/objects"
    profile = AURORA

    def __init__(self, *args: Any, token: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class AuroraObjectsStorageDriver(BaseAuroraObjectsStorageDriver):
    """AuroraObjects in Europe. It has no CDN: the four methods for it raise LibcloudError."""

    connectionCls = BaseAuroraObjectsConnection

    def enable_container_cdn(self, *argv: Any, **kwargs: Any) -> NoReturn:
        self._no_cdn()

    def get_container_cdn_url(self, *argv: Any, **kwargs: Any) -> NoReturn:
        self._no_cdn()

    def enable_object_cdn(self, *argv: Any, **kwargs: Any) -> NoReturn:
        self._no_cdn()

    def get_object_cdn_url(self, *argv: Any, **kwargs: Any) -> NoReturn:
        self._no_cdn()

    def _no_cdn(self) -> NoReturn:
        raise LibcloudError(NO_CDN_SUPPORT_ERROR, driver=self)
