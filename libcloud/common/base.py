# SPDX-License-Identifier: Apache-2.0
"""The base of drivers, and the public names of connections and answers.

The flags here are settings: they are read at each request.
"""

from __future__ import annotations

from typing import Any

from libcloud.common.connection import Connection
from libcloud.common.connections import (
    CertificateConnection,
    ConnectionKey,
    ConnectionUserAndKey,
    KeyCertificateConnection,
    PollingConnection,
)
from libcloud.common.exceptions import exception_from_message
from libcloud.common.lazy import LazyObject
from libcloud.common.response import (
    HTTPResponse,
    JsonResponse,
    RawResponse,
    Response,
    XmlResponse,
)
from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.http import HttpLibResponseProxy, LibcloudConnection
from libcloud.utils.misc import lowercase_keys
from libcloud.utils.retry import Retry

__all__ = [
    "ALLOW_PATH_DOUBLE_SLASHES",
    "RETRY_FAILED_HTTP_REQUESTS",
    "BaseDriver",
    "CertificateConnection",
    "Connection",
    "ConnectionKey",
    "ConnectionUserAndKey",
    "HTTPResponse",
    "HttpLibResponseProxy",
    "JsonResponse",
    "KeyCertificateConnection",
    "LazyObject",
    "LibcloudConnection",
    "LibcloudError",
    "MalformedResponseError",
    "PollingConnection",
    "RawResponse",
    "Response",
    "Retry",
    "XmlResponse",
    "exception_from_message",
    "lowercase_keys",
]

RETRY_FAILED_HTTP_REQUESTS = False
"""Whether requests are tried again after errors that may pass."""

ALLOW_PATH_DOUBLE_SLASHES = False
"""Whether ``Connection.morph_action_hook`` leaves paths as they are."""

# Settings of a driver that are its connection's.
_CONNECTION_SETTINGS = ("timeout", "retry_delay", "backoff", "proxy_url")


class BaseDriver:
    """What all drivers have: credentials and a connection.

    :param key: name of the account, or its only key.
    :param secret: the key that belongs to it.
    :param secure: use https.
    :param host: in place of the host of the connection class.
    :param port: in place of the usual one.
    :param api_version: for drivers that know several.
    :param region: for drivers that know several.
    :param kwargs: ``timeout``, ``retry_delay``, ``backoff`` and ``proxy_url`` are the connection's;
        others are ignored.
    """

    connectionCls: Any = ConnectionKey

    def __init__(
        self,
        key: Any,
        secret: Any = None,
        secure: Any = True,
        host: str | None = None,
        port: int | str | None = None,
        api_version: Any = None,
        region: Any = None,
        **kwargs: Any,
    ) -> None:
        self.key = key
        self.secret = secret
        self.secure = secure
        self.api_version = api_version
        self.region = region
        arguments = [key] if secret is None else [key, secret]
        arguments.append(secure)
        if host is not None or port is not None:
            arguments.append(host)
        if port is not None:
            arguments.append(port)
        settings = self._ex_connection_class_kwargs()
        for name in _CONNECTION_SETTINGS:
            if kwargs.get(name) is not None:
                settings[name] = kwargs[name]
            else:
                settings.setdefault(name, None)
        self.connection = self.connectionCls(*arguments, **settings)
        self.connection.driver = self
        self.connection.connect()

    def _ex_connection_class_kwargs(self) -> dict[str, Any]:
        """Hook: keyword arguments for the connection; what the user passes wins."""
        return {}
