# SPDX-License-Identifier: Apache-2.0
"""Operations on single objects and containers: look up, create and delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from libcloud.common.types import LibcloudError
from libcloud.storage import s3, transfer
from libcloud.storage.base import Container, Object
from libcloud.storage.metadata import metadata_in
from libcloud.storage.s3.client import detail_of
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ContainerError,
    ContainerIsNotEmptyError,
    InvalidContainerNameError,
    MissingContainerError,
    ObjectDoesNotExistError,
)
from libcloud.utils.headers import strip_etag

if TYPE_CHECKING:
    from libcloud.storage.s3.client import S3Client
    from libcloud.storage.s3.names import Place

_EXTRA_HEADERS = {
    "content-type": "content_type",
    "etag": "etag",
    "content-encoding": "content_encoding",
    "last-modified": "last_modified",
    "cache-control": "cache_control",
    "content-disposition": "content_disposition",
    "content-language": "content_language",
    "expires": "expires",
}

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
    """The headers of an object, names in lower case, by one HEAD request.

    :param version_id: of one version; ``None``: the newest.
    :raises ObjectDoesNotExistError: there is no such object or version.
    """
    request = s3.requests.head(place.path, {**transfer.download.start.AS_STORED, **(headers or {})})
    request = s3.requests.of_version(request, version_id)
    label = s3.names.label_of(*place.names, version_id)
    response = client.send(request, f"Error looking for {label}", names=place.names)
    s3.versions.check_response(client, response.headers, label, version_id)
    return response.headers  # type: ignore[no-any-return]


def object_from(
    headers: Mapping[str, str], name: str, size: str | None, container: Container, driver: Any
) -> Object:
    """The object that the ``headers`` of a response describe.

    :param size: as the driver found it in the headers.
    """
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
        key: headers[header] for header, key in _EXTRA_HEADERS.items() if header in headers
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


def delete(client: S3Client, place: Place, version_id: str | None = None) -> bool:
    """Delete an object, or one version of it.

    :return: whether the status is 204, as S3's is.
    :raises ObjectDoesNotExistError: it does not exist, and the store says so (Amazon does not).
    """
    request = s3.requests.of_version(s3.requests.delete(place.path), version_id)
    what = f"Error deleting {s3.names.label_of(*place.names, version_id)}"

    def attempt() -> bool:
        response = client.send_once(request, what, ok=(200, 204), names=place.names)
        return bool(response.status == 204)

    try:
        return client.retry_loop.ensure(attempt, ObjectDoesNotExistError) is not False
    except ContainerDoesNotExistError as error:
        raise MissingContainerError.of(error, place.name) from error


def look_up_container(client: S3Client, path: str, name: str) -> None:
    """Check by one HEAD request that the container at ``path`` exists.

    A container to which access is denied (403) is assumed to exist.

    :raises ContainerDoesNotExistError: it does not.
    """
    what = f"Error looking for the container {name}"
    try:
        client.send(s3.requests.head(path), what, names=(name, ""))
    except LibcloudError as error:
        if getattr(error, "status", None) != 403:
            raise


def create_container(client: S3Client, path: str, name: str, location: str | None) -> None:
    """Create a container.

    :param location: the region to name in the request; ``None``: none.
    :raises ContainerAlreadyExistsError: the account has one of that name already.
    :raises InvalidContainerNameError: the name is invalid, or another account uses it.
    """
    request = s3.requests.create_bucket(path, location=location)
    if isinstance(request.body, bytes):
        # As text: connection classes of test suites return it as the text of the response.
        request = replace(request, body=request.body.decode("ascii"))
    what = f"Error creating the container {name}"

    def attempt() -> None:
        response = client.send_once(request, what, ok=(200, 400, 409), names=(name, ""))
        if response.status == 200:
            return
        detail, body = detail_of(response), response.body or ""
        kind: type[ContainerError] = ContainerError
        if "BucketAlreadyOwnedByYou" in body:
            kind = ContainerAlreadyExistsError
        elif response.status == 409 or "InvalidBucketName" in body:
            kind = InvalidContainerNameError
        raise s3.errors.attach_detail(kind(s3.errors.describe(detail), client.owner, name), detail)

    client.retry_loop.ensure(attempt, ContainerAlreadyExistsError)


def delete_container(client: S3Client, path: str, name: str) -> bool:
    """Delete an empty container.

    :return: whether the status is 204, as S3's is.
    :raises ContainerDoesNotExistError: the container does not exist.
    :raises ContainerIsNotEmptyError: it contains objects. Nothing was deleted.
    """
    what = f"Error deleting the container {name}"

    def attempt() -> bool:
        response = client.send_once(
            s3.requests.delete(path), what, ok=(200, 204, 409), names=(name, "")
        )
        if response.status == 409:
            detail = detail_of(response)
            text = "the container is not empty; delete its objects first. "
            error = ContainerIsNotEmptyError(text + s3.errors.describe(detail), client.owner, name)
            raise s3.errors.attach_detail(error, detail)
        return bool(response.status == 204)

    return client.retry_loop.ensure(attempt, ContainerDoesNotExistError) is not False
