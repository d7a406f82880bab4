# SPDX-License-Identifier: Apache-2.0
"""Reads the files that the AWS tools keep their profiles in.

References: AWS CLI User Guide, "Configuration and credential file settings"; AWS SDKs and Tools
Reference Guide, "Shared config and credentials files" and "Service-specific endpoints".
"""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from libcloud.common.types import LibcloudError

__all__ = [
    "Profile",
    "ProfileFileError",
    "config_path",
    "credentials_path",
    "read_nested",
    "read_profile",
]


class ProfileFileError(LibcloudError):
    """A file of profiles cannot be read, or has no such profile."""

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True, repr=False)
class Profile:
    """The settings of one profile. The representation shows no values.

    :param name: of the profile.
    :param settings: of the configuration file, names in lower case.
    :param secrets: of the credentials file, likewise.
    :param services: of the ``[services ...]`` section that the profile names; the settings of one
        service are in the nested mapping.
    :param problem: why a file was not read, for people; empty if both were.
    """

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    problem: str = ""

    def __repr__(self) -> str:
        return f"Profile({self.name!r})"

    def __bool__(self) -> bool:
        return bool(self.settings or self.secrets)


def config_path(environ: Mapping[str, str]) -> Path:
    """Where the configuration file is: ``AWS_CONFIG_FILE``, or ``~/.aws/config``."""
    return _path(environ, "AWS_CONFIG_FILE", "config")


def credentials_path(environ: Mapping[str, str]) -> Path:
    """Where the file of keys is: ``AWS_SHARED_CREDENTIALS_FILE``, or ``~/.aws/credentials``."""
    return _path(environ, "AWS_SHARED_CREDENTIALS_FILE", "credentials")


def read_profile(name: str, environ: Mapping[str, str], *, required: bool = True) -> Profile:
    """What both files say of a profile; nothing, if neither exists or names it.

    :param environ: as ``os.environ``: says where the files are.
    :param required: ``False``: nobody asked for this profile, and a file that cannot be read counts
        as none.
    :raises ProfileFileError: a file is there and cannot be read, and the profile is required.
    """
    found: list[dict[str, dict[str, str]]] = []
    problem = ""
    for path in (config_path(environ), credentials_path(environ)):
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


def _path(environ: Mapping[str, str], variable: str, name: str) -> Path:
    given = environ.get(variable)
    if given:
        return Path(given).expanduser()
    home = environ.get("HOME")
    return (Path(home) if home else Path("~").expanduser()) / ".aws" / name


def _read(path: Path) -> dict[str, dict[str, str]]:
    """The sections of a file by their headings, with single spaces; none, if there is no file."""
    # Values are taken as they are: "%" is frequent in secrets.
    parser = configparser.RawConfigParser(strict=False, default_section="\0", delimiters=("=",))
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ProfileFileError(f"{path} cannot be read: {error.strerror}") from error
    except configparser.Error as error:
        # Its text quotes the line, in which there may be a secret.
        where = f", line {error.lineno}" if hasattr(error, "lineno") else ""
        raise ProfileFileError(f"{path} is not written as AWS profiles are{where}") from None
    except UnicodeDecodeError:
        raise ProfileFileError(f"{path} is not UTF-8") from None
    return {_heading(name): dict(parser.items(name)) for name in parser.sections()}


def _heading(text: str) -> str:
    """``text`` as one to compare with: ``profile "my own"`` is ``profile my own``."""
    kind, _, name = text.strip().partition(" ")
    return f"{kind} {name.strip().strip(chr(34) + chr(39))}".strip()


def read_nested(text: str) -> dict[str, str]:
    """The lines ``name = value`` of a setting that has settings of its own."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}
