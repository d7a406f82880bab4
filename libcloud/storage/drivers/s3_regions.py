# SPDX-License-Identifier: Apache-2.0
"""One class for each of Amazon's older regions, as 3.9.1 has them: ``region=`` says it shorter."""

from __future__ import annotations

from libcloud.storage.drivers.s3 import S3SignatureV4Connection, S3StorageDriver
from libcloud.storage.s3.profiles.hosts import AMAZON_HOSTS

# Name in the class, region, and its name as a location, where that is another.
_REGIONS = (
    ("USEast2", "us-east-2", ""),
    ("USWest", "us-west-1", ""),
    ("USWestOregon", "us-west-2", ""),
    ("USGovEast", "us-gov-east-1", ""),
    ("USGovWest", "us-gov-west-1", ""),
    ("CNNorth", "cn-north-1", ""),
    ("CNNorthWest", "cn-northwest-1", ""),
    ("EUWest", "eu-west-1", "EU"),
    ("EUWest2", "eu-west-2", ""),
    ("EUWest3", "eu-west-3", ""),
    ("EUCentral", "eu-central-1", ""),
    ("EUNorth1", "eu-north-1", ""),
    ("APSE", "ap-southeast-1", ""),
    ("APSE2", "ap-southeast-2", ""),
    ("APNE1", "ap-northeast-1", ""),
    ("APNE2", "ap-northeast-2", ""),
    ("APSouth", "ap-south-1", ""),
    ("SAEast", "sa-east-1", ""),
    ("CACentral", "ca-central-1", ""),
)


def _connection(name: str, region: str) -> type[S3SignatureV4Connection]:
    host = AMAZON_HOSTS[region]
    return type(
        f"S3{name}Connection", (S3SignatureV4Connection,), {"host": host, "__module__": __name__}
    )


def _driver(name: str, region: str, location: str) -> type[S3StorageDriver]:
    members = {
        "__doc__": f"Amazon S3 in {region}.",
        "__module__": __name__,
        "name": f"Amazon S3 ({region})",
        "connectionCls": _connection(name, region),
        "ex_location_name": location or region,
        "region_name": region,
    }
    return type(f"S3{name}StorageDriver", (S3StorageDriver,), members)


for _name, _region, _location in _REGIONS:
    _class = _driver(_name, _region, _location)
    globals()[_class.__name__] = _class
    globals()[_class.connectionCls.__name__] = _class.connectionCls

S3APNEStorageDriver = globals()["S3APNE1StorageDriver"]
S3APNEConnection = globals()["S3APNE1Connection"]
