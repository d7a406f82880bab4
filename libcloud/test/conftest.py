# SPDX-License-Identifier: Apache-2.0
"""Set-up for all tests: the placeholder credentials, and no deadlines of hypothesis."""

from __future__ import annotations

from hypothesis import settings

from libcloud.test._secrets import provide_secrets

provide_secrets()

# How long an example takes depends on what else the machine does.
settings.register_profile("libcloud", deadline=None)
settings.load_profile("libcloud")
