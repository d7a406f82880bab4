# SPDX-License-Identifier: Apache-2.0
"""Amazon S3, and the base of all drivers for stores that speak its protocol.

A flag of the driver's class selects the callback that uploads a stream::

    upload_object_via_stream() --+-- supports_s3_multipart_upload --> _upload_multipart
                                 +-- otherwise ---------------------> _upload_whole

The callback is passed to ``_put_object()``, which sets what is common to all uploads. Requests are
built in ``s3/requests.py``; ``transfer/upload/machine.py`` decides which one comes next. The
driver holds an ``S3Client``; the other operations are functions in ``storage/s3/`` that take it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy, deepcopy
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from libcloud import common
from libcloud.common.aws import AWSDriver, SignedAWSConnection
from libcloud.common.types import LibcloudError
from libcloud.storage import s3, transfer
from libcloud.storage.arguments import (
    accepts_keyword,
    check_container,
    check_extra,
    check_file_path,
    check_known_keywords,
    check_name,
    check_object,
    check_prefix,
    check_settings,
    check_upload,
    container_url,
    latest_start,
    plain_headers,
    remember_settings,
)
from libcloud.storage.base import Container, Object, ObjectVersion, is_overridden
from libcloud.storage.base import StorageDriver as StorageDriver
from libcloud.storage.capabilities import Capabilities
from libcloud.storage.drivers.s3_constants import *  # noqa: F403
from libcloud.storage.drivers.s3_constants import (
    REGION_TO_HOST_MAP,
    S3_CDN_URL_EXPIRY_HOURS,
    STORAGE_CLASSES,
)
from libcloud.storage.keywords import (
    ConnectionKeywords,
    EngineKeywords,
    ReadKeywords,
    S3ConstructorKeywords,
    S3EnvironmentKeywords,
    S3UrlKeywords,
    UploadKeywords,
)
from libcloud.storage.metadata import PROPERTIES, metadata_headers
from libcloud.storage.s3.connection import (
    API_VERSION,
    EXPIRATION_SECONDS,
    BaseS3Connection,
    S3Connection,
    S3SignatureV4Connection,
)
from libcloud.storage.s3.endpoint import choose_host, choose_profile, default_region
from libcloud.storage.s3.http_response import S3RawResponse, S3Response
from libcloud.storage.s3.names import NAMESPACE, Place, check_object_name, encode_name, path_of
from libcloud.storage.s3.profiles import AMAZON, GENERIC, S3Profile, capabilities
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    DeletedObject,
    FailedDeletion,
    InvalidContainerNameError,
    InvalidObjectNameError,
    MissingContainerError,
    ObjectDoesNotExistError,
    ObjectHashMismatchError,
)
from libcloud.storage.types import ContainerError as ContainerError
from libcloud.storage.types import ContainerIsNotEmptyError as ContainerIsNotEmptyError
from libcloud.utils.arguments import whole_number
from libcloud.utils.bodies import source_errors
from libcloud.utils.files import size_of_file
from libcloud.utils.headers import strip_etag

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from libcloud.common.credentials import Credentials
    from libcloud.storage.s3.client import S3Client
    from libcloud.storage.s3.multipart import (
        RESPONSES_PER_REQUEST,
        IncompleteCleanupError,
        S3MultipartUpload,
    )
    from libcloud.storage.s3.responses import ObjectRecord, Page, PartRecord, Retention
    from libcloud.storage.scaleout.session import UploadSession
    from libcloud.storage.scaleout.text import SessionFields
    from libcloud.storage.scheduler import Limiter
    from libcloud.storage.transfer.budget import MemoryBudget
    from libcloud.storage.transfer.download.port import Validator
    from libcloud.storage.transfer.download.start import Download
    from libcloud.storage.transfer.progress import Listener
    from libcloud.storage.transfer.upload.session import ObjectUpload
    from libcloud.storage.transfer.values import PartReceipt, StoredObject
    from libcloud.storage.types import Deletion
    from libcloud.storage.types import Place as ObjectPlace
    from libcloud.storage.writer import UploadWriter

__all__ = [
    "API_VERSION",
    "CHUNK_SIZE",
    "EXPIRATION_SECONDS",
    "NAMESPACE",
    "RESPONSES_PER_REQUEST",
    "BaseS3Connection",
    "BaseS3StorageDriver",
    "DeletedObject",
    "FailedDeletion",
    "IncompleteCleanupError",
    "S3Connection",
    "S3MultipartUpload",
    "S3RawResponse",
    "S3Response",
    "S3SignatureV4Connection",
    "S3StorageDriver",
]


CHUNK_SIZE = 5 * 1024 * 1024
"""Bytes per piece of a stream by default; also the smallest part of Amazon S3."""

# A writer calls none of these. If one of them is overridden, it is called with a file. The engine
# calls none of the last two: an override is called instead of the engine.
_STREAM_METHODS = (
    *("upload_object_via_stream", "_put_object", "_upload_multipart"),
    *("_put_object_multipart", "_upload_multipart_chunks"),
)

# How messages call the subresources, and the capabilities that they need.
_SETTINGS = {
    "versioning": ("versioning", "versions"),
    "lifecycle": ("lifecycle rules", "lifecycle"),
    "tagging": ("tags", "tags"),
    "legal-hold": ("legal holds", "object_lock"),
    "retention": ("retention", "object_lock"),
}


class BaseS3StorageDriver(StorageDriver):
    """The base of all drivers for S3-compatible stores.

    ``supports_s3_multipart_upload`` of a store's driver, or of a user's subclass, decides whether
    streams are uploaded in parts.

    :param ex_credentials: returns the current credentials; in place of ``key``, ``secret`` and
        ``token``, for credentials that expire. It is called before they expire and when the store
        rejects them, by one thread at a time. A
        :class:`~libcloud.common.credentials.provider.CredentialProvider` is used directly.
    :param ex_anonymous: do not sign requests, for public containers; in place of all credentials.
    :param ex_checksum_calculation: ``"when_supported"``: uploads carry the checksum that the store
        is known to verify. ``"when_required"``: only those that the user requested, and the SHA-256
        that is part of the signature.
    :param endpoint_url: in place of ``host``, ``port`` and ``secure``: ``https://HOST:PORT``,
        followed by the path under which the store is, if there is one.
    :param ex_addressing_style: where the bucket of a request is: ``"path"``, as in Apache Libcloud;
        ``"virtual"``, in the host name, if the name of the bucket allows it; or ``"auto"``:
        ``"virtual"`` for Amazon and for stores that require it, otherwise ``"path"``.
    :param ex_use_dualstack: use Amazon's hosts that also support IPv6.
    :param ex_use_fips: use Amazon's hosts with validated cryptography.
    :param ex_total_timeout: seconds for a request and its response as a whole; ``None``: no limit.
        Bodies of downloads are not included.
    :param signature_version: checked by drivers for stores that support only one version.
    :param ex_ca_bundle: file, or directory, with the certificates of trusted authorities; ``None``:
        see :mod:`libcloud.security`.
    :raises TypeError: none, or more than one, of ``key``, ``ex_credentials`` and ``ex_anonymous``
        is passed; or the connection class of another project does not support the keyword.
    :raises ValueError: ``endpoint_url`` is invalid or passed together with ``host``; or a keyword
        has an unknown value.
    """

    name = "Amazon S3 (standard)"
    website = "http://aws.amazon.com/s3/"
    connectionCls: Any = BaseS3Connection
    hash_type = "md5"
    supports_chunked_encoding = False
    _rewinds_finished_streams = False
    supports_s3_multipart_upload = True
    _kept_properties = tuple(PROPERTIES)
    namespace = NAMESPACE
    http_vendor_prefix = "x-amz"
    ex_location_name = ""
    profile: S3Profile = GENERIC
    #: How often and with which delays requests are retried.
    ex_retry_policy: ClassVar[RetryPolicy] = RetryPolicy()
    #: Seconds without a byte of the response to the completion of an upload, or to a copy, for
    #: which the store has to work. A longer ``timeout`` of the driver takes precedence.
    ex_completion_timeout: ClassVar[float] = 300.0
    #: Bytes of parts in memory per upload, or a budget that several uploads share; ``None``: the
    #: default of :class:`~libcloud.storage.transfer.upload.session.UploadOptions`.
    ex_max_memory: ClassVar[int | MemoryBudget | None] = None
    #: The container in the URL of :meth:`from_url`; ``None`` if it names none.
    ex_container: Container | None = None
    #: In-progress uploads per page of a listing; ``None`` for
    #: :data:`~libcloud.storage.s3.multipart.RESPONSES_PER_REQUEST`.
    RESPONSES_PER_REQUEST: int | None = None

    _checksum_calculation = "when_supported"

    def __init__(
        self,
        key: str | None = None,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        api_version: str | None = None,
        region: str | None = None,
        *,
        ex_credentials: Callable[[], Credentials] | None = None,
        ex_anonymous: bool = False,
        ex_checksum_calculation: str = "when_supported",
        endpoint_url: str | None = None,
        ex_addressing_style: str = "path",
        ex_use_dualstack: bool = False,
        ex_use_fips: bool = False,
        ex_total_timeout: float | None = None,
        signature_version: str | int | None = None,
        ex_ca_bundle: str | None = None,
        **kwargs: Unpack[ConnectionKeywords],
    ) -> None:
        check_known_keywords(type(self), kwargs)
        check_settings(kwargs)
        access = s3.access.AccessOptions(
            credentials=ex_credentials,
            anonymous=ex_anonymous,
            checksum_calculation=ex_checksum_calculation,
            addressing_style=ex_addressing_style,
            use_dualstack=ex_use_dualstack,
            use_fips=ex_use_fips,
            total_timeout=ex_total_timeout,
            signature_version=signature_version,
            ca_bundle=ex_ca_bundle,
        )
        key, secret = access.check(key, secret)
        is_unset = secret is None and issubclass(self.connectionCls, BaseS3Connection)
        self._checksum_calculation = ex_checksum_calculation
        # A subclass may have taken the host from the URL.
        where = (host, port) if endpoint_url is None else (None, None)
        endpoint = s3.access.endpoint_of(endpoint_url, *where, secure)
        if host is None:
            host, secure, port, _ = endpoint
        # Without a secret, the host would be passed in its place.
        given = (None, "") if is_unset else (key, secret)
        super().__init__(*given, secure, host, port, api_version, region, **kwargs)
        self.key, self.secret = key, secret
        access.apply(self, endpoint[-1])

    @classmethod
    def from_env(
        cls,
        *,
        profile: str | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        **options: Unpack[S3EnvironmentKeywords],
    ) -> Self:
        """A driver with the credentials and settings of the environment or of a profile.

        Credentials are searched in this order: ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` and
        ``AWS_SESSION_TOKEN``; a web identity; the profile, whether it contains them or says how to
        obtain them; the container; the instance. They are requested before the first request, again
        before they expire, and again when the store rejects them, however long an upload takes.
        Credentials that have to be obtained require botocore: the extra ``aws``.

        ``AWS_REGION``, ``AWS_DEFAULT_REGION``, ``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL``,
        ``AWS_IGNORE_CONFIGURED_ENDPOINT_URLS``, ``AWS_USE_DUALSTACK_ENDPOINT``,
        ``AWS_USE_FIPS_ENDPOINT``, ``AWS_REQUEST_CHECKSUM_CALCULATION`` and ``AWS_CA_BUNDLE`` are
        used, and their equivalents in a profile. Drivers for stores that have their own hosts use
        only the credentials and ``AWS_CA_BUNDLE``.

        :param profile: in ``~/.aws``; its keys then take precedence over those of the environment.
            ``None``: that of ``AWS_PROFILE``, or ``default``.
        :param region: overrides the one that is found.
        :param endpoint_url: likewise.
        :param options: keywords of the driver; they take precedence over what is found. The bucket
            is in the host name where possible, unless ``ex_addressing_style`` or the profile
            specify another style.
        :raises CredentialsNotFoundError: there are no credentials, and no way to obtain any.
        :raises ProfileFileError: a requested profile does not exist or cannot be read.
        :raises ValueError: a setting is invalid.
        """
        settings = s3.access.settings_from_env(
            cls, options, profile=profile, region=region, endpoint_url=endpoint_url
        )
        driver = cls(**settings)
        found = dict.fromkeys(("ex_credentials", "ex_ca_bundle", "key", "secret"))
        remember_settings(driver, {**settings, **found, **options, "profile": profile})
        return driver

    @classmethod
    def from_url(cls, url: str, **options: Unpack[S3UrlKeywords]) -> Self:
        """A driver for a URL such as ``s3://bucket?region=eu-west-1&profile=backup``.

        Everything that the URL does not specify is as in :meth:`from_env`. The bucket is optional:
        ``s3://?endpoint_url=http://localhost:9000``. No request is sent.

        The parameters are ``endpoint_url``, ``region``, ``profile``, ``s3_profile``,
        ``addressing_style``, ``use_dualstack``, ``use_fips``, ``anonymous`` (``true`` or ``false``)
        and ``checksum_calculation``. There are none for credentials, because URLs are visible in
        logs, in the history of a shell and in lists of processes.

        :param options: keywords of the driver; they take precedence over the URL.
        :return: a driver; its ``ex_container`` is the container in the URL, or ``None``.
        :raises ValueError: it is not a valid URL of a container, has an unknown or repeated
            parameter, or contains credentials. The message shows none of them.
        :raises LibcloudError: as :meth:`from_env`.
        """
        known, example = s3.access.URL_PARAMETERS, "s3://BUCKET?region=REGION"
        bucket, settings = container_url(url, ["s3"], known, example=example)
        driver = cls.from_env(**{**settings, **options})
        if bucket:
            driver.ex_container = Container(bucket, {}, driver)
        return driver

    @property
    def _client(self) -> S3Client:
        """Sends the requests; one for all threads of the driver, created at first use."""
        known: dict[str, S3Client] = self.__dict__
        try:
            return known["_s3_client"]
        except KeyError:
            without = (s3.headers.CHECKSUM,)
            unsupported = without if self._checksum_calculation == "when_required" else ()
            return known.setdefault("_s3_client", s3.client.S3Client(self, unsupported))

    @property
    def capabilities(self) -> Capabilities:
        """The features of the store, according to its profile and the driver's flags."""
        return capabilities(
            self.profile,
            multipart=self.supports_s3_multipart_upload,
            chunked_encoding=self.supports_chunked_encoding,
            presigned_urls=self._presigns(),
        )

    def _presigns(self) -> bool:
        """Whether URLs can be presigned, which requires Signature Version 4."""
        return isinstance(self.connection, SignedAWSConnection)

    def get_object_cdn_url(
        self, obj: Object, ex_expiry: float = S3_CDN_URL_EXPIRY_HOURS, ex_method: str = "GET"
    ) -> str:
        """A presigned URL that allows ``ex_method`` on the object for a limited time.

        If ``obj`` is a version, or was stored by an upload or a copy that returned a version id,
        the URL is for that version; otherwise for the one that is the newest when it is used.

        :param ex_expiry: hours; at most 168.
        :raises NotImplementedError: the driver signs by version 2, or the store is not known to
            take such URLs.
        :raises ValueError: ``ex_expiry`` is out of range, or the method writes to a version.
        """
        if not self._presigns():
            return super().get_object_cdn_url(obj)
        check_object(obj)
        return s3.presign.presigned_object_url(
            self.connection,
            self._get_object_path(obj.container, obj.name),
            method=ex_method,
            hours=ex_expiry,
            version_id=s3.presign.version_for(obj, ex_method),
        )

    # Paths.

    def _clean_object_name(self, name: str) -> str:
        """``name`` as part of a path: percent-encoded, except ``/`` and ``~``."""
        return encode_name(name)

    def _get_container_path(self, container: Container) -> str:
        try:
            return path_of(container)
        except ValueError as error:
            raise InvalidContainerNameError(str(error), self, container.name) from error

    def _get_object_path(self, container: Container, object_name: str) -> str:
        container_path = self._get_container_path(container)
        try:
            check_object_name(object_name, listed=True)
        except ValueError as error:
            raise InvalidObjectNameError(str(error), self, object_name) from error
        return f"{container_path}/{self._clean_object_name(object_name)}"

    def _get_new_object_path(self, container: Container, object_name: str) -> str:
        """Path of an object to create, whose name must be valid UTF-8."""
        path = self._get_object_path(container, object_name)
        if object_name.isascii():
            return path
        try:
            check_object_name(object_name)
        except ValueError as error:
            raise InvalidObjectNameError(str(error), self, object_name) from error
        return path

    def _place(self, container: Container, object_name: str) -> Place:
        return Place(container, object_name, self._get_object_path(container, object_name))

    # Containers.

    def iterate_containers(self) -> Iterator[Container]:
        what, parse = "Error listing containers", s3.responses.parse_buckets
        for _, response in s3.listing.pages(self._client, what, s3.requests.list_buckets, parse):
            yield from self._to_containers(obj=response.object, xpath="Buckets/Bucket")

    def get_container(self, container_name: str) -> Container:
        """The container, after one HEAD request. One without access (403) is assumed to exist.

        :raises LibcloudError: it is in another region, or the request failed.
        """
        container = Container(name=container_name, extra={}, driver=self)
        request = s3.requests.head(self._get_container_path(container))
        what = f"Error looking for the container {container_name}"
        try:
            self._client.send(request, what, names=(container_name, ""))
        except LibcloudError as error:
            if getattr(error, "status", None) != 403:
                raise
        return container

    def create_container(self, container_name: str) -> Container:
        container = Container(name=container_name, extra={}, driver=self)
        # The region, if the store requires its name.
        location = self.profile.location(getattr(self, "region_name", None) or "")
        request = s3.requests.create_bucket(
            self._get_container_path(container), location=self.ex_location_name or location
        )
        what, names = f"Error creating the container {container_name}", (container_name, "")

        self._client.ensure(request, what, ContainerAlreadyExistsError, names=names)
        return container

    def delete_container(self, container: Container) -> bool:
        check_container(container)
        request = s3.requests.delete(self._get_container_path(container))
        what, names = f"Error deleting the container {container.name}", (container.name, "")
        already, ok = ContainerDoesNotExistError, (200, 204)
        response = self._client.ensure(request, what, already, ok=ok, names=names)
        return response is None or bool(response.status == 204)

    def _to_containers(self, obj: Any, xpath: str) -> Iterator[Container]:
        for element in s3.nodes.elements(obj, xpath):
            yield self._to_container(element)

    def _to_container(self, element: Any) -> Container:
        bucket = s3.responses.bucket_record(element)
        return Container(bucket.name, {"creation_date": bucket.creation_date}, self)

    # Listings.

    def iterate_container_objects(
        self,
        container: Container,
        prefix: str | None = None,
        ex_prefix: str | None = None,
        *,
        ex_list_parallel: bool = False,
        ex_start_after: str | None = None,
    ) -> Iterator[Object]:
        """The objects of a container whose names start with ``prefix``, in the store's order.

        :param ex_list_parallel: list several ranges of names at once, for containers of hundreds
            of thousands of objects. Costs about a hundred more requests. The store must list names
            in the order of their UTF-8 bytes, as Amazon S3 does, except in its directory buckets.
        :param ex_start_after: only names after this one, which need not exist.
        """
        check_prefix(prefix)
        prefix = self._normalize_prefix_argument(prefix, ex_prefix)
        list_pages = self._object_pages(container, prefix)
        pool = self._pool if self._max_concurrency() != 1 else None
        if ex_list_parallel and pool is not None:
            listing = s3.listing.ParallelListing(pool, list_pages)
            for record in listing.objects(ex_start_after):
                yield from s3.listing.objects_from((record,), container, self)
            return
        for page, response in list_pages(pool=pool, after=ex_start_after):
            yield from self._objects_of(page, response, container)

    def _sample_keys(
        self, container: Container, prefix: str, after: str | None, last: str | None
    ) -> list[str]:
        """Some names after ``after`` and before ``last``, in order, found by about 100 requests."""
        list_pages = self._object_pages(container, prefix)
        return s3.listing.ParallelListing(self._pool, list_pages).samples(after, last)

    def _object_pages(
        self, container: Container, prefix: str | None
    ) -> Callable[..., Iterator[tuple[Page[ObjectRecord], Any]]]:
        path = self._get_container_path(container)
        return partial(s3.listing.object_pages, self._client, path, container.name, prefix)

    def _iterate_directory(self, container: Container, prefix: str) -> Iterator[Object | str]:
        """See :func:`~libcloud.storage.base.iterate_directory`."""
        for page, response in self._object_pages(container, prefix)(delimiter="/"):
            objects = self._objects_of(page, response, container)
            yield from s3.listing.sorted_directory(page.prefixes, objects)

    def _objects_of(
        self, page: Page[ObjectRecord], response: Any, container: Container
    ) -> Iterator[Object]:
        if is_overridden(self, BaseS3StorageDriver, "_to_objs", "_to_obj"):  # slower
            return iter(self._to_objs(obj=response.object, xpath="Contents", container=container))
        return iter(s3.listing.objects_from(page.entries, container, self))

    def _to_objs(self, obj: Any, xpath: str, container: Container) -> list[Object]:
        return [self._to_obj(element, container) for element in s3.nodes.elements(obj, xpath)]

    def _to_obj(self, element: Any, container: Container) -> Object:
        record = s3.responses.object_record(element)
        return s3.listing.objects_from((record,), container, self)[0]

    # Objects.

    def get_object(
        self,
        container_name: str,
        object_name: str,
        *,
        ex_version_id: str | None = None,
        ex_checksum_mode: bool = False,
        **options: Unpack[ReadKeywords],
    ) -> Object:
        """The object, after a HEAD request on the container and one on the object.

        Without ``ex_version_id`` it refers to the object, whichever version is the newest when it
        is read or deleted later; the id of the one that was found is
        ``extra["latest_version_id"]``.

        :param ex_version_id: the id of a version; the result is an
            :class:`~libcloud.storage.base.ObjectVersion`.
        :param ex_checksum_mode: request the checksum, too: ``extra["checksum"]``, if the store has
            one. An object encrypted with a KMS key requires the permission to use the key then.
        :raises ObjectDoesNotExistError: there is no such object or version in it, or the version is
            a delete marker.
        """
        check_name(object_name, "object_name")
        headers = self._read_headers(options)
        if ex_checksum_mode:
            headers.update(s3.integrity.MODE_HEADERS)
        if ex_version_id is not None:
            self._check_versions()
            s3.objects.check_version_id(ex_version_id)
        container = self.get_container(container_name=container_name)
        return self._get_object_in(container, object_name, headers, ex_version_id)

    def _get_object_in(
        self,
        container: Container,
        object_name: str,
        headers: Mapping[str, str] | None = None,
        version_id: str | None = None,
    ) -> Object:
        place = self._place(container, object_name)
        found = s3.objects.look_up(self._client, place, headers, version_id)
        obj = self._headers_to_object(object_name=object_name, container=container, headers=found)
        return obj if version_id is None else s3.objects.as_version(obj, version_id)

    def _headers_to_object(
        self, object_name: str, container: Container, headers: Mapping[str, str]
    ) -> Object:
        size = self._get_content_length_from_headers(headers=headers)
        return s3.objects.object_from(headers, object_name, size, container, self)

    def _get_content_length_from_headers(self, headers: Mapping[str, str]) -> str | None:
        return headers.get("content-length")

    def _read_headers(self, options: Mapping[str, object]) -> dict[str, str]:
        return s3.options.read_headers(options, self) if options else {}

    def delete_object(self, obj: Object) -> bool:
        """Delete an object; in a container with versioning, add a delete marker.

        Only an :class:`~libcloud.storage.base.ObjectVersion`, of a listing of versions or of
        ``get_object(..., ex_version_id=...)``, is removed permanently. An object that was uploaded,
        listed or looked up without ``ex_version_id`` is not, even if its ``extra`` has a version
        id.

        :raises ObjectDoesNotExistError: it does not exist, and the store says so (Amazon does
            not).
        """
        check_object(obj)
        version_id, place = s3.objects.version_to_delete(obj), self._place(obj.container, obj.name)
        request = s3.requests.of_version(s3.requests.delete(place.path), version_id)
        what = f"Error deleting {s3.names.label_of(*place.names, version_id)}"
        already, ok = ObjectDoesNotExistError, (200, 204)
        try:
            response = self._client.ensure(request, what, already, ok=ok, names=place.names)
        except ContainerDoesNotExistError as error:
            raise MissingContainerError.of(error, place.name) from error
        return response is None or bool(response.status == 204)

    # Versions.

    def ex_iterate_object_versions(
        self, container: Container, prefix: str | None = None, *, object_name: str | None = None
    ) -> Iterator[ObjectVersion]:
        check_prefix(prefix)
        path = self._get_container_path(container)
        if object_name is not None:
            self._get_object_path(container, object_name)  # checks the name
        self._check_versions()
        return s3.objects.versions(
            self._client, path, container, prefix=prefix, object_name=object_name
        )

    def ex_undelete_object(self, container: Container, object_name: str) -> Object:
        versions = self.ex_iterate_object_versions(container, object_name=object_name)
        s3.objects.undelete(versions, self.delete_object, container, object_name)
        return self._get_object_in(container, object_name)

    def ex_get_versioning(self, container: Container) -> str:
        self._check_versions()
        return s3.settings.versioning(self._setting(container, "versioning"))

    def ex_set_versioning(self, container: Container, enabled: bool) -> None:
        if not isinstance(enabled, bool):
            raise TypeError(f"enabled must be True or False, not {enabled!r}")
        self._check_versions()
        setting = self._setting(container, "versioning")
        s3.settings.set_versioning(setting, enabled=enabled)

    def _check_versions(self) -> None:
        """:raises LibcloudError: the store does not support versions. Nothing was sent."""
        if not self.capabilities.versions:
            raise self._unsupported("versions of objects")

    # Tags, locks and the lifecycle of uploads.

    def ex_get_object_tags(self, obj: Object) -> dict[str, str]:
        return s3.settings.tags(self._setting(obj, "tagging"))

    def ex_set_object_tags(self, obj: Object, tags: Mapping[str, str]) -> None:
        s3.options.check_tags(tags, "tags")
        s3.settings.set_tags(self._setting(obj, "tagging"), tags)

    def ex_get_legal_hold(self, obj: Object) -> bool:
        return s3.settings.legal_hold(self._setting(obj, "legal-hold"))

    def ex_set_legal_hold(self, obj: Object, hold: bool) -> None:
        if not isinstance(hold, bool):
            raise TypeError(f"hold must be True or False, not {hold!r}")
        s3.settings.set_legal_hold(self._setting(obj, "legal-hold"), hold)

    def ex_get_retention(self, obj: Object) -> Retention | None:
        """The retention of the object, or of the version; ``None``: it has none.

        :raises LibcloudError: the container has no object lock.
        """
        return s3.settings.retention(self._setting(obj, "retention"))

    def ex_set_retention(
        self,
        obj: Object,
        mode: str | None,
        until: datetime | None = None,
        *,
        ex_bypass_governance: bool = False,
    ) -> None:
        """Prevent everyone from deleting the object, or the version, for some time.

        :param mode: ``"GOVERNANCE"`` or ``"COMPLIANCE"`` (nobody can shorten it); ``None`` ends a
            retention in the mode governance.
        :param until: an aware time.
        :param ex_bypass_governance: shorten or end a retention in the mode governance.
        :raises ValueError: there is no such mode, or ``until`` has no time zone. Nothing was sent.
        :raises LibcloudError: the container has no object lock, or the retention is longer.
        """
        setting = self._setting(obj, "retention")
        s3.settings.set_retention(setting, mode, until, bypass=ex_bypass_governance)

    def ex_get_upload_expiry(self, container: Container) -> int | None:
        return s3.settings.upload_expiry(self._setting(container, "lifecycle"))

    def ex_set_upload_expiry(self, container: Container, days: int | None) -> None:
        whole_number("days", days, least=1, example="7")
        s3.settings.set_upload_expiry(self._setting(container, "lifecycle"), days)

    def _setting(self, of: Any, name: str) -> s3.settings.Setting:
        """A setting of a container, or of an object or a version of it."""
        if name in ("versioning", "lifecycle"):
            place = Place(of, "", self._get_container_path(of))
        else:
            check_object(of)
            place = self._place(of.container, of.name)
        label, feature = _SETTINGS[name]
        if not getattr(self.capabilities, feature):
            raise self._unsupported(label)
        version_id = s3.objects.version_of(of) if place.name else None
        return s3.settings.Setting(self._client, place.path, place.names, name, label, version_id)

    # Downloads.

    def download_object(
        self,
        obj: Object,
        destination_path: str | os.PathLike[str],
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
        *,
        ex_verify_hash: bool | None = None,
        ex_window: int | None = None,
        ex_part_size: int | None = None,
        on_bytes: Callable[[int], object] | None = None,
        **options: Unpack[ReadKeywords],
    ) -> bool:
        """Save the object as a file, which appears only when it is complete.

        A large object is downloaded over several connections, unless the store does not support
        ranges.

        :raises ObjectHashMismatchError: the received bytes differ from the stored ones.
        :raises ValueError: ``ex_window`` or ``ex_part_size`` is less than 1. Nothing was sent.
        """
        how = (ex_window, ex_part_size, on_bytes)
        saving = transfer.download.saving
        to = saving.Destination(destination_path, overwrite_existing, delete_on_failure, *how)
        return saving.save(self, obj, to, options=options, verify=ex_verify_hash)

    def download_object_as_stream(
        self,
        obj: Object,
        chunk_size: int | None = None,
        *,
        ex_verify_hash: bool | None = None,
        **options: Unpack[ReadKeywords],
    ) -> Iterator[bytes]:
        """The object in pieces.

        :raises ObjectHashMismatchError: after the last piece: the bytes differ from the stored
            ones.
        """
        return transfer.download.saving.stream(
            self, obj, chunk_size, options=options, verify=ex_verify_hash
        )

    def download_object_range(
        self,
        obj: Object,
        destination_path: str | os.PathLike[str],
        start_bytes: int,
        end_bytes: int | None = None,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
        **options: Unpack[ReadKeywords],
    ) -> bool:
        saving = transfer.download.saving
        to = saving.Destination(destination_path, overwrite_existing, delete_on_failure)
        return saving.save_range(self, obj, to, start_bytes, end_bytes, options=options)

    def download_object_range_as_stream(
        self,
        obj: Object,
        start_bytes: int,
        end_bytes: int | None = None,
        chunk_size: int | None = None,
        **options: Unpack[ReadKeywords],
    ) -> Iterator[bytes]:
        return transfer.download.saving.stream_range(
            self, obj, start_bytes, end_bytes, chunk_size, options=options
        )

    def _range_of_version(self, obj: Object, start_bytes: int, end_bytes: int) -> Iterator[bytes]:
        return self._read_shared_range(obj, start_bytes, end_bytes, {})

    def _read_shared_range(
        self, obj: Object, start: int, stop: int, headers: Mapping[str, str]
    ) -> Iterator[bytes]:
        """Bytes of a version of an object; ``headers`` of the upload that wrote it have its key."""
        saving, options = transfer.download.saving, s3.options.read_options(headers)
        return saving.stream_range_of_version(self, obj, start, stop, options=options)

    _reads_last_bytes = True  # of an object of unknown size

    def _read_object(
        self, container: Container, name: str, start: int | None = None, end: int | None = None
    ) -> tuple[Object, Iterator[bytes]]:
        """See :func:`.saving.read`."""
        length_of = self._get_content_length_from_headers
        return transfer.download.saving.read(self, container, name, start, end, length_of=length_of)

    def _start_download(
        self,
        obj: Object,
        start: int | None = None,
        end: int | None = None,
        *,
        options: Mapping[str, object] = MappingProxyType({}),
        verify: bool | None = False,
        validator: Validator | None = None,
    ) -> Download:
        """Request bytes of the object, see :class:`.start.Selection`; read none yet."""
        span = "" if start is None else self._get_standard_range_str(start, end)
        if start is not None and start < 0:
            span = f"bytes={start}"
        path = self._get_object_path(obj.container, obj.name)
        headers = self._read_headers(options)

        def begin(version_id: str | None, expected: Validator | None) -> Download:
            wanted = validator or expected
            selection = transfer.download.start.Selection(start, end, span, verify, wanted)
            return s3.download_port.start_download(
                self._client, obj, path, selection, headers=headers, version_id=version_id
            )

        return s3.objects.read_version(obj, begin)

    # Copies.

    def ex_copy_object(
        self,
        obj: Object,
        container: Container,
        object_name: str,
        *,
        metadata: Mapping[str, object] | None = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        ex_storage_class: str | None = None,
        ex_part_size: int | None = None,
        ex_window: int | None = None,
        on_event: Listener | None = None,
    ) -> Object:
        """Have the store copy ``obj``, after a HEAD request for it.

        A version (:class:`~libcloud.storage.base.ObjectVersion`, or an object with a version id in
        ``extra``) may be copied to its own name, which makes its data the newest version. The
        version that the HEAD request found is copied, or an exception is raised. S3 does not copy
        ACLs. Tags are copied; if the copy is made in parts, they are read first.

        :param container: the destination, in the same store.
        :param content_type: of the copy; ``None``: that of ``obj``. Content-Encoding,
            Cache-Control and the like are those of ``obj``, unless ``headers`` has them.
        :param headers: further headers; each request gets those that belong to it. An ``obj`` with
            a customer's key needs ``x-amz-copy-source-server-side-encryption-customer-...``.
        :param ex_storage_class: a key of :data:`s3_constants.STORAGE_CLASSES`; ``None``: the
            store's default, whatever that of ``obj``.
        :param ex_part_size: bytes; a larger object is copied in parts of this size, if the store
            can. ``None``: only what is too large for one request, by
            :data:`DEFAULT_COPY_PART_SIZE`.
        :param ex_window: parts that are copied at once; ``None``: 12.
        :param on_event: called with each :class:`~libcloud.storage.transfer.progress.UploadEvent`.
        :return: the copy.
        :raises ValueError: it would be copied onto itself unchanged, which S3 rejects, or ``obj``
            is in another store. Nothing was sent.
        :raises ObjectDoesNotExistError: there is no such object. Nothing was stored.
        :raises ObjectTooLargeError: it is too large for one request, and the store is not known to
            copy parts. Nothing was stored.
        :raises ObjectChangedError: it was replaced during the copy. Nothing was published.
        :raises UploadOutcomeUnknownError: the store did not report whether the copy was published.
        :raises BaseException: the first error, also one of ``on_event``. Nothing was published, and
            nothing remains in the store unless the exception has an ``upload_id``.
        """
        check_object(obj)
        headers = plain_headers(headers)
        check_extra({"meta_data": metadata, "content_type": content_type})
        how = transfer.upload.session.UploadOptions(ex_part_size, ex_window, on_event=on_event)
        target = Place(container, object_name, self._get_new_object_path(container, object_name))
        if ex_storage_class is not None:
            headers = self._with_storage_class(headers, ex_storage_class)
        return s3.copying.copy_object(
            *(self, obj, target, headers), metadata=metadata, content_type=content_type, options=how
        )

    # In-progress uploads.

    def ex_iterate_multipart_uploads(
        self, container: Container, prefix: str | None = None, delimiter: str | None = None
    ) -> Iterator[S3MultipartUpload]:
        """In-progress uploads, in the order of the store.

        :param delimiter: leave out names that contain it after the prefix.
        """
        check_prefix(prefix)
        if not self.supports_s3_multipart_upload:
            raise LibcloudError("Feature not supported", driver=self)
        yield from s3.multipart.uploads(
            self._client,
            self._get_container_path(container),
            container.name,
            prefix=prefix,
            delimiter=delimiter,
            page_size=self.RESPONSES_PER_REQUEST,
        )

    def ex_cleanup_all_multipart_uploads(
        self, container: Container, prefix: str | None = None
    ) -> None:
        """:meth:`ex_cleanup_multipart_uploads` of all, including those that are being sent."""
        self.ex_cleanup_multipart_uploads(container, prefix)

    def ex_cleanup_multipart_uploads(
        self,
        container: Container,
        prefix: str | None = None,
        older_than: timedelta | datetime | None = None,
        dry_run: bool = False,
    ) -> list[S3MultipartUpload]:
        """Abort in-progress uploads. An error with one does not stop the others.

        :param older_than: leave out uploads that were started after this time, or less than this
            long ago, and those whose start the store does not report. ``None`` aborts all,
            including those that are being sent.
        :param dry_run: abort nothing.
        :return: uploads that no longer exist, or with ``dry_run`` those that would be aborted; in
            the order of the store.
        :raises ValueError: ``older_than`` has no time zone, or is negative. Nothing was sent.
        :raises IncompleteCleanupError: some may still exist, after all have been tried.
        :raises LibcloudError: they could not be listed. Nothing was aborted.
        """
        head = s3.requests.head(self._get_container_path(container))
        latest = latest_start(older_than, partial(self._client.earliest_now, head))
        uploads = [
            upload
            for upload in self.ex_iterate_multipart_uploads(container, prefix)
            if latest is None or (upload.created_at is not None and upload.created_at <= latest)
        ]
        if dry_run:
            return uploads
        abort = partial(self._abort_multipart, container)
        return s3.multipart.abort_listed(self._client, container.name, uploads, abort)

    def ex_list_parts(
        self, container: Container, upload: S3MultipartUpload
    ) -> Iterator[PartRecord]:
        """The parts of ``upload`` that the store has, by number; 1,000 per request.

        :raises LibcloudError: the upload no longer exists (``code`` is ``"NoSuchUpload"``), or the
            request failed.
        """
        s3.multipart.check_upload(upload)
        place = self._place(container, upload.key)
        yield from s3.multipart.parts(self._client, place, upload.id, {})

    def ex_resume_upload(
        self,
        iterator: Any,
        container: Container,
        object_name: str,
        upload_id: str,
        headers: Mapping[str, str] | None = None,
        **options: Unpack[UploadKeywords],
    ) -> Object:
        """Resume an upload that failed, and publish the object.

        ``iterator`` yields all the data again, from its start. It is divided into the same parts,
        and a part that the store has is sent again unless it is known to be the same, by its size
        and by its checksum or an ETag that is its MD5. Metadata, content type and similar
        properties are those that the upload was started with.

        :param upload_id: from the exception, or from :meth:`ex_iterate_multipart_uploads`.
        :param headers: the same as before, as far as they concern encryption, conditions and the
            payer; keywords for these work as well.
        :param ex_part_size: as before; ``None``: bytes of the first part in the store.
        :param ex_on_failure: ``"keep"`` if not passed, so that the upload can be resumed again.
        :return: the object, without its metadata.
        :raises ValueError: the driver does not upload in parts. Nothing was sent.
        :raises LibcloudError: the upload no longer exists (``code`` is ``"NoSuchUpload"``):
            it was aborted, or it was completed; look up the object to find out.
        :raises BaseException: as for :meth:`upload_object_via_stream`.
        """
        if not self.supports_s3_multipart_upload:
            raise ValueError(f"the driver {self.name!r} does not upload in parts")
        check_name(upload_id, "upload_id")
        place = self._place(container, object_name)
        headers, rest = s3.uploads.split_options(self, headers, options)
        headers = plain_headers(headers)
        rest = {"ex_on_failure": "keep", **rest}
        port, session = s3.uploads.session_of(self, place, headers, rest)
        parts = s3.multipart.parts(self._client, place, upload_id, headers)
        port.held = {part.number: part for part in parts}
        stored = s3.multipart.resume(session, upload_id, port.held, iterator)
        return self._stored_object(container, object_name, stored, {}, port.checksum)

    # Uploads whose parts come from several processes.

    def ex_begin_upload(
        self,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        ex_storage_class: str | None = None,
        **options: Unpack[UploadKeywords],
    ) -> UploadSession:
        """Begin an upload whose parts are sent by several processes, and completed by one.

        Arguments are those of :meth:`upload_object_via_stream`. Nothing is published before
        :meth:`~libcloud.storage.scaleout.session.UploadSession.complete`; until then, or until it
        is aborted, the parts are stored and billed.

        :raises ValueError: the driver does not upload in parts, or an option is invalid. Nothing
            was sent.
        """
        headers, rest = s3.uploads.split_options(self, headers, options)
        given = (container, object_name, extra, headers, ex_storage_class)
        return self._upload_to_share(*given, rest).begin()

    def ex_upload_with(
        self,
        executor: Any,
        pieces: Any,
        container: Container,
        object_name: str,
        sizes: Any = None,
        extra: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        ex_storage_class: str | None = None,
        *,
        ex_ship_credentials: str | None = None,
        ex_connect: Callable[[], Any] | None = None,
        ex_on_session: Callable[[str], object] | None = None,
        **options: Unpack[UploadKeywords],
    ) -> Object:
        """Upload one object whose pieces are made, and sent, by the processes of an executor.

        This process sends none of the data. If the upload fails, what was sent is kept
        (``ex_on_failure="keep"`` is the default here), and the exception has the ``session``, a
        text for :meth:`ex_attach_upload`.

        :param ex_ship_credentials: ``"presigned"``: the workers have no credentials, and get a
            presigned URL for each part.
        :raises PartConflictError: a piece had different bytes when it was repeated. Nothing was
            published.
        :raises WorkerError: a worker could not make or send a part; nothing was published.
        :raises BaseException: the first error, as for :meth:`upload_object_via_stream`.
        """
        from libcloud.storage.scaleout import executor as engine

        headers, rest = s3.uploads.split_options(self, headers, options)
        rest = engine.with_defaults(rest, ex_ship_credentials)
        given = (container, object_name, extra, headers, ex_storage_class)
        draft = self._upload_to_share(*given, rest)
        access = engine.WorkerAccess(ex_ship_credentials, ex_connect, ex_on_session)
        return engine.upload_with(draft, executor, pieces, sizes=sizes, access=access)

    def ex_attach_upload(
        self,
        session: str | UploadSession,
        executor: Any,
        pieces: Any,
        sizes: Any = None,
        *,
        ex_ship_credentials: str | None = None,
        ex_connect: Callable[[], Any] | None = None,
        **options: Unpack[EngineKeywords],
    ) -> Object:
        """Continue an upload of :meth:`ex_upload_with`, in any state; publish the object.

        Only parts that the store does not have are sent. If the object was published already, it is
        returned.

        :param pieces: the same as before, like ``sizes``.
        :param options: ``ex_window``, ``ex_on_failure``, ``on_event``.
        :raises ValueError: the pieces are not of the same sizes as before. Nothing was sent.
        :raises LibcloudError: the upload no longer exists, and it was not published (``code`` is
            ``"NoSuchUpload"``).
        :raises BaseException: as for :meth:`ex_upload_with`.
        """
        from libcloud.storage.scaleout import executor as engine

        access = engine.WorkerAccess(ex_ship_credentials, ex_connect)
        return engine.attach(
            self, session, executor, pieces, sizes=sizes, access=access, options=options
        )

    def _upload_to_share(
        self,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None,
        headers: Mapping[str, str] | None,
        storage_class: str | None,
        options: Mapping[str, Any],
    ) -> UploadSession:
        from libcloud.storage.scaleout.session import UploadSession

        if not self.supports_s3_multipart_upload:
            raise ValueError(f"the driver {self.name!r} does not upload in parts")
        extra = deepcopy(dict(extra or {}))
        path, sent = self._prepare(
            container, object_name, extra=extra, headers=headers, storage_class=storage_class
        )
        upload = s3.uploads.session_of(self, Place(container, object_name, path), sent, options)[1]
        return UploadSession.draft(self, upload, options.get("ex_checksum", "auto"), extra)

    def _headers_to_share(
        self, headers: Mapping[str, str], options: Mapping[str, Any]
    ) -> dict[str, str]:
        return plain_headers(s3.uploads.split_options(self, headers, options)[0])

    def _with_headers_of(self, headers: Mapping[str, str]) -> BaseS3StorageDriver:
        """This driver, which sends those of an upload's headers that all requests have."""
        found = s3.headers.headers_for(transfer.values.Step.ABORT, headers)
        if not found:
            return self
        driver = copy(self)
        vars(driver)["_s3_client"] = self._client.with_headers(found)
        return driver

    def _shared_upload(
        self,
        container_name: str,
        object_name: str,
        headers: Mapping[str, str],
        options: Mapping[str, Any],
    ) -> ObjectUpload[Any]:
        place = self._place(Container(container_name, {}, self), object_name)
        return s3.uploads.session_of(self, place, headers, options)[1]

    def _copy_shared_part(
        self, upload: SessionFields, number: int, obj: Object, span: range
    ) -> PartReceipt | None:
        """A part that the store copies from an object; ``None`` if it cannot."""
        # Amazon S3 API Reference, UploadPartCopy: a range is copied of larger sources only.
        if not self.profile.supports_copy_part or obj.size <= self.profile.limits.min_part_size:
            return None
        place = self._place(Container(upload.container, {}, self), upload.name)
        return s3.copying.copy_part(
            self, obj, span, place, upload.headers, upload_id=upload.id, number=number
        )

    def _published_object(
        self, container_name: str, upload: ObjectUpload[Any], stored: StoredObject, extra: Any
    ) -> Object:
        container = Container(container_name, {}, self)
        checksum = getattr(upload.store, "checksum", None)
        return self._stored_object(container, upload.object_name, stored, extra, checksum)

    # Many objects.

    def _concurrency_limiter(self) -> Limiter:
        return self._client.retry_loop.limiter

    def _head_uploaded(self, obj: Any, version_id: str) -> Object:
        def head(version_id: str | None, expected: Validator | None) -> Object:
            if version_id is not None:
                return super(BaseS3StorageDriver, self)._head_uploaded(obj, version_id)
            found: Object = obj.container.get_object(obj.name)
            if expected is not None and found.hash != obj.hash:
                raise transfer.download.start.changed(obj, "was replaced")
            return found

        found: Object = s3.objects.read_version(obj, head)
        return found

    def _shares_store(self, driver: Any) -> bool:
        return self._client.shares_store(driver)

    def _delete_places(self, places: Iterable[ObjectPlace], quiet: bool) -> Iterator[Deletion]:
        return s3.deletion.BulkDeletion(self, quiet=quiet).delete(places)

    def _options_of_many_uploads(self, options: dict[str, Any]) -> dict[str, Any]:
        """Let the uploads share one memory budget."""
        if options.get("ex_max_memory") is None and self.ex_max_memory is None:
            size = transfer.upload.session.DEFAULT_MEMORY
            options["ex_max_memory"] = transfer.budget.MemoryBudget(size, strict=False)
        return options

    # Uploads.

    def upload_object(
        self,
        file_path: str | os.PathLike[str],
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        verify_hash: bool = True,
        headers: Mapping[str, str] | None = None,
        ex_storage_class: str | None = None,
        **options: Unpack[UploadKeywords],
    ) -> Object:
        """Upload a file, in one request or, if it is larger than a part, in parts.

        It is read once. Keywords and errors are those of :meth:`upload_object_via_stream`.

        :param verify_hash: if the store's ETag is an MD5, compare it with that of the data sent.
        :raises ObjectHashMismatchError: they differ. The object is stored, and damaged.
        :raises SizeMismatchError: the size of the file changed during the upload; nothing was
            published.
        """
        check_file_path(file_path)
        size = size_of_file(file_path)
        headers, rest = s3.uploads.split_options(self, headers, options)
        headers = plain_headers(headers)
        # All by keyword, as Apache Libcloud calls it: an override may take keywords only.
        shared: Any = {"container": container, "object_name": object_name, "extra": extra}
        shared.update(headers=headers, storage_class=ex_storage_class)
        shared.update(file_path=file_path, verify_hash=verify_hash)
        has_callback = self._put_object_has_callback()
        if not has_callback:
            _refuse_options(rest, "_put_object")
        if not has_callback or s3.uploads.is_one_request(self, size, options):
            return self._put_object(**shared)
        with transfer.upload.source.LocalFile(file_path) as file:
            known = {} if file.exact_size is None else {"ex_size": file.exact_size}
            kwargs = {"container": container, "iterator": file, "options": {**known, **rest}}
            shared.update(upload_func=self._upload_multipart, upload_func_kwargs=kwargs)
            return self._put_object(**shared)

    def upload_object_via_stream(
        self,
        iterator: Any,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        ex_storage_class: str | None = None,
        **options: Unpack[UploadKeywords],
    ) -> Object:
        """Upload a stream of unknown length.

        :param iterator: an iterator or iterable of bytes, or an object with ``read()``; see
            :class:`~libcloud.storage.transfer.upload.source.PartSource`. It is read once, from
            its current position: an exhausted generator, or a file at its end, is an object of 0
            bytes.
        :param extra: ``content_type``, ``meta_data`` (a dict) and ``acl`` of the object.
        :param ex_storage_class: a key of :data:`s3_constants.STORAGE_CLASSES`.
        :return: the object; ``extra["checksum"]`` has ``algorithm`` and ``value`` of the checksum
            that the store returned, and is missing if it returned none.
        :raises InvalidSourceError: ``iterator`` does not yield bytes. Nothing was published.
        :raises ObjectTooLargeError: it yields more than the store accepts. Nothing was published.
        :raises PreconditionFailedError: the precondition failed; the object is unchanged.
            :exc:`ConditionalConflictError`: another request changed it at the same time.
        :raises TypeError: an argument has the wrong type or is unknown. Nothing was sent.
        :raises ValueError: an option is invalid or not supported by the store, or a key of
            ``extra`` is misspelled. Nothing was sent.
        :raises ObjectHashMismatchError: the store received different bytes; the message says
            whether the object was published.
        :raises UploadOutcomeUnknownError: the store did not report whether it was published.
        :raises BaseException: the first error, including those of ``iterator``. Nothing was
            published, and no parts remain in the store unless the exception has an ``upload_id``.
        """
        headers, rest = s3.uploads.split_options(self, headers, options)
        in_parts, put = self.supports_s3_multipart_upload, self._put_object
        shared: Any = {"container": container, "object_name": object_name, "extra": extra}
        shared.update(headers=headers, storage_class=ex_storage_class)
        if is_overridden(self, BaseS3StorageDriver, "_put_object", "_put_object_multipart"):
            shared["headers"] = plain_headers(headers)  # for the override to change
            if in_parts and is_overridden(self, BaseS3StorageDriver, "_put_object_multipart"):
                _refuse_options(rest, "_put_object_multipart")
                return self._put_object_multipart(stream=iterator, **shared)
            if not in_parts and not self._put_object_has_callback():
                return put(stream=iterator, verify_hash=False, **shared)
            put = self._put_with_callback()
        if in_parts:
            func: Callable[..., dict[str, Any]] = self._upload_multipart
            kwargs = {"container": container, "iterator": iterator, "options": rest}
        else:
            func, kwargs = self._upload_whole, {"stream": iterator}
        return put(verify_hash=False, upload_func=func, upload_func_kwargs=kwargs, **shared)

    def ex_open_writer(
        self,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        ex_storage_class: str | None = None,
        **options: Unpack[UploadKeywords],
    ) -> UploadWriter[Object]:
        """Open a file for writing, which becomes an object.

        It is sent in parts while it is written. Nothing is sent before the first part is full. A
        small object is one request. Arguments are those of :meth:`upload_object_via_stream`.
        Without multipart uploads (``supports_s3_multipart_upload``), or if a subclass overrides a
        method that uploads streams, the data is kept in a temporary file until it is published.

        :raises ValueError: an argument is invalid. Nothing was sent.
        """
        check_upload(container, object_name, extra=extra, headers=headers)
        extra = deepcopy(dict(extra or {}))
        headers, rest = s3.uploads.split_options(self, headers, options)
        path, sent = self._prepare(
            container, object_name, extra=extra, headers=headers, storage_class=ex_storage_class
        )
        if not self.supports_s3_multipart_upload or is_overridden(
            self, BaseS3StorageDriver, *_STREAM_METHODS
        ):
            shared: Any = {"extra": extra, "headers": headers, "ex_storage_class": ex_storage_class}
            return self._spooled_writer(container, object_name, **shared, **rest)
        place = Place(container, object_name, path)
        port, session = s3.uploads.session_of(self, place, sent, rest)
        return session.open_writer(
            lambda stored: self._stored_object(container, object_name, stored, extra, port.checksum)
        )

    # What all uploads share.

    def _put_object(
        self,
        container: Container,
        object_name: str,
        method: str = "PUT",
        query_args: Mapping[str, str] | None = None,
        extra: dict[str, Any] | None = None,
        file_path: str | os.PathLike[str] | None = None,
        stream: Any = None,
        verify_hash: bool = True,
        storage_class: str | None = None,
        headers: Mapping[str, str] | None = None,
        upload_func: Callable[..., dict[str, Any]] | None = None,
        upload_func_kwargs: Mapping[str, Any] | None = None,
    ) -> Object:
        """Upload by ``upload_func``, after setting path, type, storage class, metadata and ACL.

        :param upload_func: called with ``object_name``, ``content_type``, ``request_path``,
            ``request_method``, ``headers`` and ``upload_func_kwargs``; returns what
            ``_upload_object`` returns. ``None``: ``_upload_object`` with ``file_path`` or
            ``stream``.
        """
        extra = {} if extra is None else extra
        path, sent = self._prepare(
            container,
            object_name,
            extra=extra,
            headers=headers,
            storage_class=storage_class,
            file_path=file_path,
        )
        if query_args:
            path = f"{path}?{urlencode(query_args)}"
        if upload_func is None:
            upload_func = self._upload_object
            upload_func_kwargs = {"file_path": file_path, "stream": stream}
        result = upload_func(
            object_name=object_name,
            content_type=extra.get("content_type"),
            request_path=path,
            request_method=method,
            headers=sent,
            **(upload_func_kwargs or {}),
        )
        stored, data_hash = result["response"], result["data_hash"]
        if type(stored) is not transfer.values.StoredObject:  # that of an override
            if stored.status not in s3.upload_port.STORED:
                what = f"Error uploading {container.name}/{object_name}"
                request, names = s3.requests.put_object(path), (container.name, object_name)
                raise self._client.refusal(request, stored, what, names)
            etag, size = strip_etag(stored.headers.get("etag", "")), result["bytes_transferred"]
            stored = transfer.values.StoredObject(etag, size, 0, stored.headers)
        if verify_hash and not s3.integrity.encrypted(sent):
            self._verify(stored.etag, data_hash, stored.headers, object_name)
        checksum = result.get("checksum")
        checksum = checksum or s3.uploads.reported_checksum(self, stored.headers, data_hash)
        return self._stored_object(container, object_name, stored, extra, checksum)

    def _put_object_has_callback(self) -> bool:
        """Whether ``_put_object`` takes ``upload_func``; that of Apache Libcloud does not."""
        is_own = not is_overridden(self, BaseS3StorageDriver, "_put_object")
        return is_own or accepts_keyword(self._put_object, "upload_func")

    def _put_with_callback(self) -> Callable[..., Object]:
        """``_put_object``, or that of this class if an override does not take a callback."""
        if self._put_object_has_callback():
            return self._put_object
        return partial(BaseS3StorageDriver._put_object, self)

    def _prepare(
        self,
        container: Container,
        object_name: str,
        *,
        extra: Mapping[str, Any],
        headers: Mapping[str, str] | None,
        storage_class: str | None,
        file_path: str | os.PathLike[str] | None = None,
    ) -> tuple[str, dict[str, str]]:
        """Path and headers of an upload, checked before anything is sent."""
        headers = check_upload(container, object_name, extra=extra, headers=headers)
        sent = self._with_storage_class(headers, storage_class)
        sent = self._with_content_type(sent, extra.get("content_type"), object_name, file_path)
        meta_data = extra.get("meta_data")
        if meta_data:
            sent.update(metadata_headers(meta_data, f"{self.http_vendor_prefix}-meta-"))
        if extra.get("acl"):
            sent[f"{self.http_vendor_prefix}-acl"] = extra["acl"]
        return self._get_new_object_path(container, object_name), sent

    def _with_storage_class(
        self, headers: Mapping[str, str] | None, storage_class: str | None
    ) -> dict[str, str]:
        """A copy of ``headers`` with one class: ``storage_class``, or else the header's own."""
        own, sent = f"{self.http_vendor_prefix}-storage-class", dict(headers or {})
        for name in (*sent,):
            if name.lower() == own:
                if storage_class is None:
                    return sent
                del sent[name]
        return {**sent, **self._to_storage_class_headers(storage_class)}

    def _to_storage_class_headers(self, storage_class: str | None) -> dict[str, str]:
        name = str(storage_class).lower() if storage_class else "standard"
        if name not in STORAGE_CLASSES:
            raise ValueError(f"Invalid storage class value: {storage_class}")
        return {f"{self.http_vendor_prefix}-storage-class": STORAGE_CLASSES[name]}

    def _verify(
        self, etag: str, data_hash: str | None, headers: Mapping[str, str], object_name: str
    ) -> None:
        """Compare the store's ETag with the MD5 of the data, where the ETag is an MD5."""
        if (
            data_hash is None
            or not self.profile.etag_is_md5
            or s3.integrity.encrypted(headers)
            or not etag
            or "-" in etag
        ):
            return
        if etag.lower() != data_hash:  # OSS has them in upper case
            raise ObjectHashMismatchError(
                f"MD5 hash {etag} checksum does not match {data_hash}", self, object_name
            )

    def _stored_object(
        self,
        container: Container,
        object_name: str,
        stored: StoredObject,
        extra: Mapping[str, Any],
        checksum: Mapping[str, str] | None,
    ) -> Object:
        known: dict[str, Any] = {"acl": extra.get("acl")}
        if checksum is not None:
            known["checksum"] = dict(checksum)
        if stored.headers.get("x-amz-version-id"):
            known["version_id"] = stored.headers["x-amz-version-id"]
        meta_data, etag = extra.get("meta_data") or {}, stored.etag or None
        return Object(object_name, stored.size, etag, known, meta_data, container, self)

    # The callbacks: two ways to upload.

    def _upload_multipart(
        self,
        *,
        container: Container,
        iterator: Any,
        object_name: str,
        request_path: str,
        headers: Mapping[str, str],
        options: Mapping[str, Any] | None = None,
        content_type: str | None = None,
        request_method: str = "PUT",
    ) -> dict[str, Any]:
        """The callback for streams of unknown length: passes them to the engine, part by part."""
        if is_overridden(self, BaseS3StorageDriver, "_upload_multipart_chunks"):
            _refuse_options(options, "_upload_multipart_chunks")
            return s3.uploads.upload_by_chunks(self, container, object_name, iterator, headers)
        place = Place(container, object_name, request_path)
        port, session = s3.uploads.session_of(self, place, headers, options)
        stored = session.send(iterator)
        return {
            "response": stored,
            "bytes_transferred": stored.size,
            "data_hash": None,
            "checksum": port.checksum,
        }

    def _upload_whole(self, *, stream: Any, **shared: Any) -> dict[str, Any]:
        """The callback for streams that one request sends.

        The body has no length if the store accepts that (``supports_chunked_encoding``); otherwise
        the stream is buffered in memory, then in a temporary file.
        """
        return self._upload_object(stream=stream, **shared)

    def _upload_object(
        self,
        object_name: str,
        content_type: str | None,
        request_path: str,
        request_method: str = "PUT",
        headers: Mapping[str, str] | None = None,
        file_path: str | os.PathLike[str] | None = None,
        stream: Any = None,
        chunked: bool = False,
        multipart: bool = False,
    ) -> dict[str, Any]:
        """Send a file or a stream in one request, with the retries of the engine."""
        headers = self._with_content_type(headers, content_type, object_name, file_path)
        port, session = s3.uploads.whole_session(
            self, object_name, request_path, headers=headers, method=request_method
        )
        with self._payload(file_path, stream, chunked=chunked) as payload:
            stored = session.send(transfer.upload.source.WholeSource(payload.content))
            stored.size = stored.size or payload.size
            return {
                "response": stored,
                "bytes_transferred": stored.size,
                "data_hash": payload.digest(),
                "checksum": port.checksum,
            }

    def _upload_multipart_chunks(
        self,
        container: Container,
        object_name: str,
        upload_id: str,
        stream: Any,
        calculate_hash: bool = True,
    ) -> tuple[list[tuple[int, str]], str | None, int]:
        """Send ``stream`` as parts of an upload, one after another.

        The engine does not call this; an override in a subclass is called instead of the engine.

        :return: pairs of number and ETag; the MD5 of all, or ``None``; bytes.
        """
        hasher = self._get_hash_function() if calculate_hash else None
        place = self._place(container, object_name)
        return s3.uploads.upload_chunks(self._client, place, upload_id, stream, hasher)

    def _put_object_multipart(
        self,
        container: Container,
        object_name: str,
        stream: Any,
        extra: dict[str, Any] | None = None,
        verify_hash: bool = False,
        headers: Mapping[str, str] | None = None,
        storage_class: str | None = None,
    ) -> Object:
        """Upload ``stream`` in parts, whatever ``supports_s3_multipart_upload`` says.

        An override in a subclass is called by :meth:`upload_object_via_stream`.
        """
        return self._put_with_callback()(
            container,
            object_name,
            extra=extra,
            headers=headers,
            storage_class=storage_class,
            verify_hash=verify_hash,
            upload_func=self._upload_multipart,
            upload_func_kwargs={"container": container, "iterator": stream},
        )

    # The requests of an upload in parts.

    def _initiate_multipart(
        self, container: Container, object_name: str, headers: Mapping[str, str] | None = None
    ) -> str:
        """``POST ?uploads``: the id of a new upload."""
        place = Place(container, object_name, self._get_new_object_path(container, object_name))
        what = f"Error initiating multipart upload of {place.label}"
        request = s3.requests.create_upload(place.path, headers=headers)
        response = self._client.send_once(request, what, names=place.names)
        upload_id = s3.uploads.Reported(
            self._client.parse(s3.responses.parse_create, response, what)
        )
        upload_id.headers = response.headers
        return upload_id

    def _commit_multipart(
        self,
        container: Container,
        object_name: str,
        upload_id: str,
        chunks: Sequence[tuple[int, str]],
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """``POST ?uploadId=``: publish the object made of ``chunks``, pairs of number and ETag.

        :return: the object's ETag.
        """
        place = self._place(container, object_name)
        what = f"Error in multipart commit of {place.label}"
        request = s3.requests.complete_upload(
            place.path, upload_id=upload_id, parts=chunks, headers=headers
        )
        response = self._client.send_once(request, what, names=place.names)
        completed = self._client.parse(s3.responses.parse_complete, response, what)
        etag, checksums = s3.uploads.Reported(strip_etag(completed.etag)), completed.checksums
        reported = {s3.checksums.HEADER + name: checksums[name] for name in checksums}
        etag.headers = {**response.headers, **reported}
        return etag

    def _abort_multipart(
        self,
        container: Container,
        object_name: str,
        upload_id: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """``DELETE ?uploadId=``: remove the upload and its parts."""
        place = self._place(container, object_name)
        what = f"Error in multipart abort of {place.label}"
        request = s3.requests.abort_upload(place.path, upload_id=upload_id, headers=headers)
        try:
            self._client.send_once(request, what, ok=(204,), names=place.names)
        except LibcloudError as error:
            status = getattr(error, "status", None)
            if status is not None:
                error.value = f"Error in multipart abort. status_code={status}: {error.value}"
            raise


class S3StorageDriver(AWSDriver, BaseS3StorageDriver):
    """Amazon S3 in any of its regions, or another store at ``host`` or ``endpoint_url``.

    :param region: ``None``: that of the class, or of ``endpoint_url`` or the profile. With a host,
        any name that the store uses.
    :param host: of another store; ``None``: Amazon's.
    :param ex_profile: the differences of the store, from ``s3/profiles``. ``None``: the profile
        is chosen by the host; for an unknown host only what every store supports is assumed.
    :param ex_s3_profile: the name of a profile, such as ``"r2"``; see
        :data:`~libcloud.storage.s3.profiles.PROFILES`.
    :raises ValueError: Amazon has no such region, or the arguments contradict each other.
    """

    name = "Amazon S3"
    connectionCls: Any = S3SignatureV4Connection
    region_name = "us-east-1"
    profile = AMAZON

    def __init__(
        self,
        key: str | None = None,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        region: str | None = None,
        token: str | None = None,
        ex_profile: S3Profile | None = None,
        *,
        ex_s3_profile: str | None = None,
        **kwargs: Unpack[S3ConstructorKeywords],
    ) -> None:
        url = kwargs.get("endpoint_url")
        host, secure, port, _ = s3.access.endpoint_of(url, host, port, secure)
        host = host or None
        self.profile = choose_profile(
            self.profile, host=host, given=ex_profile, named=ex_s3_profile
        )
        default = self.region_name
        if url is not None or ex_s3_profile is not None:
            default = default_region(self.profile, host, default)
        region = region or default
        known = choose_host(self.profile, host, region, kwargs)
        self.region = region
        self.region_name = region
        foreign = self.profile not in (type(self).profile, GENERIC)
        self.name = f"{self.profile.name if foreign else 'Amazon S3'} ({region})"
        super().__init__(key, secret, secure, known, port, region=region, token=token, **kwargs)

    @classmethod
    def list_regions(cls) -> Any:
        """Names of Amazon's regions."""
        return REGION_TO_HOST_MAP.keys()

    def _presigned_part(self, upload: SessionFields, number: int, hours: float) -> str:
        """A URL with which part ``number`` of an upload can be sent without credentials."""
        container = Container(upload.container, {}, self)
        return s3.presign.presigned_object_url(
            self.connection,
            self._get_object_path(container, upload.name),
            method="PUT",
            hours=hours,
            params=(("partNumber", str(number)), ("uploadId", upload.id)),
        )

    def _put_presigned(self, url: str, number: int, body: Any, label: str) -> PartReceipt:
        """Send a part to a presigned URL of the endpoint of this driver, which is anonymous.

        A CRC would have to be signed, so the MD5 is sent along.
        """
        target, what = urlsplit(url), f"Error uploading part {number} of {label}"
        params = tuple(parse_qsl(target.query, keep_blank_values=True))

        def send() -> PartReceipt:
            digest = s3.integrity.DIGESTS["md5"](body)
            request = common.request.HttpRequest("PUT", target.path, params, digest.headers, body)
            response = self._client.send_once(request, what, ok=s3.upload_port.STORED)
            etag = s3.http_response.etag_of_part(response, what, self)
            return transfer.values.PartReceipt(number, etag, len(body), digest)

        with source_errors():
            return self._client.retry_loop.run(send)


def _refuse_options(options: Mapping[str, Any] | None, method: str) -> None:
    if options:
        raise ValueError(
            f"{', '.join(sorted(options))}: a subclass overrides {method}, which does not have this"
        )


_MULTIPART = ("IncompleteCleanupError", "RESPONSES_PER_REQUEST", "S3MultipartUpload")
_LATE = {
    **dict.fromkeys(_MULTIPART, "libcloud.storage.s3.multipart"),
    # Names that programs import from here because 3.9.1 imports them here.
    "AWSBaseResponse": "libcloud.common.aws",
    "AWSTokenConnection": "libcloud.common.aws",
    "ConnectionUserAndKey": "libcloud.common.base",
    "InvalidCredsError": "libcloud.common.types",
    "RawResponse": "libcloud.common.base",
    "UnsignedPayloadSentinel": "libcloud.common.aws",
}


def __getattr__(name: str) -> Any:
    """Names of other modules, and the classes of single regions, which are created on access."""
    module = _LATE.get(name)
    if module is not None:
        return getattr(import_module(module), name)
    if name.startswith("S3"):
        from libcloud.storage.drivers import s3_regions

        found = s3_regions.region_class(name, S3StorageDriver)
        if found is not None:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
