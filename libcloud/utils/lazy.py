# SPDX-License-Identifier: Apache-2.0
"""Lazy imports and lazily created objects.

A program that lists a container does not import the upload engine, and no program imports the HTTP
library before its first request.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any


def submodules(package: str) -> Callable[[str], ModuleType]:
    """Return a ``__getattr__`` for ``package`` that imports its modules on first use.

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

    Assigning to the class, a subclass or an object replaces it, as for any attribute.

    >>> class Circle:
    ...     ratio = LazyAttribute("math", "pi")
    >>> round(Circle.ratio, 2), round(Circle().ratio, 2)
    (3.14, 3.14)
    """

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return getattr(import_module(self._module), self._name)


class LazyObject:
    """Base of classes with :meth:`lazy`, a constructor that defers the creation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    @classmethod
    def lazy(cls, *args: Any, **kwargs: Any) -> Any:
        """A proxy that creates the object on the first access to an attribute."""
        return cls._proxy(*args, **kwargs)

    @classmethod
    def _proxy(cls, *lazy_init_args: Any, **lazy_init_kwargs: Any) -> Any:
        class Proxy(cls):  # type: ignore[misc,valid-type]  # the class is known at run time only
            _lazy_obj: Any = None

            def __init__(self) -> None:
                pass

            def __getattribute__(self, name: str) -> Any:
                made = object.__getattribute__(self, "_lazy_obj")
                if made is None:
                    made = cls(*lazy_init_args, **lazy_init_kwargs)
                    object.__setattr__(self, "_lazy_obj", made)
                return made if name == "_lazy_obj" else getattr(made, name)

            def __setattr__(self, name: str, value: Any) -> None:
                setattr(self._lazy_obj, name, value)

        return Proxy()
