# SPDX-License-Identifier: Apache-2.0
"""Lists a large container by several requests at once: each lists a range of the keys.

The ranges are found by sampling: requests for single keys show where keys branch, and what follows
each character there. A range is listed up to a number of pages; what remains of it is split again,
so that memory is bounded and one dense range does not become the whole listing.

Requires a store that lists keys in the order of their UTF-8 bytes, as Amazon S3 does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from libcloud.storage.s3.values import ObjectRecord, Page
    from libcloud.storage.worker_pool import WorkerPool

# Ranges that are listed at once, and pages of each before the caller takes them.
_RANGES, _PAGES = 8, 8

# Levels of a key at which it is asked whether the keys branch, and characters that may follow.
_LEVELS = 32
_CHARACTERS = [chr(code) for code in range(0x20, 0x7F)]
_LAST = "\U0010ffff"

_Pages = Callable[[str | None], Iterator[Sequence["ObjectRecord"]]]
_Range = tuple[str | None, str | None]


class ParallelListing:
    """One listing.

    :param pages: the pages of keys after a key, in order; ``None``: from the first one.
    :param first_after: the first key after a key; ``None`` if there is none.
    """

    def __init__(
        self, pool: WorkerPool, pages: _Pages, first_after: Callable[[str | None], str | None]
    ) -> None:
        self._pool = pool
        self._pages = pages
        self._first_after = first_after

    def objects(self, after: str | None = None, last: str | None = None) -> Iterator[ObjectRecord]:
        """The objects in order.

        :param after: only keys after it.
        :param last: only keys up to it.
        """
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
        return sorted(samples, key=_bytes)

    def _probe(self, starts: Iterable[str]) -> list[str | None]:
        return [result.value for result in self._pool.map(self._first_after, starts)]


def _up_to(page: Sequence[ObjectRecord], last: str | None) -> Sequence[ObjectRecord]:
    """The objects of ``page`` whose keys are not after ``last``."""
    if last is None or (page and not _precedes(last, page[-1].key)):
        return page
    return [record for record in page if not _precedes(last, record.key)]


def _precedes(key: str, other: str | None) -> bool:
    return other is None or _bytes(key) < _bytes(other)


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def parallel_listing(
    pool: WorkerPool, list_pages: Callable[..., Iterator[tuple[Page[ObjectRecord], object]]]
) -> ParallelListing:
    """A listing of a container.

    :param list_pages: lists it; takes ``after`` and ``page_size``.
    """

    def pages(after: str | None) -> Iterator[Sequence[ObjectRecord]]:
        return (page.entries for page, _ in list_pages(after=after))

    def first_after(after: str | None) -> str | None:
        page, _ = next(list_pages(after=after, page_size=1))
        return page.entries[0].key if page.entries else None

    return ParallelListing(pool, pages, first_after)
