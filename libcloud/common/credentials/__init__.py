# SPDX-License-Identifier: Apache-2.0
"""Credentials: their values, where they are found, and how they are refreshed.

May import ``libcloud.utils`` and ``libcloud.common.types``; knows no connection and no driver. Only
``botocore.py`` imports botocore. Tests: ``test/common/test_credentials*.py``.

``types`` has the values and errors, ``discovery`` finds AWS credentials and settings (with
``profiles`` and ``botocore``), ``google`` finds Google's, ``provider`` refreshes temporary ones.
"""

from __future__ import annotations

from libcloud.common.credentials.types import (
    Credentials,
    CredentialsNotFoundError,
    MalformedCredentialsError,
    clean_key,
    clean_secret,
    masked,
)

__all__ = [
    "Credentials",
    "CredentialsNotFoundError",
    "MalformedCredentialsError",
    "clean_key",
    "clean_secret",
    "masked",
]
