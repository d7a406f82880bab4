# SPDX-License-Identifier: Apache-2.0
"""Uploads that are written like a file; and what they share with those of streams.

An upload of the engine is prepared before anything is sent, and ends with an ``Object``. Between
the two, ``s3.py`` lets the engine pull from a stream, and a writer pushes.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from copy import deepcopy
from os import PathLike
from typing import IO, TYPE_CHECKING, Any

from libcloud import storage
from libcloud.storage import drivers, s3, transfer
from libcloud.storage.arguments import check_upload, plain_headers
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.s3_uploads import S3Uploads
from libcloud.storage.types import ObjectError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from libcloud.storage.drivers.s3_options import UploadKeywords
    from libcloud.storage.drivers.s3_store import DriverStore
    from libcloud.storage.transfer.upload.writer import PushedTransfer
    from libcloud.storage.writer import UploadWriter

__all__ = ["S3Writers"]

# What a writer does not call: who overrides one of them gets the bytes by it, from a file.
_WAY_OF_A_STREAM = ("upload_object_via_stream", "_put_object", "_upload_multipart")


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
        label = f"{container.name}/{object_name}"
        if self._sends_streams_in_parts():
            store, settings = self._engine(container, object_name, path, sent, rest)
            pushed = transfer.upload.session.begin(store, **settings)
            sink = _PartSink(
                self, pushed, store, container=container, object_name=object_name, extra=extra
            )
            return storage.writer.UploadWriter(sink, label)

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

        return storage.writer.UploadWriter(storage.writer.SpoolSink(upload), label)

    def _sends_streams_in_parts(self) -> bool:
        """Whether streams go to the engine, by methods of ours only."""
        if not self.supports_s3_multipart_upload:
            return False
        ours = __name__.rpartition(".")[0] + "."
        return all(
            name not in vars(self)
            and str(getattr(getattr(type(self), name), "__module__", "")).startswith(ours)
            for name in _WAY_OF_A_STREAM
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

    def _engine(
        self,
        container: Container,
        object_name: str,
        path: str,
        headers: Mapping[str, str],
        options: Mapping[str, Any] | None,
    ) -> tuple[DriverStore, dict[str, Any]]:
        """Where the engine sends an object, and the other arguments of ``session``."""
        options = dict(options or {})
        digest = self._digest_name(options.pop("ex_checksum", "auto"), headers)
        concurrency = self._client.concurrency()
        driver: Any = self
        store = drivers.s3_store.DriverStore(
            driver,
            container,
            object_name,
            path=path,
            headers=headers,
            digest=digest,
            copy_bodies=concurrency == 1,
        )
        return store, {
            "limits": self.profile.limits,
            "options": drivers.s3_options.engine_options(options, self.ex_max_memory),
            "retries": self._client.retries(),
            "concurrency": concurrency,
            "label": f"{container.name}/{object_name}",
        }

    def _naming(self, object_name: str) -> AbstractContextManager[None]:
        """Errors of the engine, which knows neither driver nor name, are told both."""
        return _Naming(self, object_name)

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


class _Naming:
    def __init__(self, driver: S3Writers, object_name: str) -> None:
        self._driver = driver
        self._name = object_name

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ObjectError) and not error.object_name:
            error.driver, error.object_name = self._driver, self._name


class _PartSink:
    """The engine, as the place that a writer writes to."""

    def __init__(
        self,
        driver: S3Writers,
        transfer: PushedTransfer,
        store: DriverStore,
        *,
        container: Container,
        object_name: str,
        extra: Mapping[str, Any],
    ) -> None:
        self._driver = driver
        self._transfer = transfer
        self._store = store
        self._container = container
        self._name = object_name
        self._extra = extra

    @property
    def over(self) -> bool:
        return self._transfer.over

    @property
    def begun(self) -> bool:
        return self._transfer.begun

    def write(self, data: bytes | memoryview) -> None:
        with self._driver._naming(self._name):
            self._transfer.write(data)

    def publish(self) -> Object:
        with self._driver._naming(self._name):
            stored = self._transfer.publish()
        return self._driver._made_object(
            self._container,
            self._name,
            size=stored.size,
            headers={**stored.headers, "etag": stored.etag},
            extra=self._extra,
            checksum=self._store.answers.checksum,
        )

    def abort(self, error: BaseException, *, quiet: bool = False, wanted: bool = False) -> None:
        self._transfer.abort(error, quiet=quiet, wanted=wanted)
