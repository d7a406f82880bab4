# SPDX-License-Identifier: Apache-2.0
"""ETags as they stand in answers."""

from __future__ import annotations

__all__ = ["strip_etag"]


def strip_etag(etag: str) -> str:
    """``etag`` without the mark of a weak one and without its quotes; otherwise opaque."""
    etag = etag.strip()
    if etag.startswith("W/"):
        etag = etag[2:]
    return etag.strip('"')
