# SPDX-License-Identifier: Apache-2.0
"""Versions of objects: what is published and deleted where a bucket keeps versions, and listings.

Reference: Amazon S3 User Guide, "Retaining multiple versions of objects with S3 Versioning".
"""

from __future__ import annotations

import re

from libcloud.test.storage.fakes.errors import S3Error, invalid_argument, not_implemented
from libcloud.test.storage.fakes.listing import Listing
from libcloud.test.storage.fakes.render import OWNER, Node, iso_date, xml_answer
from libcloud.test.storage.fakes.state import Call, State, StoredObject, Version
from libcloud.test.storage.fakes.wire import Answer

# As those of Amazon S3, an id has characters that must be encoded in a URL.
_ID = re.compile(r"[0-9]{6}/[0-9a-f]{32}\+=")

Place = tuple[str, str]
Headers = list[tuple[str, str]]


def requested_version(call: Call) -> str | None:
    """The id in the query. :raises S3Error: it cannot be one, or is not for this user."""
    version_id = call.request.query.get("versionId")
    if version_id is None or not call.options.versions:
        return None
    _check_id(version_id)
    if call.options.version_reads_denied and call.request.method in ("GET", "HEAD"):
        raise S3Error(403, "AccessDenied", "Access Denied")
    return version_id


def _check_id(version_id: str) -> None:
    if version_id != "null" and not _ID.fullmatch(version_id):
        raise invalid_argument("Invalid version id specified")


def publish(state: State, place: Place, stored: StoredObject) -> Headers:
    """Store an object; the headers of the answer. Call it with the lock held."""
    state.objects[place] = stored
    if place[0] not in state.versioning:
        return []
    stored.version_id = _keep(state, place, Version("", stored.modified, stored))
    return [("x-amz-version-id", stored.version_id)]


def _keep(state: State, place: Place, version: Version) -> str:
    """Make ``version`` the newest one; its id."""
    enabled = state.versioning[place[0]] == "Enabled"
    version.version_id = state.new_version_id() if enabled else "null"
    versions = [
        one for one in state.versions.get(place, []) if one.version_id != version.version_id
    ]
    state.versions[place] = [version, *versions]
    return version.version_id


def find(state: State, place: Place, version_id: str | None) -> StoredObject:
    """An object or a version of it.

    :raises S3Error: there is none, or it is a delete marker.
    """
    state.need_bucket(place[0])
    versions = state.versions.get(place, [])
    if version_id is None:
        if versions and versions[0].stored is None:
            raise _deleted(versions[0], 404)
        return state.need_object(*place)
    if place[0] not in state.versioning and version_id == "null":
        return state.need_object(*place)
    for version in versions:
        if version.version_id == version_id:
            if version.stored is None:
                raise _deleted(version, 405)
            return version.stored
    raise S3Error(404, "NoSuchVersion", "The specified version does not exist.")


def _deleted(marker: Version, status: int) -> S3Error:
    headers = {"x-amz-delete-marker": "true", "x-amz-version-id": marker.version_id}
    if status == 404:
        return S3Error(404, "NoSuchKey", "The specified key does not exist.", headers=headers)
    text = "The specified method is not allowed against this resource."
    return S3Error(405, "MethodNotAllowed", text, headers=headers)


def remove(call: Call, key: str, version_id: str | None) -> Headers:
    """Delete an object, or one version for good; the headers of the answer."""
    state, place = call.state, (call.bucket, key)
    if key in call.options.undeletable:
        raise S3Error(403, "AccessDenied", "Access Denied")
    if place[0] not in state.versioning:
        if version_id in (None, "null"):
            state.objects.pop(place, None)
        return []
    if version_id is None:
        state.objects.pop(place, None)
        marker_id = _keep(state, place, Version("", call.options.clock(), None))
        return [("x-amz-delete-marker", "true"), ("x-amz-version-id", marker_id)]
    _check_id(version_id)
    versions = state.versions.get(place, [])
    headers = [("x-amz-version-id", version_id)]
    for version in versions:
        if version.version_id == version_id:
            _check_lock(call, version)
            versions.remove(version)
            if version.stored is None:
                headers.insert(0, ("x-amz-delete-marker", "true"))
            break
    newest = versions[0].stored if versions else None
    if newest is None:
        state.objects.pop(place, None)
    else:
        state.objects[place] = newest
    if not versions:
        state.versions.pop(place, None)
    return headers


def _check_lock(call: Call, version: Version) -> None:
    locks = version.stored.headers if version.stored is not None else {}
    until = locks.get("x-amz-object-lock-retain-until-date", "")
    held = locks.get("x-amz-object-lock-legal-hold") == "ON"
    bypass = call.request.header("x-amz-bypass-governance-retention") == "true"
    governed = locks.get("x-amz-object-lock-mode") == "GOVERNANCE" and bypass
    if held or (until > iso_date(call.options.clock()) and not governed):
        raise S3Error(403, "AccessDenied", "Access Denied because object protected by object lock.")


def list_versions(call: Call) -> Answer:
    """GET /bucket?versions."""
    if not call.options.versions:
        raise not_implemented("versions")
    listing = Listing(call, "max-keys")
    with call.state.lock:
        entries = _entries(call)
    query = call.request.query
    key_marker, id_marker = query.get("key-marker", ""), query.get("version-id-marker", "")
    position = "~" if key_marker else ""  # after all versions of the key
    if id_marker:
        marked = [entry for entry in entries if entries[entry].version_id == id_marker]
        if not key_marker or (key_marker, id_marker) not in [
            (key, entries[key, number].version_id) for key, number in marked
        ]:
            raise invalid_argument("A version-id marker cannot be specified without a key marker.")
        position = next(number for key, number in marked if key == key_marker)
    page = listing.page(list(entries), (key_marker, position))
    nodes = listing.head(page, "Name", "MaxKeys")
    nodes += [("KeyMarker", listing.text(key_marker)), ("VersionIdMarker", id_marker)]
    if page.truncated:
        nodes.append(("NextKeyMarker", listing.text(page.last[0])))
        last = entries.get(page.last)
        nodes.append(("NextVersionIdMarker", last.version_id if last is not None else ""))
    nodes += [_node(listing, entry, entries[entry]) for entry in page.entries]
    return xml_answer(call.options, "ListVersionsResult", nodes + listing.prefixes(page))


def _entries(call: Call) -> dict[tuple[str, str], Version]:
    """The versions by key and position; the newest one has the position 0."""
    state, bucket = call.state, call.bucket
    state.need_bucket(bucket)
    if bucket not in state.versioning:
        return {
            (key, "000000"): Version("null", stored.modified, stored)
            for (where, key), stored in state.objects.items()
            if where == bucket
        }
    return {
        (key, f"{number:06d}"): version
        for (where, key), versions in state.versions.items()
        if where == bucket
        for number, version in enumerate(versions)
    }


def _node(listing: Listing, entry: tuple[str, str], version: Version) -> Node:
    nodes: list[Node] = [("Key", listing.text(entry[0])), ("VersionId", version.version_id)]
    nodes += [("IsLatest", entry[1] == "000000"), ("LastModified", iso_date(version.modified))]
    stored = version.stored
    if listing.call.options.optional_elements:
        nodes.append(("Owner", OWNER))
    if stored is None:
        return ("DeleteMarker", nodes)
    nodes += [("ETag", f'"{stored.etag}"'), ("Size", stored.size)]
    if listing.call.options.optional_elements:
        nodes.append(("StorageClass", stored.headers.get("x-amz-storage-class", "STANDARD")))
    return ("Version", nodes)
