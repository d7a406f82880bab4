# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and other signals: uploads in progress are aborted, and the user is informed."""

from __future__ import annotations

import _thread
import contextlib
import os
import select
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from types import FrameType
from typing import BinaryIO

from libcloud.cli.progress import interrupt_transfers
from libcloud.utils.cancellation import Cancellation

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

# Seconds without a response after which the requests in flight are interrupted.
_PATIENCE = 0.3

# Reading ends of the wakeup pipes; at most one.
_wakeup_pipes: list[int] = []


class Interrupted(KeyboardInterrupt):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number  # as a shell reports it for a process that the signal killed


@contextlib.contextmanager
def handle_signals() -> Iterator[Cancellation]:
    """Raise :class:`Interrupted` in the block on a signal, and cancel what it yields.

    Started uploads are undone, unless the store stops responding. A second signal exits at once.
    """
    received = 0
    cancellation = Cancellation()

    def interrupt(number: int, _: FrameType | None) -> None:
        nonlocal received
        received += 1
        if received == 1:
            _write("libcloud: interrupted")
            interrupt_transfers()
            # Not in this thread, which may hold any lock. Starting a thread like this takes none.
            _thread.start_new_thread(stop, (cancellation,))
            raise Interrupted(number)
        _write("libcloud: interrupted again: parts of uploads may remain stored")
        os._exit(128 + number)

    numbers = _numbers()
    previous = {number: signal.getsignal(number) for number in numbers}
    for number, handler in previous.items():
        if handler is not signal.SIG_IGN:  # set by nohup, and by shells for background jobs
            signal.signal(number, interrupt)
    try:
        with _wakeup_pipe(), cancellation.active():
            yield cancellation
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def fork_child() -> int:
    """``os.fork()``; the child ignores signals: they reach its parent, too, which ends it."""
    numbers = _numbers()
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        with warnings.catch_warnings():  # threads that wait for tasks are no danger
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if not pid:
            for number in numbers:
                signal.signal(number, signal.SIG_IGN)
            signal.set_wakeup_fd(-1)
        return pid
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


def _numbers() -> list[signal.Signals]:
    return [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]


def stop(cancellation: Cancellation) -> None:
    """Cancel what runs; interrupt it, and then its clean-up, once no responses come any more."""
    for step in (cancellation.cancel, cancellation.interrupt, cancellation.abandon):
        step()
        responses = -1
        while cancellation.ended_waits != responses:
            responses = cancellation.ended_waits
            time.sleep(_PATIENCE)


@contextlib.contextmanager
def _wakeup_pipe() -> Iterator[None]:
    """Make every signal in the block write to a pipe that :func:`wait_for_input` polls."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    previous = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    _wakeup_pipes.append(reading)
    try:
        yield
    finally:
        _wakeup_pipes.pop()
        signal.set_wakeup_fd(previous)
        os.close(reading)
        os.close(writing)


def wait_for_input(stream: BinaryIO, seconds: float | None = None) -> bool:
    """Whether ``stream`` has data to read, or is at its end, before ``seconds`` are over.

    A signal that arrives just before a blocking read, or in another thread, would only be handled
    after the read returns, and a pipe can stay silent forever. Polling also wakes up for signals.
    """
    if not hasattr(select, "poll") or (seconds is None and not _wakeup_pipes):
        return True
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return True
    poller = select.poll()
    poller.register(number, select.POLLIN)
    for pipe in _wakeup_pipes:
        poller.register(pipe, select.POLLIN)
    milliseconds = None if seconds is None else seconds * 1000
    while number not in (ready := dict(poller.poll(milliseconds))):
        if not ready:
            return False
        with contextlib.suppress(BlockingIOError):
            os.read(_wakeup_pipes[-1], 64)  # the handler has run by now
    return True


def _write(text: str) -> None:
    """Write a line to standard error, bypassing ``sys.stderr``, which may be in use."""
    start = "\r\x1b[K" if sys.stderr.isatty() else ""
    with contextlib.suppress(OSError):
        os.write(2, f"{start}{text}\n".encode())
