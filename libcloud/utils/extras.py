# SPDX-License-Identifier: Apache-2.0
"""Packages that are only needed for a part of the library, each of which has an extra."""

from __future__ import annotations


def missing_extra(package: str, extra: str) -> str:
    """What to do where ``package`` is not installed.

    >>> missing_extra("loky", "loky")
    "this needs loky: pip install 'libcloud-storage[loky]'"
    """
    return f"this needs {package}: pip install 'libcloud-storage[{extra}]'"
