# SPDX-License-Identifier: Apache-2.0
"""Backblaze B2, by its S3-compatible API.

Apache Libcloud's driver uses B2's own protocol. This one asks B2 once for the S3 endpoint of the
account, and is then the S3 driver with the profile of B2.

References: Backblaze, "b2_authorize_account" and "S3-Compatible API".
"""

from __future__ import annotations

import threading
from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from libcloud.common.base import ConnectionUserAndKey
from libcloud.common.exceptions import before_sending
from libcloud.common.request import HttpRequest
from libcloud.common.response import Response
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError
from libcloud.storage import s3, transfer
from libcloud.storage.drivers.s3 import S3SignatureV4Connection
from libcloud.storage.drivers.s3_compatible import S3CompatibleStorageDriver
from libcloud.storage.keywords import S3ServiceKeywords
from libcloud.storage.s3.endpoint import Address, Addressing
from libcloud.storage.s3.profiles import B2
from libcloud.utils.documents import parse_json
from libcloud.utils.local import PerProcess

if TYPE_CHECKING:
    from typing_extensions import Unpack


AUTH_API_HOST = "api.backblazeb2.com"
API_PATH = "/b2api/v3/"


class _AuthorizationResponse(Response):
    def success(self) -> bool:
        return int(self.status) == 200

    def parse_error(self) -> Any:
        """:raises LibcloudError: always; without the body, which may repeat what was sent."""
        detail = s3.errors.error_detail(int(self.status), self.headers)
        try:
            document = parse_json(self.body)
            code = str(document.get("code", "")) if isinstance(document, dict) else ""
        except (TypeError, ValueError):
            code = ""
        detail = replace(detail, code=s3.errors.printable(code, 64))
        text = f"Error authorizing the account at Backblaze B2: {s3.errors.describe(detail)}"
        driver = getattr(self.connection, "driver", None)
        kind = InvalidCredsError if self.status == 401 else LibcloudError
        raise s3.errors.attach_detail(kind(text, driver), detail)


class BackblazeB2AuthConnection(ConnectionUserAndKey):
    """Asks B2 for the S3 endpoint of an account.

    :param user_id: id of the application key.
    :param key: the application key.
    """

    host = AUTH_API_HOST
    responseCls: Any = _AuthorizationResponse
    follow_redirects = False  # the request contains a secret

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.s3_host: str | None = None
        self._lock = PerProcess(threading.RLock)

    def authenticate(self, force: bool = False) -> str:
        """The host of the account's S3 endpoint; one request, whose response is kept.

        :param force: ask again.
        :raises InvalidCredsError: B2 does not accept the key.
        :raises LibcloudError: it did not respond, or not with one of its endpoints.
        """
        with self._lock(), before_sending():
            if self.s3_host is None or force:
                self.s3_host = self._host_in(self._ask())
            return self.s3_host

    def _ask(self) -> Any:
        token = b64encode(f"{self.user_id}:{self.key}".encode()).decode()
        request = HttpRequest(
            "GET", f"{API_PATH}b2_authorize_account", headers={"Authorization": f"Basic {token}"}
        )
        what = "Error authorizing the account at Backblaze B2"
        try:
            return transfer.client.send_once(self, request, what, driver=self.driver)
        except OSError as error:
            # Nothing of the request that needed the endpoint has been sent.
            raise s3.errors.attach_detail(
                LibcloudError(str(error), self.driver), s3.errors.error_detail(503, {})
            ) from error

    def _host_in(self, response: Any) -> str:
        try:
            document = parse_json(response.body)
            info = document.get("apiInfo", {}).get("storageApi", document)
            url = str(info.get("s3ApiUrl") or "")
            host = s3.endpoint.parse_endpoint(url).host if url else ""
        except (AttributeError, TypeError, ValueError) as error:
            raise self._malformed("the response is not that of b2_authorize_account") from error
        if not host:
            raise self._malformed("the account has no S3 endpoint")
        if self.host == AUTH_API_HOST and not B2.owns(host):
            raise self._malformed("the S3 endpoint is not a host of Backblaze")
        return host

    def _malformed(self, why: str) -> MalformedResponseError:
        return MalformedResponseError(f"Backblaze B2: {why}", driver=self.driver)


class _AccountAddressing(Addressing):
    """Resolves requests to the endpoint of the account of ``connection``, once it is known."""

    def __init__(
        self, connection: BackblazeB2Connection, authorization: Any, *, style: str
    ) -> None:
        super().__init__(B2, host=connection.host, secure=bool(connection.secure), style=style)
        self._connection = connection
        self._authorization = authorization
        self._region = ""
        self.is_plain = False  # the host of the connection is not the one to use

    @property
    def host(self) -> str:
        """The host of the endpoint; requests it if needed."""
        if not self._region:
            authorization = self._authorization
            # Credentials that are fetched when they are needed may have been replaced.
            connection = self._connection
            authorization.user_id, authorization.key = connection.user_id, connection.key
            self._host = authorization.authenticate()
            region = B2.region_of(self._host) or B2.default_region
            driver = connection.driver
            driver.region = driver.region_name = region
            self._region = region
        return self._host

    def resolve(self, action: str) -> Address:
        """See :meth:`Addressing.resolve`; requests the endpoint if needed."""
        assert self.host
        address = super().resolve(action)
        return address if address.region else address._replace(region=self._region)


class BackblazeB2Connection(S3SignatureV4Connection):
    """A connection to the S3 endpoint of an account."""

    authCls: Any = BackblazeB2AuthConnection

    def find_endpoint(self, style: str) -> None:
        """Ask for the endpoint of the account before the first request."""
        authorization = self.authCls("", "", timeout=self.timeout, proxy_url=self.proxy_url)
        authorization.driver = self.driver
        authorization.ca_cert = getattr(self, "ca_cert", None)
        authorization.total_timeout = self.total_timeout
        self.addressing = _AccountAddressing(self, authorization, style=style)
        # No request goes there; the endpoint is known from the first request on.
        self.host = authorization.host


class BackblazeB2StorageDriver(S3CompatibleStorageDriver):
    """Backblaze B2.

    Without ``host``, ``region`` and ``endpoint_url``, B2 is queried for the S3 endpoint of the
    account before the first request. The S3-compatible API does not accept the master application
    key: create an application key.

    :param key: id of the application key.
    :param secret: the application key.
    :param region: of the account, such as ``us-west-004``; with it, no query is sent.
    """

    name = "Backblaze B2"
    website = "https://www.backblaze.com/b2/"
    type = "backblaze_b2"
    connectionCls = BackblazeB2Connection
    profile = B2
    region_name = B2.default_region

    def __init__(
        self,
        key: str | None = None,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        api_version: str | None = None,
        region: str | None = None,
        **kwargs: Unpack[S3ServiceKeywords],
    ) -> None:
        super().__init__(key, secret, secure, host, port, api_version, region, **kwargs)
        is_known = bool(host or region or kwargs.get("endpoint_url"))
        if not is_known and not self.connection.anonymous:
            self.connection.find_endpoint(kwargs.get("ex_addressing_style", "path"))
