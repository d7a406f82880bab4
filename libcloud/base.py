# SPDX-License-Identifier: Apache-2.0
"""Drivers by their type: ``get_driver(DriverType.STORAGE, Provider.S3)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from libcloud.storage.providers import get_driver as get_storage_driver
from libcloud.storage.types import Provider as StorageProvider

__all__ = ["DriverType", "DriverTypeFactoryMap", "DriverTypeNotFoundError", "get_driver"]


class DriverType:
    """Types of drivers. Of all but ``STORAGE`` this library knows no more than the name."""

    BACKUP = "backup"
    COMPUTE = "compute"
    CONTAINER = "container"
    DNS = "dns"
    LOADBALANCER = "loadbalancer"
    STORAGE = StorageProvider


DriverTypeFactoryMap: dict[Any, Callable[[Any], Any]] = {DriverType.STORAGE: get_storage_driver}


class DriverTypeNotFoundError(KeyError):
    """There are no drivers of that type."""

    def __init__(self, type: Any) -> None:
        self.message = f"Driver type {type!r} not found."
        super().__init__(self.message)


def get_driver(type: Any, provider: Any) -> Any:
    """The class of the driver for ``provider``.

    :param type: ``DriverType.STORAGE``.
    :raises DriverTypeNotFoundError: there are no drivers of that type.
    :raises AttributeError: there is no such provider.
    """
    factory = DriverTypeFactoryMap.get(type)
    if factory is None:
        raise DriverTypeNotFoundError(type)
    return factory(provider)
