# SPDX-License-Identifier: Apache-2.0
"""Executors that run tasks on the workers of an engine: Dask, Ray, MPI, loky or processes.

An upload from many machines, and a migration, know nothing else of the engine.

Futures of Dask and Ray cannot be cancelled: neither engine tells whether a task has started, and an
upload must not be aborted while a part is in flight. So submit a few tasks per worker, not all.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from importlib import import_module
from typing import cast
from urllib.parse import urlsplit

from libcloud.utils.arguments import kind_of
from libcloud.utils.environment import missing_extra

# How often a worker checks whether the process that waits for its results still exists.
_PARENT_SECONDS = 0.2


def executor_for(target: object, workers: int | None = None) -> Executor:
    """The executor that ``target`` describes.

    Shutting it down closes the connection that was made for it; a cluster keeps running.

    :param target: an executor, which is returned; a ``distributed.Client``; or a text:
        ``dask://HOST:PORT`` (a scheduler), ``ray://HOST:PORT`` (a Ray client server), ``ray`` (the
        Ray cluster of this machine), ``mpi``, ``loky``, ``processes`` or ``threads``.
    :param workers: processes or threads; ``None``: as many as there are cores. Dask, Ray and MPI
        have their own.
    :raises ConnectionError: no scheduler responds.
    :raises ImportError: the engine is not installed; the text says how to install it.
    :raises TypeError, LibcloudError: see :func:`adapted`.
    :raises ValueError: the text describes no executor.
    """
    return _by_name(target, workers) if isinstance(target, str) else adapted(target)


def adapted(target: object) -> Executor:
    """The executor of an object of an engine: a ``distributed.Client`` has one.

    :raises LibcloudError: a worker lacks this version of the library.
    :raises TypeError: it is neither an executor nor has one.
    """
    if callable(getattr(target, "get_executor", None)):
        from libcloud.storage.scaleout.dask import DaskExecutor

        return DaskExecutor(target)
    if callable(getattr(target, "submit", None)):
        return cast("Executor", target)
    raise TypeError(f"not an executor: {kind_of(target)}")


def workers_of(executor: object, default: int | None = None) -> int:
    """Tasks that ``executor`` runs at once; ``default``, or the number of cores, if unknown."""
    for name in ("workers", "_max_workers", "num_workers"):  # ours, the standard library, MPI
        number = getattr(executor, name, None)
        if isinstance(number, int) and number > 0:
            return number
    return default or os.cpu_count() or 1


def _by_name(target: str, workers: int | None) -> Executor:
    parts = urlsplit(target if ":" in target else f"{target}://")
    makers: dict[str, Callable[[], Executor]] = {
        "dask": lambda: _connected("dask", f"tcp://{parts.netloc}"),
        "ray": lambda: _connected("ray", f"ray://{parts.netloc}" if parts.netloc else "auto"),
        "mpi": _mpi,
        "loky": lambda: _loky(workers),
        "processes": lambda: _processes(workers),
        "threads": lambda: ThreadPoolExecutor(workers, "libcloud-task"),
    }
    remote = parts.scheme in ("dask", "ray")
    wrong = parts.scheme not in makers or parts.path or (parts.netloc and not remote)
    if wrong or (parts.scheme == "dask" and not parts.netloc):
        raise ValueError(
            f"unknown executor {target!r}: use dask://HOST:PORT, ray://HOST:PORT, ray, mpi, loky, "
            "processes or threads"
        )
    return makers[parts.scheme]()


def _connected(engine: str, address: str) -> Executor:
    module = import_module(f"libcloud.storage.scaleout.{engine}")
    return cast("Executor", module.connect(address))


def _mpi() -> Executor:
    try:
        from mpi4py import MPI
        from mpi4py.futures import MPIPoolExecutor, _core
    except (ImportError, RuntimeError) as error:  # RuntimeError: it finds no MPI library
        raise ImportError(missing_extra("mpi4py and an MPI library", "mpi")) from error
    # Otherwise every process runs the whole program, and its executor starts further ones.
    if _core.SharedPool is None:
        raise ValueError(
            "start the program with at least two processes: "
            "mpiexec -n 4 python -m mpi4py.futures PROGRAM"
        )
    if MPI.COMM_WORLD.Get_rank() != 0:
        raise RuntimeError(
            "a worker of MPI runs the whole program: its main part belongs under "
            "if __name__ == '__main__'"
        )
    return cast("Executor", MPIPoolExecutor())


def _loky(workers: int | None) -> Executor:
    try:
        from loky import ProcessPoolExecutor as LokyExecutor
    except ImportError as error:
        raise ImportError(missing_extra("loky", "loky")) from error
    return cast("Executor", LokyExecutor(workers, initializer=partial(_start_worker, os.getpid())))


def _processes(workers: int | None) -> Executor:
    # A forked process would have the locks of this one, as threads of this one have left them.
    from multiprocessing import get_context

    return ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (os.getpid(),))


def _start_worker(parent: int) -> None:
    """Leave Ctrl-C, which a terminal sends to all processes, to the one that waits for the results,
    and end when that has ended, which a worker would not notice.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_SECONDS)
    os._exit(1)
