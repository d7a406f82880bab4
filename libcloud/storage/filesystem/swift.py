# SPDX-License-Identifier: Apache-2.0
"""The file system for OpenStack Swift."""

from __future__ import annotations

from typing import ClassVar

from libcloud.storage.filesystem.system import LibcloudFileSystem
from libcloud.storage.keywords import complete_help
from libcloud.storage.types import Provider


class SwiftFileSystem(LibcloudFileSystem):
    """Containers of OpenStack Swift: ``swift://container/name``.

    Without ``key``, credentials come from ``clouds.yaml`` (``profile`` is the cloud) or from the
    environment. ``endpoint_url`` is where tokens are requested.
    """

    protocol = ("swift",)
    default_provider: ClassVar[str] = Provider.OPENSTACK_SWIFT


complete_help(SwiftFileSystem)
