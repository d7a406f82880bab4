# SPDX-License-Identifier: Apache-2.0
"""Names of modules that were moved, and that programs may import."""

from __future__ import annotations

from libcloud.common import credential_sources
from libcloud.common.credentials import discovery


def test_discovery_is_found_by_its_former_name() -> None:
    assert credential_sources.discover is discovery.discover
