# SPDX-License-Identifier: Apache-2.0
"""The store, the variables that lead to it, and a driver that takes everything from them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.test.engines.store import BUCKET, Store

# Ray reads them when it is imported. The second one has it listen on loopback only; the last ones
# are for a busy machine: Ray kills no workers to free memory, and waits for slow ones.
os.environ.update(
    RAY_USAGE_STATS_ENABLED="0",
    RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0",
    RAY_AUTH_MODE="disabled",
    RAY_memory_monitor_refresh_ms="0",
    RAY_raylet_start_wait_time_s="240",
    RAY_worker_register_timeout_seconds="240",
)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Started first, so that the processes of the engines have the variables."""
    with Store() as server, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in server.write_settings(tmp_path_factory.mktemp("aws")).items():
            patch.setenv(name, value)
        server.create_bucket(BUCKET)
        yield server


@pytest.fixture
def store(server: Store) -> Iterator[Store]:
    """The store, empty and without faults."""
    server.reset()
    server.create_bucket(BUCKET)
    yield server
    server.faults.clear()


@pytest.fixture
def driver(store: Store) -> Any:
    return S3StorageDriver.from_env()


@pytest.fixture
def container(driver: Any) -> Any:
    return driver.get_container(BUCKET)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the runs of the pieces are recorded."""
    path = tmp_path / "runs"
    path.mkdir()
    return path
