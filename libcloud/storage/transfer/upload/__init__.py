# SPDX-License-Identifier: Apache-2.0
"""Upload of an object of known or unknown length, in one request or in parts.

``machine`` decides what comes next and does no I/O; ``runner`` carries it out with the help of
``workers``; ``source`` divides a stream into parts of the sizes that ``plan`` computes. A store is
supported by implementing ``PartStore`` in ``values``. Drivers use ``session``.
May import: what ``libcloud.storage.transfer`` may. Only ``runner``, ``workers`` and ``at_exit`` use
threads, and only ``source`` opens files.
Tests: ``libcloud/test/storage/transfer/upload/``; ``test_walk.py`` walks through every situation.

Its modules are imported on first access: ``upload.session``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.storage.transfer.upload import session as session
    from libcloud.storage.transfer.upload import times as times
else:
    __getattr__ = submodules(__name__)
