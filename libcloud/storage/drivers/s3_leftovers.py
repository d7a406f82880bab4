# SPDX-License-Identifier: Apache-2.0
"""Uploads that nobody finished: what they hold, how to go on, how to be rid of those that are old.

Their parts are stored, and paid for, until somebody completes or aborts the upload.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from libcloud.common.types import LibcloudError
from libcloud.storage import drivers, s3, transfer
from libcloud.storage.arguments import check_name
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.s3_containers import S3Containers, S3MultipartUpload
from libcloud.storage.drivers.s3_pages import part_pages
from libcloud.storage.types import ContainerError
from libcloud.utils.arguments import kind_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from libcloud.storage.drivers.s3_options import UploadKeywords
    from libcloud.storage.s3.values import PartRecord

__all__ = ["IncompleteCleanupError", "S3Leftovers"]


class IncompleteCleanupError(ContainerError):
    """Some unfinished uploads could not be aborted. All were tried.

    :param aborted: those that are gone.
    :param failures: those that may still be there, each with its error; the first of these is the
        ``__cause__``.
    """

    error_type = "IncompleteCleanupError"

    def __init__(
        self,
        value: object,
        driver: object,
        container_name: str,
        *,
        aborted: Sequence[S3MultipartUpload] = (),
        failures: Sequence[tuple[S3MultipartUpload, Exception]] = (),
    ) -> None:
        super().__init__(value, driver, container_name)
        self.aborted = list(aborted)
        self.failures = list(failures)


class S3Leftovers(S3Containers):
    """Unfinished uploads."""

    def ex_list_parts(
        self, container: Container, upload: S3MultipartUpload
    ) -> Iterator[PartRecord]:
        """The parts that the store holds of ``upload``, by number; 1,000 a request.

        How many there are, and how many bytes they take::

            sizes = [part.size for part in driver.ex_list_parts(container, upload)]
            print(len(sizes), sum(sizes))

        :raises LibcloudError: the upload is not there any more (``code`` is ``"NoSuchUpload"``), or
            the store said something else.
        """
        yield from self._parts_of(container, upload, {})

    def ex_resume_upload(
        self,
        iterator: Any,
        container: Container,
        object_name: str,
        upload_id: str,
        headers: Mapping[str, str] | None = None,
        **options: Unpack[UploadKeywords],
    ) -> Object:
        """Go on with an upload that failed, and publish the object.

        ``iterator`` gives all the data once more, from its start. It is cut as before, and a part
        that the store holds already is sent again only if it is not known to be the same: by its
        size, and by its checksum or by an ETag that is its MD5. So it does no harm if the data are
        others than before, or if the ETags of a store say nothing; then more is sent.

        Metadata, content type and the like are those that the upload was begun with.

        :param upload_id: as an exception had it, or :meth:`ex_iterate_multipart_uploads`.
        :param headers: as before, as far as they concern encryption, conditions, and who pays; the
            keywords for these do as well.
        :param options: those of :meth:`upload_object_via_stream`, as before; without
            ``ex_part_size`` parts are as large as the first one at the store. ``ex_on_failure`` is
            ``"keep"`` if it is not given: the upload can then be resumed again.
        :return: the object; its metadata are not known here.
        :raises ValueError: the driver makes no uploads in parts. Nothing was sent.
        :raises LibcloudError: the upload is not there any more (``code`` is ``"NoSuchUpload"``):
            it was removed, or it was published; a look at the object tells.
        :raises BaseException: as for :meth:`upload_object_via_stream`.
        """
        driver: Any = self
        if not self.supports_s3_multipart_upload:
            raise ValueError(f"the driver {self.name!r} makes no uploads in parts")
        check_name(upload_id, "upload_id")
        path = self._get_object_path(container, object_name)
        headers, rest = driver._keywords(headers, options)
        rest = {"ex_on_failure": "keep", **rest}
        store, session = driver._session(container, object_name, path, headers, rest)
        upload = S3MultipartUpload(object_name, upload_id, None, None, None)
        held = {part.number: part for part in self._parts_of(container, upload, headers)}
        chosen = session.options
        if chosen.part_size is None and 1 in held:
            chosen = replace(chosen, part_size=held[1].size or None)
        session = replace(
            session, store=drivers.s3_resume.ResumedStore(store, held), options=chosen
        )
        sizes = drivers.s3_resume.sizes_to_keep(held, session.limits)
        stored = session.send_stream(iterator, transfer.upload.session.Resumed(upload_id, sizes))
        made: Object = driver._made_object(
            container,
            object_name,
            size=stored.size,
            headers={**stored.headers, "etag": stored.etag},
            extra={},
            checksum=store.answers.checksum,
        )
        return made

    def ex_cleanup_multipart_uploads(
        self,
        container: Container,
        prefix: str | None = None,
        older_than: timedelta | datetime | None = None,
        dry_run: bool = False,
    ) -> list[S3MultipartUpload]:
        """Abort unfinished uploads, and say which. One that fails does not stop the others.

        :param prefix: only uploads of objects whose names begin so.
        :param older_than: spare uploads that were begun later than this time, or less than this
            long ago, and those of which the store does not tell. ``None`` spares none, also not
            those that are being sent right now.
        :param dry_run: abort nothing.
        :return: uploads that are gone, or, with ``dry_run``, that would be; in the store's order.
        :raises ValueError: ``older_than`` has no time zone, or is negative. Nothing was sent.
        :raises IncompleteCleanupError: some may still be there, after all have been tried.
        :raises LibcloudError: they could not be listed. Nothing was aborted.
        """
        latest = self._latest(container, older_than)
        uploads = [
            upload
            for upload in self.ex_iterate_multipart_uploads(container, prefix)
            if latest is None or (upload.created_at is not None and upload.created_at <= latest)
        ]
        if dry_run:
            return uploads
        aborted: list[S3MultipartUpload] = []
        failures: list[tuple[S3MultipartUpload, Exception]] = []
        for upload in uploads:
            try:
                self._client.retry(partial(self._abort_multipart, container, upload.key, upload.id))
            except (LibcloudError, OSError) as error:
                # A store that replaces characters in listings does not know the name it showed.
                if getattr(error, "status", None) != 404 or "\ufffd" in upload.key:
                    failures.append((upload, error))
                    continue
            aborted.append(upload)
        if failures:
            names = ", ".join(f"{upload.key} ({upload.id})" for upload, _ in failures[:3])
            raise IncompleteCleanupError(
                f"{len(failures)} of {len(uploads)} unfinished uploads may still be there: {names}"
                + (" ..." if len(failures) > 3 else ""),
                self,
                container.name,
                aborted=aborted,
                failures=failures,
            ) from failures[0][1]
        return aborted

    # Inside.

    def _parts_of(
        self, container: Container, upload: S3MultipartUpload, headers: Mapping[str, str]
    ) -> Iterator[PartRecord]:
        """:meth:`ex_list_parts`, with those of the upload's ``headers`` that belong to it."""
        if not hasattr(upload, "key"):
            raise TypeError(
                f"upload must be an S3MultipartUpload, not {kind_of(upload)}: get one by "
                "ex_iterate_multipart_uploads"
            )
        sent = s3.headers.headers_for(transfer.values.Step.CHECK, headers)
        for page, _ in part_pages(self, container, upload.key, upload.id, sent):
            yield from page.parts

    def _latest(
        self, container: Container, older_than: timedelta | datetime | None
    ) -> datetime | None:
        """The latest time of uploads to abort; ``None``: any."""
        if not isinstance(older_than, (timedelta, datetime, type(None))):
            raise TypeError(
                f"older_than must be a timedelta or a datetime, not {kind_of(older_than)}: "
                "such as timedelta(days=7)"
            )
        if isinstance(older_than, timedelta):
            if older_than < timedelta(0):
                raise ValueError(f"older_than cannot be negative: {older_than}")
            return self._earliest_now(container) - older_than
        if older_than is not None and older_than.tzinfo is None:
            raise ValueError("older_than needs a time zone: such as datetime.now(timezone.utc)")
        return older_than

    def _earliest_now(self, container: Container) -> datetime:
        """What time it is: by the store's clock or by our own, so that no upload seems too old."""
        from email.utils import parsedate_to_datetime

        now = datetime.now(timezone.utc)
        request = s3.requests.head(self._get_container_path(container))
        try:
            response = self._client.send(request, f"Error looking for {container.name}")
            return min(now, parsedate_to_datetime(response.headers["date"]))
        except (LibcloudError, KeyError, ValueError, TypeError):
            return now
