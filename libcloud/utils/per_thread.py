# SPDX-License-Identifier: Apache-2.0
"""Attributes that have one value for each thread.

They let an object with "the current request" in its attributes be shared by threads.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

__all__ = ["PerThread"]

_STATE = "_per_thread_state"


# Held while an object gets its state, so that two threads at their first access get the same.
_making = threading.Lock()


class _State:
    """The values of one object, by thread; a copy of the object starts without any."""

    __slots__ = ("local", "owner")

    def __init__(self, owner: weakref.ref[Any]) -> None:
        self.owner = owner
        self.local = threading.local()

    def __reduce__(self) -> tuple[Any, ...]:
        return _no_state, ()


def _no_state() -> None:
    """What pickles and deep copies hold in place of a state."""


class PerThread:
    """A data descriptor: each thread sees what it has set itself, before that the default.

    Works on objects whose ``__init__`` was never called. A class attribute of the same name, in a
    subclass or set later, takes its place, as for any attribute.

    :param default: value before the first assignment, and of the class attribute.
    :param factory: makes the default of an object instead; its result is kept.

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
        state = instance.__dict__.get(_STATE)
        if state is None or state.owner() is not instance:
            state = _state_of(instance)
        values = state.local.__dict__
        if self._name not in values:
            if self._factory is None:
                return self.default
            values[self._name] = self._factory()
        return values[self._name]

    def __set__(self, instance: Any, value: Any) -> None:
        state = instance.__dict__.get(_STATE)
        if state is None or state.owner() is not instance:
            state = _state_of(instance)
        state.local.__dict__[self._name] = value

    def __delete__(self, instance: Any) -> None:
        try:
            del _state_of(instance).local.__dict__[self._name]
        except KeyError:
            raise AttributeError(self._name) from None


def _state_of(instance: Any) -> _State:
    """The state of ``instance``, which is made if it has none of its own."""
    with _making:
        state: _State | None = instance.__dict__.get(_STATE)
        if state is None or state.owner() is not instance:
            state = instance.__dict__[_STATE] = _State(weakref.ref(instance))
        return state
