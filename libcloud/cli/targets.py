# SPDX-License-Identifier: Apache-2.0
"""URLs of buckets and objects: ``s3://bucket/key``, ``file:///directory/name``, and patterns.

Keys are not percent-decoded, so that every key can be written.
"""

from __future__ import annotations

import fnmatch
import os
import re
from typing import NamedTuple

import click

from libcloud.storage.types import Provider
from libcloud.utils.environment import is_complete

STDIO = "-"  # the argument for standard input or output

_WILDCARD = re.compile(r"[*?[]")
_PATTERN = re.compile(r"(?<![^/])\*\*/|\*\*?|\?|\[(!.[^]]*|[^!][^]]*)\]|.", re.DOTALL)
_TRANSLATED = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+._-]*)://(.*)", re.DOTALL)

_SCHEMES = {
    "az": Provider.AZURE_BLOBS,
    "azure": Provider.AZURE_BLOBS,
    "abfs": Provider.AZURE_BLOBS,
    "abfss": Provider.AZURE_BLOBS,
    "b2": Provider.BACKBLAZE_B2,
    "gs": Provider.GOOGLE_STORAGE,
    "gcs": Provider.GOOGLE_STORAGE,
    "file": Provider.LOCAL,
    "oss": Provider.ALIYUN_OSS,
    "rgw": Provider.S3_RGW,
    "ceph": Provider.S3_RGW,
    "spaces": Provider.DIGITALOCEAN_SPACES,
    "swift": Provider.OPENSTACK_SWIFT,
}

# The complete build has the drivers of Apache Libcloud for these stores, which the command does not
# support; the S3 driver has profiles for them.
_S3_IN_COMPLETE_BUILD = {Provider.BACKBLAZE_B2: "b2", Provider.ALIYUN_OSS: "oss"}


class Target(NamedTuple):
    """A parsed URL.

    :param scheme: as given; also used in printed URLs.
    :param name: key of an object, or a prefix of keys; may be empty.
    :param base: for files, the directory that contains the container.
    :param s3_profile: store profile that the scheme names; otherwise empty.
    :param account: storage account of Azure that the URL names; otherwise empty.
    """

    scheme: str
    provider: str
    container: str = ""
    name: str = ""
    base: str = ""
    s3_profile: str = ""
    account: str = ""

    def __str__(self) -> str:
        if self.provider == Provider.LOCAL:
            container = os.path.join(self.base, self.container)
            return f"{self.scheme}://{container}/{self.name}"
        at = f"@{self.account}" if self.account else ""
        return f"{self.scheme}://{self.container}{at}{'/' if self.name else ''}{self.name}"

    def with_name(self, name: str) -> Target:
        return self._replace(name=name)

    def label(self, version_id: str | None) -> str:
        return str(self) if version_id is None else f"{self} (version {version_id})"

    @property
    def is_directory(self) -> bool:
        return not self.name or self.name.endswith("/")

    def as_directory(self) -> Target:
        return self if self.is_directory else self.with_name(f"{self.name}/")

    def require_container(self) -> Target:
        """``self``. :raises click.UsageError: the URL names no bucket."""
        if not self.container:
            raise click.UsageError(f"{self} names no bucket: use {self.scheme}://BUCKET")
        return self

    def require_object(self, otherwise: str = "") -> Target:
        """``self``. :raises click.UsageError: the URL names no object."""
        self.require_container()
        if not self.name:
            raise click.UsageError(f"{self} names no object: use {self}/KEY{otherwise}")
        return self


def known_schemes() -> list[str]:
    """Schemes of URLs, which are also names for ``--provider``."""
    from libcloud.storage.providers import DRIVERS
    from libcloud.storage.s3.profiles import PROFILES

    # Amazon S3 drivers of single regions are not listed: use --region.
    stores = {name for name in DRIVERS if not name.startswith("s3_")}
    return sorted({*stores, *_SCHEMES, *PROFILES})


