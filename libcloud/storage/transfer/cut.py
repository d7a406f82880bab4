# SPDX-License-Identifier: Apache-2.0
"""Cuts pieces of data into the parts of one upload: a pure function of the sizes of the pieces.

Each part depends on nothing but this plan: a task that runs twice, on any machine, writes the same
bytes. All parts but the last have at least the smallest size that the store accepts: a piece that
is too small for a separate part is merged with its neighbors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from libcloud.storage.capabilities import Limits
from libcloud.storage.transfer.upload.plan import DEFAULT_PART_SIZE, plan_for


class PieceRange(NamedTuple):
    """The bytes from ``start`` to before ``stop`` of the piece at a position, from 0."""

    piece: int
    start: int
    stop: int


class CutPart(NamedTuple):
    """A part, from 1: ranges of pieces, to be joined in this order; none if there is no data."""

    number: int
    ranges: tuple[PieceRange, ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(stop - start for _, start, stop in self.ranges)


def cut(
    sizes: Sequence[int], limits: Limits, *, part_size: int = DEFAULT_PART_SIZE
) -> list[CutPart]:
    """The parts that carry pieces of ``sizes`` bytes, in their order.

    Where the limits allow it, parts begin and end with pieces, so that a piece is needed for as few
    parts as possible. Otherwise all parts but the last have the same size.

    >>> parts = cut([2, 9, 20], Limits(min_part_size=5), part_size=10)
    >>> [[tuple(span) for span in part.ranges] for part in parts]
    [[(0, 0, 2), (1, 0, 3)], [(1, 3, 9)], [(2, 0, 10)], [(2, 10, 20)]]

    :param sizes: of the pieces, bytes; 0 is allowed.
    :param part_size: the size to aim at, bytes. Parts are larger if that takes fewer than
        ``limits.max_parts`` of them.
    :return: at least one part; its ranges are empty if there is no data.
    :raises ObjectTooLargeError: the limits allow no object of that size.
    :raises TypeError: a size is not a whole number.
    :raises ValueError: a size is negative, or ``part_size`` is less than 1.
    """
    check_sizes(sizes)
    total = sum(sizes)
    equal = plan_for(total, limits, start=part_size).start  # also checks the total
    if not total:
        return [CutPart(1, ())]
    if not limits.equal_parts:
        smallest = limits.min_part_size
        # With this smallest size, there cannot be too many parts.
        sufficient = -(-total // max(1, limits.max_parts - 1))
        for least in (smallest, max(smallest, sufficient)):
            goal = max(equal, 2 * least)
            if goal > limits.max_part_size:
                break
            parts = _numbered(_along_pieces(sizes, least, goal))
            if len(parts) <= limits.max_parts:
                return parts
    return _numbered(_every(equal, sizes))


def usual_part_size(sizes: Sequence[int], limits: Limits) -> int:
    """A size of parts with which no piece is divided, so that each is made once, if possible."""
    whole = max(sizes, default=0) + limits.min_part_size
    return max(DEFAULT_PART_SIZE, whole if whole <= limits.max_part_size else 0)


def check_sizes(sizes: Sequence[int]) -> None:
    """:raises TypeError, ValueError: a size is not one, see :func:`cut`."""
    for position, size in enumerate(sizes):
        if not isinstance(size, int) or isinstance(size, bool):
            raise TypeError(f"the size of piece {position} must be an int, not {size!r}")
        if size < 0:
            raise ValueError(f"the size of piece {position} is negative: {size}")


def _along_pieces(sizes: Sequence[int], least: int, goal: int) -> Iterator[list[PieceRange]]:
    """Parts of ``least`` to ``goal`` bytes that begin and end with pieces if possible."""
    waiting: list[PieceRange] = []  # pieces that together are smaller than a part
    held = 0
    for position, size in enumerate(sizes):
        if not size:
            continue
        together = held + size
        if together < least:
            waiting.append(PieceRange(position, 0, size))
            held = together
            continue
        # The first part takes what is waiting; the rest of the piece is divided evenly.
        count = -(-together // goal)
        edges = [together * index // count - held for index in range(1, count + 1)]
        start = 0
        for stop in edges:
            yield [*waiting, PieceRange(position, start, stop)]
            waiting, start = [], stop
        held = 0
    if waiting:
        yield waiting


def _every(size: int, sizes: Sequence[int]) -> Iterator[list[PieceRange]]:
    """Parts of ``size`` bytes, whatever the pieces are."""
    ranges: list[PieceRange] = []
    room = size
    for position, length in enumerate(sizes):
        start = 0
        while start < length:
            stop = min(length, start + room)
            ranges.append(PieceRange(position, start, stop))
            room -= stop - start
            start = stop
            if not room:
                yield ranges
                ranges, room = [], size
    if ranges:
        yield ranges


def _numbered(parts: Iterable[list[PieceRange]]) -> list[CutPart]:
    return [CutPart(number, tuple(ranges)) for number, ranges in enumerate(parts, 1)]
