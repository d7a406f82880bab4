# SPDX-License-Identifier: Apache-2.0
"""The base class of drivers, connections with different kinds of credentials, and their names.

The two flags are settings of the process; they are read for each request.
"""

from __future__ import annotations

import time
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from libcloud.common.connection import Connection
from libcloud.common.exceptions import exception_from_message
from libcloud.common.response import JsonResponse, RawResponse, Response, XmlResponse
from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.utils.lazy import LazyObject
from libcloud.utils.misc import lowercase_keys

if TYPE_CHECKING:
    from libcloud.http import HttpLibResponseProxy as HttpLibResponseProxy
    from libcloud.http import HTTPResponse as HTTPResponse
    from libcloud.http import LibcloudConnection as LibcloudConnection
    from libcloud.utils.retry import Retry as Retry

__all__ = [
    "ALLOW_PATH_DOUBLE_SLASHES", "RETRY_FAILED_HTTP_REQUESTS", "BaseDriver",
    "CertificateConnection", "Connection", "ConnectionKey", "ConnectionUserAndKey",
    "HTTPResponse", "HttpLibResponseProxy", "JsonResponse", "KeyCertificateConnection",
    "LazyObject", "LibcloudConnection", "LibcloudError", "MalformedResponseError",
    "PollingConnection", "RawResponse", "Response", "Retry", "XmlResponse",
    "exception_from_message", "lowercase_keys",
]  # fmt: skip

RETRY_FAILED_HTTP_REQUESTS = False
"""Whether requests are retried after transient errors."""

ALLOW_PATH_DOUBLE_SLASHES = False
"""Whether ``Connection.morph_action_hook`` keeps empty and dot segments in paths."""

# Imported with the first request, because importing them takes long.
_LATE = MappingProxyType(
    {
        "HTTPResponse": "libcloud.http",
        "HttpLibResponseProxy": "libcloud.http",
        "LibcloudConnection": "libcloud.http",
        "Retry": "libcloud.utils.retry",
    }
)

# Settings that a driver passes to its connection.
_CONNECTION_SETTINGS = ("timeout", "retry_delay", "backoff", "proxy_url")


