# SPDX-License-Identifier: Apache-2.0
"""A large object fetched over several connections, each byte written at its place in the file.

The first connection gives the whole object, from its beginning. Helpers fetch ranges of the same
version, the last part first, and the first connection stops where it meets them. So helpers only
help: what they do not get, because the store gives no ranges, or because the object was replaced
meanwhile, the first connection reads as it would have without them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import RLock, Thread
from typing import Any

from libcloud.storage.base import Object
from libcloud.storage.drivers.s3_reading import Body, Version, exact, resumed
from libcloud.storage.s3api.checksums import Running
from libcloud.storage.types import IncompleteDownloadError
from libcloud.utils.arguments import size_of
from libcloud.utils.per_process import PerProcess
from libcloud.utils.staging import StagingFile

__all__ = ["DEFAULT_PART_SIZE", "DEFAULT_WINDOW", "Lanes", "lanes_for"]

_log = logging.getLogger(__name__)

DEFAULT_PART_SIZE = 8 * 1024 * 1024
"""Bytes of a range."""

DEFAULT_WINDOW = 4
"""Connections at once, the first one included."""

_SMALLEST = 4 * DEFAULT_PART_SIZE
"""Smaller objects are left to one connection, where nobody asks for more."""

# Bytes read at once; each connection holds one or two of these.
_PIECE = 1024 * 1024

_FREE, _TAKEN, _DONE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class _Cut:
    """Bytes that lie in one part."""

    part: int
    data: memoryview
    begins: bool
    ends: bool


class _Parts:
    """Who has which part of an object. For several threads.

    :param length: of the object, bytes.
    :param size: of all parts but the last.
    """

    def __init__(self, length: int, size: int) -> None:
        self.length = length
        self.size = size
        self.stopped = False
        count = -(-length // size)
        self.digests: list[bytes] = [b""] * count
        self._state = bytearray(count)
        self._left = count  # not done
        self._last = count - 1  # all parts after it are taken or done
        self._lock = PerProcess(RLock)

    @property
    def complete(self) -> bool:
        """Whether all parts are written."""
        return not self._left

    def length_of(self, part: int) -> int:
        """Bytes of ``part``, counted from 0."""
        return min(self.size, self.length - part * self.size)

    def take(self, part: int) -> bool:
        """Whether ``part`` was free; it is the caller's now."""
        with self._lock():
            free = self._state[part] == _FREE
            if free:
                self._state[part] = _TAKEN
            return free

    def take_last(self) -> int | None:
        """The last free part, which is the caller's now; ``None`` if there is none."""
        with self._lock():
            while self._last >= 0 and self._state[self._last] != _FREE:
                self._last -= 1
            if self._last < 0 or self.stopped:
                return None
            self._state[self._last] = _TAKEN
            return self._last

    def give_back(self, part: int) -> None:
        """``part`` is free again."""
        with self._lock():
            self._state[part] = _FREE
            self._last = max(self._last, part)

    def written(self, part: int, digest: Running | None) -> None:
        """``part`` is in the file."""
        with self._lock():
            self._state[part] = _DONE
            self._left -= 1
            self.digests[part] = digest.digest() if digest is not None else b""


def lanes_for(
    driver: Any,
    obj: Object,
    response: Any,
    *,
    window: int | None,
    part_size: int | None,
    on_bytes: Callable[[int], object] | None = None,
) -> Lanes | None:
    """How ``obj``, which ``response`` brings, is fetched over several connections.

    :param window: connections at once; ``None``: the default.
    :param part_size: bytes; ``None``: the default, and only for large objects.
    :return: ``None`` if it is not: because it is small, cannot be put together safely, or is to be
        compared with a digest that cannot be put together; or because the connection is not known
        to be safe in threads.
    """
    body = getattr(response, "_response", None)
    if not isinstance(body, Body) or body.version is None or not hasattr(os, "pwrite"):
        return None
    smallest = _SMALLEST if window is None and part_size is None else part_size or DEFAULT_PART_SIZE
    length = body.version.length
    if length <= smallest or length != size_of(obj) or response.status != 200:
        return None
    if body.verification is not None and not body.verification.combines:
        return None
    limit = driver._client.concurrency()
    wanted = DEFAULT_WINDOW if window is None else window
    lanes = wanted if limit is None else min(wanted, limit)
    if lanes < 2:
        return None
    size = part_size or DEFAULT_PART_SIZE
    return Lanes(body, body.version, window=lanes, part_size=size, on_bytes=on_bytes)


