# SPDX-License-Identifier: Apache-2.0
"""Alias of :mod:`libcloud.utils.etags`."""

from __future__ import annotations

from libcloud.utils.etags import strip_etag

__all__ = ["strip_etag"]
