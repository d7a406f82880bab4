# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of uploads by several processes, and of migrations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from libcloud.test.storage.s3_servers import Store, store
from libcloud.test.storage.scaleout.migrating import Pair
from libcloud.test.storage.scaleout.pools import raise_smallest_part


@pytest.fixture(scope="module")
def running() -> Iterator[Store]:
    """A store; a module may have another one."""
    with store() as found:
        raise_smallest_part(found)
        yield found


@pytest.fixture
def s3(running: Store) -> Iterator[Store]:
    """The store of the module, with an empty bucket."""
    running.server.reset()
    running.server.create_bucket("bucket")
    yield running
    assert not running.server.violations


@pytest.fixture
def pair() -> Iterator[Pair]:
    with store() as source, store() as destination:
        yield Pair(source, destination)
        assert not source.server.violations
        assert not destination.server.violations
