# SPDX-License-Identifier: Apache-2.0
"""Where credentials are written down, or what says how to obtain them: the environment, ``~/.aws``.

Reference for the order: AWS SDKs and Tools Reference Guide, "Standardized credential providers".
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
from libcloud.common.credentials import (
    Credentials,
    CredentialsNotFoundError,
    MalformedCredentialsError,
)

__all__ = ["Again", "Found", "Given", "find_credentials", "find_profile"]

# Settings of a profile that obtains its keys instead of having them: before the keys that it has,
# and between those of its two files.
_OBTAINED_FIRST = ("role_arn", "sso_session", "sso_start_url", "login_session")
_PROCESS = ("credential_process",)

# The same in the environment: the first goes before profiles, the others come after them.
_WEB_IDENTITY = ("AWS_WEB_IDENTITY_TOKEN_FILE",)
_CONTAINER = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of credentials: they themselves, how to obtain them, or why there are none.

    :param credentials: those that are written down.
    :param origin: where they are, or who obtains them, for people.
    :param missing: why none are written down, for people; empty if there are.
    :param profile: which profile obtains them; empty if none does.
    """

    credentials: Credentials | None = None
    origin: str = ""
    missing: str = ""
    profile: str = ""


def find_profile(name: str | None, environ: Mapping[str, str]) -> Profile:
    """The profile of that name, or of the environment's; otherwise ``default``, if it can be read.

    :raises ProfileFileError: one that is asked for by name is not there, or cannot be read.
    """
    asked = name or environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
    settings = read_profile(asked or "default", environ, required=bool(asked))
    if asked and not settings:
        places = f"{config_path(environ)} or {credentials_path(environ)}"
        raise ProfileFileError(f"there is no profile {asked!r} in {places}")
    return settings


def find_credentials(profile: Profile, environ: Mapping[str, str], *, profile_first: bool) -> Found:
    """Credentials of the environment or of ``profile``.

    :param profile_first: the profile was asked for, and goes before the environment.
    """
    places = [_of_environment, _of_profile]
    for place in reversed(places) if profile_first else places:
        found = place(profile, environ)
        if found is not None:
            return found
    container = _named(environ, _CONTAINER)
    if container:
        return Found(origin=f"the variable {container}", missing=f"{container} is set")
    # What is left is the machine itself.
    disabled = environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
    origin = "" if disabled else "the metadata of this machine"
    return Found(origin=origin, missing=_reason(profile, environ))


@dataclass(frozen=True, slots=True, repr=False)
class Again:
    """Looks for credentials once more: others may have been written down meanwhile.

    It holds where to look and nothing that was found, so that no secret is in its pickle.

    :param profile: that was asked for; ``None``: none was.
    :param environ: ``None``: the environment of the process that looks.
    """

    profile: str | None
    environ: Mapping[str, str] | None = None

    def __call__(self) -> Credentials:
        environ = os.environ if self.environ is None else self.environ
        settings = find_profile(self.profile, environ)
        found = find_credentials(settings, environ, profile_first=bool(self.profile))
        if found.credentials is None:
            raise CredentialsNotFoundError(found.missing)
        return found.credentials


@dataclass(frozen=True, slots=True, repr=False)
class Given:
    """Gives the credentials that the caller has passed."""

    credentials: Credentials

    def __call__(self) -> Credentials:
        return self.credentials


def _of_environment(profile: Profile, environ: Mapping[str, str]) -> Found | None:
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        token = environ.get("AWS_SESSION_TOKEN") or environ.get("AWS_SECURITY_TOKEN") or None
        return _found(key, secret, token, "the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY")
    identity = _named(environ, _WEB_IDENTITY)
    if not identity or not environ.get("AWS_ROLE_ARN"):
        return None
    return Found(origin=f"the variable {identity}", missing=f"{identity} is set")


def _of_profile(profile: Profile, environ: Mapping[str, str]) -> Found | None:
    """Of a profile; the file of keys goes before the configuration file."""
    both = {**profile.settings, **profile.secrets}
    obtained = _named(both, _OBTAINED_FIRST)
    for settings, path in ((profile.secrets, credentials_path), (profile.settings, config_path)):
        if obtained:
            return Found(
                origin=f"profile {profile.name}, by {obtained}",
                missing=f"profile {profile.name} obtains its keys by {obtained}",
                profile=profile.name,
            )
        key, secret = settings.get("aws_access_key_id"), settings.get("aws_secret_access_key")
        if key and secret:
            token = settings.get("aws_session_token") or None
            return _found(key, secret, token, f"profile {profile.name} of {path(environ)}")
        obtained = _named(both, _PROCESS)
    return None


def _found(key: str, secret: str, token: str | None, origin: str) -> Found:
    """Credentials that are written down.

    :raises MalformedCredentialsError: they cannot be ones; the message says where they are.
    """
    try:
        return Found(Credentials(key, secret, token), origin)
    except MalformedCredentialsError as error:
        error.value = f"{error.value}: see {origin}"
        raise


def _reason(profile: Profile, environ: Mapping[str, str]) -> str:
    pair = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    set_names = [name for name in pair if environ.get(name)]
    if len(set_names) == 1:
        other = next(name for name in pair if name not in set_names)
        return f"{set_names[0]} is set, and {other} is not"
    if profile.problem:
        return f"AWS_ACCESS_KEY_ID is not set, and {profile.problem}"
    if profile:
        return f"profile {profile.name} has no keys, and AWS_ACCESS_KEY_ID is not set"
    return f"AWS_ACCESS_KEY_ID is not set, and there is no {credentials_path(environ)}"


def _named(settings: Mapping[str, str], names: tuple[str, ...]) -> str:
    """The first of ``names`` that is set; empty if none is."""
    return next((name for name in names if settings.get(name)), "")
