# SPDX-License-Identifier: Apache-2.0
"""Imports of the command, without garbage collection.

A command imports hundreds of modules, which create many objects and no garbage: searching them for
garbage, again and again, takes a tenth of the CPU time of a short command.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """Collect no garbage in the block."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
