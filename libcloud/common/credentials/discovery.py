# SPDX-License-Identifier: Apache-2.0
"""Discovers credentials, region, endpoint and related settings the way the AWS tools do.

The caller's arguments take precedence over the environment, and that over a profile in ``~/.aws``.
Every result says where it was found and never shows a secret.

Keys stored in the environment or in a file are read here. Credentials that have to be obtained
(single sign-on, a role, an external process, container or instance metadata) come from botocore, if
it is installed.

References: AWS SDKs and Tools Reference Guide, "Standardized credential providers" (the order) and
"Shared config and credentials files"; AWS CLI User Guide, "Configuration and credential file
settings".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from copy import copy
from functools import partial
from pathlib import Path
from typing import NamedTuple

from libcloud.common.credentials.botocore import MISSING_EXTRA, BotocoreProvider, is_installed
from libcloud.common.credentials.provider import (
    Credentials,
    CredentialsNotFoundError,
    MalformedCredentialsError,
    ProfileFileError,
)

_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")

# A profile with one of these settings obtains its keys. The first group takes precedence over keys
# stored in the profile; a process comes between the keys of the credentials file and those of the
# configuration file.
_OBTAINED_FIRST = ("role_arn", "sso_session", "sso_start_url", "login_session")
_PROCESS = ("credential_process",)

# The same for the environment: the first group takes precedence over profiles, the second does not.
_WEB_IDENTITY = ("AWS_WEB_IDENTITY_TOKEN_FILE",)
_CONTAINER = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")


Variables = tuple[tuple[str, str, str], ...]
"""Names of variables for a key, its secret and a session token (empty: there is none)."""


class Setting(NamedTuple):
    """A value and where it was found, such as ``"the variable AWS_REGION"``."""

    value: str
    origin: str


class Discovery(NamedTuple):
    """The result of :func:`discover`. Unless stated otherwise, ``None`` means not configured.

    :param credentials: keys that are stored somewhere.
    :param credentials_origin: where the credentials come from, for messages; may be empty.
    :param missing: why no stored credentials were found, for messages; empty if they were.
    :param provider: returns the current credentials: reads the stored ones again, or lets botocore
        obtain them. ``None`` if there is no way to get credentials.
    :param checksums: when to send checksums, ``"when_supported"`` or ``"when_required"``.
    :param use_dualstack: ``"true"`` or ``"false"``; likewise ``use_fips``.
    :param problem: why a profile file could not be read, for messages; empty if all were read.
    :param hint: what the user can do if there are no credentials, for messages.
    """

    credentials: Credentials | None
    credentials_origin: str = ""
    region: Setting | None = None
    endpoint_url: Setting | None = None
    profile: str = "default"
    missing: str = ""
    provider: Callable[[], Credentials] | None = None
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
    variables: Variables = (),
) -> Discovery:
    """Find credentials and settings in the arguments, the environment and a profile.

    Nothing is sent: credentials that have to be obtained are obtained on first use.

    :param profile: its keys take precedence over those of the environment. ``None``: that of
        ``AWS_PROFILE``, or ``default``; the keys of the environment take precedence over it.
    :param variables: of the store itself, which take precedence over those of Amazon.
    :raises ProfileFileError: the requested profile does not exist, or a file that may contain it
        cannot be read. If no profile was requested, unreadable files are ignored.
    """
    settings = _find_profile(profile)
    if credentials is not None:
        found = Discovery(credentials, "given by the caller", provider=partial(copy, credentials))
    else:
        stored = StoredCredentials(profile, variables)
        found = _with_provider(stored.find(settings), stored)
        if variables and found.provider is None:
            key, secret, _ = variables[0]
            found = found._replace(hint=f"set {key} and {secret}, or {found.hint}")
    return found._replace(
        region=_given(region) or _configured(_REGION_VARIABLES, settings, "region"),
        endpoint_url=_endpoint(endpoint_url, settings),
        profile=settings.name,
        addressing_style=_style(settings),
        checksums=_choice(settings, "request_checksum_calculation"),
        use_dualstack=_choice(settings, "use_dualstack_endpoint"),
        use_fips=_choice(settings, "use_fips_endpoint"),
        ca_bundle=_configured(("AWS_CA_BUNDLE",), settings, "ca_bundle"),
        problem=settings.problem,
    )


def without_store_settings(
    found: Discovery, *, region: str | None, endpoint_url: str | None
) -> Discovery:
    """``found`` without the settings that only apply to Amazon's own endpoints."""
    return found._replace(
        region=_given(region),
        endpoint_url=_given(endpoint_url),
        addressing_style=None,
        checksums=None,
        use_dualstack=None,
        use_fips=None,
    )


