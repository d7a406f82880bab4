# SPDX-License-Identifier: Apache-2.0
"""Credentials: their values, where they are found, and how they are refreshed.

May import ``libcloud.utils`` and ``libcloud.common.types``; knows no connection and no driver.
Tests: ``test/common/test_credentials*.py``.

``provider`` has the values and errors, and refreshes temporary ones; ``discovery`` finds AWS
credentials and settings (with ``botocore``), the others those of their stores.
"""

from __future__ import annotations

from libcloud.common.credentials.provider import (
    Credentials,
    CredentialsNotFoundError,
    MalformedCredentialsError,
    check_credentials,
    clean_key,
    clean_secret,
    masked,
)

__all__ = [
    "Credentials", "CredentialsNotFoundError", "MalformedCredentialsError", "check_credentials",
    "clean_key", "clean_secret", "masked",
]  # fmt: skip
