# SPDX-License-Identifier: Apache-2.0
"""What the workers of a migration do: list a range of the source, copy a shard.

Both are functions of values that can be pickled. Each may run twice, also at the same time: it
copies only what the destination does not have, and its last step is to write its file.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from itertools import chain, islice, pairwise
from typing import Any

from libcloud.common.types import InvalidCredsError
from libcloud.http import NetworkError
from libcloud.storage.arguments import accepts_keyword
from libcloud.storage.base import Object
from libcloud.storage.s3.values import parse_time
from libcloud.storage.scaleout.copying import CopyResult, ObjectCopier
from libcloud.storage.scaleout.job_folder import FOLDER, JobFolder, Place
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    IncompleteListingError,
    ObjectDoesNotExistError,
)

Range = tuple[str | None, str | None]
"""The keys after the first and up to the second; ``None``: from the first key, to the last."""

_CONTENT_HASH = re.compile(r"[0-9a-f]{32}(-\d+)?")

# Failures whose text is in the summary of a shard; the records have all.
_LISTED = 1000

# Failures in a row of a kind that affects all objects, after which a task fails.
_GIVE_UP = 100

# Listings by which the objects of a shard are found in a store that cannot list from a key.
_PREFIXES = 64


@dataclass(frozen=True, slots=True)
class Migration:
    """What is migrated, and how: the same for all tasks.

    :param rules: pairs of whether to include, and a pattern of :mod:`fnmatch`; the last one that
        matches a key decides.
    :param verify: ``"sent"``, ``"stored"`` or ``"read"``; see :func:`.migrate.migrate`.
    :param shard_size: keys of a shard.
    :param jobs: objects that a task copies at once; ``None``: as many as help.
    :param limit_rate: bytes per second of each task; ``None``: no limit.
    :param upload_options: keywords of uploads, if the destination's driver uploads in parts.
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
    since: datetime | None = None
    dry_run: bool = False
    upload_options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> JobFolder:
        return JobFolder(self.destination, self.job)

    def selects(self, key: str) -> bool:
        """Whether an object is migrated.

        :param key: without the prefix of the source.
        """
        if key.startswith(FOLDER):
            return False
        for include, pattern in reversed(self.rules):
            if fnmatch.fnmatchcase(key, pattern):
                return include
        return True


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as a listing shows it.

    :param key: without the prefix of its place.
    :param content: hash of the data; ``None`` if the store does not report one.
    """

    key: str
    size: int
    etag: str | None = None
    content: str | None = None
    modified: datetime | None = None

    @classmethod
    def of(cls, obj: Object, place: Place) -> Entry:
        content = obj.extra.get("md5_hash")
        if not content and obj.hash and obj.driver.capabilities.etag_is_md5:
            content = obj.hash if _CONTENT_HASH.fullmatch(obj.hash) else None
        key = obj.name[len(place.prefix) :]
        return cls(key, int(obj.size), obj.hash or None, content, _modified(obj))

    def is_same_data(self, other: Entry, since: datetime | None) -> bool:
        """Whether ``other``, in the destination, is a copy of this object.

        It has the same size and the same hash; or, if their hashes cannot be compared, it was
        written since the job began.
        """
        if self.size != other.size:
            return False
        if self.content and other.content:
            if self.content == other.content:
                return True
            if "-" not in self.content + other.content:  # both are MD5
                return False
        return since is not None and other.modified is not None and other.modified > since


@dataclass(frozen=True, slots=True)
class Listed:
    """The result of listing a range.

    :param shards: their names.
    :param rest: ranges that remain to be listed.
    :param objects: number of objects in the shards.
    :param outcomes: of a dry run: the outcomes that the objects would have.
    """

    shards: tuple[str, ...] = ()
    rest: tuple[Range, ...] = ()
    objects: int = 0
    bytes: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)


def range_name(bounds: Range) -> str:
    """The name of a range in the job's folder."""
    text = "\0".join("-" if one is None else f"+{one}" for one in bounds)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def list_range(migration: Migration, bounds: Range, split: int = 1) -> Listed:
    """List the keys of a range, up to those of one shard.

    A store that cannot list from a key is listed as a whole, into several shards.

    :param split: number of ranges to divide the rest into, if the driver can.
    """
    place, folder, name = migration.source, migration.folder, range_name(bounds)
    entries = _entries(place, bounds)
    listed = Listed()
    while chunk := list(islice(entries, migration.shard_size)):
        listed = _add(migration, listed, name, [e for e in chunk if migration.selects(e.key)])
        if _lists_from_key(place) and len(chunk) == migration.shard_size:
            rest = _split(place, (chunk[-1].key, bounds[1]), split)
            listed = Listed(listed.shards, rest, listed.objects, listed.bytes, listed.outcomes)
            break
    if not migration.dry_run:
        folder.write(f"list/{name}.json", asdict(listed))
    return listed


