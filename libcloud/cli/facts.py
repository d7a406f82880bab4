# SPDX-License-Identifier: Apache-2.0
"""The properties of an object or a bucket, as ``libcloud stat`` shows them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from libcloud.cli.stores import Store
from libcloud.common.types import LibcloudError
from libcloud.storage.s3.values import parse_time

if TYPE_CHECKING:
    from libcloud.storage.base import Object

# Properties that are times: text of HTTP or XML, or seconds since 1970.
_TIMES = frozenset(
    {
        "access_time",
        "created_at",
        "creation_date",
        "creation_time",
        "expires",
        "last_modified",
        "lock_until",
        "modify_time",
    }
)


def facts_of_object(store: Store, name: str, version_id: str | None) -> dict[str, Any]:
    """Everything that the store returns about an object, or a version of it."""
    options: dict[str, Any] = {}
    if version_id is not None:
        store.require_versions()
        options["ex_version_id"] = version_id
    if getattr(store.driver, "http_vendor_prefix", "") == "x-amz":
        obj = _with_checksum(store, name, options)
    else:
        obj = store.object(name, version_id)
    facts: dict[str, Any] = {
        "name": obj.name,
        "container": obj.container.name,
        "size": obj.size,
        "hash": obj.hash,
        "metadata": obj.meta_data,
    }
    for key, value in obj.extra.items():
        if key != "etag":
            facts["version_id" if key == "latest_version_id" else key] = value
    if store.driver.capabilities.tags:
        facts["tags"] = _optional(lambda: store.driver.ex_get_object_tags(obj))
    return _known(facts)


def facts_of_bucket(store: Store) -> dict[str, Any]:
    """The properties of a bucket."""
    driver = store.driver
    container = driver.get_container(store.target.container)
    facts = {"container": container.name, **container.extra}
    if driver.capabilities.versions:
        facts["versioning"] = _optional(lambda: driver.ex_get_versioning(container))
    return _known(facts)


def _with_checksum(store: Store, name: str, options: dict[str, Any]) -> Object:
    container = store.target.container
    try:
        found: Object = store.driver.get_object(container, name, ex_checksum_mode=True, **options)
    except LibcloudError as error:
        if getattr(error, "status", None) not in (400, 403, 501):
            raise
        # Without the permission to use the key of the object, there is no checksum.
        found = store.driver.get_object(container, name, **options)
    return found


def _optional(request: Callable[[], Any]) -> Any:
    """What ``request`` returns; ``None`` if the store does not support it, or denies access."""
    try:
        return request()
    except LibcloudError as error:
        if getattr(error, "status", None) is None:
            raise
        return None


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _time_text(value) if name in _TIMES else value
        for name, value in facts.items()
        if value not in (None, {})
    }


def _time_text(value: object) -> object:
    """A time with its zone, as in ``2026-11-29T17:29:53+00:00``; ``value`` if it is not a time."""
    when: datetime | None = None
    try:
        if isinstance(value, datetime):
            when = value
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            when = datetime.fromtimestamp(value, timezone.utc)
        elif isinstance(value, str):
            when = parse_time(value) or parsedate_to_datetime(value)
    except (ValueError, OverflowError, OSError):  # Expires can be any text
        return value
    if when is None:
        return value
    return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).isoformat()
