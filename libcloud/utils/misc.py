# SPDX-License-Identifier: Apache-2.0
"""Helpers that users of the libcloud API import."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from libcloud.common.providers import get_driver as get_driver
    from libcloud.common.providers import set_driver as set_driver
    from libcloud.utils.retry import DEFAULT_BACKOFF as DEFAULT_BACKOFF
    from libcloud.utils.retry import DEFAULT_DELAY as DEFAULT_DELAY
    from libcloud.utils.retry import DEFAULT_TIMEOUT as DEFAULT_TIMEOUT
    from libcloud.utils.retry import TRANSIENT_SSL_ERROR as TRANSIENT_SSL_ERROR
    from libcloud.utils.retry import Retry as Retry
    from libcloud.utils.retry import TransientSSLError as TransientSSLError

# "import *" finds names of other modules only here.
__all__ = [
    *("ReprMixin", "dict2str", "find", "get_driver", "get_new_obj", "get_secure_random_string"),
    *("lowercase_keys", "merge_valid_keys", "reverse_dict", "set_driver", "str2dicts"),
]

_T = TypeVar("_T")
_K = TypeVar("_K")
_V = TypeVar("_V")

# Names of modules that take long to import.
_LATE = {
    **dict.fromkeys(("get_driver", "set_driver"), "libcloud.common.providers"),
    **dict.fromkeys(
        (
            *("DEFAULT_BACKOFF", "DEFAULT_DELAY", "DEFAULT_TIMEOUT"),
            *("TRANSIENT_SSL_ERROR", "Retry", "TransientSSLError", "retry"),
        ),
        "libcloud.utils.retry",
    ),
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(_LATE[name]), "Retry" if name == "retry" else name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def find(value: Iterable[_T], predicate: Callable[[_T], object]) -> _T | None:
    """The first item for which ``predicate`` is true; ``None`` if there is none."""
    return next((item for item in value if predicate(item)), None)


def merge_valid_keys(
    params: dict[str, Any], valid_keys: Iterable[str], extra: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Copy those keys of ``extra`` that are valid into ``params``; return what was copied."""
    merged = {key: extra[key] for key in valid_keys if key in extra} if extra else {}
    params.update(merged)
    return merged


def get_new_obj(obj: Any, klass: Callable[..., _T], attributes: Mapping[str, Any]) -> _T:
    """Create a ``klass`` with the attributes of ``obj``, updated by ``attributes``.

    Dictionaries are merged: a value of the new one replaces that of the old one. ``None`` in
    ``attributes`` leaves the value as it is.
    """
    values = dict(vars(obj))
    for name, new in attributes.items():
        old = values.get(name)
        if new is None:
            values.setdefault(name, None)
            continue
        values[name] = {**old, **new} if isinstance(old, dict) else new
    return klass(**values)


def str2dicts(data: str) -> list[dict[str, str]]:
    """Parse blocks of ``key value`` lines, separated by empty lines, into dictionaries."""
    blocks: list[dict[str, str]] = [{}]
    for line in data.splitlines():
        if line.strip():
            key, _, value = line.partition(" ")
            blocks[-1][key] = value
        else:
            blocks.append({})
    return [block for block in blocks if block]


def str2list(data: str) -> list[str]:
    """Return the second word of each line that has one."""
    words = [line.split(" ") for line in data.splitlines()]
    return [parts[1] for parts in words if len(parts) > 1]


def dict2str(data: Mapping[str, object]) -> str:
    """Format each item as a ``key value`` line; a value of ``None`` is omitted."""
    lines = [key if value is None else f"{key} {value}" for key, value in data.items()]
    return "".join(f"{line}\n" for line in lines)


def reverse_dict(dictionary: Mapping[_K, _V]) -> dict[_V, _K]:
    return {value: key for key, value in dictionary.items()}


def lowercase_keys(dictionary: Mapping[str, _V]) -> dict[str, _V]:
    return {key.lower(): value for key, value in dictionary.items()}


def get_secure_random_string(size: int) -> str:
    """Return ``size`` hexadecimal digits from the system's random source."""
    from secrets import token_hex

    return token_hex(size)[:size]


class ReprMixin:
    """Gives a class a ``repr`` that shows the attributes named in ``_repr_attributes``."""

    _repr_attributes: ClassVar[list[str]] = []

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name, None)}" for name in self._repr_attributes)
        return f"<{type(self).__name__} {shown}>"

    def __str__(self) -> str:
        return repr(self)
