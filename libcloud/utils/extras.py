# SPDX-License-Identifier: Apache-2.0
"""Optional dependencies, each of which has an extra."""

from __future__ import annotations


def missing_extra(package: str, extra: str) -> str:
    """The message for a missing optional dependency.

    >>> missing_extra("loky", "loky")
    "this needs loky: pip install 'libcloud-storage[loky]'"
    """
    return f"this needs {package}: pip install 'libcloud-storage[{extra}]'"