class Lanes:
    """One download.

    :param body: of the first connection: a whole object of ``version``.
    :param version: what it is of.
    :param window: connections at once.
    :param part_size: bytes of a range.
    :param on_bytes: called with the size of each piece that is to be written, by any thread.
    """

    def __init__(
        self,
        body: Body,
        version: Version,
        *,
        window: int,
        part_size: int,
        on_bytes: Callable[[int], object] | None = None,
    ) -> None:
        self._on_bytes = on_bytes
        self._body = body
        self._version = version
        self._verification = body.verification
        self._window = window
        self._parts = _Parts(version.length, part_size)

    def fetch(self, file: StagingFile) -> None:
        """Write the object to ``file``.

        When an error comes, of whatever kind, helpers may be at work for a while, on a descriptor
        of their own.

        :raises ObjectHashMismatchError: other bytes came than the store has.
        """
        if not file.appears_whole:
            for piece in self._body.iter_content(_PIECE):
                self._count(piece)
                file.write(piece)
            return
        parts, descriptor = self._parts, file.fileno()
        try:
            self._lead(descriptor, self._start_helpers(descriptor, self._window - 1))
        finally:
            parts.stopped = True
            self._body.close()
        if self._verification is not None:
            lengths = map(parts.length_of, range(len(parts.digests)))
            self._verification.judge_parts(zip(parts.digests, lengths, strict=True))

    def _start_helpers(self, descriptor: int, count: int) -> list[Thread]:
        helpers: list[Thread] = []
        for _ in range(count):
            own = os.dup(descriptor)  # the file may be closed before a helper has ended
            helper = Thread(target=self._help, args=(own,), name="libcloud-download", daemon=True)
            try:
                helper.start()
            except RuntimeError:  # no more threads: as many as there are
                os.close(own)
                break
            helpers.append(helper)
        return helpers

    def _lead(self, descriptor: int, helpers: Sequence[Thread]) -> None:
        """Read the first connection until all parts are written."""
        parts, position = self._parts, 0
        mine, digest = False, None
        for cut in _cuts(self._body.resumed(_PIECE), parts):
            if cut.begins:
                mine = parts.take(cut.part) or self._take_after(cut.part, helpers)
                if parts.complete:
                    return
                digest = self._new_digest()
            if mine:
                self._count(cut.data)
                _write(descriptor, cut.data, position, digest)
            position += len(cut.data)
            if mine and cut.ends:
                parts.written(cut.part, digest)
        for helper in helpers:
            helper.join()
        if not parts.complete:
            raise self._incomplete(position)

    def _take_after(self, part: int, helpers: Sequence[Thread]) -> bool:
        """Whether ``part`` is free after all, when the helpers are through."""
        for helper in helpers:
            helper.join()
        return self._parts.take(part)

    def _help(self, descriptor: int) -> None:
        """Fetch parts, until there is none left or one cannot be got."""
        try:
            while (part := self._parts.take_last()) is not None:
                try:
                    self._fetch_part(part, descriptor)
                except Exception as error:
                    _log.debug("A range was not to be had (%s)", type(error).__name__)
                    self._parts.give_back(part)
                    return
        finally:
            os.close(descriptor)

    def _fetch_part(self, part: int, descriptor: int) -> None:
        parts = self._parts
        position = start = part * parts.size
        version = self._version.part(start, parts.length_of(part))
        answer = version.driver._client.retry(lambda: version.rest(0))
        digest = self._new_digest()
        try:
            pieces = resumed(answer.response._response, version, _PIECE)
            for piece in exact(pieces, version.length, version.obj):
                if parts.stopped:
                    return
                self._count(piece)
                _write(descriptor, piece, position, digest)
                position += len(piece)
        finally:
            answer.response._response.close()
        parts.written(part, digest)

    def _count(self, data: bytes | memoryview) -> None:
        if self._on_bytes is not None:
            self._on_bytes(len(data))

    def _new_digest(self) -> Running | None:
        return self._verification.begin() if self._verification is not None else None

    def _incomplete(self, received: int) -> IncompleteDownloadError:
        obj = self._version.obj
        text = f"the body ended after {received} bytes, too early"
        return IncompleteDownloadError(text, obj.driver, obj.name)


def _cuts(pieces: Iterator[bytes], parts: _Parts) -> Iterator[_Cut]:
    """``pieces``, cut where a part ends."""
    part = offset = 0
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            data = rest[: parts.length_of(part) - offset]
            rest = rest[len(data) :]
            ends = offset + len(data) == parts.length_of(part)
            yield _Cut(part, data, not offset, ends)
            part, offset = (part + 1, 0) if ends else (part, offset + len(data))


def _write(
    descriptor: int, data: bytes | memoryview, position: int, digest: Running | None
) -> None:
    if digest is not None:
        digest.update(data)
    rest = memoryview(data)
    while rest:
        count = os.pwrite(descriptor, rest, position)
        position += count
        rest = rest[count:]