def is_url(text: str) -> bool:
    return _URL.fullmatch(text) is not None


def parse_target(text: str, provider: str | None = None) -> Target:
    """Parse a URL. :raises click.UsageError: it is not valid, or its scheme is unknown.

    :param provider: the driver to use instead of the one that the scheme names.
    """
    match = _URL.fullmatch(text)
    if not match:
        raise click.UsageError(f"{text!r} is not a valid URL: use s3://BUCKET/KEY")
    scheme, rest = match[1].lower(), match[2]
    name = (provider or scheme).lower().replace("-", "_")
    chosen = _SCHEMES.get(name, name)
    if chosen in _S3_IN_COMPLETE_BUILD and is_complete():
        chosen = _S3_IN_COMPLETE_BUILD[chosen]
    chosen, s3_profile = _resolve_provider(chosen, text)
    if chosen == Provider.LOCAL:
        return _file_target(scheme, rest, text)
    container, _, key = rest.partition("/")
    account = ""
    if chosen == Provider.AZURE_BLOBS:
        container, _, host = container.partition("@")
        account = host.partition(".")[0]
    return Target(scheme, chosen, container, key, s3_profile=s3_profile, account=account)


def _resolve_provider(name: str, text: str) -> tuple[str, str]:
    from libcloud.storage.providers import DRIVERS

    if name in DRIVERS:
        return name, ""
    from libcloud.storage.s3.profiles import PROFILES

    if name in PROFILES:
        return Provider.S3, name
    known = ", ".join(known_schemes())
    raise click.UsageError(f"{text}: unknown provider {name!r}; known providers: {known}")


def _file_target(scheme: str, path: str, text: str) -> Target:
    """The last directory of the path is the container."""
    if not path.startswith("/"):
        raise click.UsageError(f"{text}: the path must start with a slash: file:///DIRECTORY/NAME")
    directory, _, name = path.rpartition("/")
    base, _, container = directory.rstrip("/").rpartition("/")
    if not container:
        raise click.UsageError(f"{text}: the path must contain a directory: file:///DIRECTORY/NAME")
    return Target(scheme, Provider.LOCAL, container, name, base or "/")


def has_wildcard(text: str) -> bool:
    return _WILDCARD.search(text) is not None


def literal_prefix(pattern: str) -> str:
    found = _WILDCARD.search(pattern)
    return pattern[: found.start()] if found else pattern


def key_pattern(pattern: str) -> re.Pattern[str]:
    """A regular expression for whole keys.

    ``*`` and ``?`` match all characters but a slash, ``**`` matches slashes as well, and ``[a-c]``
    or ``[!a-c]`` matches one character. A ``[`` without a ``]`` is literal, and ``a/**/b`` also
    matches ``a/b``.
    """

    def translated(match: re.Match[str]) -> str:
        inside = match[1]
        if inside is None:
            return _TRANSLATED.get(match[0]) or re.escape(match[0])
        inside = re.sub(r"([\\\[\]])", r"\\\1", inside)
        if inside.startswith("!"):
            inside = f"^/{inside[1:]}"
        elif inside.startswith("^"):
            inside = f"\\{inside}"
        return f"[{inside}]"

    try:
        return re.compile(_PATTERN.sub(translated, pattern), re.DOTALL)
    except re.error as error:
        raise click.UsageError(f"{pattern!r} is not a valid pattern: {error}") from error


class Filters(NamedTuple):
    """Which paths below a directory are selected.

    :param rules: pairs of whether to include, and a pattern of :mod:`fnmatch`, whose ``*`` also
        matches slashes. The last rule that matches decides, as in the AWS command line.
    """

    rules: tuple[tuple[bool, str], ...] = ()

    def select(self, path: str) -> bool:
        for include, pattern in reversed(self.rules):
            if fnmatch.fnmatchcase(path, pattern):
                return include
        return True
