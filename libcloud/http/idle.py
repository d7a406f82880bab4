# SPDX-License-Identifier: Apache-2.0
"""The idle connections of a pool, without a lock.

The queue of the standard library has one that is not reentrant. When an object is collected while a
thread holds it, and its ``__del__`` sends a request, such as the one that aborts an upload, that
thread would wait for itself.
"""

from __future__ import annotations

import queue
from collections import deque
from typing import Any

__all__ = ["IdleConnections"]


class IdleConnections:
    """What a pool of urllib3 needs of a queue, for one that never waits.

    :param maxsize: connections that are kept, or a few more if threads give back several at once;
        0: any number.
    """

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._items: deque[Any] = deque()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Keep ``item``.

        :raises queue.Full: there are enough.
        """
        if 0 < self._maxsize <= len(self._items):
            raise queue.Full
        self._items.append(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """The item that was kept last.

        :raises queue.Empty: there is none.
        """
        try:
            return self._items.pop()
        except IndexError:
            raise queue.Empty from None

    def qsize(self) -> int:
        """How many are kept."""
        return len(self._items)
