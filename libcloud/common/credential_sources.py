# SPDX-License-Identifier: Apache-2.0
"""Finds credentials, region, endpoint and the like where people already have them.

Asked in this order, as the AWS tools do: what the caller gives, the environment, a profile of
``~/.aws``. Each finding tells where it comes from, and never shows a secret::

    found = discover(profile="backup")
    if found.ask is not None:
        print(found.ask().key, "from", found.credentials_origin)

Keys that are written down are found here. Those that have to be obtained (single sign-on, a role, a
process, the metadata of a container or a machine) come through botocore, if it is installed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from libcloud.common.aws_profiles import Profile, ProfileFileError, read_nested
from libcloud.common.credential_botocore import MISSING_EXTRA, BotocoreSource, is_installed
from libcloud.common.credential_lookup import Again, Found, Given, find_credentials, find_profile
from libcloud.common.credentials import Credentials, CredentialsNotFoundError

__all__ = [
    "Discovery",
    "ProfileFileError",
    "Setting",
    "discover",
    "masked",
    "without_store_settings",
]

_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


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

    :param credentials: those that are written down; ``None`` if there are none.
    :param credentials_origin: where they come from, for people; empty if from nowhere.
    :param region: ``None`` if nothing names one.
    :param endpoint_url: ``None`` if nothing names one.
    :param profile: name of the profile that was looked at.
    :param missing: why no credentials are written down, for people; empty if they are.
    :param ask: gives the credentials of the moment: looks again at where they were found, or is a
        source that has botocore obtain them. ``None`` if there is nobody to ask.
    :param addressing_style: ``None`` if nothing names one.
    :param checksums: when to send checksums, ``"when_supported"`` or ``"when_required"``; ``None``
        if nothing says.
    :param use_dualstack: ``"true"`` or ``"false"``; ``None`` if nothing says.
    :param use_fips: likewise.
    :param ca_bundle: the file, or the directory, of trusted certificates; ``None``: nothing names
        one.
    :param problem: why a file of profiles was not read, for people; empty if all were.
    :param hint: what to do when there are no credentials, for people.
    """

    credentials: Credentials | None
    credentials_origin: str = ""
    region: Setting | None = None
    endpoint_url: Setting | None = None
    profile: str = "default"
    missing: str = ""
    ask: Callable[[], Credentials] | None = None
    addressing_style: Setting | None = None
    checksums: Setting | None = None
    use_dualstack: Setting | None = None
    use_fips: Setting | None = None
    ca_bundle: Setting | None = None
    problem: str = ""
    hint: str = CredentialsNotFoundError.hint


