# SPDX-License-Identifier: Apache-2.0
"""The records of the S3 protocol: parsed responses, and the parts that Complete lists.

Texts are as the store sent them, keys and prefixes decoded, ETags without their quotes. Times stay
text, because most callers pass them on; :func:`parse_time` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from libcloud.utils.iso8601 import parse_time as parse_time


@dataclass(frozen=True, slots=True)
class CompletedPart:
    """A part as Complete lists it.

    :param number: from 1.
    :param etag: from the response to the part; quotes are optional.
    :param checksums: by algorithm in lower case (``crc32``), base64; only of the algorithm that the
        upload was created with.
    """

    number: int
    etag: str
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CompleteResult:
    """The response to Complete.

    :param etag: ``""`` if the store does not report it.
    :param checksums: of the whole object, by algorithm in lower case, base64; a composite one ends
        in ``-`` and the number of parts.
    """

    etag: str
    bucket: str | None = None
    key: str | None = None
    location: str | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CopyResult:
    """The response to a copy of an object or of a part.

    :param etag: ``None`` if the store does not report it.
    :param last_modified: time as the store wrote it; ``None`` if it did not.
    :param checksums: of the copy, by algorithm in lower case, base64.
    """

    etag: str | None
    last_modified: str | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """The response to DeleteObjects.

    :param deleted: keys and version ids, which are ``None`` for an object; empty for a quiet
        request.
    :param errors: of what was not deleted: key and version id, error code and message.

    A key is ``""`` where the store names none; nothing follows from such an entry.
    """

    deleted: frozenset[tuple[str, str | None]] = frozenset()
    errors: tuple[tuple[tuple[str, str | None], str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An ``<Error>`` document, without the elements that repeat what was signed.

    :param code: S3's error code; empty if the store left it out.
    :param region: of the bucket, if the store reports it.
    :param endpoint: the host to use instead, if the store reports one.
    """

    code: str
    message: str = ""
    request_id: str | None = None
    host_id: str | None = None
    region: str | None = None
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """An in-progress upload.

    :param initiated: time as the store wrote it; ``None`` if it did not.
    :param initiator: display name, or id, of who started it; ``None`` if it is not reported.
    :param owner: display name, or id, of who will own the object; ``None`` likewise.
    """

    key: str
    upload_id: str
    initiated: str | None = None
    initiator: str | None = None
    owner: str | None = None
    storage_class: str | None = None

    @property
    def initiated_at(self) -> datetime | None:
        """``initiated`` as an aware time; ``None`` if it is missing or invalid."""
        return parse_time(self.initiated)


@dataclass(frozen=True, slots=True)
class UploadPage:
    """One page of in-progress uploads.

    :param next_key_marker: ask for the next page with it; ``None`` when there is no next page.
    :param next_upload_id_marker: goes with it; ``None`` if the store has none.
    :param encoding: see :class:`ObjectPage`.
    :param decoded: a key is another one than was written.
    """

    uploads: tuple[UploadRecord, ...] = ()
    is_truncated: bool = False
    next_key_marker: str | None = None
    next_upload_id_marker: str | None = None
    prefixes: tuple[str, ...] = ()
    encoding: str = ""
    decoded: bool = False

    def entry_names(self) -> list[str]:
        """The keys and prefixes on the page."""
        return [*(upload.key for upload in self.uploads), *self.prefixes]


@dataclass(frozen=True, slots=True)
class PartRecord:
    """A part that the store holds.

    :param etag: ``None`` if the store does not report it.
    :param size: bytes.
    """

    number: int
    etag: str | None
    size: int
    last_modified: str | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartPage:
    """One page of the parts of an upload.

    :param next_marker: ask for the next page with it; ``None`` when there is no next page.
    """

    parts: tuple[PartRecord, ...] = ()
    is_truncated: bool = False
    next_marker: int | None = None

    def entry_names(self) -> list[str]:
        """The numbers of the parts on the page, as text."""
        return [str(part.number) for part in self.parts]


class ObjectRecord(NamedTuple):
    """An object as a listing shows it. A tuple, for a page has a thousand of them.

    :param etag: ``None`` if the store does not report it.
    :param size: bytes.
    :param last_modified: time as the store wrote it; ``None`` if it did not.
    """

    key: str
    etag: str | None
    size: int
    last_modified: str | None = None
    owner_id: str | None = None
    owner_name: str | None = None
    storage_class: str | None = None

    @property
    def modified_at(self) -> datetime | None:
        """``last_modified`` as an aware time; ``None`` if it is missing or invalid."""
        return parse_time(self.last_modified)


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """One page of a listing, of version 1 or 2.

    :param prefixes: the directories of a delimiter listing.
    :param next_marker: for version 1: ask for the next page with it. ``None`` when there is no next
        page, and when the page is empty and the store names none.
    :param next_token: the same for version 2.
    :param encoding: how names were written: ``"url"`` percent-encoded, as the store says; empty as
        they are; :data:`~libcloud.storage.s3.nodes.RAW` in a document that was not valid.
    :param decoded: a prefix is another one than was written; see ``encoding``.
    """

    objects: tuple[ObjectRecord, ...] = ()
    is_truncated: bool = False
    next_marker: str | None = None
    next_token: str | None = None
    prefixes: tuple[str, ...] = ()
    encoding: str = ""
    decoded: bool = False

    def entry_names(self) -> list[str]:
        """The keys and prefixes on the page."""
        return [*(record.key for record in self.objects), *self.prefixes]


class Retention(NamedTuple):
    """How long a version of an object cannot be deleted.

    :param mode: ``"GOVERNANCE"`` or ``"COMPLIANCE"``.
    :param until: an aware time.
    """

    mode: str
    until: datetime


class VersionRecord(NamedTuple):
    """A version, or a delete marker, as a listing shows it.

    :param etag: ``None`` if the store does not tell; a delete marker has none.
    :param size: bytes; 0 for a delete marker.
    :param last_modified: time as the store wrote it; ``None`` if it did not.
    """

    key: str
    version_id: str
    is_latest: bool
    is_delete_marker: bool
    etag: str | None = None
    size: int = 0
    last_modified: str | None = None
    storage_class: str | None = None


@dataclass(frozen=True, slots=True)
class VersionPage:
    """One page of versions, by key; those of a key with the newest first.

    :param next_key_marker: ask for the next page with it; ``None`` when there is no next page.
    :param next_version_id_marker: goes with it; ``None`` if the store has none.
    :param encoding: see :class:`ObjectPage`.
    :param decoded: a key or a prefix is another one than was written.
    """

    versions: tuple[VersionRecord, ...] = ()
    is_truncated: bool = False
    next_key_marker: str | None = None
    next_version_id_marker: str | None = None
    prefixes: tuple[str, ...] = ()
    encoding: str = ""
    decoded: bool = False

    def entry_names(self) -> list[str]:
        """The keys and prefixes on the page."""
        return [*(version.key for version in self.versions), *self.prefixes]


@dataclass(frozen=True, slots=True)
class BucketRecord:
    """A bucket as the list of buckets shows it.

    :param creation_date: time as the store wrote it; ``None`` if it did not.
    """

    name: str
    creation_date: str | None = None


@dataclass(frozen=True, slots=True)
class BucketPage:
    """One page of the list of buckets.

    :param next_token: ask for the next page with it; ``None`` when this is all.
    """

    buckets: tuple[BucketRecord, ...] = ()
    owner_id: str | None = None
    owner_name: str | None = None
    is_truncated: bool = False
    next_token: str | None = None

    def entry_names(self) -> list[str]:
        """The names of the buckets on the page."""
        return [bucket.name for bucket in self.buckets]
