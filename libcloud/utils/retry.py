# SPDX-License-Identifier: Apache-2.0
"""Retries a function after transient errors.

This is the policy of ``Connection.request``; multipart uploads have a more detailed one.
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

_P = ParamSpec("_P")
_T = TypeVar("_T")

_logger = logging.getLogger(__name__)

TRANSIENT_SSL_ERROR = "The read operation timed out"

DEFAULT_TIMEOUT = 30
DEFAULT_DELAY = 1
DEFAULT_BACKOFF = 1

# Delay after a 429 without a Retry-After header.
_RATE_LIMIT_DELAY = 2.0


class TransientSSLError(ssl.SSLError):
    """A transient TLS error."""


RETRY_EXCEPTIONS: tuple[type[Exception], ...] = (
    RateLimitReachedError,
    socket.error,
    socket.gaierror,
    http.client.NotConnected,
    http.client.ImproperConnectionState,
    TransientSSLError,
)


class MinimalRetry:
    """Wraps a function so that it is retried after errors that :meth:`should_retry` accepts.

    This class accepts none; subclasses do.

    :param retry_delay: seconds before the second attempt; ``None`` or 0 means ``DEFAULT_DELAY``.
    :param timeout: seconds for all attempts and delays together; ``None`` or 0 means
        ``DEFAULT_TIMEOUT``. A running attempt is not interrupted.
    :param backoff: factor by which the delay grows after each attempt; ``None`` or 0 means
        ``DEFAULT_BACKOFF``.
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
        return False

    def should_stop(self, exception: Exception, remaining: float) -> bool:
        return remaining < 0

    def __call__(self, func: Callable[_P, _T]) -> Callable[_P, _T]:
        """Return ``func`` with retries; its last exception propagates unchanged."""

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
                    if self.should_stop(error, deadline - time.monotonic() - pause):
                        raise
                    _logger.debug("Retrying in %s s after %s", pause, type(error).__name__)
                time.sleep(pause)

        return retrying


class Retry(MinimalRetry):
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
        """Whether it is a listed error; rejected certificates are never retried."""
        if isinstance(exception, ssl.SSLCertVerificationError):
            return False
        return isinstance(exception, tuple(self.retry_exceptions))


class RetryForeverOnRateLimitError(Retry):
    """Like :class:`Retry`, but retries after a 429 without a limit."""

    def should_stop(self, exception: Exception, remaining: float) -> bool:
        if isinstance(exception, RateLimitReachedError):
            return False
        return super().should_stop(exception, remaining)
