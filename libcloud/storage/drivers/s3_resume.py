# SPDX-License-Identifier: Apache-2.0
"""Uploads that go on where an earlier one has ended: what the store holds is not sent again.

The store itself is the journal: it tells which parts it holds, how large they are, and by their
checksums or ETags what is in them. Nothing is believed of a part that these do not prove.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from libcloud.storage.capabilities import Limits
from libcloud.storage.s3 import integrity
from libcloud.storage.s3.checksums import encoded
from libcloud.storage.s3.values import PartRecord
from libcloud.storage.transfer.values import (
    Body,
    Confirmation,
    Digest,
    Failure,
    PartReceipt,
    Step,
    StoredObject,
)

if TYPE_CHECKING:
    from libcloud.storage.drivers.s3_store import DriverStore

__all__ = ["ResumedStore", "sizes_to_keep"]


class ResumedStore:
    """The object of ``store``, for which there is an upload already.

    :param held: parts that the store holds of it, by number.
    """

    def __init__(self, store: DriverStore, held: Mapping[int, PartRecord]) -> None:
        self._store = store
        self._held = held

    def digest(self, body: Body) -> Digest:
        return self._store.digest(body)

    def put(self, body: Body, digest: Digest) -> StoredObject:
        raise AssertionError("an upload that is there is gone on with, whatever the size")

    def create(self) -> str:
        raise AssertionError("there is an upload already")

    def put_part(self, upload_id: str, number: int, body: Body, digest: Digest) -> PartReceipt:
        held = self._held.get(number)
        if held is not None and held.etag and _is_the_same(held, body, digest):
            return PartReceipt(number, held.etag, len(body), digest)
        return self._store.put_part(upload_id, number, body, digest)

    def complete(self, upload_id: str, parts: Sequence[PartReceipt]) -> StoredObject:
        return self._store.complete(upload_id, parts)

    def confirm(
        self, parts: Sequence[PartReceipt], size: int
    ) -> tuple[Confirmation, StoredObject | None]:
        return self._store.confirm(parts, size)

    def abort(self, upload_id: str) -> None:
        self._store.abort(upload_id)

    def has_parts(self, upload_id: str) -> bool:
        return self._store.has_parts(upload_id)

    def failure(self, step: Step, error: Exception) -> Failure:
        return self._store.failure(step, error)


def sizes_to_keep(held: Mapping[int, PartRecord], limits: Limits) -> dict[int, int]:
    """Sizes of the parts that the source is to be cut into again.

    Not those of a last part that was too small for any other place, nor any where all parts must be
    as large as the first.
    """
    if limits.equal_parts:
        return {}
    return {
        number: part.size
        for number, part in held.items()
        if limits.min_part_size <= part.size <= limits.max_part_size
    }


def _is_the_same(held: PartRecord, body: Body, digest: Digest) -> bool:
    """Whether a part of the store has the bytes of ``body``, by what the store says of it."""
    if held.size != len(body):
        return False
    if digest.algorithm in held.checksums:
        return held.checksums[digest.algorithm] == encoded(digest.value)
    return held.etag == integrity.md5_hex(body)
