# SPDX-License-Identifier: Apache-2.0
"""Where this library departs from the names and signatures of Apache Libcloud 3.9.1, and why."""

from __future__ import annotations

_REGION = "None stands for the default region, which the profile names"
_KEYWORDS = "an unknown keyword is an error; it was ignored"
_HOST = "the host in REGION_TO_HOST_MAP; 3.9.1 named another one here"
_DRIVERS = "libcloud.storage.drivers"

DIFFERENCES: dict[str, str] = {
    "libcloud.storage.drivers.dummy.DummyStorageDriver._add_object": "objects hold their data",
    "libcloud.storage.drivers.local.LocalStorageDriver._check_container_name": "done by Tree",
    "libcloud.storage.drivers.local.LocalStorageDriver._get_obj_file_path": "done by destination",
    "libcloud.storage.drivers.local.LocalStorageDriver._get_objects": "done by Tree",
    "libcloud.storage.drivers.local.LocalStorageDriver._make_path": "done by _open_new",
    "libcloud.utils.files._optimized_chunked_generator": "one generator serves all sizes",
    "libcloud.common.google.GoogleInstalledAppAuthConnection._state": "made anew for each sign-in",
    f"{_DRIVERS}.google_storage.GoogleStorageDriver.supports_chunked_encoding": (
        "streams are sent as they are read; 3.9.1 held them in memory"
    ),
    f"{_DRIVERS}.s3.S3EUNorth1Connection.host": _HOST,
    f"{_DRIVERS}.s3.S3_EU_NORTH1_HOST": _HOST,
    f"{_DRIVERS}.s3.S3_EU_SOUTH1_HOST": _HOST,
    f"{_DRIVERS}.digitalocean_spaces.DOSpacesConnectionAWS2.__init__": _KEYWORDS,
    f"{_DRIVERS}.digitalocean_spaces.DOSpacesConnectionAWS4.__init__": _KEYWORDS,
    f"{_DRIVERS}.digitalocean_spaces.DigitalOceanSpacesStorageDriver.__init__": _REGION,
    f"{_DRIVERS}.minio.MinIOConnectionAWS4.__init__": _KEYWORDS,
    f"{_DRIVERS}.ovh.OvhStorageDriver.__init__": _REGION,
    f"{_DRIVERS}.rgw.S3RGWConnectionAWS2.__init__": _KEYWORDS,
    f"{_DRIVERS}.rgw.S3RGWConnectionAWS4.__init__": _KEYWORDS,
    f"{_DRIVERS}.rgw.S3RGWOutscaleStorageDriver.__init__": _REGION,
    f"{_DRIVERS}.rgw.S3RGWStorageDriver.__init__": _REGION,
    f"{_DRIVERS}.scaleway.ScalewayStorageDriver.__init__": _REGION,
}
