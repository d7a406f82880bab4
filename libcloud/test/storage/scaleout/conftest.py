# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of migrations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from libcloud.test.storage.s3_servers import store
from libcloud.test.storage.scaleout.migrating import Pair


@pytest.fixture
def pair() -> Iterator[Pair]:
    with store() as source, store() as destination:
        yield Pair(source, destination)
        assert not source.server.violations
        assert not destination.server.violations
