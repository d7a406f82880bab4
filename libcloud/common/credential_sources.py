# SPDX-License-Identifier: Apache-2.0
"""The former name of :mod:`libcloud.common.credentials.discovery`, for code that imports it."""

from __future__ import annotations

from libcloud.common.credentials.discovery import Discovery, Setting, discover

__all__ = ["Discovery", "Setting", "discover"]
