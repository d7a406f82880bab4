# SPDX-License-Identifier: Apache-2.0
"""Object storage: the public contract, the upload engine, the S3 protocol and the drivers.

What for: ``base`` and ``types`` are what programs use, ``providers`` finds a driver by name.

May import: ``libcloud.common``, ``libcloud.http`` and ``libcloud.utils``; inside, ``base``, ``types``
and ``capabilities`` come first, then ``transfer``, ``s3api``, ``drivers`` and ``providers``, and
none imports one that comes later.

Proof: ``libcloud/test/storage``; the conformance suite runs on every driver.
"""
