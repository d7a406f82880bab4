# SPDX-License-Identifier: Apache-2.0
"""Bytes of an object for one open file: all of them of the version that was opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

from libcloud.storage.base import Object
from libcloud.storage.types import (
    IncompleteDownloadError,
    ObjectChangedError,
    ObjectDoesNotExistError,
)

__all__ = ["read_version"]

# What tells versions apart beside hash and size; each driver has some of these.
_MARKS = ("etag", "last_modified", "modify_time", "inode")


def read_version(obj: Object, start: int, end: int) -> bytes:
    """The bytes from ``start`` to before ``end``, which is not beyond the object.

    :raises ObjectChangedError: the object was replaced or deleted since ``obj`` was looked at.
    :raises IncompleteDownloadError: the store gave fewer bytes, or more.
    """
    if start >= end:
        return b""
    pinned = _range_of_version(obj.driver)
    if pinned is not None:
        return b"".join(pinned(obj, start, end))
    data = _read(obj, start, end)
    if len(data) != end - start:
        raise IncompleteDownloadError(
            f"{len(data)} bytes came, and not the {end - start} that were asked for",
            obj.driver,
            obj.name,
        )
    return data


def _read(obj: Object, start: int, end: int) -> bytes:
    """By a driver that cannot ask for a version: the object is looked at once more, afterwards."""
    error: Exception | None = None
    try:
        data = b"".join(obj.range_as_stream(start, end))
    except Exception as caught:
        error = caught
    try:
        current = obj.container.get_object(obj.name)
    except ObjectDoesNotExistError as gone:
        raise _changed(obj) from gone
    if _marks(current) != _marks(obj):
        raise _changed(obj) from error
    if error is not None:
        raise error
    return data


def _range_of_version(driver: Any) -> Callable[[Object, int, int], Iterator[bytes]] | None:
    """The driver's ``_range_of_version``; ``None`` if it has none, or its ranges are another's.

    A subclass, or a test, that replaces ``download_object_range_as_stream`` is asked by that.
    """
    name = "download_object_range_as_stream"
    owner = next((kind for kind in type(driver).__mro__ if name in vars(kind)), object)
    if "_range_of_version" not in vars(owner) or name in vars(driver):
        return None
    return cast("Callable[[Object, int, int], Iterator[bytes]]", driver._range_of_version)


def _marks(obj: Object) -> tuple[object, ...]:
    return (obj.hash, obj.size, *(obj.extra.get(name) for name in _MARKS))


def _changed(obj: Object) -> ObjectChangedError:
    text = f"{obj.container.name}/{obj.name} was replaced or deleted since it was opened"
    return ObjectChangedError(text, obj.driver, obj.name)
