# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and other wishes to end: the transfer under way is undone, and told about."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import BinaryIO

from libcloud.cli.progress import cut

__all__ = ["Interrupted", "heeded", "wait_for_input"]

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

# The end of a pipe that signals are told to, while they are heeded.
_told: list[int] = []


class Interrupted(KeyboardInterrupt):
    """A signal asks to end.

    :param number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def status(self) -> int:
        """What a shell reports of a program that the signal ended."""
        return 128 + self.number


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """In the block, a signal raises :class:`Interrupted`, so that uploads are aborted.

    The second says that this takes a while; the third ends the program at once.
    """
    came = 0

    def interrupt(number: int, _: FrameType | None) -> None:
        nonlocal came
        came += 1
        if came == 1:
            _write("libcloud: interrupted")
            cut()
            raise Interrupted(number)
        if came == 2:
            _write("libcloud: still cleaning up; once more ends it now, and may leave parts behind")
            return
        os._exit(128 + number)

    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # as nohup, and shells for what runs in the background
            signal.signal(number, interrupt)
    try:
        with _telling():
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    """In the block, a signal writes a byte to a pipe, too, whatever the main thread waits for."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    _told.append(reading)
    try:
        yield
    finally:
        _told.pop()
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)


def wait_for_input(stream: BinaryIO) -> None:
    """Return when there is something to read in ``stream``, its end included.

    A signal that comes right before a read, or to another thread, is kept until the read returns,
    and it may never: a pipe can be silent for ever. So the waiting is done here.
    """
    if not _told or not hasattr(select, "poll"):
        return
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return
    poller = select.poll()
    poller.register(number, select.POLLIN)
    poller.register(_told[-1], select.POLLIN)
    while number not in (ready := dict(poller.poll())):
        assert _told[-1] in ready
        with contextlib.suppress(BlockingIOError):
            os.read(_told[-1], 64)  # the signal itself is heeded by now


def _write(text: str) -> None:
    """Write a line to standard error: not through ``sys.stderr``, which may be amid a write."""
    start = "\r\x1b[K" if sys.stderr.isatty() else ""
    with contextlib.suppress(OSError):
        os.write(2, f"{start}{text}\n".encode())
