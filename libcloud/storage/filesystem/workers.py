# SPDX-License-Identifier: Apache-2.0
"""Blocking calls in the worker pool of a driver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from libcloud.utils.cancellation import Cancellation

_T = TypeVar("_T")

# Seconds to wait for a running call whose coroutine is cancelled.
_GRACE = 1.0


def submit(driver: Any, function: Callable[..., _T], *args: Any) -> Future[_T]:
    """Call ``function`` in a thread of the pool that all operations of ``driver`` share."""
    future: Future[_T] = driver._pool.submit(function, *args)
    return future


async def run(driver: Any, function: Callable[..., _T], *args: Any) -> _T:
    """The result of ``function``, called in the worker pool of ``driver``.

    If the coroutine is cancelled, a running call is cancelled as well, and briefly waited for.
    """
    cancellation = Cancellation()
    future = submit(driver, _cancellable, cancellation, function, args)
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        cancellation.cancel()
        if future.running():
            end = asyncio.wrap_future(future)
            end.add_done_callback(lambda _: end.cancelled() or end.exception())  # not logged
            await asyncio.wait([end], timeout=_GRACE)
        cancellation.interrupt()
        raise


def _cancellable(
    cancellation: Cancellation, function: Callable[..., _T], args: tuple[Any, ...]
) -> _T:
    with cancellation.active():
        return function(*args)
