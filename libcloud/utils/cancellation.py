# SPDX-License-Identifier: Apache-2.0
"""Cancels work that runs in other threads: the work checks whether it should stop.

A :class:`Cancellation` is active in the threads that work for one caller. Code deep inside that
work calls :func:`raise_if_cancelled` and :func:`sleep`, which refer to the one that is active in
the calling thread, so that no argument has to be passed through.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar


class CancelledError(Exception):
    """The caller no longer needs the result; started operations are undone."""


_active: ContextVar[Cancellation | None] = ContextVar("libcloud_cancellation", default=None)


class Cancellation:
    """Whether the work of one caller should stop. Thread-safe.

    It includes the one that is active in the thread that creates it.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._outer = _active.get()

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called, also of an outer one."""
        return self._event.is_set() or (self._outer is not None and self._outer.cancelled)

    def cancel(self) -> None:
        """Make the work stop at its next check, and end its waits."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait for ``seconds``, or until cancelled; whether it is cancelled."""
        return self._event.wait(seconds) or self.cancelled

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Be the cancellation of this thread in the block."""
        token = _active.set(self)
        try:
            yield
        finally:
            _active.reset(token)


@contextlib.contextmanager
def shielded() -> Iterator[None]:
    """Ignore the cancellation in the block, which undoes what was started."""
    token = _active.set(None)
    try:
        yield
    finally:
        _active.reset(token)


def is_cancelled() -> bool:
    """Whether the work of the calling thread is cancelled."""
    cancellation = _active.get()
    return cancellation is not None and cancellation.cancelled


def raise_if_cancelled() -> None:
    """:raises CancelledError: the work of the calling thread is cancelled."""
    cancellation = _active.get()
    if cancellation is not None and cancellation.cancelled:
        raise CancelledError("cancelled")


def sleep(seconds: float) -> None:
    """Wait for ``seconds``.

    :raises CancelledError: the work of the calling thread is cancelled, before or meanwhile.
    """
    cancellation = _active.get()
    if cancellation is None:
        time.sleep(seconds)
    elif cancellation.wait(seconds):
        raise CancelledError("cancelled")


def interruptible(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield ``pieces``, and close them at the end.

    :raises CancelledError: the work of the calling thread is cancelled.
    """
    with contextlib.ExitStack() as stack:
        stack.callback(getattr(pieces, "close", int))
        for piece in pieces:
            raise_if_cancelled()
            yield piece
