# SPDX-License-Identifier: Apache-2.0
"""An fsspec file system on any driver, for pandas, pyarrow, dask and zarr.

It requires the extra ``fsspec``; nothing else in the library imports this module. Once installed,
it handles ``libcloud+s3://`` and, for programs that do not allow a plus in URL schemes (xarray),
``libclouds3://``; and ``s3://``, if it is registered for it::

    fsspec.register_implementation("s3", LibcloudFileSystem, clobber=True)
    pandas.read_parquet("s3://container/table", storage_options={"endpoint_url": "http://..."})

Paths are ``container/object name``. Directories in a container are names with a slash: they exist
as long as an object is in them. The object ``a//b`` is in a directory with an empty name, whose
path ends with two slashes: ``container/a//``. Objects whose names end with one slash are
directory markers, not files. Tests: ``libcloud/test/storage/test_filesystem.py``, and fsspec's own
tests in ``test_filesystem_abstract.py``.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar

# fsspec has no types.
from fsspec.registry import register_implementation  # type: ignore[import-untyped]

from libcloud.storage.filesystem.errors import FileExpired
from libcloud.storage.filesystem.files import LibcloudTransaction, ReadFile, WriteFile
from libcloud.storage.filesystem.system import LibcloudFileSystem
from libcloud.storage.keywords import complete_help
from libcloud.storage.types import Provider

__all__ = [
    "AzureFileSystem",
    "FileExpired",
    "LibcloudFileSystem",
    "LibcloudTransaction",
    "ReadFile",
    "SwiftFileSystem",
    "WriteFile",
]


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


for _kind in (AzureFileSystem, SwiftFileSystem):
    complete_help(_kind)

# Like the entry points of the distribution, for use without installing it.
for _name in ("libcloud+s3", "libclouds3"):
    register_implementation(_name, LibcloudFileSystem, clobber=True)
register_implementation("swift", SwiftFileSystem, clobber=True)
for _name in ("libcloud+az", "libcloud+abfs", "libcloudaz"):
    register_implementation(_name, AzureFileSystem, clobber=True)
