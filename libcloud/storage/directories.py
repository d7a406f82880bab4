# SPDX-License-Identifier: Apache-2.0
"""Listing one directory of a container, where slashes in object names separate directories."""

from __future__ import annotations

from collections.abc import Iterator

from libcloud.storage.base import Container, Object, companion_method


def iterate_directory(container: Container, prefix: str) -> Iterator[Object | str]:
    """The objects whose names contain no slash after ``prefix``, and the directories there.

    Stores that support a delimiter list only the directory; with other drivers everything under
    ``prefix`` is listed.

    :param prefix: the directory, which ends with a slash; empty for the top of the container.
    :return: objects, and directories as prefixes that end with a slash, in the order of the
        listing; a prefix may occur more than once.
    :raises ContainerDoesNotExistError: there is no such container.
    """
    native = companion_method(container.driver, "iterate_container_objects", "_iterate_directory")
    if native is not None:
        yield from native(container, prefix)
        return
    for obj in container.iterate_objects(prefix=prefix or None):
        head, slash, _ = obj.name[len(prefix) :].partition("/")
        yield f"{prefix}{head}/" if slash else obj
