# SPDX-License-Identifier: Apache-2.0
"""Pieces of an upload, their sizes, and the size of the parts that they become."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from typing import Any

from libcloud.storage.capabilities import Limits
from libcloud.storage.transfer.cut import check_sizes
from libcloud.storage.transfer.upload.plan import DEFAULT_PART_SIZE
from libcloud.storage.types import WorkerError
from libcloud.utils.arguments import kind_of

_SHOWN = 1000  # characters of an error


def piece_size(piece: Any) -> int | str:
    """Its size in bytes, or what it is instead of bytes; runs on a worker."""
    try:
        return memoryview(piece).nbytes
    except TypeError:
        return kind_of(piece)


def collect_sizes(results: Sequence[Callable[[], int | str]]) -> list[int]:
    """The results of :func:`piece_size` for each piece, in order.

    :raises TypeError: a piece is not bytes; the text says which.
    :raises WorkerError: a piece could not be made; the text says which.
    """
    sizes = []
    for number, result in enumerate(results):
        try:
            size = result()
        except Exception as error:
            text = f"piece {number} could not be made: {text_of_engine(error)}"
            raise WorkerError(f"{text}. Nothing was sent", None, "", pieces=(number,)) from error
        if isinstance(size, str):
            raise TypeError(f"piece {number} is not bytes, but {size}")
        sizes.append(size)
    return sizes


def text_of_engine(error: BaseException) -> str:
    """What an engine says of a task that returned nothing, and what to do if that is known."""
    text = f"{kind_of(error)}: {error}"
    advice = ""
    if lacks_library(error):
        advice = "; the worker lacks libcloud-storage: install the same release everywhere"
    elif isinstance(error, BrokenExecutor):
        advice = (
            "; a worker was killed, or lacks what the task needs: install the same release of "
            "libcloud-storage everywhere"
        )
    return text[:_SHOWN].rstrip(".") + advice


def lacks_library(error: BaseException) -> bool:
    """Whether a task could not start because its worker lacks the library."""
    return "No module named 'libcloud" in str(error)


def sized(executor: Any, pieces: Any, sizes: Any) -> tuple[Sequence[Any], list[int] | None]:
    """The pieces, and their sizes; ``None`` if they are not known.

    :raises TypeError: they are not pieces.
    :raises ValueError: there are not as many sizes as pieces.
    """
    if isinstance(pieces, (str, bytes, bytearray, memoryview, Mapping)):
        raise TypeError(f"pieces must be an iterable of pieces, not {kind_of(pieces)}")
    if sizes is None and hasattr(executor, "hold"):
        pieces, sizes = executor.hold(pieces)
    else:
        pieces = getattr(executor, "pieces_of", list)(pieces)
    if sizes is None:
        if not all(isinstance(piece, bytes) for piece in pieces):
            return pieces, None
        sizes = map(len, pieces)
    lengths = [_plain(size) for size in sizes]
    if len(lengths) != len(pieces):
        raise ValueError(f"there are {len(pieces)} pieces and {len(lengths)} sizes")
    check_sizes(lengths)
    return pieces, lengths


def _plain(size: Any) -> Any:
    """``size`` as an ``int`` if it is a whole number of another type, such as NumPy's."""
    is_number = hasattr(size, "__index__") and not isinstance(size, bool)
    return operator.index(size) if is_number else size


def usual_part_size(sizes: Sequence[int], limits: Limits) -> int:
    """A size of parts with which no piece is divided, so that each is made once, if possible."""
    largest = max(sizes, default=0)
    whole = largest + limits.min_part_size
    return max(DEFAULT_PART_SIZE, whole if whole <= limits.max_part_size else 0)


def fingerprint(sizes: Sequence[int], part_size: int) -> str:
    """What identifies the sizes of the pieces in a session."""
    text = ",".join(map(str, [part_size, *sizes]))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
