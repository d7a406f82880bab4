# SPDX-License-Identifier: Apache-2.0
"""A memory budget for the parts of all uploads of a process.

Each upload has a share. It takes memory from the budget before it reads a part, and releases it
when the part is stored. If too little is left, an upload that holds something continues with that,
and one that holds nothing waits for the memory of one part, with priority. So an upload that waits
holds nothing, and there is no deadlock, unless the data of one upload depends on another:

* The waiting thread has other uploads open that hold the memory. They release nothing while it
  waits, so it gets one part beyond the budget, with a warning; a second one is an error.
* Another thread holds the memory and makes no progress. If none is released for a while, the
  upload takes one part beyond the budget, with a warning.

Before that, garbage is collected: an exception may keep alive uploads that can no longer be used.
A forked child, and another process that unpickles the budget, each have the whole budget.
"""

from __future__ import annotations

import gc
import logging
from collections import deque
from contextlib import suppress
from threading import Condition, RLock, get_ident
from typing import Any

from libcloud.common.types import LibcloudError
from libcloud.utils.local import PerProcess

_log = logging.getLogger(__name__)

# Seconds without released memory, after which garbage is collected.
_SILENCE = 1.0


class MemoryBudgetExceededError(LibcloudError):
    """The uploads that one thread has open need more memory than their budget has."""

    def __str__(self) -> str:
        return str(self.value)


class _Usage:
    """The memory that the uploads of one process hold; guarded by ``changed``."""

    def __init__(self) -> None:
        self.lock = RLock()  # that of ``changed``, which is used where nobody waits
        self.changed = Condition(self.lock)
        self.used = 0
        self.given = 0  # how often something was given back
        self.waiting: deque[Share] = deque()
        self.holders: dict[Share, int] = {}  # by the thread that took last
        self.beyond: dict[int, int] = {}  # bytes beyond the budget, by thread
        self.warned = False


class MemoryBudget:
    """Bytes that uploads may hold together; pass it to them as ``ex_max_memory``.

    A thread that has several uploads open, for example many writers, needs a budget of one part for
    each of them: one part more logs a warning, and beyond that the upload fails with a
    :exc:`MemoryBudgetExceededError`. Copies, also of a driver that has it, share the budget.

    >>> budget = MemoryBudget(64 * 1024 * 1024)
    >>> budget.used
    0

    :param size: bytes.
    :param strict: no part exceeds the budget; otherwise, one that has to is held alone.
    :param patience: seconds without released memory after which waiting is considered futile.
    :raises ValueError: ``size`` is less than 1.
    """

    def __init__(self, size: int, *, strict: bool = True, patience: float = 300.0) -> None:
        if size < 1:
            raise ValueError(f"a budget has at least 1 byte, not {size}")
        self.size = size
        self.strict = strict
        self.patience = patience
        self._usage = PerProcess(_Usage)

    def __repr__(self) -> str:
        return f"MemoryBudget({self.size}, used={self.used})"

    def __copy__(self) -> MemoryBudget:
        return self

    def __deepcopy__(self, memo: Any) -> MemoryBudget:
        return self

    @property
    def used(self) -> int:
        """Bytes currently held in this process."""
        return self._usage().used


