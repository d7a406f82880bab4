# SPDX-License-Identifier: Apache-2.0
"""Values that belong to one process: locks, and counters of its bytes or threads.

A forked child must not use those of its parent: a lock that another thread held at the fork is
never released there, and memory that the parent uses does not count in the child. They cannot be
pickled either. So every process, unpickled object and deep copy gets its own value.

**Locks.** Every lock of the library is ``PerProcess(RLock)``, used as ``with lock():``. It is
reentrant, because the garbage collector may run a ``__del__`` within the block, in the same thread,
and so may a signal handler; either may send a request that needs the lock. Two rules follow for the
code in such a block:

* The state is consistent wherever a function is called, so that another complete operation can run
  there.
* No other lock of the library is taken in the block, unless the lock is held for one object only
  and the block runs code of the caller. Otherwise two threads could each hold the lock that a
  finalizer in the other one needs.

The call returns Python's own lock object, so that an interrupt cannot come between taking the lock
and entering the block. ``libcloud/test/test_locks.py`` checks that there are no other locks.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")


class PerProcess(Generic[_T]):
    """A value that each process creates for itself on first use.

    >>> numbers = PerProcess(list)
    >>> numbers().append(1)
    >>> numbers()
    [1]

    :param make: creates the value; must be picklable if the owner is.
    """

    __slots__ = ("_make", "_values")

    def __init__(self, make: Callable[[], _T]) -> None:
        self._make = make
        self._values: dict[int, _T] = {}

    def __call__(self) -> _T:
        pid = os.getpid()
        try:
            return self._values[pid]
        except KeyError:
            # Two threads that get here at the same time both get the value of the first.
            return self._values.setdefault(pid, self._make())

    def __reduce__(self) -> tuple[Any, ...]:
        return PerProcess, (self._make,)
