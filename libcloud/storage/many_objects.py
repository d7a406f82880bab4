# SPDX-License-Identifier: Apache-2.0
"""Operations on many objects, for every driver: each runs in the worker pool of its driver.

Tests: ``libcloud/test/storage/test_many_objects.py``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from libcloud.common.types import LibcloudError
from libcloud.storage.types import (
    DeletedObject,
    Deletion,
    FailedDeletion,
    MissingContainerError,
    ObjectDoesNotExistError,
)
from libcloud.utils.arguments import kind_of

_Item = TypeVar("_Item")
_T = TypeVar("_T")


class Place(NamedTuple):
    """What to delete or to look up: a version, or the object."""

    container: Any
    name: str
    version_id: str | None = None


def pairs_of(items: Any, method: str) -> Iterable[Any]:
    """:raises TypeError: ``items`` is one item instead of several."""
    if isinstance(items, (str, bytes, os.PathLike)) or not hasattr(items, "__iter__"):
        raise TypeError(f"{method} takes an iterable of items, not {kind_of(items)}")
    return items  # type: ignore[no-any-return]  # Any is what callers without types pass


def download_to(download: Callable[[Any, str], bool], pair: tuple[Any, Any]) -> str:
    """Download an object to a file, whose directory is created if necessary; its path."""
    obj, path = pair[0], str(os.fspath(pair[1]))
    directory = os.path.dirname(path)
    if directory and not os.path.isdir(directory):
        os.makedirs(directory, exist_ok=True)
    if not download(obj, path):
        raise LibcloudError(
            f"{obj.name}: the store sent fewer or more than {obj.size} bytes", obj.driver
        )
    return path


def delete_object(delete: Callable[[Place], object], place: Place) -> Deletion:
    """What became of an object that ``delete`` deletes. One that does not exist is deleted."""
    container, name, version_id = place
    try:
        delete(place)
    except (LibcloudError, OSError) as error:
        is_gone = isinstance(error, ObjectDoesNotExistError)
        if not is_gone or isinstance(error, MissingContainerError):
            return FailedDeletion(container.name, name, error, version_id)
    return DeletedObject(container.name, name, version_id)
