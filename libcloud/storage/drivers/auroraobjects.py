# SPDX-License-Identifier: Apache-2.0
"""AuroraObjects of PCextreme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.s3 import BaseS3Connection, BaseS3StorageDriver
from libcloud.storage.keywords import S3CompatibleKeywords
from libcloud.storage.s3.profiles import AURORA
from libcloud.storage.types import Provider

if TYPE_CHECKING:
    from typing_extensions import Unpack


AURORA_OBJECTS_EU_HOST = AURORA.hosts[AURORA.default_region]
NO_CDN_SUPPORT_ERROR = "CDN is not supported by AuroraObjects"


class BaseAuroraObjectsConnection(BaseS3Connection):
    """Signature Version 2."""

    host = AURORA_OBJECTS_EU_HOST


class BaseAuroraObjectsStorageDriver(BaseS3StorageDriver):
    """The base class of drivers for regions of AuroraObjects.

    :param token: accepted, as in Apache Libcloud, and not used: there are no temporary credentials.
    """

    type = Provider.AURORAOBJECTS
    name = "PCextreme AuroraObjects"
    website = "https://www.pcextreme.com/aurora/objects"
    profile = AURORA

    def __init__(
        self,
        key: str | None = None,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        api_version: str | None = None,
        region: str | None = None,
        *,
        token: str | None = None,
        **kwargs: Unpack[S3CompatibleKeywords],
    ) -> None:
        super().__init__(key, secret, secure, host, port, api_version, region, **kwargs)


class AuroraObjectsStorageDriver(BaseAuroraObjectsStorageDriver):
    """AuroraObjects in Europe. It has no CDN: the four methods for it raise LibcloudError.

    :param argv: not used.
    """

    connectionCls = BaseAuroraObjectsConnection

    def enable_container_cdn(self, container: Container | None = None, *argv: Any) -> NoReturn:
        """:raises LibcloudError: always."""
        self._no_cdn()

    def get_container_cdn_url(self, container: Container | None = None, *argv: Any) -> NoReturn:
        """:raises LibcloudError: always."""
        self._no_cdn()

    def enable_object_cdn(self, obj: Object | None = None, *argv: Any) -> NoReturn:
        """:raises LibcloudError: always."""
        self._no_cdn()

    def get_object_cdn_url(self, obj: Object | None = None, *argv: Any) -> NoReturn:
        """:raises LibcloudError: always."""
        self._no_cdn()

    def _no_cdn(self) -> NoReturn:
        raise LibcloudError(NO_CDN_SUPPORT_ERROR, driver=self)
