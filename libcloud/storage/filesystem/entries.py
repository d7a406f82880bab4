# SPDX-License-Identifier: Apache-2.0
"""Paths and the entries at them, as pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from libcloud.storage.base import Object
from libcloud.storage.metadata import is_placeholder
from libcloud.utils import iso8601

Info = dict[str, Any]


def prefix_of(path: str) -> str:
    """The prefix of the names of all objects in the directory ``path``; empty for a container.

    A path that ends with two slashes is a directory whose own name is empty, as in ``a//b``.

    >>> prefix_of("bucket/a"), prefix_of("bucket/a//"), prefix_of("bucket")
    ('a/', 'a//', '')
    """
    _, name = split_path(path)
    return name if not name or path.endswith("//") else f"{name}/"


def directory_of(container: str, prefix: str) -> str:
    """The inverse: the path of the directory with that ``prefix``.

    >>> directory_of("bucket", "a/"), directory_of("bucket", "a//"), directory_of("bucket", "/")
    ('bucket/a', 'bucket/a//', 'bucket//')
    """
    path = f"{container}/{prefix}"
    return path if path.endswith("//") else path.rstrip("/")


def split_path(path: str) -> tuple[str, str]:
    """Container and object name; either may be empty."""
    container, _, name = path.partition("/")
    return container, name


def parents(path: str, top: str) -> Iterator[str]:
    """The directories that ``path`` is in, up to ``top``, which is one of them."""
    while len(path) > len(top):
        path = path.rpartition("/")[0]
        yield f"{path}/" if path.endswith("/") else path


def directory_entry(path: str) -> Info:
    """What ``info`` returns for a directory."""
    return {"name": path, "size": 0, "type": "directory"}


def entry_of(obj: Object) -> Info:
    """What ``info`` returns for an object, ``None`` for values that the driver does not know."""
    if is_placeholder(obj):
        return directory_entry(f"{obj.container.name}/{obj.name}")
    extra = obj.extra
    return {
        "name": f"{obj.container.name}/{obj.name}",
        "size": obj.size,
        "type": "file",
        "etag": obj.hash,
        "modified": iso8601.time_of(extra.get("last_modified", extra.get("modify_time"))),
        "created": iso8601.time_of(extra.get("creation_time")),
        "content_type": extra.get("content_type"),
        "metadata": obj.meta_data,
    }


def by_own_names(listing: list[Info], path: str) -> tuple[dict[str, Info], dict[str, Info]]:
    """The directories and the files of a listing of ``path``, by their own names."""
    dirs: dict[str, Info] = {}
    files: dict[str, Info] = {}
    for entry in listing:
        full = entry["name"]
        name = "" if full.endswith("//") or full == path else full.rpartition("/")[2]
        (dirs if entry["type"] == "directory" else files)[name] = entry
    return dirs, files


def time_of(entry: Info, which: str) -> datetime:
    """:raises NotImplementedError: it is not known."""
    when = entry.get(which)
    if not isinstance(when, datetime):
        raise NotImplementedError(f"the store does not report a time for {entry['name']}")
    return when
