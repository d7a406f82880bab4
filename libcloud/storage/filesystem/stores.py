# SPDX-License-Identifier: Apache-2.0
"""The file systems of stores that do not speak S3."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from libcloud.storage.filesystem.system import LibcloudFileSystem
from libcloud.storage.keywords import complete_help
from libcloud.storage.types import Provider


class AzureFileSystem(LibcloudFileSystem):
    """Containers and blobs as directories and files.

    Paths are ``libcloud+az://container/name`` or
    ``libcloud+abfs://container@account.dfs.core.windows.net/name``. Without ``key`` (the account)
    and ``secret``, the account comes from ``AZURE_STORAGE_*``.
    """

    protocol = ("libcloud+az", "libcloud+abfs", "libcloudaz", "az", "abfs", "abfss")
    default_provider: ClassVar[str] = Provider.AZURE_BLOBS

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        stripped = super()._strip_protocol(path)
        if not isinstance(stripped, str):
            return stripped
        container, slash, name = stripped.partition("/")
        return container.partition("@")[0] + slash + name

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, Any]:
        """The account that a URL names."""
        place = os.fspath(path).partition("://")[2].partition("/")[0]
        account = place.partition("@")[2].partition(".")[0]
        return {"key": account} if account else {}


class SwiftFileSystem(LibcloudFileSystem):
    """Containers of OpenStack Swift: ``swift://container/name``.

    Without ``key``, credentials come from ``clouds.yaml`` (``profile`` is the cloud) or from the
    environment. ``endpoint_url`` is where tokens are requested.
    """

    protocol = ("swift",)
    default_provider: ClassVar[str] = Provider.OPENSTACK_SWIFT


complete_help(AzureFileSystem)
complete_help(SwiftFileSystem)
