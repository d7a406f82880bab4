# SPDX-License-Identifier: Apache-2.0
"""Read-ahead for open files: several ranges in flight for sequential readers, none for others.

A reader that continues where it stopped is sequential: the further it gets, the more is requested
ahead. A reader that jumps about within a few MiB, like one of some columns of a Parquet file, gets
all of these: they take less time than further requests. If the file is that small and was opened at
its end, where its index is, the first jump suffices. Any other read requests what it needs, and a
little more, so that many adjacent small reads are one request. A large read is split into several
requests.
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

# After so many jumps within so many bytes, all of these are requested: at 90 MB/s on each of a few
# connections, that takes about as long as the requests for the jumps.
_JUMPS, _NEAR = 3, 8 * 1024 * _KIB

# Such a reader may go back by so many bytes, because several threads read.
_BACK = 2 * 1024 * _KIB

# Bytes that remain after they were read, for readers that go back.
_KEPT = 8 * 1024 * _KIB

# A read of more bytes is split.
_LARGEST_READ = 8 * 1024 * _KIB

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

    :param blocksize: maximum size of a range, bytes; up to three of them are held, and what
        was read last.
    :param fetcher: requests a range, in the calling thread.
    :param submit: calls ``fetcher`` in another thread.
    :param known: some bytes of the file, and their offset.
    """

    name = "parallel"

    def __init__(
        self,
        blocksize: int,
        fetcher: _Fetch,
        size: int,
        *,
        submit: _Submit,
        known: tuple[int, bytes] = (0, b""),
    ) -> None:
        super().__init__(blocksize, fetcher, size)
        self._submit = submit
        self._blocks: deque[_Block] = deque()  # in order, without gaps
        first, data = known
        if data:
            self._blocks.append(_Block(first, first + len(data), _done(data)))
        self._position = 0  # the end of the last read
        self._streak = 0  # bytes read sequentially so far
        self._jumps: deque[tuple[int, int]] = deque(maxlen=_JUMPS)  # the last ones
        self._near = min(blocksize, _NEAR)
        self._is_small_with_index = first > 0 and size <= self._near
        self._is_near = False  # the last jumps were

    def _fetch(self, start: int | None, stop: int | None) -> bytes:
        start, end = start or 0, self.size if stop is None else min(stop, self.size)
        if start >= end:
            return b""
        self._go_to(start, end)
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

    def _go_to(self, start: int, end: int) -> None:
        """Keep the blocks that adjoin ``start``."""
        first = self._blocks[0].start if self._blocks else self._position
        last = self._blocks[-1].end if self._blocks else self._position
        if self._is_near and self._blocks and 0 < first - start <= _BACK:
            self._blocks.appendleft(_Block(start, first, Future()))
        elif not first <= start <= last:
            self._jump(start, end)
        kept = min(_KEPT, 4 * self.blocksize)
        while self._blocks and self._blocks[0].end <= start - kept:
            self._blocks.popleft()

    def _jump(self, start: int, end: int) -> None:
        self.clear()
        self._streak = 0
        self._jumps.append((start, end))
        first, last = min(self._jumps)[0], max(end for _, end in self._jumps)
        self._is_near = self._is_small_with_index or (
            len(self._jumps) == _JUMPS and last - first <= self._near
        )
        if self._is_near:
            before = 0 if self.size <= self._near else first
            self._submit_blocks(before, start, max(1, self._near // _IN_FLIGHT))

    def _bytes_ahead(self, start: int, end: int) -> int:
        """The number of bytes to request beyond ``end``."""
        is_first = not self._position
        if start == self._position:
            self._streak += end - start
        self._position = end
        if self._is_near:
            return self._near
        return 0 if is_first and end < _LARGE else self._streak * 4

    def _request(self, start: int, end: int, ahead: int) -> None:
        """Ensure blocks from ``start`` to ``end``, and some of the next ``ahead`` bytes."""
        known = self._blocks[-1].end if self._blocks else start
        if end - known > _LARGEST_READ:
            self._submit_blocks(known, end, _LARGEST_READ)
            known = end
        if known < end:  # _data() requests it
            needed = min(self.size, max(end, known + min(self.blocksize, SMALLEST_RANGE)))
            self._blocks.append(_Block(known, needed, Future()))
        self._request_ahead(min(self.size, end + ahead), unread=self._unread(end))

    def _submit_blocks(self, start: int, end: int, size: int) -> None:
        for first in range(start, end, size):
            last = min(end, first + size)
            self._blocks.append(_Block(first, last, self._submit(self.fetcher, first, last)))

    def _unread(self, end: int) -> int:
        return sum(block.start >= end for block in self._blocks)

    def _request_ahead(self, limit: int, unread: int) -> None:
        size = self._near // _IN_FLIGHT if self._is_near else self._streak * 4
        size = min(self.blocksize, max(SMALLEST_RANGE, size))
        while unread < _IN_FLIGHT and self._blocks[-1].end < limit:
            start = self._blocks[-1].end
            self._submit_blocks(start, min(self.size, start + size), size)
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
