# SPDX-License-Identifier: Apache-2.0
"""Names of the providers, and the errors of the storage API.

The tree of errors, all under :class:`LibcloudError`::

    ContainerError
        ContainerAlreadyExistsError
        ContainerDoesNotExistError
        ContainerIsNotEmptyError
        InvalidContainerNameError
    ObjectError
        ObjectDoesNotExistError
            MissingContainerError     nor does its container (also a ContainerDoesNotExistError)
        ObjectHashMismatchError       stored, but differs from what was sent
        SizeMismatchError             more or less data than was announced
        ObjectTooLargeError           more than the store accepts
        UploadOutcomeUnknownError     may or may not be stored
        PartConflictError             a part was sent twice, with different data
        WorkerError                   another process could not send its part
        PreconditionFailedError       a precondition of the caller failed
        ConditionalConflictError      another request wrote at the same time
        IncompleteDownloadError       fewer or more bytes than were announced
            ObjectChangedError        replaced or deleted while it was read (also a
                                      PreconditionFailedError)
        InvalidObjectNameError        (also a ValueError)
    IncompleteListingError            the store did not list all entries
    InvalidSourceError                (also a TypeError and an AttributeError)
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

from libcloud.common.types import InvalidSourceError as InvalidSourceError
from libcloud.common.types import LibcloudError
from libcloud.utils.values import Value

__all__ = [
    "OLD_CONSTANT_TO_NEW_MAPPING",
    "ConditionalConflictError",
    "ContainerAlreadyExistsError",
    "ContainerDoesNotExistError",
    "ContainerError",
    "ContainerIsNotEmptyError",
    "DeletedObject",
    "Deletion",
    "FailedDeletion",
    "IncompleteDownloadError",
    "IncompleteListingError",
    "InvalidContainerNameError",
    "InvalidObjectNameError",
    "InvalidSourceError",
    "MissingContainerError",
    "ObjectChangedError",
    "ObjectDoesNotExistError",
    "ObjectError",
    "ObjectHashMismatchError",
    "ObjectTooLargeError",
    "OperationResult",
    "PartConflictError",
    "PreconditionFailedError",
    "Provider",
    "SizeMismatchError",
    "UploadOutcomeUnknownError",
    "WorkerError",
]

_ItemT = TypeVar("_ItemT")
_ValueT = TypeVar("_ValueT")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OperationResult(Value, Generic[_ItemT, _ValueT]):
    """The outcome of an operation on one of many objects.

    :param item: what the caller passed for it.
    :param value: what the operation returned; ``None`` if it failed.
    :param error: why it failed; ``None`` if it succeeded.
    """

    item: _ItemT
    value: _ValueT | None
    error: Exception | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


class Place(NamedTuple):
    """An object, or one version of it, to delete or to look up."""

    container: Any
    name: str
    version_id: str | None = None


class DeletedObject(NamedTuple):
    """An object that no longer exists, or never did: most stores do not say which.

    :param version_id: the version that was deleted; ``None``: the object, of which a container
        with versioning keeps the versions.
    """

    container_name: str
    object_name: str
    version_id: str | None = None

    @property
    def deleted(self) -> bool:
        """True."""
        return True


class FailedDeletion(NamedTuple):
    """An object that may still exist.

    :param error: the reason; the store's response, if there was one, is in its attributes ``code``,
        ``status`` and ``detail``.
    :param version_id: the version that was to be deleted; ``None``: the object.
    """

    container_name: str
    object_name: str
    error: Exception
    version_id: str | None = None

    @property
    def deleted(self) -> bool:
        """False."""
        return False

    @property
    def code(self) -> str:
        """The store's error code; empty if there is none."""
        return str(getattr(self.error, "code", None) or "")


Deletion = DeletedObject | FailedDeletion


