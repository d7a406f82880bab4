# SPDX-License-Identifier: Apache-2.0
"""Dask: pieces are ``Delayed`` objects, futures, a ``dask.bag`` or a ``dask.array``.

Dask runs a task again if its worker is lost, and computes again what that worker held.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, InvalidStateError
from math import prod
from typing import Any

from libcloud import __version__
from libcloud.common.types import LibcloudError
from libcloud.storage.scaleout.futures import collect_sizes, followed, piece_size
from libcloud.utils.environment import missing_extra

try:
    from dask import delayed, is_dask_collection
    from dask.delayed import Delayed
    from distributed import Client
    from distributed import Future as DaskFuture
    from distributed import TimeoutError as DaskTimeoutError
except ImportError as error:
    raise ImportError(missing_extra("distributed", "dask")) from error

# Builtins exist on every worker, whether the library is installed there or not.
_VERSION = "__import__('libcloud').__version__"

_WORKER_SECONDS = 60.0
_WATCH_SECONDS = 1.0


def connect(address: str, timeout: float = 10.0) -> DaskExecutor:
    """The executor of the scheduler at ``address``, such as ``tcp://HOST:8786``.

    :param timeout: seconds to wait for it.
    :raises ConnectionError: it does not respond.
    """
    try:
        client = Client(address, timeout=timeout, set_as_default=False)
    except OSError as error:
        raise ConnectionError(f"no Dask scheduler answers at {address}: {error}") from error
    return DaskExecutor(client, close=True)


def pieces_of(data: Any) -> list[Any]:
    """The pieces of ``data``, each of which Dask computes on its own; nothing is computed yet.

    :param data: a ``dask.array``, whose object holds its elements in C order; a ``dask.bag`` of
        bytes, whose partitions are pieces; or an iterable of ``Delayed``, futures, callables or
        bytes, each a piece.
    :raises ValueError: an array is divided along another axis than the first, so that its chunks
        are not contiguous in the object.
    """
    if not is_dask_collection(data) or isinstance(data, Delayed):
        return [data] if isinstance(data, Delayed) else list(data)
    blocks = data.to_delayed()
    if not hasattr(data, "chunks"):
        return [delayed(b"".join)(partition) for partition in blocks]
    if any(len(sizes) > 1 for sizes in data.chunks[1:]):
        raise ValueError(
            "only the first axis of the array may be divided into chunks: "
            f"array.rechunk({{0: 'auto', **dict.fromkeys(range(1, {data.ndim}), -1)}})"
        )
    return [delayed(_contents)(block) for block in blocks.ravel()]


def _chunk_sizes(data: Any) -> list[int] | None:
    """Sizes of the chunks of an array, bytes; ``None`` if it is no array, or they are not known."""
    if not is_dask_collection(data) or not hasattr(data, "chunks"):
        return None
    size = prod(data.shape[1:]) * data.dtype.itemsize
    known = size == size and data.ndim and not any(rows != rows for rows in data.chunks[0])  # NaN
    return [int(rows * size) for rows in data.chunks[0]] if known else None


def _contents(block: Any) -> bytes:
    return bytes(block.tobytes())


class DaskExecutor(Executor):
    """Runs tasks on the workers of a Dask cluster.

    :param close: close the client at the shutdown.
    :param worker_timeout: seconds to wait for a worker whenever there is none; then tasks fail. A
        cluster that adapts to its load starts one.
    :raises LibcloudError: a worker lacks this version of the library, or there is none.
    """

    def __init__(
        self, client: Any, *, close: bool = False, worker_timeout: float = _WORKER_SECONDS
    ) -> None:
        self._client = client
        self._close = close
        self._timeout = worker_timeout
        self._pending: dict[Future[Any], Any] = {}
        self._watching = False
        try:
            _wait_for_worker(client, worker_timeout)
            _check(client)
        except BaseException:
            self.shutdown()
            raise

    @property
    def workers(self) -> int:
        """Threads of all workers."""
        return sum(self._client.nthreads().values()) or 1

    @property
    def window(self) -> int:
        """Tasks in flight at most: the workers, and as many that wait for them."""
        return 2 * self.workers

    pieces_of = staticmethod(pieces_of)

    def hold(self, pieces: Any) -> tuple[list[object], list[int]]:
        """Start to compute the pieces, see :func:`pieces_of`, and keep them; and their sizes.

        The sizes of the chunks of an array are known: they are computed with the part they are for.
        """
        sizes = _chunk_sizes(pieces)
        if sizes is not None:
            return pieces_of(pieces), sizes
        held = [self._start(piece) for piece in pieces_of(pieces)]
        measured = [self.submit(piece_size, piece) for piece in held]
        return held, collect_sizes([future.result for future in measured])

    def _start(self, piece: Any) -> object:
        if isinstance(piece, DaskFuture):
            return piece
        if is_dask_collection(piece):
            return self._client.compute(piece)
        return self._client.submit(piece, pure=False) if callable(piece) else piece

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run ``fn``; Dask's futures and ``Delayed`` in ``args`` are replaced by their values."""
        if any(map(is_dask_collection, args)):
            task = self._client.compute(delayed(fn, pure=False)(*args, **kwargs))
        else:
            task = self._client.submit(fn, *args, pure=False, **kwargs)
        future = followed(task)
        self._pending[future] = task
        future.add_done_callback(self._pending.pop)
        self._client.loop.add_callback(self._watch)
        return future

    async def _watch(self) -> None:
        """Fail the tasks when there has been no worker for too long; runs in the client's loop."""
        if self._watching:
            return
        self._watching, last = True, time.monotonic()
        try:
            while self._pending:
                if await self._client.nthreads():
                    last = time.monotonic()
                elif time.monotonic() - last >= self._timeout:
                    await self._fail()
                await asyncio.sleep(_WATCH_SECONDS)
        except OSError:
            pass  # the scheduler is lost: the tasks fail
        finally:
            self._watching = False

    async def _fail(self) -> None:
        tasks = list(self._pending.items())
        for future, _ in tasks:
            with contextlib.suppress(InvalidStateError):
                future.set_exception(_no_workers(self._client, self._timeout))
        await self._client.cancel([task for _, task in tasks])

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Close the client, if it was made for this executor."""
        if self._close:
            self._client.close()


def _wait_for_worker(client: Any, seconds: float) -> None:
    if client.nthreads():
        return
    task = client.submit(int, pure=False)
    try:
        task.result(seconds)
    except DaskTimeoutError:
        raise _no_workers(client, seconds) from None
    finally:
        task.cancel()


def _no_workers(client: Any, seconds: float) -> LibcloudError:
    address = client.scheduler.address
    return LibcloudError(
        f"the Dask scheduler at {address} has no workers, and got none within {seconds:g} s: "
        f"start some with `dask worker {address}`"
    )


def _check(client: Any) -> None:
    found = client.run(eval, _VERSION, on_error="return")
    for worker, version in found.items():
        if isinstance(version, BaseException):
            raise LibcloudError(f"the worker {worker} has no libcloud-storage: {version}")
        if version != __version__:
            raise LibcloudError(
                f"the worker {worker} has libcloud-storage {version}, this program {__version__}"
            )
