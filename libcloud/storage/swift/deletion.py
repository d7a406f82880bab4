# SPDX-License-Identifier: Apache-2.0
"""Deletion of objects: with their segments, and of many by one request.

Reference: Swift, "Large objects" and "Bulk Delete".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from libcloud.common.types import LibcloudError
from libcloud.storage.swift import errors, requests, responses
from libcloud.storage.swift.client import SwiftClient
from libcloud.storage.types import ObjectDoesNotExistError

# A container with one of these keeps former versions of its objects, and they need their segments.
# Reference: Swift, "Object Versioning".
_VERSIONING = ("x-versions-enabled", "x-versions-location", "x-history-location")

_NOT_LARGE = "Not an SLO manifest"
_GONE = (200, 202, 204, 404)


def delete_object(
    client: SwiftClient, container_name: str, name: str, *, is_large: bool | None
) -> None:
    """Delete an object, and its segments if it is a static large one.

    The segments stay if the container keeps versions, of which the object becomes one.

    :param is_large: whether it is; ``None``: a request finds out.
    """
    path, names = client.object_path(container_name, name), (container_name, name)
    what = f"Error deleting {container_name}/{name}"
    if is_large is None and not client.third_party:
        is_large = is_static_large(client.head(container_name, name, what))
    is_whole = is_large and not _has_versions(client, container_name)
    if is_whole and _delete_large(client, path, what, names):
        return
    request, ok = requests.delete(path), (200, 202, 204)
    client.ensure(request, what, ObjectDoesNotExistError, ok=ok, names=names)


def _delete_large(client: SwiftClient, path: str, what: str, names: tuple[str, str]) -> bool:
    """Delete a large object with its segments; ``False``: it is not (or no longer) large."""

    def attempt() -> bool:
        response = client.send_once(requests.delete_manifest(path), what, ok=(200,), names=names)
        result = client.parse(responses.parse_bulk_result, response, what)
        if any(why == _NOT_LARGE for _, why in result.errors):
            return False
        if result.status == 200 and not result.deleted:
            raise ObjectDoesNotExistError(f"{what}: it does not exist", client.owner, names[1])
        _check(client, result, what)
        return True

    return client.retry_loop.ensure(attempt, ObjectDoesNotExistError) is not False


def is_static_large(headers: Mapping[str, str]) -> bool:
    """Whether headers of an object, names in lower case, are those of a static large one."""
    return headers.get("x-static-large-object", "").lower() == "true"


def keeps_versions(headers: Mapping[str, str]) -> bool:
    """Whether headers of a container, names in lower case, say that it keeps versions."""
    return any(headers.get(name) for name in _VERSIONING)


def _has_versions(client: SwiftClient, container_name: str) -> bool:
    return not client.third_party and keeps_versions(client.head(container_name))


def refuse_versions(client: SwiftClient, container_name: str) -> None:
    """:raises LibcloudError: the container keeps versions; segments of them look unused."""
    if _has_versions(client, container_name):
        raise LibcloudError(
            f"{container_name} keeps versions of its objects: segments that no object refers to "
            "may belong to one of them, and are not deleted",
            client.owner,
        )


def delete_segments(client: SwiftClient, container_name: str, names: Iterable[str]) -> None:
    """Delete segments; missing ones count as deleted."""
    paths = [requests.object_path(container_name, name) for name in names]
    what = f"Error deleting segments in {container_name}"
    at_once = client.profile().max_deletes
    if not at_once or len(paths) == 1:
        for path in paths:
            client.send(requests.delete(path), what, ok=_GONE)
        return
    for start in range(0, len(paths), at_once):
        request = requests.bulk_delete(paths[start : start + at_once])
        response = client.send(request, what, ok=(200,))
        _check(client, client.parse(responses.parse_bulk_result, response, what), what)


def _check(client: SwiftClient, result: responses.BulkResult, what: str) -> None:
    if result.status == 200 and not result.errors:
        return
    why = "; ".join(f"{path}: {reason}" for path, reason in result.errors[:3])
    detail = errors.ErrorDetail(result.status, message=why)
    text = f"{what}: {errors.describe(detail)}"
    raise errors.attach_detail(LibcloudError(text, driver=client.owner), detail)
