# SPDX-License-Identifier: Apache-2.0
"""Errors of the network: which may pass, which came before anything was sent, and what to raise."""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import requests
import urllib3

from libcloud.common.types import LibcloudError

__all__ = ["NetworkError", "is_transient", "named", "network_error", "never_sent"]

# Errors of the network that may be gone at the next attempt.
_TRANSIENT_ERRNO = {
    errno.EAGAIN,
    errno.ECONNABORTED,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.EINTR,
    errno.ENETDOWN,
    errno.ENETRESET,
    errno.ENETUNREACH,
    errno.ENOBUFS,
    errno.EPIPE,
    errno.ETIMEDOUT,
}

# What TLS says of a connection that broke. All else it says is about certificates and settings.
_BROKEN_TLS = re.compile(r"EOF|timed out|reset|bad record mac|BAD_RECORD_MAC|closed", re.IGNORECASE)

_TRANSIENT = (
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    http.client.IncompleteRead,
    http.client.BadStatusLine,
    http.client.NotConnected,
    http.client.ImproperConnectionState,
    urllib3.exceptions.IncompleteRead,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.TimeoutError,
    urllib3.exceptions.MaxRetryError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)

_PERMANENT = (
    ssl.SSLCertVerificationError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidHeader,
    requests.exceptions.UnrewindableBodyError,
    urllib3.exceptions.LocationParseError,
)


_NOT_CONNECTED = (
    ConnectionRefusedError,
    requests.ConnectTimeout,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NewConnectionError,
)


class NetworkError(LibcloudError):
    """No answer came, or only a part of one.

    It is also an instance of the class of requests that says what happened, so that code which
    catches ``requests.ConnectionError`` or ``requests.Timeout`` goes on doing so.

    :ivar reason: the exception of requests.
    """

    reason: BaseException | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        state = self._picklable_state()
        if "response" in state:
            state["response"] = None
        made = type(self) is not NetworkError
        kinds = [kind for kind in type(self).__bases__ if made and kind is not NetworkError]
        return _unpickled, (kinds, self._picklable_args()), state


def network_error(error: BaseException, text: str, driver: Any) -> NetworkError | None:
    """What to raise in place of ``error``; ``None`` if it is none of requests.

    :param text: what was tried, on what; the text of ``error`` is put behind it.
    """
    if not isinstance(error, requests.RequestException) or isinstance(error, NetworkError):
        return None
    kind: Any = type(error)
    wrapped = _class_for(kind)(f"{text}: {error}", driver)
    wrapped.reason = error
    vars(wrapped).update(request=error.request, response=error.response)
    return wrapped


def _unpickled(kinds: list[Any], args: tuple[Any, ...]) -> NetworkError:
    """An error as it was pickled; pickle fills in the attributes."""
    kind = _class_for(kinds[0]) if kinds else NetworkError
    error = kind.__new__(kind)
    error.args = args
    return error


@lru_cache(maxsize=32)
def _class_for(kind: Any) -> type[NetworkError]:
    return type("NetworkError", (NetworkError, kind), {"__module__": __name__})


def named(error: Exception, *, request: Any, pool: Any, target: str) -> requests.RequestException:
    """What requests calls ``error``, with which a request failed on an open connection.

    :param error: of the standard library or urllib3.
    """
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return requests.ReadTimeout(error, request=request)
    if isinstance(error, ssl.SSLError):
        failed = urllib3.exceptions.SSLError(error)
        reason = urllib3.exceptions.MaxRetryError(pool, target, failed)
        return requests.exceptions.SSLError(reason, request=request)
    if not isinstance(error, urllib3.exceptions.HTTPError):
        error = urllib3.exceptions.ProtocolError("Connection aborted.", error)
    return requests.ConnectionError(error, request=request)


def is_transient(error: BaseException) -> bool:
    """Whether the network failed in a way that may be gone at the next attempt.

    True for refused, reset and silent connections and for answers cut short; false for certificates
    that were refused, for requests that could not be made, and for whatever is no error of the
    network.
    """
    if isinstance(error, _PERMANENT):
        return False
    if isinstance(error, (ssl.SSLError, requests.exceptions.SSLError, urllib3.exceptions.SSLError)):
        # The innermost one: the texts of the others hold the URL, and that may say anything.
        text = str([*_causes(error)][-1])
        return "certificate" not in text.lower() and bool(_BROKEN_TLS.search(text))
    if isinstance(error, _TRANSIENT):
        return True
    return isinstance(error, OSError) and error.errno in _TRANSIENT_ERRNO


def never_sent(error: BaseException) -> bool:
    """Whether a request failed before any of it left: no connection was made."""
    return any(isinstance(cause, _NOT_CONNECTED) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and the errors it was made from, innermost last."""
    cause: object = error
    while isinstance(cause, BaseException):
        yield cause
        cause = getattr(cause, "reason", None) or next(iter(cause.args), None)
