# SPDX-License-Identifier: Apache-2.0
"""Ray: pieces are ``ObjectRef`` objects, which Ray keeps, or callables.

Ray runs a task again if its worker is lost, and computes again what was lost with a machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any

from libcloud.storage.scaleout.holding import collect_sizes, missing_extra, piece_size

try:
    import ray
except ImportError as error:
    raise ImportError(missing_extra("ray", "ray")) from error

__all__ = ["RayExecutor", "connect"]


def connect(address: str) -> RayExecutor:
    """The executor of the cluster at ``address``.

    :param address: ``ray://HOST:PORT``; ``auto``: the cluster of this machine.
    :raises ConnectionError: it does not answer.
    """
    if ray.is_initialized():
        return RayExecutor()
    try:
        ray.init(address)
    except ConnectionError as error:
        raise ConnectionError(f"no Ray cluster answers at {address}: {error}") from error
    return RayExecutor(close=True)


class RayExecutor(Executor):
    """Runs tasks on the Ray cluster that this process is connected to, each on one CPU.

    :param close: disconnect at the shutdown.
    """

    def __init__(self, *, close: bool = False) -> None:
        self._close = close
        self._remote: dict[Callable[..., Any], Any] = {}  # functions that Ray knows already

    @property
    def workers(self) -> int:
        """CPUs of the cluster."""
        return int(ray.cluster_resources().get("CPU", 1))

    def hold(self, pieces: Iterable[Any]) -> list[object]:
        """Start to compute the pieces: references are kept, callables are called."""
        return [self._start(_call, piece) if callable(piece) else piece for piece in pieces]

    def sizes(self, handles: Sequence[Any]) -> list[int]:
        """Sizes of the held pieces in bytes."""
        references = [self._start(piece_size, handle) for handle in handles]
        return collect_sizes([partial(ray.get, reference) for reference in references])

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run ``fn``; arguments that are references are replaced by what they refer to."""
        made: Future[Any] = self._start(fn, *args, **kwargs).future()
        return made

    def _start(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if function not in self._remote:
            self._remote[function] = ray.remote(function)
        return self._remote[function].remote(*args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Disconnect, if the connection was made for this executor."""
        if self._close:
            ray.shutdown()


def _call(piece: Callable[[], Any]) -> Any:
    return piece()
