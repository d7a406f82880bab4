# SPDX-License-Identifier: Apache-2.0
"""What is measured: the workloads, their sizes, and the data they send."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

UPLOAD, DOWNLOAD, SMALL, LISTING, IMPORT = "upload", "download", "small", "list", "import"


@dataclass(frozen=True)
class Workload:
    """One thing to do, and how its cost is told.

    :param name: of this workload, in the table.
    :param action: one of the constants above.
    :param amount: of bytes, objects or keys; 1 for an import.
    :param unit: of the figure shown.
    :param per: the figure is CPU seconds * ``per`` / ``amount``.
    :param piece: bytes the source hands out at once; for small objects the size of each.
    """

    name: str
    action: str
    amount: int
    unit: str
    per: float
    piece: int = MIB

    @property
    def sent(self) -> tuple[int, int]:
        """Objects and bytes that the store must have afterwards."""
        if self.action == UPLOAD:
            return 1, self.amount
        if self.action == SMALL:
            return self.amount, self.amount * self.piece
        return 0, 0

    def figure(self, cpu: float) -> float:
        """``cpu`` seconds in :attr:`unit`."""
        return cpu * self.per / self.amount

    def scaled(self, factor: float, *, renamed: bool = False) -> Workload:
        """The same with ``factor`` times the amount; an import stays one import."""
        if self.action == IMPORT:
            return self
        amount = max(1, round(self.amount * factor))
        name = f"{self.name} x{factor:g}" if renamed else self.name
        return dataclasses.replace(self, amount=amount, name=name)


WORKLOADS = (
    Workload("upload in 1 MiB pieces", UPLOAD, GIB, "s/GiB", GIB),
    Workload("upload in 8 KiB pieces", UPLOAD, GIB, "s/GiB", GIB, piece=8 * KIB),
    Workload("download as a stream", DOWNLOAD, GIB, "s/GiB", GIB),
    Workload("objects of 100 KiB", SMALL, 1000, "ms/object", 1000, piece=100 * KIB),
    Workload("listing", LISTING, 100_000, "s/100,000 keys", 100_000),
    Workload("import", IMPORT, 1, "ms", 1000),
)

_BLOCK = 4 * MIB


@functools.cache
def noise() -> bytes:
    """What :func:`pieces` cuts from; made at the first call, which is best not measured."""
    return os.urandom(_BLOCK)


def pieces(size: int, piece: int) -> Iterator[bytes]:
    """``size`` bytes in fresh objects of ``piece`` bytes, as a socket or a compressor gives them.

    Costs one copy, in every client's figure.
    """
    block = noise()
    at = 0
    for start in range(0, size, piece):
        at = at if at + piece <= _BLOCK else 0
        yield block[at : at + min(piece, size - start)]
        at += piece


class PieceReader:
    """A file over pieces, for a client that takes no iterator. It cannot seek and has no length."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source = source
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """``size`` bytes, fewer at the end; all there is for a negative ``size``."""
        if size < 0:
            taken, self._rest = [self._rest, *self._source], b""
            return b"".join(taken)
        taken, length = [self._rest], len(self._rest)
        while length < size and (piece := next(self._source, b"")):
            taken.append(piece)
            length += len(piece)
        excess = max(0, length - size)
        last = taken[-1]
        cut = len(last) - excess
        taken[-1], self._rest = last[:cut], last[cut:]
        return b"".join(taken)
