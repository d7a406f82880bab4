# SPDX-License-Identifier: Apache-2.0
"""Copies that the store makes by itself: no byte of the object comes here.

Up to the size of one PUT that is one request. Larger objects are copied in parts by the engine of
the uploads, whose parts are ranges of the source here: so copies have the same retries, the same
parallel requests, and the same abort.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from libcloud.storage import drivers, s3, transfer
from libcloud.storage.arguments import check_extra, check_object, plain_headers
from libcloud.storage.base import Container, Object
from libcloud.storage.capabilities import MIB, Limits
from libcloud.storage.drivers.s3_calls import S3Calls
from libcloud.storage.types import ObjectError, ObjectTooLargeError
from libcloud.utils.arguments import whole_number

if TYPE_CHECKING:
    from libcloud.storage.drivers.s3_copy_store import Place, Source
    from libcloud.storage.s3.copy_headers import CopyHeaders, Given
    from libcloud.storage.transfer.progress import Listener
    from libcloud.storage.transfer.upload.session import UploadOptions
    from libcloud.storage.transfer.values import StoredObject

__all__ = ["DEFAULT_COPY_PART_SIZE", "S3Copies"]

DEFAULT_COPY_PART_SIZE = 256 * MIB
"""Bytes of a part that is copied, where the caller does not say. Nothing of it is held here."""


class S3Copies(S3Calls):
    """Copies within the store."""

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
        """Have the store copy ``obj``, after a look at it (HEAD).

        What is copied is what was looked at: an object that is replaced meanwhile is an error,
        also with a store that does not know ``x-amz-copy-source-if-match`` if it copies in parts.
        S3 does not copy ACLs, and tags only by one request, not in parts.

        :param container: where the copy goes, in the same store.
        :param metadata: of the copy; ``None``: that of ``obj``.
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
        :raises ValueError: it would be copied onto itself unchanged, which S3 refuses, or ``obj``
            is of another store. Nothing was sent.
        :raises ObjectDoesNotExistError: there is no such object. Nothing was stored.
        :raises ObjectTooLargeError: one request does not copy it, and the store is not known to
            copy parts. Nothing was stored.
        :raises ObjectChangedError: it was replaced meanwhile. Nothing was published.
        :raises UploadOutcomeUnknownError: the store did not answer whether the copy was published.
        :raises BaseException: the first error, also one of ``on_event``. Nothing was published, and
            nothing stays at the store unless the exception has an ``upload_id``.
        """
        check_object(obj)
        headers = plain_headers(headers)
        check_extra({"meta_data": metadata, "content_type": content_type})
        whole_number("ex_part_size", ex_part_size, least=1)
        whole_number("ex_window", ex_window, least=1, example="4")
        target = drivers.s3_copy_store.Place(
            container, object_name, self._get_new_object_path(container, object_name)
        )
        if ex_storage_class is not None:
            headers = self._with_storage_class(headers, ex_storage_class)
        given = s3.copy_headers.split_headers(headers, self.http_vendor_prefix)
        self._refuse_copy(
            obj, target, unchanged=not s3.copy_headers.changes(given, metadata, content_type)
        )
        source = self._look_at(obj, given)
        wanted = s3.copy_headers.copy_headers(
            given, source.seen, metadata=metadata, content_type=content_type
        )
        limits, size = self._copy_limits(source, ex_part_size)
        # Nothing of a copy is held here, so that no bound of memory need narrow its window.
        options = transfer.upload.session.UploadOptions(
            size, ex_window, max_memory=max(source.size, 1), size=source.size, on_event=on_event
        )
        stored = self._copy(source, target, wanted, limits=limits, options=options)
        return self._copied(stored, target, wanted)

    # Inside.

    def _refuse_copy(self, obj: Object, target: Place, *, unchanged: bool) -> None:
        """:raises ValueError: it cannot be copied there."""
        same = (obj.container.name, obj.name) == (target.container.name, target.name)
        if same and unchanged:
            raise ValueError(
                f"{target.label} would be copied onto itself without a change, which S3 refuses: "
                "give another name, or metadata, a content type or a storage class"
            )
        if not self._client.shares_store(obj.driver):
            raise ValueError(
                f"{obj.name} is in another store ({obj.driver.name}), and a store copies what it "
                "has: download it and upload it"
            )

    def _look_at(self, obj: Object, given: Given) -> Source:
        """The object to copy, as it is now."""
        place = drivers.s3_copy_store.Place(
            obj.container, obj.name, self._get_object_path(obj.container, obj.name)
        )
        look = s3.copy_headers.look_headers(given)
        response = self._client.send(
            s3.requests.head(place.path, look),
            f"Error looking for {place.label}",
            ok=(200, 404),
            container_name=obj.container.name,
            object_name=obj.name,
        )
        if response.status == 404:
            raise self._client.object_not_found(response, obj.container.name, obj.name)
        driver: Any = self
        seen = dict(response.headers)
        size = int(driver._get_content_length_from_headers(seen) or obj.size)
        return drivers.s3_copy_store.Source(place, size, seen, look)

    def _copy_limits(self, source: Source, part_size: int | None) -> tuple[Limits, int]:
        """The limits to copy ``source`` within, and the size of its parts.

        :raises ObjectTooLargeError: it cannot be copied.
        """
        limits = self.profile.limits
        one = self.profile.copies_any_size or source.size <= limits.max_put_size
        if not self.capabilities.multipart or not self.profile.supports_copy_part:
            if not one:
                raise ObjectTooLargeError(
                    f"{source.place.label} has {source.size} bytes. One request copies "
                    f"{limits.max_put_size} at most, and {self.profile.name} is not known to copy "
                    "in parts; nothing was sent",
                    self,
                    source.place.name,
                )
        elif not one or (part_size is not None and source.size > part_size):
            return limits, part_size or DEFAULT_COPY_PART_SIZE
        whole = max(source.size, 1)
        limits = replace(limits, max_parts=1, max_part_size=whole, max_object_size=whole)
        return replace(limits, max_put_size=whole), whole

    def _copy(
        self,
        source: Source,
        target: Place,
        headers: CopyHeaders,
        *,
        limits: Limits,
        options: UploadOptions,
    ) -> StoredObject:
        driver: Any = self
        store = drivers.s3_copy_store.CopyStore(driver, source, target, headers)
        try:
            stored = transfer.upload.session.upload(
                store,
                transfer.ranges.RangeSource(source.size),
                limits=limits,
                options=options,
                retries=self._client.retries(),
                concurrency=self._client.concurrency(),
                label=target.label,
            )
        except ObjectError as error:
            if not error.object_name:  # the engine knows neither driver nor name
                error.driver, error.object_name = self, target.name
            raise
        return stored

    def _copied(self, stored: StoredObject, target: Place, headers: CopyHeaders) -> Object:
        prefix = f"{self.http_vendor_prefix}-meta-"
        described = {name.lower(): value for name, value in headers.in_parts.items()}
        extra = {"content_type": described.get("content-type")}
        version = stored.headers.get("x-amz-version-id")
        if version:
            extra["version_id"] = version
        return Object(
            name=target.name,
            size=stored.size,
            hash=stored.etag or None,
            extra=extra,
            meta_data={
                name[len(prefix) :]: s3.headers.decode_metadata(value)
                for name, value in described.items()
                if name.startswith(prefix)
            },
            container=target.container,
            driver=self,
        )
