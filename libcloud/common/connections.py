# SPDX-License-Identifier: Apache-2.0
"""Connections with different kinds of credentials, and one that polls for the end of a job."""

from __future__ import annotations

import time
from typing import Any

from libcloud.common.connection import Connection
from libcloud.common.types import LibcloudError


class PollingConnection(Connection):
    """Starts an asynchronous job and polls until it has completed."""

    poll_interval: float = 0.5
    """Seconds between two polls."""

    timeout: Any = 200
    """Seconds until a job must have completed."""

    request_method = "request"
    """Name of the method that sends requests."""

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
        """Return the arguments of the first request."""
        return {
            "action": action,
            "params": params,
            "data": data,
            "headers": headers,
            "method": method,
        }

    def get_poll_request_kwargs(self, response: Any, context: Any, request_kwargs: Any) -> Any:
        """Return the arguments of the requests that poll the job. To be overridden."""
        raise NotImplementedError("get_poll_request_kwargs not implemented")

    def has_completed(self, response: Any) -> bool:
        """Return whether the job has completed, according to ``response``. To be overridden."""
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
        super().__init__(
            secure=secure,
            host=host,
            port=port,
            url=url,
            timeout=timeout,
            proxy_url=proxy_url,
            backoff=backoff,
            retry_delay=retry_delay,
        )
        self.key = key


class ConnectionUserAndKey(ConnectionKey):
    """A connection with a user and a key."""

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
        super().__init__(
            key,
            secure=secure,
            host=host,
            port=port,
            url=url,
            timeout=timeout,
            proxy_url=proxy_url,
            backoff=backoff,
            retry_delay=retry_delay,
        )
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
        super().__init__(
            secure=secure,
            host=host,
            port=port,
            url=url,
            timeout=timeout,
            proxy_url=proxy_url,
            backoff=backoff,
            retry_delay=retry_delay,
        )
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
            cert_file,
            secure=secure,
            host=host,
            port=port,
            url=url,
            timeout=timeout,
            proxy_url=proxy_url,
            backoff=backoff,
            retry_delay=retry_delay,
        )
        self.key_file = key_file
        self.ca_cert = ca_cert
