# SPDX-License-Identifier: Apache-2.0
"""Finds credentials, region and endpoint where people already have them.

Asked in this order, as the AWS tools do: what the caller gives, the environment, a profile of
``~/.aws``. Each finding tells where it comes from, and never shows a secret::

    found = discover(profile="backup")
    if found.credentials is not None:
        print(found.credentials.key, "from", found.credentials_origin)

Only keys that are written down are found. A profile which obtains them (single sign-on, a role, a
process) is named in :attr:`Discovery.missing`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from libcloud.common.aws_profiles import (
    Profile,
    ProfileFileError,
    config_path,
    credentials_path,
    read_profile,
)
from libcloud.common.credentials import Credentials

__all__ = ["Discovery", "ProfileFileError", "Setting", "discover", "masked"]

_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")

# Settings of a profile that obtains its keys instead of having them.
_OBTAINED = ("sso_session", "sso_start_url", "role_arn", "credential_process")


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it was found.

    :param origin: for people: ``"the variable AWS_REGION"``.
    """

    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found.

    :param credentials: ``None`` if there are none.
    :param credentials_origin: where they were found, for people; empty if there are none.
    :param region: ``None`` if nothing names one.
    :param endpoint_url: ``None`` if nothing names one.
    :param profile: name of the profile that was looked at.
    :param missing: why there are no credentials, for people; empty if there are.
    """

    credentials: Credentials | None
    credentials_origin: str = ""
    region: Setting | None = None
    endpoint_url: Setting | None = None
    profile: str = "default"
    missing: str = ""


def discover(
    *,
    credentials: Credentials | None = None,
    region: str | None = None,
    endpoint_url: str | None = None,
    profile: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Discovery:
    """Credentials, region and endpoint: those given, else those of the environment or a profile.

    :param profile: name of a profile whose keys go before those of the environment; ``None``: that
        of ``AWS_PROFILE``, or ``default``, whose keys come after those of the environment.
    :param environ: in place of ``os.environ``.
    :raises ProfileFileError: a file of profiles cannot be read, or the profile asked for by name is
        in none.
    """
    environ = os.environ if environ is None else environ
    asked = profile or environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
    settings = read_profile(asked or "default", environ)
    if asked and not settings:
        places = f"{config_path(environ)} or {credentials_path(environ)}"
        raise ProfileFileError(f"there is no profile {asked!r} in {places}")
    found, origin, missing = _credentials(credentials, settings, environ, bool(profile))
    return Discovery(
        found,
        origin,
        _first(
            _given(region),
            _from_environment(environ, _REGION_VARIABLES),
            _from_profile(settings, "region"),
        ),
        _endpoint(endpoint_url, settings, environ),
        settings.name,
        missing,
    )


def masked(key: str) -> str:
    """A key id, for people to recognise: its first and last four characters.

    >>> masked("AKIAIOSFODNN7EXAMPLE"), masked("short")
    ('AKIA...MPLE', 's...')
    """
    return f"{key[:4]}...{key[-4:]}" if len(key) >= 12 else f"{key[:1]}..."


def _credentials(
    given: Credentials | None,
    profile: Profile,
    environ: Mapping[str, str],
    profile_first: bool,
) -> tuple[Credentials | None, str, str]:
    """Credentials, where they come from, and why there are none."""
    if given is not None:
        return given, "given by the caller", ""
    sources = [_environment_keys(environ), _profile_keys(profile, environ)]
    for found in reversed(sources) if profile_first else sources:
        if found is not None:
            return *found, ""
    return None, "", _reason(profile, environ)


def _environment_keys(environ: Mapping[str, str]) -> tuple[Credentials, str] | None:
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if not key or not secret:
        return None
    token = environ.get("AWS_SESSION_TOKEN") or environ.get("AWS_SECURITY_TOKEN") or None
    return Credentials(key, secret, token), "the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"


def _profile_keys(profile: Profile, environ: Mapping[str, str]) -> tuple[Credentials, str] | None:
    """The keys of a profile; the file of keys goes before the configuration file."""
    places = ((profile.secrets, credentials_path), (profile.settings, config_path))
    for settings, path in places:
        key, secret = settings.get("aws_access_key_id"), settings.get("aws_secret_access_key")
        if key and secret:
            token = settings.get("aws_session_token") or None
            return Credentials(key, secret, token), f"profile {profile.name} of {path(environ)}"
    return None


def _reason(profile: Profile, environ: Mapping[str, str]) -> str:
    pair = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    set_names = [name for name in pair if environ.get(name)]
    if len(set_names) == 1:
        other = next(name for name in pair if name not in set_names)
        return f"{set_names[0]} is set, and {other} is not"
    obtained = next(
        (name for name in _OBTAINED if name in profile.settings or name in profile.secrets), None
    )
    if obtained:
        return (
            f"profile {profile.name} obtains its keys by {obtained}, which is not supported: "
            f"put them into the environment, for example by "
            f"'aws configure export-credentials --profile {profile.name} --format env'"
        )
    if profile:
        return f"profile {profile.name} has no keys, and AWS_ACCESS_KEY_ID is not set"
    return f"AWS_ACCESS_KEY_ID is not set, and there is no {credentials_path(environ)}"


def _endpoint(given: str | None, profile: Profile, environ: Mapping[str, str]) -> Setting | None:
    if given:
        return _given(given)
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    of_service = profile.services.get("s3", {}).get("endpoint_url")
    return _first(
        _from_environment(environ, _ENDPOINT_VARIABLES),
        Setting(of_service, f"the services of profile {profile.name}") if of_service else None,
        _from_profile(profile, "endpoint_url"),
    )


def _given(value: str | None) -> Setting | None:
    return Setting(value, "given by the caller") if value else None


def _from_environment(environ: Mapping[str, str], names: tuple[str, ...]) -> Setting | None:
    name = next((name for name in names if environ.get(name)), None)
    return Setting(environ[name], f"the variable {name}") if name else None


def _from_profile(profile: Profile, name: str) -> Setting | None:
    value = profile.settings.get(name) or profile.secrets.get(name)
    return Setting(value, f"profile {profile.name}") if value else None


def _first(*settings: Setting | None) -> Setting | None:
    return next((setting for setting in settings if setting is not None), None)
