# SPDX-License-Identifier: Apache-2.0
"""Pieces whose sizes are not known in advance: temporary objects, of which the store makes one.

A worker writes each piece as an object below a prefix of the job, in the container of the result;
when all are written, their sizes are known, and the parts of the result are copies of their ranges.
Only pieces that are too small for a part are read again. ``spark`` and the sink for Ray Data use
this, because their writers cannot tell how much they are going to write.

Every attempt to write a piece has its own object, so that an attempt which was killed, or is
late, does not replace the one that counts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import uuid4

from libcloud.storage.base import Container, Object
from libcloud.storage.scaleout.text import Facts, driver_of, not_portable, parsed, text_of
from libcloud.storage.scaleout.worker import StoredPiece
from libcloud.storage.types import FailedDeletion, PartConflictError
from libcloud.utils.arguments import kind_of

__all__ = ["StagedPiece", "Staging"]

_COPIES = 16  # that the coordinator requests at once; it sends no data


class StagedPiece(NamedTuple):
    """A piece that was written; about 300 bytes, no secret.

    :param number: position of the piece, from 0.
    :param stored: the temporary object; its name is empty if the piece is.
    """

    number: int
    stored: StoredPiece


@dataclass(frozen=True, slots=True)
class Staging:
    """A job: where its pieces are written, and the object that they become.

    :param text: everything about it, without a secret; a worker finds its own credentials.
    """

    text: str

    @classmethod
    def begin(cls, driver: Any, container: Container, object_name: str) -> Staging:
        """A new job. Nothing is sent.

        :raises ValueError: workers could not connect as ``driver`` does; the text says what to do.
        """
        prefix = f"{object_name}.{uuid4().hex}/"
        facts = Facts(container.name, object_name, prefix, int(time.time()))
        why = not_portable(driver, facts)
        if why:
            raise ValueError(
                f"the pieces of {container.name}/{object_name} cannot be written by other "
                f"processes: {why}"
            )
        return cls(text_of(driver, facts, portable=True))

    @property
    def container(self) -> Container:
        """The container, with a driver that has the credentials of this process."""
        found, facts = parsed(self.text)
        driver = driver_of(found["driver"], json.dumps(found["settings"], sort_keys=True))
        return Container(facts.container, {}, driver)

    @property
    def object_name(self) -> str:
        """Name of the result."""
        return parsed(self.text)[1].name

    @property
    def prefix(self) -> str:
        """Names of the temporary objects begin with it."""
        return parsed(self.text)[1].id

    def write(self, number: int, chunks: Iterable[Any]) -> StagedPiece:
        """Write a piece, in bounded memory. Runs on a worker; nothing is kept if it fails.

        :param number: position of the piece, from 0.
        :param chunks: its bytes.
        :raises TypeError: a chunk is not bytes.
        """
        checked = _bytes_of(number, chunks)
        first = next(checked, None)
        if first is None:
            return StagedPiece(number, StoredPiece("", "", "", 0))
        container = self.container
        obj = container.driver.upload_object_via_stream(
            _chain(first, checked), container, f"{self.prefix}{number:08}-{uuid4().hex[:12]}"
        )
        return StagedPiece(number, StoredPiece(container.name, obj.name, obj.hash or "", obj.size))

    def publish(
        self, pieces: Iterable[StagedPiece], executor: Any = None, **options: Any
    ) -> Object:
        """Make the object of the pieces that count, and remove the temporary objects.

        :param executor: its workers read pieces that are too small for a part, and request the
            copies; ``None``: threads of this process.
        :param options: of ``ex_upload_with``: ``extra``, ``headers``, ``ex_storage_class``.
        :raises PartConflictError: another attempt wrote other bytes. Nothing was published.
        :raises BaseException: as ``ex_upload_with``. Nothing was published, and the temporary
            objects are still there.
        """
        container = self.container
        ordered = sorted(pieces, key=lambda piece: piece.number)
        self._check(container, ordered)
        filled = [piece.stored for piece in ordered if piece.stored.size]
        if not filled:
            return container.driver.upload_object_via_stream(
                iter([b""]), container, self.object_name, **options
            )
        with ThreadPoolExecutor(_COPIES, "libcloud-copy") as threads:
            obj: Object = container.driver.ex_upload_with(  # type: ignore[attr-defined]
                executor or threads,
                filled,
                container,
                self.object_name,
                sizes=[piece.size for piece in filled],
                # Parts that the store copies have no checksum that was computed here.
                **{"ex_checksum": "md5", "ex_on_failure": "abort", **options},
            )
        self.discard()
        return obj

    def discard(self) -> None:
        """Remove the temporary objects, and uploads of them that have not ended."""
        container = self.container
        clean_up = getattr(container.driver, "ex_cleanup_all_multipart_uploads", None)
        if clean_up is not None:
            clean_up(container, prefix=self.prefix)
        listed = container.driver.iterate_container_objects(container, prefix=self.prefix)
        for deletion in container.driver.ex_iterate_deletions(listed, container):
            if isinstance(deletion, FailedDeletion):
                raise deletion.error

    def _check(self, container: Container, pieces: Sequence[StagedPiece]) -> None:
        """Compare what other attempts wrote with what counts."""
        counted = {piece.number: piece.stored for piece in pieces}
        if len(counted) != len(pieces):
            raise ValueError(f"a piece of {self.object_name} was written twice, and both count")
        for obj in container.driver.iterate_container_objects(container, prefix=self.prefix):
            number = int(obj.name[len(self.prefix) :].partition("-")[0])
            piece = counted.get(number, StoredPiece("", "", "", 0))
            if obj.name != piece.name and _differs(container, piece, obj):
                raise PartConflictError(
                    f"piece {number} of {container.name}/{self.object_name} was written more than "
                    "once, with different data. Nothing was published. The pieces of an object "
                    "must have the same bytes each time they are made",
                    container.driver,
                    self.object_name,
                    number,
                )


def _differs(container: Container, piece: StoredPiece, other: Object) -> bool:
    """Whether another attempt wrote other bytes, as far as sizes and ETags tell."""
    if other.size != piece.size or not piece.etag or other.hash == piece.etag:
        return other.size != piece.size
    # The same bytes have another ETag each time where a key of KMS encrypts them.
    extra = container.driver.get_object(container.name, piece.name).extra
    return not str(extra.get("encryption") or "").startswith("aws:kms")


def _bytes_of(number: int, chunks: Iterable[Any]) -> Iterator[bytes]:
    """The chunks that are not empty."""
    for chunk in chunks:
        if not isinstance(chunk, (bytes, bytearray, memoryview)):
            raise TypeError(f"piece {number} must be bytes, not {kind_of(chunk)}")
        if len(chunk):
            yield bytes(chunk)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
