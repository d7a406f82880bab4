# SPDX-License-Identifier: Apache-2.0
"""What is imported only when somebody needs it.

A program that lists a container pays neither for the upload engine nor for the HTTP library before
its first request.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["LazyAttribute", "submodules"]


def submodules(package: str) -> Callable[[str], ModuleType]:
    """A ``__getattr__`` for ``package`` that imports its modules when they are named.

    >>> submodules("json")("decoder").__name__
    'json.decoder'
    >>> submodules("json")("nothing")
    Traceback (most recent call last):
    AttributeError: module 'json' has no attribute 'nothing'
    """

    def get(name: str) -> ModuleType:
        module = f"{package}.{name}"
        try:
            if not name.startswith("__"):
                return import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get


class LazyAttribute:
    """A class attribute whose value is looked up in a module at each access.

    Whatever is assigned to the class, a subclass or an object takes its place, as for any
    attribute.

    >>> class Circle:
    ...     ratio = LazyAttribute("math", "pi")
    >>> round(Circle.ratio, 2), round(Circle().ratio, 2)
    (3.14, 3.14)

    :param module: dotted name.
    :param name: of the value in it.
    """

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return getattr(import_module(self._module), self._name)
