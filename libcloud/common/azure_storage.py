# SPDX-License-Identifier: Apache-2.0
"""Connections to Azure Storage, one class for each way of signing, and its responses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from libcloud import common
from libcloud.common.base import ConnectionUserAndKey, JsonResponse, RawResponse, XmlResponse
from libcloud.common.credentials import Credentials
from libcloud.common.credentials.provider import CredentialProvider
from libcloud.common.signing import correct_clock
from libcloud.common.signing.sharedkey import AccountKey, string_to_sign
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError
from libcloud.utils.local import PerThread

API_VERSION = "2021-12-02"
"""Has blocks of 4,000 MiB (2019-12-12) and the tier Cold (2021-12-02).

Reference: Azure Storage REST API, "Versioning for Azure Storage".
"""


LOGIN_HOSTS = MappingProxyType(
    {
        "default": "login.microsoftonline.com",
        "AzureChinaCloud": "login.chinacloudapi.cn",
        "AzureUSGovernment": "login.microsoftonline.us",
        "AzureGermanCloud": "login.microsoftonline.de",
    }
)
"""Token endpoints by cloud. Reference: Microsoft Learn, "National clouds"."""


class AzureStorageResponse(XmlResponse):
    """A response of Azure Storage. The client looks at the status; nothing is raised here."""

    def success(self) -> bool:
        return True

    def parse_body(self) -> Any:
        """The root element; the text of an error that is not a document."""
        try:
            return super().parse_body()
        except MalformedResponseError:
            if int(self.status) < 400:
                raise
            return self.body


class AzureStorageRawResponse(RawResponse):
    """Its body is not read; an error is not raised here."""

    def success(self) -> bool:
        return True


class AzureBlobsConnection(ConnectionUserAndKey):
    """Signs with the key of an account, or with a shared access signature.

    :param account_prefix: first segment of all paths, for services that name the account there,
        such as Azurite; ``None``: the host names it.
    :param sas_token: parameters that authorize requests, in place of the key.
    """

    responseCls: Any = AzureStorageResponse
    rawResponseCls: Any = AzureStorageRawResponse
    API_VERSION = API_VERSION
    follow_redirects = False
    clock_offset = timedelta(0)  # by which the store's clock is ahead of this machine's

    _used: Any = PerThread(timedelta(0))  # what the last request was authorized with

    def __init__(
        self,
        *args: Any,
        account_prefix: str | None = None,
        sas_token: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.account_prefix = account_prefix
        self._sas = tuple(parse_qsl((sas_token or "").lstrip("?"), keep_blank_values=True))

    def morph_action_hook(self, action: str) -> str:
        prefix = f"/{self.account_prefix}" if self.account_prefix else ""
        return f"{prefix}{action}"

    def pre_connect_hook(self, params: Any, headers: Any) -> tuple[Any, Any]:
        from email.utils import formatdate

        self._used = self.clock_offset
        headers["x-ms-date"] = formatdate(self.server_time().timestamp(), usegmt=True)
        headers["x-ms-version"] = self.API_VERSION
        length = len(self.data) if hasattr(self.data, "__len__") else None
        if length:
            headers.setdefault("Content-Length", str(length))
        params = self.authorize(dict(params or {}), headers)
        return params, headers

    def authorize(self, params: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
        """Add what authorizes the request to ``headers``, or to the returned parameters."""
        if self._sas:
            return {**params, **dict(self._sas)}
        if self.key:
            path, _, query = self.action.partition("?")
            pairs = [
                *common.request.parse_query(query),
                *((str(k), str(v)) for k, v in params.items()),
            ]
            try:
                text = string_to_sign(self.method, path, pairs, headers, account=self.user_id)
                headers["Authorization"] = self.account_key().authorization(text)
            except ValueError as error:
                raise InvalidCredsError(str(error), self.driver) from error
        return params

    def server_time(self) -> datetime:
        return datetime.now(timezone.utc) + self.clock_offset

    def recover(self, status: int, code: str, date: datetime | None) -> bool:
        """Correct what the last request of this thread was authorized with, which was refused.

        The date of a signed request may be up to 15 minutes wrong. Reference: Azure Storage REST
        API, "Authorize with Shared Key".
        """
        if status != 403 or code not in ("", "AuthenticationFailed") or date is None:
            return False
        if self._sas or not self.key:
            return False
        return correct_clock(self, date, self._used)

    def account_key(self) -> AccountKey:
        return AccountKey(self.user_id, self.key)

    def copy_source(self, url: str) -> str:
        """The URL of a blob to copy: a shared access signature authorizes one of the two.

        Reference: Azure Storage REST API, "Copy Blob", "Authorization".
        """
        return f"{url}?{urlencode(self._sas)}" if self._sas else url

    def secrets(self) -> list[str]:
        return [value for name, value in self._sas if name == "sig"]

    def describe_credentials(self) -> str:
        if self._sas:
            return "shared access signature"
        return "account key" if self.key else "none: requests are anonymous"

    @property
    def can_sign_urls(self) -> bool:
        """Whether there is an account key, which a shared access signature is made with."""
        return bool(self.key) and not self._sas


class _TokenResponse(JsonResponse):
    def success(self) -> bool:
        return True


class _TokenConnection(ConnectionUserAndKey):
    """Connects to the host that issues tokens; no other host gets the secret of an application."""

    responseCls = _TokenResponse
    follow_redirects = False


class AzureBlobsActiveDirectoryConnection(AzureBlobsConnection):
    """Authorizes by tokens of Entra ID (formerly Azure Active Directory).

    :param tokens: returns a token; ``None``: one for the application ``identity``.
    :param identity: client id of the application, whose secret is the connection's key.
    :param cloud_environment: a key of :data:`LOGIN_HOSTS`, or a mapping that describes another
        cloud, of which ``activeDirectoryEndpointUrl`` is used.
    """

    def __init__(
        self,
        *args: Any,
        tokens: Any = None,
        tenant_id: str | None = None,
        identity: str | None = None,
        cloud_environment: str | Mapping[str, str] = "default",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.tenant_id = tenant_id
        self.identity = identity
        self._login_host = _login_host_of(cloud_environment)
        self.cloud_environment = cloud_environment
        self._provider = CredentialProvider(tokens or self.get_client_credentials)

    @property
    def can_sign_urls(self) -> bool:
        return False

    def describe_credentials(self) -> str:
        return "token of Entra ID"

    def authorize(self, params: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
        self._used = self._provider.current()
        headers["Authorization"] = f"Bearer {self._used.token}"
        return params

    def recover(self, status: int, code: str, date: datetime | None) -> bool:
        """Have the next request ask for another token if the store refused this one."""
        return status == 401 and self._provider.discard(self._used)

    def get_client_credentials(self) -> Credentials:
        """Reference: Microsoft Learn, "Service to service calls using client credentials"."""
        connection = _TokenConnection(
            self.identity,
            self.key,
            host=self._login_host,
            timeout=self.timeout,
            proxy_url=self.proxy_url,
        )
        connection.conn_class = self.conn_class
        connection.driver = self.driver
        connection.connect()
        form = {
            "grant_type": "client_credentials",
            "client_id": self.identity,
            "client_secret": self.key,
            "resource": "https://storage.azure.com/",
        }
        response = connection.request(
            f"/{self.tenant_id}/oauth2/token",
            method="POST",
            data=urlencode(form),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        return self._credentials(response.status, response.object)

    def _credentials(self, status: int, document: Any) -> Credentials:
        found: Mapping[str, Any] = document if isinstance(document, Mapping) else {}
        if status in (400, 401, 403):
            code = str(found.get("error", ""))[:100]
            raise InvalidCredsError(
                f"Entra ID rejected the application: status {status}, {code}", self.driver
            )
        lifetime = _seconds(found.get("expires_in", 3600))
        if status != 200 or not found.get("access_token") or lifetime is None:
            error = LibcloudError(f"Entra ID returned no token: status {status}", self.driver)
            error.http_code = status
            raise error
        # The lifetime counts from now; ``expires_on`` is a time of another clock.
        expires = datetime.now(timezone.utc) + lifetime
        return Credentials("", "", str(found["access_token"]), expires)


def _login_host_of(environment: str | Mapping[str, str]) -> str:
    if isinstance(environment, Mapping):
        url = environment["activeDirectoryEndpointUrl"]
        return urlsplit(url).hostname or url.strip("/")
    if environment not in LOGIN_HOSTS:
        known = ", ".join(LOGIN_HOSTS)
        raise KeyError(f"cloud_environment is one of {known}, not {environment!r}")
    return LOGIN_HOSTS[environment]


def _seconds(text: Any) -> timedelta | None:
    try:
        return timedelta(seconds=int(text))
    except (TypeError, ValueError, OverflowError):
        return None
