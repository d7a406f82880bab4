# SPDX-License-Identifier: Apache-2.0
"""Memory for the parts of all uploads of a process, bounded by one number.

Each upload has a share. It takes from the budget before a part is read, and gives back when the
part is stored. What an upload does when there is too little left depends on what it holds:

* something: it goes on with that, and reads no further part. Its window is narrower for a while.
* nothing: it waits for one part's worth, before all who hold something.

So whoever waits holds nothing, and whoever holds something can send it without getting more: there
is no circle to be stuck in, unless the data of one upload depends on the progress of another. Then
somebody waits in vain; he takes his one part all the same, at once if it is his own thread that
holds the memory, or else when nobody has given anything back for a time. The budget is exceeded by
that part, and the log says so.
"""

from __future__ import annotations

import logging
from collections import deque
from threading import Condition, get_ident

__all__ = ["MemoryBudget", "Share", "Unshared"]

_log = logging.getLogger(__name__)


class MemoryBudget:
    """Bytes that uploads may hold together; pass it to them as ``ex_max_memory``.

    >>> budget = MemoryBudget(64 * 1024 * 1024)
    >>> budget.used
    0

    :param size: bytes.
    :param strict: parts are no larger than it; otherwise one that has to be is held alone.
    :param patience: seconds without anything given back, after which waiting is taken to be vain.
    :raises ValueError: ``size`` is less than 1.
    """

    def __init__(self, size: int, *, strict: bool = True, patience: float = 300.0) -> None:
        if size < 1:
            raise ValueError(f"a budget has at least 1 byte, not {size}")
        self.size = size
        self.strict = strict
        self.patience = patience
        self._changed = Condition()
        self._used = 0
        self._given = 0  # how often something was given back
        self._waiting: deque[Share] = deque()
        self._holders: dict[Share, int] = {}  # by the thread that took last

    def __repr__(self) -> str:
        return f"MemoryBudget({self.size}, used={self.used})"

    @property
    def used(self) -> int:
        """Bytes that are held now."""
        return self._used

    def share(self) -> Share:
        """The share of one upload."""
        return Share(self)


class Share:
    """What one upload holds of a budget. For one thread at a time."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._held = 0
        self._reserved = 0  # for the part that is read next

    @property
    def held(self) -> int:
        """Bytes that this upload holds."""
        return self._held

    def take(self, size: int) -> bool:
        """Take ``size`` bytes if they are free and nobody waits for them."""
        budget = self._budget
        with budget._changed:
            if budget._waiting or not self._fits(size):
                return False
            self._hold(size)
            return True

    def reserve(self, size: int) -> bool:
        """:meth:`take` for the next part; true at once if that was done, or waited for, before."""
        if not self._reserved and self.take(size):
            self._reserved = size
        return bool(self._reserved)

    def fill(self, size: int) -> None:
        """The part has come, and has ``size`` bytes: what was reserved beyond that is free."""
        surplus, self._reserved = self._reserved - size, 0
        self.give(surplus)

    def wait(self, size: int) -> None:
        """Return when ``size`` bytes are reserved. The upload holds nothing."""
        budget = self._budget
        with budget._changed:
            budget._waiting.append(self)
            try:
                while not self._admitted(size):
                    given = budget._given
                    if budget._changed.wait(budget.patience) or given != budget._given:
                        continue
                    _log.warning(
                        "No upload has given back memory for %.0f seconds: %d bytes are taken "
                        "beyond the budget of %d",
                        budget.patience,
                        size,
                        budget.size,
                    )
                    break
                self._hold(size)
                self._reserved = size
            finally:
                budget._waiting.remove(self)
                budget._changed.notify_all()

    def give(self, size: int) -> None:
        """Give ``size`` bytes back."""
        budget = self._budget
        with budget._changed:
            size = min(size, self._held)
            if not size:
                return
            self._held -= size
            budget._used -= size
            budget._given += 1
            if not self._held:
                budget._holders.pop(self, None)
            budget._changed.notify_all()

    def close(self) -> None:
        """Give everything back."""
        self._reserved = 0
        self.give(self._held)

    # Inside; the lock is held.

    def _admitted(self, size: int) -> bool:
        """Whether it is the turn of this share, and there is room."""
        budget = self._budget
        if get_ident() in budget._holders.values():
            return True  # nothing can be given back while this thread waits
        return budget._waiting[0] is self and self._fits(size)

    def _fits(self, size: int) -> bool:
        return not self._budget._used or self._budget._used + size <= self._budget.size

    def _hold(self, size: int) -> None:
        self._held += size
        self._budget._used += size
        self._budget._holders[self] = get_ident()


class Unshared(Share):
    """The share of an upload that shares memory with none: there is always room."""

    def __init__(self) -> None: ...

    @property
    def held(self) -> int:
        return 0

    def take(self, size: int) -> bool:
        return True

    def reserve(self, size: int) -> bool:
        return True

    def fill(self, size: int) -> None: ...

    def wait(self, size: int) -> None: ...

    def give(self, size: int) -> None: ...

    def close(self) -> None: ...
