# SPDX-License-Identifier: Apache-2.0
"""The records of the S3 protocol: parsed responses.

Texts are as the store sent them, keys and prefixes decoded, ETags without their quotes. Times stay
text, because most callers pass them on; :func:`parse_time` reads them. Sizes are bytes. What a
store does not report is ``None``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

from libcloud.utils.iso8601 import parse_time as parse_time


class Published(NamedTuple):
    """The response to Complete, or to a copy of an object or of a part.

    :param etag: ``""`` if the store does not report it.
    :param checksums: of the object, by algorithm in lower case, base64; a composite one ends in
        ``-`` and the number of parts.
    """

    etag: str
    checksums: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """The response to DeleteObjects; nothing follows from an entry whose key is empty.

    :param deleted: keys and version ids (of an object ``None``); empty for a quiet request.
    :param errors: key and version id, error code, and message.
    """

    deleted: frozenset[tuple[str, str | None]] = frozenset()
    errors: tuple[tuple[tuple[str, str | None], str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An ``<Error>`` document, without the elements that repeat what was signed.

    :param region: of the bucket.
    :param endpoint: the host to use instead.
    """

    code: str
    message: str = ""
    request_id: str | None = None
    host_id: str | None = None
    region: str | None = None
    endpoint: str | None = None


class UploadRecord(NamedTuple):
    """An in-progress upload.

    :param initiator: display name, or id, of who started it.
    :param owner: display name, or id, of who will own the object.
    """

    key: str
    upload_id: str
    initiated: str | None = None
    initiator: str | None = None
    owner: str | None = None


class PartRecord(NamedTuple):
    """A part that the store holds."""

    number: int
    etag: str | None
    size: int
    last_modified: str | None = None
    checksums: Mapping[str, str] = MappingProxyType({})


class ObjectRecord(NamedTuple):
    """An object as a listing shows it. A tuple, for a page has a thousand of them."""

    key: str
    etag: str | None
    size: int
    last_modified: str | None = None
    owner_id: str | None = None
    owner_name: str | None = None
    storage_class: str | None = None


class Retention(NamedTuple):
    """How long a version of an object cannot be deleted.

    :param mode: ``"GOVERNANCE"`` or ``"COMPLIANCE"``.
    :param until: an aware time.
    """

    mode: str
    until: datetime


class VersionRecord(NamedTuple):
    """A version, or a delete marker, which has no ETag and the size 0, as a listing shows it."""

    key: str
    version_id: str
    is_latest: bool
    is_delete_marker: bool
    etag: str | None = None
    size: int = 0
    last_modified: str | None = None
    storage_class: str | None = None


class BucketRecord(NamedTuple):
    """A bucket as the list of buckets shows it."""

    name: str
    creation_date: str | None = None


_EntryT = TypeVar("_EntryT", bound=tuple[Any, ...])


@dataclass(frozen=True, slots=True)
class Page(Generic[_EntryT]):
    """One page of a listing.

    :param entries: records that begin with a name or number, in the order of the listing.
    :param marker: the parameters that request the next page: a key, and the id of an upload or of
        a version; the number of a part; or the token and the key of a listing of objects, of which
        version 1 uses the key. ``None``: there is no next page, or the store names none.
    :param prefixes: the directories of a delimiter listing.
    :param encoding: how names were written: ``"url"`` percent-encoded, as the store says; empty as
        they are; :data:`~libcloud.storage.s3.nodes.RAW` in a document that was not valid.
    :param decoded: a name is another one than was written; only prefixes count among objects.
    """

    entries: tuple[_EntryT, ...] = ()
    is_truncated: bool = False
    marker: tuple[Any, ...] | None = None
    prefixes: tuple[str, ...] = ()
    encoding: str = ""
    decoded: bool = False

    def names(self) -> list[str]:
        """The names of the entries, and the prefixes."""
        return [*(str(entry[0]) for entry in self.entries), *self.prefixes]
