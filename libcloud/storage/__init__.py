# SPDX-License-Identifier: Apache-2.0
"""Object storage: one API for many stores.

``base.py`` is the contract, ``types.py`` has the names of providers and the errors,
``providers.py`` is the registry; the drivers are in ``drivers/``, uploads and downloads in
``transfer/``. The modules here import no driver, except ``providers.py`` and ``copying.py``.
Tests: ``libcloud/test/storage/``; for every driver, its ``conformance/``.

Its modules are imported on first access: ``storage.payload``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.storage import destination as destination
    from libcloud.storage import payload as payload
    from libcloud.storage import scheduler as scheduler
    from libcloud.storage import worker_pool as worker_pool
    from libcloud.storage import writer as writer
else:
    __getattr__ = submodules(__name__)
