# SPDX-License-Identifier: Apache-2.0
"""Stores that many tests use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from libcloud.test.storage.s3_servers import Store, store


@pytest.fixture
def amazon() -> Iterator[Store]:
    """Amazon's driver."""
    with store() as running:
        yield running


@pytest.fixture(params=["2", "4"])
def s3(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A driver for either version of the signature."""
    with store(version=request.param) as running:
        yield running
