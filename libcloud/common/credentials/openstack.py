# SPDX-License-Identifier: Apache-2.0
"""OpenStack: settings of the environment and of ``clouds.yaml``, and tokens.

Tokens are those of TempAuth (version 1) and of Keystone (versions 2 and 3), through keystoneauth1.
This and PyYAML are the extra ``swift``. All requests go through the sender that is passed in.

References: python-openstackclient, "Environment Variables" and "Configuration Files"; openstacksdk,
"Configuring OpenStack SDK Applications"; python-swiftclient, "swift" (``ST_AUTH``, ...); Swift,
"The Auth System" (overview_auth); and keystoneauth1, "Authentication Plugins".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from libcloud.common.credentials.provider import CredentialsNotFoundError, ProfileFileError
from libcloud.common.types import InvalidCredsError, LibcloudError

_PLACES = ("clouds.yaml", "~/.config/openstack/clouds.yaml", "/etc/openstack/clouds.yaml")
_INTERFACES = {"publicURL": "public", "internalURL": "internal", "adminURL": "admin"}


def discover_openstack(cloud: str | None = None) -> dict[str, Any]:
    """Keywords for a driver of Swift.

    A cloud (``OS_CLOUD``) is read from ``clouds.yaml``, and its password from ``secure.yaml`` in
    the same directory. Otherwise the variables of OpenStack (``OS_AUTH_URL``, ...) are used, or
    those of the ``swift`` program (``ST_AUTH``, ``ST_USER``, ``ST_KEY``).

    :raises CredentialsNotFoundError: there are no credentials.
    :raises ProfileFileError: there is no such cloud, or the file cannot be read.
    """
    found = os.environ
    name = cloud or found.get("OS_CLOUD")
    if name:
        return _keywords(_of_cloud(name))
    if found.get("OS_STORAGE_URL") and found.get("OS_AUTH_TOKEN"):
        return {
            "key": found.get("OS_USERNAME", ""),
            "ex_force_base_url": found["OS_STORAGE_URL"],
            "ex_force_auth_token": found["OS_AUTH_TOKEN"],
        }
    if found.get("OS_AUTH_URL"):
        return _keywords(
            {
                key.removeprefix("OS_").lower(): value
                for key, value in found.items()
                if key.startswith("OS_") and value
            }
        )
    if found.get("ST_AUTH"):
        return {
            "key": found.get("ST_USER", ""),
            "secret": found.get("ST_KEY", ""),
            "ex_force_auth_url": found["ST_AUTH"],
            "ex_force_auth_version": "1.0",
        }
    raise _missing("OS_CLOUD, OS_AUTH_URL, OS_STORAGE_URL and ST_AUTH are not set")


def _keywords(given: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of a driver, from settings named as in the ``auth`` section of a cloud."""
    version = str(given.get("identity_api_version") or given.get("auth_version") or "3")
    kind = str(given.get("auth_type") or "")
    by_application = bool(given.get("application_credential_id"))
    if kind in ("v1password", "v1"):
        method = "1.0"
    elif version.startswith("2") or kind.startswith("v2"):
        method = "2.0_password"
    else:
        method = "3.x_appcred" if by_application else "3.x_password"
    interface = str(given.get("interface") or given.get("endpoint_type") or "")
    settings = {
        "key": given.get("application_credential_id" if by_application else "username"),
        "secret": given.get("application_credential_secret" if by_application else "password"),
        "ex_force_auth_url": given.get("auth_url"),
        "ex_force_auth_version": method,
        "ex_tenant_name": given.get("project_name") or given.get("tenant_name"),
        "ex_tenant_id": given.get("project_id") or given.get("tenant_id"),
        "ex_domain_name": given.get("user_domain_name") or given.get("domain_name"),
        "ex_tenant_domain_name": given.get("project_domain_name"),
        "ex_tenant_domain_id": given.get("project_domain_id"),
        "ex_interface": _INTERFACES.get(interface, interface),
        "region": given.get("region_name"),
        "ex_ca_bundle": given.get("cacert"),
    }
    if not settings["key"] or not settings["secret"]:
        raise _missing("there is no user, or no password")
    return {name: value for name, value in settings.items() if value}


def _missing(why: str) -> CredentialsNotFoundError:
    hint = "set the variables OS_AUTH_URL, OS_USERNAME and OS_PASSWORD, or OS_CLOUD"
    return CredentialsNotFoundError(why, hint=hint)


def _of_cloud(name: str) -> dict[str, Any]:
    path = os.environ.get("OS_CLIENT_CONFIG_FILE") or _existing(_PLACES)
    if path is None:
        raise ProfileFileError(f"the cloud {name} is requested, but there is no clouds.yaml")
    clouds = _read_clouds(path)
    if name not in clouds:
        raise ProfileFileError(f"{path} has no cloud {name}")
    secure = _existing([os.path.join(os.path.dirname(path), "secure.yaml")])
    settings = [clouds[name], _read_clouds(secure).get(name, {}) if secure else {}]
    merged: dict[str, Any] = {}
    for one in settings:
        merged.update({key: value for key, value in one.items() if key != "auth"})
    for one in settings:
        merged.update(one.get("auth") or {})
    return merged


def _existing(paths: Any) -> str | None:
    return next((path for path in map(os.path.expanduser, paths) if os.path.exists(path)), None)


def _read_clouds(path: str) -> dict[str, Any]:
    try:
        import yaml
    except ImportError as error:
        raise ProfileFileError(
            "clouds.yaml is read by PyYAML: pip install 'libcloud-storage[swift]'"
        ) from error
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            document = yaml.safe_load(file)
    except (OSError, ValueError, yaml.YAMLError) as error:
        # The error would show the lines around it, and the password may be in them.
        raise ProfileFileError(f"{path} cannot be read: {type(error).__name__}") from None
    clouds = document.get("clouds") if isinstance(document, dict) else None
    if not isinstance(clouds, dict):
        raise ProfileFileError(f"{path} has no clouds")
    return {str(name): one for name, one in clouds.items() if isinstance(one, dict)}


Sender = Callable[[str, str, Mapping[str, str], Any], Any]
"""Sends method, URL, headers and body; returns the response of requests."""

_SERVICE_TYPE = "object-store"
_CDN_TYPE = "rax:object-cdn"


@dataclass(frozen=True, slots=True)
class Access:
    token: str = field(repr=False)
    storage_url: str
    internal_url: str | None = None
    cdn_url: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """The user, and the identity service; names are those of Apache Libcloud's keywords.

    :param auth_url: without or with its version.
    :param auth_version: ``1.0``, ``1.1``, ``2.0``, ``2.0_apikey``, ``2.0_password``,
        ``3.x_password`` or ``3.x_appcred``.
    :param user: name; with ``3.x_appcred`` the id of the application credential.
    :param tenant: name of the project, unless ``tenant_id`` is given.
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
    """The URL of a service, by default the object store; ``None`` if there is none."""
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
    """The part of a requests session that keystoneauth1 uses.

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
