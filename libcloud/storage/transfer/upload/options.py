# SPDX-License-Identifier: Apache-2.0
"""The options of an upload, which are keywords of every driver's upload methods."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypedDict

from libcloud.storage.capabilities import MIB
from libcloud.storage.transfer.budget import MemoryBudget
from libcloud.storage.transfer.progress import Listener
from libcloud.utils.arguments import kind_of, unexpected_keyword, whole_number

DEFAULT_WINDOW = 12
DEFAULT_MEMORY = 128 * MIB


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """How to upload; each is a keyword of the drivers' upload methods, with ``ex_`` before it.

    :param part_size: size of the first part, bytes; raised to the store's smallest. Parts of a
        stream of unknown length grow from there as the store's limits require.
    :param window: parts held, and sent, at once.
    :param max_memory: upper bound for the bytes of parts held at once: for large parts the window
        narrows, and then parts stop growing. A stream that does not fit in parts of that size is
        rejected as soon as its length is known. A
        :class:`~libcloud.storage.transfer.budget.MemoryBudget` bounds all uploads that it is passed
        to. ``None``: 128 MiB, or, if that is more, a whole window of parts of size ``part_size``
        (8 MiB by default); or one part, however large it has to be.
    :param size_hint: approximate size of the stream, bytes: part sizes are planned for it, and if
        they are large, ``max_memory`` limits how many are sent at once.
    :param size: exact size of the stream, bytes. Any other size is an error, and nothing is
        published.
    :param on_failure: ``"abort"`` removes the parts of a failed upload; ``"keep"`` leaves them
        in the store, and the exception has its ``upload_id``.
    :param executor: threads to send parts with; ``None``: a new pool.
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


class EngineKeywords(TypedDict, total=False):
    """Keywords of every driver's upload methods: the fields of :class:`UploadOptions`."""

    ex_part_size: int | None
    ex_window: int | None
    ex_max_memory: int | MemoryBudget | None
    ex_size_hint: int | None
    ex_size: int | None
    ex_on_failure: str
    ex_executor: Executor | None
    on_event: Listener | None


def split_keywords(
    given: Mapping[str, Any],
    own: Collection[str] = (),
    *,
    max_memory: int | MemoryBudget | None = None,
) -> tuple[dict[str, Any], UploadOptions]:
    """Split the keywords of an upload method into the driver's own and the options of the engine.

    :param own: names of the driver's own keywords.
    :param max_memory: default of ``ex_max_memory``, the ``ex_max_memory`` of the driver.
    :raises TypeError: there is no such keyword; the message suggests the nearest one.
    :raises ValueError: the value of an option is invalid.
    """
    if not given and max_memory is None:
        return {}, DEFAULT_OPTIONS
    known = EngineKeywords.__annotations__
    for name in given:
        if name not in known and name not in own:
            raise unexpected_keyword(name, {*known, *own})
    kept = {name: value for name, value in given.items() if name in own}
    options = {name.removeprefix("ex_"): given[name] for name in given if name not in own}
    return kept, UploadOptions(**{"max_memory": max_memory, **options})
