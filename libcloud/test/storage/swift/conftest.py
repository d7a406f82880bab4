# SPDX-License-Identifier: Apache-2.0
"""A fake Swift, a driver for it, and a container."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from libcloud.storage.base import Container
from libcloud.storage.drivers.cloudfiles import OpenStackSwiftStorageDriver
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.test.storage.fakes.swift import FakeSwift

Connect = Callable[..., OpenStackSwiftStorageDriver]


@pytest.fixture
def fake() -> Iterator[FakeSwift]:
    with FakeSwift() as server:
        yield server
        assert server.violations == []


@pytest.fixture
def connect(fake: FakeSwift) -> Connect:
    """Makes drivers for the fake, which do not wait between attempts."""

    def make(key: str = fake.user, secret: str = fake.key, **rest: Any) -> Any:
        driver = fake.connect(key=key, secret=secret, **rest)
        driver._client.retry_loop.sleep = lambda seconds: None
        vars(driver)["ex_retry_policy"] = RetryPolicy(attempts=3, base=0.0)
        return driver

    return make


@pytest.fixture
def driver(connect: Connect) -> OpenStackSwiftStorageDriver:
    return connect()


@pytest.fixture
def container(driver: OpenStackSwiftStorageDriver) -> Container:
    return driver.create_container("docs")
