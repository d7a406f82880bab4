# SPDX-License-Identifier: Apache-2.0
"""Ray: pieces are ``ObjectRef`` objects, which Ray keeps, or callables.

Ray runs a task again if its worker is lost, and computes again what was lost with a machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any

from libcloud.storage.scaleout.futures import collect_sizes, followed, piece_size
from libcloud.utils.environment import missing_extra

try:
    import ray
except ImportError as error:
    raise ImportError(missing_extra("ray", "ray")) from error


def connect(address: str) -> RayExecutor:
    """The executor of the cluster at ``address``.

    :param address: ``ray://HOST:PORT``; ``auto``: the cluster of this machine.
    :raises ConnectionError: it does not respond.
    """
    if ray.is_initialized() and address == "auto":
        return RayExecutor()
    try:
        ray.init(address)
    except (ConnectionError, RuntimeError) as error:  # RuntimeError: connected to another one
        raise ConnectionError(f"no Ray cluster answers at {address}: {error}") from error
    return RayExecutor(close=True)


class RayExecutor(Executor):
    """Runs tasks on the Ray cluster that this process is connected to, each on one CPU."""

    def __init__(self, *, close: bool = False) -> None:
        self._close = close
        self._run = ray.remote(_run)

    @property
    def workers(self) -> int:
        """CPUs of the cluster."""
        return int(ray.cluster_resources().get("CPU", 1))

    @property
    def window(self) -> int:
        """Tasks in flight at most: one for each CPU, and as many that wait for them."""
        return 2 * self.workers

    def hold(self, pieces: Iterable[Any]) -> tuple[list[object], list[int]]:
        """Start to compute the pieces, and keep them; and their sizes.

        :param pieces: references are used as they are, and callables are called by a task each.
        """
        held = [self._run.remote(piece) if callable(piece) else piece for piece in pieces]
        measured = [self._run.remote(piece_size, piece) for piece in held]
        return held, collect_sizes([partial(ray.get, size) for size in measured])

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run ``fn``; arguments that are references are replaced by what they refer to."""
        return followed(self._run.remote(fn, *args, **kwargs).future())

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Disconnect, if the connection was made for this executor."""
        if self._close:
            ray.shutdown()


def _run(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)
