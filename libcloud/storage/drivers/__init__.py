# SPDX-License-Identifier: Apache-2.0
"""Storage drivers: public classes and hooks that glue the S3 protocol and the engine to the API.

A driver imports its own layer and those below, never ``libcloud.storage.providers``. Proved by
``libcloud/test/storage/test_*.py`` and by the conformance suite.

A module of it is imported when it is named: ``drivers.s3_store``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.storage.drivers import s3_regions as s3_regions
else:
    __getattr__ = submodules(__name__)
