# SPDX-License-Identifier: Apache-2.0
"""The engine's port for uploads: an object in one request, or a static large object.

Segments are stored one by one; the manifest publishes the object. Swift compares the ETag of each
request, an MD5, with what arrived. Reference: Swift, "Large objects".
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage.swift import deletion, multipart, requests
from libcloud.storage.swift.client import SwiftClient
from libcloud.storage.swift.errors import failure_of
from libcloud.storage.swift.multipart import SegmentNames
from libcloud.storage.swift.responses import Segment
from libcloud.storage.transfer.retry import OUTCOME_OPEN, is_outcome_open
from libcloud.storage.transfer.upload.states import PUBLISHING
from libcloud.storage.transfer.upload.times import StoreTimes
from libcloud.storage.transfer.values import (
    Body,
    Confirmation,
    Digest,
    Failure,
    PartReceipt,
    Step,
    StoredObject,
)
from libcloud.storage.types import InvalidContainerNameError, ObjectHashMismatchError
from libcloud.utils.bodies import hashed, new_md5
from libcloud.utils.headers import strip_etag

_log = logging.getLogger(__name__)

# A segment is stored before the manifest, and must not expire before it: seconds that an upload may
# take from the one to the other.
_LATER = 24 * 60 * 60

# 503 if too few servers have stored the object: some may have it, and the others get it from them.
_OUTCOME_OPEN = OUTCOME_OPEN | {503}


class SwiftUploadPort:
    """One object, about to be written; see :class:`~..transfer.values.PartStore`.

    :param headers: of the object: type, metadata, conditions.
    :param verify: compare the ETags of responses.

    ``held`` has size and ETag of the segments that an upload to resume has, by their numbers.
    """

    def __init__(
        self,
        client: SwiftClient,
        names: SegmentNames,
        headers: Mapping[str, str],
        *,
        verify: bool = True,
    ) -> None:
        self._client = client
        self._names = names
        self._headers = {key: value for key, value in headers.items() if key.lower() != "etag"}
        self._given_etag = next((headers[key] for key in headers if key.lower() == "etag"), None)
        self._verify = verify
        self._path = client.object_path(names.object_container, names.object_name)
        self._sent: set[str] = set()
        self._whole = Digest()
        self._upload_id = ""
        self._shared = False
        self._times = StoreTimes()
        self._keeps_versions = False
        self._replaced: list[Segment] | None = None
        self.held: Mapping[int, tuple[int, str]] = {}

    def digest(self, body: Body) -> Digest:
        md5 = hashed(new_md5(), body)
        return Digest({"ETag": md5.hexdigest()}, "md5", md5.digest())

    def put(self, body: Body, digest: Digest) -> StoredObject:
        self._whole = digest
        headers = {**self._headers, **digest.headers}
        if self._given_etag is not None:
            headers["ETag"] = self._given_etag
        request = requests.put_object(self._path, self._sendable(body), headers)
        response = self._send(request, f"Error uploading {self._label}")
        etag = self._compared(response, digest.value.hex())
        return StoredObject(etag, len(body), 0, dict(response.headers))

    def create(self) -> str:
        self.prepare()
        return multipart.new_upload_id()

    def prepare(self) -> None:
        """Look for the container, and create the one for segments."""
        container, segments = self._names.object_container, self._names.container
        what = f"Error uploading {self._label}"
        try:
            requests.check_container_name(segments)
        except ValueError as error:
            text = f"{what}: its segments have no container: {error}"
            raise InvalidContainerNameError(text, self._client.owner, segments) from error
        head = requests.head(requests.container_path(container))
        found = self._client.send_once(head, what, names=(container, ""))
        self._keeps_versions = deletion.keeps_versions(found.headers)
        policy = found.headers.get("x-storage-policy")
        self._client.send_once(
            requests.put_container(segments, {"X-Storage-Policy": policy} if policy else {}),
            f"{what}: the container {segments} for its segments cannot be created",
            ok=(201, 202, 204, 409),  # 409: it exists, and has another storage policy
            names=(segments, ""),
        )

    def put_part(self, upload_id: str, number: int, body: Body, digest: Digest) -> PartReceipt:
        etag = digest.value.hex()
        if self.held.get(number) == (len(body), etag):
            return PartReceipt(number, etag, len(body), digest)
        name = self._name(upload_id, number, etag)
        self._sent.add(name)
        headers = {
            **_expiry(self._headers),
            "Content-Type": "application/octet-stream",
            **digest.headers,
        }
        path = requests.object_path(self._names.container, name)
        request = requests.put_object(path, self._sendable(body), headers)
        response = self._send(request, f"Error uploading segment {number} of {self._label}")
        etag = self._compared(response, digest.value.hex())
        return PartReceipt(number, etag, len(body), digest)

    def complete(self, upload_id: str, parts: Sequence[PartReceipt]) -> StoredObject:
        self._upload_id = upload_id
        if self._replaced is None:
            self._replaced = self._segments_to_replace()
        expected = multipart.large_etag(part.etag for part in parts)
        segments = [Segment(self._path_of(upload_id, it), it.etag, it.size) for it in parts]
        etag, headers = self._publish(segments, expected)
        self._delete_replaced()
        return StoredObject(etag, sum(it.size for it in parts), len(parts), headers)

    def _publish(self, segments: Sequence[Segment], expected: str) -> tuple[str, dict[str, str]]:
        """Send the manifest; return the ETag and the headers of the object."""
        headers = {**self._headers, **({"ETag": expected} if self._client.etag_of_manifest else {})}
        request = requests.put_manifest(self._path, segments, headers)
        try:
            response = self._send(request, f"Error publishing {self._label}")
        except ObjectHashMismatchError:
            if not self._client.etag_of_manifest:
                raise
            # Ceph RGW (16) refuses any ETag of a manifest, also the one that it then responds with.
            request = requests.put_manifest(self._path, segments, self._headers)
            response = self._send(request, f"Error publishing {self._label}")
            self._client.etag_of_manifest = False
        return self._compared(response, expected), dict(response.headers)

    def confirm(
        self, parts: Sequence[PartReceipt], size: int
    ) -> tuple[Confirmation, StoredObject | None]:
        response = self._head()
        if response.status == 404:
            return Confirmation.ABSENT, None
        headers = dict(response.headers)
        etag = strip_etag(headers.get("etag", ""))
        expected = self._whole.value.hex()
        if deletion.is_static_large(headers) != bool(parts):
            return Confirmation.ABSENT, None
        if parts:
            # Another upload may have stored the same bytes: the manifest names the segments.
            if not self._refers_to(self._upload_id):
                return Confirmation.ABSENT, None
            expected = multipart.large_etag(part.etag for part in parts)
        if etag != expected:
            return (Confirmation.UNCLEAR if parts else Confirmation.ABSENT), None
        self._delete_replaced()
        return Confirmation.STORED, StoredObject(etag, size, len(parts), headers)

    def abort(self, upload_id: str) -> None:
        if self._is_in_use(upload_id):
            return
        multipart.abort(self._client, self._names, upload_id, frozenset(self._sent))

    def has_parts(self, upload_id: str) -> bool:
        if self._is_in_use(upload_id):
            return False
        return bool(multipart.segments_of(self._client, self._names, upload_id))

    # An upload that several processes continue.

    @property
    def shared_headers(self) -> Mapping[str, str]:
        return self._headers

    def attach(self, upload_id: str, since: datetime | None = None) -> None:
        self._shared = True
        self._upload_id = upload_id
        if since is not None:
            self._times.start(since)

    def stored_parts(self, upload_id: str) -> Iterator[PartReceipt]:
        for record in multipart.segments_of(self._client, self._names, upload_id):
            digest = Digest({}, "md5", bytes.fromhex(record.etag))
            yield PartReceipt(multipart.number_of(record.name), record.etag, record.size, digest)

    def published(
        self, upload_id: str, sizes: Sequence[int]
    ) -> tuple[Confirmation, StoredObject | None]:
        if self._refers_to(upload_id):
            found = enumerate(self._manifest(), 1)
            parts = [PartReceipt(number, segment.etag, segment.size) for number, segment in found]
            return self.confirm(parts, sum(sizes))
        # What is younger may have replaced what this upload had published.
        unclear = self._times.is_newer(self._head().headers)
        return (Confirmation.UNCLEAR if unclear else Confirmation.ABSENT), None

    def failure(self, step: Step, error: Exception) -> Failure:
        if not isinstance(error, ObjectHashMismatchError):
            failure = failure_of(error)
            if step not in PUBLISHING or not is_outcome_open(error, _OUTCOME_OPEN):
                return failure
            # A manifest may still appear, and needs its segments: they are not deleted.
            return replace(failure, contradicted=True, effect_unknown=step is Step.COMPLETE)
        if getattr(error, "detail", None) is None:  # the store has it, and says something else
            return Failure(error, transient=step is not Step.COMPLETE, contradicted=True)
        # Refused with 422, and not stored: damaged on its way, or described by a wrong ETag.
        is_final = step is Step.COMPLETE or (step is Step.PUT and self._given_etag is not None)
        return Failure(error, transient=not is_final)

    @property
    def _label(self) -> str:
        return "/".join(self._names.of_object)

    def _send(self, request: Any, what: str) -> Any:
        return self._client.send_once(request, what, ok=(201,), names=self._names.of_object)

    def _head(self) -> Any:
        request, what = requests.head(self._path), f"Error looking for {self._label}"
        ok = (200, 204, 404)
        return self._client.send_once(request, what, ok=ok, names=self._names.of_object)

    def _sendable(self, body: Body) -> Body:
        return bytes(body) if self._client.third_party else body

    def _compared(self, response: Any, expected: str) -> str:
        etag = strip_etag(response.headers.get("etag", ""))
        if not etag:
            text = f"{self._label}: the response has no ETag"
            raise MalformedResponseError(text, driver=self._client.owner)
        if self._verify and etag.lower() != expected:
            raise ObjectHashMismatchError(
                f"the store has {self._label} with the MD5 {etag}, and {expected} was sent",
                self._client.owner,
                self._names.object_name,
            )
        return etag

    def _name(self, upload_id: str, number: int, md5: str) -> str:
        """The name of a segment: if processes share the upload, each content has its own."""
        return self._names.name(upload_id, number, md5 if self._shared else "")

    def _path_of(self, upload_id: str, part: PartReceipt) -> str:
        return f"/{self._names.container}/{self._name(upload_id, part.number, part.etag)}"

    def _is_in_use(self, upload_id: str) -> bool:
        """Whether the segments are published: by another process, or by a request that failed."""
        return bool(self._upload_id) and self._refers_to(upload_id)

    def _refers_to(self, upload_id: str) -> bool:
        start = f"/{self._names.container}/{self._names.prefix(upload_id)}"
        found = self._manifest()
        return bool(found) and all(segment.path.startswith(start) for segment in found)

    def _manifest(self) -> list[Segment]:
        return multipart.manifest_of(self._client, *self._names.of_object)

    def _segments_to_replace(self) -> list[Segment]:
        """The segments of the object that this upload overwrites, as far as they are its own."""
        if self._keeps_versions:
            return []
        ours = f"/{self._names.container}/{self._names.prefix()}"
        new = f"/{self._names.container}/{self._names.prefix(self._upload_id)}"
        try:
            found = self._manifest()
        except multipart.NoManifestError as error:
            text = "the segments of the object that %s overwrites remain in %s: %s"
            _log.warning(text, self._label, self._names.container, error)
            return []
        return [
            segment
            for segment in found
            if segment.path.startswith(ours) and not segment.path.startswith(new)
        ]

    def _delete_replaced(self) -> None:
        """Delete the segments of the overwritten object, once the new one is published.

        What cannot be deleted is listed with the uploads in progress.
        """
        replaced, self._replaced = self._replaced, []
        if not replaced:
            return
        start = len(f"/{self._names.container}/")
        names = [segment.path[start:] for segment in replaced]
        try:
            # Another upload may have published the old segments again, by a repeated request.
            used = {segment.path[start:] for segment in self._manifest()}
            unused = [name for name in names if name not in used]
            if unused:
                deletion.delete_segments(self._client, self._names.container, unused)
        except (LibcloudError, OSError) as error:
            text = "%s was overwritten, and up to %d segments of it remain in %s: %s"
            _log.warning(text, self._label, len(names), self._names.container, error)


def _expiry(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers by which a segment expires with its object, or a day later.

    Reference: Swift, "Expiring Object Support".
    """
    found = {name.lower(): value for name, value in headers.items()}
    kept = {"X-Delete-At": found["x-delete-at"]} if "x-delete-at" in found else {}
    if "x-delete-after" in found:
        seconds = found["x-delete-after"]
        kept["X-Delete-After"] = str(int(seconds) + _LATER) if seconds.isdecimal() else seconds
    return kept
