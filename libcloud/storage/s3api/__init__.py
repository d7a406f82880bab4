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
"""
