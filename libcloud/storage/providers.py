# SPDX-License-Identifier: Apache-2.0
"""The registry of drivers: names, and where to import each of them from on request."""

from __future__ import annotations

from types import MappingProxyType

from libcloud.common.providers import get_driver as _get_provider_driver
from libcloud.common.providers import set_driver as _set_provider_driver
from libcloud.storage.base import StorageDriver
from libcloud.storage.types import OLD_CONSTANT_TO_NEW_MAPPING, Provider
from libcloud.utils.environment import is_complete, unavailable

__all__ = ["DRIVERS", "get_driver", "set_driver"]

_DRIVERS = "libcloud.storage.drivers"
_S3 = f"{_DRIVERS}.s3"

DRIVERS: dict[str, tuple[str, str]] = {
    Provider.DUMMY: (f"{_DRIVERS}.dummy", "DummyStorageDriver"),
    Provider.LOCAL: (f"{_DRIVERS}.local", "LocalStorageDriver"),
    Provider.S3: (_S3, "S3StorageDriver"),
    Provider.S3_US_EAST2: (_S3, "S3USEast2StorageDriver"),
    Provider.S3_US_WEST: (_S3, "S3USWestStorageDriver"),
    Provider.S3_US_WEST_OREGON: (_S3, "S3USWestOregonStorageDriver"),
    Provider.S3_US_GOV_WEST: (_S3, "S3USGovWestStorageDriver"),
    Provider.S3_CA_CENTRAL: (_S3, "S3CACentralStorageDriver"),
    Provider.S3_CN_NORTH: (_S3, "S3CNNorthStorageDriver"),
    Provider.S3_CN_NORTHWEST: (_S3, "S3CNNorthWestStorageDriver"),
    Provider.S3_EU_WEST: (_S3, "S3EUWestStorageDriver"),
    Provider.S3_EU_WEST2: (_S3, "S3EUWest2StorageDriver"),
    Provider.S3_EU_WEST3: (_S3, "S3EUWest3StorageDriver"),
    Provider.S3_EU_CENTRAL: (_S3, "S3EUCentralStorageDriver"),
    Provider.S3_EU_NORTH1: (_S3, "S3EUNorth1StorageDriver"),
    Provider.S3_AP_SOUTH: (_S3, "S3APSouthStorageDriver"),
    Provider.S3_AP_SOUTHEAST: (_S3, "S3APSEStorageDriver"),
    Provider.S3_AP_SOUTHEAST2: (_S3, "S3APSE2StorageDriver"),
    Provider.S3_AP_NORTHEAST: (_S3, "S3APNE1StorageDriver"),
    Provider.S3_AP_NORTHEAST1: (_S3, "S3APNE1StorageDriver"),
    Provider.S3_AP_NORTHEAST2: (_S3, "S3APNE2StorageDriver"),
    Provider.S3_SA_EAST: (_S3, "S3SAEastStorageDriver"),
    Provider.S3_RGW: (f"{_DRIVERS}.rgw", "S3RGWStorageDriver"),
    Provider.S3_RGW_OUTSCALE: (f"{_DRIVERS}.rgw", "S3RGWOutscaleStorageDriver"),
    Provider.MINIO: (f"{_DRIVERS}.minio", "MinIOStorageDriver"),
    Provider.SCALEWAY: (f"{_DRIVERS}.scaleway", "ScalewayStorageDriver"),
    Provider.OVH: (f"{_DRIVERS}.ovh", "OvhStorageDriver"),
    Provider.DIGITALOCEAN_SPACES: (
        f"{_DRIVERS}.digitalocean_spaces",
        "DigitalOceanSpacesStorageDriver",
    ),
    Provider.AURORAOBJECTS: (f"{_DRIVERS}.auroraobjects", "AuroraObjectsStorageDriver"),
    Provider.CLOUDFILES: (f"{_DRIVERS}.cloudfiles", "CloudFilesStorageDriver"),
    Provider.OPENSTACK_SWIFT: (f"{_DRIVERS}.cloudfiles", "OpenStackSwiftStorageDriver"),
    Provider.AZURE_BLOBS: (f"{_DRIVERS}.azure_blobs", "AzureBlobsStorageDriver"),
    Provider.ALIYUN_OSS: (f"{_DRIVERS}.oss", "OSSStorageDriver"),
    Provider.BACKBLAZE_B2: (f"{_DRIVERS}.backblaze_b2", "BackblazeB2StorageDriver"),
    Provider.GOOGLE_STORAGE: (f"{_DRIVERS}.google_storage", "GoogleStorageDriver"),
}

# Drivers of Apache Libcloud that are in the complete build only.
_COMPLETE = MappingProxyType(
    {
        Provider.KTUCLOUD: (f"{_DRIVERS}.ktucloud", "KTUCloudStorageDriver"),
        Provider.NIMBUS: (f"{_DRIVERS}.nimbus", "NimbusStorageDriver"),
        Provider.NINEFOLD: (f"{_DRIVERS}.ninefold", "NinefoldStorageDriver"),
    }
)

if is_complete():
    DRIVERS.update(_COMPLETE)


def get_driver(provider: str) -> type[StorageDriver]:
    """The driver class of a provider; its module is imported now.

    :param provider: a constant of :class:`Provider`, or its value in any case.
    :raises AttributeError: there is no such provider.
    :raises ImportError: only the complete build has its driver.

    >>> get_driver(Provider.DUMMY).name
    'Dummy Storage Provider'
    """
    name = str(provider).lower()
    if name in _COMPLETE and name not in DRIVERS:
        module = _COMPLETE[name][0]
        raise ModuleNotFoundError(unavailable(f"The driver for {name} ({module})"), name=module)
    driver: type[StorageDriver] = _get_provider_driver(
        drivers=DRIVERS, provider=provider, deprecated_constants=OLD_CONSTANT_TO_NEW_MAPPING
    )
    return driver


def set_driver(provider: str, module: str, klass: str) -> type[StorageDriver]:
    """Register a driver of your own; its module is imported now.

    :param provider: name that :func:`get_driver` will know it by.
    :param module: dotted name of the module.
    :param klass: name of the class in it.
    :raises AttributeError: the name is taken, or the module lacks the class.
    :raises ImportError: the module cannot be imported. Nothing is registered after an error.
    """
    driver: type[StorageDriver] = _set_provider_driver(
        drivers=DRIVERS, provider=provider, module=module, klass=klass
    )
    return driver