def _with_provider(found: Discovery, stored: StoredCredentials) -> Discovery:
    """``found`` with a provider (botocore, if it can obtain any), or an explanation."""
    origin, missing = found.credentials_origin, found.missing
    if found.credentials is not None:
        return found._replace(provider=stored)
    if origin and is_installed():
        provider = BotocoreProvider(stored.profile, not_found=missing)
        return found._replace(credentials_origin=f"{origin}, through botocore", provider=provider)
    if origin.startswith("profile "):
        missing += (
            f"; {MISSING_EXTRA}, or put them into the environment, for example by 'aws configure "
            f"export-credentials --profile {found.profile} --format env'"
        )
    elif origin.startswith("the variable"):
        missing += f"; {MISSING_EXTRA}"
    return Discovery(None, missing=missing)


def _endpoint(given: str | None, profile: Profile) -> Setting | None:
    if given:
        return _given(given)
    ignored = _choice(profile, "ignore_configured_endpoint_urls")
    if ignored is not None and ignored.value == "true":
        return None
    of_service = profile.services.get("s3", {}).get("endpoint_url")
    if of_service and not _named(os.environ, _ENDPOINT_VARIABLES):
        return Setting(of_service, f"the services of profile {profile.name}")
    return _configured(_ENDPOINT_VARIABLES, profile, "endpoint_url")


def _style(profile: Profile) -> Setting | None:
    """``s3 = addressing_style = path``, nested: AWS CLI Reference, "AWS CLI S3 Configuration"."""
    value = read_nested(profile.settings.get("s3", "")).get("addressing_style")
    return Setting(value.lower(), f"profile {profile.name}") if value else None


def _choice(profile: Profile, name: str) -> Setting | None:
    """An enumerated setting: AWS SDKs and Tools Reference Guide, "Settings reference"."""
    found = _configured((f"AWS_{name.upper()}",), profile, name)
    return found._replace(value=found.value.lower()) if found is not None else None


def _given(value: str | None) -> Setting | None:
    return Setting(value, "the arguments") if value else None


def _configured(variables: tuple[str, ...], profile: Profile, name: str) -> Setting | None:
    variable = _named(os.environ, variables)
    if variable:
        return Setting(os.environ[variable], f"the variable {variable}")
    value = profile.settings.get(name) or profile.secrets.get(name)
    return Setting(value, f"profile {profile.name}") if value else None


def _find_profile(name: str | None) -> Profile:
    requested = name or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    settings = read_profile(requested or "default", required=bool(requested))
    if requested and not settings:
        files = f"{config_path()} or {credentials_path()}"
        raise ProfileFileError(f"there is no profile {requested!r} in {files}")
    return settings


class StoredCredentials:
    """A provider that looks up stored credentials again; its pickle contains no secret."""

    def __init__(self, profile: str | None, variables: Variables = ()) -> None:
        self.profile = profile
        self.variables = variables

    def __call__(self) -> Credentials:
        found = self.find(_find_profile(self.profile))
        if found.credentials is None:
            raise CredentialsNotFoundError(found.missing)
        return found.credentials

    def find(self, profile: Profile) -> Discovery:
        for names in self.variables:
            key, secret, token = (os.environ.get(name) or None for name in names)
            if key and secret:
                return _stored(key, secret, token, f"the variables {names[0]}, {names[1]}")
        lookups = [_from_variables, _from_profile_keys]
        for lookup in reversed(lookups) if self.profile else lookups:
            found = lookup(profile)
            if found is not None:
                return found
        container = _named(os.environ, _CONTAINER)
        if container:
            return Discovery(None, f"the variable {container}", missing=f"{container} is set")
        # The last resort is the metadata service of the instance.
        disabled = os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
        origin = "" if disabled else "the metadata of this machine"
        return Discovery(None, origin, missing=_reason(profile))


def _from_variables(profile: Profile) -> Discovery | None:
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if key and not secret:  # as in botocore: no other credentials in place of these
        return Discovery(None, "", missing=_reason(profile))
    if key and secret:
        token = os.environ.get("AWS_SESSION_TOKEN") or os.environ.get("AWS_SECURITY_TOKEN") or None
        return _stored(key, secret, token, "the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY")
    identity = _named(os.environ, _WEB_IDENTITY)
    if not identity or not os.environ.get("AWS_ROLE_ARN"):
        return None
    return Discovery(None, f"the variable {identity}", missing=f"{identity} is set")


