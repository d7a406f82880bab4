# SPDX-License-Identifier: Apache-2.0
"""The interfaces that the upload engine requires of a source and a store.

Source and store agree on what a part consists of: bytes to send, or a range that the store copies.
The engine only uses its length.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from libcloud.storage.transfer.values import (
    Confirmation,
    Digest,
    Failure,
    PartReceipt,
    Step,
    StoredObject,
)
from libcloud.utils.values import Value

Content = TypeVar("Content", bound=Sized)
_Taken = TypeVar("_Taken", bound=Sized, contravariant=True)


@dataclass(slots=True, eq=False, repr=False)
class SourcePart(Value, Generic[Content]):
    """A part as delivered by the source.

    :param body: its content, which does not change; the length is the size of the part, bytes.
    :param last: the source has ended.
    """

    body: Content
    last: bool


class Source(Protocol[Content]):
    def next_part(self, size: int) -> SourcePart[Content]:
        """The next ``size`` bytes, or fewer at the end of the source."""


class PartStore(Protocol[_Taken]):
    """One object of a store, about to be written from parts of one kind.

    The methods may be called by several threads at once. Each makes one request, without retries,
    and raises unless the store reports success; :meth:`failure` classifies the exception.
    """

    def digest(self, body: _Taken) -> Digest:
        """The checksum that goes with ``body``; computed once for all attempts."""

    def put(self, body: _Taken, digest: Digest) -> StoredObject:
        """Store the whole object with one request."""

    def create(self) -> str:
        """Create an upload; return its id."""

    def put_part(self, upload_id: str, number: int, body: _Taken, digest: Digest) -> PartReceipt:
        """Store part ``number``; a part sent twice replaces itself."""

    def complete(self, upload_id: str, parts: Sequence[PartReceipt]) -> StoredObject:
        """Publish the object made of ``parts``, in order."""

    def confirm(
        self, parts: Sequence[PartReceipt], size: int
    ) -> tuple[Confirmation, StoredObject | None]:
        """Check whether the object exists and is the one that was sent.

        :param parts: empty for an object sent by one request.
        """

    def abort(self, upload_id: str) -> bool | None:
        """Remove the upload and its parts. An upload that does not exist counts as removed.

        :return: ``True`` if the store has no request for that and the parts stay until they expire.
        """

    def has_parts(self, upload_id: str) -> bool:
        """Whether the store still holds parts of the upload."""

    def failure(self, step: Step, error: Exception) -> Failure:
        """Classify ``error``, which the call for ``step`` raised."""
