# SPDX-License-Identifier: Apache-2.0
"""The protocol of Azure Blob Storage: requests and responses as values, and a client.

What for: ``requests`` builds each operation as a value, ``responses`` reads the documents,
``errors`` classifies error codes, ``checksums`` has what is sent with a block, ``profiles`` the
limits and hosts. ``client`` sends the requests of a driver; ``copying`` is an operation that takes
several, and ``upload_port`` lets the transfer engine write blobs.
May import: ``libcloud.storage.transfer`` and below. Only ``client``, ``copying`` and
``upload_port`` do I/O, through the client.
Tests: ``libcloud/test/storage/azure/``, and on servers ``test_azure_blobs.py`` and the conformance
suite.

Its modules are imported on first access: ``azure.requests.put_block(...)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.storage.azure import checksums as checksums
    from libcloud.storage.azure import client as client
    from libcloud.storage.azure import copying as copying
    from libcloud.storage.azure import errors as errors
    from libcloud.storage.azure import profiles as profiles
    from libcloud.storage.azure import requests as requests
    from libcloud.storage.azure import responses as responses
    from libcloud.storage.azure import upload_port as upload_port
else:
    __getattr__ = submodules(__name__)
