# SPDX-License-Identifier: Apache-2.0
"""Listings of containers and blobs, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from libcloud.common.request import HttpRequest
from libcloud.storage.azure import requests
from libcloud.storage.azure.client import AzureClient
from libcloud.storage.azure.responses import Page, parse_blobs, parse_containers
from libcloud.storage.types import IncompleteListingError


def container_pages(client: AzureClient, *, limit: int) -> Iterator[Page]:
    request = partial(requests.list_containers, limit=limit)
    return _follow(client, parse_containers, request, "Error listing containers")


def blob_pages(
    client: AzureClient,
    container_name: str,
    prefix: str | None,
    *,
    delimiter: str | None = None,
    limit: int,
) -> Iterator[Page]:
    what = f"Error listing the container {container_name}"
    path = client.container_path(container_name)
    request = partial(requests.list_blobs, path, prefix=prefix, delimiter=delimiter, limit=limit)
    for page in _follow(client, parse_blobs, request, what, container_name=container_name):
        client.check_listed([entry.name for entry in page.entries], prefix, what)
        client.check_listed(page.prefixes, prefix, what)
        yield page


def _follow(
    client: AzureClient,
    parse: Callable[[Any], Page],
    request: Callable[..., HttpRequest],
    what: str,
    *,
    container_name: str = "",
) -> Iterator[Page]:
    marker = last = None
    seen: set[int] = set()
    entries = 0
    while True:
        page = client.read(parse, request(marker=marker), what, names=(container_name, ""))
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
