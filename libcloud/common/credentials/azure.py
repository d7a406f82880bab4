# SPDX-License-Identifier: Apache-2.0
"""Azure: accounts by connection string and environment, and tokens of ``azure-identity``.

References: Microsoft Learn, "Configure Azure Storage connection strings", "Azure CLI environment
variables" (``AZURE_STORAGE_*``), and "DefaultAzureCredential".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from libcloud.common.credentials.provider import Credentials, CredentialsNotFoundError
from libcloud.common.types import InvalidCredsError, LibcloudError

SCOPE = "https://storage.azure.com/.default"
"""The scope of a token for Azure Storage."""

_ENTRA_CODE = re.compile(r"AADSTS[0-9]+")

# The account of Azurite and of the former storage emulator, which Microsoft publishes.
_DEVELOPMENT = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey="
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1"
)

_IDENTITIES = {
    "default": "DefaultAzureCredential",
    "cli": "AzureCliCredential",
    "login": "DefaultAzureCredential",  # the word of the Azure CLI
    "managed_identity": "ManagedIdentityCredential",
}


def parse_connection(text: str) -> dict[str, Any]:
    """The keywords of the driver in a connection string, which no :exc:`ValueError` shows."""
    pairs = {}
    for item in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, value = item.partition("=")
        if not equals:
            raise ValueError("an Azure connection string consists of NAME=VALUE pairs")
        pairs[name.lower()] = value
    if pairs.get("usedevelopmentstorage", "").lower() == "true":
        return parse_connection(_DEVELOPMENT)
    name, endpoint = pairs.get("accountname", ""), pairs.get("blobendpoint", "")
    if not endpoint and "endpointsuffix" in pairs:
        scheme = pairs.get("defaultendpointsprotocol", "https")
        endpoint = f"{scheme}://{name}.blob.{pairs['endpointsuffix']}"
    if not name and endpoint:
        name = (urlsplit(endpoint).hostname or "").partition(".")[0]
    if not name:
        raise ValueError("the Azure connection string has neither AccountName nor BlobEndpoint")
    sas = pairs.get("sharedaccesssignature", "")
    return _keywords(name, pairs.get("accountkey", ""), sas, endpoint)


def _keywords(account: str, secret: str, sas: str, endpoint: str) -> dict[str, Any]:
    sas = sas.lstrip("?")
    found = {"key": account, "secret": "" if sas else secret}
    found.update(ex_sas_token=sas, endpoint_url=endpoint)
    return {name: value for name, value in found.items() if value}


def account_from_env(environ: Mapping[str, str]) -> dict[str, Any]:
    text = environ.get("AZURE_STORAGE_CONNECTION_STRING", "")
    if text:
        return parse_connection(text)

    def first(*names: str) -> str:
        return next((environ[name] for name in names if environ.get(name)), "")

    return _keywords(
        first("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"),
        first("AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY"),
        first("AZURE_STORAGE_SAS_TOKEN"),
        first("AZURE_STORAGE_SERVICE_ENDPOINT", "AZURE_STORAGE_BLOB_ENDPOINT"),
    )


class AzureCredentialsNotFoundError(CredentialsNotFoundError):
    """There are no credentials for Azure. Its message says which are missing."""

    hint = ""


class IdentityTokens:
    """Asks a credential of ``azure-identity``, or a name in ``_IDENTITIES``, for tokens."""

    def __init__(self, credential: Any) -> None:
        if isinstance(credential, str):
            if credential not in _IDENTITIES:
                raise ValueError(
                    f"ex_credential is a credential of azure-identity, or one of "
                    f"{', '.join(_IDENTITIES)}, not {credential!r}"
                )
            try:
                module = import_module("azure.identity")
            except ImportError as error:
                raise AzureCredentialsNotFoundError(
                    "logging in with Entra ID needs azure-identity: install libcloud-storage[azure]"
                ) from error
            credential = getattr(module, _IDENTITIES[credential])()
        self._credential = credential

    def __call__(self) -> Credentials:
        """A new token. The error of the credential may contain a secret, and is only a cause."""
        try:
            token = self._credential.get_token(SCOPE)
            expires = datetime.fromtimestamp(token.expires_on, timezone.utc)
            return Credentials("", "", token.token, expires)
        except LibcloudError:
            raise
        except Exception as error:
            kind = type(self._credential).__name__
            code = _ENTRA_CODE.search(str(error))
            shown = ", ".join(filter(None, [type(error).__name__, code and code[0]]))
            raise InvalidCredsError(f"{kind} gives no token ({shown})") from error
