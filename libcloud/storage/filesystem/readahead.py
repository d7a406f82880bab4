# SPDX-License-Identifier: Apache-2.0
"""Read-ahead for open files: several ranges in flight for sequential readers, none for others.

A reader that continues where it stopped is sequential: the further it gets, the more is requested
ahead, and the dearer requests are, the larger are the ranges. A reader that jumps about, like one
of some columns of a Parquet file, is treated like that when its last jumps were so near to each
other that everything between them takes no longer than requests for the jumps. Any other read
requests what it needs, and a little more, so that many adjacent small reads are one request. A
large read is split into several requests.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

# fsspec has no types.
from fsspec.caching import BaseCache  # type: ignore[import-untyped]

from libcloud.storage.filesystem.reading import RequestCost

_KIB = 1024
_MIB = 1024 * _KIB

DEFAULT_RANGE = 32 * _MIB
"""Maximum size of a range that is requested ahead, bytes."""

SMALLEST_RANGE = 64 * _KIB
"""Minimum size of a range, bytes: at 90 MB/s it takes less than a millisecond."""

# Ranges in flight ahead of the reader, where requests are cheap.
_RANGES = 3

# Bytes ahead of the reader that are held or requested.
_MOST_AHEAD = 64 * _MIB

# Up to so many times the bytes that were read sequentially are requested ahead, in ranges of up to
# so many times what a request costs: a larger range saves little.
_GROWTH = 8

# A range of so many bytes pays, whatever a request costs.
_ENOUGH = 4 * _MIB

# A first read that begins at the start of a file and is at least so large counts as sequential.
_LARGE = 256 * _KIB

# So many jumps show a pattern. A file that is opened at its end has an index there, whose reader
# makes more than one jump.
_JUMPS = 3

# Bytes that remain after they were read, for readers that go back.
_KEPT = 8 * _MIB

# A read is split into three requests, or more of this size, but none of them below a MiB.
_SPLIT, _SMALLEST_SPLIT = 8 * _MIB, _MIB

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

    It holds at most the 8 MiB that were read last, the range that is being read, and 64 MiB ahead,
    or three ranges if these are smaller. One range may be larger.

    :param blocksize: maximum size of a range, bytes.
    :param fetcher: requests a range, in the calling thread.
    :param submit: calls ``fetcher`` in another thread.
    :param cost: of a request, which ``fetcher`` measures.
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
        cost: RequestCost,
        known: tuple[int, bytes] = (0, b""),
    ) -> None:
        super().__init__(blocksize, fetcher, size)
        self._submit = submit
        self._cost = cost
        self._pid = os.getpid()
        self._most_ahead = max(blocksize, min(_MOST_AHEAD, _RANGES * blocksize))
        self._blocks: deque[_Block] = deque()  # in order, without gaps
        first, data = known
        if data:
            self._blocks.append(_Block(first, first + len(data), _done(data)))
        self._position = 0  # where a sequential reader continues
        self._streak = 0  # bytes read sequentially so far
        self._jumps: deque[tuple[int, int]] = deque(maxlen=_JUMPS)  # the last ones
        if first:
            self._jumps.extend([(first, size)] * (_JUMPS - 1))
        self._is_near = False  # the last jumps were

    def _fetch(self, start: int | None, stop: int | None) -> bytes:
        start, end = start or 0, self.size if stop is None else min(stop, self.size)
        if start >= end:
            return b""
        if os.getpid() != self._pid:  # forked: the threads that fetch are those of the parent
            self.clear()
            self._pid = os.getpid()
        self._go_to(start, end)
        try:
            self._request(start, end, self._bytes_ahead(start, end))
            return b"".join(self._data(block, start, end) for block in list(self._blocks))
        except BaseException:
            self.clear()
            raise

    def clear(self) -> None:
        """Drop everything; requests that have not been sent are cancelled."""
        if os.getpid() == self._pid:  # a lock of another process may never be released
            for block in self._blocks:
                block.data.cancel()
        self._blocks.clear()

    def _go_to(self, start: int, end: int) -> None:
        """Keep the blocks that adjoin ``start``, unless they are far from it."""
        first = self._blocks[0].start if self._blocks else self._position
        last = self._blocks[-1].end if self._blocks else self._position
        if self._is_near and self._blocks and 0 < first - start <= self._reach():
            self._blocks.appendleft(_Block(start, first, Future()))
        elif not first <= start <= last:
            self._jump(start, end)
        kept = min(_KEPT, 4 * self.blocksize)
        while self._blocks and self._blocks[0].end <= start - kept:
            self._blocks.popleft()
        while self._blocks and self._blocks[-1].start >= end + self._most_ahead:
            self._blocks.pop().data.cancel()

    def _reach(self) -> int:
        """How many bytes take as long as the requests for as many jumps as show a pattern."""
        reach: int = min(self.blocksize, _JUMPS * self._cost.in_bytes)
        return reach

    def _jump(self, start: int, end: int) -> None:
        self.clear()
        self._jumps.append((start, end))
        first, last = min(self._jumps)[0], max(end for _, end in self._jumps)
        reach = self._reach()
        self._is_near = len(self._jumps) == _JUMPS and last - first <= reach
        self._streak = reach // _GROWTH if self._is_near else 0
        self._position = end

    def _bytes_ahead(self, start: int, end: int) -> int:
        """The number of bytes to request beyond ``end``."""
        is_first = not self._position
        if self._is_near or start == self._position:
            self._streak += max(0, end - self._position)
        self._position = max(end, self._position if self._is_near else 0)
        if is_first and end < _LARGE:
            return 0
        enough = _RANGES * max(_ENOUGH, _GROWTH * self._cost.in_bytes)
        return min(_GROWTH * self._streak, enough, self._most_ahead)

    def _request(self, start: int, end: int, ahead: int) -> None:
        """Ensure blocks from ``start`` to ``end``, and some of the next ``ahead`` bytes.

        What a reader is expected to need next comes with what it needs now, unless it would take
        longer than another request: fewer requests, in the same time.
        """
        known = self._blocks[-1].end if self._blocks else start
        share = self._share(end - known)
        if share < end - known:
            self._submit_blocks(known, end, share)
        elif known < end:  # _data() requests it
            along = max(0, min(ahead, self._cost.in_bytes, self.blocksize - (end - known)))
            least = known + min(self.blocksize, SMALLEST_RANGE)
            self._blocks.append(_Block(known, min(self.size, max(end + along, least)), Future()))
        self._request_ahead(end + ahead, ahead)

    def _share(self, length: int) -> int:
        """The size of ranges that are requested in parallel, for so many bytes."""
        worthwhile = length // max(_SMALLEST_SPLIT, self._cost.in_bytes)
        return math.ceil(length / max(1, min(worthwhile, max(_RANGES, length // _SPLIT))))

    def _request_ahead(self, limit: int, ahead: int) -> None:
        """Request ranges that end before ``limit``: a third of ``ahead`` each, but more bytes than
        a request costs, and fewer than all, so that one is in flight while another is read.
        """
        dear = min(self._cost.in_bytes, ahead - ahead // _GROWTH)
        size = min(self.blocksize, max(ahead // _RANGES, dear, SMALLEST_RANGE))
        known = self._blocks[-1].end
        while known < self.size and (end := min(known + size, self.size)) <= limit:
            self._submit_blocks(known, end, size)
            known = end

    def _submit_blocks(self, start: int, end: int, size: int) -> None:
        for first in range(start, end, size):
            last = min(end, first + size)
            self._blocks.append(_Block(first, last, self._submit(self.fetcher, first, last)))

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
