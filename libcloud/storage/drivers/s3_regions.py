# SPDX-License-Identifier: Apache-2.0
"""A class for each of Amazon's older regions, as in 3.9.1; ``region=`` is the shorter way."""

from __future__ import annotations

from typing import Any

from libcloud.storage.s3.connection import S3SignatureV4Connection
from libcloud.storage.s3.profiles.services import AMAZON_HOSTS

# By the part of the class name that differs: the region, and its location constraint where that is
# another.
_REGIONS = {
    "USEast2": ("us-east-2", ""),
    "USWest": ("us-west-1", ""),
    "USWestOregon": ("us-west-2", ""),
    "USGovEast": ("us-gov-east-1", ""),
    "USGovWest": ("us-gov-west-1", ""),
    "CNNorth": ("cn-north-1", ""),
    "CNNorthWest": ("cn-northwest-1", ""),
    "EUWest": ("eu-west-1", "EU"),
    "EUWest2": ("eu-west-2", ""),
    "EUWest3": ("eu-west-3", ""),
    "EUCentral": ("eu-central-1", ""),
    "EUNorth1": ("eu-north-1", ""),
    "APSE": ("ap-southeast-1", ""),
    "APSE2": ("ap-southeast-2", ""),
    "APNE1": ("ap-northeast-1", ""),
    "APNE2": ("ap-northeast-2", ""),
    "APSouth": ("ap-south-1", ""),
    "SAEast": ("sa-east-1", ""),
    "CACentral": ("ca-central-1", ""),
}

_classes: dict[str, Any] = {}


def region_class(name: str, base: type[Any]) -> Any:
    """The class ``name`` of the module of ``base``; ``None`` if there is none.

    :param name: ``"S3USWestStorageDriver"``, ``"S3USWestConnection"``.
    :param base: the driver class for all regions.
    """
    name = name.replace("S3APNES", "S3APNE1S").replace("S3APNEC", "S3APNE1C")
    for suffix in ("StorageDriver", "Connection"):
        label = name.removeprefix("S3").removesuffix(suffix)
        if name == f"S3{label}{suffix}" and label in _REGIONS and name not in _classes:
            region, location = _REGIONS[label]
            _classes.setdefault(
                name,
                driver_class(label, region, location, base)
                if suffix == "StorageDriver"
                else _connection_class(label, region, base.__module__),
            )
    return _classes.get(name)


def driver_class(label: str, region: str, location: str, base: type[Any]) -> type[Any]:
    """A driver class for one region.

    :param location: the location constraint; empty if it is the name of the region.
    """
    connection = region_class(f"S3{label}Connection", base)
    members = {
        "__doc__": f"Amazon S3 in {region}.",
        "__module__": base.__module__,
        "name": f"Amazon S3 ({region})",
        "connectionCls": connection or _connection_class(label, region, base.__module__),
        "ex_location_name": location or region,
        "region_name": region,
    }
    return type(f"S3{label}StorageDriver", (base,), members)


def _connection_class(label: str, region: str, module: str) -> type[Any]:
    members = {"host": AMAZON_HOSTS[region], "__module__": module}
    return type(f"S3{label}Connection", (S3SignatureV4Connection,), members)