class Provider:
    """Names of the providers, for :func:`libcloud.storage.providers.get_driver`.

    The last block names stores of Apache Libcloud that this library has no driver for.
    """

    S3 = "s3"
    S3_US_EAST2 = "s3_us_east_2"
    S3_US_WEST = "s3_us_west"
    S3_US_WEST_OREGON = "s3_us_west_oregon"
    S3_US_GOV_WEST = "s3_us_gov_west"
    S3_CA_CENTRAL = "s3_ca_central"
    S3_CN_NORTH = "s3_cn_north"
    S3_CN_NORTHWEST = "s3_cn_northwest"
    S3_EU_WEST = "s3_eu_west"
    S3_EU_WEST2 = "s3_eu_west_2"
    S3_EU_WEST3 = "s3_eu_west_3"
    S3_EU_CENTRAL = "s3_eu_central"
    S3_EU_NORTH1 = "s3_eu_north_1"
    S3_AP_SOUTH = "s3_ap_south"
    S3_AP_SOUTHEAST = "s3_ap_southeast"
    S3_AP_SOUTHEAST2 = "s3_ap_southeast2"
    S3_AP_NORTHEAST = "s3_ap_northeast"
    S3_AP_NORTHEAST1 = "s3_ap_northeast_1"
    S3_AP_NORTHEAST2 = "s3_ap_northeast_2"
    S3_SA_EAST = "s3_sa_east"
    S3_RGW = "s3_rgw"
    S3_RGW_OUTSCALE = "s3_rgw_outscale"
    MINIO = "minio"
    SCALEWAY = "scaleway"
    OVH = "ovh"
    DIGITALOCEAN_SPACES = "digitalocean_spaces"
    AURORAOBJECTS = "auroraobjects"
    GOOGLE_STORAGE = "google_storage"
    LOCAL = "local"
    DUMMY = "dummy"

    ALIYUN_OSS = "aliyun_oss"
    AZURE_BLOBS = "azure_blobs"
    BACKBLAZE_B2 = "backblaze_b2"
    CLOUDFILES = "cloudfiles"
    KTUCLOUD = "ktucloud"
    NIMBUS = "nimbus"
    NINEFOLD = "ninefold"
    OPENSTACK_SWIFT = "openstack_swift"

    CLOUDFILES_US = "cloudfiles_us"
    CLOUDFILES_UK = "cloudfiles_uk"
    CLOUDFILES_SWIFT = "cloudfiles_swift"


OLD_CONSTANT_TO_NEW_MAPPING = MappingProxyType(
    {
        Provider.CLOUDFILES_US: Provider.CLOUDFILES,
        Provider.CLOUDFILES_UK: Provider.CLOUDFILES_UK,
        Provider.CLOUDFILES_SWIFT: Provider.OPENSTACK_SWIFT,
    }
)


class ContainerError(LibcloudError):
    """The base class of errors about a container.

    :param value: what happened.
    :param driver: the driver in use.
    :param container_name: the container.
    """

    error_type = "ContainerError"

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.startswith("libcloud."):
            cls.error_type = cls.__name__

    def __init__(self, value: object, driver: object, container_name: str | None) -> None:
        super().__init__(value, driver)
        self.args = (value, driver, container_name)
        self.container_name = container_name

    def __str__(self) -> str:
        return (
            f"<{self.error_type} in {self.driver!r}, container={self.container_name}, "
            f"value={self.value}>"
        )


class ContainerAlreadyExistsError(ContainerError):
    """A container with this name already exists; nothing was changed."""


class ContainerDoesNotExistError(ContainerError):
    """No container with this name exists; nothing was stored."""


class ContainerIsNotEmptyError(ContainerError):
    """The container still holds objects, or uploads in progress; it was not deleted."""


class InvalidContainerNameError(ContainerError):
    """The store does not accept this name; nothing was created."""


class ObjectError(LibcloudError):
    """The base class of errors about an object.

    :param value: what happened.
    :param driver: the driver in use.
    :param object_name: the object.
    """

    error_type = "ContainerError"

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.startswith("libcloud."):
            cls.error_type = cls.__name__

    def __init__(self, value: object, driver: object, object_name: str | None) -> None:
        super().__init__(value, driver)
        self.args = (value, driver, object_name)
        self.object_name = object_name

    def __str__(self) -> str:
        return (
            f"<{self.error_type} in {self.driver!r}, value={self.value}, "
            f"object = {self.object_name}>"
        )

    def __repr__(self) -> str:
        return str(self)


class ObjectDoesNotExistError(ObjectError):
    """No object with this name exists; nothing was changed."""


