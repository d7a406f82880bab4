# SPDX-License-Identifier: Apache-2.0
"""What the engine needs of a store: a handful of calls, each one request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from libcloud.storage.transfer.values import (
    Body,
    Confirmation,
    Digest,
    Failure,
    PartReceipt,
    Step,
    StoredObject,
)

__all__ = ["PartStore"]


class PartStore(Protocol):
    """One object of a store, about to be written.

    The calls may come from several threads at once. Each makes one request, tries once, and raises
    when the store did not say yes; :meth:`failure` tells what that means.
    """

    def digest(self, body: Body) -> Digest:
        """The checksum that goes with ``body``; computed once for all attempts."""

    def put(self, body: Body, digest: Digest) -> StoredObject:
        """Store the whole object by one request."""

    def create(self) -> str:
        """Begin an upload; its id."""

    def put_part(self, upload_id: str, number: int, body: Body, digest: Digest) -> PartReceipt:
        """Store part ``number``; a part sent twice replaces itself."""

    def complete(self, upload_id: str, parts: Sequence[PartReceipt]) -> StoredObject:
        """Publish the object made of ``parts``, in order."""

    def confirm(
        self, parts: Sequence[PartReceipt], size: int
    ) -> tuple[Confirmation, StoredObject | None]:
        """Look whether the object is there and is the one that was sent.

        :param parts: empty for an object sent by one request.
        """

    def abort(self, upload_id: str) -> None:
        """Drop the upload and its parts. An upload that is not there counts as dropped."""

    def has_parts(self, upload_id: str) -> bool:
        """Whether the store still holds parts of the upload."""

    def failure(self, step: Step, error: Exception) -> Failure:
        """What ``error``, raised by the call for ``step``, means."""
