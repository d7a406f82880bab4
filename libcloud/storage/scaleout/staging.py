# SPDX-License-Identifier: Apache-2.0
"""Pieces whose sizes are not known in advance: temporary objects, of which the store makes one.

A worker writes each piece as an object below a prefix, in the container of the result; when all are
written, their sizes are known, and the parts of the result are copies of their ranges. Only pieces
that are too small for a part, and stores that copy no ranges, have a worker read them again.

Every attempt to write a piece has an object of its own, so that a late one does not replace the one
that counts. Temporary objects are encrypted as the result is, and are deleted when it is published;
a coordinator that continues an upload finds them.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, NamedTuple
from uuid import uuid4

from libcloud import __version__
from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.scaleout.futures import PartExecutor, Tasks, result_of, worker_error
from libcloud.storage.scaleout.parts import conflict, is_repeatable, is_seekable, views_of
from libcloud.storage.scaleout.session import UploadSession
from libcloud.storage.scaleout.text import SessionFields, not_portable, parsed, text_of
from libcloud.storage.scaleout.worker import (
    PartResult,
    StoredPiece,
    check_version,
    driver_with,
    guarded,
    headers_of_pieces,
    session_of,
    this_worker,
    value_of,
)
from libcloud.storage.types import FailedDeletion

_COPIES = 16  # that the coordinator requests at once; it sends no data
_RECORD = "pieces.json"

# An MD5, or the ETag of an S3 object in parts; other ETags, as those of Azure, do not tell what the
# data is. Encrypted objects may have hashes of this form, too.
CONTENT_HASH = re.compile(r"[0-9a-f]{32}(-\d+)?")
_NAME = re.compile(r"([0-9]{8,})-[0-9a-f]{12}")

# Keywords of an upload that its temporary objects need, too.
_OPTIONS = ("ex_sse", "ex_request_payer", "ex_expected_bucket_owner")

_LONGEST = 960  # bytes of a name of which the names of temporary objects are made, of at most 1,024
_EMPTY = StoredPiece("", "", "", 0)


def _prefix_of(object_name: str, suffix: str) -> str:
    """The prefix of the temporary objects of an object, of which ``suffix`` is unique."""
    name = object_name.encode(errors="surrogatepass")
    if len(name) > _LONGEST:
        object_name = name[:_LONGEST].decode(errors="ignore")
    return f"{object_name}.{suffix}/"


@dataclass(frozen=True)
class PieceFolder:
    """The temporary objects of one result, below a prefix; ``headers`` are of its upload."""

    container: Container
    object_name: str
    prefix: str
    headers: Mapping[str, str]

    def write(self, number: int, data: Iterable[Any]) -> StoredPiece:
        """Write the piece at a position, in bounded memory; nothing is kept if it fails."""
        return self._put(f"{number:08}-{uuid4().hex[:12]}", data)

    def attempts(self) -> Iterator[tuple[int, StoredPiece]]:
        """The objects that were written, with the positions of their pieces."""
        for obj in self._listed(self.prefix):
            found = _NAME.fullmatch(obj.name[len(self.prefix) :])
            if found is not None:
                yield int(found[1]), self._piece(obj)

    def has(self, pieces: Iterable[StoredPiece]) -> bool:
        return {piece.name for piece in pieces} <= {piece.name for _, piece in self.attempts()}

    def check(self, counted: Mapping[int, StoredPiece]) -> None:
        """:raises PartConflictError: another attempt wrote other bytes. Nothing was published."""
        for number, other in self.attempts():
            piece = counted.get(number, _EMPTY)
            if other.name != piece.name and self._differs(piece, other):
                where = (self.container.driver, self.container.name, self.object_name)
                raise conflict("piece", number, *where)

    def record(self, pieces: Sequence[StoredPiece]) -> None:
        """Record what the result is made of, so that another process can continue the clean-up."""
        text = json.dumps([(piece.name, piece.etag, piece.size) for piece in pieces])
        self._put(_RECORD, [text.encode("ascii")])

    def recorded(self) -> list[StoredPiece] | None:
        """The pieces that :meth:`record` wrote; ``None`` if there is no record."""
        name, driver = self.prefix + _RECORD, self.container.driver
        found = next((self._piece(obj) for obj in self._listed(name) if obj.name == name), None)
        if found is None:
            return None
        text = b"".join(found.read(driver, self.headers, 0, found.size))
        try:
            return [
                StoredPiece(self.container.name, str(piece), str(etag), int(size))
                for piece, etag, size in json.loads(text)
            ]
        except (TypeError, ValueError) as error:
            message = f"{self.container.name}/{name} is damaged: {error}"
            raise LibcloudError(message, driver=driver) from error

    def discard(self) -> None:
        """Remove the temporary objects, and in-progress uploads of them; the record last."""
        container, driver = self.container, self._driver
        clean_up = getattr(driver, "ex_cleanup_all_multipart_uploads", None)
        if clean_up is not None:
            clean_up(container, prefix=self.prefix)
        record = self.prefix + _RECORD
        listed = list(self._listed(self.prefix))
        for last in (False, True):
            self.remove(obj.name for obj in listed if (obj.name == record) is last)

    def remove(self, names: Iterable[str]) -> None:
        for deletion in self._driver.ex_iterate_deletions(names, self.container):
            if isinstance(deletion, FailedDeletion):
                raise deletion.error

    @property
    def _driver(self) -> Any:
        return driver_with(self.container.driver, self.headers)

    def _listed(self, prefix: str) -> Iterator[Object]:
        yield from self._driver.iterate_container_objects(self.container, prefix=prefix)

    def _put(self, name: str, data: Iterable[Any]) -> StoredPiece:
        obj = self.container.driver.upload_object_via_stream(
            iter(data),
            self.container,
            self.prefix + name,
            headers=headers_of_pieces(self.headers) or None,
        )
        return self._piece(obj)

    def _piece(self, obj: Object) -> StoredPiece:
        return StoredPiece(self.container.name, obj.name, obj.hash or "", obj.size)

    def _differs(self, piece: StoredPiece, other: StoredPiece) -> bool:
        """Whether another attempt wrote other bytes, as far as sizes and ETags tell."""
        if other.size != piece.size or not piece.etag or other.etag == piece.etag:
            return other.size != piece.size
        if any("customer" in name.lower() for name in headers_of_pieces(self.headers)):
            return False
        driver = self._driver
        found = [driver.get_object(self.container.name, one.name) for one in (piece, other)]
        hashes = [
            obj.extra.get("md5_hash") or CONTENT_HASH.fullmatch(obj.hash or "") for obj in found
        ]
        if not all(hashes) or hashes[0] == hashes[1]:
            return False
        # The same bytes have another ETag each time where a key of KMS encrypts them.
        return not str(found[0].extra.get("encryption") or "").startswith("aws:kms")


# Written by the tasks of an executor.


class PieceTask(NamedTuple):
    """The task of storing a piece; a ``late`` one stores nothing if the upload has ended."""

    session: Any
    position: int = 0
    connect: Callable[[], Any] | None = None
    late: bool = False
    version: str = __version__


def store_piece(task: PieceTask, piece: Any) -> PartResult:
    """Make a piece, and store it as an object. Runs on a worker."""
    return guarded(partial(_store, task, piece), task.position)


def _store(task: PieceTask, piece: Any) -> tuple[StoredPiece, int]:
    check_version(task.version)
    session = session_of(task.session, task.connect)
    folder = folder_of(session)
    value = value_of(piece)
    if is_seekable(value):
        value.seek(0)  # an earlier attempt may have read it
    piece = folder.write(task.position, views_of(value, f"piece {task.position}"))
    # If the upload ended before this, the temporary objects were removed already.
    gone = session.gone() if task.late else None
    if gone is not None:
        folder.remove([piece.name])
        raise gone
    return piece, 0


def folder_of(session: UploadSession) -> PieceFolder:
    container = Container(session.container_name, {}, session.driver)
    digest = hashlib.sha256(session.upload_id.encode()).hexdigest()[:16]
    prefix = _prefix_of(session.object_name, f"pieces-{digest}")
    return PieceFolder(container, session.object_name, prefix, session.fields.headers)


def store_pieces(
    session: UploadSession,
    executor: PartExecutor,
    pieces: Sequence[Any],
    task: PieceTask,
    *,
    window: int,
    is_new: bool,
) -> list[StoredPiece]:
    """Store the pieces that are not there yet, a window of them at once.

    :param task: for each piece, but for its position.
    :raises LibcloudError: the first failure, or different bytes. The temporary objects are kept.
    """
    folder, stored = folder_of(session), dict[int, StoredPiece]()
    for number, found in () if is_new else folder.attempts():
        stored.setdefault(number, found)
    if max(stored, default=-1) >= len(pieces):
        raise ValueError(
            f"there are {len(pieces)} pieces, and {session.object_name} had at least "
            f"{max(stored) + 1} when the upload began; nothing was published"
        )
    missing = deque(position for position in range(len(pieces)) if position not in stored)
    for position in () if is_new else missing:
        if not (is_repeatable(pieces[position]) or is_seekable(pieces[position])):
            raise ValueError(
                f"piece {position} of {session.object_name} can be read only once, and may have "
                "been: pass a function that makes it. Nothing was published"
            )
    tasks: Tasks[int] = Tasks(executor)
    try:
        while missing or tasks:
            while missing and len(tasks) < window:
                position = missing.popleft()
                one = task._replace(position=position)
                tasks.submit(position, lambda *args: (store_piece, *args), one, pieces[position])
            position, future = tasks.take()
            stored[position] = _stored_by(future, session, position)
    finally:
        tasks.stop()
    folder.check(stored)
    return [stored[position] for position in range(len(pieces))]


def _stored_by(future: Any, session: UploadSession, position: int) -> StoredPiece:
    try:
        result = result_of(future)
    except BaseException as error:  # of the engine
        raise worker_error(session.upload, (position,), error) from error
    if result.receipt is None:
        raise worker_error(session.upload, (position,), result)
    return result.receipt  # type: ignore[no-any-return]


# Written by tasks of Spark and Ray Data.


class StagedPiece(NamedTuple):
    """A piece that was written, and its position; the name is empty if the piece is."""

    number: int
    stored: StoredPiece


@dataclass(frozen=True, slots=True)
class Staging:
    """A job: its text, which has no secret, says where its pieces are, and what they become."""

    text: str
    version: str = __version__

    @classmethod
    def begin(cls, driver: Any, container: Container, object_name: str, **options: Any) -> Staging:
        """A new job, whose pieces are encrypted and paid for as ``options`` say. Nothing is sent.

        :raises ValueError: workers could not connect as ``driver`` does; the text says what to do.
        """
        prefix = _prefix_of(object_name, uuid4().hex)
        headers = dict(options.get("headers") or {})
        own = {name: value for name, value in options.items() if name.startswith(_OPTIONS)}
        if own:
            headers = driver._headers_to_share(headers, own)
        headers = headers_of_pieces(headers)
        fields = SessionFields(
            container.name, object_name, prefix, int(time.time()), headers=headers
        )
        if why := not_portable(driver, fields):
            raise ValueError(
                f"the pieces of {container.name}/{object_name} cannot be written by other "
                f"processes: {why}"
            )
        return cls(text_of(driver, fields))

    @property
    def folder(self) -> PieceFolder:
        """The temporary objects, with a driver that has the credentials of this process."""
        connect, fields = parsed(self.text)
        container = Container(fields.container, {}, connect())
        return PieceFolder(container, fields.name, fields.id, fields.headers)

    def write(self, number: int, chunks: Iterable[Any]) -> StagedPiece:
        """Write the piece at a position, in bounded memory; nothing is kept if it fails."""
        check_version(
            self.version, f"piece {number} cannot be written by the worker {this_worker()}: "
        )
        views = filter(len, views_of(iter(chunks), f"piece {number}"))
        first = next(views, None)
        if first is None:
            return StagedPiece(number, _EMPTY)
        return StagedPiece(number, self.folder.write(number, chain([first], views)))

    def publish(
        self, pieces: Iterable[StagedPiece], executor: Any = None, **options: Any
    ) -> Object:
        """Make the object of the pieces that count, and remove the temporary objects.

        :param executor: its workers request the copies; ``None``: threads of this process.
        :param options: of ``ex_upload_with``: ``extra``, ``headers``, ``ex_storage_class``.
        :raises PartConflictError: another attempt wrote other bytes.
        :raises BaseException: as ``ex_upload_with``. The temporary objects are still there.
        """
        folder = self.folder
        container, name = folder.container, folder.object_name
        ordered = sorted(pieces, key=lambda piece: piece.number)
        counted = {piece.number: piece.stored for piece in ordered}
        if len(counted) != len(ordered):
            raise ValueError(f"a piece of {name} was written twice, and both count")
        folder.check(counted)
        filled = [piece.stored for piece in ordered if piece.stored.size]
        if not filled:
            return container.driver.upload_object_via_stream(
                iter([b""]), container, name, **options
            )
        with ThreadPoolExecutor(_COPIES, "libcloud-copy") as threads:
            obj: Object = container.driver.ex_upload_with(  # type: ignore[attr-defined]
                executor or threads,
                filled,
                container,
                name,
                sizes=[piece.size for piece in filled],
                # Parts that the store copies have no checksum that was computed here.
                **{"ex_checksum": "md5", "ex_on_failure": "abort", **options},
            )
        folder.discard()
        return obj
