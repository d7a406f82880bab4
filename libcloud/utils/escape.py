# SPDX-License-Identifier: Apache-2.0
"""Object names from paths of the local system."""

from __future__ import annotations

__all__ = ["sanitize_object_name"]


def sanitize_object_name(object_name: str) -> str:
    """``object_name`` with each backslash turned into a slash.

    >>> sanitize_object_name("a\\\\b")
    'a/b'
    """
    return object_name.replace("\\", "/")
