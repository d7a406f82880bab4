# SPDX-License-Identifier: Apache-2.0
"""Uploads one object with the processes of an executor.

The coordinator, which is the caller's process, plans the parts, submits a task for each, collects
their receipts and completes the upload. It sends none of the data. A worker makes the pieces of its
part, sends them, and returns the receipt: its task is a call of :func:`send_part`, which any engine
can run.

The coordinator follows the state machine of all uploads; only its workers are others. Requests are
retried in the worker, and a task that fails there has failed. An engine that loses a worker may run
its task again: a part that is sent twice replaces itself.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Object
from libcloud.storage.scaleout.compose import PieceStorage, PieceTask, folder_of
from libcloud.storage.scaleout.executors import adapted, workers_of
from libcloud.storage.scaleout.futures import FutureWorkers, PartExecutor
from libcloud.storage.scaleout.receipts import PlannedParts
from libcloud.storage.scaleout.session import (
    NewUpload,
    UploadSession,
    attached,
    begin,
)
from libcloud.storage.scaleout.sizes import fingerprint, sized, usual_part_size
from libcloud.storage.scaleout.staging import PieceFolder
from libcloud.storage.scaleout.text import needs_key
from libcloud.storage.scaleout.worker import PartTask, StoredPiece, driver_with
from libcloud.storage.transfer.cut import CutPart, cut
from libcloud.storage.transfer.progress import UploadCompleting, UploadEvent, UploadStarted
from libcloud.storage.transfer.upload.machine import UploadMachine
from libcloud.storage.transfer.upload.options import UploadOptions, split_keywords
from libcloud.storage.transfer.upload.plan import PartPlan
from libcloud.storage.transfer.upload.runner import Transfer
from libcloud.storage.transfer.values import PartReceipt
from libcloud.storage.types import (
    ObjectDoesNotExistError,
    SizeMismatchError,
    UploadOutcomeUnknownError,
)

_log = logging.getLogger(__name__)

_WINDOW = 64
_PRESIGNED_HOURS = 12.0  # at most; temporary credentials end earlier


@dataclass(frozen=True, slots=True)
class Shipping:
    """How workers get access to the store.

    :param access: ``"presigned"``, or ``None``: they find their own credentials.
    :param connect: returns the driver to use on a worker.
    :param on_session: called with the text of a new session, and again before it is completed.
    """

    access: str | None = None
    connect: Callable[[], Any] | None = None
    on_session: Callable[[str], object] | None = None

    def __post_init__(self) -> None:
        if self.access not in (None, "presigned"):
            raise ValueError(f"ex_ship_credentials is 'presigned', not {self.access!r}")


def with_defaults(options: Mapping[str, Any], credentials: str | None = None) -> dict[str, Any]:
    """The keywords of an upload by several processes, with its own defaults."""
    # A checksum in a header would have to be part of a presigned URL, but is not known yet.
    own = {"ex_checksum": "md5"} if credentials == "presigned" else {}
    return {"ex_on_failure": "keep", **own, **options}


def upload_with(
    driver: Any,
    new: NewUpload,
    executor: PartExecutor,
    pieces: Any,
    *,
    sizes: Any,
    shipping: Shipping,
) -> Object:
    """Upload ``pieces``; see ``ex_upload_with`` of the drivers."""
    upload = new[0]
    executor = adapted(executor)
    pieces, lengths = sized(executor, pieces, sizes)
    if lengths is None and shipping.access is not None:
        raise ValueError("ex_ship_credentials='presigned' requires the sizes of the pieces")
    if lengths is not None and upload.options.size not in (None, sum(lengths)):
        raise SizeMismatchError(
            f"the pieces have {sum(lengths)} bytes, and ex_size is {upload.options.size}; "
            "nothing was sent",
            driver,
            upload.object_name,
        )
    _check_portable(UploadSession.draft(driver, new), executor, shipping)
    if lengths is None:
        session = _begin(driver, new, shipping)
        return _compose(session, executor, pieces, shipping, None)
    part_size = upload.options.part_size or usual_part_size(lengths, upload.limits)
    parts = cut(lengths, upload.limits, part_size=part_size)
    plan = {"part_size": part_size, "parts": len(parts), "plan": fingerprint(lengths, part_size)}
    session = _begin(driver, new, shipping, **plan)
    return _Coordinator(session, executor, pieces, lengths, parts, shipping).run({})


def _begin(driver: Any, new: NewUpload, shipping: Shipping, **plan: Any) -> UploadSession:
    session = begin(driver, new, **plan)
    try:
        if shipping.on_session is not None:
            shipping.on_session(session.text())
    except BaseException as error:
        _give_up(error, session)
        raise
    return session


def _give_up(error: BaseException, session: UploadSession) -> None:
    """Keep the upload for later, or abort it; no part was sent, or all workers have ended."""
    if session.upload.options.on_failure == "keep":
        _keep(error, session)
        return
    try:
        session.abort()
    except Exception as failed:
        vars(error).update(upload_id=session.upload_id, cleanup_error=failed)


def attach(
    driver: Any,
    session: str | UploadSession,
    executor: PartExecutor,
    pieces: Any,
    *,
    sizes: Any,
    shipping: Shipping,
    options: Mapping[str, Any],
) -> Object:
    """Continue an upload; see ``ex_attach_upload`` of the drivers.

    :param options: keywords of the engine.
    """
    if isinstance(session, UploadSession):
        found = attached(driver, session.facts)
    else:
        found = UploadSession.from_json(session, driver)
    chosen = split_keywords({"ex_on_failure": "keep", **options})[1]
    kept = found.with_options(replace(chosen, part_size=found.facts.part_size))
    executor = adapted(executor)
    pieces, lengths = sized(executor, pieces, sizes)
    _check_portable(kept, executor, shipping)
    if lengths is None:
        return _compose(kept, executor, pieces, shipping, kept.find_parts())
    parts = _planned(kept, lengths)
    run = _Coordinator(kept, executor, pieces, lengths, parts, shipping)
    return run.resume(kept.find_parts())


# The parts that the store has, and the error that the upload no longer exists; None: it is new.
_State = tuple[list[PartReceipt], Exception | None] | None


def _compose(
    session: UploadSession, executor: Any, pieces: Sequence[Any], shipping: Shipping, state: _State
) -> Object:
    """Make the object of pieces of unknown size."""
    folder = folder_of(session)
    gone = None if state is None else state[1]
    try:
        found = None if state is None else folder.recorded()
        if found is not None and len(found) != len(pieces):
            raise ValueError(f"{session.label} had {len(found)} pieces, and has {len(pieces)} now")
        if found is None or not (_exists(session) or folder.has(found)):
            found = _stored_pieces(session, executor, pieces, shipping, state)
        sizes = [piece.size for piece in found]
        parts = _planned(session, sizes)
        run = _Coordinator(session, executor, found, sizes, parts, shipping)
        stored = run.run({}) if state is None else run.resume(state)
    except BaseException as error:
        keep = session.upload.options.on_failure == "keep"
        if error is gone:
            _discard(folder, error)
        elif keep or isinstance(error, UploadOutcomeUnknownError):
            _keep(error, session)
        else:
            _give_up(error, session)
            _discard(folder, error)
        raise
    try:
        folder.discard()
    except Exception as error:
        text = "%s was published, but temporary objects below %s remain: %s"
        _log.warning(text, session.label, folder.prefix, error)
    return stored


def _stored_pieces(
    session: UploadSession, executor: Any, pieces: Sequence[Any], shipping: Shipping, state: _State
) -> list[StoredPiece]:
    if state is not None and state[1] is not None and not _exists(session):
        raise state[1]
    shared = shipping.connect is None and _shares_memory(executor)
    shipped = session if shared else session.text()
    late = not shared and (state is None or state[1] is None)
    storage = PieceStorage(
        session,
        executor,
        lambda position: PieceTask(shipped, position, shipping.connect, late),
        window=_window(executor, session.upload.options),
    )
    found = storage.store(pieces, is_new=state is None)
    folder_of(session).record(found)
    return found


def _exists(session: UploadSession) -> bool:
    """Whether there is an object, which the upload may have published."""
    try:
        driver = driver_with(session.driver, session.facts.headers)
        driver.get_object(session.container_name, session.object_name)
    except ObjectDoesNotExistError:
        return False
    except LibcloudError:  # it is encrypted by a key of the caller
        return True
    return True


def _discard(folder: PieceFolder, error: BaseException) -> None:
    """Delete the temporary objects of an upload that was aborted because of ``error``."""
    try:
        folder.discard()
    except Exception as failed:
        vars(error).setdefault("cleanup_error", failed)


def _planned(session: UploadSession, lengths: Sequence[int]) -> list[CutPart]:
    """The parts of an upload that has begun.

    :raises ValueError: they are not those that it began with.
    """
    part_size = session.facts.part_size or usual_part_size(lengths, session.upload.limits)
    if session.facts.plan not in ("", fingerprint(lengths, part_size)):
        raise ValueError(
            f"the pieces of {session.label} do not have the sizes that they had when the upload "
            "began; nothing was sent. Abort it, and upload them again"
        )
    return cut(lengths, session.upload.limits, part_size=part_size)


def _shares_memory(executor: Any) -> bool:
    return bool(getattr(executor, "shares_memory", isinstance(executor, ThreadPoolExecutor)))


def _check_portable(session: UploadSession, executor: Any, shipping: Shipping) -> None:
    """:raises ValueError: workers would have no access to the store. Nothing was sent."""
    driver = session.driver
    if shipping.access is not None and not hasattr(driver, "_presigned_part"):
        raise ValueError(f"ex_ship_credentials: {driver.name} has no presigned URLs of parts")
    if shipping.connect is None and _shares_memory(executor):
        return
    why = needs_key(session.facts)
    if why:
        raise ValueError(f"the parts of {session.label} cannot be sent by other processes: {why}")
    if shipping.connect is None and shipping.access is None:
        session.to_json()


def _window(executor: Any, options: UploadOptions) -> int:
    """Tasks in flight at most."""
    workers = workers_of(executor, _WINDOW)
    usual = getattr(executor, "window", None) or max(2, min(_WINDOW, 2 * workers))
    return options.window or usual


class _Body:
    """A part as the machine knows it: a number of bytes."""

    __slots__ = ("part",)

    def __init__(self, part: CutPart) -> None:
        self.part = part

    def __len__(self) -> int:
        return self.part.size


class _Coordinator:
    """One run of a session: plans, submits, collects and completes."""

    def __init__(
        self,
        session: UploadSession,
        executor: PartExecutor,
        pieces: Sequence[Any],
        sizes: Sequence[int],
        parts: Sequence[CutPart],
        shipping: Shipping,
    ) -> None:
        self._session = session
        self._executor = executor
        self._pieces = pieces
        self._sizes = sizes
        self._parts = parts
        self._shipping = shipping
        shared = shipping.connect is None and _shares_memory(executor)
        self._shipped: Any = session if shared else session.text()

    def run(self, stored: Mapping[int, PartReceipt]) -> Object:
        """Send the parts that are not ``stored``, and complete the upload.

        :raises BaseException: the first error. It has the ``session``, unless nothing is kept.
        """
        session, upload = self._session, self._session.upload
        options = upload.options
        sizes = {part.number: max(1, part.size) for part in self._parts}  # 0: accepts no part
        machine = UploadMachine(
            PartPlan(upload.limits, max(sizes.values()), known=sizes),
            window=_window(self._executor, options),
            retries=upload.retries,
            keep=options.on_failure == "keep",
            expected_size=sum(self._sizes),
            upload_id=session.upload_id,
        )
        port = session.port(stored)
        workers = FutureWorkers(port, self._executor, self._task, stored, upload)
        port.send_again = lambda numbers: workers.send_again(self._parts[n - 1] for n in numbers)

        def listener(event: UploadEvent) -> None:
            if isinstance(event, UploadCompleting):
                self._note(machine.receipts)
            if options.on_event is not None:
                options.on_event(event)

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
            found = transfer.run(PlannedParts([_Body(part) for part in self._parts]))
        except BaseException as error:
            if options.on_failure == "keep" and machine.result is None:
                _keep(error, self._session)
            raise
        return session.published(found)

    def _note(self, parts: Sequence[PartReceipt]) -> None:
        """Remember what the object is made of, before it is published."""
        self._session = self._session.with_parts(parts)
        if self._shipping.on_session is not None:
            self._shipping.on_session(self._session.text())

    def resume(self, state: tuple[list[PartReceipt], Exception | None]) -> Object:
        """Send what the store does not have, and complete the upload.

        :param state: parts that the store has; the error that says that the upload does not exist.
        """
        session, (stored, gone) = self._session, state
        planned = {part.number: part.size for part in self._parts}
        known = {part.number: part for part in stored if planned.get(part.number) == part.size}
        if not known or len(known) == len(planned):
            published = session.find_published(list(planned.values()))
            if published is not None:
                return session.published(published)
        if gone is not None:
            raise gone
        return self.run(known)

    def _presigned(self, number: int) -> str:
        if self._shipping.access is None:
            return ""
        session = self._session
        url: str = session.driver._presigned_part(session.facts, number, _PRESIGNED_HOURS)
        return url

    def _task(self, part: CutPart) -> tuple[PartTask, list[Any]]:
        task = PartTask(
            self._shipped,
            part.number,
            part.ranges,
            tuple(self._sizes[span.piece] for span in part.ranges),
            self._shipping.connect,
            url=self._presigned(part.number),
        )
        return task, [self._pieces[span.piece] for span in part.ranges]


def _keep(error: BaseException, session: UploadSession) -> None:
    """Attach to ``error`` what is needed to continue the upload."""
    if getattr(error, "session", None) is not None:
        return
    with contextlib.suppress(AttributeError):
        vars(error)["session"] = session.text()
        if hasattr(error, "add_note"):
            error.add_note(f"session: {session.text()}")
