# SPDX-License-Identifier: Apache-2.0
"""Settings for OpenStack in the environment and in ``clouds.yaml``, as keywords of the drivers.

Reference: python-openstackclient, "Environment Variables" and "Configuration Files"; openstacksdk,
"Configuring OpenStack SDK Applications"; python-swiftclient, "swift" (``ST_AUTH``, ...).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from libcloud.common.credentials.profiles import ProfileFileError
from libcloud.common.credentials.provider import CredentialsNotFoundError

_PLACES = ("clouds.yaml", "~/.config/openstack/clouds.yaml", "/etc/openstack/clouds.yaml")
_INTERFACES = {"publicURL": "public", "internalURL": "internal", "adminURL": "admin"}


def discover_openstack(
    cloud: str | None = None, environ: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Keywords for a driver of Swift.

    A cloud is read from ``clouds.yaml``, and its password from ``secure.yaml`` in the
    same directory. Otherwise the variables of OpenStack (``OS_AUTH_URL``, ...) are used, or those
    of the ``swift`` program (``ST_AUTH``, ``ST_USER``, ``ST_KEY``).

    :param cloud: name of a cloud; ``None``: that of ``OS_CLOUD``.
    :param environ: ``None``: the environment of this process.
    :raises CredentialsNotFoundError: there are no credentials.
    :raises ProfileFileError: there is no such cloud, or the file cannot be read.
    """
    found = os.environ if environ is None else environ
    name = cloud or found.get("OS_CLOUD")
    if name:
        return _keywords(_of_cloud(name, found))
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
    """Keywords of a driver, from settings that are named as in the ``auth`` section of a cloud."""
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
    error = CredentialsNotFoundError(why)
    error.hint = "set the variables OS_AUTH_URL, OS_USERNAME and OS_PASSWORD, or OS_CLOUD"
    return error


def _of_cloud(name: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings of a cloud, those of its ``auth`` section among them."""
    path = environ.get("OS_CLIENT_CONFIG_FILE") or _existing(_PLACES)
    if path is None:
        raise ProfileFileError(f"the cloud {name} is requested, but there is no clouds.yaml")
    clouds = _read(path)
    if name not in clouds:
        raise ProfileFileError(f"{path} has no cloud {name}")
    secure = _existing([os.path.join(os.path.dirname(path), "secure.yaml")])
    settings = [clouds[name], _read(secure).get(name, {}) if secure else {}]
    merged: dict[str, Any] = {}
    for one in settings:
        merged.update({key: value for key, value in one.items() if key != "auth"})
    for one in settings:
        merged.update(one.get("auth") or {})
    return merged


def _existing(paths: Any) -> str | None:
    return next((path for path in map(os.path.expanduser, paths) if os.path.exists(path)), None)


def _read(path: str) -> dict[str, Any]:
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
