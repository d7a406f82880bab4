# SPDX-License-Identifier: Apache-2.0
"""Pieces of unknown size: each is stored as a temporary object, of which the parts are made.

A worker makes a piece and stores it, so that its size is known. Then the parts are cut, and each is
copied by the store from a range of such an object if it can be; otherwise a worker reads the ranges
and sends them. The temporary objects are below ``NAME.pieces-ID/``, and are deleted when the object
is published; a coordinator that continues the upload finds them there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Any, NamedTuple

from libcloud.storage.base import Container, Object
from libcloud.storage.scaleout.bodies import views_of
from libcloud.storage.scaleout.futures import PartExecutor, result_of, worker_error
from libcloud.storage.scaleout.session import UploadSession
from libcloud.storage.scaleout.worker import (
    PartResult,
    StoredPiece,
    guarded,
    session_of,
    value_of,
)
from libcloud.storage.transfer.cut import CutPart, PieceRange


class PieceTask(NamedTuple):
    """What a worker has to do to store a piece.

    :param session: as for a part.
    :param name: of the temporary object.
    """

    session: Any
    position: int
    name: str
    connect: Callable[[], Any] | None = None


def store_piece(task: PieceTask, piece: Any) -> PartResult:
    """Make a piece, and store it as an object. Runs on a worker."""
    return guarded(partial(_store, task, piece), task.position)


def _store(task: PieceTask, piece: Any) -> tuple[StoredPiece, int]:
    session = session_of(task.session, task.connect)
    source = views_of(value_of(piece), f"piece {task.position}")
    driver = session.driver
    container = Container(session.container_name, {}, driver)
    stored = driver.upload_object_via_stream(source, container, task.name)
    return StoredPiece(container.name, task.name, stored.hash or "", stored.size), 0


class PieceStorage:
    """The temporary objects of an upload, as its coordinator knows them.

    :param shipped: the session for the workers.
    """

    def __init__(
        self,
        session: UploadSession,
        executor: PartExecutor,
        *,
        shipped: Any,
        connect: Callable[[], Any] | None,
        window: int,
    ) -> None:
        self._session = session
        self._executor = executor
        self._shipped = shipped
        self._connect = connect
        self._window = window
        self._container = Container(session.container_name, {}, session.driver)
        digest = hashlib.sha256(session.upload_id.encode()).hexdigest()[:16]
        self._prefix = f"{session.object_name}.pieces-{digest}/"
        self._done: SimpleQueue[tuple[int, Any]] = SimpleQueue()
        self._running: dict[int, Any] = {}
        self._stored: dict[int, StoredPiece] = {}
        self._error: BaseException | None = None

    def store(self, pieces: Sequence[Any]) -> list[StoredPiece]:
        """Store the pieces that are not there yet, a window of them at once.

        :raises WorkerError: the first failure, after the tasks that were running. The temporary
            objects are kept.
        """
        self._stored = self._found()
        try:
            for position, piece in enumerate(pieces):
                while len(self._running) >= self._window:
                    self._take()
                if self._error is None and position not in self._stored:
                    self._submit(position, piece)
        finally:
            if self._error is not None:
                self._cancel()
            while self._running:
                self._take()
        if self._error is not None:
            raise self._error
        return [self._stored[position] for position in range(len(pieces))]

    def delete(self) -> None:
        """Delete all temporary objects."""
        objects = list(self._session.driver.list_container_objects(self._container, self._prefix))
        self._session.driver.ex_delete_objects(objects, self._container)

    def _found(self) -> dict[int, StoredPiece]:
        driver = self._session.driver
        listed: list[Object] = driver.list_container_objects(self._container, self._prefix)
        return {
            int(obj.name[-8:]): StoredPiece(
                self._container.name, obj.name, obj.hash or "", obj.size
            )
            for obj in listed
        }

    def _submit(self, position: int, piece: Any) -> None:
        name = f"{self._prefix}{position:08}"
        task = PieceTask(self._shipped, position, name, self._connect)
        try:
            future = self._executor.submit(store_piece, task, piece)
        except Exception as error:
            self._fail(position, error)
            return
        self._running[position] = future
        future.add_done_callback(lambda done: self._done.put((position, done)))

    def _take(self) -> None:
        position, future = self._done.get()
        del self._running[position]
        try:
            result = result_of(future)
        except BaseException as error:  # of the engine
            self._fail(position, error)
            return
        if result.receipt is None:
            self._fail(position, result)
        else:
            self._stored[position] = result.receipt

    def _fail(self, position: int, reason: BaseException | PartResult) -> None:
        if self._error is None:
            part = CutPart(0, (PieceRange(position, 0, 0),))
            self._error = worker_error(self._session.upload, part, reason)
        self._cancel()

    def _cancel(self) -> None:
        for future in list(self._running.values()):
            future.cancel()
