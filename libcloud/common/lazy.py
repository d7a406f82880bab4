# SPDX-License-Identifier: Apache-2.0
"""Objects that are made when they are first used."""

from __future__ import annotations

from typing import Any

__all__ = ["LazyObject"]


class LazyObject:
    """Base of classes with :meth:`lazy`, a constructor that puts off its work."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    @classmethod
    def lazy(cls, *args: Any, **kwargs: Any) -> Any:
        """A stand-in that makes the object at the first access to an attribute."""
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
