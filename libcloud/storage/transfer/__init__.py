# SPDX-License-Identifier: Apache-2.0
"""The transfer engine: moves objects of any size between a program and a store, in bounded memory.

What for: :mod:`~libcloud.storage.transfer.upload` turns a stream of unknown length into one object,
or into nothing; :mod:`~libcloud.storage.transfer.download` reads one version of an object. Here is
what they share: the retry policy, the memory budget, the concurrency limiter, the events that a
listener receives, and the values passed around.
May import: ``libcloud.storage.{types,capabilities}`` and below. Nothing in it knows S3.
Tests: ``libcloud/test/storage/transfer/``.

Its modules are imported on first access: ``transfer.retry``, ``transfer.upload.session``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.storage.transfer import budget as budget
    from libcloud.storage.transfer import download as download
    from libcloud.storage.transfer import progress as progress
    from libcloud.storage.transfer import retry as retry
    from libcloud.storage.transfer import upload as upload
else:
    __getattr__ = submodules(__name__)
