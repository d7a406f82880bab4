# SPDX-License-Identifier: Apache-2.0
"""What a program can use: optional dependencies, and a terminal to prompt the user."""

from __future__ import annotations

import sys


def missing_extra(package: str, extra: str) -> str:
    """The message for a missing optional dependency.

    >>> missing_extra("loky", "loky")
    "this needs loky: pip install 'libcloud-storage[loky]'"
    """
    return f"this needs {package}: pip install 'libcloud-storage[{extra}]'"


def can_ask_user() -> bool:
    """Return whether a user can be prompted: on a terminal, or in an interactive interpreter."""
    if hasattr(sys, "ps1") or sys.flags.interactive:
        return True
    streams = (sys.stdin, sys.stdout)
    return all(stream is not None and stream.isatty() for stream in streams)