def _from_profile_keys(profile: Profile) -> Discovery | None:
    """Keys of a profile; the credentials file takes precedence over the configuration file."""
    both = {**profile.settings, **profile.secrets}
    obtained = _named(both, _OBTAINED_FIRST)
    for settings, path in ((profile.secrets, credentials_path), (profile.settings, config_path)):
        if obtained:
            return Discovery(
                None,
                f"profile {profile.name}, by {obtained}",
                profile=profile.name,
                missing=f"profile {profile.name} obtains its keys by {obtained}",
            )
        key, secret = settings.get("aws_access_key_id"), settings.get("aws_secret_access_key")
        if key and secret:
            token = settings.get("aws_session_token") or None
            return _stored(key, secret, token, f"profile {profile.name} of {path()}")
        obtained = _named(both, _PROCESS)
    return None


def _stored(key: str, secret: str, token: str | None, origin: str) -> Discovery:
    """:raises MalformedCredentialsError: they are not valid; the message says where they are."""
    try:
        return Discovery(Credentials(key, secret, token), origin)
    except MalformedCredentialsError as error:
        error.value = f"{error.value}: see {origin}"
        raise


def _reason(profile: Profile) -> str:
    pair = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    set_names = [name for name in pair if os.environ.get(name)]
    if len(set_names) == 1:
        other = next(name for name in pair if name not in set_names)
        return f"{set_names[0]} is set, and {other} is not"
    if profile.problem:
        return f"AWS_ACCESS_KEY_ID is not set, and {profile.problem}"
    if profile:
        return f"profile {profile.name} has no keys, and AWS_ACCESS_KEY_ID is not set"
    return f"AWS_ACCESS_KEY_ID is not set, and there is no {credentials_path()}"


def _named(settings: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((name for name in names if settings.get(name)), "")


class Profile(NamedTuple):
    """The settings of one profile; names are in lower case. Its ``repr`` shows no values.

    :param settings: from the configuration file.
    :param secrets: from the credentials file.
    :param services: from the ``[services ...]`` section that the profile names, by service.
    :param problem: why a file could not be read; empty if both were read.
    """

    name: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]
    services: Mapping[str, Mapping[str, str]]
    problem: str

    def __repr__(self) -> str:
        return f"Profile({self.name!r})"

    def __bool__(self) -> bool:
        return bool(self.settings or self.secrets)


def config_path() -> Path:
    return _path("AWS_CONFIG_FILE", "config")


def credentials_path() -> Path:
    return _path("AWS_SHARED_CREDENTIALS_FILE", "credentials")


def read_profile(name: str, *, required: bool = True) -> Profile:
    """Read a profile from both files; unless it is ``required``, unreadable ones are ignored."""
    found: list[dict[str, dict[str, str]]] = []
    problem = ""
    for path in (config_path(), credentials_path()):
        try:
            found.append(_read(path))
        except ProfileFileError as error:
            if required:
                raise
            problem = problem or str(error)
            found.append({})
    config, secrets = found
    heading = name if name == "default" and "profile default" not in config else f"profile {name}"
    settings = config.get(heading, {})
    services = config.get(f"services {settings.get('services', '')}", {})
    return Profile(
        name,
        settings,
        secrets.get(name, {}),
        {service: read_nested(text) for service, text in services.items()},
        problem,
    )


def profile_names() -> list[str]:
    names: set[str] = set()
    for path, prefix in ((config_path(), "profile "), (credentials_path(), "")):
        try:
            headings = _read(path)
        except ProfileFileError:
            continue
        for heading in headings:
            if heading == "default" or heading.startswith(prefix):
                names.add(heading.removeprefix(prefix))
    return sorted(names)


def _path(variable: str, name: str) -> Path:
    return Path(os.environ.get(variable) or f"~/.aws/{name}").expanduser()


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ProfileFileError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ProfileFileError(f"{path} is not UTF-8") from None
    import configparser

    # No interpolation: "%" is common in secrets. A colon may follow a name, as for botocore.
    parser = configparser.RawConfigParser(strict=False, default_section="\0")
    try:
        parser.read_string(text)
    except configparser.Error as error:
        # The error's text quotes the line, which may contain a secret.
        where = f", line {error.lineno}" if hasattr(error, "lineno") else ""
        raise ProfileFileError(f"{path} is not a valid AWS profile file{where}") from None
    return {_heading(name): dict(parser.items(name)) for name in parser.sections()}


def _heading(text: str) -> str:
    kind, _, name = text.strip().partition(" ")
    return f"{kind} {name.strip().strip(chr(34) + chr(39))}".strip()


def read_nested(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines())
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}
