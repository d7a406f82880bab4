# SPDX-License-Identifier: Apache-2.0
"""The S3 protocol for any driver: a client that sends requests, and the operations on it.

Modules here import ``storage/transfer``, ``common`` and what is below; they know no driver. The
tests are in ``libcloud/test/storage``, ``test_s3_*.py``.
"""
