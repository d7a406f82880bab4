# SPDX-License-Identifier: Apache-2.0
"""Uploads one object with the processes of an executor.

The coordinator, which is the caller's process, plans the parts, submits a task for each, collects
their receipts and completes the upload, by the state machine of all uploads. It sends no data; see
:mod:`.worker`. Requests are retried in the worker, and a task that fails there has failed.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Object
from libcloud.storage.scaleout.executors import adapted, workers_of
from libcloud.storage.scaleout.futures import FutureWorkers, PartExecutor, sized
from libcloud.storage.scaleout.parts import is_repeatable
from libcloud.storage.scaleout.session import UploadSession, attached
from libcloud.storage.scaleout.staging import PieceTask, folder_of, store_pieces
from libcloud.storage.scaleout.text import needs_key, parsed
from libcloud.storage.scaleout.worker import PartTask, StoredPiece, driver_with, send_part
from libcloud.storage.transfer.cut import CutPart, cut, usual_part_size
from libcloud.storage.transfer.progress import UploadCompleting, UploadEvent, UploadStarted
from libcloud.storage.transfer.upload.machine import UploadMachine
from libcloud.storage.transfer.upload.plan import PartPlan
from libcloud.storage.transfer.upload.runner import Transfer, add_details
from libcloud.storage.transfer.upload.session import split_keywords
from libcloud.storage.transfer.upload.source import RangeSource
from libcloud.storage.transfer.values import PartReceipt
from libcloud.storage.types import (
    ObjectDoesNotExistError,
    SizeMismatchError,
    UploadOutcomeUnknownError,
    WorkerError,
)
from libcloud.utils.arguments import kind_of

_log = logging.getLogger(__name__)

_WINDOW = 64
_PRESIGNED_HOURS = 12.0  # at most; temporary credentials end earlier


@dataclass(frozen=True, slots=True)
class WorkerAccess:
    """The workers' access to the store: see the keywords of ``ex_upload_with``."""

    kind: str | None = None
    connect: Callable[[], Any] | None = None
    on_session: Callable[[str], object] | None = None

    def __post_init__(self) -> None:
        if self.kind not in (None, "presigned"):
            raise ValueError(f"ex_ship_credentials is 'presigned', not {self.kind!r}")


def with_defaults(options: Mapping[str, Any], credentials: str | None = None) -> dict[str, Any]:
    """The keywords of an upload by several processes, with its own defaults."""
    # A checksum in a header would have to be part of a presigned URL, but is not known yet.
    own = {"ex_checksum": "md5"} if credentials == "presigned" else {}
    return {"ex_on_failure": "keep", **own, **options}


def upload_with(
    session: UploadSession,
    executor: PartExecutor,
    pieces: Any,
    *,
    sizes: Any,
    access: WorkerAccess,
) -> Object:
    """Begin the upload of a draft, or continue the one of a session, and complete it.

    See ``ex_upload_with`` of the drivers.
    """
    executor = adapted(executor)
    pieces, lengths = sized(executor, pieces, sizes)
    if lengths is None and access.kind is not None:
        raise ValueError("ex_ship_credentials='presigned' requires the sizes of the pieces")
    size = session.upload.options.size
    if lengths is not None and size not in (None, sum(lengths)):
        raise SizeMismatchError(
            f"the pieces have {sum(lengths)} bytes, and ex_size is {size}; nothing was sent",
            session.driver,
            session.object_name,
        )
    _check_portable(session, executor, access)
    plan = None if lengths is None else _planned(session, pieces, lengths)
    if plan is not None and _shares_memory(executor):
        _check_unshared(plan)
    state = session.find_parts() if session.upload_id else None
    if state is None:
        session = session.begin(**({} if plan is None else plan.fields()))
        try:
            if access.on_session is not None:
                access.on_session(session.text())
        except BaseException as error:
            _give_up(error, session)
            raise
    job = _Job(session, executor, access)
    return _compose(job, pieces, state) if plan is None else job.resume(plan, state)


def attach(
    driver: Any,
    session: str | UploadSession,
    executor: PartExecutor,
    pieces: Any,
    *,
    sizes: Any,
    access: WorkerAccess,
    options: Mapping[str, Any],
) -> Object:
    """Continue an upload; see ``ex_attach_upload`` of the drivers."""
    fields = session.fields if isinstance(session, UploadSession) else parsed(session)[1]
    kept = attached(driver, fields)
    chosen = split_keywords({"ex_on_failure": "keep", **options})[1]
    kept.upload = replace(kept.upload, options=replace(chosen, part_size=fields.part_size))
    return upload_with(kept, executor, pieces, sizes=sizes, access=access)


