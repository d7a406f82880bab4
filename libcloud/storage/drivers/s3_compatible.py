# SPDX-License-Identifier: Apache-2.0
"""The base of drivers for stores that speak S3 and are not Amazon's.

Such a driver is a class with a ``name``, a ``website`` and a ``profile``: the profile knows the
hosts of the regions, the signature versions and the limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from libcloud.common.address import ReportedHost
from libcloud.common.types import LibcloudError
from libcloud.storage.drivers.s3 import BaseS3Connection, BaseS3StorageDriver
from libcloud.storage.keywords import S3CompatibleKeywords, S3RegionalKeywords
from libcloud.storage.s3.access import endpoint_of
from libcloud.storage.s3.endpoint import choose_profile
from libcloud.storage.s3.profiles import S3Profile

if TYPE_CHECKING:
    from typing_extensions import Unpack

Connections = Mapping[str, type[BaseS3Connection]]


class UnknownRegionError(LibcloudError, ValueError):
    """A region that the store does not have. Nothing was sent."""


class S3CompatibleStorageDriver(BaseS3StorageDriver):
    """A store with a profile.

    :cvar connections: connection classes by signature version, for stores that support both;
        otherwise ``connectionCls`` is used.
    :cvar title: name of an instance, followed by its region; ``None``: the name of its class.
    :cvar region_decides: a host of the store itself is ignored, because the region determines it.
    :cvar presigned_urls: ``get_object_cdn_url`` returns presigned URLs.

    :param host: of the store; ``None``: the host of the region.
    :param region: ``None``: the default of the profile. With ``host``, any name that the store
        uses.
    :param signature_version: ``"2"`` or ``"4"``, if the store supports both.
    :param token: session token of temporary credentials.
    :param url: host, port and path.
    :param name: name of the instance.
    :param ex_profile: overrides the profile of the class.
    :param ex_s3_profile: the name of a profile, for the same purpose.
    :raises LibcloudError: there is no host, or the store has no such region.
    :raises ValueError: the store has no such region, or does not support the signature version.
    """

    region_name = ""
    connections: ClassVar[Connections] = MappingProxyType({})
    title: str | None = None
    region_decides = False
    presigned_urls = True

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
        signature_version: str | int | None = None,
        token: str | None = None,
        url: str | None = None,
        name: str | None = None,
        ex_profile: S3Profile | None = None,
        ex_s3_profile: str | None = None,
        **kwargs: Unpack[S3CompatibleKeywords],
    ) -> None:
        self.profile = choose_profile(
            self.profile, host=host, given=ex_profile, named=ex_s3_profile
        )
        endpoint_url = kwargs.get("endpoint_url")
        host, secure, port, _ = endpoint_of(endpoint_url, host, port, secure)
        if host is not None and (endpoint_url is not None or not self.region_decides):
            region = region or self.profile.region_of(host)
        passed: dict[str, Any] = {**kwargs}
        self.token = token
        self._url = url
        region = region or self.profile.default_region
        host = self._host(host, region)
        if self.connections:
            version = str(signature_version or self.profile.signature_versions[0])
            if version not in self.connections:
                raise ValueError(f"Invalid signature_version: {version}")
            self.signature_version = version
            self.connectionCls = self.connections[version]
        elif signature_version is not None:
            passed["signature_version"] = signature_version
        # Apache Libcloud's drivers write their host to the class, where callers read it.
        self.connectionCls.host = ReportedHost(host, self.connectionCls.host)
        self.region_name = region
        self.ex_location_name = self.ex_location_name or self.profile.location(region) or ""
        if name or self.title is not None:
            self.name = name or f"{self.title} ({region})"
        super().__init__(key, secret, secure, host, port, api_version, region, **passed)

    @classmethod
    def list_regions(cls) -> Any:
        """Names of the regions that the store is known to have."""
        return cls.profile.hosts.keys()

    def _presigns(self) -> bool:
        return self.presigned_urls and super()._presigns()

    def _host(self, host: str | None, region: str) -> str:
        if host and not (self.region_decides and self.profile.owns(host)):
            return host
        known = self.profile.host(region)
        if known is None and (self.profile.hosts or self.profile.host_pattern):
            raise UnknownRegionError(
                f"Invalid or unsupported region: {region}. Give a host, or one of the regions "
                f"{', '.join(self.profile.hosts)}",
                driver=self,
            )
        if known is None:
            raise LibcloudError(f"host argument is required for {self.name}", driver=self)
        return known

    def _ex_connection_class_kwargs(self) -> dict[str, Any]:
        settings = dict(super()._ex_connection_class_kwargs())
        settings.update(token=self.token, url=self._url)
        return {name: value for name, value in settings.items() if value is not None}


class RegionalStorageDriver(S3CompatibleStorageDriver):
    """The same, with the arguments in the order of the drivers for OVH and Scaleway."""

    def __init__(
        self,
        key: str | None = None,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        region: str | None = None,
        url: str | None = None,
        **kwargs: Unpack[S3RegionalKeywords],
    ) -> None:
        super().__init__(key, secret, secure, host, port, region=region, url=url, **kwargs)
