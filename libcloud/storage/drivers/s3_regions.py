# SPDX-License-Identifier: Apache-2.0
"""A class for each of Amazon's older regions, as in 3.9.1; ``region=`` is the shorter way."""

from __future__ import annotations

from typing import Any

from libcloud.storage.s3.connection import S3SignatureV4Connection
from libcloud.storage.s3.profiles.services import AMAZON_HOSTS

# By the part of the class name that differs.
_REGIONS = {
    "USEast2": "us-east-2",
    "USWest": "us-west-1",
    "USWestOregon": "us-west-2",
    "USGovEast": "us-gov-east-1",
    "USGovWest": "us-gov-west-1",
    "CNNorth": "cn-north-1",
    "CNNorthWest": "cn-northwest-1",
    "EUWest": "eu-west-1",
    "EUWest2": "eu-west-2",
    "EUWest3": "eu-west-3",
    "EUCentral": "eu-central-1",
    "EUNorth1": "eu-north-1",
    "APSE": "ap-southeast-1",
    "APSE2": "ap-southeast-2",
    "APNE1": "ap-northeast-1",
    "APNE2": "ap-northeast-2",
    "APSouth": "ap-south-1",
    "SAEast": "sa-east-1",
    "CACentral": "ca-central-1",
}

_classes: dict[str, Any] = {}


def region_class(name: str, base: type[Any]) -> Any:
    """The class ``name`` of the module of ``base``; ``None`` if there is none.

    :param name: ``"S3USWestStorageDriver"``, ``"S3USWestConnection"``.
    :param base: the driver class for all regions.
    """
    name = name.replace("S3APNES", "S3APNE1S").replace("S3APNEC", "S3APNE1C")
    kind = "Connection" if name.endswith("Connection") else "StorageDriver"
    label = name.removeprefix("S3").removesuffix(kind)
    if name not in _classes and name == f"S3{label}{kind}" and label in _REGIONS:
        region = _REGIONS[label]
        members: dict[str, Any] = {"__module__": base.__module__}
        if kind == "Connection":
            members["host"] = AMAZON_HOSTS[region]
            base = S3SignatureV4Connection
        else:
            members.update(
                __doc__=f"Amazon S3 in {region}.",
                name=f"Amazon S3 ({region})",
                connectionCls=region_class(f"S3{label}Connection", base),
                ex_location_name="EU" if region == "eu-west-1" else region,
                region_name=region,
            )
        _classes.setdefault(name, type(name, (base,), members))
    return _classes.get(name)
