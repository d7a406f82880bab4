# SPDX-License-Identifier: Apache-2.0
"""Upload of anything to anything in parts: decisions, sources, retries, and the runners.

What for: a stream of unknown length becomes one object, in bounded memory, or becomes nothing.
May import: ``libcloud.storage.{types,capabilities}`` and below; here only ``run.py`` knows threads
and only ``source.py`` opens files. Nothing in it knows S3: a store is five calls (``store.py``).
Proved by ``libcloud/test/storage/transfer/``, above all by the exhaustive walk in ``test_walk.py``.

A module of it is imported when it is named: ``transfer.session``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.storage.transfer import budget as budget
    from libcloud.storage.transfer import governor as governor
    from libcloud.storage.transfer import machine as machine
    from libcloud.storage.transfer import plan as plan
    from libcloud.storage.transfer import progress as progress
    from libcloud.storage.transfer import ranges as ranges
    from libcloud.storage.transfer import retry as retry
    from libcloud.storage.transfer import run as run
    from libcloud.storage.transfer import run_exit as run_exit
    from libcloud.storage.transfer import run_workers as run_workers
    from libcloud.storage.transfer import session as session
    from libcloud.storage.transfer import source as source
    from libcloud.storage.transfer import store as store
    from libcloud.storage.transfer import values as values
    from libcloud.storage.transfer import writer as writer
else:
    __getattr__ = submodules(__name__)
