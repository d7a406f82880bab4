# SPDX-License-Identifier: Apache-2.0
"""Which properties of an object its copy in another store keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from libcloud.storage.base import Object, StorageDriver
from libcloud.storage.drivers.s3_constants import STORAGE_CLASSES
from libcloud.storage.metadata import PROPERTIES


@dataclass(frozen=True, slots=True)
class Properties:
    """Arguments of an upload that keep the properties of an object; ``lost``: what it loses."""

    extra: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


def properties_of(obj: Object, driver: StorageDriver) -> Properties:
    """What a copy of ``obj`` in the store of ``driver`` keeps.

    ACLs, versions and locks are not kept, and not counted as lost.
    """
    found = Properties()
    _keep_metadata(obj, driver, found)
    if content_type := obj.extra.get("content_type"):
        if driver.capabilities.content_type:
            found.extra["content_type"] = content_type
        else:
            found.lost.append("content type")
    for key, header in PROPERTIES.items():
        if value := obj.extra.get(key):
            if key in driver._kept_properties:
                found.headers[header] = value
            else:
                found.lost.append(header)
    if storage_class := storage_class_for(obj, driver):
        found.options["ex_storage_class"] = storage_class
    elif obj.extra.get("storage_class") not in (None, "STANDARD", "Hot"):
        found.lost.append("storage class")
    if tags := tags_of(obj):
        if driver.capabilities.tags:
            found.options["ex_tags"] = tags
        else:
            found.lost.append("tags")
    return found


def tags_of(obj: Object) -> dict[str, str]:
    """The tags of an object, by a request if it has any."""
    if not int(obj.extra.get("tag_count") or 0):
        return {}
    driver: Any = obj.driver
    return dict(driver.ex_get_object_tags(obj))


def storage_class_for(obj: Object, driver: StorageDriver) -> str | None:
    """The storage class of a copy in the same kind of store; ``None``: the default."""
    name = obj.extra.get("storage_class")
    profiles = [getattr(one, "profile", None) for one in (obj.driver, driver)]
    if not name or profiles[0] is None or profiles[0] != profiles[1]:
        return None
    return next((key for key, value in STORAGE_CLASSES.items() if value == name), None)


def _keep_metadata(obj: Object, driver: StorageDriver, found: Properties) -> None:
    kept = dict(obj.meta_data)
    if not driver.capabilities.metadata:
        kept.clear()
    kept = {name: kept[name] for name in kept if driver._metadata_names.fullmatch(name)}
    if kept:
        found.extra["meta_data"] = kept
    if len(kept) < len(obj.meta_data):
        found.lost.append("metadata")
