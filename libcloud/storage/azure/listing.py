# SPDX-License-Identifier: Apache-2.0
"""Listings of containers and blobs, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from libcloud.common.request import HttpRequest
from libcloud.storage.azure.client import AzureClient
from libcloud.storage.azure.responses import Page
from libcloud.storage.types import IncompleteListingError


def pages(
    client: AzureClient,
    parse: Callable[[Any], Page],
    request: Callable[..., HttpRequest],
    what: str,
    container_name: str = "",
    prefix: str | None = None,
) -> Iterator[Page]:
    """The pages of a listing.

    :param request: takes a ``marker``.
    :param prefix: that ``request`` asks for.
    """
    marker = last = None
    seen: set[int] = set()
    entries = 0
    while True:
        page = client.read(parse, request(marker=marker), what, names=(container_name, ""))
        names = [entry.name for entry in page.entries]
        client.check_listed([*names, *page.prefixes], prefix, what)
        entries += len(names)
        last = names[-1] if names else last
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
