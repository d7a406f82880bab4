# SPDX-License-Identifier: Apache-2.0
"""A queue for many threads that add elements, and one that waits for several of them at once.

Tests: ``libcloud/test/storage/test_worker_pool.py``.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import deque
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

_T = TypeVar("_T")


class BatchQueue(Generic[_T]):
    """A queue whose reader is woken once for several elements.

    Waking a thread takes longer than adding an element, and it competes with those that add them.
    """

    def __init__(self) -> None:
        self._elements: deque[_T] = deque()
        self._wanted: float = math.inf  # elements that are waited for
        self._wake: SimpleQueue[None] = SimpleQueue()

    def __bool__(self) -> bool:
        return bool(self._elements)

    def put(self, element: _T, *, urgent: bool = False) -> None:
        """Add ``element``; if it is urgent, it ends the wait."""
        self._elements.append(element)
        if urgent and self._wanted != math.inf:
            self._wanted = 1
        if len(self._elements) >= self._wanted:
            self._wake.put(None)

    def take(self) -> _T:
        return self._elements.popleft()

    def wait(self, count: int, seconds: float) -> bool:
        """Wait up to ``seconds`` for ``count`` elements or an urgent one; whether there is any."""
        end = time.monotonic() + seconds
        self._wanted = count
        # Several threads may have noticed the end of the last wait: a signal may be left of it.
        while len(self._elements) < self._wanted and (left := end - time.monotonic()) > 0:
            with contextlib.suppress(Empty):
                self._wake.get(timeout=left)
        self._wanted = math.inf
        return bool(self._elements)
