# SPDX-License-Identifier: Apache-2.0
"""Exceptions that all drivers raise, and two small types of the public API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, TypeVar

_T = TypeVar("_T", bound="Type")


class Type(str, Enum):
    """A constant that equals its string and hashes like it.

    >>> class Size(Type):
    ...     LARGE = "large"
    >>> Size.LARGE == "large", Type.tostring(Size.LARGE), Size.fromstring("Large")
    (True, 'LARGE', large)
    """

    @classmethod
    def tostring(cls, value: Enum | str) -> str:
        return str(value.value if isinstance(value, Enum) else value).upper()

    @classmethod
    def fromstring(cls: type[_T], value: str) -> _T | None:
        """Return the constant with that name, case-insensitive; ``None`` if there is none."""
        return cls.__members__.get(value.upper())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Type):
            return str(other.value) == str(self.value)
        return isinstance(other, str) and other == str(self.value)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(str(self.value))

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return str(self.value)

    def upper(self) -> str:
        return str(self.value).upper()

    def lower(self) -> str:
        return str(self.value).lower()


class LibcloudError(Exception):
    """The base class of the exceptions of this library.

    :param value: what happened.
    :param driver: the driver, or its class.
    """

    http_code: int | None = None
    """Status of the response that caused the error; ``None`` if there was no response."""

    def __init__(self, value: Any, driver: Any = None) -> None:
        super().__init__(value)
        self.value = value
        self.driver = driver

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the class of the driver instead of the driver, which has credentials."""
        return rebuild_error, (type(self), self._picklable_args()), self._picklable_state()

    def _picklable_args(self) -> tuple[Any, ...]:
        return tuple(self._without_driver(part) for part in self.args)

    def _picklable_state(self) -> dict[str, Any]:
        return {name: self._without_driver(value) for name, value in vars(self).items()}

    @staticmethod
    def _without_driver(part: Any) -> Any:
        is_driver = hasattr(part, "connection") and not isinstance(part, type)
        return type(part) if is_driver else part

    def __copy__(self) -> LibcloudError:
        copied: Any = rebuild_error(type(self), self.args)
        vars(copied).update(vars(self))
        return copied  # type: ignore[no-any-return]

    def __str__(self) -> str:
        return f"<{type(self).__name__} in {self.driver!r} {self.value!r}>"

    def __repr__(self) -> str:
        return self.__str__()


class InvalidSourceError(LibcloudError, TypeError, AttributeError):
    """The source of an upload cannot be read, yields something other than bytes or text, or yields
    empty pieces without end.

    No object was created. Apache Libcloud raises ``AttributeError`` for a source that is not an
    iterator and ``TypeError`` for a piece of the wrong type; this exception is both.
    """


class MalformedResponseError(LibcloudError):
    """A response that could not be parsed.

    :param body: the response body as text.
    """

    def __init__(self, value: Any, body: str | None = None, driver: Any = None) -> None:
        super().__init__(value, driver=driver)
        self.args = (value, body, driver)
        self.body = body

    def __str__(self) -> str:
        return f"<MalformedResponseException in {self.driver!r} {self.value!r}>: {self.body!r}"


class ResponseTooLargeError(MalformedResponseError):
    """A response is larger than the limits in :mod:`libcloud.utils.documents`."""

    def __str__(self) -> str:
        return f"<{type(self).__name__} in {self.driver!r} {self.value!r}>"


class ProviderError(LibcloudError):
    """The provider returned an error with the status ``http_code``."""

    def __init__(self, value: Any, http_code: int, driver: Any = None) -> None:
        super().__init__(value, driver=driver)
        self.http_code = http_code

    def __str__(self) -> str:
        return repr(self.value)


class InvalidCredsError(ProviderError):
    """The credentials were rejected, or do not permit the operation."""

    def __init__(
        self, value: Any = "Invalid credentials with the provider", driver: Any = None
    ) -> None:
        super().__init__(value, http_code=401, driver=driver)


InvalidCredsException = InvalidCredsError


class ServiceUnavailableError(ProviderError):
    """The provider is temporarily unavailable."""

    def __init__(self, value: Any = "Service unavailable at provider", driver: Any = None) -> None:
        super().__init__(value, http_code=503, driver=driver)


def rebuild_error(kind: type[Exception], args: tuple[Any, ...]) -> Exception:
    """An exception whose constructor is not called; pickle restores the attributes."""
    error = kind.__new__(kind)
    error.args = args
    return error


class LazyList:
    """A sequence that loads its pages on demand.

    :param get_more: called as ``get_more(last_key=..., value_dict=...)``; returns the items of the
        next page, its last key, and whether it is the last page.
    :param value_dict: passed to ``get_more`` unchanged.
    """

    def __init__(
        self,
        get_more: Callable[..., tuple[list[Any], Any, bool]],
        value_dict: dict[str, Any] | None = None,
    ) -> None:
        self._data: list[Any] = []
        self._last_key: Any = None
        self._exhausted = False
        self._get_more = get_more
        self._value_dict = value_dict or {}

    def __iter__(self) -> Iterator[Any]:
        position = 0
        while True:
            while position >= len(self._data):
                if self._exhausted:
                    return
                self._load_page()
            yield self._data[position]
            position += 1

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice) or index < 0:
            self._load_all()
        else:
            while index >= len(self._data) and not self._exhausted:
                self._load_page()
        return self._data[index]

    def __len__(self) -> int:
        self._load_all()
        return len(self._data)

    def __repr__(self) -> str:
        self._load_all()
        return repr(self._data)

    def _load_page(self) -> None:
        items, self._last_key, self._exhausted = self._get_more(
            last_key=self._last_key, value_dict=self._value_dict
        )
        self._data.extend(items)

    def _load_all(self) -> None:
        while not self._exhausted:
            self._load_page()