class Share:
    """The share of one upload in a budget. For one thread at a time."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._usage = budget._usage()
        self.held = 0  # bytes
        self._reserved = 0  # for the part that is read next

    def take(self, size: int) -> bool:
        """Take ``size`` bytes if they are free and no upload waits for them."""
        with self._usage.lock:
            return not self._usage.waiting and self._hold(size)

    def reserve(self, size: int) -> bool:
        """:meth:`take` for the next part; true at once if that was done, or waited for, before."""
        if not self._reserved and self.take(size):
            self._reserved = size
        return bool(self._reserved)

    def fill(self, size: int) -> None:
        """The part was read and has ``size`` bytes: release what was reserved beyond that."""
        surplus, self._reserved = self._reserved - size, 0
        if surplus > 1:  # a byte, by which a longer source is noticed, is released at the end
            self.give(surplus)

    def wait(self, size: int) -> None:
        """Return when ``size`` bytes are reserved. The upload holds nothing.

        :raises MemoryBudgetExceededError: other uploads of this thread hold the memory, and one
            part beyond the budget. Nothing was reserved.
        """
        usage = self._usage
        try:
            with usage.changed:
                usage.waiting.append(self)
            if not self._wait(size, min(_SILENCE, self._budget.patience), final=False):
                # Not while the lock is held: what is collected may end an upload by a request.
                gc.collect()
                self._wait(size, self._budget.patience, final=True)
            self._reserved = size
        finally:
            with usage.changed:
                with suppress(ValueError):  # interrupted before it was there
                    usage.waiting.remove(self)
                usage.changed.notify_all()

    def give(self, size: int) -> None:
        """Release ``size`` bytes."""
        usage, size = self._usage, size if size < self.held else self.held
        if not size:
            return
        with usage.lock:
            self.held -= size
            usage.used -= size
            usage.given += 1
            thread = usage.holders.get(self, 0)
            if not self.held:
                usage.holders.pop(self, None)
            if usage.used <= self._budget.size:
                usage.beyond = {}
            elif usage.beyond.get(thread, 0) > size:
                usage.beyond[thread] -= size
            else:
                usage.beyond.pop(thread, None)
            if usage.waiting:
                usage.changed.notify_all()

    def close(self) -> None:
        self._reserved = 0
        self.give(self.held)

    # Inside.

    def _wait(self, size: int, patience: float, *, final: bool) -> bool:
        """Hold ``size`` bytes; false if waiting is futile, and this is not the final attempt."""
        usage = self._usage
        with usage.changed:
            while not self._admitted(size):
                # Nothing that this thread holds can be released while it waits.
                cannot_wait = self._in_holding_thread()
                given = usage.given
                if not cannot_wait and (usage.changed.wait(patience) or given != usage.given):
                    continue
                if not final:
                    return False
                if cannot_wait:
                    self._exceed_limit(size)
                    return True
                _log.warning(
                    "No upload has released memory for %.0f seconds: %d bytes are taken "
                    "beyond the budget of %d",
                    patience,
                    size,
                    self._budget.size,
                )
                return self._hold(size, beyond=True)
        return True

    # The lock is held.

    def _in_holding_thread(self) -> bool:
        return get_ident() in self._usage.holders.values()

    def _admitted(self, size: int) -> bool:
        """Hold ``size`` bytes if there is room, and it is the turn of this share."""
        in_turn = self._usage.waiting[0] is self or self._in_holding_thread()
        return in_turn and self._hold(size)

    def _hold(self, size: int, *, beyond: bool = False) -> bool:
        """Hold ``size`` bytes, if there is room: no finalizer comes between checking and taking."""
        usage, thread, limit = self._usage, get_ident(), self._budget.size
        used = usage.used
        if used and used + size > limit and not beyond:
            return False
        usage.used = used + size
        self.held += size
        usage.holders[self] = thread
        return True

    def _exceed_limit(self, size: int) -> None:
        usage, thread, limit = self._usage, get_ident(), self._budget.size
        if thread in usage.beyond:
            others = sum(owner == thread for owner in usage.holders.values())
            raise MemoryBudgetExceededError(
                f"The memory budget of {limit} bytes is exceeded: {others} uploads that this "
                f"thread has open hold {usage.used} bytes, and another one needs {size}. Close "
                "some of them first, open them in separate threads, or pass a budget of one "
                "part for each of them"
            )
        if not usage.warned:
            usage.warned = True
            _log.warning(
                "The uploads that one thread has open exceed the memory budget of %d bytes: %d "
                "bytes are held, and %d more are needed",
                limit,
                usage.used,
                size,
            )
        usage.beyond[thread] = size
        self._hold(size, beyond=True)
