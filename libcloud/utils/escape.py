# SPDX-License-Identifier: Apache-2.0
"""Object names from local paths."""

from __future__ import annotations


def sanitize_object_name(object_name: str) -> str:
    """Replace each backslash in ``object_name`` by a slash.

    >>> sanitize_object_name("a\\\\b")
    'a/b'
    """
    return object_name.replace("\\", "/")
