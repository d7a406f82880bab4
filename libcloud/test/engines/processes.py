# SPDX-License-Identifier: Apache-2.0
"""Processes that are started for a test, and where in them, and around them, a text is."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import cloudpickle

STOP_SECONDS = 10


@contextlib.contextmanager
def running(
    arguments: list[str], log: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A module of Python as a program, which is ended in any case.

    :param arguments: behind ``python -m``.
    :param log: where its output goes.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def memory_contains(pid: int, text: str) -> bool:
    """Whether ``text`` is in the writable memory of a process; needs Linux.

    The process must not have it among its variables, which are a part of its memory.
    """
    wanted = text.encode()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="ascii").splitlines():
            span, mode, *_ = line.split()
            if not mode.startswith("rw") or line.endswith(("[vvar]", "[vsyscall]")):
                continue
            start, stop = (int(address, 16) for address in span.split("-"))
            memory.seek(start)
            with contextlib.suppress(OSError):  # unmapped meanwhile
                if wanted in memory.read(stop - start):
                    return True
    return False


def files_with(text: str, *folders: Path) -> list[Path]:
    """The files below ``folders`` that contain ``text``."""
    wanted = text.encode()
    paths = [
        Path(parent, name)
        for folder in folders
        for parent, _, names in os.walk(folder)
        for name in names
    ]
    return [path for path in paths if wanted in _content(path)]


def _content(path: Path) -> bytes:
    """What is in a file; nothing if it is none, or was deleted."""
    with contextlib.suppress(OSError):
        if path.is_file():
            return path.read_bytes()
    return b""


class Recorder(Executor):
    """An executor that keeps a pickle of every task, and of every result.

    :ivar pickles: of them.
    """

    def __init__(self, executor: Any) -> None:
        self._executor = executor
        self.pickles: list[bytes] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.pickles.append(cloudpickle.dumps((fn, args, kwargs)))
        future: Future[Any] = self._executor.submit(fn, *args, **kwargs)
        future.add_done_callback(lambda done: self.pickles.append(cloudpickle.dumps(done.result())))
        return future
