# SPDX-License-Identifier: Apache-2.0
"""The base class of the drivers for Azure and Swift: downloads, and uploads by several processes.

A driver supplies the requests of its protocol. Those of S3 have methods of their own, which take
further keywords for each request.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar

from libcloud.storage import transfer
from libcloud.storage.arguments import check_name, check_upload
from libcloud.storage.base import Container, Object, StorageDriver
from libcloud.storage.keywords import AnyUploadKeywords, EngineKeywords
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.utils.arguments import size_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from libcloud.storage.scaleout.session import UploadSession
    from libcloud.storage.transfer.budget import MemoryBudget
    from libcloud.storage.transfer.download.port import Validator
    from libcloud.storage.transfer.download.start import Download, Selection
    from libcloud.storage.transfer.upload.session import ObjectUpload
    from libcloud.storage.transfer.values import StoredObject

# Larger files are fetched over several connections, which no MD5 can be put together from.
_VERIFIED_SIZE = 32 * 1024 * 1024


class MultipartDriver(StorageDriver):
    """A driver whose uploads and downloads are those of ``storage/transfer``."""

    #: How often requests are retried, and after which delays.
    ex_retry_policy: ClassVar[RetryPolicy] = RetryPolicy()
    #: Bytes of parts that one upload holds at once, or a budget that several share.
    ex_max_memory: ClassVar[int | MemoryBudget | None] = None

    #: Seconds without a byte of the response to the completion of an upload, or to a copy, for
    #: which the store has to work. A longer ``timeout`` of the driver takes precedence.
    ex_completion_timeout: ClassVar[float] = 300.0
    #: The container in the URL of :meth:`from_url`; ``None`` if it names none.
    ex_container: Container | None = None

    # What a driver supplies.

    _client: Any

    def _headers_to_object(
        self, object_name: str, container: Container, headers: Mapping[str, str]
    ) -> Object:
        """The object that headers of a response, names in lower case, describe."""
        raise NotImplementedError

    def _request_download(self, obj: Object, selection: Selection) -> Download:
        """Request bytes of an object; read none yet."""
        raise NotImplementedError

    def _upload_of(
        self,
        container_name: str,
        object_name: str,
        headers: Mapping[str, str],
        meta_data: Mapping[str, Any] | None,
        options: Mapping[str, Any],
        **of_port: Any,
    ) -> ObjectUpload[Any]:
        """The upload of one object.

        :param options: keywords of upload methods.
        :param of_port: keywords of the upload port of the protocol.
        """
        raise NotImplementedError

    # Downloads.

    def get_object(self, container_name: str, object_name: str) -> Object:
        """The object, after a HEAD request for the container and one for the object."""
        check_name(object_name, "object_name")
        return self._get_object_in(self.get_container(container_name), object_name)

    def _get_object_in(self, container: Container, object_name: str) -> Object:
        headers = self._client.head(container.name, object_name)
        return self._headers_to_object(object_name, container, headers)

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
    ) -> bool:
        """Save the object as a file, a large one over several connections.

        :param ex_verify_hash: as for :meth:`download_object_as_stream`; but with ``None``, a file
            of more than 32 MiB is not verified, because an MD5 takes one connection.
        :raises ObjectHashMismatchError: other bytes came than the store has.
        """
        if ex_verify_hash is None and (size_of(obj) or 0) > _VERIFIED_SIZE:
            ex_verify_hash = False
        how = (ex_window, ex_part_size, on_bytes)
        saving = transfer.download.saving
        to = saving.Destination(destination_path, overwrite_existing, delete_on_failure, *how)
        return saving.save(self, obj, to, described=self._described, verify=ex_verify_hash)

    def _described(self, obj: Object, started: Download) -> Object:
        """``obj`` as the first response describes it."""
        return obj

    def download_object_as_stream(
        self, obj: Object, chunk_size: int | None = None, *, ex_verify_hash: bool | None = None
    ) -> Iterator[bytes]:
        """The object in pieces."""
        return transfer.download.saving.stream(self, obj, chunk_size, verify=ex_verify_hash)

    def download_object_range(
        self,
        obj: Object,
        destination_path: str | os.PathLike[str],
        start_bytes: int,
        end_bytes: int | None = None,
        overwrite_existing: bool = False,
        delete_on_failure: bool = True,
    ) -> bool:
        saving = transfer.download.saving
        to = saving.Destination(destination_path, overwrite_existing, delete_on_failure)
        return saving.save_range(self, obj, to, start_bytes, end_bytes)

    def download_object_range_as_stream(
        self,
        obj: Object,
        start_bytes: int,
        end_bytes: int | None = None,
        chunk_size: int | None = None,
    ) -> Iterator[bytes]:
        saving = transfer.download.saving
        return saving.stream_range(self, obj, start_bytes, end_bytes, chunk_size)

    def _range_of_version(self, obj: Object, start_bytes: int, end_bytes: int) -> Iterator[bytes]:
        saving = transfer.download.saving
        return saving.stream_range_of_version(self, obj, start_bytes, end_bytes)

    def _read_object(
        self, container: Container, name: str, start: int | None = None, end: int | None = None
    ) -> tuple[Object, Iterator[bytes]]:
        return transfer.download.saving.read(self, container, name, start, end)

    def _start_download(
        self,
        obj: Object,
        start: int | None = None,
        end: int | None = None,
        *,
        verify: bool | None = False,
        validator: Validator | None = None,
    ) -> Download:
        span = "" if start is None else self._get_standard_range_str(start, end)
        selection = transfer.download.start.Selection(start, end, span, verify, validator)
        return self._request_download(obj, selection)

    # Uploads.

    def _session(
        self,
        container: Container,
        object_name: str,
        extra: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        options: Mapping[str, Any],
        file_path: str | os.PathLike[str] | None = None,
        **of_port: Any,
    ) -> ObjectUpload[Any]:
        """The upload of one object, with everything checked that can be before it starts."""
        path = file_path or ""
        sent = check_upload(container, object_name, file_path=path, extra=extra, headers=headers)
        extra = extra or {}
        sent = self._with_content_type(sent, extra.get("content_type"), object_name, file_path)
        meta_data = extra.get("meta_data")
        return self._upload_of(container.name, object_name, sent, meta_data, options, **of_port)

    def _made_object(
        self,
        container: Container,
        object_name: str,
        stored: StoredObject,
        extra: Mapping[str, Any] | None,
    ) -> Object:
        meta_data = dict((extra or {}).get("meta_data") or {})
        return Object(object_name, stored.size, stored.etag or None, {}, meta_data, container, self)

    def ex_begin_upload(
        self,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Unpack[AnyUploadKeywords],
    ) -> UploadSession:
        """Begin an upload whose parts are sent by several processes, and published by one.

        Arguments are those of :meth:`upload_object_via_stream`. A blob of Azure has no MD5 then.
        """
        draft = self._upload_to_share(container, object_name, extra, headers, options)
        return draft.begin()

    def ex_upload_with(
        self,
        executor: Any,
        pieces: Any,
        container: Container,
        object_name: str,
        sizes: Any = None,
        extra: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        ex_connect: Callable[[], Any] | None = None,
        ex_on_session: Callable[[str], object] | None = None,
        **options: Unpack[AnyUploadKeywords],
    ) -> Object:
        """Upload one object whose pieces are made, and sent, by the processes of an executor.

        Arguments and errors are those of
        :meth:`~libcloud.storage.drivers.s3.BaseS3StorageDriver.ex_upload_with`.
        """
        from libcloud.storage.scaleout import executor as engine

        rest = engine.with_defaults(options)
        draft = self._upload_to_share(container, object_name, extra, headers, rest)
        access = engine.WorkerAccess(connect=ex_connect, on_session=ex_on_session)
        return engine.upload_with(draft, executor, pieces, sizes=sizes, access=access)

    def ex_attach_upload(
        self,
        session: str | UploadSession,
        executor: Any,
        pieces: Any,
        sizes: Any = None,
        *,
        ex_connect: Callable[[], Any] | None = None,
        **options: Unpack[EngineKeywords],
    ) -> Object:
        """Continue an upload of :meth:`ex_upload_with`, in any state; publish the object.

        Arguments and errors are those of
        :meth:`~libcloud.storage.drivers.s3.BaseS3StorageDriver.ex_attach_upload`.
        """
        from libcloud.storage.scaleout import executor as engine

        access = engine.WorkerAccess(connect=ex_connect)
        return engine.attach(
            self, session, executor, pieces, sizes=sizes, access=access, options=options
        )

    def _shared_upload(
        self,
        container_name: str,
        object_name: str,
        headers: Mapping[str, str],
        options: Mapping[str, Any],
    ) -> ObjectUpload[Any]:
        return self._upload_of(container_name, object_name, headers, None, options)

    def _upload_to_share(
        self,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None,
        headers: Mapping[str, str] | None,
        options: Mapping[str, Any],
    ) -> UploadSession:
        from libcloud.storage.scaleout.session import UploadSession

        extra = deepcopy(dict(extra or {}))
        upload = self._session(container, object_name, extra, headers, options)
        return UploadSession.draft(self, upload, options.get("ex_checksum", "md5"), extra)

    def _published_object(
        self, container_name: str, upload: ObjectUpload[Any], stored: StoredObject, extra: Any
    ) -> Object:
        container = Container(container_name, {}, self)
        return self._made_object(container, upload.object_name, stored, extra)
