# SPDX-License-Identifier: Apache-2.0
"""Drivers by their type: ``get_driver(DriverType.STORAGE, Provider.S3)``.

The complete build has drivers of all types. In the storage half alone the other types are names,
which annotations can use, and asking for a driver of theirs is an error that says so.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from libcloud.common.types import rebuild_error
from libcloud.storage.providers import get_driver as get_storage_driver
from libcloud.storage.types import Provider as StorageProvider
from libcloud.utils.environment import is_complete, unavailable

__all__ = [
    "BackupProvider", "ComputeProvider", "ContainerProvider", "DnsProvider", "DriverType",
    "DriverTypeFactoryMap", "DriverTypeNotFoundError", "LoadBalancerProvider", "StorageProvider",
    "UnavailableDriverTypeError", "get_backup_driver", "get_compute_driver",
    "get_container_driver", "get_dns_driver", "get_driver", "get_loadbalancer_driver",
    "get_storage_driver",
]  # fmt: skip


class DriverTypeNotFoundError(KeyError):
    """There are no drivers of that type."""

    def __init__(self, type: Any) -> None:
        self.message = f"Driver type {type!r} not found."
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        # KeyError would pass the message to the constructor, which takes the type.
        return rebuild_error, (type(self), self.args), self.__dict__


class UnavailableDriverTypeError(DriverTypeNotFoundError, ImportError):
    """There are drivers of that type in the complete build only."""

    def __init__(self, package: str) -> None:
        super().__init__(package)
        self.message = unavailable(package)
        self.args = (self.message,)

    def __str__(self) -> str:
        return self.message


class _Unavailable(type):
    """Providers of a type whose drivers are in the complete build only: any name is one."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        return name.lower()


def _type_of_drivers(kind: str) -> tuple[Any, Callable[[Any], Any]]:
    """The class of providers of a type, and the function that finds their drivers."""
    package = f"libcloud.{kind}"
    if is_complete():
        providers = import_module(f"{package}.types").Provider
        return providers, import_module(f"{package}.providers").get_driver

    def get_unavailable_driver(provider: Any) -> Any:
        raise UnavailableDriverTypeError(package)

    return _Unavailable("Provider", (), {"__module__": package}), get_unavailable_driver


BackupProvider, get_backup_driver = _type_of_drivers("backup")
ComputeProvider, get_compute_driver = _type_of_drivers("compute")
ContainerProvider, get_container_driver = _type_of_drivers("container")
DnsProvider, get_dns_driver = _type_of_drivers("dns")
LoadBalancerProvider, get_loadbalancer_driver = _type_of_drivers("loadbalancer")


class DriverType:
    """Types of drivers: for each of them, the class of its providers."""

    BACKUP = BackupProvider
    COMPUTE = ComputeProvider
    CONTAINER = ContainerProvider
    DNS = DnsProvider
    LOADBALANCER = LoadBalancerProvider
    STORAGE = StorageProvider


DriverTypeFactoryMap: dict[Any, Callable[[Any], Any]] = {
    DriverType.BACKUP: get_backup_driver,
    DriverType.COMPUTE: get_compute_driver,
    DriverType.CONTAINER: get_container_driver,
    DriverType.DNS: get_dns_driver,
    DriverType.LOADBALANCER: get_loadbalancer_driver,
    DriverType.STORAGE: get_storage_driver,
}


def get_driver(type: Any, provider: Any) -> Any:
    """The class of the driver for ``provider``.

    :param type: one of :class:`DriverType`.
    :raises DriverTypeNotFoundError: there are no drivers of that type.
    :raises ImportError: only the complete build has drivers of that type.
    :raises AttributeError: there is no such provider.
    """
    factory = DriverTypeFactoryMap.get(type)
    if factory is None:
        raise DriverTypeNotFoundError(type)
    return factory(provider)
