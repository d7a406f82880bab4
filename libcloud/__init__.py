# SPDX-License-Identifier: Apache-2.0
"""Object storage for Python: the storage half of the libcloud API."""

__version__ = "3.9.1+s3multipart.1"