def _give_up(error: BaseException, session: UploadSession) -> None:
    """Keep the upload for later, or abort it; no part was sent, or all workers have ended."""
    if session.upload.options.on_failure == "keep":
        _keep(error, session)
        return
    try:
        session.abort()
    except Exception as failed:
        add_details(error, upload_id=session.upload_id, cleanup_error=failed)


# The parts that the store has, and the error that the upload no longer exists; None: it is new.
_State = tuple[list[PartReceipt], Exception | None] | None


def _compose(job: _Job, pieces: Sequence[Any], state: _State) -> Object:
    """Make the object of pieces of unknown size."""
    session = job.session
    folder = folder_of(session)
    gone = None if state is None else state[1]
    try:
        found = None if state is None else folder.recorded()
        if found is not None and len(found) != len(pieces):
            raise ValueError(f"{session.label} had {len(found)} pieces, and has {len(pieces)} now")
        if found is None or not (_exists(session) or folder.has(found)):
            found = _stored_pieces(job, pieces, state)
            folder.record(found)
        plan = _planned(session, found, [piece.size for piece in found])
        stored = job.resume(plan, state)
    except BaseException as error:
        keep = session.upload.options.on_failure == "keep"
        if error is not gone and (keep or isinstance(error, UploadOutcomeUnknownError)):
            _keep(error, session)
            raise
        if error is not gone:
            _give_up(error, session)
        try:
            folder.discard()
        except Exception as failed:
            vars(error).setdefault("cleanup_error", failed)
        raise
    try:
        folder.discard()
    except Exception as error:
        text = "%s was published, but temporary objects below %s remain: %s"
        _log.warning(text, session.label, folder.prefix, error)
    return stored


def _stored_pieces(job: _Job, pieces: Sequence[Any], state: _State) -> list[StoredPiece]:
    gone = None if state is None else state[1]
    if gone is not None and not _exists(job.session):
        raise gone
    late = not job.is_local and gone is None
    task = PieceTask(job.task_session, connect=job.access.connect, late=late)
    return store_pieces(
        job.session, job.executor, pieces, task, window=job.window, is_new=state is None
    )


def _exists(session: UploadSession) -> bool:
    """Whether there is an object, which the upload may have published."""
    try:
        driver = driver_with(session.driver, session.fields.headers)
        driver.get_object(session.container_name, session.object_name)
    except LibcloudError as error:  # others: it is encrypted by a key of the caller
        return not isinstance(error, ObjectDoesNotExistError)
    return True


class _Plan(NamedTuple):
    pieces: Sequence[Any]
    sizes: Sequence[int]
    parts: Sequence[CutPart]
    part_size: int

    def fields(self) -> dict[str, Any]:
        """What the session has of it, by which it is recognized."""
        text = ",".join(map(str, [self.part_size, *self.sizes]))
        fingerprint = hashlib.sha256(text.encode()).hexdigest()[:16]
        return {"part_size": self.part_size, "parts": len(self.parts), "plan": fingerprint}


def _planned(session: UploadSession, pieces: Sequence[Any], sizes: Sequence[int]) -> _Plan:
    """The parts of an upload; if it has begun, they must be those that it began with."""
    limits = session.upload.limits
    part_size = session.upload.options.part_size or usual_part_size(sizes, limits)
    plan = _Plan(pieces, sizes, cut(sizes, limits, part_size=part_size), part_size)
    if session.fields.plan not in ("", plan.fields()["plan"]):
        raise ValueError(
            f"the pieces of {session.label} do not have the sizes that they had when the upload "
            "began; nothing was sent. Abort it, and upload them again"
        )
    return plan


def _check_unshared(plan: _Plan) -> None:
    """:raises ValueError: several threads would read a file or an iterator. Nothing was sent."""
    uses = Counter(id(plan.pieces[span.piece]) for part in plan.parts for span in part.ranges)
    for position, piece in enumerate(plan.pieces):
        if uses[id(piece)] > 1 and not (callable(piece) or is_repeatable(piece)):
            raise ValueError(
                f"piece {position}, {kind_of(piece)}, belongs to several parts, whose threads "
                "cannot all read it: pass a function that opens it"
            )


def _is_local(executor: Any, access: WorkerAccess) -> bool:
    """Whether the workers are threads of this process, which use its driver."""
    return _shares_memory(executor) and access.connect is None


def _shares_memory(executor: Any) -> bool:
    return bool(getattr(executor, "shares_memory", isinstance(executor, ThreadPoolExecutor)))


