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

# fsspec has no types.
from fsspec.registry import register_implementation  # type: ignore[import-untyped]

from libcloud.storage.filesystem.errors import FileExpired
from libcloud.storage.filesystem.files import LibcloudTransaction, ReadFile, WriteFile
from libcloud.storage.filesystem.stores import AzureFileSystem, SwiftFileSystem
from libcloud.storage.filesystem.system import LibcloudFileSystem

__all__ = [
    "AzureFileSystem",
    "FileExpired",
    "LibcloudFileSystem",
    "LibcloudTransaction",
    "ReadFile",
    "SwiftFileSystem",
    "WriteFile",
]

# Like the entry points of the distribution, for use without installing it.
for _name in ("libcloud+s3", "libclouds3"):
    register_implementation(_name, LibcloudFileSystem, clobber=True)
register_implementation("swift", SwiftFileSystem, clobber=True)
for _name in ("libcloud+az", "libcloud+abfs", "libcloudaz"):
    register_implementation(_name, AzureFileSystem, clobber=True)
