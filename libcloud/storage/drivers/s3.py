# SPDX-License-Identifier: Apache-2.0
"""Amazon S3, and the base of all drivers for stores that speak its protocol.

An upload of a stream takes one of three ways, chosen by flags of the driver's class::

    upload_object_via_stream() --+-- supports_s3_multipart_upload --> _upload_multipart
                                 +-- supports_chunked_encoding -----> _upload_chunked
                                 +-- neither -----------------------> _upload_buffered

The way is a callback that is passed to ``_put_object()``, which sets what all uploads share. What a
request looks like is in ``s3/requests.py``, what comes next in ``transfer/upload/machine.py``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from libcloud.common.aws import AWSDriver
from libcloud.storage import drivers, s3
from libcloud.storage.arguments import check_file_path, check_object
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.s3_access import endpoint_of
from libcloud.storage.drivers.s3_constants import *  # noqa: F403
from libcloud.storage.drivers.s3_constants import REGION_TO_HOST_MAP, S3_CDN_URL_EXPIRY_HOURS
from libcloud.storage.drivers.s3_containers import (
    RESPONSES_PER_REQUEST,
    S3Containers,
    S3MultipartUpload,
)
from libcloud.storage.drivers.s3_copy import S3Copies
from libcloud.storage.drivers.s3_delete import S3Deletions
from libcloud.storage.drivers.s3_leftovers import IncompleteCleanupError, S3Leftovers
from libcloud.storage.drivers.s3_names import *  # noqa: F403
from libcloud.storage.drivers.s3_objects import CHUNK_SIZE, S3Objects
from libcloud.storage.drivers.s3_opening import S3Opening
from libcloud.storage.drivers.s3_uploads import size_of
from libcloud.storage.drivers.s3_writer import S3Writers
from libcloud.storage.s3.connection import (
    API_VERSION,
    EXPIRATION_SECONDS,
    BaseS3Connection,
    S3Connection,
    S3SignatureV4Connection,
)
from libcloud.storage.s3.endpoint import choose_host, choose_profile, default_region
from libcloud.storage.s3.names import NAMESPACE
from libcloud.storage.s3.profile import AMAZON, GENERIC, S3Profile
from libcloud.storage.s3.response import S3RawResponse, S3Response
from libcloud.utils import files

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from libcloud.storage.drivers.s3_deleted import DeletedObject, FailedDeletion
    from libcloud.storage.drivers.s3_options import UploadKeywords

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


class BaseS3StorageDriver(S3Writers, S3Copies, S3Deletions, S3Leftovers, S3Containers, S3Objects):
    """What all drivers for S3-compatible stores do.

    A store's driver, or a user's subclass, says by ``supports_s3_multipart_upload`` whether streams
    are uploaded in parts; nothing else is needed.
    """

    name = "Amazon S3 (standard)"
    website = "http://aws.amazon.com/s3/"
    connectionCls: Any = BaseS3Connection
    hash_type = "md5"
    supports_chunked_encoding = False
    _rewinds_finished_streams = False
    supports_s3_multipart_upload = True
    namespace = NAMESPACE

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
        """Upload a file: in one request, or in parts when it is larger than one.

        It is read once. Keywords and errors are those of :meth:`upload_object_via_stream`.

        :param verify_hash: compare the store's ETag with the MD5 of what was sent, where it is one.
        :raises ObjectHashMismatchError: they differ. The object is stored, and damaged.
        :raises SizeMismatchError: the file changed its size meanwhile; nothing was published.
        """
        check_file_path(file_path)
        size = size_of(file_path)
        alone = self._in_one_request(size, options)
        headers, rest = self._keywords(headers, options)
        shared: Any = {"extra": extra, "headers": headers, "storage_class": ex_storage_class}
        shared.update(file_path=file_path, verify_hash=verify_hash)
        if alone:
            return self._put_object(container, object_name, **shared)
        with open(file_path, "rb") as file:
            status = os.fstat(file.fileno())
            known = {"ex_size": status.st_size} if files.has_exact_size(status) else {}
            kwargs = {"container": container, "iterator": file, "options": {**known, **rest}}
            shared.update(upload_func=self._upload_multipart, upload_func_kwargs=kwargs)
            return self._put_object(container, object_name, **shared)

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
            where it stands: an exhausted generator, or a file at its end, is an object of 0 bytes.
        :param extra: ``content_type``, ``meta_data`` (a dict) and ``acl`` of the object.
        :param headers: further headers of the upload; each request gets those that belong to it.
        :param ex_storage_class: a key of :data:`s3_constants.STORAGE_CLASSES`.
        :param options: with ``ex_`` before them, the fields of
            :class:`~libcloud.storage.transfer.upload.session.UploadOptions` and of
            :class:`~libcloud.storage.s3.write_options.WriteOptions`; also
            ``on_event``, and ``ex_checksum``: ``"crc32"``, ``"crc32c"``, ``"crc64nvme"`` (these two
            take the extra ``checksums``), ``"sha256"``, ``"md5"`` or ``None``, instead of the
            cheapest that the store checks.
        :return: the object; ``extra["checksum"]`` has ``algorithm`` and ``value`` of the checksum
            that the store's answer repeated, and is missing if it repeated none.
        :raises InvalidSourceError: ``iterator`` gives no bytes. Nothing was published.
        :raises ObjectTooLargeError: it gives more than the store takes. Nothing was published.
        :raises PreconditionFailedError: the condition that was asked for does not hold; the object
            is as it was. :exc:`ConditionalConflictError`: another request changed it meanwhile.
        :raises TypeError: an argument has another type, or there is no such keyword. Nothing was
            sent.
        :raises ValueError: an option makes no sense, the store has no such thing, or a key of
            ``extra`` is misspelled. Nothing was sent.
        :raises ObjectHashMismatchError: the store has got other bytes; the message tells whether
            the object was published.
        :raises UploadOutcomeUnknownError: the store did not answer whether it was published.
        :raises BaseException: the first error, also one of ``iterator``. Nothing was published, and
            nothing stays at the store unless the exception has an ``upload_id``.
        """
        headers, rest = self._keywords(headers, options)
        func: Callable[..., dict[str, Any]]
        kwargs: dict[str, Any] = {"stream": iterator}
        if self.supports_s3_multipart_upload:
            func = self._upload_multipart
            kwargs = {"container": container, "iterator": iterator, "options": rest}
        else:
            func = self._upload_chunked if self.supports_chunked_encoding else self._upload_buffered
        return self._put_object(
            container,
            object_name,
            extra=extra,
            headers=headers,
            storage_class=ex_storage_class,
            verify_hash=False,
            upload_func=func,
            upload_func_kwargs=kwargs,
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
            ``request_method``, ``headers`` and ``upload_func_kwargs``; gives what
            ``_upload_object`` gives. ``None``: ``_upload_object`` with ``file_path`` or ``stream``.
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
        response = result["response"]
        self._check_stored(response, container, object_name)
        if verify_hash and not drivers.s3_answers.encrypted(sent):
            etag = s3.etags.strip_etag(response.headers.get("etag", ""))
            self._verify(etag, result["data_hash"], response.headers, object_name)
        size = result["bytes_transferred"]
        return self._made_object(
            container,
            object_name,
            size=size,
            headers=response.headers,
            extra=extra,
            checksum=result.get("checksum")
            or self._confirmed(response.headers, result["data_hash"]),
        )

    # The callbacks: three ways to upload.

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
        """The callback for streams of unknown length: hands them to the engine, part by part."""
        store, session = self._session(container, object_name, request_path, headers, options)
        stored = session.send_stream(iterator)
        response = drivers.s3_store.Published(200, {**stored.headers, "etag": stored.etag})
        return {
            "response": response,
            "bytes_transferred": stored.size,
            "data_hash": None,
            "checksum": store.answers.checksum,
        }

    def _upload_chunked(self, *, stream: Any, **shared: Any) -> dict[str, Any]:
        """The callback for stores that take a body without a length."""
        return self._upload_object(stream=stream, file_path=None, **shared)

    def _upload_buffered(self, *, stream: Any, **shared: Any) -> dict[str, Any]:
        """The callback for all others: memory, then a temporary file, holds what has no length."""
        return self._upload_object(stream=stream, file_path=None, **shared)


class S3StorageDriver(AWSDriver, S3Opening, BaseS3StorageDriver):
    """Amazon S3, in any of its regions, or a store behind ``host``.

    :param region: ``None``: that of the class, or the one that ``endpoint_url`` or the profile
        names. With a host, any name the store has for it.
    :param host: of another store; Amazon's otherwise.
    :param ex_profile: what is special about the store, from ``s3/profile.py``. ``None``: it is
        found by the host, and nothing is assumed of one that nobody knows.
    :param ex_s3_profile: the same by its name, such as ``"r2"``; see
        :data:`~libcloud.storage.s3.profile.PROFILES`.
    :param kwargs: those of :class:`~libcloud.storage.drivers.s3_access.S3Access` (``endpoint_url``,
        ``ex_addressing_style``, ...) and :class:`~libcloud.common.base.BaseDriver`. ``timeout`` is
        seconds to connect, and seconds without a byte to or from the store, or a pair of both;
        without it they are 10 and 60. ``ex_use_dualstack`` and ``ex_use_fips`` choose among the
        hosts of Amazon's regions.
    :raises ValueError: Amazon has no such region; or the arguments contradict each other.
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
        **kwargs: Any,
    ) -> None:
        endpoint = endpoint_of(kwargs.get("endpoint_url"), host, port)
        host = host or None
        if endpoint is not None:
            host, port, secure = endpoint.host, endpoint.port, endpoint.secure
        self.profile = choose_profile(
            self.profile, host=host, given=ex_profile, named=ex_s3_profile
        )
        default = self.region_name
        if endpoint is not None or ex_s3_profile is not None:
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

    def get_object_cdn_url(
        self, obj: Object, ex_expiry: float = S3_CDN_URL_EXPIRY_HOURS, ex_method: str = "GET"
    ) -> str:
        """A URL that gives anybody the right to ``ex_method`` the object, for a time.

        :param ex_expiry: hours; at most 168.
        :raises ValueError: ``ex_expiry`` is out of range.
        """
        check_object(obj)
        path = self._get_object_path(obj.container, obj.name)
        return drivers.s3_urls.presigned_object_url(
            self.connection, path, region=self.region_name, method=ex_method, hours=ex_expiry
        )


def __getattr__(name: str) -> Any:
    """Classes that are made when somebody asks for one: of single regions, and of results."""
    if name in ("DeletedObject", "FailedDeletion"):
        return getattr(drivers.s3_deleted, name)
    if name.startswith("S3") and hasattr(drivers.s3_regions, name):
        return getattr(drivers.s3_regions, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
