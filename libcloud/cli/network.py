# SPDX-License-Identifier: Apache-2.0
"""Describes network errors by their innermost cause, without the wrappers of other libraries."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from libcloud.common.types import LibcloudError

# OpenSSL's reasons when the response to its ClientHello is not TLS.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")

_CHECK_ENDPOINT = "check the endpoint and the network connection, or run libcloud doctor"
_TRY_AGAIN = "try again; if the error persists, check the endpoint or run libcloud doctor"


def is_network_error(error: BaseException) -> bool:
    """Whether no response arrived, or only part of one."""
    if not isinstance(error, LibcloudError) or not isinstance(error, OSError):
        return False
    # A request that cannot be built (a bad header or URL) is also a ValueError.
    return hasattr(error, "reason") and not isinstance(error, ValueError)


def network_text(error: Any) -> str:
    """What was attempted, the host, and the innermost cause: the outer ones repeat it."""
    attempted = str(error.value).removesuffix(f": {error.reason}")
    host, causes = _host_and_port(error), [*_causes(error.reason)]
    if not causes:
        return str(error.value)
    cause = causes[-1]
    why = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    why = why.rpartition(": ")[2] if "object at 0x" in why else why
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"{attempted}: the certificate of {host} is not trusted: {cause.verify_message}"
    if _is_plain_http(cause):
        return f"{attempted}: {host} does not use https"
    if isinstance(cause, socket.gaierror):
        return f"{attempted}: host {urlsplit(f'//{host}').hostname} not found: {why}"
    if _has_class(causes, "ReadTimeout", "ReadTimeoutError"):
        return f"{attempted}: timed out waiting for {host}: {why}"
    if _has_class(causes, "NewConnectionError", "ConnectTimeout", "ConnectTimeoutError"):
        return f"{attempted}: cannot connect to {host}: {why}"
    if isinstance(cause, (ConnectionError, http.client.HTTPException, ssl.SSLError)):
        return f"{attempted}: the connection to {host} was lost: {why}"
    return f"{attempted}: {host}: {why}"


def network_hint(error: Any) -> str:
    """What to do about it."""
    causes = [*_causes(error.reason)]
    cause = causes[-1] if causes else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return "to trust a private certificate authority, set AWS_CA_BUNDLE or SSL_CERT_FILE"
    if _is_plain_http(cause):
        return "use http:// in the endpoint URL if that is intended"
    if _has_class(causes, "NewConnectionError", "ConnectTimeout", "ConnectTimeoutError"):
        return _CHECK_ENDPOINT
    return _TRY_AGAIN


def _causes(error: object) -> Iterator[BaseException]:
    """``error`` and its chain of causes, the innermost last. Libraries store it in three ways."""
    while isinstance(error, BaseException):
        yield error
        inner = [arg for arg in error.args if isinstance(arg, BaseException)]
        cause = error.__cause__
        if type(error).__name__ == "NewConnectionError":  # urllib3 1.26 sets no cause
            cause = cause or error.__context__
        error = getattr(error, "reason", None) or next(iter(inner), None) or cause


def _has_class(causes: list[BaseException], *names: str) -> bool:
    """Whether one of ``causes`` has a class of that name, which is not imported for this."""
    return any(cls.__name__ in names for cause in causes for cls in type(cause).__mro__)


def _is_plain_http(cause: BaseException) -> bool:
    return isinstance(cause, ssl.SSLError) and any(reason in str(cause) for reason in _NOT_TLS)


def _host_and_port(error: Any) -> str:
    """Host and port only: the rest of the URL may contain a signature."""
    url = urlsplit(str(getattr(getattr(error, "request", None), "url", "") or ""))
    try:
        port = f":{url.port}" if url.port else ""
    except ValueError:
        port = ""
    return f"{url.hostname}{port}" if url.hostname else "the store"
