# SPDX-License-Identifier: Apache-2.0
"""Objects as the headers of responses describe them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from libcloud.storage import s3, transfer
from libcloud.storage.base import Container, Object
from libcloud.storage.metadata import metadata_in
from libcloud.utils.headers import strip_etag

if TYPE_CHECKING:
    from libcloud.storage.s3.client import S3Client
    from libcloud.storage.s3.names import Place

_EXTRA_HEADERS = """
    content-type etag content-encoding last-modified cache-control content-disposition
    content-language expires
""".split()

# Headers that begin with the store's prefix. The id of the newest version is not ``version_id``:
# what is read later is then still the newest one, and not this.
_EXTRA_VENDOR_HEADERS = {
    "version-id": "latest_version_id",
    "storage-class": "storage_class",
    "server-side-encryption": "encryption",
    "server-side-encryption-aws-kms-key-id": "encryption_key_id",
    "server-side-encryption-customer-algorithm": "customer_encryption",
    "server-side-encryption-bucket-key-enabled": "bucket_key",
    "object-lock-mode": "lock_mode",
    "object-lock-retain-until-date": "lock_until",
    "object-lock-legal-hold": "legal_hold",
    "replication-status": "replication_status",
    "restore": "restore",
    "archive-status": "archive_status",
    "expiration": "expiration",
    "tagging-count": "tag_count",
    "mp-parts-count": "part_count",
    "website-redirect-location": "redirect_location",
}


def look_up(
    client: S3Client,
    place: Place,
    headers: Mapping[str, str] | None = None,
    version_id: str | None = None,
) -> Mapping[str, str]:
    """The headers of an object or a version, names in lower case, by one HEAD request."""
    request = s3.requests.head(place.path, {**transfer.download.start.AS_STORED, **(headers or {})})
    request = s3.requests.of_version(request, version_id)
    label = s3.names.label_of(*place.names, version_id)
    response = client.send(request, f"Error looking for {label}", names=place.names)
    s3.versions.check_response(client, response.headers, label, version_id)
    return response.headers  # type: ignore[no-any-return]


def object_from(
    headers: Mapping[str, str], name: str, size: str | None, container: Container, driver: Any
) -> Object:
    """The object that the ``headers`` of a response describe."""
    if size is None:
        raise KeyError(f"Can not deduce object size from headers for object {name}")
    return Object(
        name=name,
        size=int(size),
        hash=strip_etag(headers["etag"]) if "etag" in headers else None,
        extra=_extra_of(headers, driver.http_vendor_prefix),
        meta_data=metadata_in(headers, f"{driver.http_vendor_prefix}-meta-"),
        container=container,
        driver=driver,
    )


def _extra_of(headers: Mapping[str, str], vendor: str) -> dict[str, Any]:
    extra: dict[str, Any] = {
        name.replace("-", "_"): headers[name] for name in _EXTRA_HEADERS if name in headers
    }
    for name, key in _EXTRA_VENDOR_HEADERS.items():
        value = headers.get(f"{vendor}-{name}")
        if value:
            extra[key] = value
    checksum = _checksum_of(headers)
    if checksum is not None:
        extra["checksum"] = checksum
    return extra


def _checksum_of(headers: Mapping[str, str]) -> dict[str, str] | None:
    """The checksum that a response names, as it is: one of parts ends in a hyphen and a number."""
    prefix = s3.checksums.HEADER
    for name, value in headers.items():
        algorithm = name.removeprefix(prefix)
        if name.startswith(prefix) and algorithm not in ("algorithm", "type"):
            return {"algorithm": algorithm, "value": value}
    return None
