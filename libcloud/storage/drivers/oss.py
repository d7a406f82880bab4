# SPDX-License-Identifier: Apache-2.0
"""Alibaba Cloud OSS, by its S3-compatible endpoint.

Apache Libcloud's driver uses OSS's own protocol. This one is the S3 driver with the profile of OSS:
streams are uploaded in parts, and everything else that the S3 drivers have works as well.

Reference: Alibaba Cloud, "S3 API on OSS: supported operations and limitations".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from libcloud.storage.base import Container
from libcloud.storage.drivers.s3 import S3MultipartUpload, S3SignatureV4Connection
from libcloud.storage.drivers.s3_compatible import S3CompatibleStorageDriver
from libcloud.storage.keywords import S3ServiceKeywords
from libcloud.storage.s3.access import endpoint_of
from libcloud.storage.s3.endpoint import is_address
from libcloud.storage.s3.nodes import elements
from libcloud.storage.s3.profiles import OSS

if TYPE_CHECKING:
    from typing_extensions import Unpack


# Part of the public API of Apache Libcloud.
CHUNK_SIZE = 100 * 1024
EXPIRATION_SECONDS = 15 * 60
MAX_UPLOADS_PER_RESPONSE = 1000

OSSMultipartUpload = S3MultipartUpload


class OSSConnection(S3SignatureV4Connection):
    """A connection to the S3-compatible endpoint of a region."""

    host = OSS.hosts[OSS.default_region]


class OSSStorageDriver(S3CompatibleStorageDriver):
    """Alibaba Cloud OSS, in one of its regions.

    Buckets are part of the host name, as OSS requires, unless ``host`` is an IP address.

    :param host: of a region, also in the form ``oss-cn-beijing.aliyuncs.com`` that Apache Libcloud
        takes; its region is then that of the host.
    :param region: such as ``cn-beijing``; ``None``: that of ``host``, or ``cn-hangzhou``.
    """

    name = "Aliyun OSS"
    title = "Aliyun OSS"
    website = "http://www.aliyun.com/product/oss"
    connectionCls = OSSConnection
    profile = OSS
    region_name = OSS.default_region
    #: The name of ``supports_s3_multipart_upload`` in Apache Libcloud; a subclass may set either.
    supports_multipart_upload = True

    def __init__(
        self,
        key: str | None = None,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        api_version: str | None = None,
        region: str | None = None,
        **kwargs: Unpack[S3ServiceKeywords],
    ) -> None:
        place = endpoint_of(kwargs.get("endpoint_url"), host, port, secure)[0]
        at_address = place is not None and is_address(place)
        kwargs.setdefault("ex_addressing_style", "path" if at_address else "virtual")
        region = region_of_location(region or place or "") or region
        if not self.supports_multipart_upload:
            self.supports_s3_multipart_upload = False
        super().__init__(key, secret, secure, host, port, api_version, region, **kwargs)

    def create_container(self, container_name: str, ex_location: str | None = None) -> Container:
        """Create a container.

        :param ex_location: its region, such as ``oss-cn-beijing``; ``None``: that of the driver.
        """
        region = region_of_location(ex_location or "")
        if region is not None:
            path = self._get_container_path(Container(container_name, {}, self))
            self.connection.addressing.learn_region(path.removeprefix("/"), region)
        return super().create_container(container_name)

    def _to_container(self, element: Any) -> Container:
        """The container; requests for it go to its region from now on."""
        container = super()._to_container(element)
        location = next((str(node.text or "") for node in elements(element, "Location")), "")
        if location:
            container.extra["location"] = location
        region = region_of_location(location)
        if region is not None and region != self.region_name:
            self.connection.addressing.learn_region(container.name, region)
        return container

    def ex_iterate_multipart_uploads(
        self,
        container: Container,
        prefix: str | None = None,
        delimiter: str | None = None,
        max_uploads: int = MAX_UPLOADS_PER_RESPONSE,
    ) -> Iterator[S3MultipartUpload]:
        """In-progress uploads.

        :param max_uploads: not used: pages are as long as the store makes them.
        """
        return super().ex_iterate_multipart_uploads(container, prefix, delimiter)

    def ex_abort_all_multipart_uploads(
        self, container: Container, prefix: str | None = None
    ) -> None:
        """:meth:`ex_cleanup_all_multipart_uploads`, by the name that it has in Apache Libcloud."""
        self.ex_cleanup_all_multipart_uploads(container, prefix)


def region_of_location(location: str) -> str | None:
    """The region in a location or a host of OSS; ``None`` if there is none.

    >>> region_of_location("oss-cn-beijing"), region_of_location("oss-cn-beijing.aliyuncs.com")
    ('cn-beijing', 'cn-beijing')
    >>> region_of_location("s3.oss-us-west-1-internal.aliyuncs.com")
    'us-west-1'
    """
    label = location.removeprefix("s3.").partition(".")[0]
    if not label.startswith("oss-") or label.startswith("oss-accelerate"):
        return None  # transfer acceleration has one host for all regions
    return label.removeprefix("oss-").removesuffix("-internal")
