# SPDX-License-Identifier: Apache-2.0
"""Parts of a server-side copy: ranges of the source object, which the store copies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RangePart:
    """A range of the source.

    :param body: first byte, from 0, up to before its ``stop``.
    :param last: it ends where the source ends.
    """

    body: range
    last: bool


class RangeSource:
    """The bytes of an object as ranges, first byte first.

    >>> source = RangeSource(10)
    >>> source.next_part(8)
    RangePart(body=range(0, 8), last=False)
    >>> source.next_part(8)
    RangePart(body=range(8, 10), last=True)

    :param size: of the object, bytes.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken = 0

    def next_part(self, size: int) -> RangePart:
        """The next ``size`` bytes, or fewer at the end."""
        start, self._taken = self._taken, min(self._size, self._taken + size)
        return RangePart(range(start, self._taken), self._taken == self._size)
