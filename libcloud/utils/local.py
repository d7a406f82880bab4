# SPDX-License-Identifier: Apache-2.0
"""Values that belong to one process, or to one thread.

**Processes.** A forked child must not use the locks and counters of its parent: a lock that another
thread held at the fork is never released there, and memory that the parent uses does not count in
the child. They cannot be pickled either. So every process, unpickled object and deep copy gets its
own :class:`PerProcess` value.

**Locks.** Every lock of the library is ``PerProcess(RLock)``, used as ``with lock():``. It is
reentrant, because a finalizer or a signal handler may run within the block, in the same thread, and
send a request that needs the lock. Two rules follow for the code in such a block:

* The state is consistent wherever a function is called, so that another complete operation can run
  there.
* No other lock of the library is taken in the block, unless the lock is held for one object only
  and the block runs code of the caller. Otherwise two threads could each hold the lock that a
  finalizer in the other one needs.

The call returns Python's own lock object, so that an interrupt cannot come between taking the lock
and entering the block. ``libcloud/test/test_locks.py`` checks that there are no other locks.

**Threads.** :class:`PerThread` attributes make an object that describes "the current request" safe
to share. The values are stored per thread, so no lock is needed, and no pickle contains them.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")

# Packages that the first request imports; that ends soon, which is not known of others.
_IMPORTED = {*sys.stdlib_module_names, "libcloud", "lxml", "requests", "urllib3", "zlib_ng"}
_IMPORTED |= {"certifi", "charset_normalizer", "idna"}

_LONGEST_WAIT = 5.0  # seconds


def await_imports() -> None:
    """Wait until no other thread imports a module of the library, or one that it needs.

    Python does not release the lock of a module in a forked child whose parent was importing it,
    and modules are imported at the first request. The wait is limited, because an import may never
    end: it may need a lock that the forking thread holds, such as that of ``logging``.
    """
    locks = getattr(vars(importlib).get("_bootstrap"), "_module_locks", {})
    deadline = time.monotonic() + _LONGEST_WAIT
    while _is_imported_elsewhere(locks) and time.monotonic() < deadline:
        time.sleep(0.002)


def _is_imported_elsewhere(locks: dict[str, Any]) -> bool:
    names = [name for name in list(locks) if name.partition(".")[0] in _IMPORTED]
    owners = [getattr(locks.get(name, str)(), "owner", None) for name in names]
    return any(owner not in (None, threading.get_ident()) for owner in owners)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=await_imports)


class PerProcess(Generic[_T]):
    """A value that each process creates for itself on first use.

    >>> numbers = PerProcess(list)
    >>> numbers().append(1)
    >>> numbers()
    [1]
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


class ExitFunctions:
    """Any number of functions to call when the program ends, as one entry of ``atexit``.

    Removing one from ``atexit`` takes longer the more there have ever been: none frees its place.

    :param last: call them when all functions of ``atexit`` have returned, however old they are,
        such as ``logging.shutdown``; otherwise, those that are older follow.
    """

    def __init__(self, *, last: bool = False) -> None:
        self._calls: dict[Callable[[], object], None] = {}
        self._registered: int | None = None  # in which process
        self._last = last

    def register(self, call: Callable[[], object]) -> None:
        self._calls[call] = None
        # ``multiprocessing`` clears ``atexit`` in a forked child, from Python 3.13 on.
        if self._registered != (pid := os.getpid()):
            self._registered = pid
            atexit.register(_End(self.run).wait if self._last else self.run)

    def unregister(self, call: Callable[[], object]) -> None:
        self._calls.pop(call, None)

    def run(self) -> None:
        """Call all functions, the last one first."""
        with contextlib.ExitStack() as stack:
            for call in [*self._calls]:
                stack.callback(call)
            self._calls.clear()


class _End:
    """Nothing but ``atexit`` refers to this object, which it drops at its very end."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action

    def wait(self) -> None:
        """Called with the other functions of ``atexit``, in any order."""

    def __del__(self) -> None:
        self._action()


class PerThread:
    """A data descriptor: each thread sees the value that it has set, or the default.

    Works on objects whose ``__init__`` was never called. A class attribute of the same name, in a
    subclass or set later, replaces it, as for any attribute.

    :param default: value before the first assignment, and of the class attribute.
    :param factory: creates the default of an object instead; its result is stored.

    >>> class Call:
    ...     method = PerThread("GET")
    >>> call = Call()
    >>> call.method = "PUT"
    >>> call.method, Call().method, Call.method
    ('PUT', 'GET', 'GET')
    """

    def __init__(self, default: Any = None, *, factory: Callable[[], Any] | None = None) -> None:
        self.default = default
        self._factory = factory
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self.default
        # Repeats values_of(): a request gets here a dozen times.
        try:
            return _locals["local"].objects[id(instance)][1][self._name]
        except (KeyError, AttributeError):
            pass
        if self._factory is None:
            return self.default
        return values_of(instance).setdefault(self._name, self._factory())

    def __set__(self, instance: Any, value: Any) -> None:
        try:
            _locals["local"].objects[id(instance)][1][self._name] = value
        except (KeyError, AttributeError):
            values_of(instance)[self._name] = value

    def __delete__(self, instance: Any) -> None:
        try:
            del values_of(instance)[self._name]
        except KeyError:
            raise AttributeError(self._name) from None


class ThreadState:
    """What the calling thread has set on some objects, to restore after an interruption.

    A finalizer or a signal handler may use an object while it interrupts a call on it.
    """

    __slots__ = ("_saved",)

    def __init__(self, *instances: Any) -> None:
        known = _of_this_thread()
        found = (known.get(id(instance)) for instance in instances)
        self._saved = [(entry[1], dict(entry[1])) for entry in found if entry is not None]

    def restore(self) -> None:
        for values, saved in self._saved:
            values.clear()
            values.update(saved)


_Entry = tuple["weakref.ref[Any]", dict[str, Any]]


class _Objects(dict[int, _Entry]):
    __slots__ = ("__weakref__",)


# Contains a ``threading.local`` that is created on first use, so that gevent and similar libraries
# can replace the class after the import.
_locals: dict[str, Any] = {}


def _of_this_thread() -> _Objects:
    try:
        known: _Objects = _locals["local"].objects
    except (KeyError, AttributeError):
        values = _locals.setdefault("local", threading.local()).__dict__
        known = values.setdefault("objects", _Objects())
    return known


def values_of(instance: Any) -> dict[str, Any]:
    """The values that the calling thread has set on ``instance``: a dict to read and change."""
    # An object is only freed, and its id used again, after the entry was removed.
    try:
        return _locals["local"].objects[id(instance)][1]  # type: ignore[no-any-return]
    except (KeyError, AttributeError):
        known = _of_this_thread()
    return known.setdefault(id(instance), _new_entry(instance, known))[1]


def _new_entry(instance: Any, known: _Objects) -> _Entry:
    key, owner = id(instance), weakref.ref(known)

    def forget(reference: object) -> None:
        objects = owner()
        if objects is not None and key in objects and objects[key][0] is reference:
            objects.pop(key, None)

    return weakref.ref(instance, forget), {}