def _check_portable(session: UploadSession, executor: Any, access: WorkerAccess) -> None:
    """:raises ValueError: workers would have no access to the store. Nothing was sent."""
    driver = session.driver
    if access.kind is not None and not hasattr(driver, "_presigned_part"):
        raise ValueError(f"ex_ship_credentials: {driver.name} has no presigned URLs of parts")
    if _is_local(executor, access):
        return
    why = needs_key(session.fields)
    if why:
        raise ValueError(f"the parts of {session.label} cannot be sent by other processes: {why}")
    if access.connect is None and access.kind is None:
        session.to_json()


class _Job:
    def __init__(self, session: UploadSession, executor: Any, access: WorkerAccess) -> None:
        self.session = session
        self.executor = executor
        self.access = access
        self.is_local = _is_local(executor, access)
        self.task_session: Any = session if self.is_local else session.text()

    @property
    def window(self) -> int:
        workers = workers_of(self.executor, _WINDOW)
        usual = getattr(self.executor, "window", None) or max(2, min(_WINDOW, 2 * workers))
        return self.session.upload.options.window or usual

    def run(self, plan: _Plan, stored: Mapping[int, PartReceipt]) -> Object:
        """Send the parts that are not ``stored``, and complete the upload."""
        try:
            return self._complete(plan, stored)
        except WorkerError:  # another coordinator may have completed the upload
            if self.session.upload.options.on_failure == "keep":
                with contextlib.suppress(Exception):
                    found = self.session.find_published([part.size for part in plan.parts])
                    if found is not None:
                        return self.session.published(found)
            raise

    def _complete(self, plan: _Plan, stored: Mapping[int, PartReceipt]) -> Object:
        session, upload = self.session, self.session.upload
        options = upload.options
        sizes = {part.number: max(1, part.size) for part in plan.parts}  # 0: accepts no part
        machine = UploadMachine(
            PartPlan(upload.limits, max(sizes.values()), known=sizes),
            window=self.window,
            retries=upload.retries,
            keep=options.on_failure == "keep",
            expected_size=sum(plan.sizes),
            upload_id=session.upload_id,
        )
        port = session.port(stored)
        task_of = partial(self._task, plan)
        workers = FutureWorkers(port, self.executor, plan.parts, task_of, upload=upload)
        port.send_again = workers.send_again
        listener = partial(self._listen, machine)
        transfer: Any = Transfer(
            machine,
            workers,
            listener=listener,
            label=session.label,
            driver=upload.driver,
            object_name=upload.object_name,
        )
        try:
            listener(UploadStarted(0, session.upload_id))
        except BaseException as error:
            _give_up(error, session)
            raise
        try:
            found = transfer.run(RangeSource(sum(plan.sizes)))
        except BaseException as error:
            if options.on_failure == "keep" and machine.result is None:
                _keep(error, self.session)
            raise
        return session.published(found)

    def _listen(self, machine: Any, event: UploadEvent) -> None:
        if isinstance(event, UploadCompleting):
            self.session = self.session.with_parts(machine.receipts)
            if self.access.on_session is not None:
                self.access.on_session(self.session.text())
        if self.session.upload.options.on_event is not None:
            self.session.upload.options.on_event(event)

    def resume(self, plan: _Plan, state: _State) -> Object:
        """Send the parts that the store does not have, and complete the upload."""
        if state is None:
            return self.run(plan, {})
        session, (stored, gone) = self.session, state
        planned = {part.number: part.size for part in plan.parts}
        known = {part.number: part for part in stored if planned.get(part.number) == part.size}
        if not known or len(known) == len(planned):
            published = session.find_published(list(planned.values()))
            if published is not None:
                return session.published(published)
        if gone is not None:
            raise gone
        return self.run(plan, known)

    def _task(self, plan: _Plan, part: CutPart) -> tuple[Any, ...]:
        url, connect, driver = "", self.access.connect, self.session.driver
        if self.access.kind is not None:
            url = driver._presigned_part(self.session.fields, part.number, _PRESIGNED_HOURS)
        positions = [span.piece for span in part.ranges]
        sizes = tuple(plan.sizes[position] for position in positions)
        task = PartTask(self.task_session, part.number, part.ranges, sizes, connect, url)
        return send_part, task, *(plan.pieces[position] for position in positions)


def _keep(error: BaseException, session: UploadSession) -> None:
    """Attach to ``error`` what is needed to continue the upload."""
    if getattr(error, "session", None) is None:
        add_details(error, session=session.text())
