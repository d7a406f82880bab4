# SPDX-License-Identifier: Apache-2.0
"""The S3 protocol for any driver: requests, responses, and a client that sends them.

``requests`` builds each operation as a value, ``xml`` and ``errors`` parse responses, ``names``
says what a bucket or key may be called and how it is encoded, ``profiles`` how one store differs
from another, ``presign`` makes URLs that contain their own authorization; ``values`` are the
records that go in and out. None of these does any I/O. ``client`` sends requests, ``deletion``
deletes many objects through it, and ``download_port`` lets the transfer engine read objects
through it.

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
    from libcloud.storage.s3 import columns as columns
    from libcloud.storage.s3 import connection as connection
    from libcloud.storage.s3 import containers as containers
    from libcloud.storage.s3 import copy_headers as copy_headers
    from libcloud.storage.s3 import copying as copying
    from libcloud.storage.s3 import deletion as deletion
    from libcloud.storage.s3 import discovery as discovery
    from libcloud.storage.s3 import download_port as download_port
    from libcloud.storage.s3 import endpoint as endpoint
    from libcloud.storage.s3 import errors as errors
    from libcloud.storage.s3 import evidence as evidence
    from libcloud.storage.s3 import headers as headers
    from libcloud.storage.s3 import integrity as integrity
    from libcloud.storage.s3 import listing as listing
    from libcloud.storage.s3 import multipart as multipart
    from libcloud.storage.s3 import names as names
    from libcloud.storage.s3 import nodes as nodes
    from libcloud.storage.s3 import objects as objects
    from libcloud.storage.s3 import options as options
    from libcloud.storage.s3 import presign as presign
    from libcloud.storage.s3 import profiles as profiles
    from libcloud.storage.s3 import raw_names as raw_names
    from libcloud.storage.s3 import recovery as recovery
    from libcloud.storage.s3 import requests as requests
    from libcloud.storage.s3 import response as response
    from libcloud.storage.s3 import upload_port as upload_port
    from libcloud.storage.s3 import uploads as uploads
    from libcloud.storage.s3 import values as values
    from libcloud.storage.s3 import xml as xml
else:
    __getattr__ = submodules(__name__)
