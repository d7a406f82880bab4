# SPDX-License-Identifier: Apache-2.0
"""Connections to Swift, which request a token when it is needed, and renew it when it expires."""

from __future__ import annotations

from collections.abc import Mapping
from threading import RLock
from typing import Any
from urllib.parse import urljoin, urlsplit

from libcloud.common.base import ConnectionUserAndKey
from libcloud.common.credentials.openstack import Access, Identity, authenticate
from libcloud.common.exceptions import before_sending
from libcloud.common.response import RawResponse, Response, error_text
from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage.swift import errors
from libcloud.storage.transfer.client import raise_if_lost
from libcloud.utils.documents import parse_json
from libcloud.utils.local import PerProcess

_REDIRECTS = 5  # of a request for a token

AUTH_URL = "https://identity.api.rackspacecloud.com"


class CloudFilesResponse(Response):
    """A response with a JSON document, or with text."""

    valid_response_codes = (404, 409)

    def success(self) -> bool:
        """Whether the status is 2xx, or one that drivers handle."""
        return self.status in range(200, 300) or self.status in self.valid_response_codes

    def parse_body(self) -> Any:
        """The parsed document if the body is JSON, otherwise the text, as for 201."""
        is_json = "json" in self.headers.get("content-type", "")
        if self.status == 201 or not is_json or self._has_no_document():
            return self.body
        try:
            return parse_json(self.body)
        except (ValueError, TypeError) as error:
            raise self._malformed("Failed to parse JSON") from error

    def parse_error(self) -> Any:
        """:raises LibcloudError: always, with the status and what the body says."""
        detail = errors.error_detail(self.status, self.headers, error_text(self))
        driver = getattr(self.connection, "driver", None)
        raise errors.attach_detail(LibcloudError(errors.describe(detail), driver), detail)


class CloudFilesRawResponse(CloudFilesResponse, RawResponse):
    """A response whose body the caller reads."""

    def __init__(self, connection: Any, response: Any = None) -> None:
        RawResponse.__init__(self, connection, response)