class MissingContainerError(ContainerDoesNotExistError, ObjectDoesNotExistError):
    """An object cannot be read or deleted, because its container does not exist.

    Apache Libcloud raises :class:`ObjectDoesNotExistError` here.
    """

    def __init__(
        self,
        value: object,
        driver: object,
        container_name: str | None,
        object_name: str | None = None,
    ) -> None:
        LibcloudError.__init__(self, value, driver)
        self.args = (value, driver, container_name, object_name)
        self.container_name = container_name
        self.object_name = object_name

    @classmethod
    def of(cls, error: ContainerDoesNotExistError, object_name: str) -> MissingContainerError:
        """The exception for an object of the container that ``error`` is about."""
        found = cls(error.value, error.driver, error.container_name, object_name)
        vars(found).update(vars(error))
        return found


class ObjectHashMismatchError(ObjectError):
    """The store's hash differs from that of the data sent.

    The object is stored and damaged; but if the message names a part, this was detected before
    anything was published. From a download: the data received differs from the data stored, and no
    file was left behind.
    """


class SizeMismatchError(ObjectError):
    """The source had more or less data than was announced. Nothing was published."""


class ObjectTooLargeError(ObjectError):
    """The data is too large for the store, or the chosen part size. Nothing was published."""


class UploadOutcomeUnknownError(ObjectError):
    """The response to the last request of an upload was lost, and the outcome is unknown.

    Either the whole object is stored, or the previous one (if any) is unchanged; never a part of
    it. Parts may remain in the store, under :attr:`upload_id`.

    :param upload_id: the upload whose outcome is unknown; ``None`` for an upload in one request.
    """

    def __init__(
        self,
        value: object,
        driver: object,
        object_name: str | None,
        *,
        upload_id: str | None = None,
    ) -> None:
        super().__init__(value, driver, object_name)
        self.upload_id = upload_id


class PartConflictError(ObjectError):
    """A part of an upload was sent more than once, with different data.

    Nothing was published: the data of a part depends on when, or where, it is made.

    :param number: of the part.
    """

    def __init__(
        self, value: object, driver: object, object_name: str | None, number: int = 0
    ) -> None:
        super().__init__(value, driver, object_name)
        self.number = number


class WorkerError(ObjectError):
    """Another process could not make or send its part of an upload; nothing was published.

    :param worker: ``host:pid``; empty if the process did not return a result.
    :param number: of the part.
    :param pieces: positions of the pieces that the part consists of, from 0.

    ``code`` and ``status`` are those of the store's response, if that was the reason.
    """

    code: str | None = None
    status: int | None = None

    def __init__(
        self,
        value: object,
        driver: object,
        object_name: str | None,
        *,
        worker: str = "",
        number: int = 0,
        pieces: tuple[int, ...] = (),
    ) -> None:
        super().__init__(value, driver, object_name)
        self.worker = worker
        self.number = number
        self.pieces = pieces


class PreconditionFailedError(ObjectError):
    """A precondition of the caller (such as ``If-Match``) failed. The object is unchanged."""


class ConditionalConflictError(ObjectError):
    """Another request changed the object during a conditional one.

    The object is as the other request left it: check it, then try again.
    """


class IncompleteDownloadError(ObjectError):
    """The store sent fewer or more bytes of the object than announced or requested."""


class ObjectChangedError(IncompleteDownloadError, PreconditionFailedError):
    """The object was replaced or deleted while it was read, or copied, by several requests.

    The bytes of two versions are never mixed: get the object again, and start over.
    """


class InvalidObjectNameError(ObjectError, ValueError):
    """The name cannot be used; no request was sent and nothing was written."""


class IncompleteListingError(LibcloudError):
    """The store reports that a listing has more entries, but they cannot be retrieved.

    The entries listed so far exist, but the listing is incomplete.

    :param container_name: the container; empty for a listing of containers.
    :param entries: how many entries were listed.
    :param pages: how many pages were read.
    :param last: name of the last entry, or number of the last part; ``None`` if there was none.
    """

    def __init__(
        self,
        value: object,
        driver: object,
        container_name: str = "",
        *,
        entries: int = 0,
        pages: int = 0,
        last: str | None = None,
    ) -> None:
        super().__init__(value, driver)
        self.args = (value, driver, container_name)
        self.container_name = container_name
        self.entries = entries
        self.pages = pages
        self.last = last
