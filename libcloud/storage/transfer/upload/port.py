# SPDX-License-Identifier: Apache-2.0
"""What the upload engine requires of a source and of a store: a few calls, each one request.

Source and store agree on what a part consists of: bytes to send, or a range that the store copies.
The engine only uses its length.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Protocol, TypeVar

from libcloud.storage.transfer.values import (
    Confirmation,
    Digest,
    Failure,
    PartReceipt,
    Step,
    StoredObject,
)

__all__ = ["Content", "Part", "PartStore", "Source"]

Content = TypeVar("Content", bound=Sized)
_Given = TypeVar("_Given", bound=Sized, covariant=True)
_Taken = TypeVar("_Taken", bound=Sized, contravariant=True)


class Part(Protocol[_Given]):
    """A part as it came from the source."""

    @property
    def body(self) -> _Given:
        """What it consists of; its length is the size of the part, bytes."""

    @property
    def last(self) -> bool:
        """The source has ended."""


class Source(Protocol[_Given]):
    """Where the parts come from."""

    def next_part(self, size: int) -> Part[_Given]:
        """The next ``size`` bytes, or fewer when the source ends before."""


class PartStore(Protocol[_Taken]):
    """One object of a store, about to be written from parts of one kind.

    The calls may come from several threads at once. Each makes one request, tries once, and raises
    unless the store reports success; :meth:`failure` classifies the exception.
    """

    def digest(self, body: _Taken) -> Digest:
        """The checksum that goes with ``body``; computed once for all attempts."""

    def put(self, body: _Taken, digest: Digest) -> StoredObject:
        """Store the whole object by one request."""

    def create(self) -> str:
        """Begin an upload; its id."""

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
        """Drop the upload and its parts. An upload that is not there counts as dropped.

        :return: ``True`` if the store has no request for that and the parts stay until they expire.
        """

    def has_parts(self, upload_id: str) -> bool:
        """Whether the store still holds parts of the upload."""

    def failure(self, step: Step, error: Exception) -> Failure:
        """What ``error``, raised by the call for ``step``, means."""
