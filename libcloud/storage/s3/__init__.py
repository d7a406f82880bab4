# SPDX-License-Identifier: Apache-2.0
"""The S3 protocol for any driver: a client that sends requests, and the operations on it.

Modules here import ``storage/transfer``, ``common`` and what is below; they know no driver. The
tests are in ``libcloud/test/storage``, ``test_s3_*.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.storage.s3 import client as client
    from libcloud.storage.s3 import download_port as download_port
else:
    __getattr__ = submodules(__name__)
