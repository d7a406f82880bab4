# SPDX-License-Identifier: Apache-2.0
"""Network errors: which are transient, which occurred before anything was sent, what to raise."""

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
from urllib3.util.ssl_match_hostname import CertificateError

from libcloud.common.exceptions import is_unsent
from libcloud.common.types import LibcloudError

__all__ = ["NetworkError", "is_transient", "named", "network_error", "never_sent"]

# Transient network errors: a retry may succeed.
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

# TLS errors of a broken connection. All others concern certificates and settings.
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


_UNREACHABLE = (urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.NewConnectionError)
_NOT_CONNECTED = (ConnectionRefusedError, requests.ConnectTimeout, *_UNREACHABLE)
_MaxRetryError = urllib3.exceptions.MaxRetryError
_SSLError = urllib3.exceptions.SSLError


class NetworkError(LibcloudError):
    """No response was received, or only part of one.

    It is also an instance of the exception class of requests that describes the failure, so that
    ``except requests.ConnectionError`` and ``except requests.Timeout`` still catch it.

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
    """Return the error to raise instead of ``error``; ``None`` if it is not from requests.

    :param text: the operation that failed, for the message.
    """
    if not isinstance(error, requests.RequestException) or isinstance(error, NetworkError):
        return None
    kind: Any = type(error)
    wrapped = _class_for(kind)(f"{text}: {error}", driver)
    wrapped.reason = error
    vars(wrapped).update(request=error.request, response=error.response)
    return wrapped


def _unpickled(kinds: list[Any], args: tuple[Any, ...]) -> NetworkError:
    """Create an error without its attributes, which pickle restores."""
    kind = _class_for(kinds[0]) if kinds else NetworkError
    error = kind.__new__(kind)
    error.args = args
    return error


@lru_cache(maxsize=32)
def _class_for(kind: Any) -> type[NetworkError]:
    return type("NetworkError", (NetworkError, kind), {"__module__": __name__})


def named(error: Exception, *, request: Any, pool: Any, target: str) -> requests.RequestException:
    """Convert an error of the fast path into the exception that requests would raise.

    :param error: from the standard library or urllib3.
    """
    kind: Any = requests.ConnectionError
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        kind = requests.ReadTimeout
    elif isinstance(error, urllib3.exceptions.LocationParseError):
        kind = requests.exceptions.InvalidURL
    elif isinstance(error, (ssl.SSLError, CertificateError, _SSLError)):
        failed = error if isinstance(error, _SSLError) else _SSLError(error)
        kind, error = requests.exceptions.SSLError, _MaxRetryError(pool, target, failed)
    elif isinstance(error, _UNREACHABLE):
        if not isinstance(error, urllib3.exceptions.NewConnectionError):
            kind = requests.ConnectTimeout
        error = _MaxRetryError(pool, target, error)
    elif not isinstance(error, urllib3.exceptions.HTTPError):
        error = urllib3.exceptions.ProtocolError("Connection aborted.", error)
    return kind(error, request=request)  # type: ignore[no-any-return]


def is_transient(error: BaseException) -> bool:
    """Return whether ``error`` is a transient network error.

    True for connections that were refused, reset or timed out and for truncated responses; false
    for rejected certificates, invalid requests and everything that is not a network error.
    """
    if isinstance(error, _PERMANENT):
        return False
    if isinstance(error, (ssl.SSLError, requests.exceptions.SSLError, urllib3.exceptions.SSLError)):
        # Only the innermost error: the messages of the others contain the URL, which is arbitrary.
        text = str([*_causes(error)][-1])
        return "certificate" not in text.lower() and bool(_BROKEN_TLS.search(text))
    if isinstance(error, _TRANSIENT):
        return True
    return isinstance(error, OSError) and error.errno in _TRANSIENT_ERRNO


def never_sent(error: BaseException) -> bool:
    """Return whether nothing of the request was sent: there was no connection, or no token."""
    return any(
        isinstance(cause, _NOT_CONNECTED) or is_unsent(cause) or _is_refused_by_proxy(cause)
        for cause in _causes(error)
    )


def _is_refused_by_proxy(error: BaseException) -> bool:
    """Whether a proxy did not open a tunnel, which has only the text of http.client."""
    return str(getattr(error, "original_error", "")).startswith("Tunnel connection failed")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield ``error`` and its causes, innermost last."""
    cause: object = error
    while isinstance(cause, BaseException):
        yield cause
        cause = getattr(cause, "reason", None) or next(iter(cause.args), None)
