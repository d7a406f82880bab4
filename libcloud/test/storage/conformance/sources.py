# SPDX-License-Identifier: Apache-2.0
"""Sources of data as users have them: iterators and files with all their habits."""

from __future__ import annotations

from collections.abc import Callable, Iterator


def cut(data: bytes, size: int) -> Iterator[bytes]:
    """``data`` in pieces of ``size`` bytes."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


class BareIterator:
    """Has ``__next__`` and nothing else: no ``__iter__``, no length."""

    def __init__(self, data: bytes, size: int) -> None:
        self._pieces = cut(data, size)

    def __next__(self) -> bytes:
        return next(self._pieces)


class OnlyRead:
    """A file of which only ``read(size)`` works.

    :param largest: bytes that one ``read`` gives at most, as a pipe or a socket does.
    """

    def __init__(self, data: bytes, largest: int | None = None) -> None:
        self._data = memoryview(data)
        self._largest = largest or len(data) or 1

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes; ``b""`` at the end."""
        wanted = self._largest if size is None or size < 0 else min(size, self._largest)
        piece, self._data = self._data[:wanted], self._data[wanted:]
        return bytes(piece)


def reused_bytearray(data: bytes, size: int) -> Iterator[bytearray]:
    """Pieces in one buffer that the producer overwrites as soon as it is asked for the next."""
    buffer = bytearray()
    for piece in cut(data, size):
        buffer[:] = piece
        yield buffer
        buffer[:] = b"\xff" * len(buffer)


def fails_after(
    pieces: Iterator[bytes], error: BaseException | Callable[[], BaseException]
) -> Iterator[bytes]:
    """``pieces``, then an exception."""
    yield from pieces
    raise error if isinstance(error, BaseException) else error()
