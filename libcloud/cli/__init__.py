# SPDX-License-Identifier: Apache-2.0
"""The command ``libcloud``: object storage from a shell.

``main.py`` documents the exit statuses. May import every layer below, and click, which the extra
``[cli]`` installs. Modules that are slow to import are loaded by the command that needs them.

Tests: ``libcloud/test/cli/``.
"""

from __future__ import annotations
