# SPDX-License-Identifier: Apache-2.0
"""Set-up for all tests: the placeholder credentials."""

from __future__ import annotations

from libcloud.test._secrets import provide_secrets

provide_secrets()
