# SPDX-License-Identifier: Apache-2.0
"""URLs of containers and objects: ``s3://container/name``, ``file:///directory/name``.

A name stands in a URL as it is: nothing is decoded, so that every name can be written.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace

import click

from libcloud.storage.types import Provider

__all__ = ["STDIO", "Target", "is_url", "parse_target"]

STDIO = "-"
"""What stands for standard input or output."""

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+._-]*)://(.*)", re.DOTALL)

_SCHEMES = {
    "gs": Provider.GOOGLE_STORAGE,
    "gcs": Provider.GOOGLE_STORAGE,
    "file": Provider.LOCAL,
    "rgw": Provider.S3_RGW,
    "ceph": Provider.S3_RGW,
    "spaces": Provider.DIGITALOCEAN_SPACES,
}


@dataclass(frozen=True, slots=True)
class Target:
    """What a URL names.

    :param scheme: as it was written; used again where URLs are printed.
    :param provider: name of a driver.
    :param container: empty if the URL names none: all of them.
    :param name: of an object, or what names begin with; may be empty.
    :param base: for files: the directory that the container is in.
    :param store: what kind of store it is that speaks S3, if the URL names one: a name in
        :data:`~libcloud.storage.s3api.profile.PROFILES`.
    """

    scheme: str
    provider: str
    container: str = ""
    name: str = ""
    base: str = ""
    store: str = ""

    def __str__(self) -> str:
        if self.provider == Provider.LOCAL:
            container = os.path.join(self.base, self.container)
            return f"{self.scheme}://{container}/{self.name}"
        return f"{self.scheme}://{self.container}{'/' if self.name else ''}{self.name}"

    def with_name(self, name: str) -> Target:
        """Another object of the same container."""
        return replace(self, name=name)

    @property
    def is_directory(self) -> bool:
        """It names a container, or a name that ends in a slash."""
        return not self.name or self.name.endswith("/")

    def as_directory(self) -> Target:
        """The same, with a slash at the end of its name."""
        return self if self.is_directory else self.with_name(f"{self.name}/")

    def require_container(self) -> Target:
        """Itself.

        :raises click.UsageError: it names no container.
        """
        if not self.container:
            raise click.UsageError(f"{self} names no container: write {self.scheme}://CONTAINER")
        return self

    def require_object(self) -> Target:
        """Itself.

        :raises click.UsageError: it names no object.
        """
        self.require_container()
        if not self.name:
            raise click.UsageError(f"{self} names no object: write {self}/NAME")
        return self


def is_url(text: str) -> bool:
    """Whether ``text`` is a URL rather than the path of a file."""
    return _URL.fullmatch(text) is not None


def parse_target(text: str, provider: str | None = None) -> Target:
    """The target that a URL names.

    :param provider: the driver to use instead of the one that the scheme names.
    :raises click.UsageError: it is no URL, or nobody knows its scheme.
    """
    match = _URL.fullmatch(text)
    if not match:
        raise click.UsageError(f"{text!r} is no URL: write s3://CONTAINER/NAME")
    scheme, rest = match[1].lower(), match[2]
    name = (provider or scheme).lower().replace("-", "_")
    chosen = _SCHEMES.get(name, name)
    chosen, store = _provider(chosen, text)
    if chosen == Provider.LOCAL:
        return _file_target(scheme, rest, text)
    container, _, key = rest.partition("/")
    return Target(scheme, chosen, container, key, store=store)


def _provider(name: str, text: str) -> tuple[str, str]:
    """The driver of that name; or that of S3, and the kind of store of that name."""
    from libcloud.storage.providers import DRIVERS

    if name in DRIVERS:
        return name, ""
    from libcloud.storage.s3api.profile import PROFILES

    if name in PROFILES:
        return Provider.S3, name
    # The regions of Amazon are named by --region.
    stores = {name for name in DRIVERS if not name.startswith("s3_")}
    known = ", ".join(sorted({*stores, *_SCHEMES, *PROFILES}))
    raise click.UsageError(f"{text}: there is no provider {name!r}; there are {known}")


def _file_target(scheme: str, path: str, text: str) -> Target:
    """The container is the last directory in the path."""
    if not path.startswith("/"):
        raise click.UsageError(f"{text}: a path begins with a slash: file:///DIRECTORY/NAME")
    directory, _, name = path.rpartition("/")
    base, _, container = directory.rstrip("/").rpartition("/")
    if not container:
        raise click.UsageError(f"{text}: a file must be in a directory: file:///DIRECTORY/NAME")
    return Target(scheme, Provider.LOCAL, container, name, base or "/")
