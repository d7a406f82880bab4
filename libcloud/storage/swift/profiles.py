# SPDX-License-Identifier: Apache-2.0
"""Limits and features of a cluster, from the document that it publishes at ``/info``.

Reference: Swift, "Discoverability" (api/discoverability), and "Large objects" for the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from libcloud.storage.capabilities import GIB, Limits

# swift.conf, "max_file_size": 5 GiB and 2 bytes for an object in one request, and so for a segment.
_MAX_FILE_SIZE = 5 * GIB + 2
# "Static Large Objects": max_manifest_segments and min_segment_size of the middleware.
_MAX_SEGMENTS = 1000
_MIN_SEGMENT_SIZE = 1

_LISTED = ("account", "container")


@dataclass(frozen=True, slots=True)
class SwiftProfile:
    """The limits and features of a cluster.

    :param limits: sizes, bytes; a part is a segment.
    :param max_deletes: object names that a bulk deletion takes; 0: there is no bulk deletion.
    :param max_name: bytes of the name of an object.
    :param listing_limit: names on a page of a listing, unless it is the last; 0: not known.
    :param temp_url_digest: name of the hash that signs temporary URLs.
    """

    limits: Limits = field(default_factory=lambda: _limits({}, {}))
    max_deletes: int = 0
    max_name: int = 1024
    listing_limit: int = 10_000
    temp_url_digest: str = "sha1"


def profile_of(info: Mapping[str, Any]) -> SwiftProfile:
    """The profile of a cluster; what the document lacks has the default of Swift."""
    swift, slo = _section(info, "swift"), _section(info, "slo")
    bulk = _section(info, "bulk_delete")
    digests = _section(info, "tempurl").get("allowed_digests") or ("sha1",)
    return SwiftProfile(
        limits=_limits(swift, slo),
        max_deletes=_number(bulk, "max_deletes_per_request", 0),
        max_name=_number(swift, "max_object_name_length", 1024),
        # Ceph RGW has one of these, and puts fewer names on a page (rgw_max_listing_results).
        listing_limit=min(_number(swift, f"{one}_listing_limit", 0) for one in _LISTED),
        temp_url_digest="sha1" if "sha1" in digests else "sha256",
    )


def _limits(swift: Mapping[str, Any], slo: Mapping[str, Any]) -> Limits:
    largest = _number(swift, "max_file_size", _MAX_FILE_SIZE)
    segments = _number(slo, "max_manifest_segments", _MAX_SEGMENTS)
    return Limits(
        min_part_size=max(1, _number(slo, "min_segment_size", _MIN_SEGMENT_SIZE)),
        max_part_size=largest,
        max_parts=segments,
        max_object_size=segments * largest,
        max_put_size=largest,
    )


def _section(info: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = info.get(name)
    return found if isinstance(found, Mapping) else {}


def _number(section: Mapping[str, Any], name: str, default: int) -> int:
    value = section.get(name)
    return value if isinstance(value, int) and value >= 0 else default


DEFAULT = SwiftProfile()
