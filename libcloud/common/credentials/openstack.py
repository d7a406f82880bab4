# SPDX-License-Identifier: Apache-2.0
"""Tokens of OpenStack: from TempAuth (version 1), and from Keystone (versions 2 and 3).

Keystone is used through keystoneauth1, the extra ``swift``, which is imported when it is used. All
requests go through the sender that is passed in.

Reference: Swift, "The Auth System" (overview_auth), and keystoneauth1, "Authentication Plugins".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from libcloud.common.types import InvalidCredsError, LibcloudError

Sender = Callable[[str, str, Mapping[str, str], Any], Any]
"""Sends method, URL, headers and body; returns the response of requests."""

_SERVICE_TYPE = "object-store"
_CDN_TYPE = "rax:object-cdn"


@dataclass(frozen=True, slots=True)
class Access:
    """What authentication gives; a URL is ``None`` if the store has no such service."""

    token: str = field(repr=False)
    storage_url: str
    internal_url: str | None = None
    cdn_url: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, and where; names are those of the keywords of Apache Libcloud.

    :param auth_url: without or with its version.
    :param auth_version: ``1.0``, ``1.1``, ``2.0``, ``2.0_apikey``, ``2.0_password``,
        ``3.x_password`` or ``3.x_appcred``.
    :param user: name; with ``3.x_appcred`` the id of the application credential.
    :param tenant: name of the project, unless ``tenant_id`` is given.
    :param tenant_domain_id: of the project's domain, unless its name is given.
    :param domain: name of the user's domain.
    :param interface: ``public``, ``internal`` or ``admin``.
    """

    auth_url: str
    auth_version: str
    user: str
    secret: str = field(repr=False)
    tenant: str | None = None
    tenant_id: str | None = None
    tenant_domain_id: str | None = "default"
    tenant_domain: str | None = None
    domain: str = "Default"
    scope: str = "project"
    service_type: str | None = None
    service_name: str | None = None
    region: str | None = None
    interface: str = "public"


def authenticate(identity: Identity, send: Sender, driver: Any = None) -> Access:
    """Ask for a token."""
    version = identity.auth_version.partition("_")[0]
    if version in ("1.0", "1", "1.1"):
        return _temp_auth(identity, send, driver)
    if version in ("2.0", "2", "3", "3.x", "3.0"):
        return _keystone(identity, send, driver)
    raise LibcloudError(f"Unsupported Auth Version requested: {identity.auth_version}", driver)


def _temp_auth(identity: Identity, send: Sender, driver: Any) -> Access:
    url = identity.auth_url.rstrip("/")
    if not url.endswith(("/v1", "/v1.0", "/1.0")):
        url += "/v1.0"
    headers = {"X-Auth-User": identity.user, "X-Auth-Key": identity.secret}
    response = send("GET", url, headers, None)
    if response.status_code in (401, 403):
        raise _refused(response.status_code, driver)
    found = response.headers
    token, storage_url = found.get("x-auth-token"), found.get("x-storage-url")
    if response.status_code not in (200, 203, 204) or not token or not storage_url:
        text = f"{url} gives no token: Status code: {response.status_code}"
        error = LibcloudError(text, driver)
        error.http_code = response.status_code
        raise error
    return Access(token, storage_url, cdn_url=found.get("x-cdn-management-url"))


def _refused(status: int, driver: Any) -> InvalidCredsError:
    error = InvalidCredsError(
        f"the credentials were rejected: Status code: {status}, code: Unauthorized", driver
    )
    vars(error).update(status=status, code="Unauthorized")
    return error


