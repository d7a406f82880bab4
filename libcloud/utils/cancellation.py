# SPDX-License-Identifier: Apache-2.0
"""Cancels work that runs in other threads: the work checks whether it should stop.

Code deep inside the work calls :func:`raise_if_cancelled` and :func:`sleep`, which refer to the
:class:`Cancellation` that is active in the calling thread: no argument is passed through.
"""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Protocol, TypeVar

from libcloud.utils.local import PerProcess

_T = TypeVar("_T")
_R = TypeVar("_R")


class CancelledError(Exception):
    """The caller no longer needs the result; started operations are undone."""


_active: ContextVar[Cancellation | None] = ContextVar("libcloud_cancellation", default=None)


class Interruptible(Protocol):
    """Something that a thread waits for, such as a response on a connection."""

    def interrupt(self) -> object:
        """End the wait, from any thread; the waiting thread gets an error."""


class Cancellation:
    """Whether the work of one caller should stop. Thread-safe.

    It is also stopped together with the one that is active in the thread that creates it.

    Work stops in three steps, so that it ends even if a server stops responding. After
    :meth:`cancel` it makes no further requests, except those that undo earlier ones, in
    :func:`shielded` blocks. :meth:`interrupt` ends the requests that are still in flight, except
    these, and :meth:`abandon` all of them.

    :param shield: only :meth:`abandon` of the outer one counts, not :meth:`cancel`.
    :ivar abandoned: :meth:`abandon` was called, also of an outer one.
    :ivar ended_waits: number of waits that were not interrupted; counted by the outermost one only.
    """

    def __init__(self, *, shield: bool = False) -> None:
        self._event = threading.Event()
        self._shield = shield
        self.cancelled = self.abandoned = False
        self.ended_waits = 0
        # By id. Dictionaries of CPython can be changed by several threads, item by item. A forked
        # process must not shut down the sockets that it shares with its parent.
        self._waits: PerProcess[dict[int, Interruptible]] = PerProcess(dict)
        self._inner: dict[int, weakref.ref[Cancellation]] = {}
        # Kept: it passes on what is called of those around it.
        self._outer = outer = _active.get()
        self._outermost: Cancellation = self if outer is None else outer._outermost
        if outer is not None:
            known, key = outer._inner, id(self)
            known[key] = weakref.ref(self, lambda _: known.pop(key, None))
            # From now on, the outer one sets these as well.
            if outer.abandoned:
                self.cancelled = self.abandoned = True
            elif outer.cancelled and not shield:
                self.cancelled = True

    def cancel(self) -> None:
        self.cancelled = True
        self._event.set()
        for inner in self._inner_ones():
            if not inner._shield:
                inner.cancel()

    def interrupt(self) -> None:
        """Make the work stop now: its requests in flight fail."""
        self.cancel()
        waits = self._waits()
        while waits:
            with contextlib.suppress(KeyError):  # the last one has just ended
                waits.popitem()[1].interrupt()
        for inner in self._inner_ones():
            if not inner._shield:
                inner.interrupt()

    def abandon(self) -> None:
        """Make the work end without undoing anything: it makes no further request."""
        self.abandoned = True
        self.interrupt()
        for inner in self._inner_ones():
            inner.abandon()

    def start_wait(self, wait: Interruptible) -> None:
        """Let :meth:`interrupt` end ``wait``, until :meth:`end_wait`."""
        self._waits()[id(wait)] = wait
        if self.abandoned:
            self.abandon()

    def end_wait(self, wait: Interruptible) -> bool:
        """Whether it was not interrupted."""
        if self._waits().pop(id(wait), None) is None:
            return False
        self._outermost.ended_waits += 1
        return True

    def wait(self, seconds: float) -> bool:
        """Wait for ``seconds``, or until cancelled; whether it is cancelled."""
        return self.cancelled or self._event.wait(seconds) or self.cancelled

    def call(self, function: Callable[[_T], _R], argument: _T) -> _R:
        if self.cancelled:
            raise CancelledError("cancelled")
        token = _active.set(self)
        try:
            return function(argument)
        finally:
            _active.reset(token)

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        token = _active.set(self)
        try:
            yield
        finally:
            _active.reset(token)

    def _inner_ones(self) -> list[Cancellation]:
        found = [reference() for reference in [*self._inner.values()]]
        return [inner for inner in found if inner is not None]


current = _active.get
"""Returns the cancellation of the calling thread, or ``None``."""


def joined(cancellation: Cancellation | None) -> contextlib.AbstractContextManager[None]:
    """Work for the caller with that cancellation in the block, in another thread."""
    return contextlib.nullcontext() if cancellation is None else cancellation.active()


def shielded() -> contextlib.AbstractContextManager[None]:
    """Ignore the cancellation in the block, which undoes what was started."""
    return joined(None if _active.get() is None else Cancellation(shield=True))


def is_cancelled() -> bool:
    cancellation = _active.get()
    return cancellation is not None and cancellation.cancelled


def raise_if_cancelled() -> None:
    """:raises CancelledError: the work of the calling thread is cancelled."""
    cancellation = _active.get()
    if cancellation is not None and cancellation.cancelled:
        raise CancelledError("cancelled")


def raise_if_abandoned() -> None:
    cancellation = _active.get()
    if cancellation is not None and cancellation.abandoned:
        raise CancelledError("cancelled")


def sleep(seconds: float) -> None:
    """Wait for ``seconds``. :raises CancelledError: the work is or becomes cancelled."""
    cancellation = _active.get()
    if cancellation is None:
        time.sleep(seconds)
    elif cancellation.wait(seconds):
        raise CancelledError("cancelled")


def interruptible(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield ``pieces``, and close them at the end. :raises CancelledError: as :func:`sleep`."""
    close = getattr(pieces, "close", None)
    try:
        for piece in pieces:
            raise_if_cancelled()
            yield piece
    finally:
        if close is not None:
            close()


class RateLimit:
    """Delays transfers to an average rate, bytes per second, which they share. Thread-safe."""

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._lock = PerProcess(threading.RLock)
        self._free_at = 0.0

    def wait(self, size: int) -> None:
        """Wait until ``size`` more bytes may be transferred. Idle time is not made up for."""
        with self._lock():
            now = self._clock()
            start = max(now, self._free_at)
            self._free_at = start + size / self._rate
        if start > now:
            self._sleep(start - now)
