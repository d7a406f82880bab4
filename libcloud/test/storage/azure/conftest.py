# SPDX-License-Identifier: Apache-2.0
"""A fake Azure with the container ``box``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from libcloud.test.storage.fakes.azure import FakeAzure


@pytest.fixture(scope="module")
def running() -> Iterator[FakeAzure]:
    with FakeAzure() as server:
        yield server


@pytest.fixture
def fake(running: FakeAzure) -> Iterator[FakeAzure]:
    running.create_container("box")
    yield running
    running.reset()
