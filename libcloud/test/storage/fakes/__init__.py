# SPDX-License-Identifier: Apache-2.0
"""A loopback S3 server that checks each request, and launchers of real servers.

:mod:`.server` holds the fake: an in-memory HTTP server which verifies signature, digests, order,
sizes and upload ids, and refuses what Amazon S3 refuses. :mod:`.servers` starts it, moto and
``rclone serve s3`` for tests and demonstrations; neither needs pytest.

The fake imports the standard library only. Above all it imports no signer and no parser of the
library: it is the second opinion. Proved by ``libcloud/test/storage/test_fake_s3.py``, which lets
boto3 talk to it.
"""
