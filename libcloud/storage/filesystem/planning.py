# SPDX-License-Identifier: Apache-2.0
"""The steps of an fsspec operation on many files, collected to be carried out together."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

# fsspec has no types.
from fsspec.callbacks import Callback  # type: ignore[import-untyped]

from libcloud.storage.destination import FileNames

_T = TypeVar("_T")

# Directories that the running ``get`` or ``copy`` has seen in a listing that would also have
# included a file of the same name.
recorded: ContextVar[set[str] | None] = ContextVar("recorded", default=None)

# Containers that the running ``put`` would look up for its directories.
containers_of_directories: ContextVar[set[str] | None] = ContextVar("containers", default=None)

# Collects the copies that a ``copy`` would make, in place of making them.
planned_copies: ContextVar[list[tuple[str, str]] | None] = ContextVar("planned", default=None)


@contextlib.contextmanager
def collected(variable: ContextVar[_T | None], empty: _T) -> Iterator[_T]:
    """Let ``variable`` contain ``empty`` in the block, in which it is filled."""
    token = variable.set(empty)
    try:
        yield empty
    finally:
        variable.reset(token)


def check_names(pairs: list[tuple[str, Any]]) -> None:
    """Check that each object becomes a file of its own.

    :param pairs: of objects and files; nothing was downloaded yet.
    :raises FileExistsError: two of them would be one file.
    """
    names = FileNames(os.fspath(pairs[0][1]) if pairs else "")
    for path, local in pairs:
        if not names.add(os.path.abspath(local)):
            text = f"{path} and another object would become one file"
            raise FileExistsError(errno.EEXIST, text, os.fspath(local))


class Batch(Callback):  # type: ignore[misc]
    """Passed to fsspec's ``put`` and ``get``: collects what they would transfer file by file."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[tuple[Any, Any]] = []

    def branch_coro(self, fn: object) -> Callable[..., Any]:
        async def collect(path1: Any, path2: Any, **kwargs: object) -> None:
            self.pairs.append((path1, path2))

        return collect
