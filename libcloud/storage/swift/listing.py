# SPDX-License-Identifier: Apache-2.0
"""Listings of containers and of objects, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from libcloud.common.request import HttpRequest
from libcloud.common.types import MalformedResponseError
from libcloud.storage.swift import requests, responses
from libcloud.storage.swift.client import SwiftClient
from libcloud.storage.swift.responses import ContainerRecord, ObjectRecord

_RecordT = TypeVar("_RecordT", ContainerRecord, ObjectRecord)

PAGE = 10_000
"""Names on a page: what Swift returns at most unless it is configured otherwise."""


def iterate_containers(client: SwiftClient) -> Iterator[ContainerRecord]:
    request = partial(requests.list_containers, limit=PAGE)
    return _follow(client, responses.parse_containers, request, "Error listing the containers")


def iterate_objects(
    client: SwiftClient, container_name: str, *, prefix: str = "", after: str = ""
) -> Iterator[ObjectRecord]:
    """The objects of a container, in the order of their names, from the next ``after`` one on."""
    what = f"Error listing the container {container_name}"
    request = partial(requests.list_objects, container_name, prefix=prefix, limit=PAGE)
    parse = responses.parse_objects
    return _follow(
        client, parse, request, what, marker=after, container_name=container_name, prefix=prefix
    )


def _follow(
    client: SwiftClient,
    parse: Callable[[Any], list[_RecordT]],
    request: Callable[..., HttpRequest],
    what: str,
    *,
    marker: str = "",
    container_name: str = "",
    prefix: str = "",
) -> Iterator[_RecordT]:
    while True:
        page = client.read(parse, request(marker=marker), what, names=(container_name, ""))
        client.check_listed([record.name for record in page], prefix, what)
        yield from page
        # A cluster that does not say how many names it puts on a page ends with an empty one, and
        # so do the listings of objects that tests written for Apache Libcloud provide.
        known = min(client.profile().listing_limit or 1, PAGE)
        if len(page) < (1 if client.third_party and container_name else known):
            return
        last = page[-1].name
        if last.encode("utf-8", "surrogatepass") <= marker.encode("utf-8", "surrogatepass"):
            text = f"{what}: the store listed {last!r} after {marker!r}"
            raise MalformedResponseError(text, driver=client.owner)
        marker = last
