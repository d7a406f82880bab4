# SPDX-License-Identifier: Apache-2.0
"""An upload from its options: chooses plan, window and runner, and runs it."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from libcloud.storage.capabilities import MIB, Limits
from libcloud.storage.transfer.budget import MemoryBudget
from libcloud.storage.transfer.progress import Listener
from libcloud.storage.transfer.retry import Retries
from libcloud.storage.transfer.upload.machine import UploadMachine
from libcloud.storage.transfer.upload.plan import DEFAULT_PART_SIZE, PartPlan, plan_for
from libcloud.storage.transfer.upload.port import Content, PartStore, Source
from libcloud.storage.transfer.upload.runner import Transfer
from libcloud.storage.transfer.upload.workers import InlineWorkers, ThreadWorkers
from libcloud.storage.transfer.upload.writer import PushedTransfer
from libcloud.storage.transfer.values import StoredObject
from libcloud.storage.types import ObjectTooLargeError
from libcloud.utils.arguments import kind_of, whole_number
from libcloud.utils.bodies import Pieces

__all__ = [
    "DEFAULT_MEMORY",
    "DEFAULT_OPTIONS",
    "DEFAULT_WINDOW",
    "Resumed",
    "UploadOptions",
    "begin",
    "upload",
]

DEFAULT_WINDOW = 12
DEFAULT_MEMORY = 128 * MIB


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """How to upload; each is a keyword of the drivers' upload methods, with ``ex_`` before it.

    :param part_size: size of the first part, bytes; raised to the store's smallest. Parts of a
        stream of unknown length grow from there as the store's limits demand.
    :param window: parts held, and sent, at once.
    :param max_memory: bytes of parts held at once, and never more: where parts are large, the
        window narrows, and then parts grow no further. What does not fit the store in parts of that
        size is refused, as soon as its length is known. A
        :class:`~libcloud.storage.transfer.budget.MemoryBudget` bounds the uploads together that are
        given the same one. ``None``: 128 MiB, or a whole window of parts of the size that was asked
        for by ``part_size`` (8 MiB, if it was not), if that is more; or one part, however large it
        has to be.
    :param size_hint: bytes that the stream will have, more or less: parts are planned for it, and
        where that makes them large, ``max_memory`` says how many are sent at once.
    :param size: bytes that the stream has. More or fewer are an error, and nothing is published.
    :param on_failure: ``"abort"`` removes what was sent of an upload that fails; ``"keep"`` leaves
        it at the store, and the exception has its ``upload_id``.
    :param executor: somebody's pool of threads to send parts with; ``None``: one of our own.
    :param on_event: called with each :class:`~libcloud.storage.transfer.progress.UploadEvent`, in
        the caller's thread. Its keyword has no ``ex_``.
    """

    part_size: int | None = None
    window: int | None = None
    max_memory: int | MemoryBudget | None = None
    size_hint: int | None = None
    size: int | None = None
    on_failure: str = "abort"
    executor: Executor | None = None
    on_event: Listener | None = None

    def __post_init__(self) -> None:
        for name in ("part_size", "max_memory"):
            value = getattr(self, name)
            if not isinstance(value, MemoryBudget):
                whole_number(f"ex_{name}", value, least=1)
        whole_number("ex_window", self.window, least=1, example="4")
        for name in ("size_hint", "size"):
            whole_number(f"ex_{name}", getattr(self, name), least=0)
        if self.executor is not None and not hasattr(self.executor, "submit"):
            raise TypeError(f"ex_executor must be an Executor, not {kind_of(self.executor)}")
        if self.on_event is not None and not callable(self.on_event):
            raise TypeError(f"on_event must be a function, not {kind_of(self.on_event)}")
        if self.on_failure not in ("abort", "keep"):
            raise ValueError(f"ex_on_failure is 'abort' or 'keep', not {self.on_failure!r}")


DEFAULT_OPTIONS = UploadOptions()


@dataclass(frozen=True, slots=True)
class Resumed:
    """An upload that was begun before.

    :param sizes: of parts, by their numbers, in place of what would be planned.
    """

    upload_id: str
    sizes: Mapping[int, int]


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
    :param resumed: an upload to go on with; ``None``: one of its own.
    :raises ObjectTooLargeError: the size announced is beyond the limits. Nothing was sent.
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
    """An upload to ``store`` that is handed its bytes; nothing is sent yet.

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
                f"{length} bytes take parts of {needed} bytes, and ex_max_memory allows {bound}; "
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
    """Bytes that the upload may hold by itself, and what it shares with others."""
    given = options.max_memory
    if isinstance(given, MemoryBudget):
        return None, given
    asked = window * (options.part_size or DEFAULT_PART_SIZE)
    return given or max(DEFAULT_MEMORY, asked), None
