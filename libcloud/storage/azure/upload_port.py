# SPDX-License-Identifier: Apache-2.0
"""The upload engine's port onto Azure: Put Blob, or Put Block and Put Block List.

An upload in blocks has no beginning: the id that keeps its blocks apart is made here. It cannot be
aborted, either: blocks that were not published expire after a week (Azure Storage REST API, "Put
Block"), and the blob that was there stays as it was.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage.azure import requests
from libcloud.storage.azure.checksums import (
    NO_DIGEST,
    block_digest,
    checksum_of,
    encoded,
    md5_digest,
)
from libcloud.storage.azure.client import AzureClient
from libcloud.storage.azure.errors import failure_of
from libcloud.storage.azure.responses import Block, parse_blocks
from libcloud.storage.transfer.retry import is_outcome_open
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
from libcloud.storage.types import ObjectDoesNotExistError, ObjectHashMismatchError
from libcloud.utils.headers import strip_etag

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest


_log = logging.getLogger(__name__)

LEASE_SECONDS = 60
"""The duration of a lease: the longest finite one."""


class AzureStore:
    """One blob, about to be written.

    :param headers: of the request that publishes the blob: properties, metadata, conditions.
    :param checked: send the MD5 of each body, and compare the one in the response.
    :param whole_md5: returns the MD5 of all that was sent, which Azure keeps with the blob.
    :param copy_bodies: hand the connection ``bytes``, because it is not one of ours.
    """

    def __init__(
        self,
        client: AzureClient,
        container: str,
        name: str,
        headers: Mapping[str, str],
        *,
        checked: bool = True,
        whole_md5: Callable[[], bytes] | None = None,
        copy_bodies: bool = False,
    ) -> None:
        self._client = client
        self._names = (container, name)
        self._label = f"{container}/{name}"
        self._path = client.object_path(container, name)
        self._headers = headers
        self._lease_id = ""
        self._renewed = 0.0
        self._checked = checked
        self._whole_md5 = whole_md5
        self._copy_bodies = copy_bodies
        self._sent_whole = NO_DIGEST
        self._has_sent_blocks = False
        self._shared = False
        self._times = StoreTimes()
        self._in_blocks = False

    @contextmanager
    def leased(self) -> Iterator[None]:
        """Keep others from writing the blob, if it exists: one that does not cannot be leased.

        Reference: Azure Storage REST API, "Lease Blob".
        """
        # With its own id, a repeated request finds the lease of the first one.
        proposed = str(uuid.uuid4())
        with suppress(ObjectDoesNotExistError):
            headers = {
                "x-ms-lease-duration": str(LEASE_SECONDS),
                "x-ms-proposed-lease-id": proposed,
            }
            self._lease_id = self._lease("acquire", headers).headers["x-ms-lease-id"]
            self._renewed = time.monotonic()
        try:
            yield
        finally:
            if self._lease_id:
                try:
                    self._lease("release", {"x-ms-lease-id": self._lease_id})
                except (LibcloudError, OSError) as failure:
                    # The upload has succeeded, or has failed for another reason; it ends anyway.
                    _log.warning("%s", failure)

    def _lease(self, action: str, headers: Mapping[str, str]) -> Any:
        what = f"Error in the lease of {self._label} ({action})"
        request = requests.lease(self._path, action, headers)
        return self._client.send(request, what, names=self._names)

    def _lease_headers(self) -> dict[str, str]:
        """The headers for a request on the blob; renews the lease after half of its time."""
        found = {"x-ms-lease-id": self._lease_id}
        if time.monotonic() - self._renewed > LEASE_SECONDS / 2:
            self._renewed = time.monotonic()
            self._lease("renew", found)
        return found

    def digest(self, body: Body) -> Digest:
        if not self._checked:
            return NO_DIGEST
        # Processes that share an upload need not have the same libraries.
        return block_digest(body) if self._in_blocks and not self._shared else md5_digest(body)

    def put(self, body: Body, digest: Digest) -> StoredObject:
        self._sent_whole = digest
        headers = {**self._headers, **digest.headers}
        response = self._send(
            requests.put_blob(self._path, headers, self._sendable(body)), "uploading"
        )
        self._compare(response, digest)
        return self._stored(response.headers, len(body))

    def create(self) -> str:
        self._in_blocks = True
        return uuid.uuid4().hex

    def put_part(self, upload_id: str, number: int, body: Body, digest: Digest) -> PartReceipt:
        # Azure does not report which block of an id it publishes: other content, another id.
        block = requests.block_id(upload_id, number, digest.value if self._shared else b"")
        if len(body):  # a block has at least one byte
            request = requests.put_block(self._path, block, digest.headers, self._sendable(body))
            response = self._send(request, f"uploading block {number} of")
            self._has_sent_blocks = True
            self._compare(response, digest)
        return PartReceipt(number, block, len(body), digest)

    def complete(self, upload_id: str, parts: Sequence[PartReceipt]) -> StoredObject:
        headers = dict(self._headers)
        names = {name.lower() for name in headers}
        if self._whole_md5 is not None and "x-ms-blob-content-md5" not in names:
            headers["x-ms-blob-content-md5"] = encoded(self._whole_md5())
        request = requests.put_block_list(self._path, _blocks(parts), headers)
        response = self._send(request, "publishing")
        return self._stored(response.headers, sum(part.size for part in parts), len(parts))

    def confirm(
        self, parts: Sequence[PartReceipt], size: int
    ) -> tuple[Confirmation, StoredObject | None]:
        """Whether the blob consists of the blocks that were sent, whose ids are of this upload.

        A blob sent by one request is recognized by its MD5.
        """
        if parts:
            found, headers = self._blocks_of("committed")
            same = bool(headers) and [block.id for block in found] == _blocks(parts)
        else:
            response = self._head(requests.head(self._path))
            headers = {} if response is None else response.headers
            same = headers.get("content-length") == str(size)
        if not same:
            return Confirmation.ABSENT, None
        if not parts:
            there, sent = checksum_of(headers), self._sent_whole.value
            if not there or not sent:
                return Confirmation.UNCLEAR, None
            if there != sent:
                return Confirmation.ABSENT, None
        return Confirmation.STORED, self._stored(headers, size, len(parts))

    def abort(self, upload_id: str) -> bool:
        """Nothing can be sent: the blocks stay until they expire."""
        return self._has_sent_blocks

    def has_parts(self, upload_id: str) -> bool:
        return self._has_sent_blocks

    # An upload that several processes continue.

    @property
    def shared_headers(self) -> Mapping[str, str]:
        return self._headers

    def attach(self, upload_id: str, since: datetime) -> None:
        self._shared = True
        self._has_sent_blocks = True  # by other processes
        self._times.start(since)

    def stored_parts(self, upload_id: str) -> Iterator[PartReceipt]:
        for block in self._blocks_of("uncommitted")[0]:
            number = requests.block_number(upload_id, block.id)
            if number is not None:
                yield PartReceipt(number, block.id, block.size)

    def is_own(self, upload_id: str, part: PartReceipt) -> bool:
        """Whether a receipt is of this upload: Azure publishes any blocks of a blob."""
        return not part.size or requests.block_number(upload_id, part.etag) == part.number

    def published(
        self, upload_id: str, sizes: Sequence[int]
    ) -> tuple[Confirmation, StoredObject | None]:
        found, headers = self._blocks_of("committed")
        numbers = [(requests.block_number(upload_id, block.id), block.size) for block in found]
        if numbers != [(number, size) for number, size in enumerate(sizes, 1) if size]:
            # What is younger may have replaced what this upload had published. It has no blocks
            # then, because whatever writes a blob removes all that are not part of it.
            unclear = self._times.is_newer(headers) and not any(self.stored_parts(upload_id))
            return (Confirmation.UNCLEAR if unclear else Confirmation.ABSENT), None
        parts = [PartReceipt(number, block.id, block.size) for number, block in enumerate(found, 1)]
        return self.confirm(parts, sum(sizes)) if parts else (Confirmation.ABSENT, None)

    def _blocks_of(self, kind: str) -> tuple[list[Block], Mapping[str, str]]:
        """Blocks of the blob, and the response's headers; neither if there is no blob."""
        response = self._head(requests.get_block_list(self._path, kind))
        if response is None:
            return [], {}
        name = f"{kind.capitalize()}Blocks"
        blocks = self._client.parse(lambda root: parse_blocks(root, name), response, self._label)
        return blocks, response.headers

    def failure(self, step: Step, error: Exception) -> Failure:
        if isinstance(error, ObjectHashMismatchError):
            return Failure(error, transient=True, contradicted=True)
        failure = failure_of(error)
        if step in PUBLISHING and is_outcome_open(error):
            failure = replace(failure, contradicted=True)
        if failure.upload_gone and not self._shared:
            self._has_sent_blocks = False  # whatever writes a blob discards its other blocks
        # Without a response, the block may be there.
        lost_block = step is Step.PART and failure.effect_unknown
        self._has_sent_blocks = self._has_sent_blocks or lost_block
        return failure

    def _head(self, request: HttpRequest) -> Any:
        with suppress(ObjectDoesNotExistError):
            return self._send(request, "looking for")
        return None

    def _send(self, request: HttpRequest, doing: str) -> Any:
        if request.method == "PUT" and self._lease_id:
            request = replace(request, headers={**request.headers, **self._lease_headers()})
        return self._client.send_once(
            request,
            f"Error {doing} {self._label}",
            ok=(201,) if request.method == "PUT" else (200,),
            names=self._names,
        )

    def _compare(self, response: Any, digest: Digest) -> None:
        there = checksum_of(response.headers, digest.algorithm) if digest.value else None
        if there and there != digest.value:
            raise ObjectHashMismatchError(
                f"{self._label}: the store has received other bytes, whose {digest.algorithm} is "
                f"{there.hex()}, and {digest.value.hex()} was sent",
                self._client.owner,
                self._names[1],
            )

    def _stored(self, headers: Mapping[str, str], size: int, parts: int = 0) -> StoredObject:
        etag = strip_etag(headers.get("etag", ""))
        if not etag:  # another server responds with 201, too, and has stored nothing
            text = f"{self._label}: the response has no ETag"
            raise MalformedResponseError(text, driver=self._client.owner)
        return StoredObject(etag, size, parts, headers)

    def _sendable(self, body: Body) -> Body:
        return bytes(body) if self._copy_bodies else body


def _blocks(parts: Sequence[PartReceipt]) -> list[str]:
    """Ids of the blocks; an empty last part has none."""
    return [part.etag for part in parts if part.size]
