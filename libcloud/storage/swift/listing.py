# SPDX-License-Identifier: Apache-2.0
"""Listings of containers and of objects, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from libcloud.common.types import MalformedResponseError
from libcloud.storage.swift import requests, responses
from libcloud.storage.swift.client import SwiftClient
from libcloud.storage.swift.responses import ContainerRecord, ObjectRecord

_RecordT = TypeVar("_RecordT", ContainerRecord, ObjectRecord)

PAGE = 10_000
"""Names on a page: what Swift returns at most unless it is configured otherwise."""


def iterate_containers(client: SwiftClient) -> Iterator[ContainerRecord]:
    """The containers of the account, in the order of their names."""
    what = "Error listing the containers"

    def fetch(marker: str) -> list[ContainerRecord]:
        return client.read(responses.parse_containers, requests.list_containers(marker, PAGE), what)

    return _follow(client, fetch, what, whole_pages=True)


def iterate_objects(
    client: SwiftClient, container_name: str, *, prefix: str = "", after: str = ""
) -> Iterator[ObjectRecord]:
    """The objects of a container, in the order of their names.

    :param after: only names after it.
    :raises ContainerDoesNotExistError: there is no such container.
    """
    what = f"Error listing the container {container_name}"

    def fetch(marker: str) -> list[ObjectRecord]:
        request = requests.list_objects(container_name, prefix=prefix, marker=marker, limit=PAGE)
        return client.read(responses.parse_objects, request, what, names=(container_name, ""))

    return _follow(client, fetch, what, after, whole_pages=False)


def _follow(
    client: SwiftClient,
    fetch: Callable[[str], list[_RecordT]],
    what: str,
    marker: str = "",
    *,
    whole_pages: bool,
) -> Iterator[_RecordT]:
    """The records of all pages, the first of which begins after ``marker``."""
    while True:
        page = fetch(marker)
        yield from page
        # A cluster that does not say how many names it puts on a page ends with an empty one, and
        # so do the listings of objects that tests written for Apache Libcloud provide.
        known = min(client.profile().listing_limit or 1, PAGE)
        if len(page) < (1 if client.is_foreign and not whole_pages else known):
            return
        last = page[-1].name
        if last.encode("utf-8", "surrogatepass") <= marker.encode("utf-8", "surrogatepass"):
            text = f"{what}: the store listed {last!r} after {marker!r}"
            raise MalformedResponseError(text, driver=client.owner)
        marker = last
