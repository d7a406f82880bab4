# SPDX-License-Identifier: Apache-2.0
"""The options of an upload, which are keywords of every driver's upload methods."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from libcloud.storage.capabilities import MIB
from libcloud.storage.keywords import EngineKeywords
from libcloud.storage.transfer.budget import MemoryBudget
from libcloud.storage.transfer.progress import Listener
from libcloud.utils.arguments import kind_of, unexpected_keyword, whole_number

DEFAULT_WINDOW = 12
DEFAULT_MEMORY = 128 * MIB


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """How to upload; each is a keyword of the drivers' upload methods, with ``ex_`` before it.

    They are described in :class:`~libcloud.storage.keywords.EngineKeywords`.
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
        if self.part_size is not None:
            whole_number("ex_part_size", self.part_size, least=1)
        if not isinstance(self.max_memory, MemoryBudget):
            whole_number("ex_max_memory", self.max_memory, least=1)
        if self.window is not None:
            whole_number("ex_window", self.window, least=1, example="4")
        if self.size_hint is not None:
            whole_number("ex_size_hint", self.size_hint, least=0)
        if self.size is not None and (type(self.size) is not int or self.size < 0):
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
    """Split the keywords of an upload method into the driver's own and the options of the engine.

    :param own: names of the driver's own keywords.
    :param max_memory: default of ``ex_max_memory``, the ``ex_max_memory`` of the driver.
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
