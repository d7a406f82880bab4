# SPDX-License-Identifier: Apache-2.0
"""The command ``libcloud``: object storage from a shell.

What is this for: people with a pipe or a directory. ``main.py`` documents the exit statuses.

What may it import: everything below it, and click, which the extra ``[cli]`` brings. Nothing that
takes long is imported before a command needs it.

Which test proves it: ``libcloud/test/cli/``.
"""

from __future__ import annotations
