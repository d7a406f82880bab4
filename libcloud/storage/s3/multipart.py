# SPDX-License-Identifier: Apache-2.0
"""In-progress uploads: list, abort and resume them.

The parts of an upload are stored, and billed, until it is completed or aborted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from libcloud.common.types import LibcloudError
from libcloud.storage import s3, transfer
from libcloud.storage.types import ContainerError
from libcloud.utils.arguments import kind_of
from libcloud.utils.headers import parse_time

if TYPE_CHECKING:
    from libcloud.storage.capabilities import Limits
    from libcloud.storage.s3.client import S3Client
    from libcloud.storage.s3.names import Place
    from libcloud.storage.s3.responses import PartRecord
    from libcloud.storage.transfer.upload.session import ObjectUpload
    from libcloud.storage.transfer.values import Digest, StoredObject
    from libcloud.utils.bodies import Pieces

RESPONSES_PER_REQUEST = 100
"""In-progress uploads per page of a listing, unless a driver class specifies another number."""

Abort = Callable[[str, str], object]
"""Aborts the upload of a key, by its upload id."""


@dataclass(eq=False, repr=False)
class S3MultipartUpload:
    """An in-progress upload.

    :param key: name of the object that it will become.
    :param id: the upload id.
    :param created_at: aware time of its start; ``None`` if the store does not report it.
    :param initiator: who started it; ``None`` if the store does not report it.
    :param owner: who will own the object; likewise.
    """

    key: str
    id: str
    created_at: datetime | None
    initiator: str | None
    owner: str | None

    def __repr__(self) -> str:
        return f"<S3MultipartUpload: key={self.key}>"


class IncompleteCleanupError(ContainerError):
    """Some in-progress uploads could not be aborted. All were tried.

    :param aborted: uploads that no longer exist.
    :param failures: uploads that may still exist, each with its error; the first of these errors is
        the ``__cause__``.
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


def uploads(
    client: S3Client,
    path: str,
    container_name: str,
    *,
    prefix: str | None,
    delimiter: str | None,
    page_size: int | None,
) -> Iterator[S3MultipartUpload]:
    """The in-progress uploads of the container at ``path``, in the order of the store."""
    request = partial(
        s3.requests.list_uploads,
        path,
        prefix=prefix,
        delimiter=delimiter,
        page_size=page_size or RESPONSES_PER_REQUEST,
    )
    what = f"Error listing the in-progress uploads of {container_name}"
    parse, kind = s3.responses.parse_uploads, s3.listing.UPLOADS
    names = (container_name, "")
    pages = s3.listing.pages(client, what, request, parse, names=names, prefix=prefix, kind=kind)
    is_first = True
    try:
        for page, _ in pages:
            is_first = False
            for key, upload_id, initiated, initiator, owner in page.entries:
                started = parse_time(initiated)
                yield S3MultipartUpload(key, upload_id, started, initiator, owner)
    except LibcloudError as error:
        # "rclone serve s3" 1.75.2 does this for a bucket in which no upload was ever started.
        if not is_first or getattr(error, "code", None) != "NoSuchUpload":
            raise


def parts(
    client: S3Client, place: Place, upload_id: str, headers: Mapping[str, str]
) -> Iterator[PartRecord]:
    """The parts that the store has of an upload with ``headers``, by number; 1,000 per request."""
    sent = s3.headers.headers_for(transfer.values.Step.CHECK, headers)
    request = partial(s3.requests.list_parts, place.path, upload_id=upload_id, headers=sent)
    what, parse = f"Error listing the parts of {place.label}", s3.responses.parse_parts
    for page, _ in s3.listing.pages(client, what, request, parse, names=place.names):
        yield from page.entries


def check_upload(upload: object) -> None:
    if not hasattr(upload, "key"):
        raise TypeError(
            f"upload must be an S3MultipartUpload, not {kind_of(upload)}: get one by "
            "ex_iterate_multipart_uploads"
        )


def abort_listed(
    client: S3Client, container_name: str, found: Sequence[S3MultipartUpload], abort: Abort
) -> list[S3MultipartUpload]:
    """Abort ``found``, with retries; the uploads that no longer exist."""
    aborted: list[S3MultipartUpload] = []
    failures: list[tuple[S3MultipartUpload, Exception]] = []
    for upload in found:
        try:
            client.retry_loop.run(lambda upload=upload: abort(upload.key, upload.id))  # type: ignore[misc]
        except (LibcloudError, OSError) as error:
            if not _no_longer_exists(upload, error):
                failures.append((upload, error))
                continue
        aborted.append(upload)
    if failures:
        names = ", ".join(f"{upload.key} ({upload.id})" for upload, _ in failures[:3])
        raise IncompleteCleanupError(
            f"{len(failures)} of {len(found)} in-progress uploads may still exist: {names}"
            f"{' ...' if len(failures) > 3 else ''}. {failures[0][1]}",
            client.owner,
            container_name,
            aborted=aborted,
            failures=failures,
        ) from failures[0][1]
    return aborted


def _no_longer_exists(upload: S3MultipartUpload, error: Exception) -> bool:
    """Whether an abort failed because the upload does not exist any more.

    A store that replaces characters in listings does not find the name that it listed.
    """
    return getattr(error, "status", None) == 404 and "\ufffd" not in upload.key


# Resuming: the store is the journal. It reports which parts it has, their sizes, and their
# checksums or ETags; a part that these do not prove to be the same is sent again.


def resume(
    session: ObjectUpload[bytes | Pieces],
    upload_id: str,
    held: Mapping[int, PartRecord],
    iterator: object,
) -> StoredObject:
    """Send what is missing of an upload whose parts ``held`` its port knows, and complete it."""
    options = session.options
    if options.part_size is None and 1 in held:
        options = replace(options, part_size=held[1].size or None)
    resumed = transfer.upload.session.Resumed(upload_id, sizes_to_keep(held, session.limits))
    return replace(session, options=options).send(iterator, resumed)


def sizes_to_keep(stored: Mapping[int, PartRecord], limits: Limits) -> dict[int, int]:
    """The sizes of parts into which the source is divided again; none where they must be equal.

    The last part is left out if it is too small for any other position.
    """
    if limits.equal_parts:
        return {}
    return {
        number: part.size
        for number, part in stored.items()
        if limits.min_part_size <= part.size <= limits.max_part_size
    }


def is_same(stored: PartRecord, body: Any, digest: Digest) -> bool:
    """Whether a stored part has the bytes of ``body``, by what the store reports."""
    if stored.size != len(body) or not stored.etag:
        return False
    if digest.algorithm in stored.checksums:
        return stored.checksums[digest.algorithm] == s3.checksums.encoded(digest.value)
    return stored.etag == s3.integrity.md5_hex(body)
