# SPDX-License-Identifier: Apache-2.0
"""Listings of buckets, objects, in-progress uploads and parts, page by page.

A large container is listed by several requests at once (:class:`ParallelListing`), which requires
a store that lists keys in the order of their UTF-8 bytes, as Amazon S3 does. The ranges are found
by sampling: requests for single keys show where keys branch, and what follows each character
there. A range is listed up to a number of pages; what remains of it is split again, so that memory
is bounded and one dense range does not become the whole listing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote_plus

from libcloud.storage import s3
from libcloud.storage.base import Container, Object
from libcloud.storage.s3.names import name_bytes

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest
    from libcloud.storage.s3.client import S3Client
    from libcloud.storage.s3.requests import Marker
    from libcloud.storage.s3.responses import ObjectRecord, Page
    from libcloud.storage.worker_pool import WorkerPool

_log = logging.getLogger(__name__)

# Kinds of listings: a server may encode names correctly in one kind and not in another.
_OBJECTS, _DIRECTORIES, UPLOADS, VERSIONS = "objects", "directories", "uploads", "versions"

_EntryT = TypeVar("_EntryT", bound=tuple[Any, ...])

# A page, and the response that it was read from.
_Fetched = tuple["Page[_EntryT]", Any]


def object_pages(
    client: S3Client,
    path: str,
    container_name: str,
    prefix: str | None,
    *,
    delimiter: str | None = None,
    after: str | None = None,
    page_size: int | None = None,
    pool: WorkerPool | None = None,
) -> Iterator[_Fetched[ObjectRecord]]:
    """The pages of a listing of objects, by the version of the request that the profile names.

    :param page_size: keys of a page, at most; ``None``: what the store prefers.
    :param pool: requests pages ahead, from the third one on; ``None``: none is.
    """
    version = client.owner.profile.list_version

    def marker_of(page: Page[ObjectRecord]) -> Marker:
        # Some stores name both; the one of the other version would not advance the listing.
        token, key = page.marker or (None, None)
        if token is not None and version != 1:
            return token, None
        return None if key is None else (None, key)

    return pages(
        client,
        f"Error listing the container {container_name}",
        partial(
            s3.requests.list_objects,
            path,
            version=version,
            after=after,
            prefix=prefix,
            delimiter=delimiter,
            page_size=page_size,
        ),
        s3.responses.parse_objects,
        names=(container_name, ""),
        prefix=prefix,
        kind=_DIRECTORIES if delimiter else _OBJECTS,
        marker_of=marker_of,
        pool=pool,
    )


def pages(
    client: S3Client,
    what: str,
    request: Callable[..., HttpRequest],
    parse: Callable[[Any], Page[_EntryT]],
    *,
    names: tuple[str, str] = ("", ""),
    prefix: str | None = None,
    kind: str = "",
    marker_of: Callable[[Page[_EntryT]], Marker] = lambda page: page.marker,
    pool: WorkerPool | None = None,
) -> Iterator[_Fetched[_EntryT]]:
    """The pages of a listing, from the first to the one that is not truncated.

    :param request: takes a ``marker``, and with a ``kind`` also ``url_encoding=True``.
    :param prefix: that ``request`` asks for.
    :param kind: of the listing, if its names may need to be encoded.
    """

    def fetch(marker: Marker) -> _Fetched[_EntryT]:
        def ask(encoded: bool) -> _Fetched[_EntryT]:
            how = {"url_encoding": True} if encoded else {}
            response = client.send(request(marker=marker, **how), what, names=names)
            return client.parse(parse, response, what), response

        return _with_exact_names(client, kind, ask) if kind else ask(False)

    def listed(fetched: _Fetched[_EntryT]) -> tuple[list[str], bool, Marker]:
        page = fetched[0]
        return page.names(), page.is_truncated, marker_of(page)

    return client.pages(fetch, listed, what, container_name=names[0], prefix=prefix, pool=pool)


def _with_exact_names(
    client: S3Client, kind: str, ask: Callable[[bool], _Fetched[_EntryT]]
) -> _Fetched[_EntryT]:
    """A page of keys, requested again with the other encoding if its names may be wrong.

    XML cannot express every name. Unless names are requested percent-encoded, servers then send
    invalid documents or replace characters by U+FFFD; but some claim to encode and do not. The
    client remembers which encoding each kind of listing needs.
    """
    known = client.encoded_listings
    encoded = known.get(kind, client.owner.profile.url_encoded_listing)
    fetched = ask(encoded)
    if kind in known or not _is_doubtful(fetched[0]):
        return fetched
    plain = ask(False) if encoded and fetched[0].encoding == "url" else fetched
    if not encoded:
        fetched = ask(True)
    known[kind] = _is_encoded(fetched[0], plain[0])
    if known[kind]:
        return fetched
    if any("\ufffd" in name for name in plain[0].names()):
        _log.warning(
            "%s: names in a listing of this store may differ from those of the objects: it does "
            "not encode characters that XML cannot express",
            client.owner.name,
        )
    return plain


def _is_doubtful(page: Page[Any]) -> bool:
    """Whether names of ``page`` may differ from those of the objects."""
    if page.encoding == "url":
        # Servers are wrong where boto3 never asks: SeaweedFS 4.48 does not encode the keys of
        # uploads, moto 5.2 does not encode prefixes.
        return page.decoded
    return page.encoding != "" or any("\ufffd" in name for name in page.names())


def _is_encoded(page: Page[Any], plain: Page[Any]) -> bool:
    """Whether the names of ``page`` were encoded, compared with ``plain``, requested without."""
    if page.encoding != "url":
        return False
    found, expected = page.names(), plain.names()
    decoded = [unquote_plus(name, errors="surrogateescape") for name in expected]
    return found == expected or found != decoded


def objects_from(
    records: Iterable[ObjectRecord], container: Container, driver: Any
) -> list[Object]:
    """The objects that a listing shows as ``records``; a page at once, for that is faster."""
    return [
        Object(
            key,
            size,
            etag,
            {"last_modified": last_modified},
            {"owner": {"id": owner_id, "display_name": owner_name}},
            container,
            driver,
        )
        for key, etag, size, last_modified, owner_id, owner_name, _ in records
    ]


def sorted_directory(prefixes: Iterable[str], objects: Iterable[Object]) -> list[Object | str]:
    """A page of a delimiter listing, in the order of S3: by the bytes of the names."""
    named: list[Object | str] = [*prefixes, *objects]
    return sorted(named, key=lambda one: name_bytes(one if isinstance(one, str) else one.name))


# Ranges that are listed at once, and pages of each before the caller takes them.
_RANGES, _PAGES = 8, 8

# Levels of a key that are tested for branches, and characters that may follow.
_LEVELS = 32
_CHARACTERS = [chr(code) for code in range(0x20, 0x7F)]
_LAST = "\U0010ffff"

_Range = tuple[str | None, str | None]


class ParallelListing:
    """One listing of a container; ``list_pages`` takes ``after`` and ``page_size``."""

    def __init__(
        self, pool: WorkerPool, list_pages: Callable[..., Iterator[_Fetched[ObjectRecord]]]
    ) -> None:
        self._pool = pool
        self._list_pages = list_pages

    def _pages(self, after: str | None) -> Iterator[Sequence[ObjectRecord]]:
        return (page.entries for page, _ in self._list_pages(after=after))

    def _first_after(self, after: str | None) -> str | None:
        page, _ = next(self._list_pages(after=after, page_size=1))
        return page.entries[0].key if page.entries else None

    def objects(self, after: str | None = None, last: str | None = None) -> Iterator[ObjectRecord]:
        """The objects in order, with keys after ``after`` and up to ``last``."""
        # Not recursive: what remains of the last range is split as often as there are pages.
        unfinished = [self._split(after, last)]
        while unfinished:
            for records, remaining in unfinished[-1]:
                yield from records
                if remaining is not None:
                    unfinished.append(self._split(*remaining))
                    break
            else:
                unfinished.pop()

    def _split(
        self, after: str | None, last: str | None
    ) -> Iterator[tuple[Sequence[ObjectRecord], _Range | None]]:
        """Objects of a range, in order, each time with what is to be listed before the next."""
        samples = self.samples(after, last)
        if len(samples) < 2:
            for page in self._pages(after):
                within = _up_to(page, last)
                yield within, None
                if len(within) < len(page):
                    return
            return
        bounds = [after, *samples, last]
        ranges = pairwise(bounds)
        for result in self._pool.map(self._read, ranges, jobs=_RANGES):
            assert result.value is not None
            records, is_complete = result.value
            yield records, None if is_complete else (records[-1].key, result.item[1])

    def _read(self, bounds: _Range) -> tuple[list[ObjectRecord], bool]:
        """The objects of the first pages of a range; whether these are all."""
        records: list[ObjectRecord] = []
        for number, page in enumerate(self._pages(bounds[0]), 1):
            within = _up_to(page, bounds[1])
            records += within
            if len(within) < len(page):
                return records, True
            if number == _PAGES and records:
                return records, False
        return records, True

    def samples(self, after: str | None, last: str | None) -> list[str]:
        """Some keys of the range in order, without ``last``."""
        first = self._first_after(after)
        if first is None or not _precedes(first, last):
            return []
        levels = range(max(0, len(first) - _LEVELS), len(first))
        # The first key that does not begin as ``first`` does up to and including this level.
        others = self._probe(first[: level + 1] + _LAST for level in levels)
        samples: set[str] = set()
        for level, other in zip(levels, others, strict=True):
            stem = first[:level]
            if len(samples) >= _RANGES:
                break
            if other and other.startswith(stem) and _precedes(other, last):  # keys branch here
                starts = [stem + one for one in _CHARACTERS if _precedes(first, stem + one)]
                found = (key for key in self._probe(starts) if key and _precedes(key, last))
                samples.update(found)
        return sorted(samples, key=name_bytes)

    def _probe(self, starts: Iterable[str]) -> list[str | None]:
        return [result.value for result in self._pool.map(self._first_after, starts)]


def _up_to(page: Sequence[ObjectRecord], last: str | None) -> Sequence[ObjectRecord]:
    """The objects of ``page`` whose keys are not after ``last``."""
    if last is None or (page and not _precedes(last, page[-1].key)):
        return page
    return [record for record in page if not _precedes(last, record.key)]


def _precedes(key: str, other: str | None) -> bool:
    return other is None or name_bytes(key) < name_bytes(other)
