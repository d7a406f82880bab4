# SPDX-License-Identifier: Apache-2.0
"""Storage drivers: public classes and hooks that glue the S3 protocol and the engine to the API.

A driver imports its own layer and those below, never ``libcloud.storage.providers``. Proved by
``libcloud/test/storage/test_*.py`` and by the conformance suite.
"""
