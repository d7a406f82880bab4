# SPDX-License-Identifier: Apache-2.0
"""Equality, hash and representation of dataclasses that every program defines.

``@dataclass`` compiles these for each class, which takes at least half of its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any


class Value:
    """Base of dataclasses that are defined with ``eq=False, repr=False``.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, slots=True, eq=False, repr=False)
    ... class Point(Value):
    ...     x: int
    ...     y: int = 0
    >>> Point(1), Point(1) == Point(1, 0), hash(Point(1)) == hash(Point(2))
    (Point(x=1, y=0), True, False)
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return _compared(self) == _compared(other)

    def __hash__(self) -> int:
        return hash(_compared(self))

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}({', '.join(_shown(self))})"


class PortableValue(Value):
    """A value whose pickle is that of a frozen dataclass: for each protocol and former versions."""

    __slots__ = ()

    def __getstate__(self) -> list[Any]:
        return [getattr(self, one.name) for one in fields(self)]  # type: ignore[arg-type]

    def __setstate__(self, state: list[Any]) -> None:
        for one, value in zip(fields(self), state, strict=True):  # type: ignore[arg-type]
            setattr(self, one.name, value)


def _compared(value: Any) -> tuple[Any, ...]:
    return tuple(getattr(value, one.name) for one in fields(value) if one.compare)


def _shown(value: Any) -> Iterator[str]:
    return (f"{one.name}={getattr(value, one.name)!r}" for one in fields(value) if one.repr)
