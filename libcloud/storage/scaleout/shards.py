# SPDX-License-Identifier: Apache-2.0
"""The tasks of a migration's workers: list a range of the source, copy a shard.

Both are functions of values that can be pickled. Each may run twice, also at the same time: it
copies only what the destination does not have, and its last step is to write its file.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sized
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from libcloud import __version__
from libcloud.common.types import InvalidCredsError
from libcloud.http import NetworkError
from libcloud.storage.copying import ObjectCopier
from libcloud.storage.scaleout.places import (
    FOLDER,
    Entry,
    JobFolder,
    Place,
    Range,
    all_entries,
    divided,
    entries_in,
    lists_from_key,
    present,
)
from libcloud.storage.scaleout.worker import check_version, this_worker
from libcloud.storage.types import ContainerDoesNotExistError, ObjectDoesNotExistError

# Failures whose text is in the summary of a shard; the records have all.
_LISTED = 1000

# How often a task checks whether its coordinator is still in charge.
_CHECK_SECONDS = 2.0

# Objects that a task copies at once: each may hold a piece of 5 MiB besides the parts.
_JOBS = 64

# A task ends after so many throttled requests, but not before it has copied so many objects.
_MOST_THROTTLED = 8
_LEAST_COPIED = 1000

# Failures in a row of a kind that affects all objects, after which a task fails.
_GIVE_UP = 100


@dataclass(frozen=True, slots=True)
class Migration:
    """The settings of a migration, which all tasks share. See also :func:`.migrate.migrate`.

    :param limit_rate: bytes per second of each task; ``None``: no limit.
    :param ends_early: a task that is throttled ends, so that fewer tasks are in flight.
    :param run: the run of the coordinator; empty in a dry run.
    :param since: when the job began, by the clock of the destination; ``None`` if unknown.
    """

    source: Place
    destination: Place
    job: str
    rules: tuple[tuple[bool, str], ...] = ()
    verify: str = "stored"
    shard_size: int = 100_000
    jobs: int | None = None
    limit_rate: float | None = None
    ends_early: bool = False
    run: str = ""
    since: datetime | None = None
    dry_run: bool = False
    list_whole: bool = False
    upload_options: Mapping[str, Any] = field(default_factory=dict)
    version: str = __version__

    @property
    def folder(self) -> JobFolder:
        return JobFolder(self.destination, self.job)

    def check_worker(self) -> None:
        """:raises RuntimeError: this worker has another version of the library."""
        check_version(self.version, f"the worker {this_worker()} cannot migrate: ")

    def check_in_charge(self) -> None:
        """:raises NotInChargeError: another coordinator has started since."""
        if self.run:
            self.folder.check_in_charge(self.run)

    def selects(self, entry: Entry) -> bool:
        """Whether an object is migrated: not the marker of the directory itself."""
        if entry.key.startswith(FOLDER) or not (entry.key or entry.size):
            return False
        for include, pattern in reversed(self.rules):
            if fnmatch.fnmatchcase(entry.key, pattern):
                return include
        return True


@dataclass(frozen=True, slots=True)
class Listed:
    """The result of listing a range; ``outcomes`` are those that a dry run predicts."""

    shards: tuple[str, ...] = ()
    rest: tuple[Range, ...] = ()
    objects: int = 0
    bytes: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)


def range_name(bounds: Range) -> str:
    text = "\0".join("-" if one is None else f"+{one}" for one in bounds)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def list_range(migration: Migration, bounds: Range, number: int = 1) -> Listed:
    """List the keys of one shard, or all; the rest is divided into ``number`` ranges."""
    migration.check_worker()
    place, name = migration.source, range_name(bounds)
    # The list of a shard is never written again, not even by a task that runs twice or too late.
    attempt = f"{name}-{uuid.uuid4().hex[:8]}"
    whole = migration.list_whole or not lists_from_key(place)
    entries = all_entries(place) if whole else entries_in(place, bounds)
    listed = Listed()
    while chunk := list(islice(entries, migration.shard_size)):
        listed = _add(migration, listed, attempt, [e for e in chunk if migration.selects(e)])
        if not whole and len(chunk) == migration.shard_size:
            listed = replace(listed, rest=divided(place, (chunk[-1].key, bounds[1]), number))
            break
    if not migration.dry_run:
        migration.folder.write(f"list/{name}.json", asdict(listed))
    return listed


def _add(migration: Migration, listed: Listed, name: str, entries: list[Entry]) -> Listed:
    if not entries:
        return listed
    outcomes = Counter(listed.outcomes)
    shard = f"{name}-{len(listed.shards)}"
    if migration.dry_run:
        found = present(migration.destination, [entry.key for entry in entries])
        outcomes.update(_outcome(e, found.get(e.key), migration.since) for e in entries)
    else:
        records = ([e.key, e.size, e.etag, e.content] for e in entries)
        migration.folder.write_records(f"list/{shard}", records)
    return Listed(
        (*listed.shards, shard),
        (),
        listed.objects + len(entries),
        listed.bytes + sum(entry.size for entry in entries),
        outcomes,
    )


def copy_shard(migration: Migration, shard: str) -> dict[str, Any]:
    """Copy the objects of a shard that the destination does not have; the summary.

    Objects that an earlier run has copied keep their outcome. If the stores throttle, the task ends
    early, and the summary is ``unfinished``.
    """
    migration.check_worker()
    migration.check_in_charge()
    folder = migration.folder
    entries = [Entry(*record) for record in folder.records(f"list/{shard}")]
    before = {}
    with contextlib.suppress(ObjectDoesNotExistError):
        before = {one["key"]: one for one in folder.records(f"done/{shard}")}
    before = {key: before[key] for key in before if before[key]["outcome"] != "failed"}
    entries = [entry for entry in entries if entry.key not in before]
    copier = ObjectCopier(
        migration.source.container,
        migration.destination.container,
        read_back=migration.verify == "read",
        limit_rate=migration.limit_rate,
        upload_options=migration.upload_options,
    )
    records = list(_copied(migration, copier, entries))
    _confirm_deleted(migration, records)
    if migration.verify != "sent":
        _verify(migration, records)
    summary = _summary([*before.values(), *records])
    summary["throttled"] = copier.throttled
    folder.write_records(f"done/{shard}", [*before.values(), *records])
    if len(records) < len(entries):
        return {**summary, "unfinished": True}
    folder.write(f"done/{shard}.json", summary)
    return summary


def _summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    outcomes, sizes, lost = Counter[str](), Counter[str](), Counter[str]()
    for record in records:
        outcomes[record["outcome"]] += 1
        sizes[record["outcome"]] += record["size"]
        lost.update(record.get("lost", ()))
    noted = [record for record in records if record["outcome"] in ("failed", "changed", "deleted")]
    return {"outcomes": outcomes, "bytes": sizes, "lost": lost, "noted": noted[:_LISTED]}


def _copied(
    migration: Migration, copier: ObjectCopier, entries: list[Entry]
) -> Iterator[dict[str, Any]]:
    """The outcome of each object, in no order."""
    found = present(migration.destination, [entry.key for entry in entries])

    def copy(entry: Entry) -> dict[str, Any] | None:
        names = migration.source.prefix + entry.key, migration.destination.prefix + entry.key
        return copier.copy(*names, entry.etag, entry.size)

    pending = []
    # When an object was written does not tell what a reader gets.
    since = None if migration.verify == "read" else migration.since
    for entry in entries:
        outcome = _outcome(entry, found.get(entry.key), since)
        if outcome == "present":
            yield {"key": entry.key, "size": entry.size, "outcome": outcome}
        else:
            pending.append(entry)
    pool = migration.destination.container.driver._pool
    copied: list[str] = []
    waiting = _until_throttled(pending, copier, copied) if migration.ends_early else iter(pending)
    results = pool.map(
        copy, waiting, ordered=False, fail_fast=False, jobs=migration.jobs or _JOBS, grace=None
    )
    in_a_row, due = 0, time.monotonic() + _CHECK_SECONDS
    with contextlib.closing(results):  # type: ignore[type-var]  # it is a generator
        for result in results:
            entry = result.item
            if time.monotonic() > due:  # a task may outlive its coordinator
                migration.check_in_charge()
                due = time.monotonic() + _CHECK_SECONDS
            record = {"key": entry.key, "size": entry.size, "outcome": "deleted"}
            if result.error is not None:
                in_a_row = in_a_row + 1 if _affects_all(result.error) else 0
                if in_a_row == _GIVE_UP:
                    raise result.error
                text = getattr(result.error, "value", None) or result.error
                record.update(outcome="failed", error=f"{type(result.error).__name__}: {text}")
            elif result.value is not None:
                in_a_row = 0
                copied.append(entry.key)
                outcome = "replaced" if entry.key in found else "copied"
                record.update({"outcome": outcome, **result.value})
            yield record


def _until_throttled(entries: list[Entry], copier: ObjectCopier, copied: Sized) -> Iterator[Entry]:
    """The entries until the stores throttle, but not before some were ``copied``."""
    for entry in entries:
        if len(copied) >= _LEAST_COPIED and copier.throttled >= _MOST_THROTTLED:
            return
        yield entry


def _affects_all(error: BaseException) -> bool:
    """Whether other objects probably fail as well: the store is unreachable, or denies access."""
    status = getattr(error, "status", None)
    if getattr(error, "code", None) == "InvalidObjectState":  # it is archived
        return False
    kinds = (ContainerDoesNotExistError, InvalidCredsError, NetworkError)
    return isinstance(error, kinds) or status in (429, 500, 502, 503, 504)


def _confirm_deleted(migration: Migration, records: list[dict[str, Any]]) -> None:
    """Check that deleted objects are no longer listed: a 404 response may be a page of a proxy."""
    deleted = {r["key"]: r for r in records if r["outcome"] == "deleted"}
    for key in present(migration.source, deleted):
        deleted[key].update(outcome="failed", error="not found, but the source still lists it")


def _verify(migration: Migration, records: list[dict[str, Any]]) -> None:
    """Compare what was copied with what the destination lists now."""
    copied = {r["key"]: r for r in records if r["outcome"] in ("copied", "replaced", "changed")}
    listed = present(migration.destination, copied)
    container, prefix = migration.destination.container, migration.destination.prefix
    for key, record in copied.items():
        found = listed.get(key)
        if found and _is_as_recorded(found.size, found.etag, record):
            continue
        try:  # some stores list an object late, or with another ETag
            obj = container.get_object(prefix + key)
        except ObjectDoesNotExistError:
            record.update(outcome="failed", error="not stored: the destination does not have it")
            continue
        if not _is_as_recorded(int(obj.size), obj.hash, record):
            record.update(outcome="failed", error=f"stored {obj.size} bytes with ETag {obj.hash}")


def _is_as_recorded(size: int, etag: str | None, record: dict[str, Any]) -> bool:
    return size == record["size"] and record["etag"] in (None, etag)


def _outcome(entry: Entry, found: Entry | None, since: datetime | None) -> str:
    if found is None:
        return "copied"
    return "present" if entry.is_same_data(found, since) else "replaced"
