# SPDX-License-Identifier: Apache-2.0
"""Read-ahead for open files: several ranges in flight for sequential readers, none for others.

A reader that continues where it stopped is sequential: the further it gets, the more is requested
ahead. Any other read requests what it needs, and a little more, so that many adjacent small reads
are one request.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

# fsspec has no types.
from fsspec.caching import BaseCache  # type: ignore[import-untyped]

_KIB = 1024

DEFAULT_RANGE = 16 * 1024 * _KIB
"""Maximum size of a range that is requested ahead, bytes."""

SMALLEST_RANGE = 64 * _KIB
"""Minimum size of a range, bytes: at 90 MB/s it takes less than a millisecond."""

# A first read that begins at the start of a file and is at least so large counts as sequential.
_LARGE = 256 * _KIB

# Ranges requested ahead that are in flight, or have not been read.
_IN_FLIGHT = 3

_Fetch = Callable[[int, int], bytes]
_Submit = Callable[[_Fetch, int, int], "Future[bytes]"]


@dataclass(frozen=True, slots=True)
class _Block:
    """A range of the file that is available or requested."""

    start: int
    end: int
    data: Future[bytes]


class ReadAhead(BaseCache):  # type: ignore[misc]
    """An fsspec cache for one open file; not thread-safe.

    :param blocksize: maximum size of a range, bytes; up to three of them are held.
    :param fetcher: requests a range, in the calling thread.
    :param submit: calls ``fetcher`` in another thread.
    :param known: the first bytes of the file.
    """

    name = "parallel"

    def __init__(
        self, blocksize: int, fetcher: _Fetch, size: int, *, submit: _Submit, known: bytes = b""
    ) -> None:
        super().__init__(blocksize, fetcher, size)
        self._submit = submit
        self._blocks: deque[_Block] = deque()  # in order, without gaps
        if known:
            self._blocks.append(_Block(0, len(known), _done(known)))
        self._position = 0  # the end of the last read
        self._streak = 0  # bytes read sequentially so far

    def _fetch(self, start: int | None, stop: int | None) -> bytes:
        start, end = start or 0, self.size if stop is None else min(stop, self.size)
        if start >= end:
            return b""
        self._drop_blocks(before=start)
        ahead = self._bytes_ahead(start, end)
        try:
            self._request(start, end, ahead)
            return b"".join(self._data(block, start, end) for block in list(self._blocks))
        except BaseException:
            self.clear()
            raise

    def clear(self) -> None:
        """Drop everything; requests that have not been sent are cancelled."""
        for block in self._blocks:
            block.data.cancel()
        self._blocks.clear()

    def _bytes_ahead(self, start: int, end: int) -> int:
        """How much to request beyond ``end``."""
        is_first = not self._position
        if start == self._position:
            self._streak += end - start
        elif not self._blocks:
            self._streak = 0
        self._position = end
        if is_first and end < _LARGE:
            return 0
        return self._streak * 4

    def _drop_blocks(self, before: int) -> None:
        if self._blocks and not self._blocks[0].start <= before <= self._blocks[-1].end:
            self.clear()
        while self._blocks and self._blocks[0].end <= before:
            self._blocks.popleft()

    def _request(self, start: int, end: int, ahead: int) -> None:
        """Ensure blocks from ``start`` to ``end``, and some of the next ``ahead`` bytes."""
        known = self._blocks[-1].end if self._blocks else start
        missing: Future[bytes] | None = None
        if known < end:
            missing = Future()
            needed = min(self.size, max(end, known + min(self.blocksize, SMALLEST_RANGE)))
            self._blocks.append(_Block(known, needed, missing))
        own = self._blocks[-1]
        self._request_ahead(min(self.size, end + ahead), unread=self._unread(end))
        if missing is not None:
            missing.set_result(self.fetcher(own.start, own.end))

    def _unread(self, end: int) -> int:
        return sum(block.start >= end for block in self._blocks)

    def _request_ahead(self, limit: int, unread: int) -> None:
        size = max(min(self.blocksize, SMALLEST_RANGE), min(self.blocksize, self._streak * 4))
        while unread < _IN_FLIGHT and self._blocks[-1].end < limit:
            start = self._blocks[-1].end
            end = min(self.size, start + size)
            self._blocks.append(_Block(start, end, self._submit(self.fetcher, start, end)))
            unread += 1

    def _data(self, block: _Block, start: int, end: int) -> bytes:
        if block.start >= end or block.end <= start:
            return b""
        if block.data.cancel():  # no thread has started to fetch it, so this one does
            known = self._blocks.index(block)
            data = _done(self.fetcher(block.start, block.end))
            self._blocks[known] = block = _Block(block.start, block.end, data)
        return block.data.result()[max(0, start - block.start) : end - block.start]


def _done(data: bytes) -> Future[bytes]:
    future: Future[bytes] = Future()
    future.set_result(data)
    return future
