# SPDX-License-Identifier: Apache-2.0
"""Coroutines on blocking calls, which the worker pool of a driver runs; and the steps of an fsspec
operation on many files, which are collected and carried out together.

Tests: ``libcloud/test/storage/test_filesystem_workers.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import Callable, Container, Iterator, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

# fsspec has no types.
from fsspec.callbacks import Callback  # type: ignore[import-untyped]
from fsspec.implementations.local import make_path_posix  # type: ignore[import-untyped]

from libcloud.storage.destination import FileNames
from libcloud.utils.cancellation import Cancellation

_Item = TypeVar("_Item")
_T = TypeVar("_T")

# Seconds to wait for a running call whose coroutine is cancelled.
_GRACE = 1.0


class Calls:
    """Runs blocking calls of coroutines, of any event loop, in the pool of a driver."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    async def run(self, function: Callable[..., _T], *args: Any) -> _T:
        """The result of ``function``, which is cancelled with the coroutine, and waited for."""
        cancellation = Cancellation()

        def call() -> _T:
            with cancellation.active():
                return function(*args)

        future = self._driver._pool.submit(call)
        try:
            result: _T = await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            cancellation.cancel()
            if not future.cancelled():  # it is running
                end = asyncio.wrap_future(future)
                await asyncio.wait([end], timeout=_GRACE)
                # The loop may be closed when the call ends. Its error is not of interest.
                end.cancel() or end.exception()
            cancellation.interrupt()
            raise
        return result

    async def map(
        self,
        function: Callable[[_Item], _T],
        items: Sequence[_Item],
        *,
        jobs: int,
        fail_fast: bool = True,
        finished: Callable[[], object] = int,
    ) -> list[_T | Exception | None]:
        """The results of parallel calls, in order; the event loop waits for all of them at once.

        :param jobs: how many run at once, at most; less than 1: the pool decides.
        :param fail_fast: raise the first error and cancel the other calls; otherwise results
            contain the errors.
        :param finished: called after each of them, in one thread.
        """
        results: list[_T | Exception | None] = [None] * len(items)
        jobs = 1 if len(items) == 1 else jobs  # without a second thread
        options: Any = {"jobs": jobs if jobs > 0 else None, "fail_fast": fail_fast}

        def call(number: int) -> _T:
            return function(items[number])

        def run_all() -> None:
            for done in self._driver._pool.map(call, range(len(items)), ordered=False, **options):
                results[done.item] = done.value if done.error is None else done.error
                finished()

        await self.run(run_all)
        return results


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


def check_targets(
    pairs: list[tuple[str, Any]], directories: Container[str], target: object
) -> None:
    """Check the local paths of objects, some of which are ``directories``. Nothing was downloaded.

    Newer versions of fsspec check that they are inside of the target, too; 2025.3 does not.

    :param target: the directory; or a list of paths, which may be anywhere.
    :raises ValueError: the name of an object leads out of it.
    :raises FileExistsError: two objects would become one file.
    """
    root = ""
    if isinstance(target, (str, os.PathLike)):
        root = os.path.abspath(make_path_posix(target)).rstrip(os.sep) + os.sep
    names = FileNames(os.fspath(pairs[0][1]) if pairs else "")
    for path, local in pairs:
        absolute = os.path.abspath(local)
        if not f"{absolute}{os.sep}".startswith(root):
            raise ValueError(f"{path} leads out of {root}: nothing was downloaded")
        if path not in directories and not names.add(absolute):
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
