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
import hashlib
import operator
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from libcloud.storage.base import Object
from libcloud.storage.capabilities import Limits
from libcloud.storage.scaleout.compose import PieceStorage
from libcloud.storage.scaleout.executors import adapted
from libcloud.storage.scaleout.futures import FutureWorkers, PartExecutor
from libcloud.storage.scaleout.session import NewUpload, UploadSession, begin
from libcloud.storage.scaleout.worker import PartTask
from libcloud.storage.transfer.cut import CutPart, check_sizes, cut
from libcloud.storage.transfer.progress import UploadStarted
from libcloud.storage.transfer.upload.machine import UploadMachine
from libcloud.storage.transfer.upload.options import UploadOptions, split_keywords
from libcloud.storage.transfer.upload.plan import DEFAULT_PART_SIZE, PartPlan
from libcloud.storage.transfer.upload.runner import Transfer
from libcloud.storage.transfer.values import PartReceipt
from libcloud.storage.types import ObjectError, SizeMismatchError, UploadOutcomeUnknownError
from libcloud.utils.arguments import kind_of

_WINDOW = 64
_PRESIGNED_HOURS = 12.0  # at most; temporary credentials end earlier
_WORKERS = ("workers", "num_workers", "_max_workers")  # ours, MPI, the standard library


@dataclass(frozen=True, slots=True)
class Shipping:
    """How workers get access to the store.

    :param access: ``"presigned"``, or ``None``: they find their own credentials.
    :param connect: returns the driver to use on a worker.
    :param on_session: called with the text of a new session.
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
    pieces, lengths = _sized(executor, pieces, sizes)
    if lengths is None:
        return _compose(driver, new, executor, pieces, shipping)
    if upload.options.size not in (None, sum(lengths)):
        raise SizeMismatchError(
            f"the pieces have {sum(lengths)} bytes, and ex_size is {upload.options.size}; "
            "nothing was sent",
            driver,
            upload.object_name,
        )
    part_size = upload.options.part_size or _part_size(lengths, upload.limits)
    parts = cut(lengths, upload.limits, part_size=part_size)
    _check_portable(driver, new, executor, shipping)
    plan = {"part_size": part_size, "parts": len(parts), "plan": _fingerprint(lengths, part_size)}
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


def _compose(
    driver: Any, new: NewUpload, executor: Any, pieces: Sequence[Any], shipping: Shipping
) -> Object:
    """Upload pieces of unknown size."""
    if shipping.access is not None:
        raise ValueError("ex_ship_credentials='presigned' requires the sizes of the pieces")
    _check_portable(driver, new, executor, shipping)
    session = _begin(driver, new, shipping)
    try:
        return resume(session, executor, pieces, sizes=None, shipping=shipping, is_new=True)
    except BaseException as error:
        if session.upload.options.on_failure == "keep":
            _keep(error, session)
        raise


def _piece_storage(session: UploadSession, executor: Any, shipping: Shipping) -> PieceStorage:
    shared = shipping.connect is None and _shares_memory(executor)
    return PieceStorage(
        session,
        executor,
        shipped=session if shared else session.text(),
        connect=shipping.connect,
        window=_window(executor, session.upload.options),
    )


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
    text = session.text() if isinstance(session, UploadSession) else session
    found = UploadSession.from_json(text, driver)
    chosen = split_keywords({"ex_on_failure": "keep", **options})[1]
    kept = found.with_options(replace(chosen, part_size=found.facts.part_size))
    return resume(kept, executor, pieces, sizes=sizes, shipping=shipping)


def resume(
    session: UploadSession,
    executor: PartExecutor,
    pieces: Any,
    *,
    sizes: Any,
    shipping: Shipping,
    is_new: bool = False,
) -> Object:
    """Send what the store does not have, and complete.

    :param is_new: the upload has no parts yet, and the store is not asked for them.
    """
    executor = adapted(executor)
    pieces, lengths = _sized(executor, pieces, sizes)
    if lengths is not None:
        return _resume(session, executor, pieces, lengths, shipping)
    storage = _piece_storage(session, executor, shipping)
    try:
        found = storage.store(pieces)
    except BaseException as error:
        _give_up(error, session)
        if session.upload.options.on_failure != "keep":
            _discard(storage, error)
        raise
    try:
        sizes = [piece.size for piece in found]
        stored = _resume(session, executor, found, sizes, shipping, is_new=is_new)
    except BaseException as error:
        unknown = isinstance(error, UploadOutcomeUnknownError)
        if session.upload.options.on_failure != "keep" and not unknown:
            _discard(storage, error)
        raise
    storage.delete()
    return stored


def _discard(storage: PieceStorage, error: BaseException) -> None:
    """Delete the temporary objects of an upload that was aborted because of ``error``."""
    try:
        storage.delete()
    except Exception as failed:
        vars(error).setdefault("cleanup_error", failed)


def _resume(
    session: UploadSession,
    executor: PartExecutor,
    pieces: Sequence[Any],
    lengths: Sequence[int],
    shipping: Shipping,
    *,
    is_new: bool = False,
) -> Object:
    limits = session.upload.limits
    part_size = session.facts.part_size or _part_size(lengths, limits)
    if session.facts.plan not in ("", _fingerprint(lengths, part_size)):
        raise ValueError(
            f"the pieces of {session.label} do not have the sizes that they had when the upload "
            "began; nothing was sent. Abort it, and upload them again"
        )
    parts = cut(lengths, limits, part_size=part_size)
    if is_new:
        return _Coordinator(session, executor, pieces, lengths, parts, shipping).run({})
    planned = {part.number: part.size for part in parts}
    stored, gone = session.find_parts()
    known = {part.number: part for part in stored if planned.get(part.number) == part.size}
    if not known or len(known) == len(parts):
        published = session.find_published([part.size for part in parts])
        if published is not None:
            return session.published(published)
    if gone is not None:
        raise gone
    return _Coordinator(session, executor, pieces, lengths, parts, shipping).run(known)


def _sized(executor: Any, pieces: Any, sizes: Any) -> tuple[Sequence[Any], list[int] | None]:
    """The pieces, and their sizes; ``None`` if they are not known.

    :raises TypeError: they are not pieces.
    :raises ValueError: there are not as many sizes as pieces.
    """
    if isinstance(pieces, (str, bytes, bytearray, memoryview, Mapping)):
        raise TypeError(f"pieces must be an iterable of pieces, not {kind_of(pieces)}")
    if sizes is None and hasattr(executor, "hold"):
        pieces, sizes = executor.hold(pieces)
    else:
        pieces = getattr(executor, "pieces_of", list)(pieces)
    if sizes is None:
        if not all(isinstance(piece, bytes) for piece in pieces):
            return pieces, None
        sizes = map(len, pieces)
    lengths = [_plain(size) for size in sizes]
    if len(lengths) != len(pieces):
        raise ValueError(f"there are {len(pieces)} pieces and {len(lengths)} sizes")
    check_sizes(lengths)
    return pieces, lengths


def _plain(size: Any) -> Any:
    """``size`` as an ``int`` if it is a whole number of another type, such as NumPy's."""
    is_number = hasattr(size, "__index__") and not isinstance(size, bool)
    return operator.index(size) if is_number else size


