# SPDX-License-Identifier: Apache-2.0
"""Upload of an object of known or unknown length, in one request or in parts.

``machine`` decides what comes next and does no I/O; ``runner`` carries it out with the help of
``workers``; ``source`` divides a stream into parts of the sizes that ``plan`` computes. A store is
supported by implementing the calls in ``port``. Drivers use ``session``.
May import: what ``libcloud.storage.transfer`` may. Only ``runner``, ``workers`` and ``at_exit`` use
threads, and only ``source`` opens files.
Tests: ``libcloud/test/storage/transfer/upload/``; ``test_walk.py`` walks through every situation.

Its modules are imported on first access: ``upload.session``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.storage.transfer.upload import at_exit as at_exit
    from libcloud.storage.transfer.upload import machine as machine
    from libcloud.storage.transfer.upload import plan as plan
    from libcloud.storage.transfer.upload import port as port
    from libcloud.storage.transfer.upload import runner as runner
    from libcloud.storage.transfer.upload import session as session
    from libcloud.storage.transfer.upload import source as source
    from libcloud.storage.transfer.upload import states as states
    from libcloud.storage.transfer.upload import times as times
    from libcloud.storage.transfer.upload import workers as workers
    from libcloud.storage.transfer.upload import writer as writer
else:
    __getattr__ = submodules(__name__)
