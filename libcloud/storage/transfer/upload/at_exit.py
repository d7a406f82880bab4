# SPDX-License-Identifier: Apache-2.0
"""Uploads of daemon threads, which Python stops at any point when the program exits.

All other threads are waited for, or notified of the exit by an exception.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Generic

from libcloud.storage.transfer.values import Content, Source, SourcePart
from libcloud.utils.cancellation import current
from libcloud.utils.local import ExitFunctions

_log = logging.getLogger(__name__)

# Seconds that the exit of the program waits for requests in flight.
_PATIENCE = 10.0

# The same for requests that undo what was cancelled.
_PATIENCE_FOR_CLEANUP = 1.0


_exits = ExitFunctions()


class SourceUntilExit(Generic[Content]):
    """The source of an upload by a daemon thread, which ends if the program exits first.

    The thread holds ``turn`` in the block except while it waits for a part.

    :param abort: cleans up if the program exits, while this thread waits for ``source``.
    """

    def __init__(self, source: Source[Content], abort: Callable[[], object], label: str) -> None:
        self.turn = threading.Lock()
        self.over = False
        self._source = source
        self._abort = abort
        self._label = label
        self._pid = os.getpid()
        self._cancellation = current()

    def __enter__(self) -> SourceUntilExit[Content]:
        _exits.register(self.at_exit)
        self.turn.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.over = True
        self.turn.release()
        _exits.unregister(self.at_exit)

    def next_part(self, size: int) -> SourcePart[Content]:
        self.turn.release()
        try:
            return self._source.next_part(size)
        finally:
            self.turn.acquire()  # forever, once the program has ended

    def at_exit(self) -> None:
        """Abort the upload; its thread does not continue."""
        if os.getpid() != self._pid:
            return
        if not self._take_turn():
            _log.warning("%s: the program ends during the upload", self._label)
        elif not self.over:
            self._abort()

    def _take_turn(self) -> bool:
        cancellation = self._cancellation
        if cancellation is None or not cancellation.cancelled:
            return self.turn.acquire(timeout=_PATIENCE)
        # Nobody needs the object any more, and what had time to be undone is undone.
        if self.turn.acquire(timeout=_PATIENCE_FOR_CLEANUP):
            return True
        cancellation.abandon()
        return self.turn.acquire(timeout=_PATIENCE)
