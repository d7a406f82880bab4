# SPDX-License-Identifier: Apache-2.0
"""What ``libcloud sync`` has to do: a comparison of two listings, without any I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or an object.

    :param name: relative to the directory that is synchronized, with slashes.
    :param size: bytes; ``None`` if unknown.
    :param modified: ``None`` if unknown.
    :param origin: the path or the object.
    :param error: why the file, or the directory of that name, cannot be read.
    """

    name: str
    size: int | None
    modified: datetime | None = None
    origin: Any = None
    error: OSError | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """Copy ``entry`` to the destination.

    :param reason: ``"new"``, ``"size"``, ``"time"`` or ``"checksum"``: how it differs.
    :param replaced: what the destination has under the name; ``None`` if nothing.
    """

    entry: Entry
    reason: str
    replaced: Entry | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete ``entry`` from the destination: the source does not have it."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Rules:
    """Which differences count.

    :param size_only: compare only sizes.
    :param same_content: compares the contents of a source and a destination of the same size, in
        place of their times; ``None`` from it means that they cannot be compared without reading
        both, and the times decide.
    :param delete: delete what the source does not have.
    """

    size_only: bool = False
    same_content: Callable[[Entry, Entry], bool | None] | None = None
    delete: bool = False

    def difference(self, source: Entry, destination: Entry) -> str:
        """How the destination differs from the source; empty if it is up to date."""
        if source.size is None or source.size != destination.size:
            return "size"
        if self.size_only:
            return ""
        if self.same_content is not None:
            same = self.same_content(source, destination)
            if same is not None:
                return "" if same else "checksum"
        if source.modified is None or destination.modified is None:
            return "time"
        modified = source.modified
        if isinstance(destination.origin, str) and not destination.modified.microsecond:
            # ``libcloud get`` of one object knows no fractions of a second; a listing may.
            modified = modified.replace(microsecond=0)
        # A copy is younger than its original; a younger original was changed after the copy.
        return "time" if modified > destination.modified else ""


def plan_sync(
    source: Iterable[Entry],
    destination: Mapping[str, Entry],
    rules: Rules,
    key: Callable[[str], str] = str,
) -> Iterator[Copy | Delete]:
    """The steps that make ``destination`` equal to ``source``; the deletions come last.

    :param source: read once, as the steps are consumed. If reading it fails, nothing was deleted.
    :param destination: its entries by the ``key`` of their names.
    :param key: the same text for all names of a file.
    """
    seen = set()
    for entry in source:
        name = key(entry.name)
        seen.add(name)
        present = destination.get(name)
        if present is None:
            yield Copy(entry, "new")
        elif reason := rules.difference(entry, present):
            yield Copy(entry, reason, present)
    if rules.delete:
        for name, entry in destination.items():
            if name not in seen:
                yield Delete(entry)