class PollingConnection(Connection):
    """Starts an asynchronous job and polls until it has completed."""

    poll_interval: float = 0.5  # seconds
    timeout: Any = 200  # seconds until a job must have completed
    request_method = "request"

    def async_request(
        self,
        action: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        method: str = "GET",
        context: dict[str, Any] | None = None,
    ) -> Any:
        """Start a job, wait until it has completed and return the last response.

        :param context: passed to the hooks.
        :raises LibcloudError: the job did not complete in time. It may still be running.
        """
        send = getattr(self, self.request_method)
        kwargs = self.get_request_kwargs(
            action=action, params=params, data=data, headers=headers, method=method, context=context
        )
        response = send(**kwargs)
        kwargs = self.get_poll_request_kwargs(
            response=response, context=context, request_kwargs=kwargs
        )
        end = time.time() + self.timeout
        while time.time() < end:
            response = send(**kwargs)
            if self.has_completed(response=response):
                return response
            time.sleep(self.poll_interval)
        raise LibcloudError(f"Job did not complete in {self.timeout} seconds", driver=self.driver)

    def get_request_kwargs(
        self,
        action: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        method: str = "GET",
        context: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        return {
            "action": action,
            "params": params,
            "data": data,
            "headers": headers,
            "method": method,
        }

    def get_poll_request_kwargs(self, response: Any, context: Any, request_kwargs: Any) -> Any:
        """To be overridden: the arguments of the requests that poll the job."""
        raise NotImplementedError("get_poll_request_kwargs not implemented")

    def has_completed(self, response: Any) -> bool:
        """To be overridden."""
        raise NotImplementedError("has_completed not implemented")


class ConnectionKey(Connection):
    """A connection with a key. The other arguments are those of :class:`Connection`."""

    def __init__(
        self,
        key: Any,
        secure: Any = True,
        host: str | None = None,
        port: int | str | None = None,
        url: str | None = None,
        timeout: Any = None,
        proxy_url: str | None = None,
        backoff: Any = None,
        retry_delay: Any = None,
    ) -> None:
        super().__init__(secure, host, port, url, timeout, proxy_url, retry_delay, backoff)
        self.key = key


class ConnectionUserAndKey(ConnectionKey):
    user_id: Any = None

    def __init__(
        self,
        user_id: Any,
        key: Any,
        secure: Any = True,
        host: str | None = None,
        port: int | str | None = None,
        url: str | None = None,
        timeout: Any = None,
        proxy_url: str | None = None,
        backoff: Any = None,
        retry_delay: Any = None,
    ) -> None:
        super().__init__(key, secure, host, port, url, timeout, proxy_url, backoff, retry_delay)
        self.user_id = user_id


class CertificateConnection(Connection):
    """A connection with a client certificate, in a PEM file."""

    def __init__(
        self,
        cert_file: str,
        secure: Any = True,
        host: str | None = None,
        port: int | str | None = None,
        url: str | None = None,
        proxy_url: str | None = None,
        timeout: Any = None,
        backoff: Any = None,
        retry_delay: Any = None,
    ) -> None:
        super().__init__(secure, host, port, url, timeout, proxy_url, retry_delay, backoff)
        self.cert_file = cert_file


class KeyCertificateConnection(CertificateConnection):
    """A connection with a client certificate and its private key, in two PEM files."""

    key_file: str | None = None

    def __init__(
        self,
        key_file: str,
        cert_file: str,
        secure: Any = True,
        host: str | None = None,
        port: int | str | None = None,
        url: str | None = None,
        proxy_url: str | None = None,
        timeout: Any = None,
        backoff: Any = None,
        retry_delay: Any = None,
        ca_cert: str | None = None,
    ) -> None:
        super().__init__(
            cert_file, secure, host, port, url, proxy_url, timeout, backoff, retry_delay
        )
        self.key_file = key_file
        self.ca_cert = ca_cert


class BaseDriver:
    """The base of all drivers: credentials and a connection.

    :param key: user name or access key.
    :param secret: password or secret key.
    :param secure: use https.
    :param host: replaces the host of the connection class.
    :param port: replaces the default port.
    :param api_version: for drivers that support several.
    :param region: for drivers that support several.
    :param kwargs: ``timeout`` (seconds), ``retry_delay`` (seconds), ``backoff`` and ``proxy_url``
        are passed to the connection; others are ignored.
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
        settings = dict(self._ex_connection_class_kwargs())
        # Positional, as connection classes of other projects expect.
        host, port = settings.pop("host", None) or host, settings.pop("port", None) or port
        arguments = [key] if secret is None else [key, secret]
        arguments.append(secure)
        if host is not None or port is not None:
            arguments.append(host)
        if port is not None:
            arguments.append(port)
        for name in _CONNECTION_SETTINGS:
            if kwargs.get(name) is not None:
                settings[name] = kwargs[name]
            else:
                settings.setdefault(name, None)
        self.connection = self.connectionCls(*arguments, **settings)
        self.connection.driver = self
        self.connection.connect()

    def __repr__(self) -> str:
        """Provider, region and endpoint; no credentials."""
        region = getattr(self, "region_name", None) or vars(self).get("region")
        shown = {
            "provider": getattr(self, "name", None),
            "region": region,
            "endpoint": getattr(vars(self).get("connection"), "_endpoint", None),
        }
        if "base_path" in vars(self):  # a driver for files
            shown["endpoint"] = f"file://{vars(self)['base_path']}"
        texts = [f"{name}={value}" for name, value in shown.items() if value]
        return f"<{type(self).__name__}: {', '.join(texts)}>"

    def _ex_connection_class_kwargs(self) -> dict[str, Any]:
        """Hook: keyword arguments for the connection.

        ``timeout``, ``retry_delay``, ``backoff`` and ``proxy_url`` that the user passes replace
        those of the hook; a ``host`` or ``port`` of the hook replaces the user's.
        """
        return {}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
