# SPDX-License-Identifier: Apache-2.0
"""Parallel download: a large object is fetched over several connections into one file.

The first connection reads the whole object from its beginning. Workers fetch ranges of the same
version, the last part first, and the first connection stops where it meets them. A worker that
fails does no harm: what the workers do not get, because the store does not support ranges or the
object was replaced, the first connection reads as it would have without them.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from threading import RLock, Thread, current_thread

from libcloud import storage
from libcloud.storage.base import Object
from libcloud.storage.scheduler import AdaptiveLimit
from libcloud.storage.transfer.download.body import PinnedRange, ResumableBody
from libcloud.storage.transfer.download.port import RunningChecksum
from libcloud.storage.types import IncompleteDownloadError
from libcloud.utils import cancellation
from libcloud.utils.arguments import size_of
from libcloud.utils.local import PerProcess
from libcloud.utils.staging import StagingFile

_log = logging.getLogger(__name__)

DEFAULT_PART_SIZE = 8 * 1024 * 1024
"""Bytes of a range."""

MOST_CONNECTIONS = 16
"""Connections at once at most, including the first, unless the user sets a number."""

_CONNECTIONS_OF_ONE_OF_MANY = 4
"""The same for each of the objects that a worker pool downloads at once."""

# Threads at once that fetch ranges for them, in the process: each has two open files.
_MOST_HELPERS = 192
_helpers: PerProcess[set[Thread]] = PerProcess(set)

# Seconds that throughput is measured, at least, before each decision on the number of connections.
_INTERVAL = 0.05

_MIN_SIZE = 4 * DEFAULT_PART_SIZE
"""Up to this size, bytes, objects are fetched over one connection by default."""

# Bytes read at once; each connection holds one or two such pieces in memory.
_PIECE = 1024 * 1024

# A larger number is kept if it raises the throughput by this factor.
_GAIN = 1.1

# Measurements until a larger number is tried again after one that did not pay.
_REST, _LONGEST_REST = 8, 128

_PENDING, _CLAIMED, _DONE = 0, 1, 2


class _Parts:
    """The parts of an object, all of ``size`` bytes but the last. Thread-safe."""

    def __init__(self, length: int, size: int) -> None:
        self.length = length
        self.size = size
        self.stopped = False
        self.exhausted = False  # no part is pending
        count = -(-length // size)
        self.digests: list[bytes] = [b""] * count
        self._state = bytearray(count)
        self.remaining = count  # not done
        self._last = count - 1  # all parts after it are claimed or done
        self._lock = PerProcess(RLock)

    def length_of(self, part: int) -> int:
        return min(self.size, self.length - part * self.size)

    def claim(self, part: int) -> bool:
        """Claim ``part`` for the caller; false if another has it."""
        with self._lock():
            pending = self._state[part] == _PENDING
            if pending:
                self._state[part] = _CLAIMED
            return pending

    def claim_last(self) -> int | None:
        """Claim the last pending part for the caller; ``None`` if there is none."""
        with self._lock():
            while self._last >= 0 and self._state[self._last] != _PENDING:
                self._last -= 1
            self.exhausted = self._last < 0
            if self.exhausted or self.stopped:
                return None
            self._state[self._last] = _CLAIMED
            return self._last

    def release(self, part: int) -> None:
        with self._lock():
            self._state[part] = _PENDING
            self._last = max(self._last, part)
            self.exhausted = False

    def finish(self, part: int, checksum: RunningChecksum | None) -> None:
        with self._lock():
            self._state[part] = _DONE
            self.remaining -= 1
            self.digests[part] = checksum.digest() if checksum is not None else b""


def adaptive_connections(most: int, start: int = 1) -> AdaptiveLimit:
    """The number of connections, which doubles while that pays; with ``most``, it stays."""
    return AdaptiveLimit(most, start, share=1, gain=_GAIN, rest=_REST, longest_rest=_LONGEST_REST)


def parallel_download(
    body: ResumableBody,
    obj: Object,
    *,
    limit: Callable[[], int | None],
    window: int | None,
    part_size: int | None,
    on_bytes: Callable[[int], object] | None = None,
) -> ParallelDownload | None:
    """The plan for a parallel download of ``obj``, whose whole ``body`` the first response has.

    :param limit: returns the connections that can be used at once; ``None``: no limit.
    :param window: connections to use; ``None``: as many as pay, see :func:`adaptive_connections`.
    :param part_size: bytes of a range; ``None``: the default, and only for large objects.
    :param on_bytes: called with the size of each piece that is about to be written, by any thread.
    :return: ``None`` if one connection is used: the object is small, the body cannot be resumed,
        the file cannot be written at a position, or the checksum cannot be combined from parts.
    """
    if body.pinned is None or not hasattr(os, "pwrite"):
        return None
    minimum = _MIN_SIZE if window is None and part_size is None else part_size or DEFAULT_PART_SIZE
    length = body.pinned.length
    if length <= minimum or length != size_of(obj):
        return None
    if body.verification is not None and body.verification.combine is None:
        return None
    most = window or MOST_CONNECTIONS
    if window is None and storage.worker_pool.in_worker():
        most = _CONNECTIONS_OF_ONE_OF_MANY
    allowed = limit()
    most = most if allowed is None else min(most, allowed)
    if most < 2:
        return None
    return ParallelDownload(
        body,
        body.pinned,
        connections=adaptive_connections(most, 1 if window is None else most),
        part_size=part_size or DEFAULT_PART_SIZE,
        on_bytes=on_bytes,
    )


def _spare_helpers() -> int:
    """How many threads may be started for the objects that a worker pool downloads."""
    most = min(_MOST_HELPERS, storage.worker_pool.most_tasks() // 2)
    return max(0, most - len(_helpers()))


class ParallelDownload:
    """One object, fetched over several connections; see :func:`parallel_download`."""

    def __init__(
        self,
        body: ResumableBody,
        pinned: PinnedRange,
        *,
        connections: AdaptiveLimit,
        part_size: int,
        on_bytes: Callable[[int], object] | None = None,
    ) -> None:
        self._body = body
        self._pinned = pinned
        self._verification = body.verification
        self._connections = connections
        self._parts = _Parts(pinned.length, part_size)
        self._on_bytes = on_bytes
        self._workers: list[Thread] = []
        self._running: set[Thread] = set()  # those that have not ended
        self._opening: set[Thread] = set()  # those that have not received anything yet
        self._is_one_of_many = storage.worker_pool.in_worker()
        self._failed = False  # what one worker cannot fetch, another cannot either
        self._received = 0
        self._reported: dict[int, int] = {}  # by part that failed: where its reported bytes end
        self._cancellation = cancellation.current()

    def fetch(self, file: StagingFile) -> None:
        """Write the object to ``file``; after an exception workers may continue for a while."""
        if not file.appears_whole:
            for piece in self._body.read(_PIECE, self._on_bytes):
                file.write(piece)
            return
        parts, descriptor = self._parts, file.fileno()
        try:
            self._read_first(descriptor)
        finally:
            parts.stopped = True
            self._body.close()
        verification = self._verification
        if verification is not None:
            assert verification.combine is not None
            lengths = map(parts.length_of, range(len(parts.digests)))
            verification.check(verification.combine(zip(parts.digests, lengths, strict=True)))

    def _start_workers(self, descriptor: int) -> None:
        missing = self._connections.size - 1 - len(self._running)
        if self._is_one_of_many:
            missing = min(missing, _spare_helpers())
        for _ in range(0 if self._failed or self._parts.exhausted else missing):
            try:
                own = os.dup(descriptor)  # the file may be closed before a worker has ended
            except OSError:  # too many open files: continue with those there are
                self._failed = True
                return
            worker = Thread(target=self._work, args=(own,), name="libcloud-download", daemon=True)
            self._running.add(worker)
            _helpers().add(worker)
            self._opening.add(worker)
            try:
                worker.start()
            except RuntimeError:  # no more threads can be started: likewise
                self._end(worker, own)
                self._failed = True
                return
            self._workers.append(worker)

    def _end(self, worker: Thread, descriptor: int) -> None:
        self._opening.discard(worker)
        self._running.discard(worker)
        _helpers().discard(worker)
        os.close(descriptor)

    def _read_first(self, descriptor: int) -> None:
        """Read the first connection until all parts are written."""
        parts, position = self._parts, 0
        claimed, checksum = False, None
        self._start_workers(descriptor)
        since, before = time.monotonic(), 0
        for part, data, starts, ends in _split(self._body.read(_PIECE, verify=False), parts):
            if starts:
                claimed = parts.claim(part)
                if not claimed:  # perhaps a worker will fail
                    self._join()
                    claimed = parts.claim(part)
                if not parts.remaining:
                    return
                checksum = self._new_checksum()
            if claimed:
                self._count(data, position)
                _write(descriptor, data, position, checksum)
            position += len(data)
            if claimed and ends:
                parts.finish(part, checksum)
            now = time.monotonic()
            if self._opening:
                since, before = now, self._received
            elif now - since >= _INTERVAL:
                self._connections.measured((self._received - before) / max(now - since, 1e-6))
                since, before = now, self._received
                self._start_workers(descriptor)
        self._join()
        if parts.remaining:
            obj = self._pinned.port.obj
            text = f"the body ended after {position} bytes, too early"
            raise IncompleteDownloadError(text, obj.driver, obj.name)

    def _join(self) -> None:
        for worker in self._workers:
            worker.join()

    def _work(self, descriptor: int) -> None:
        """Fetch parts until none is left, one fails or there are too many workers."""
        try:
            with cancellation.joined(self._cancellation):
                while len(self._running) < self._connections.size and self._fetch_part(descriptor):
                    pass
        finally:
            self._end(current_thread(), descriptor)

    def _fetch_part(self, descriptor: int) -> bool:
        """Fetch the last part that is pending; false if there is none, or it cannot be fetched."""
        parts = self._parts
        part = parts.claim_last()
        if part is None:
            return False
        position = start = part * parts.size
        checksum = self._new_checksum()
        try:
            with closing(self._pinned.part(start, parts.length_of(part)).read(_PIECE)) as pieces:
                for piece in pieces:
                    if parts.stopped:
                        return False
                    self._opening.discard(current_thread())
                    self._count(piece, position)
                    _write(descriptor, piece, position, checksum)
                    position += len(piece)
        except Exception as error:
            _log.debug("A range could not be fetched (%s)", type(error).__name__)
            self._failed = True
            self._reported[part] = max(position, self._reported.get(part, 0))
            parts.release(part)
            return False
        parts.finish(part, checksum)
        return True

    def _count(self, data: bytes | memoryview, position: int) -> None:
        self._received += len(data)  # two threads at once may lose a piece, which does not matter
        if self._on_bytes is None:
            return
        reported = self._reported.get(position // self._parts.size, 0)
        added = position + len(data) - max(position, reported)
        if added > 0:
            self._on_bytes(added)

    def _new_checksum(self) -> RunningChecksum | None:
        return self._verification.new() if self._verification is not None else None


def _split(pieces: Iterator[bytes], parts: _Parts) -> Iterator[tuple[int, memoryview, bool, bool]]:
    """``pieces``, split where a part ends: its number, data, and if that starts and ends it."""
    part = offset = 0
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            data = rest[: parts.length_of(part) - offset]
            rest = rest[len(data) :]
            ends = offset + len(data) == parts.length_of(part)
            yield part, data, not offset, ends
            part, offset = (part + 1, 0) if ends else (part, offset + len(data))


def _write(
    descriptor: int, data: bytes | memoryview, position: int, checksum: RunningChecksum | None
) -> None:
    if checksum is not None:
        checksum.update(data)
    rest = memoryview(data)
    while rest:
        count = os.pwrite(descriptor, rest, position)
        position += count
        rest = rest[count:]
