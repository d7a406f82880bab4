# SPDX-License-Identifier: Apache-2.0
"""Listing one level of a container, as if slashes in names were directories."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.s3_containers import S3Containers
from libcloud.storage.drivers.s3_pages import object_pages

__all__ = ["iterate_level"]


def iterate_level(container: Container, prefix: str) -> Iterator[Object | str]:
    """Objects whose names have no slash after ``prefix``, and for the others what they begin with.

    An S3 store does that itself; of other drivers everything under ``prefix`` is listed.

    :param prefix: what names begin with; empty for all. A directory ends with a slash.
    :return: objects, and prefixes that end with a slash, in the order of their names as far as the
        store keeps one; a prefix may come more than once.
    :raises ContainerDoesNotExistError: there is no such container.
    """
    driver: Any = container.driver
    if not _lists_by_itself(driver):
        for obj in container.iterate_objects(prefix=prefix or None):
            head, slash, _ = obj.name[len(prefix) :].partition("/")
            yield f"{prefix}{head}/" if slash else obj
        return
    for page, document in object_pages(driver, container, prefix or None, delimiter="/"):
        objects = driver._objects_of(document, page.objects, container)
        yield from sorted((*page.prefixes, *objects), key=_place_of)


def _place_of(found: Object | str) -> bytes:
    """What S3 orders a listing by: the bytes of the names."""
    return (found if isinstance(found, str) else found.name).encode("utf-8", "surrogateescape")


def _lists_by_itself(driver: object) -> bool:
    """Whether objects are listed by our own method; a subclass that has another one is asked."""
    ours = S3Containers.iterate_container_objects
    return getattr(type(driver), "iterate_container_objects", None) is ours