def _keystone(identity: Identity, send: Sender, driver: Any) -> Access:
    try:
        from keystoneauth1 import exceptions, session
    except ImportError as error:
        raise LibcloudError(
            "Keystone requires keystoneauth1: pip install 'libcloud-storage[swift]'", driver
        ) from error
    requests: Any = _Requests(send)  # as much of a session of requests as keystoneauth1 uses
    keystone = session.Session(auth=_plugin(identity), session=requests, redirect=False)
    try:
        token = keystone.get_token()
        storage_url = _endpoint(keystone, identity, identity.interface)
        internal_url = _endpoint(keystone, identity, "internal")
        cdn_url = _endpoint(keystone, identity, "public", kind=_CDN_TYPE)
    except (exceptions.Unauthorized, exceptions.Forbidden) as error:
        raise _refused(error.http_status, driver) from error
    except exceptions.ClientException as error:
        if requests.failure is not None:  # there was no response
            raise requests.failure from error
        failed = LibcloudError(f"{identity.auth_url} gives no token: {error}", driver)
        failed.http_code = getattr(error, "http_status", None)
        raise failed from error
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # keystoneauth1 expects that a response with a good status is one of Keystone.
        text = f"{identity.auth_url} gives no token: the response is not that of Keystone"
        raise LibcloudError(text, driver) from error
    if not storage_url:
        raise LibcloudError("Could not find specified endpoint", driver)
    return Access(str(token), storage_url, internal_url, cdn_url)


def _endpoint(keystone: Any, identity: Identity, interface: str, kind: str = "") -> str | None:
    """The URL of a service, by default the object store; ``None`` if there is no such service."""
    from keystoneauth1 import exceptions

    try:
        found: str | None = keystone.get_endpoint(
            service_type=kind or identity.service_type or _SERVICE_TYPE,
            service_name=None if kind else identity.service_name,
            region_name=identity.region,
            interface=interface,
            skip_discovery=True,
        )
    except exceptions.CatalogException:
        return None
    return found


def _plugin(identity: Identity) -> Any:
    from keystoneauth1.identity import v2, v3

    version, _, method = identity.auth_version.partition("_")
    url = identity.auth_url.rstrip("/")
    if version.startswith("2"):
        url = url.removesuffix("/tokens").removesuffix("/v2.0") + "/v2.0"
        by_id = identity.tenant_id is not None
        scope: dict[str, Any] = (
            {"tenant_id": identity.tenant_id} if by_id else {"tenant_name": identity.tenant}
        )
        if method == "password":
            return v2.Password(url, identity.user, identity.secret, **scope)
        return _api_key_plugin(v2, url, identity, scope)
    url = url.removesuffix("/auth/tokens").removesuffix("/v3") + "/v3"
    if method == "appcred":
        return v3.ApplicationCredential(
            url,
            application_credential_id=identity.user,
            application_credential_secret=identity.secret,
        )
    return v3.Password(
        url,
        username=identity.user,
        password=identity.secret,
        user_domain_name=identity.domain,
        **_scope(identity),
    )


def _scope(identity: Identity) -> dict[str, Any]:
    if identity.scope == "domain":
        return {"domain_name": identity.domain}
    if identity.tenant_id:
        return {"project_id": identity.tenant_id}
    if identity.tenant is None or identity.scope == "unscoped":
        return {}
    if identity.tenant_domain is not None:
        return {"project_name": identity.tenant, "project_domain_name": identity.tenant_domain}
    return {"project_name": identity.tenant, "project_domain_id": identity.tenant_domain_id}


def _api_key_plugin(v2: Any, url: str, identity: Identity, scope: dict[str, Any]) -> Any:
    """Rackspace's API keys, which keystoneauth1 has no plugin for."""

    class ApiKey(v2.Auth):  # type: ignore[misc]  # the base is imported late
        def get_auth_data(self, headers: Any = None) -> dict[str, Any]:
            key = {"username": identity.user, "apiKey": identity.secret}
            return {"RAX-KSKEY:apiKeyCredentials": key}

        def get_cache_id_elements(self) -> dict[str, Any]:
            return {"username": identity.user}

    return ApiKey(url, **scope)


class _Requests:
    """What keystoneauth1 needs of a session of requests.

    ``failure`` is why the last request has no response: keystoneauth1 raises something else.
    """

    def __init__(self, send: Sender) -> None:
        self._send = send
        self.failure: Exception | None = None

    def request(self, method: str, url: str, **options: Any) -> Any:
        """One request; options of requests that concern the connection are its own."""
        self.failure = None
        try:
            return self._send(method, url, dict(options.get("headers") or {}), options.get("data"))
        except Exception as error:
            self.failure = error
            raise
