# SPDX-License-Identifier: Apache-2.0
"""Upload of anything to anything in parts: decisions, sources, retries, and the runners.

What for: a stream of unknown length becomes one object, in bounded memory, or becomes nothing.
May import: ``libcloud.storage.{types,capabilities}`` and below; here only ``run.py`` knows threads
and only ``source.py`` opens files. Nothing in it knows S3: a store is five calls (``store.py``).
Proved by ``libcloud/test/storage/transfer/``, above all by the exhaustive walk in ``test_walk.py``.
"""
