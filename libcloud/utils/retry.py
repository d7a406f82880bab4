# SPDX-License-Identifier: Apache-2.0
"""Calling a function again after an error that may pass.

This is the policy of ``Connection.request``; uploads in parts have a finer one of their own.
"""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from libcloud.common.exceptions import RateLimitReachedError

__all__ = [
    "DEFAULT_BACKOFF",
    "DEFAULT_DELAY",
    "DEFAULT_TIMEOUT",
    "RETRY_EXCEPTIONS",
    "TRANSIENT_SSL_ERROR",
    "MinimalRetry",
    "Retry",
    "RetryForeverOnRateLimitError",
    "TransientSSLError",
]

_P = ParamSpec("_P")
_T = TypeVar("_T")

_logger = logging.getLogger(__name__)

TRANSIENT_SSL_ERROR = "The read operation timed out"

DEFAULT_TIMEOUT = 30
DEFAULT_DELAY = 1
DEFAULT_BACKOFF = 1

# Waited after a 429 that names no time.
_RATE_LIMIT_DELAY = 2.0


class TransientSSLError(ssl.SSLError):
    """An error of TLS that may pass."""


RETRY_EXCEPTIONS: tuple[type[Exception], ...] = (
    RateLimitReachedError,
    socket.error,
    socket.gaierror,
    http.client.NotConnected,
    http.client.ImproperConnectionState,
    TransientSSLError,
)


class MinimalRetry:
    """Wraps a function so that errors which :meth:`should_retry` accepts are tried again.

    By itself it accepts none: subclasses do.

    :param retry_delay: seconds before the second attempt; ``None`` or 0 means ``DEFAULT_DELAY``.
    :param timeout: seconds for all attempts and the time between them; ``None`` or 0 means
        ``DEFAULT_TIMEOUT``. An attempt is not cut short.
    :param backoff: factor of the delay after each attempt; ``None`` or 0 means ``DEFAULT_BACKOFF``.
    """

    def __init__(
        self,
        retry_delay: float | None = DEFAULT_DELAY,
        timeout: float | None = DEFAULT_TIMEOUT,
        backoff: float | None = DEFAULT_BACKOFF,
    ) -> None:
        self.retry_delay = retry_delay or DEFAULT_DELAY
        self.timeout = timeout or DEFAULT_TIMEOUT
        self.backoff = backoff or DEFAULT_BACKOFF

    def should_retry(self, exception: Exception) -> bool:
        """Whether the call is tried again after ``exception``."""
        return False

    def gives_up(self, exception: Exception, remaining: float) -> bool:
        """Whether ``exception`` is the last word when ``remaining`` seconds would be left."""
        return remaining < 0

    def __call__(self, func: Callable[_P, _T]) -> Callable[_P, _T]:
        """``func`` with retries; what it raises last is raised unchanged."""

        @wraps(func)
        def retrying(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            deadline = time.monotonic() + self.timeout
            delay = self.retry_delay
            while True:
                try:
                    return func(*args, **kwargs)
                except Exception as error:
                    if not self.should_retry(error):
                        raise
                    if isinstance(error, RateLimitReachedError):
                        pause = error.retry_after or _RATE_LIMIT_DELAY
                        delay = self.retry_delay
                    else:
                        pause = delay
                        delay *= self.backoff
                    if self.gives_up(error, deadline - time.monotonic() - pause):
                        raise
                    _logger.debug("Trying again in %s s after %s", pause, type(error).__name__)
                time.sleep(pause)

        return retrying


class Retry(MinimalRetry):
    """Tries again after the errors of ``retry_exceptions``."""

    def __init__(
        self,
        retry_exceptions: tuple[type[Exception], ...] = RETRY_EXCEPTIONS,
        retry_delay: float | None = DEFAULT_DELAY,
        timeout: float | None = DEFAULT_TIMEOUT,
        backoff: float | None = DEFAULT_BACKOFF,
    ) -> None:
        super().__init__(retry_delay=retry_delay, timeout=timeout, backoff=backoff)
        self.retry_exceptions = RETRY_EXCEPTIONS if retry_exceptions is None else retry_exceptions

    def should_retry(self, exception: Exception) -> bool:
        """Whether it is one of the listed errors; a certificate that was refused stays refused."""
        if isinstance(exception, ssl.SSLCertVerificationError):
            return False
        return isinstance(exception, tuple(self.retry_exceptions))


class RetryForeverOnRateLimitError(Retry):
    """As :class:`Retry`, and after a 429 without an end."""

    def gives_up(self, exception: Exception, remaining: float) -> bool:
        """Never after a 429."""
        if isinstance(exception, RateLimitReachedError):
            return False
        return super().gives_up(exception, remaining)
