# SPDX-License-Identifier: Apache-2.0
"""Engines that keep pieces on the workers until they are sent, as Dask and Ray do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from libcloud.utils.extras import missing_extra

__all__ = ["HoldingExecutor", "collect_sizes", "missing_extra", "piece_size"]


class HoldingExecutor(Protocol):
    """What an executor has in addition to ``submit`` if its engine keeps pieces."""

    @property
    def workers(self) -> int:
        """Tasks that run at once."""

    def hold(self, pieces: Any) -> list[object]:
        """Start to compute ``pieces``, which the engine keeps; return a handle for each.

        A handle that is a positional argument of ``submit`` reaches the task as the piece.
        """

    def sizes(self, handles: Sequence[object]) -> list[int]:
        """The sizes of the pieces, bytes; computed where the pieces are.

        :raises TypeError: a piece is not bytes; the text says which.
        """


def piece_size(piece: Any) -> int:
    """Its size in bytes; runs on a worker.

    :raises TypeError: it is not bytes.
    """
    return memoryview(piece).nbytes


def collect_sizes(results: Sequence[Callable[[], int]]) -> list[int]:
    """The results of :func:`piece_size` for each piece, in order.

    :raises TypeError: a piece is not bytes; the text says which.
    """
    sizes = []
    for number, result in enumerate(results):
        try:
            sizes.append(result())
        except TypeError as error:
            raise TypeError(f"piece {number} is not bytes: {error}") from error
    return sizes
