# SPDX-License-Identifier: Apache-2.0
"""What an error of the network means, without the words of four libraries around it."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from libcloud.common.types import LibcloudError

__all__ = ["is_network", "network_hint", "network_text"]

# What OpenSSL says when the answer to its greeting is none of TLS.
_NO_TLS = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")

_REACH = "is the endpoint right, and can this machine reach it? See libcloud doctor"
_AGAIN = "try again; if that does not help, is the endpoint right? See libcloud doctor"


def is_network(error: BaseException) -> bool:
    """Whether no answer came, or only a part of one."""
    if not isinstance(error, LibcloudError) or not isinstance(error, OSError):
        return False
    # A request that cannot be made (a header, a URL) is also a ValueError.
    return hasattr(error, "reason") and not isinstance(error, ValueError)


def network_text(error: Any) -> str:
    """What was tried, with whom, and the innermost reason: the outer ones repeat it."""
    tried = str(error.value).removesuffix(f": {error.reason}")
    place, causes = _place(error), [*_causes(error.reason)]
    if not causes:
        return str(error.value)
    cause = causes[-1]
    why = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    why = why.rpartition(": ")[2] if "object at 0x" in why else why
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"{tried}: the certificate of {place} is not trusted: {cause.verify_message}"
    if _speaks_no_tls(cause):
        return f"{tried}: {place} does not speak https"
    if isinstance(cause, socket.gaierror):
        return f"{tried}: the host {urlsplit(f'//{place}').hostname} is not found: {why}"
    if _of(causes, "ReadTimeout", "ReadTimeoutError"):
        return f"{tried}: no answer from {place} in time: {why}"
    if _of(causes, "NewConnectionError", "ConnectTimeout", "ConnectTimeoutError"):
        return f"{tried}: no connection to {place}: {why}"
    if isinstance(cause, (ConnectionError, http.client.HTTPException, ssl.SSLError)):
        return f"{tried}: the connection to {place} broke off: {why}"
    return f"{tried}: {place}: {why}"


def network_hint(error: Any) -> str:
    """What to do about it."""
    causes = [*_causes(error.reason)]
    cause = causes[-1] if causes else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return "if it is your own authority's, name its file in AWS_CA_BUNDLE or SSL_CERT_FILE"
    if _speaks_no_tls(cause):
        return "write http:// in the endpoint if that is meant"
    if _of(causes, "NewConnectionError", "ConnectTimeout", "ConnectTimeoutError"):
        return _REACH
    return _AGAIN


def _causes(error: object) -> Iterator[BaseException]:
    """``error`` and what it was made from, innermost last: it is kept in three ways."""
    while isinstance(error, BaseException):
        yield error
        inner = [arg for arg in error.args if isinstance(arg, BaseException)]
        cause = error.__cause__
        if type(error).__name__ == "NewConnectionError":  # urllib3 1.26 names no cause
            cause = cause or error.__context__
        error = getattr(error, "reason", None) or next(iter(inner), None) or cause


def _of(causes: list[BaseException], *names: str) -> bool:
    """Whether one of ``causes`` has a class of that name: those are not imported for it."""
    return any(kind.__name__ in names for cause in causes for kind in type(cause).__mro__)


def _speaks_no_tls(cause: BaseException) -> bool:
    return isinstance(cause, ssl.SSLError) and any(mark in str(cause) for mark in _NO_TLS)


def _place(error: Any) -> str:
    """Host and port; the rest of the URL may hold a signature."""
    url = urlsplit(str(getattr(getattr(error, "request", None), "url", "") or ""))
    try:
        port = f":{url.port}" if url.port else ""
    except ValueError:
        port = ""
    return f"{url.hostname}{port}" if url.hostname else "the store"
