# SPDX-License-Identifier: Apache-2.0
"""Access to an Azure account: by arguments, environment, connection string or URL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from libcloud.common.credentials.azure import (
    AzureCredentialsNotFoundError,
    IdentityTokens,
    account_from_env,
    parse_connection,
)
from libcloud.common.credentials.provider import CredentialsNotFoundError
from libcloud.storage.arguments import container_url
from libcloud.storage.azure.profiles import account_host
from libcloud.storage.s3.endpoint import Endpoint, parse_endpoint

_URL_KEYS = {"endpoint_url": "endpoint_url", "account": "key", "anonymous": "ex_anonymous?"}
_SCHEMES = ("az", "azure_blobs", "abfs", "abfss")
_WAYS = ("secret", "ex_sas_token", "ex_credential", "ex_anonymous")  # to authorize requests


def place_of(
    account: str, secure: bool, host: str | None, port: int | None, endpoint_url: str | None
) -> Endpoint:
    """The blob service that the arguments of the driver name; its path is the account, or empty."""
    if endpoint_url is None:
        name, prefix = account_host(account, host)
        return Endpoint(name, secure, port, prefix or "")
    if host is not None or port is not None:
        raise ValueError("endpoint_url specifies host and port: pass one of them")
    return parse_endpoint(endpoint_url)


@dataclass(frozen=True, slots=True)
class Access:
    """The credentials for requests. The secret of the application ``identity`` is the driver's."""

    tenant_id: str | None = None
    identity: str | None = None
    cloud_environment: str | Mapping[str, str] = "default"
    sas_token: str | None = field(default=None, repr=False)
    credential: Any = field(default=None, repr=False)

    @property
    def by_token(self) -> bool:
        """Whether Entra ID authorizes."""
        return self.credential is not None or bool(self.tenant_id and self.identity)

    def connection_options(self) -> dict[str, Any]:
        if not self.by_token:
            return {"sas_token": self.sas_token}
        return {
            "tokens": None if self.credential is None else IdentityTokens(self.credential),
            "tenant_id": self.tenant_id,
            "identity": self.identity,
            "cloud_environment": self.cloud_environment,
        }


def options_from_env(options: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of the driver, by ``AZURE_STORAGE_*`` and by ``options``.

    :param options: keywords of the driver, and ``connection_string``; they take precedence.
    :raises CredentialsNotFoundError: no account is named, or nothing authorizes requests.
    """
    given = {name: value for name, value in options.items() if value is not None}
    text = given.pop("connection_string", None)
    settings = parse_connection(text) if text else account_from_env(os.environ)
    if any(name in given for name in _WAYS):
        settings.pop("secret", None)
        settings.pop("ex_sas_token", None)
    account = settings.get("key", "")
    if "host" in given or given.get("key", account) != account:
        settings.pop("endpoint_url", None)
    settings.update(given)
    if not settings.get("key"):
        raise AzureCredentialsNotFoundError(
            "no account: set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT and "
            "AZURE_STORAGE_KEY"
        )
    if not any(settings.get(name) for name in _WAYS):
        settings["ex_credential"] = _identity_from_env()
    return settings


def _identity_from_env() -> str:
    """A login of azure-identity, where it is installed."""
    try:
        IdentityTokens("default")
    except CredentialsNotFoundError as error:
        raise AzureCredentialsNotFoundError(
            "no credentials: set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN; or install "
            "libcloud-storage[azure] to log in with Entra ID"
        ) from error
    return "login" if os.environ.get("AZURE_STORAGE_AUTH_MODE") == "login" else "default"


def options_from_url(url: str) -> tuple[str, dict[str, Any]]:
    """The container of a URL such as ``az://container?account=acme``, and keywords of the driver.

    ``abfs://container@account.dfs.core.windows.net`` names both.
    """
    example = "az://CONTAINER?account=ACCOUNT"
    place, settings = container_url(url, _SCHEMES, _URL_KEYS, example=example)
    container, at, host = place.partition("@")
    return container, {"key": host.partition(".")[0], **settings} if at else settings
