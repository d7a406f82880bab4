# SPDX-License-Identifier: Apache-2.0
"""Alias: the options of an upload are in :mod:`libcloud.storage.transfer.upload.session`."""

from __future__ import annotations

from libcloud.storage.transfer.upload.session import UploadOptions

__all__ = ["UploadOptions"]
