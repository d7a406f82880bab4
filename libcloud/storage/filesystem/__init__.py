# SPDX-License-Identifier: Apache-2.0
"""A file system of fsspec on any driver: what pandas, pyarrow, dask and zarr read and write by.

It needs the extra ``fsspec``; nothing else of the library imports this module. Once that is
installed, fsspec knows ``libcloud+s3://`` and, for programs whose URLs know no plus (xarray),
``libclouds3://``; ``s3://`` too, if it is registered for it::

    fsspec.register_implementation("s3", LibcloudFileSystem, clobber=True)
    pandas.read_parquet("s3://container/table", storage_options={"endpoint_url": "http://..."})

Paths are ``container/object name``. Directories in a container are names with a slash: they exist
as long as an object is in them. The object ``a//b`` is in a directory with an empty name, whose
path ends with two slashes: ``container/a//``. Objects whose names end with one slash mark
directories, and are no files. Proved by ``libcloud/test/storage/test_filesystem.py``, and by
fsspec's own tests in ``test_filesystem_abstract.py``.
"""

from __future__ import annotations

# fsspec has no types.
from fsspec.registry import register_implementation  # type: ignore[import-untyped]

from libcloud.storage.filesystem.azure import AzureFileSystem
from libcloud.storage.filesystem.errors import FileExpired
from libcloud.storage.filesystem.files import LibcloudTransaction, ReadFile, WriteFile
from libcloud.storage.filesystem.system import LibcloudFileSystem, SwiftFileSystem

__all__ = [
    "AzureFileSystem",
    "FileExpired",
    "LibcloudFileSystem",
    "LibcloudTransaction",
    "ReadFile",
    "SwiftFileSystem",
    "WriteFile",
]

# As the entry points of the distribution do, where it is imported without being installed.
for _name in ("libcloud+s3", "libclouds3"):
    register_implementation(_name, LibcloudFileSystem, clobber=True)
register_implementation("swift", SwiftFileSystem, clobber=True)
for _name in ("libcloud+az", "libcloud+abfs", "libcloudaz"):
    register_implementation(_name, AzureFileSystem, clobber=True)
