# SPDX-License-Identifier: Apache-2.0
"""The S3 protocol for any driver: requests, responses, and a client that sends them.

Without I/O: ``requests`` builds each operation as a value, ``responses`` and ``errors`` parse what
comes back into records; ``names`` defines valid buckets and keys and how they are
encoded, ``profiles`` the differences between stores, ``options`` the keywords of uploads and reads,
``headers`` which request carries which header, ``checksums`` and ``integrity`` what is sent along
and verified, ``presign`` URLs that contain their own authorization.

With I/O: ``client`` sends requests through a connection (``connection``, ``endpoint``,
``recovery``) whose responses are those of ``http_response``; ``objects``,
``settings``, ``listing``, ``multipart``, ``copying``, ``deletion`` and ``uploads`` are the
operations of the driver; ``upload_port`` and ``download_port`` are the adapters that the transfer
engine calls. ``access`` configures a driver.

Modules here import ``storage/transfer``, the storage contract, ``common`` and ``utils``; they know
no driver. The tests are ``libcloud/test/storage/s3/`` and ``libcloud/test/storage/test_s3_*.py``.

A module is imported on first access: ``s3.requests``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.storage.s3 import access as access
    from libcloud.storage.s3 import checksums as checksums
    from libcloud.storage.s3 import client as client
    from libcloud.storage.s3 import connection as connection
    from libcloud.storage.s3 import copying as copying
    from libcloud.storage.s3 import deletion as deletion
    from libcloud.storage.s3 import download_port as download_port
    from libcloud.storage.s3 import endpoint as endpoint
    from libcloud.storage.s3 import errors as errors
    from libcloud.storage.s3 import headers as headers
    from libcloud.storage.s3 import http_response as http_response
    from libcloud.storage.s3 import integrity as integrity
    from libcloud.storage.s3 import listing as listing
    from libcloud.storage.s3 import multipart as multipart
    from libcloud.storage.s3 import names as names
    from libcloud.storage.s3 import nodes as nodes
    from libcloud.storage.s3 import objects as objects
    from libcloud.storage.s3 import options as options
    from libcloud.storage.s3 import presign as presign
    from libcloud.storage.s3 import profiles as profiles
    from libcloud.storage.s3 import recovery as recovery
    from libcloud.storage.s3 import requests as requests
    from libcloud.storage.s3 import responses as responses
    from libcloud.storage.s3 import settings as settings
    from libcloud.storage.s3 import upload_port as upload_port
    from libcloud.storage.s3 import uploads as uploads
else:
    __getattr__ = submodules(__name__)
