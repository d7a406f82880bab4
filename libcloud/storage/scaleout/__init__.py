# SPDX-License-Identifier: Apache-2.0
"""Uploads and migrations on many machines, with the engine that already runs there.

Nothing here schedules tasks. ``session`` is an upload that several processes continue, by the
receipts of its parts; ``executor`` sends the parts with any ``concurrent.futures.Executor``, by
the tasks in ``worker``. Drivers call these (``ex_begin_upload``, ``ex_upload_with``,
``ex_attach_upload``), so they may only import what a protocol may. The other modules are above the
drivers: :mod:`.executors` finds the executor of an engine, and each engine has a module, which
requires the extra of its name and is imported when it is used.
Tests: ``libcloud/test/storage/scaleout/``; those with the engines themselves are in
``libcloud/test/engines``, which ``make test ENVS=engines`` runs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from libcloud.storage.scaleout.session import UploadReceipt as UploadReceipt
    from libcloud.storage.scaleout.session import UploadSession as UploadSession
else:

    def __getattr__(name: str) -> Any:
        if name in ("UploadReceipt", "UploadSession"):
            return getattr(import_module(f"{__name__}.session"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
