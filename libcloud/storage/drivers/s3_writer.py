# SPDX-License-Identifier: Apache-2.0
"""Uploads that are written like a file; and what they share with those of streams.

An upload of the engine is prepared before anything is sent, and ends with an ``Object``. Between
the two, ``s3.py`` lets the engine pull from a stream, and a writer pushes.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from os import PathLike
from typing import IO, TYPE_CHECKING, Any

from libcloud.storage import drivers, s3, transfer
from libcloud.storage.arguments import check_upload, plain_headers
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.s3_uploads import S3Uploads

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from libcloud.storage.drivers.s3_options import UploadKeywords
    from libcloud.storage.drivers.s3_store import DriverStore
    from libcloud.storage.transfer.upload.session import UploadSession
    from libcloud.storage.writer import UploadWriter
    from libcloud.utils.bodies import Pieces

__all__ = ["S3Writers"]

# A writer calls none of these. If one of them is overridden, it is called with a file.
_STREAM_METHODS = ("upload_object_via_stream", "_put_object", "_upload_multipart")


class S3Writers(S3Uploads):
    """Opens writers."""

    def ex_open_writer(
        self,
        container: Container,
        object_name: str,
        extra: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        ex_storage_class: str | None = None,
        **options: Unpack[UploadKeywords],
    ) -> UploadWriter[Object]:
        """A file to be written that becomes an object; sent in parts while it is written.

        Nothing is sent before the first part is full. A small object is one request. Arguments are
        those of :meth:`upload_object_via_stream`; without uploads in parts
        (``supports_s3_multipart_upload``), or with a method of uploads overridden by a subclass,
        the data is kept in a temporary file until it is published.

        :raises ValueError: an argument makes no sense. Nothing was sent.
        :raises TypeError: no such keyword. Nothing was sent.
        """
        check_upload(container, object_name, extra=extra, headers=headers)
        extra = deepcopy(dict(extra or {}))
        headers, rest = self._keywords(headers, options)
        path, sent = self._prepare(
            container, object_name, extra=extra, headers=headers, storage_class=ex_storage_class
        )
        if not self.supports_s3_multipart_upload or transfer.upload.session.is_overridden(
            self, _STREAM_METHODS, __name__.rpartition(".")[0]
        ):

            def upload(file: IO[bytes]) -> Object:
                driver: Any = self
                stored: Object = driver.upload_object_via_stream(
                    file,
                    container,
                    object_name,
                    extra=extra,
                    headers=headers,
                    ex_storage_class=ex_storage_class,
                    **rest,
                )
                return stored

            return transfer.upload.session.spooled_writer(upload, container.name, object_name)

        store, session = self._session(container, object_name, path, sent, rest)
        return session.open_writer(
            lambda stored: self._made_object(
                container,
                object_name,
                size=stored.size,
                headers={**stored.headers, "etag": stored.etag},
                extra=extra,
                checksum=store.answers.checksum,
            )
        )

    # What is common to uploads that the engine pulls and those that are pushed.

    def _prepare(
        self,
        container: Container,
        object_name: str,
        *,
        extra: Mapping[str, Any],
        headers: Mapping[str, str] | None,
        storage_class: str | None,
        file_path: str | PathLike[str] | None = None,
    ) -> tuple[str, dict[str, str]]:
        """Path and headers of an upload, checked before anything is sent."""
        check_upload(container, object_name, extra=extra, headers=headers)
        sent = self._with_storage_class(plain_headers(headers), storage_class)
        sent = self._with_content_type(sent, extra.get("content_type"), object_name, file_path)
        meta_data = extra.get("meta_data") or {}
        sent.update(s3.headers.metadata_headers(meta_data, f"{self.http_vendor_prefix}-meta-"))
        if extra.get("acl"):
            sent[f"{self.http_vendor_prefix}-acl"] = extra["acl"]
        return self._get_new_object_path(container, object_name), sent

    def _session(
        self,
        container: Container,
        object_name: str,
        path: str,
        headers: Mapping[str, str],
        options: Mapping[str, Any] | None,
    ) -> tuple[DriverStore, UploadSession[bytes | Pieces]]:
        """The port of an object, and the session that uploads through it."""
        own, chosen = transfer.upload.options.split_keywords(
            options or {}, ("ex_checksum",), max_memory=self.ex_max_memory
        )
        concurrency = self._client.concurrency()
        driver: Any = self
        store = drivers.s3_store.DriverStore(
            driver,
            container,
            object_name,
            path=path,
            headers=headers,
            digest=self._digest_name(own.get("ex_checksum", "auto"), headers),
            copy_bodies=concurrency == 1,
        )
        return store, transfer.upload.session.UploadSession(
            store,
            self.profile.limits,
            chosen,
            self._client.retries(),
            concurrency=concurrency,
            driver=self,
            container_name=container.name,
            object_name=object_name,
        )

    def _made_object(
        self,
        container: Container,
        object_name: str,
        *,
        size: int,
        headers: Mapping[str, str],
        extra: Mapping[str, Any],
        checksum: Mapping[str, str] | None = None,
    ) -> Object:
        """The object that was published.

        :param headers: of the answer that published it; names in lower case.
        :param extra: as it was passed to the upload.
        :param checksum: that the store told, and that is the one of what was sent.
        """
        known: dict[str, Any] = {"acl": extra.get("acl")}
        if checksum is not None:
            known["checksum"] = dict(checksum)
        if headers.get("x-amz-version-id"):
            known["version_id"] = headers["x-amz-version-id"]
        etag = s3.etags.strip_etag(headers.get("etag", "")) or None
        meta_data = extra.get("meta_data") or {}
        return Object(object_name, size, etag, known, meta_data, container, self)
