# SPDX-License-Identifier: Apache-2.0
"""A checking server with a container, and the settings of each program for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.test.storage.fakes.servers import Endpoint, fake_server

BUCKET = "bucket"


@pytest.fixture(scope="session")
def server() -> Iterator[Endpoint]:
    with fake_server() as endpoint:
        yield endpoint


@pytest.fixture
def driver(server: Endpoint) -> Iterator[Any]:
    """A driver for a store with one empty container, in which no upload remains."""
    driver = S3StorageDriver(
        server.key, server.secret, secure=False, host=server.host, port=server.port
    )
    container = driver.create_container(BUCKET)
    yield driver
    assert [*driver.ex_iterate_multipart_uploads(container)] == []
    for obj in container.iterate_objects():
        obj.delete()
    container.delete()
    assert server.fake is not None
    assert not server.fake.violations


@pytest.fixture
def options(server: Endpoint, driver: object) -> dict[str, Any]:
    """``storage_options`` of pandas, dask and zarr."""
    return {"key": server.key, "secret": server.secret, "endpoint_url": server.url}
