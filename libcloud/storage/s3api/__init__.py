# SPDX-License-Identifier: Apache-2.0
"""The S3 protocol as values: requests are built here, and answers are read, but nothing is sent.

*What for?* Every driver that speaks S3 asks the same questions. ``operations`` says what a request
looks like, ``xml`` and ``errors`` what an answer means, ``names`` what a bucket or key may be
called and how it is encoded, ``profile`` how one store differs from another, ``presign`` how a
request becomes a URL that carries its own authorization. ``values`` are the records that go in and
out.

*What may it import?* The standard library, ``libcloud.utils.xml``, the values of
``libcloud.common`` and the signers there, and ``libcloud.storage.types`` and ``capabilities``.
Never ``libcloud.http``, a socket or a thread.

*Which test proves it?* ``libcloud/test/storage/s3api/``; that the layering holds is proved by
``libcloud/test/test_layers.py``.

A module of it is imported when it is named: ``s3api.operations``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.storage.s3api import checksums as checksums
    from libcloud.storage.s3api import copy_headers as copy_headers
    from libcloud.storage.s3api import crc as crc
    from libcloud.storage.s3api import endpoint as endpoint
    from libcloud.storage.s3api import errors as errors
    from libcloud.storage.s3api import etags as etags
    from libcloud.storage.s3api import evidence as evidence
    from libcloud.storage.s3api import headers as headers
    from libcloud.storage.s3api import integrity as integrity
    from libcloud.storage.s3api import names as names
    from libcloud.storage.s3api import nodes as nodes
    from libcloud.storage.s3api import operations as operations
    from libcloud.storage.s3api import optional as optional
    from libcloud.storage.s3api import presign as presign
    from libcloud.storage.s3api import profile as profile
    from libcloud.storage.s3api import raw_names as raw_names
    from libcloud.storage.s3api import received as received
    from libcloud.storage.s3api import regions as regions
    from libcloud.storage.s3api import values as values
    from libcloud.storage.s3api import write_options as write_options
    from libcloud.storage.s3api import xml as xml
else:
    __getattr__ = submodules(__name__)
