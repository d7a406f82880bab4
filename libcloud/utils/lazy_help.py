# SPDX-License-Identifier: Apache-2.0
"""Help that is completed when somebody asks for it: all programs import drivers, few show help.

Until then ``__doc__`` is the docstring in the source. ``help()``, :func:`inspect.getdoc`, IPython,
Jedi and Sphinx read it with :func:`inspect.cleandoc`, or as that does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import RLock
from types import FunctionType
from typing import Any

from libcloud.utils.local import PerProcess

# One for all: the help of a class is completed with that of others.
_lock = PerProcess(RLock)


class _LazyDoc(str):
    """A docstring that completes those of its class when its lines are taken."""

    owner: Any
    complete: Callable[[], None]

    def expandtabs(self, tabsize: Any = 8) -> str:  # what cleandoc() calls first
        self.complete()
        return str(self.owner.__doc__).expandtabs(tabsize)

    def __reduce__(self) -> Any:
        return str, (str(self),)


class _LazySignature:
    """Stands for the signature of a function until somebody looks at it."""

    def __init__(self, owner: FunctionType, complete: Callable[[], None]) -> None:
        self._owner = owner
        self._complete = complete

    def _signature(self) -> Any:
        self._complete()
        return vars(self._owner)["__signature__"]

    @property  # type: ignore[misc]  # for isinstance(), as in unittest.mock
    def __class__(self) -> type:
        return type(self._signature())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._signature(), name)

    def __str__(self) -> str:
        return str(self._signature())

    def __repr__(self) -> str:
        return repr(self._signature())

    def __eq__(self, other: object) -> bool:
        return bool(self._signature() == other)

    def __hash__(self) -> int:
        return hash(self._signature())

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._signature().__reduce_ex__(protocol)


def public_functions(kind: type) -> Iterator[FunctionType]:
    """The public methods that a class itself defines, and its constructor."""
    for name, member in list(vars(kind).items()):
        function = getattr(member, "__func__", member)
        is_public = not name.startswith("_") or name == "__init__"
        if is_public and isinstance(function, FunctionType):
            yield function


def complete_later(kind: type, complete: Callable[[], None]) -> None:
    """Let ``complete`` change the help of a class when somebody reads the first part of it.

    :param complete: sets the docstrings of the class and its public methods, and the signatures of
        those with ``**options: Unpack[...]``.
    """
    owners = [kind, *public_functions(kind)]
    docs = [owner.__doc__ for owner in owners]
    started: list[bool] = []

    def complete_once() -> None:
        with _lock():
            if started:
                return
            started.append(True)
            for owner, doc in zip(owners, docs, strict=True):
                owner.__doc__ = doc
                if isinstance(owner, FunctionType):
                    vars(owner).pop("__signature__", None)
            complete()

    for owner in owners:
        owner.__doc__ = doc = _LazyDoc(owner.__doc__ or "")
        doc.owner, doc.complete = owner, complete_once
        if isinstance(owner, FunctionType) and "Unpack[" in str(owner.__annotations__):
            vars(owner)["__signature__"] = _LazySignature(owner, complete_once)
