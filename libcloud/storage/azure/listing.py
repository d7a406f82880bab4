# SPDX-License-Identifier: Apache-2.0
"""Listings of containers and blobs, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from libcloud.storage.azure import requests
from libcloud.storage.azure.client import AzureClient
from libcloud.storage.azure.responses import Page, parse_blobs, parse_containers
from libcloud.storage.types import IncompleteListingError


def container_pages(client: AzureClient, *, limit: int) -> Iterator[Page]:
    """The containers of the account."""
    what = "Error listing containers"

    def fetch(marker: str | None) -> Page:
        request = requests.list_containers(marker=marker, limit=limit)
        return client.read(parse_containers, request, what)

    return _follow(client, what, "", fetch)


def blob_pages(
    client: AzureClient,
    container_name: str,
    prefix: str | None,
    *,
    delimiter: str | None = None,
    limit: int,
) -> Iterator[Page]:
    """The blobs of a container.

    :raises ContainerDoesNotExistError: there is no such container.
    """
    what = f"Error listing the container {container_name}"
    path = client.container_path(container_name)

    def fetch(marker: str | None) -> Page:
        request = requests.list_blobs(
            path, prefix=prefix, marker=marker, delimiter=delimiter, limit=limit
        )
        return client.read(parse_blobs, request, what, names=(container_name, ""))

    return _follow(client, what, container_name, fetch)


def _follow(
    client: AzureClient, what: str, container_name: str, fetch: Callable[[str | None], Page]
) -> Iterator[Page]:
    """The pages from the first to the one without a marker."""
    marker: str | None = None
    seen: set[int] = set()
    entries = 0
    last: Any = None
    while True:
        page = fetch(marker)
        entries += len(page.entries)
        last = page.entries[-1].name if page.entries else last
        yield page
        if not page.marker:
            return
        marker = page.marker
        if hash(marker) in seen:
            raise IncompleteListingError(
                f"{what}: the store repeats a marker. The listing got as far as {last!r}",
                client.owner,
                container_name,
                entries=entries,
                pages=len(seen) + 1,
                last=last,
            )
        seen.add(hash(marker))
