# SPDX-License-Identifier: Apache-2.0
"""Exceptions for HTTP error statuses, and a mark for errors of requests that were not sent."""

from __future__ import annotations

import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from typing import Any

from libcloud.common.types import rebuild_error


class BaseHTTPError(Exception):
    """A response with an error status.

    :param code: HTTP status.
    :param message: the server's message: text, or a parsed document.
    :param headers: headers of the response, lower case.
    """

    def __init__(
        self, code: int, message: Any, headers: MutableMapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = headers

    @property
    def http_code(self) -> int:
        return self.code

    def __str__(self) -> str:
        return str(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild_error, (type(self), self.args), self.__dict__


class RateLimitReachedError(BaseHTTPError):
    """Too many requests (429); ``retry_after`` is the seconds to wait, 0 if unspecified."""

    code = 429
    message = "429 Rate limit exceeded"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        headers = kwargs.pop("headers", None)
        super().__init__(self.code, self.message, headers)
        self.retry_after = _seconds(_retry_after(headers))


_error_classes: list[type[BaseHTTPError]] = [RateLimitReachedError]
_code_map: dict[int, type[BaseHTTPError]] = {429: RateLimitReachedError}


def exception_from_message(
    code: int, message: Any, headers: MutableMapping[str, str] | None = None
) -> BaseHTTPError:
    """The exception for that status. A date in ``retry-after`` of ``headers`` becomes seconds."""
    from email.utils import mktime_tz, parsedate_tz

    when = parsedate_tz(_retry_after(headers) or "")
    if headers is not None and when is not None:
        for name in headers:
            if name.lower() == "retry-after":
                headers[name] = str(max(0, int(mktime_tz(when) - time.time())))
    kind = _code_map.get(code, BaseHTTPError)
    return kind(code, message, headers=headers)


def _retry_after(headers: MutableMapping[str, str] | None) -> str | None:
    for name, value in (headers or {}).items():
        if name.lower() == "retry-after":
            return str(value)
    return None


def _seconds(text: str | None) -> float:
    try:
        return max(0.0, float(text or 0))
    except ValueError:
        return 0.0


@contextmanager
def before_sending() -> Iterator[None]:
    """Mark the exceptions of the block, which may obtain a token; :func:`is_unsent` says so."""
    try:
        yield
    except Exception as error:
        mark_unsent(error)
        raise


def mark_unsent(error: BaseException) -> None:
    """Record that nothing of the request was sent."""
    with suppress(AttributeError, TypeError):  # of a class that has no such attribute
        error._libcloud_unsent = True  # type: ignore[attr-defined]  # for is_unsent()


def is_unsent(error: BaseException) -> bool:
    return getattr(error, "_libcloud_unsent", False) is True
