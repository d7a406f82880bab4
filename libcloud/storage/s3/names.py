# SPDX-License-Identifier: Apache-2.0
"""Names of buckets and keys: which are accepted, and their encoding in a path.

Only what no store can hold, or what would make a path mean something else, is refused here; a
store's own rules are the store's to enforce.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from libcloud.storage.arguments import check_container, check_name
from libcloud.storage.base import Container

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
"""Of the elements in responses, and in the bodies of requests."""

# Amazon S3 User Guide, "Naming Amazon S3 objects": up to 1,024 bytes of UTF-8.
MAX_KEY_BYTES = 1024

# RFC 3986, section 2.3, and the slash: S3 signs a path encoded once, with slashes as they are
# (Amazon S3 API Reference, "Signature Calculations for the Authorization Header", UriEncode).
_SAFE = "/~-._"

# Names that are their own encoding: most of them.
_UNRESERVED = re.compile(r"[A-Za-z0-9/~._-]*")


class Place(NamedTuple):
    """The location of an object; ``path`` is encoded, as the driver makes it."""

    container: Container
    name: str
    path: str

    @property
    def names(self) -> tuple[str, str]:
        """Of the container and the object."""
        return self.container.name, self.name

    @property
    def label(self) -> str:
        """For messages."""
        return f"{self.container.name}/{self.name}"


def encode_name(name: str) -> str:
    """``name`` encoded for a path: UTF-8, ``%XX`` in upper case, slashes kept.

    A listing shows a byte that is not UTF-8 as half a surrogate pair (PEP 383); it becomes that
    byte again.

    >>> encode_name("a b/ü+~.txt")
    'a%20b/%C3%BC%2B~.txt'

    :raises ValueError: ``name`` holds another half of a surrogate pair.
    """
    if _UNRESERVED.fullmatch(name):
        return name
    try:
        return quote(name, safe=_SAFE, errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise _surrogate_error(name, error) from error


def name_bytes(name: str) -> bytes:
    """The bytes of a key that a listing showed; stores list keys in their order."""
    return name.encode("utf-8", "surrogateescape")


def path_of(container: Container) -> str:
    """The encoded path of a bucket, whose name is checked; see :func:`check_bucket_name`."""
    if type(container) is not Container:
        check_container(container)
    name = container.name
    if type(name) is not str:
        check_name(name, "container_name")
    return _bucket_path(name)


@lru_cache(maxsize=64)  # each object needs it
def _bucket_path(name: str) -> str:
    check_bucket_name(name)
    return f"/{encode_name(name)}"


def check_bucket_name(name: str) -> None:
    """Refuse a name that cannot be a bucket in a path."""
    check_name(name, "container_name")
    if not name:
        raise ValueError("The name of a container must not be empty")
    _encoded_length(name)
    if "/" in name:
        raise ValueError(f"A container name must not contain '/', as {name!r} does")
    if name in (".", ".."):
        raise ValueError(f"Invalid container name {name!r}: it is a relative path segment")


def check_object_name(name: str, *, listed: bool = False) -> None:
    """Refuse a name that no S3 store can hold; one that was ``listed`` need not be UTF-8."""
    if type(name) is not str:
        check_name(name, "object_name")
    if not name:
        raise ValueError("The name of an object must not be empty")
    if len(name) <= MAX_KEY_BYTES and name.isascii():
        return
    length = _encoded_length(name, "surrogateescape" if listed else "strict")
    if length > MAX_KEY_BYTES:
        raise ValueError(
            f"The object name is {length} bytes long in UTF-8, and S3 takes at most "
            f"{MAX_KEY_BYTES}: shorten {name[:40]!r}..."
        )


def _encoded_length(name: str, errors: str = "strict") -> int:
    try:
        return len(name.encode("utf-8", errors))
    except UnicodeEncodeError as error:
        raise _surrogate_error(name, error) from error


def _surrogate_error(name: str, error: UnicodeEncodeError) -> ValueError:
    return ValueError(
        f"The name {name[:40]!r} cannot be written as UTF-8: character {error.start + 1} is half "
        "of a surrogate pair. A file name that was not valid UTF-8 gives such names: rename it"
    )


def label_of(container_name: str, object_name: str, version_id: str | None) -> str:
    """The label of an object or a version, for messages."""
    version = "" if version_id is None else f" (version {version_id})"
    return f"{container_name}/{object_name}{version}"