class OpenStackSwiftConnection(ConnectionUserAndKey):
    """A connection to the account of a Swift cluster; the other parameters are described in
    :class:`~libcloud.storage.keywords.SwiftKeywords`.

    :param host: of the cluster; without ``ex_force_auth_url``, TempAuth is there.
    :param ex_force_auth_token: a token that is used without authentication. It is renewed only if
        ``ex_force_auth_url`` or ``host`` is given.
    """

    responseCls: Any = CloudFilesResponse
    rawResponseCls: Any = CloudFilesRawResponse
    # Another host must get neither the data nor the token.
    follow_redirects = False

    auth_url = AUTH_URL
    _auth_version = "1.0"
    auth_token: str | None = None
    ca_cert: str | None = None
    use_internal_url = False
    cdn_request = False
    _access: Access | None = None

    def __init__(
        self,
        user_id: Any,
        key: Any,
        secure: Any = True,
        host: str | None = None,
        port: int | str | None = None,
        timeout: Any = None,
        proxy_url: str | None = None,
        ex_force_base_url: str | None = None,
        ex_force_auth_url: str | None = None,
        ex_force_auth_version: str | None = None,
        ex_force_auth_token: str | None = None,
        ex_token_scope: str = "project",
        ex_domain_name: str = "Default",
        ex_tenant_name: str | None = None,
        ex_tenant_domain_id: str = "default",
        ex_force_service_type: str | None = None,
        ex_force_service_name: str | None = None,
        ex_force_service_region: str | None = None,
        ex_force_microversion: str | None = None,
        ex_auth_cache: Any = None,
        retry_delay: Any = None,
        backoff: Any = None,
        ex_tenant_id: str | None = None,
        ex_tenant_domain_name: str | None = None,
        ex_interface: str | None = None,
        ex_ca_bundle: str | None = None,
    ) -> None:
        super().__init__(
            user_id, key, secure, host, port, None, timeout, proxy_url, backoff, retry_delay
        )
        if ex_ca_bundle is not None:
            self.ca_cert = ex_ca_bundle
        if ex_force_auth_version:
            self._auth_version = ex_force_auth_version
        self._ex_force_auth_url = ex_force_auth_url
        self._ex_force_base_url = ex_force_base_url
        self.auth_token = ex_force_auth_token
        scheme, place = "https" if self.secure else "http", f"{host}:{port}" if port else host
        own_url = self.auth_url if host is None else f"{scheme}://{place}/auth/v1.0"
        self.identity = Identity(
            ex_force_auth_url or own_url,
            self._auth_version or "1.0",
            str(user_id),
            str(key or ""),
            tenant=ex_tenant_name,
            tenant_id=ex_tenant_id,
            tenant_domain_id=ex_tenant_domain_id,
            tenant_domain=ex_tenant_domain_name,
            domain=ex_domain_name,
            scope=ex_token_scope,
            service_type=ex_force_service_type,
            service_name=ex_force_service_name,
            region=ex_force_service_region,
            interface=ex_interface or "public",
        )
        # A given token may be of another identity service than the default one.
        self._renews = ex_force_auth_token is None or bool(ex_force_auth_url or host)
        self._ready = False
        self._authenticating = PerProcess(RLock)

    def renew_token(self, refused: str | None) -> bool:
        """Ask for another token, unless another thread has done so since ``refused`` was.

        :return: whether there is another; a given token is not renewed unless the constructor names
            what issues tokens.
        """
        if self.auth_token == refused and (self.auth_token is None or self._ready):
            if not self._renews:
                return False
            with self._authenticating(), before_sending():
                if self.auth_token == refused:
                    self._take(self._ask())
        return True

    def get_endpoint(self) -> str:
        """The storage URL of the account; authenticates if needed."""
        self._populate_hosts_and_request_paths()
        return self._endpoint_of(self._access) or self._base_url

    def request(  # type: ignore[override]  # in Apache Libcloud, cdn_request is in this position
        self,
        action: str,
        params: Any = None,
        data: Any = "",
        headers: Mapping[str, Any] | None = None,
        method: str = "GET",
        raw: bool = False,
        cdn_request: bool = False,
        stream: bool = False,
        **rest: Any,
    ) -> Any:
        """Send a request to the account, or to the CDN management of Rackspace."""
        self._populate_hosts_and_request_paths()
        if cdn_request:
            return self._cdn().request(action, params, data or None, headers, method, raw)
        return super().request(
            action, params, data or None, headers, method, raw, stream=stream, **rest
        )

    def morph_action_hook(self, action: str) -> str:
        """The path; ``//info`` is counted from the root of the host."""
        return action[1:] if action.startswith("//") else self.request_path + action

    def add_default_headers(self, headers: dict[str, Any]) -> dict[str, Any]:
        """Add the token."""
        if self.auth_token is not None:
            headers["X-Auth-Token"] = self.auth_token
        return headers

    def _populate_hosts_and_request_paths(self) -> None:
        """Have a token, and know the storage URL."""
        if not self._ready:
            with self._authenticating(), before_sending():
                if not self._ready:
                    self._begin()

    def _begin(self) -> None:
        if self.auth_token is None or self._ex_force_base_url is None:
            self._take(self._ask())
        else:
            self._point_at(self._ex_force_base_url)
        self._ready = True

    def _ask(self) -> Access:
        try:
            return authenticate(self.identity, self._send, self.driver)
        except LibcloudError as error:
            if error.http_code and getattr(error, "status", None) is None:
                detail = errors.error_detail(error.http_code, {}, str(error.value))
                errors.attach_detail(error, detail)
            raise
        except Exception as error:
            raise_if_lost(error, "Error requesting a token", self.driver)
            raise

    def _take(self, access: Access) -> None:
        self.auth_token = access.token
        self._access = access
        url = self._ex_force_base_url or self._endpoint_of(access) or access.storage_url
        if not self._ready or url != self._base_url:
            self._point_at(url)

    def _endpoint_of(self, access: Access | None) -> str | None:
        if access is None:
            return None
        if self.cdn_request:
            return access.cdn_url
        return access.internal_url if self.use_internal_url else access.storage_url

    def _point_at(self, url: str) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:  # out of range
            port = 0
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise MalformedResponseError(f"invalid storage URL: {url!r}", driver=self.driver)
        self._base_url = url
        self.secure = 1 if parts.scheme == "https" else 0
        self.host = parts.hostname
        self.port = port or (443 if self.secure else 80)
        self.request_path = parts.path.rstrip("/")
        self.connect()

    def _cdn(self) -> ConnectionUserAndKey:
        url = self._access.cdn_url if self._access is not None else None
        if not url:
            raise LibcloudError("the store has no CDN", self.driver)
        connection = _CDNConnection(self.user_id, self.key, url=url, timeout=self.timeout)
        connection.conn_class = self.conn_class
        connection.driver, connection.token = self.driver, self.auth_token
        return connection

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Any:
        """One request to the identity service; a redirect is followed on the same host only.

        The request contains a secret, and another host must not get it.
        """
        for _ in range(_REDIRECTS):
            response = self._send_once(method, url, headers, body)
            target = urljoin(url, response.headers.get("location", ""))
            is_redirect = response.status_code in (301, 302, 303, 307, 308) and target != url
            if not is_redirect or not _is_same_place(url, target):
                break
            url = target
        return response

    def _send_once(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Any:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        settings = {"timeout": self.timeout, "proxy_url": self.proxy_url}
        connection = self.conn_class(
            host=parts.hostname,
            port=parts.port or (443 if secure else 80),
            secure=1 if secure else 0,
            **{name: value for name, value in settings.items() if value is not None},
        )
        connection.follow_redirects = False
        if self.ca_cert is not None:
            connection._setup_ca_cert(ca_cert=self.ca_cert)
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        connection.request(method=method, url=target, body=body, headers=dict(headers))
        return connection.getresponse()


def _is_same_place(url: str, target: str) -> bool:
    """Whether ``target`` is on the host and port of ``url``, or is the same host by TLS."""
    old, new = urlsplit(url), urlsplit(target)
    if old.hostname != new.hostname:
        return False
    if (old.scheme, old.netloc) == (new.scheme, new.netloc):
        return True
    return (old.scheme, old.port, new.scheme, new.port) == ("http", None, "https", None)


class _CDNConnection(ConnectionUserAndKey):
    responseCls: Any = CloudFilesResponse
    rawResponseCls: Any = CloudFilesRawResponse
    follow_redirects = False
    token: str | None = None

    def add_default_headers(self, headers: dict[str, Any]) -> dict[str, Any]:
        return {**headers, "X-Auth-Token": self.token}


class CloudFilesConnection(OpenStackSwiftConnection):
    """A connection to Cloud Files of Rackspace.

    :param use_internal_url: the endpoint inside of Rackspace's network.
    """

    _auth_version = "2.0"

    def __init__(
        self,
        user_id: Any,
        key: Any,
        secure: Any = True,
        use_internal_url: bool = False,
        ex_force_service_region: str | None = None,
        **kwargs: Any,
    ) -> None:
        region = (ex_force_service_region or "").upper()  # as Rackspace writes them
        super().__init__(user_id, key, secure, ex_force_service_region=region or None, **kwargs)
        self.use_internal_url = use_internal_url
