# SPDX-License-Identifier: Apache-2.0
"""Sizes of pieces that an engine keeps on its workers, as Dask and Ray do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["collect_sizes", "piece_size"]


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
