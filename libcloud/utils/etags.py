# SPDX-License-Identifier: Apache-2.0
"""ETags of HTTP responses."""

from __future__ import annotations


def strip_etag(etag: str) -> str:
    """``etag`` without its quotes and without the prefix of a weak one; otherwise opaque."""
    etag = etag.strip()
    if etag.startswith("W/"):
        etag = etag[2:]
    return etag.strip('"')
