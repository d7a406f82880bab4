# SPDX-License-Identifier: Apache-2.0
"""The protocol of OpenStack Swift for any driver: requests, responses, and a client.

What for: ``requests`` builds each operation as a value, ``responses`` and ``errors`` parse what
comes back, ``profiles`` has the limits of a cluster; none of them does any I/O. ``client`` sends
requests. ``multipart`` and ``deletion`` are operations; ``upload_port`` is for the transfer engine.
May import: ``storage/transfer``, the storage contract, ``common`` and ``utils``; no driver.
Tests: ``libcloud/test/storage/swift/`` and the conformance suite.

Its modules are imported on first access: ``swift.requests``.

Reference: OpenStack, "Object Storage API" (docs.openstack.org/api-ref/object-store), and the pages
"Large objects", "Static Large Objects" (overview_large_objects), "Temporary URL middleware" and
"Discoverability" of Swift's documentation (docs.openstack.org/swift/latest).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.storage.swift import client as client
    from libcloud.storage.swift import deletion as deletion
    from libcloud.storage.swift import errors as errors
    from libcloud.storage.swift import multipart as multipart
    from libcloud.storage.swift import profiles as profiles
    from libcloud.storage.swift import requests as requests
    from libcloud.storage.swift import responses as responses
    from libcloud.storage.swift import upload_port as upload_port
else:
    __getattr__ = submodules(__name__)
