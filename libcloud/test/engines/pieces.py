# SPDX-License-Identifier: Apache-2.0
"""What the tests upload: pieces that record each time they are made, in a file of a folder.

Workers import this module.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024

# Each is a part: only the last one may be this small. No two are equal.
SIZES = [5 * MIB + 7 * number for number in range(1, 6)] + [4321]


@dataclass(frozen=True)
class Piece:
    """A piece of an object: a function, as the engines call it.

    :param folder: where its runs are recorded.
    :param changes: the bytes differ each time.
    """

    number: int
    size: int
    folder: str
    changes: bool = False

    def __call__(self) -> bytes:
        runs = record(self.number, self.folder)
        return data_of(self.number + 100 * runs * self.changes, self.size)


def data_of(number: int, size: int) -> bytes:
    """The bytes of a piece."""
    return random.Random(number).randbytes(size)


def record(number: int, folder: str) -> int:
    """Record one run of a piece; return how many there have been."""
    path = os.path.join(folder, str(number))
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, b".")
    os.close(file)
    return os.path.getsize(path)


def runs_in(folder: Path) -> Counter[int]:
    """How many times each piece was made."""
    return Counter({int(path.name): path.stat().st_size for path in folder.iterdir()})


def pieces_for(folder: Path, **kwargs: bool) -> list[Piece]:
    """One piece for each of ``SIZES``."""
    return [Piece(number, size, str(folder), **kwargs) for number, size in enumerate(SIZES)]


def wait_for(path: Path) -> str:
    """A task that runs until a file exists."""
    while not path.exists():
        time.sleep(0.01)
    return "went on"


def whole() -> bytes:
    """The object that they make."""
    return b"".join(data_of(number, size) for number, size in enumerate(SIZES))
