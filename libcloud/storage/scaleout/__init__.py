# SPDX-License-Identifier: Apache-2.0
"""Uploads and migrations on many machines, with the engine that already runs there.

Nothing here schedules tasks: :mod:`.executors` finds the executor of an engine, and each engine has
a module, which requires the extra of its name and is imported when it is used. Only the layers
below are imported. Tests: ``libcloud/test/storage/test_scaleout_executors.py``, and those with the
engines themselves in ``libcloud/test/engines``, which ``make test ENVS=engines`` runs.
"""

from __future__ import annotations

from libcloud.utils.lazy import submodules

__getattr__ = submodules(__name__)
