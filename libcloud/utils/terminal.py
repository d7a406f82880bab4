# SPDX-License-Identifier: Apache-2.0
"""Whether the user can be prompted."""

from __future__ import annotations

import sys


def can_ask_user() -> bool:
    """Return whether a user can be prompted: on a terminal, or in an interactive interpreter."""
    if hasattr(sys, "ps1") or sys.flags.interactive:
        return True
    streams = (sys.stdin, sys.stdout)
    return all(stream is not None and stream.isatty() for stream in streams)
