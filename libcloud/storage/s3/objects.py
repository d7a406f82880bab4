# SPDX-License-Identifier: Apache-2.0
"""Objects and their versions: as responses describe them, and which one a request is for.

Reference: Amazon S3 User Guide, "Retaining multiple versions of objects with S3 Versioning".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from libcloud.common.types import LibcloudError
from libcloud.storage import s3
from libcloud.storage.base import Container, Object, ObjectVersion
from libcloud.storage.metadata import metadata_in
from libcloud.storage.s3.names import label_of
from libcloud.storage.transfer.download.start import AS_STORED, validator_of
from libcloud.storage.types import ObjectDoesNotExistError
from libcloud.utils.headers import strip_etag

if TYPE_CHECKING:
    from libcloud.storage.s3.client import S3Client
    from libcloud.storage.s3.names import Place
    from libcloud.storage.transfer.download.port import Validator

_T = TypeVar("_T")

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
    request = s3.requests.head(place.path, {**AS_STORED, **(headers or {})})
    request = s3.requests.of_version(request, version_id)
    label = label_of(*place.names, version_id)
    response = client.send(request, f"Error looking for {label}", names=place.names)
    check_response(client, response.headers, label, version_id)
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


# Versions.

# Amazon S3 User Guide, "Versioning flows": up to 1,024 bytes.
_MAX_BYTES = 1024

# Statuses with which a store refuses to read a version: denied, or not supported.
_REFUSED = (400, 403, 501)


class WrongVersionError(LibcloudError):
    """The response is not about the version that was requested."""


def check_version_id(version_id: object, name: str = "ex_version_id") -> None:
    """Refuse what cannot be the id of a version; ``name`` is that of the argument."""
    if not isinstance(version_id, str):
        raise TypeError(f"{name} must be a str, not {type(version_id).__name__}")
    if not version_id:
        raise ValueError(f"{name} must not be empty: leave it out for the newest version")
    try:
        length = len(version_id.encode())
    except UnicodeEncodeError as error:
        raise ValueError(f"{name} cannot be written as UTF-8") from error
    if length > _MAX_BYTES:
        raise ValueError(f"{name} has {length} bytes, and S3 uses at most {_MAX_BYTES}")


def version_of(obj: Object) -> str | None:
    """The version that reading ``obj``, which is no delete marker, reads; ``None``: the newest."""
    if isinstance(obj, ObjectVersion):
        if obj.is_delete_marker:
            label = label_of(obj.container.name, obj.name, obj.version_id)
            text = f"{label} is a delete marker: no data"
            raise ObjectDoesNotExistError(text, obj.driver, obj.name)
        return obj.version_id
    # Objects of other programs, and mocks, need not have ``extra``.
    version_id = (getattr(obj, "extra", None) or {}).get("version_id")
    if not version_id or not isinstance(version_id, str):
        return None
    # R2 returns ids although it keeps no versions.
    profile = getattr(obj.driver, "profile", None)
    return version_id if getattr(profile, "versions", True) else None


def as_version(obj: Object, version_id: str) -> ObjectVersion:
    """The version that the response about it, read as ``obj``, describes."""
    extra = {key: value for key, value in obj.extra.items() if key != "latest_version_id"}
    properties = (obj.name, obj.size, obj.hash, extra, obj.meta_data, obj.container, obj.driver)
    return ObjectVersion(*properties, version_id=version_id)


def read_version(obj: Object, read: Callable[[str | None, Validator | None], _T]) -> _T:
    """The result of ``read`` for the version of ``obj``, and for the condition that it must meet.

    Who may read objects may be forbidden to read versions (``s3:GetObjectVersion``), and some
    stores return ids and keep no versions. Unless a version was requested by its id, the newest one
    is read then, if it still is the same.
    """
    version_id = version_of(obj)
    if version_id is None:
        return read(None, None)
    try:
        return read(version_id, None)
    except LibcloudError as error:
        is_refused = getattr(error, "status", None) in _REFUSED
        if not (is_refused or isinstance(error, WrongVersionError)):
            raise
        if isinstance(obj, ObjectVersion) or not obj.hash:
            raise
    return read(None, validator_of(obj))


def version_to_delete(obj: Object) -> str | None:
    """The version that deleting ``obj`` deletes; ``None``: the object gets a delete marker."""
    return obj.version_id if isinstance(obj, ObjectVersion) else None


def check_response(
    client: S3Client, headers: Mapping[str, str], label: str, version_id: str | None
) -> None:
    """Check that a response, with ``headers`` in lower case, is about the requested version.

    A store without versions ignores the parameter, and returns the newest.
    """
    found = headers.get("x-amz-version-id")
    if version_id is None or found == version_id:
        return
    if found is None and version_id == "null":
        return  # that of a container without versioning
    which = "a response without a version id" if found is None else f"the version {found}"
    raise WrongVersionError(
        f"{label}: the store returned {which}. It does not seem to support versions", client.owner
    )


def versions(
    client: S3Client,
    path: str,
    container: Container,
    *,
    prefix: str | None = None,
    object_name: str | None = None,
) -> Iterator[ObjectVersion]:
    """The versions in the container at ``path``; see ``ex_iterate_object_versions``."""
    driver: Any = client.owner
    start = prefix if object_name is None else object_name
    for page, _ in s3.listing.pages(
        client,
        f"Error listing the versions of objects of {container.name}",
        partial(s3.requests.list_versions, path, prefix=start),
        s3.responses.parse_versions,
        names=(container.name, ""),
        prefix=start,
        kind=s3.listing.VERSIONS,
    ):
        for record in page.entries:
            if object_name is not None and record.key != object_name:
                return  # names that are longer come afterwards
            extra: dict[str, Any] = {"last_modified": record.last_modified}
            if record.storage_class:
                extra["storage_class"] = record.storage_class
            yield ObjectVersion(
                *(record.key, record.size, record.etag, extra, {}, container, driver),
                version_id=record.version_id,
                is_latest=record.is_latest,
                is_delete_marker=record.is_delete_marker,
            )


def undelete(
    found: Iterator[ObjectVersion],
    delete: Callable[[ObjectVersion], object],
    container: Container,
    name: str,
) -> None:
    """Delete the delete markers that are newer than any version with data.

    There can be several: deleting a deleted object adds one, and so does a retry.

    :param found: the versions of the object, the newest first.
    """
    markers = []
    for version in found:
        if not version.is_delete_marker:
            break
        markers.append(version)
    else:
        text = f"{container.name}/{name}: no version of it has data"
        raise ObjectDoesNotExistError(text, container.driver, name)
    for marker in markers:
        delete(marker)