def discover(
    *,
    credentials: Credentials | None = None,
    region: str | None = None,
    endpoint_url: str | None = None,
    profile: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Discovery:
    """Credentials, region and endpoint: those given, else those of the environment or a profile.

    Nothing is sent: what has to be obtained is obtained when it is asked for.

    :param profile: name of a profile whose keys go before those of the environment; ``None``: that
        of ``AWS_PROFILE``, or ``default``, whose keys come after those of the environment.
    :param environ: in place of ``os.environ``. Nothing can be obtained then, because botocore reads
        the environment of the process.
    :raises ProfileFileError: the profile asked for by name is in no file, or a file cannot be read
        in which it may be. Without such a name, a file that cannot be read counts as none.
    """
    able = environ is None and is_installed()
    given = environ
    environ = os.environ if environ is None else environ
    settings = find_profile(profile, environ)
    if credentials is not None:
        found = Discovery(credentials, "given by the caller", ask=Given(credentials))
    else:
        lookup = find_credentials(settings, environ, profile_first=bool(profile))
        found = _discovery(lookup, profile, given, able=able)
    return replace(
        found,
        region=_first(
            _given(region),
            _from_environment(environ, _REGION_VARIABLES),
            _from_profile(settings, "region"),
        ),
        endpoint_url=_endpoint(endpoint_url, settings, environ),
        profile=settings.name,
        addressing_style=_style(settings),
        checksums=_choice(settings, environ, "request_checksum_calculation"),
        use_dualstack=_choice(settings, environ, "use_dualstack_endpoint"),
        use_fips=_choice(settings, environ, "use_fips_endpoint"),
        ca_bundle=_first(
            _from_environment(environ, ("AWS_CA_BUNDLE",)), _from_profile(settings, "ca_bundle")
        ),
        problem=settings.problem,
    )


def without_store_settings(
    found: Discovery, *, region: str | None, endpoint_url: str | None
) -> Discovery:
    """``found`` for a store that has hosts of its own.

    :param region: that of the caller: those of the environment and of profiles are for Amazon.
    :param endpoint_url: likewise.
    """
    return replace(
        found,
        region=_given(region),
        endpoint_url=_given(endpoint_url),
        addressing_style=None,
        checksums=None,
        use_dualstack=None,
        use_fips=None,
    )


def masked(key: str) -> str:
    """A key id, for people to recognise: its first and last four characters.

    >>> masked("AKIAIOSFODNN7EXAMPLE"), masked("short")
    ('AKIA...MPLE', 's...')
    """
    return f"{key[:4]}...{key[-4:]}" if len(key) >= 12 else f"{key[:1]}..."


def _discovery(
    found: Found, profile: str | None, environ: Mapping[str, str] | None, *, able: bool
) -> Discovery:
    """What was found, and whom to ask for more.

    :param able: botocore is there, and looks where we have looked.
    """
    if found.credentials is not None:
        return Discovery(found.credentials, found.origin, ask=Again(profile, environ))
    if able and found.origin:
        source = BotocoreSource(profile, otherwise=found.missing)
        origin = f"{found.origin}, through botocore"
        return Discovery(None, origin, missing=found.missing, ask=source)
    missing = found.missing
    if found.profile:
        missing += (
            f"; {MISSING_EXTRA}, or put them into the environment, for example by 'aws configure "
            f"export-credentials --profile {found.profile} --format env'"
        )
    elif found.origin.startswith("the variable"):
        missing += f"; {MISSING_EXTRA}"
    return Discovery(None, missing=missing)


def _endpoint(given: str | None, profile: Profile, environ: Mapping[str, str]) -> Setting | None:
    if given:
        return _given(given)
    ignored = _choice(profile, environ, "ignore_configured_endpoint_urls")
    if ignored is not None and ignored.value == "true":
        return None
    of_service = profile.services.get("s3", {}).get("endpoint_url")
    return _first(
        _from_environment(environ, _ENDPOINT_VARIABLES),
        Setting(of_service, f"the services of profile {profile.name}") if of_service else None,
        _from_profile(profile, "endpoint_url"),
    )


def _style(profile: Profile) -> Setting | None:
    """``s3 = addressing_style = path``, nested: AWS CLI Reference, "AWS CLI S3 Configuration"."""
    value = read_nested(profile.settings.get("s3", "")).get("addressing_style")
    return Setting(value.lower(), f"profile {profile.name}") if value else None


def _choice(profile: Profile, environ: Mapping[str, str], name: str) -> Setting | None:
    """A setting with few values, in lower case.

    Reference: AWS SDKs and Tools Reference Guide, "Settings reference".
    """
    found = _first(
        _from_environment(environ, (f"AWS_{name.upper()}",)), _from_profile(profile, name)
    )
    return replace(found, value=found.value.lower()) if found is not None else None


def _given(value: str | None) -> Setting | None:
    return Setting(value, "the arguments") if value else None


def _from_environment(environ: Mapping[str, str], names: tuple[str, ...]) -> Setting | None:
    name = next((name for name in names if environ.get(name)), None)
    return Setting(environ[name], f"the variable {name}") if name else None


def _from_profile(profile: Profile, name: str) -> Setting | None:
    value = profile.settings.get(name) or profile.secrets.get(name)
    return Setting(value, f"profile {profile.name}") if value else None


def _first(*settings: Setting | None) -> Setting | None:
    return next((setting for setting in settings if setting is not None), None)
