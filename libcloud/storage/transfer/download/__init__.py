# SPDX-License-Identifier: Apache-2.0
"""Download of an object: resumed where a connection breaks, verified, over several connections.

What for: ``start`` checks the first response; ``body`` reads one version of an object from first to
last byte and resumes after errors; ``parallel`` writes a large object to a file over several
connections; ``saving`` chooses between the two. A store takes part by implementing ``port``.
May import: what ``libcloud.storage.transfer`` may. Only ``parallel`` uses threads.
Tests: ``libcloud/test/storage/transfer/download/``, and on a server ``test_s3_downloads.py``,
``test_s3_parallel_downloads.py`` and ``test_s3_verified.py``.

Its modules are imported on first access: ``download.parallel``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.storage.transfer.download import parallel as parallel
    from libcloud.storage.transfer.download import port as port
    from libcloud.storage.transfer.download import saving as saving
else:
    __getattr__ = submodules(__name__)
