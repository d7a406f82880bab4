# SPDX-License-Identifier: Apache-2.0
"""Listings of containers and of objects, page by page."""

from __future__ import annotations

from collections.abc import Iterator

from libcloud.common.types import MalformedResponseError
from libcloud.storage.swift import requests, responses
from libcloud.storage.swift.client import SwiftClient
from libcloud.storage.swift.responses import ContainerRecord, ObjectRecord

PAGE = 10_000
"""Names on a page: what Swift returns at most unless it is configured otherwise."""


def iterate_containers(client: SwiftClient) -> Iterator[ContainerRecord]:
    """The containers of the account, in the order of their names."""
    marker, what = "", "Error listing the containers"
    while True:
        request = requests.list_containers(marker, PAGE)
        page = client.read(responses.parse_containers, request, what)
        yield from page
        if _is_last(client, len(page)):
            return
        marker = _next_marker(client, marker, page[-1].name, what)


def iterate_objects(
    client: SwiftClient, container_name: str, *, prefix: str = "", after: str = ""
) -> Iterator[ObjectRecord]:
    """The objects of a container, in the order of their names.

    :param after: only names after it.
    :raises ContainerDoesNotExistError: there is no such container.
    """
    marker, what = after, f"Error listing the container {container_name}"
    while True:
        request = requests.list_objects(container_name, prefix=prefix, marker=marker, limit=PAGE)
        page = client.read(responses.parse_objects, request, what, names=(container_name, ""))
        yield from page
        if _is_last(client, len(page), whole_pages=False):
            return
        marker = _next_marker(client, marker, page[-1].name, what)


def _is_last(client: SwiftClient, size: int, *, whole_pages: bool = True) -> bool:
    """Whether a page with ``size`` names is the last one.

    A cluster that does not say how many names it puts on a page ends with an empty one, and so do
    the listings of objects that tests written for Apache Libcloud provide.
    """
    if client.is_foreign and not whole_pages:
        return not size
    return size < min(client.profile().listing_limit or 1, PAGE)


def _next_marker(client: SwiftClient, marker: str, last: str, what: str) -> str:
    """The last name of a page, which must come after the one before.

    :raises MalformedResponseError: it does not; the listing would never end.
    """
    if last.encode("utf-8", "surrogatepass") <= marker.encode("utf-8", "surrogatepass"):
        text = f"{what}: the store listed {last!r} after {marker!r}"
        raise MalformedResponseError(text, driver=client.driver)
    return last
