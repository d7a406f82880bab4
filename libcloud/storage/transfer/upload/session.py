# SPDX-License-Identifier: Apache-2.0
"""An upload of one object, as drivers use it; nothing here depends on a protocol.

A driver's ``upload_object_via_stream`` consists of these steps::

    own, options = split_keywords(keywords, OwnKeywords.__annotations__)
    port = ...  # the protocol's PartStore for this object, see ``port.py``
    upload = ObjectUpload(
        port, limits, options, retries, driver=self, container_name=..., object_name=...
    )
    stored = upload.send(iterator)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from libcloud import storage
from libcloud.storage.capabilities import MIB, Limits
from libcloud.storage.keywords import EngineKeywords
from libcloud.storage.transfer.budget import MemoryBudget, Share
from libcloud.storage.transfer.retry import Retries
from libcloud.storage.transfer.upload.machine import UploadMachine
from libcloud.storage.transfer.upload.plan import DEFAULT_PART_SIZE, PartPlan, plan_for
from libcloud.storage.transfer.upload.runner import Transfer, name_error
from libcloud.storage.transfer.upload.source import LocalFile, PartBuffer, source_of
from libcloud.storage.transfer.upload.workers import InlineWorkers, ThreadWorkers
from libcloud.storage.transfer.values import Content, PartStore, Stop, StoredObject
from libcloud.storage.types import ObjectError, ObjectTooLargeError
from libcloud.utils.arguments import kind_of, unexpected_keyword, whole_number
from libcloud.utils.bodies import Pieces
from libcloud.utils.values import PortableValue, Value

if TYPE_CHECKING:
    from libcloud.storage.transfer.progress import Listener
    from libcloud.storage.writer import UploadWriter

_Result = TypeVar("_Result")
_TransferT = TypeVar("_TransferT", bound=Transfer[Any])

DEFAULT_WINDOW = 12
DEFAULT_MEMORY = 128 * MIB


@dataclass(slots=True, eq=False, repr=False)
class UploadOptions(PortableValue):
    """The options of an upload: those of ``EngineKeywords`` in ``keywords.py``, without ``ex_``."""

    part_size: int | None = None
    window: int | None = None
    max_memory: int | MemoryBudget | None = None
    size_hint: int | None = None
    size: int | None = None
    on_failure: str = "abort"
    executor: Executor | None = None
    on_event: Listener | None = None

    def __post_init__(self) -> None:
        whole_number("ex_part_size", self.part_size, least=1)
        if not isinstance(self.max_memory, MemoryBudget):
            whole_number("ex_max_memory", self.max_memory, least=1)
        whole_number("ex_window", self.window, least=1, example="4")
        whole_number("ex_size_hint", self.size_hint, least=0)
        whole_number("ex_size", self.size, least=0)
        if self.executor is not None and not hasattr(self.executor, "submit"):
            raise TypeError(f"ex_executor must be an Executor, not {kind_of(self.executor)}")
        if self.on_event is not None and not callable(self.on_event):
            raise TypeError(f"on_event must be a function, not {kind_of(self.on_event)}")
        if self.on_failure not in ("abort", "keep"):
            raise ValueError(f"ex_on_failure is 'abort' or 'keep', not {self.on_failure!r}")


DEFAULT_OPTIONS = UploadOptions()


def split_keywords(
    given: Mapping[str, Any],
    own: Collection[str] = (),
    *,
    max_memory: int | MemoryBudget | None = None,
) -> tuple[dict[str, Any], UploadOptions]:
    """Split the keywords of an upload method into the driver's ``own`` and the engine's options.

    :param max_memory: default of ``ex_max_memory``.
    :raises TypeError: there is no such keyword; the message suggests the nearest one.
    :raises ValueError: the value of an option is invalid.
    """
    if not given and max_memory is None:
        return {}, DEFAULT_OPTIONS
    known, kept = EngineKeywords.__annotations__, {}
    options: dict[str, Any] = {"max_memory": max_memory}
    for name, value in given.items():
        if name in own:
            kept[name] = value
        elif name in known:
            options[name[3:] if name[:3] == "ex_" else name] = value
        else:
            raise unexpected_keyword(name, {*known, *own})
    return kept, UploadOptions(**options)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Resumed(Value):
    """An upload that was started earlier; ``sizes`` of its parts replace the planned ones."""

    upload_id: str
    sizes: Mapping[int, int]


@dataclass(slots=True, eq=False, repr=False)
class ObjectUpload(Value, Generic[Content]):
    """The upload of one object through the port of any protocol.

    :param concurrency: requests in flight at once at most; 1: all requests are made in the caller's
        thread, one after another, and one part is held. ``None``: no limit.
    """

    store: PartStore[Content]
    limits: Limits
    options: UploadOptions
    retries: Retries
    concurrency: int | None = None
    driver: Any = None
    container_name: str = ""
    object_name: str = ""

    def send(self, stream: object, resumed: Resumed | None = None) -> StoredObject:
        """Send a stream, or a source of parts of the kind that the port takes.

        :param resumed: the upload to continue; ``None``: a new one.
        :raises InvalidSourceError: it cannot be read.
        :raises BaseException: see :meth:`~libcloud.storage.transfer.upload.runner.Transfer.run`.
        """
        return self._transfer(Transfer, resumed).run(source_of(stream))

    def send_file(self: ObjectUpload[bytes | Pieces], path: str | os.PathLike[str]) -> StoredObject:
        """Send the file at ``path``, which must keep its size; see :meth:`send`."""
        with LocalFile(path) as file:
            session, size = self, file.exact_size
            if self.options.size is None and size is not None:
                session = replace(self, options=replace(self.options, size=size))
            return session.send(file)

    def open_writer(
        self: ObjectUpload[bytes | Pieces], made: Callable[[StoredObject], _Result]
    ) -> UploadWriter[_Result]:
        """A file that is sent in parts while it is written; ``made`` makes its ``result``."""
        sink = self._transfer(partial(PushedTransfer, made))
        return storage.writer.UploadWriter(sink, f"{self.container_name}/{self.object_name}")

    def _transfer(
        self, kind: Callable[..., _TransferT], resumed: Resumed | None = None
    ) -> _TransferT:
        """A transfer with a machine and workers for this upload."""
        options, concurrency = self.options, self.concurrency
        plan = self._plan(resumed)
        window = options.window or DEFAULT_WINDOW
        if concurrency and concurrency < window:
            window = concurrency
        memory, shared = options.max_memory, None
        if isinstance(memory, MemoryBudget):
            memory, shared = None, memory
        elif memory is None:
            memory = max(DEFAULT_MEMORY, window * (options.part_size or DEFAULT_PART_SIZE))
        machine = UploadMachine(
            plan,
            window=window,
            memory=memory,
            share=Share(shared) if shared is not None else None,
            retries=self.retries,
            keep=options.on_failure == "keep",
            expected_size=options.size,
            upload_id=resumed.upload_id if resumed is not None else None,
        )

        def threads() -> ThreadWorkers[Content]:
            bound = shared.size if shared is not None else memory or DEFAULT_MEMORY
            held = min(window * plan.start, bound)
            return ThreadWorkers(self.store, window, executor=options.executor, memory=held)

        return kind(
            machine,
            InlineWorkers(self.store),
            threads=None if concurrency == 1 else threads,
            listener=options.on_event,
            label=f"{self.container_name}/{self.object_name}",
            driver=self.driver,
            object_name=self.object_name,
        )

    def _plan(self, resumed: Resumed | None) -> PartPlan:
        try:
            plan = _plan(self.limits, self.options)
        except ObjectError as error:
            name_error(error, self.driver, self.object_name)
            raise
        if resumed is None:
            return plan
        largest = plan.limits.max_part_size
        known = {number: size for number, size in resumed.sizes.items() if 0 < size <= largest}
        return replace(plan, known=known)


def _plan(limits: Limits, options: UploadOptions) -> PartPlan:
    """Sizes of the parts, none of them larger than the memory that the user allows."""
    length = options.size if options.size is not None else options.size_hint
    start = options.part_size or DEFAULT_PART_SIZE
    bound = options.max_memory
    if isinstance(bound, MemoryBudget):
        bound = bound.size if bound.strict else None
    if bound is None or bound >= limits.max_part_size:
        return plan_for(length, limits, start=start)
    least = max(limits.min_part_size, options.part_size or 0)
    if bound < least:
        raise ValueError(f"ex_max_memory is less than one part: {bound} bytes of {least}")
    if length is not None:
        needed = plan_for(length, limits, start=min(start, bound)).start
        if needed > bound:
            raise ObjectTooLargeError(
                f"{length} bytes require parts of {needed} bytes, but ex_max_memory is {bound}; "
                "nothing was sent",
                None,
                "",
            )
    return plan_for(length, replace(limits, max_part_size=bound), start=start)


class PushedTransfer(Transfer[bytes | Pieces], Generic[_Result]):
    """An upload whose bytes are pushed: a :class:`~libcloud.storage.writer.Sink`.

    A full part is sent when the next byte is written, because it may be the last one. ``write``
    waits while the window is full.

    :param made: makes the result of :meth:`publish` from the published object.
    """

    over = False  # published or cleaned up
    _part: PartBuffer | None = None  # the one that the engine waits for

    def __init__(self, made: Callable[[StoredObject], _Result], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._made = made

    @property
    def started(self) -> bool:
        return self._machine.parts_pulled > 0 and not self.over

    def write(self, data: bytes | memoryview) -> None:
        try:
            going_on = self._fill(data)
        except BaseException as error:
            self.fail(error)
            going_on = False
        if not going_on:
            self._end()

    def publish(self) -> _Result:
        try:
            if self._part is not None or self._ask_for_part():
                self._push_part(last=True)
                self.advance()
        except BaseException as error:
            self.fail(error)
        return self._made(self._end())

    def abort(self, error: BaseException, *, quiet: bool = False, wanted: bool = False) -> None:
        if self.over:
            return
        if quiet:
            self._listener = None
        if wanted:
            self._machine.keep = False
        self.fail(error)
        traceback = error.__traceback__
        try:
            self._end()
        except Exception as first:  # perhaps that of a part, which was not raised yet
            if first is not error:
                self._attach_details(error)
        except BaseException as raised:
            if raised is not error:
                raise
        error.__traceback__ = traceback

    # Inside.

    def _fill(self, data: bytes | memoryview) -> bool:
        """Divide ``data`` into parts; false if the upload has failed."""
        while len(data):
            part = self._part
            if part is None or not part.room:
                part = self._ask_for_part()
                if part is None:
                    return False
            room = part.room
            if len(data) > room:
                data = memoryview(data)
            part.add(data[:room])
            data = data[room:]
        return True

    def _ask_for_part(self) -> PartBuffer | None:
        """Send the part that is full and get the next one to fill; ``None`` if there is none."""
        if self._part is not None:
            self._push_part(last=False)
        command = self.advance()
        self._part = None if isinstance(command, Stop) else PartBuffer(command.size)
        return self._part

    def _push_part(self, *, last: bool) -> None:
        """Pass the part on and keep no reference to it: its memory is free once it is sent."""
        part, self._part = self._part, None
        assert part is not None
        self.feed(part.body(), last=last)

    def _end(self) -> StoredObject:
        """:meth:`finish`, after which nothing is held any more."""
        try:
            return self.finish()
        except BaseException as error:
            self._attach_details(error)
            raise
        finally:
            self.over = True
            self._part = None
            # It may refer to the store, which keeps a body that it has to recognize.
            vars(self).pop("_made", None)
            self.close()
