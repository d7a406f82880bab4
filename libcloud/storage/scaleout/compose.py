# SPDX-License-Identifier: Apache-2.0
"""Pieces of unknown size: each is stored as a temporary object, of which the parts are made.

A worker makes a piece and stores it, so that its size is known. Then the parts are cut, and each is
copied by the store from a range of such an object if it can be; otherwise a worker reads the ranges
and sends them. The temporary objects are below ``NAME.pieces-ID/`` (:mod:`.staging`), and are
deleted when the object is published; a coordinator that continues the upload finds them there.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from libcloud import __version__
from libcloud.storage.base import Container
from libcloud.storage.scaleout.bodies import is_repeatable, is_seekable, views_of
from libcloud.storage.scaleout.futures import PartExecutor, Tasks, result_of, worker_error
from libcloud.storage.scaleout.session import UploadSession
from libcloud.storage.scaleout.staging import PieceFolder, prefix_of
from libcloud.storage.scaleout.worker import (
    PartResult,
    StoredPiece,
    check_version,
    guarded,
    session_of,
    value_of,
)


class PieceTask(NamedTuple):
    """What a worker has to do to store a piece.

    :param session: as for a part.
    :param late: it may run after the upload ended; then nothing is stored.
    :param version: of the library in the coordinator.
    """

    session: Any
    position: int
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
    """The temporary objects of an upload."""
    container = Container(session.container_name, {}, session.driver)
    digest = hashlib.sha256(session.upload_id.encode()).hexdigest()[:16]
    prefix = prefix_of(session.object_name, f"pieces-{digest}")
    return PieceFolder(container, session.object_name, prefix, session.facts.headers)


def store_pieces(
    session: UploadSession,
    executor: PartExecutor,
    pieces: Sequence[Any],
    task_of: Callable[[int], PieceTask],
    *,
    window: int,
    is_new: bool,
) -> list[StoredPiece]:
    """Store the pieces that are not there yet, a window of them at once.

    :param task_of: the task for the piece at a position.
    :param is_new: none is there.
    :raises PartConflictError: two attempts wrote different bytes.
    :raises ValueError: there are fewer pieces than before, or one may have been consumed.
    :raises WorkerError: the first failure, after the tasks that were running. The temporary
        objects are kept.
    """
    folder, stored = folder_of(session), dict[int, StoredPiece]()
    for number, found in () if is_new else folder.attempts():
        stored.setdefault(number, found)
    if max(stored, default=-1) >= len(pieces):
        raise ValueError(
            f"there are {len(pieces)} pieces, and {session.object_name} had at least "
            f"{max(stored) + 1} when the upload began; nothing was published"
        )
    tasks: Tasks[int] = Tasks(executor)
    missing = deque(position for position in range(len(pieces)) if position not in stored)
    for position in () if is_new else missing:
        _check_unread(pieces[position], position, session.object_name)
    try:
        while missing or tasks:
            while missing and len(tasks) < window:
                position = missing.popleft()
                tasks.submit(position, partial(_call, task_of, position, pieces[position]))
            position, future = tasks.take()
            stored[position] = _stored_by(future, session, position)
    finally:
        tasks.stop()
    folder.check(stored)
    return [stored[position] for position in range(len(pieces))]


def _check_unread(piece: Any, position: int, name: str) -> None:
    if not (is_repeatable(piece) or is_seekable(piece)):
        raise ValueError(
            f"piece {position} of {name} can be read only once, and may have been: pass a function "
            "that makes it. Nothing was published"
        )


def _call(task_of: Callable[[int], PieceTask], position: int, piece: Any) -> tuple[Any, ...]:
    return store_piece, task_of(position), piece


def _stored_by(future: Any, session: UploadSession, position: int) -> StoredPiece:
    """What a task has stored."""
    try:
        result = result_of(future)
    except BaseException as error:  # of the engine
        raise worker_error(session.upload, (position,), error) from error
    if result.receipt is None:
        raise worker_error(session.upload, (position,), result)
    return result.receipt  # type: ignore[no-any-return]
