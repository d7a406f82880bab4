# SPDX-License-Identifier: Apache-2.0
"""Errors of the network: which may be gone at the next attempt, which came before it."""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl

import requests
import urllib3

__all__ = ["is_transient", "never_sent"]

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


def is_transient(error: BaseException) -> bool:
    """Whether the network failed in a way that may be gone at the next attempt.

    True for refused, reset and silent connections and for answers cut short; false for certificates
    that were refused, for requests that could not be made, and for whatever is no error of the
    network.
    """
    if isinstance(error, _PERMANENT):
        return False
    if isinstance(error, (ssl.SSLError, requests.exceptions.SSLError, urllib3.exceptions.SSLError)):
        text = str(error)
        return "certificate" not in text.lower() and bool(_BROKEN_TLS.search(text))
    if isinstance(error, _TRANSIENT):
        return True
    return isinstance(error, OSError) and error.errno in _TRANSIENT_ERRNO


def never_sent(error: BaseException) -> bool:
    """Whether a request failed before any of it left: no connection was made."""
    pending: list[object] = [error]
    for _ in range(8):
        if not pending:
            break
        cause = pending.pop()
        if isinstance(cause, (urllib3.exceptions.NewConnectionError, requests.ConnectTimeout)):
            return True
        if isinstance(cause, (urllib3.exceptions.ConnectTimeoutError, ConnectionRefusedError)):
            return True
        if isinstance(cause, BaseException):
            pending.extend(cause.args[:1])
            pending.append(getattr(cause, "reason", None))
    return False
