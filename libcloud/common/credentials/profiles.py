# SPDX-License-Identifier: Apache-2.0
"""Reads the profile files of the AWS tools.

References: AWS CLI User Guide, "Configuration and credential file settings"; AWS SDKs and Tools
Reference Guide, "Shared config and credentials files" and "Service-specific endpoints".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from libcloud.common.credentials.provider import ProfileFileError


class Profile(NamedTuple):
    """The settings of one profile; names are in lower case. Its ``repr`` shows no values.

    :param settings: from the configuration file.
    :param secrets: from the credentials file.
    :param services: from the ``[services ...]`` section that the profile names, by service.
    :param problem: why a file could not be read, for messages; empty if both were read.
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


def config_path(environ: Mapping[str, str]) -> Path:
    return _path(environ, "AWS_CONFIG_FILE", "config")


def credentials_path(environ: Mapping[str, str]) -> Path:
    return _path(environ, "AWS_SHARED_CREDENTIALS_FILE", "credentials")


def read_profile(name: str, environ: Mapping[str, str], *, required: bool = True) -> Profile:
    """Read a profile from both files; an empty one if neither has it.

    :param required: a file that exists but cannot be read is an error.
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


def profile_names(environ: Mapping[str, str]) -> list[str]:
    """The names of all profiles, sorted; files that cannot be read have none."""
    names: set[str] = set()
    for path, prefix in ((config_path(environ), "profile "), (credentials_path(environ), "")):
        try:
            headings = _read(path)
        except ProfileFileError:
            continue
        for heading in headings:
            if heading == "default" or heading.startswith(prefix):
                names.add(heading.removeprefix(prefix))
    return sorted(names)


def _path(environ: Mapping[str, str], variable: str, name: str) -> Path:
    given = environ.get(variable)
    if given:
        return Path(given).expanduser()
    home = environ.get("HOME")
    return (Path(home) if home else Path("~").expanduser()) / ".aws" / name


def _read(path: Path) -> dict[str, dict[str, str]]:
    """The sections of a file by heading; none if it does not exist."""
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
    """``profile "my own"`` becomes ``profile my own``."""
    kind, _, name = text.strip().partition(" ")
    return f"{kind} {name.strip().strip(chr(34) + chr(39))}".strip()


def read_nested(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines())
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}