def _part_size(sizes: Sequence[int], limits: Limits) -> int:
    """A size of parts with which no piece is divided, so that each is made once, if possible."""
    largest = max(sizes, default=0)
    whole = largest + limits.min_part_size
    return max(DEFAULT_PART_SIZE, whole if whole <= limits.max_part_size else 0)


def _fingerprint(sizes: Sequence[int], part_size: int) -> str:
    text = ",".join(map(str, [part_size, *sizes]))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _shares_memory(executor: Any) -> bool:
    return bool(getattr(executor, "shares_memory", isinstance(executor, ThreadPoolExecutor)))


def _check_portable(driver: Any, new: NewUpload, executor: Any, shipping: Shipping) -> None:
    """:raises ValueError: workers would have no access to the store. Nothing was sent."""
    if shipping.access is not None and not hasattr(driver, "_presigned_part"):
        raise ValueError(f"ex_ship_credentials: {driver.name} has no presigned URLs of parts")
    if not _shares_memory(executor) and shipping.connect is None and shipping.access is None:
        UploadSession.draft(driver, new).to_json()


def _window(executor: Any, options: UploadOptions) -> int:
    """Tasks in flight at most."""
    found = [getattr(executor, name, None) for name in _WORKERS]
    workers = next((number for number in found if isinstance(number, int)), _WINDOW)
    usual = getattr(executor, "window", None) or max(2, min(_WINDOW, 2 * workers))
    return options.window or usual


class _Body:
    """A part as the machine knows it: a number of bytes."""

    __slots__ = ("part",)

    def __init__(self, part: CutPart) -> None:
        self.part = part

    def __len__(self) -> int:
        return self.part.size


class _Planned(NamedTuple):
    body: _Body
    last: bool


class _PlannedParts:
    """The source of an upload: which parts there are."""

    def __init__(self, parts: Sequence[CutPart]) -> None:
        self._parts = parts
        self._next = 0

    def next_part(self, size: int) -> _Planned:
        part = self._parts[self._next]
        self._next += 1
        return _Planned(_Body(part), self._next == len(self._parts))


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
        transfer: Any = Transfer(machine, workers, listener=options.on_event, label=session.label)
        try:
            if options.on_event is not None:
                options.on_event(UploadStarted(0, session.upload_id))
        except BaseException as error:
            _give_up(error, session)
            raise
        try:
            found = transfer.run(_PlannedParts(self._parts))
        except BaseException as error:
            if isinstance(error, ObjectError):
                upload.name_error(error)
            if options.on_failure == "keep" and machine.result is None:
                _keep(error, session)
            raise
        return session.published(found)

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
