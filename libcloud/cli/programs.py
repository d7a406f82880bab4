# SPDX-License-Identifier: Apache-2.0
"""``put URL -- COMMAND`` and ``get URL -- COMMAND``: a program that produces or consumes the data.

In a shell pipeline, neither side learns that the other one failed. Here an upload is published only
after its producer succeeded, and a consumer reads the end of its input only after all of it.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from typing import IO, Any

from libcloud.cli.errors import ProgramError
from libcloud.cli.signals import wait_for_input
from libcloud.cli.text import printable

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_SECONDS_TO_END = 5.0
_INTERVAL = 0.01
_SILENCE = 0.25


@contextlib.contextmanager
def produce(program: tuple[str, ...]) -> Iterator[Any]:
    """Start ``program``, whose standard output the block reads, an :class:`_Output`.

    It reads this process's standard input and shares its standard error. If the block fails, the
    program is terminated, and killed after 5 seconds.
    """
    with _running(program, stdout=subprocess.PIPE) as process:
        yield _Output(program[0], process)


class _Output(io.RawIOBase):
    """The standard output of a program.

    Another process that it started may still write after it has ended, so all is read to the end,
    unless the program failed.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self._name = name
        self._process = process

    def read(self, size: int = -1) -> bytes:
        pipe: Any = self._process.stdout
        while not wait_for_input(pipe, _SILENCE):
            self._raise_if_failed()
        piece: bytes = pipe.read1(size)
        if piece:
            self._raise_if_failed()
        return piece

    def checked(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield ``pieces`` of the output, then wait for it. :raises ProgramError: it failed."""
        yield from pieces
        self._process.wait()
        self._raise_if_failed()

    def _raise_if_failed(self) -> None:
        _raise_if_failed(self._name, self._process.poll() or 0, "nothing was stored")


@contextlib.contextmanager
def consume(program: tuple[str, ...]) -> Iterator[IO[bytes]]:
    """Start ``program``; yield its standard input, which is closed after the block, and wait.

    If the block fails, the program is terminated before its input ends, so that it cannot mistake a
    part of the data for all of it.
    """
    with _running(program, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it may succeed without reading everything
            yield process.stdin
            process.stdin.close()
        _raise_if_failed(program[0], process.wait())


@contextlib.contextmanager
def _running(
    program: tuple[str, ...], *, stdin: int | None = None, stdout: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    try:
        process = subprocess.Popen(program, stdin=stdin, stdout=stdout)
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        text = getattr(error, "strerror", None) or str(error)
        raise ProgramError(
            f"{printable(program[0])} cannot be started: {text}",
            _NOT_FOUND if missing else _NOT_EXECUTABLE,
        ) from None
    try:
        yield process
    finally:
        if process.poll() is None:
            _end(process)
        for stream in (process.stdout, process.stdin):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Terminate the program and those that it started, and wait until they have ended.

    In ``sh -c 'gunzip | psql'`` the shell is the program. None of the three may continue after
    another one ended, whose output would seem to be complete: all are stopped first.
    """
    if not hasattr(signal, "SIGSTOP"):
        process.kill()
        process.wait()
        return
    found: set[int] = set()
    while new := {process.pid, *_descendants(process.pid)} - found:
        _send(new, signal.SIGSTOP)  # it starts no others
        found |= new
    _send(found, signal.SIGTERM)
    _send(found, signal.SIGCONT)
    end = time.monotonic() + _SECONDS_TO_END
    while process.poll() is None or found & _processes().keys():
        if time.monotonic() >= end:
            _send(found & {process.pid, *_processes()}, signal.SIGKILL)
            break
        time.sleep(_INTERVAL)
    with contextlib.suppress(subprocess.TimeoutExpired):  # another user's, as with sudo
        process.wait(_SECONDS_TO_END)


def _send(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):  # it has ended
            os.kill(pid, number)


def _descendants(pid: int) -> set[int]:
    parents = _processes()
    found: set[int] = set()
    new = {pid}
    while new:
        new = {one for one, parent in parents.items() if parent in new} - found
        found |= new
    return found


def _processes() -> dict[int, int]:
    """All running processes, and their parents; none if they are not known."""
    command = ["ps", "-A", "-o", "pid=,ppid=,stat="]
    try:
        if os.path.exists("/proc/self/stat"):
            lines = [line for pid in os.listdir("/proc") if pid.isdigit() for line in _stat(pid)]
        else:
            lines = subprocess.run(command, capture_output=True, check=False).stdout.splitlines()
    except OSError:
        return {}
    fields = [line.split() for line in lines]
    return {int(one[0]): int(one[1]) for one in fields if not one[2].startswith((b"Z", b"X"))}


def _stat(pid: str) -> list[bytes]:
    """The id, parent and state of a process, as :program:`ps` prints them; empty if it ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state, parent = file.read().rpartition(b")")[2].split()[:2]
    except (OSError, ValueError):
        return []
    return [b"%d %s %s" % (int(pid), parent, state)]


def _raise_if_failed(name: str, status: int, consequence: str = "") -> None:
    """:raises ProgramError: ``status``, as :mod:`subprocess` reports it, is not 0."""
    if not status:
        return
    suffix = f": {consequence}" if consequence else ""
    if status > 0:
        raise ProgramError(f"{printable(name)} failed with exit status {status}{suffix}", status)
    try:
        killer = signal.Signals(-status).name
    except ValueError:
        killer = f"signal {-status}"
    raise ProgramError(f"{printable(name)} was killed by {killer}{suffix}", 128 - status)