def _split(place: Place, bounds: Range, number: int) -> tuple[Range, ...]:
    """``bounds``, divided into about ``number`` ranges."""
    sample_keys = getattr(place.container.driver, "_sample_keys", None)
    if number <= 1 or sample_keys is None:
        return (bounds,)
    after, last = (None if key is None else place.prefix + key for key in bounds)
    names = sample_keys(place.container, place.prefix, after, last)
    step = max(1, len(names) // number)
    keys = (name[len(place.prefix) :] for name in names[::step])
    return tuple(pairwise([bounds[0], *keys, bounds[1]]))


def _add(migration: Migration, listed: Listed, name: str, entries: list[Entry]) -> Listed:
    """``listed`` with a further shard."""
    if not entries:
        return listed
    outcomes = Counter(listed.outcomes)
    shard = f"{name}-{len(listed.shards)}"
    if migration.dry_run:
        present = _present(migration, entries)
        outcomes.update(_outcome(e, present.get(e.key), migration.since) for e in entries)
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

    Objects that an earlier run has copied keep the outcome that they had.
    """
    folder = migration.folder
    entries = [Entry(*record) for record in folder.records(f"list/{shard}")]
    before = {
        record["key"]: record
        for record in folder.records(f"done/{shard}")
        if record["outcome"] != "failed"
    }
    entries = [entry for entry in entries if entry.key not in before]
    copier = ObjectCopier(
        migration.source.container,
        migration.destination.container,
        read_back=migration.verify == "read",
        limit_rate=migration.limit_rate,
        upload_options=migration.upload_options,
    )
    with copier.counting_throttled():
        records = list(_copied(migration, copier, entries))
        if migration.verify != "sent":
            _verify(migration, records)
    summary = _summary([*before.values(), *records])
    summary["throttled"] = copier.throttled
    folder.write_records(f"done/{shard}", [*before.values(), *records])
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
    present = _present(migration, entries)

    def copy(entry: Entry) -> CopyResult | None:
        names = migration.source.prefix + entry.key, migration.destination.prefix + entry.key
        return copier.copy(*names, entry.etag)

    pending = []
    for entry in entries:
        outcome = _outcome(entry, present.get(entry.key), migration.since)
        if outcome == "present":
            yield {"key": entry.key, "size": entry.size, "outcome": outcome}
        else:
            pending.append(entry)
    pool = migration.destination.container.driver._pool
    results = pool.map(
        copy, pending, ordered=False, fail_fast=False, jobs=migration.jobs, grace=None
    )
    in_a_row = 0
    with contextlib.closing(results):  # type: ignore[type-var]  # it is a generator
        for result in results:
            entry = result.item
            record = {"key": entry.key, "size": entry.size, "outcome": "deleted"}
            if result.error is not None:
                in_a_row = in_a_row + 1 if _affects_all(result.error) else 0
                if in_a_row == _GIVE_UP:
                    raise result.error
                record.update(outcome="failed", error=_text_of(result.error))
            elif result.value is not None:
                in_a_row = 0
                outcome = "replaced" if entry.key in present else "copied"
                record.update({"outcome": outcome, **result.value.record()})
            yield record


def _affects_all(error: BaseException) -> bool:
    """Whether other objects probably fail as well: the store is unreachable, or denies access."""
    status = getattr(error, "status", None)
    kinds = (ContainerDoesNotExistError, InvalidCredsError, NetworkError)
    return isinstance(error, kinds) or status in (429, 500, 502, 503, 504)


def _text_of(error: BaseException) -> str:
    return f"{type(error).__name__}: {getattr(error, 'value', None) or error}"


def _verify(migration: Migration, records: list[dict[str, Any]]) -> None:
    """Compare what was copied with what the destination lists now."""
    copied = {r["key"]: r for r in records if r["outcome"] in ("copied", "replaced", "changed")}
    present = _present(migration, [Entry(key, r["size"]) for key, r in copied.items()])
    container, prefix = migration.destination.container, migration.destination.prefix
    for key, record in copied.items():
        found = present.get(key)
        if found and (found.size, found.etag) == (record["size"], record["etag"]):
            continue
        try:  # some stores list an object late, or with another ETag
            obj = container.get_object(prefix + key)
        except ObjectDoesNotExistError:
            record.update(outcome="failed", error="not stored: the destination does not have it")
            continue
        if int(obj.size) != record["size"] or (obj.hash or None) != record["etag"]:
            record.update(outcome="failed", error=f"stored {obj.size} bytes with ETag {obj.hash}")


def _outcome(entry: Entry, present: Entry | None, since: datetime | None) -> str:
    if present is None:
        return "copied"
    return "present" if entry.is_same_data(present, since) else "replaced"


def _present(migration: Migration, entries: list[Entry]) -> dict[str, Entry]:
    """Those of ``entries`` that the destination has, as it lists them."""
    place = migration.destination
    # A name that is not valid UTF-8 cannot be written.
    keys = {entry.key for entry in entries if _is_text(entry.key)}
    if not keys:
        return {}
    if _lists_from_key(place):
        first, last = min(keys, key=_bytes), max(keys, key=_bytes)
        found = _entries(place, (_before(first), last))
    else:
        found = chain.from_iterable(_entries(place, below=start) for start in _prefixes(keys))
    return {entry.key: entry for entry in found if entry.key in keys}


def _prefixes(keys: set[str]) -> list[str]:
    """Up to :data:`_PREFIXES` prefixes with which all keys begin, none of them twice."""
    prefixes = {""}
    for length in range(1, max(map(len, keys)) + 1):
        longer = {key[:length] for key in keys}
        if len(longer) > _PREFIXES:
            break
        prefixes = longer
    chosen: list[str] = []
    for prefix in sorted(prefixes):
        if not chosen or not prefix.startswith(chosen[-1]):
            chosen.append(prefix)
    return chosen


def _entries(place: Place, bounds: Range = (None, None), below: str = "") -> Iterator[Entry]:
    """The objects of a range, as the store lists them.

    :param below: what their keys begin with.
    :raises IncompleteListingError: the keys are not in order.
    """
    after, last = bounds
    options: dict[str, Any] = {}
    ordered = _lists_from_key(place)
    if ordered and after:
        options["ex_start_after"] = place.prefix + after
    driver: Any = place.container.driver
    prefix = place.prefix + below
    previous = after or ""
    for obj in driver.iterate_container_objects(place.container, prefix or None, **options):
        entry = Entry.of(obj, place)
        if ordered:
            if previous and _bytes(entry.key) <= _bytes(previous):
                raise IncompleteListingError(
                    f"{place.container.name} lists {entry.key!r} after {previous!r}: a migration "
                    "needs keys in the order of their bytes",
                    driver,
                    place.container.name,
                    last=previous,
                )
            if last is not None and _bytes(entry.key) > _bytes(last):
                return
            previous = entry.key
        yield entry


def _lists_from_key(place: Place) -> bool:
    driver: Any = place.container.driver
    return accepts_keyword(driver.iterate_container_objects, "ex_start_after")


def _is_text(key: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in key)


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def _before(key: str) -> str:
    """A key before ``key``, with hardly any others between them."""
    code = ord(key[-1]) - 1
    if code < 0 or 0xD7FF < code <= 0xDFFF:  # halves of surrogate pairs are no characters
        return key[:-1]
    return f"{key[:-1]}{chr(code)}\U0010ffff"


def _modified(obj: Object) -> datetime | None:
    """When it was stored, to the second; ``None`` if the store does not report that."""
    value = obj.extra.get("last_modified", obj.extra.get("modify_time"))
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(int(value), timezone.utc)
    when = parse_time(str(value or ""))
    if when is None:
        with contextlib.suppress(ValueError, TypeError):
            when = parsedate_to_datetime(str(value))
    return when.replace(microsecond=0) if when else None
