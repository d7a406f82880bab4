# SPDX-License-Identifier: Apache-2.0
"""Session tokens of temporary credentials on connections and drivers.

The classes are public as ``libcloud.common.aws``.
"""

from __future__ import annotations

from typing import Any

from libcloud.common.base import BaseDriver, ConnectionUserAndKey
from libcloud.common.credentials import clean_key

__all__ = ["TOKEN_NAME", "AWSDriver", "AWSTokenConnection", "with_param"]

TOKEN_NAME = "x-amz-security-token"


def with_param(params: Any, name: str, value: str | None) -> Any:
    """Set one parameter in ``params``, a mapping (changed in place) or pairs; return them.

    :param value: ``None`` for a bare key.
    """
    if hasattr(params, "items"):
        params[name] = value
        return params
    return [*(pair for pair in params if pair[0] != name), (name, value)]


class AWSTokenConnection(ConnectionUserAndKey):
    """Sends the session token of temporary credentials as a header and as a parameter.

    :param token: session token; ``None`` for long-term credentials.
    """

    def __init__(
        self,
        user_id: str,
        key: str,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        url: str | None = None,
        timeout: float | None = None,
        proxy_url: str | None = None,
        token: str | None = None,
        retry_delay: float | None = None,
        backoff: float | None = None,
    ) -> None:
        self.token = clean_key(token, "session token")
        super().__init__(
            clean_key(user_id, "access key"),
            key,
            secure=secure,
            host=host,
            port=port,
            url=url,
            timeout=timeout,
            proxy_url=proxy_url,
            retry_delay=retry_delay,
            backoff=backoff,
        )

    def add_default_params(self, params: Any) -> Any:
        if self.token:
            params = with_param(params, TOKEN_NAME, self.token)
        return super().add_default_params(params)

    def add_default_headers(self, headers: dict[str, Any]) -> dict[str, Any]:
        if self.token:
            headers[TOKEN_NAME] = self.token
        return super().add_default_headers(headers)


class AWSDriver(BaseDriver):
    """A driver with temporary credentials.

    :param token: session token; ``None`` for long-term credentials.
    """

    def __init__(
        self,
        key: str | None,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        api_version: str | None = None,
        region: str | None = None,
        token: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.token = token
        super().__init__(
            key,
            secret=secret,
            secure=secure,
            host=host,
            port=port,
            api_version=api_version,
            region=region,
            **kwargs,
        )

    def _ex_connection_class_kwargs(self) -> dict[str, Any]:
        keywords = dict(super()._ex_connection_class_kwargs())
        keywords["token"] = self.token
        return keywords
