# SPDX-License-Identifier: Apache-2.0
"""An upload of one object, as drivers use it; nothing here depends on a protocol.

A driver's ``upload_object_via_stream`` consists of these steps::

    own, options = split_keywords(keywords, OwnKeywords.__annotations__)
    port = ...  # the protocol's PartStore for this object, see ``port.py``
    upload = ObjectUpload(
        port, limits, options, retries, driver=self, container_name=..., object_name=...
    )
    stored = upload.send_stream(iterator)

``send_file`` uploads a file by its path, and ``open_writer`` opens a file that is uploaded while it
is written. Errors that the engine raises name the driver and the object. A subclass of a driver may
override the methods that streams go through; then :func:`spooled_writer` opens the writer, and
:func:`is_overridden` tells.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import IO, Any, Generic, TypeVar, cast

from libcloud.storage.capabilities import Limits
from libcloud.storage.transfer.budget import MemoryBudget
from libcloud.storage.transfer.retry import Retries
from libcloud.storage.transfer.upload.machine import UploadMachine
from libcloud.storage.transfer.upload.options import (
    DEFAULT_MEMORY,
    DEFAULT_OPTIONS,
    DEFAULT_WINDOW,
    EngineKeywords,
    UploadOptions,
    split_keywords,
)
from libcloud.storage.transfer.upload.plan import DEFAULT_PART_SIZE, PartPlan, plan_for
from libcloud.storage.transfer.upload.port import Content, PartStore, Source
from libcloud.storage.transfer.upload.runner import Transfer
from libcloud.storage.transfer.upload.source import LocalFile, source_of
from libcloud.storage.transfer.upload.workers import InlineWorkers, ThreadWorkers
from libcloud.storage.transfer.upload.writer import PushedTransfer
from libcloud.storage.transfer.values import StoredObject
from libcloud.storage.types import ObjectError, ObjectTooLargeError
from libcloud.storage.writer import SpoolSink, UploadWriter
from libcloud.utils.bodies import Pieces

__all__ = [
    "DEFAULT_MEMORY",
    "DEFAULT_OPTIONS",
    "DEFAULT_WINDOW",
    "EngineKeywords",
    "ObjectUpload",
    "Resumed",
    "UploadOptions",
    "begin",
    "is_overridden",
    "split_keywords",
    "spooled_writer",
    "upload",
]

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Resumed:
    """An upload that was started earlier.

    :param sizes: sizes of parts, by number, instead of the planned ones.
    """

    upload_id: str
    sizes: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class ObjectUpload(Generic[Content]):
    """The upload of one object through the port of any protocol.

    :param store: the port; see :class:`~libcloud.storage.transfer.upload.port.PartStore`.
    :param concurrency: requests in flight at once at most; 1: all requests are made in the caller's
        thread, one after another, and one part is held. ``None``: no limit.
    :param driver: set as the ``driver`` of errors that the engine raises.
    """

    store: PartStore[Content]
    limits: Limits
    options: UploadOptions
    retries: Retries
    concurrency: int | None = None
    driver: Any = None
    container_name: str = ""
    object_name: str = ""

    def send(self, source: Source[Content], resumed: Resumed | None = None) -> StoredObject:
        """Send everything that ``source`` delivers.

        :param resumed: the upload to continue; ``None``: a new one.
        :raises ObjectTooLargeError: the announced size exceeds the limits. Nothing was sent.
        :raises BaseException: see :meth:`~libcloud.storage.transfer.upload.runner.Transfer.run`.
        """
        try:
            return upload(
                self.store,
                source,
                limits=self.limits,
                options=self.options,
                retries=self.retries,
                concurrency=self.concurrency,
                label=self._label,
                resumed=resumed,
            )
        except ObjectError as error:
            self.name_error(error)
            raise

    def send_stream(
        self: ObjectUpload[bytes | Pieces], stream: object, resumed: Resumed | None = None
    ) -> StoredObject:
        """Send a stream; see :class:`~libcloud.storage.transfer.upload.source.PartSource`.

        The parts of a :class:`~libcloud.storage.transfer.upload.source.LocalFile` are read by the
        workers, several at once.

        :raises InvalidSourceError: it cannot be read.
        :raises BaseException: see :meth:`send`.
        """
        return self.send(cast("Source[bytes | Pieces]", source_of(stream)), resumed)

    def send_file(self: ObjectUpload[bytes | Pieces], path: str | os.PathLike[str]) -> StoredObject:
        """Send the file at ``path``; a regular file must keep its size meanwhile.

        :raises OSError: it cannot be read.
        :raises SizeMismatchError: its size changed. Nothing was published.
        :raises BaseException: see :meth:`send`.
        """
        with LocalFile(path) as file:
            session, size = self, file.exact_size
            if self.options.size is None and size is not None:
                session = replace(self, options=replace(self.options, size=size))
            return session.send_stream(file)

    def open_writer(
        self: ObjectUpload[bytes | Pieces], finish: Callable[[StoredObject], _Result]
    ) -> UploadWriter[_Result]:
        """A file to write to, which is sent in parts while it is written; nothing is sent yet.

        :param finish: makes the ``result`` of the writer, when the object is published.
        """
        pushed = begin(
            self.store,
            limits=self.limits,
            options=self.options,
            retries=self.retries,
            concurrency=self.concurrency,
            label=self._label,
        )
        return UploadWriter(_PartSink(pushed, finish, self.name_error), self._label)

    def name_error(self, error: ObjectError) -> None:
        """Set the driver and the object of an error that the engine raised without them."""
        if not error.object_name:
            error.driver, error.object_name = self.driver, self.object_name

    @property
    def _label(self) -> str:
        return f"{self.container_name}/{self.object_name}"


class _PartSink(Generic[_Result]):
    """What a writer writes to: an upload in parts."""

    def __init__(
        self,
        pushed: PushedTransfer,
        finish: Callable[[StoredObject], _Result],
        name_error: Callable[[ObjectError], None],
    ) -> None:
        self._transfer = pushed
        self._finish = finish
        self._name_error = name_error

    @property
    def over(self) -> bool:
        return self._transfer.over

    @property
    def begun(self) -> bool:
        return self._transfer.begun

    def write(self, data: bytes | memoryview) -> None:
        try:
            self._transfer.write(data)
        except ObjectError as error:
            self._name_error(error)
            raise

    def publish(self) -> _Result:
        try:
            stored = self._transfer.publish()
        except ObjectError as error:
            self._name_error(error)
            raise
        return self._finish(stored)

    def abort(self, error: BaseException, *, quiet: bool = False, wanted: bool = False) -> None:
        self._transfer.abort(error, quiet=quiet, wanted=wanted)


def spooled_writer(
    upload: Callable[[IO[bytes]], _Result], container_name: str, object_name: str
) -> UploadWriter[_Result]:
    """A writer that keeps the data in a temporary file and uploads it when it is closed.

    :param upload: uploads the file, which is positioned at its start; its result is the writer's.
    """
    return UploadWriter(SpoolSink(upload), f"{container_name}/{object_name}")


def is_overridden(driver: object, names: Iterable[str], package: str) -> bool:
    """Whether any method in ``names`` is not the one that a module in ``package`` defines.

    A user's subclass may override a method, and a test may replace one on the instance.
    """
    return any(
        name in vars(driver)
        or not getattr(getattr(type(driver), name), "__module__", "").startswith(f"{package}.")
        for name in names
    )


def upload(
    store: PartStore[Content],
    source: Source[Content],
    *,
    limits: Limits,
    options: UploadOptions,
    retries: Retries,
    concurrency: int | None = None,
    label: str = "",
    resumed: Resumed | None = None,
) -> StoredObject:
    """Send all of ``source`` to ``store``.

    :param concurrency: requests that may be in flight at once; 1 makes them all in the caller's
        thread, one after another, and holds one part. ``None``: no bound.
    :param label: what is uploaded, for messages.
    :param resumed: an upload to continue; ``None``: a new one.
    :raises ObjectTooLargeError: the announced size exceeds the limits. Nothing was sent.
    :raises BaseException: see :meth:`~libcloud.storage.transfer.upload.runner.Transfer.run`.
    """
    machine, workers = _engine(
        store, limits, options, retries, concurrency=concurrency, resumed=resumed
    )
    transfer = Transfer(machine, workers, listener=options.on_event, label=label)
    return transfer.run(source)


def begin(
    store: PartStore[bytes | Pieces],
    *,
    limits: Limits,
    options: UploadOptions,
    retries: Retries,
    concurrency: int | None = None,
    label: str = "",
) -> PushedTransfer:
    """An upload to ``store`` whose bytes are pushed to it; nothing is sent yet.

    Arguments and errors are those of :func:`upload`.
    """
    machine, workers = _engine(store, limits, options, retries, concurrency=concurrency)
    return PushedTransfer(machine, workers, listener=options.on_event, label=label)


def _engine(
    store: PartStore[Content],
    limits: Limits,
    options: UploadOptions,
    retries: Retries,
    *,
    concurrency: int | None,
    resumed: Resumed | None = None,
) -> tuple[UploadMachine, InlineWorkers[Content] | ThreadWorkers[Content]]:
    plan = _plan(limits, options)
    if resumed is not None:
        largest = plan.limits.max_part_size
        known = {number: size for number, size in resumed.sizes.items() if size <= largest}
        plan = replace(plan, known=known)
    window = min(options.window or DEFAULT_WINDOW, concurrency or options.window or DEFAULT_WINDOW)
    memory, shared = _memory(options, window)
    machine = UploadMachine(
        plan,
        window=window,
        memory=memory,
        share=shared.share() if shared is not None else None,
        retries=retries,
        keep=options.on_failure == "keep",
        expected_size=options.size,
        upload_id=resumed.upload_id if resumed is not None else None,
    )
    if concurrency == 1:
        return machine, InlineWorkers(store)
    bound = shared.size if shared is not None else memory or DEFAULT_MEMORY
    held = min(window * plan.start, bound)
    return machine, ThreadWorkers(store, window, executor=options.executor, memory=held)


def _plan(limits: Limits, options: UploadOptions) -> PartPlan:
    """Sizes of the parts, none of them larger than the memory that the user allows."""
    length = options.size if options.size is not None else options.size_hint
    start = options.part_size or DEFAULT_PART_SIZE
    bound = _bound(options.max_memory)
    if bound is None or bound >= limits.max_part_size:
        return plan_for(length, limits, start=start)
    if bound < max(limits.min_part_size, options.part_size or 0):
        least = max(limits.min_part_size, options.part_size or 0)
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


def _bound(memory: int | MemoryBudget | None) -> int | None:
    """Bytes that no part may exceed; ``None``: those of the store."""
    if isinstance(memory, MemoryBudget):
        return memory.size if memory.strict else None
    return memory


def _memory(options: UploadOptions, window: int) -> tuple[int | None, MemoryBudget | None]:
    """Bytes that this upload may hold, and the budget that it shares with others."""
    given = options.max_memory
    if isinstance(given, MemoryBudget):
        return None, given
    asked = window * (options.part_size or DEFAULT_PART_SIZE)
    return given or max(DEFAULT_MEMORY, asked), None
