# SPDX-License-Identifier: Apache-2.0
"""Network errors: which are transient, which occurred before anything was sent, what to raise."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

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
_BROKEN_TLS = r"(?i)EOF|timed out|reset|bad record mac|BAD_RECORD_MAC|closed"

# Classes by name: their modules are imported late or, in a short program, never.
_TRANSIENT = {
    "builtins.ConnectionError",
    "builtins.TimeoutError",
    "socket.gaierror",
    "http.client.IncompleteRead",
    "http.client.BadStatusLine",
    "http.client.NotConnected",
    "http.client.ImproperConnectionState",
    "urllib3.exceptions.IncompleteRead",
    "urllib3.exceptions.ProtocolError",
    "urllib3.exceptions.TimeoutError",
    "urllib3.exceptions.MaxRetryError",
    "requests.exceptions.ConnectionError",
    "requests.exceptions.Timeout",
    "requests.exceptions.ChunkedEncodingError",
}
_PERMANENT = {
    "ssl.SSLCertVerificationError",
    "requests.exceptions.InvalidURL",
    "requests.exceptions.InvalidSchema",
    "requests.exceptions.InvalidHeader",
    "requests.exceptions.UnrewindableBodyError",
    "urllib3.exceptions.LocationParseError",
}
_TLS = {"ssl.SSLError", "requests.exceptions.SSLError", "urllib3.exceptions.SSLError"}
_NOT_CONNECTED = {
    "builtins.ConnectionRefusedError",
    "requests.exceptions.ConnectTimeout",
    "urllib3.exceptions.ConnectTimeoutError",
    "urllib3.exceptions.NewConnectionError",
}
_OF_REQUESTS = {"requests.exceptions.RequestException"}
_OF_NETWORK = {"builtins.OSError", "http.client.HTTPException", "urllib3.exceptions.HTTPError"}


def is_a(value: object, names: set[str]) -> bool:
    """Return whether ``value`` is an instance of a class with one of these names."""
    return any(f"{kind.__module__}.{kind.__qualname__}" in names for kind in type(value).__mro__)


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
    """Return the error to raise in place of one of requests, with ``text``; ``None`` for others."""
    if isinstance(error, NetworkError) or not is_a(error, _OF_REQUESTS):
        return None
    known: Any = error
    kind: Any = type(error)
    wrapped = _class_for(kind)(f"{text}: {error}", driver)
    wrapped.reason = error
    vars(wrapped).update(request=known.request, response=known.response)
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


def named(
    error: Exception, *, request: Any, pool: Any, connection: Any, timeout: Any
) -> Exception | None:
    """Return the exception that requests would raise; ``None`` if it lets ``error`` through."""
    if not is_a(error, _OF_NETWORK):
        return None
    import requests
    import urllib3.exceptions as inner

    from libcloud.http.messages import genuine

    opening, timed_out = connection.state is None, isinstance(error, TimeoutError)
    kind: Any = requests.ConnectionError
    failed: Any = error
    unconnected = opening and connection.sock is None
    if unconnected and timed_out:
        text = f"Connection to {pool.origin.host} timed out. (connect timeout={timeout})"
        failed, kind = inner.ConnectTimeoutError(pool.named(), text), requests.ConnectTimeout
    elif unconnected and is_a(error, {"socket.gaierror"}) and hasattr(inner, "NameResolutionError"):
        failed = inner.NameResolutionError(pool.origin.host, pool.named(), failed)
    elif unconnected:
        text = f"Failed to establish a new connection: {error}"
        failed = inner.NewConnectionError(pool.named(), text)
    elif is_a(error, {"ssl.SSLError"}):
        failed, kind = inner.SSLError(error), requests.exceptions.SSLError
    elif opening and timed_out:
        text = f"Read timed out. (read timeout={timeout})"
        failed, kind = inner.ReadTimeoutError(pool, "", text), requests.ReadTimeout
    elif isinstance(error, inner.ReadTimeoutError):
        kind = requests.ReadTimeout
    elif not isinstance(error, inner.HTTPError):
        failed = inner.ProtocolError("Connection aborted.", error)
    if failed is not error:
        failed.__cause__ = error
    if unconnected or kind is requests.exceptions.SSLError:
        target = "/" + request.url.partition("://")[2].partition("/")[2]
        failed = inner.MaxRetryError(pool, target, failed)
    return kind(failed, request=genuine(request))  # type: ignore[no-any-return]


def is_transient(error: BaseException) -> bool:
    """Return whether ``error`` is a transient one of the network, which a retry may not meet."""
    if is_a(error, _PERMANENT):
        return False
    if is_a(error, _TLS):
        # Only the innermost error: the messages of the others contain the URL, which is arbitrary.
        text = str([*_causes(error)][-1])
        return "certificate" not in text.lower() and bool(re.search(_BROKEN_TLS, text))
    if is_a(error, _TRANSIENT):
        return True
    return isinstance(error, OSError) and error.errno in _TRANSIENT_ERRNO


def never_sent(error: BaseException) -> bool:
    """Return whether nothing of the request was sent: there was no connection, or no token."""
    return any(
        is_a(cause, _NOT_CONNECTED)
        or is_unsent(cause)
        # A proxy did not open a tunnel, which has only the text of http.client.
        or str(getattr(cause, "original_error", "")).startswith("Tunnel connection failed")
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield ``error`` and its causes, innermost last."""
    cause: object = error
    while isinstance(cause, BaseException):
        yield cause
        cause = getattr(cause, "reason", None) or next(iter(cause.args), None)
