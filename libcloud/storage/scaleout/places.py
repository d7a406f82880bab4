# SPDX-License-Identifier: Apache-2.0
"""The places of a migration: the source, the destination, and the folder of the job there.

A place is opened in each process. The folder keeps what the migration has done:

``job.json``
    What is migrated. Created once, on stores that can with ``If-None-Match``.
``run.json``
    The coordinator that is in charge: the one that started last.
``list/RANGE.json``
    The shards of a range of the source's keys, and which ranges remain to be listed after it.
``list/SHARD.ndjson.gz``
    The objects of a shard.
``done/SHARD.ndjson.gz``, ``done/SHARD.json``
    The outcome of each object of a shard, and their numbers. The latter is written last.

No file contains credentials.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import uuid
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any

from libcloud.common.types import LibcloudError
from libcloud.storage.arguments import accepts_keyword
from libcloud.storage.base import Container, Object, check_container
from libcloud.storage.copying import local_directory, read_object, store_address
from libcloud.storage.providers import get_driver
from libcloud.storage.s3.names import name_bytes
from libcloud.storage.scaleout import text
from libcloud.storage.scaleout.staging import CONTENT_HASH
from libcloud.storage.types import (
    IncompleteListingError,
    MissingContainerError,
    ObjectDoesNotExistError,
    PreconditionFailedError,
    Provider,
    UploadOutcomeUnknownError,
)
from libcloud.utils.headers import time_of

Range = tuple[str | None, str | None]
"""The keys after the first and up to the second; ``None``: from the first key, to the last."""

FOLDER = ".libcloud-migrate/"
"""Prefix of the folders of all jobs; what is below it is no data, and is not migrated."""

_TYPE = "application/octet-stream"
_JOB = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")

# Listings by which the objects of a shard are found in the destination.
_PREFIXES = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Objects whose names start with a prefix, in a container that each process opens."""

    opener: Callable[[], Container]
    prefix: str = ""

    @property
    def container(self) -> Container:
        return _opened(self.opener)

    @property
    def identity(self) -> dict[str, str]:
        """The location, without credentials; equal for places in the same container."""
        name, driver = self.container.name, self.container.driver
        connection = getattr(driver, "connection", None)
        parts = (getattr(connection, part, "") for part in ("account_prefix", "request_path"))
        account = "".join(str(part or "") for part in parts)
        return {"store": store_address(driver), "account": account, "container": name}

    @property
    def directory(self) -> str:
        """The directory of a local store; empty for other stores."""
        return local_directory(self.container.driver, self.container.name, self.prefix)


@lru_cache(16)
def _opened(opener: Callable[[], Container]) -> Container:
    return opener()


@dataclass(frozen=True)
class _ContainerOpener:
    """A container of a driver that ``from_env`` has created; other processes can do the same."""

    kind: str
    settings: str
    name: str

    def __call__(self) -> Container:
        return Container(self.name, {}, text.driver_of(self.kind, self.settings))


def opener_of(place: Any, name: str, local: bool) -> Callable[[], Container]:
    """A function that returns a container; for other processes, unless ``local``."""
    if isinstance(place, str):
        place = _from_url(place)
    if callable(place):
        return place  # type: ignore[no-any-return]
    check_container(place)
    if local:
        return lambda: place
    spec = text.portable_driver(place.driver)
    if spec is None:
        raise ValueError(
            f"the credentials of {name} were passed to its driver in code, and are not sent to "
            "other machines. Create the driver with from_env() or from_url(), so that every worker "
            "finds its own credentials, or pass a function that returns the container there"
        )
    return _ContainerOpener(*spec, place.name)


def _from_url(url: str) -> Container:
    scheme = url.partition("://")[0].lower()
    kinds = {"s3": Provider.S3, "az": Provider.AZURE_BLOBS, "swift": Provider.OPENSTACK_SWIFT}
    if scheme not in kinds:
        raise ValueError(f"no container: {scheme}://; use s3://, az:// or swift://, or a container")
    driver: Any = get_driver(kinds[scheme])
    container: Container | None = driver.from_url(url).ex_container
    if container is None:
        raise ValueError(f"the URL names no container: {scheme}://CONTAINER")
    return container


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as a listing shows it; its key is without the prefix of its place.

    :param content: hash of the data; ``None`` if the store does not report one.
    :param modified: when it was stored, to the second; ``None`` if that is not reported.
    """

    key: str
    size: int
    etag: str | None = None
    content: str | None = None
    modified: datetime | None = None

    @classmethod
    def of(cls, obj: Object, place: Place) -> Entry:
        content = obj.extra.get("md5_hash")
        if not content and obj.driver._hash_is_of_data and "static_large_object" not in obj.extra:
            # Encrypted objects are never equal: such an object is copied again, and reported.
            content = obj.hash if CONTENT_HASH.fullmatch(obj.hash or "") else None
        when = time_of(obj.extra.get("last_modified", obj.extra.get("modify_time")))
        modified = when.replace(microsecond=0) if when else None
        return cls(
            obj.name[len(place.prefix) :], int(obj.size), obj.hash or None, content, modified
        )

    def is_same_data(self, other: Entry, since: datetime | None) -> bool:
        """Whether ``other`` is a copy; without hashes, if it was written since the job began."""
        if self.size != other.size:
            return False
        if self.content and other.content:
            if self.content == other.content:
                return True
            if "-" not in self.content + other.content:  # both are MD5
                return False
        return since is not None and other.modified is not None and other.modified > since


def lists_from_key(place: Place) -> bool:
    driver: Any = place.container.driver
    return accepts_keyword(driver.iterate_container_objects, "ex_start_after")


def all_entries(place: Place, below: str = "") -> Iterator[Entry]:
    """The objects whose keys begin with ``below``, in any order."""
    prefix = place.prefix + below
    for obj in place.container.iterate_objects(prefix=prefix or None):
        yield Entry.of(obj, place)


def entries_in(place: Place, bounds: Range) -> Iterator[Entry]:
    """The objects of a range, in the order of their keys.

    Both bounds were listed before, and must be now, unless they have been deleted since: so
    adjacent ranges leave nothing out between them, whatever the order of the store is.
    """
    after, last = bounds
    driver: Any = place.container.driver
    start = place.prefix + _before(after) if after else None
    listed = driver.iterate_container_objects(
        place.container, place.prefix or None, ex_start_after=start or None
    )
    missing = {key for key in bounds if key is not None}
    previous: bytes | None = None
    for obj in listed:
        entry, key = Entry.of(obj, place), name_bytes(obj.name)
        if previous is not None and key <= previous:
            raise _not_in_order(place, obj.name)
        previous = key
        missing.discard(entry.key)
        if after is not None and key <= name_bytes(place.prefix + after):
            continue
        if after in missing:
            _check_deleted(place, after)
            missing.discard(after)
        if last is not None and key > name_bytes(place.prefix + last):
            break
        yield entry
    for bound in missing:
        _check_deleted(place, bound)


def _check_deleted(place: Place, key: str) -> None:
    with contextlib.suppress(ObjectDoesNotExistError):
        place.container.get_object(place.prefix + key)
        raise _not_in_order(place, key)


def _not_in_order(place: Place, key: str) -> IncompleteListingError:
    container = place.container
    return IncompleteListingError(
        f"{container.name} does not list keys in the order of their bytes, which shows at {key!r}: "
        "start another job that lists it as a whole (list_whole=True, --list-whole)",
        container.driver,
        container.name,
        last=key,
    )


def divided(place: Place, bounds: Range, number: int) -> tuple[Range, ...]:
    """``bounds``, divided into about ``number`` ranges if the driver finds keys between them."""
    sample_keys = getattr(place.container.driver, "_sample_keys", None)
    if number <= 1 or sample_keys is None:
        return (bounds,)
    after, last = (None if key is None else place.prefix + key for key in bounds)
    names = sample_keys(place.container, place.prefix, after, last)
    step = max(1, len(names) // number)
    keys = (name[len(place.prefix) :] for name in names[::step])
    return tuple(pairwise([bounds[0], *keys, bounds[1]]))


def present(place: Place, keys: Collection[str]) -> dict[str, Entry]:
    """The objects with these keys that exist, as the store lists them."""
    # A name that is not valid UTF-8, with halves of surrogate pairs, cannot be written.
    wanted = {key for key in keys if not any("\ud800" <= char <= "\udfff" for char in key)}
    found: dict[str, Entry] = {}

    def search(prefix: str) -> None:
        found.update((one.key, one) for one in all_entries(place, prefix) if one.key in wanted)

    for _ in place.container.driver._pool.map(search, _prefixes(wanted)):
        pass
    return found


def _prefixes(keys: set[str]) -> list[str]:
    """Up to :data:`_PREFIXES` prefixes with which all keys begin, none of them twice."""
    prefixes = {""} if keys else set()
    for length in range(1, max(map(len, keys), default=0) + 1):
        longer = {key[:length] for key in keys}
        if len(longer) > _PREFIXES:
            break
        prefixes = longer
    chosen: list[str] = []
    for prefix in sorted(prefixes):
        if not chosen or not prefix.startswith(chosen[-1]):
            chosen.append(prefix)
    return chosen


def _before(key: str) -> str:
    """A key before ``key``, with hardly any others between them."""
    code = ord(key[-1]) - 1
    if code < 0 or 0xD7FF < code <= 0xDFFF:  # halves of surrogate pairs are no characters
        return key[:-1]
    return f"{key[:-1]}{chr(code)}\U0010ffff"


class MigrationError(LibcloudError):
    """A migration cannot start or cannot go on. What was copied until then stays."""


class NotInChargeError(MigrationError):
    """Another coordinator has taken over the job, or this one has stopped."""


@dataclass(frozen=True, slots=True)
class JobFolder:
    place: Place
    job: str

    def __post_init__(self) -> None:
        if not _JOB.fullmatch(self.job):
            raise ValueError(
                f"{self.job!r} cannot be the name of a job: use up to 64 letters, digits, '.', "
                "'_' and '-'"
            )

    @property
    def path(self) -> str:
        return f"{self.place.prefix}{FOLDER}{self.job}/"

    def create(self, config: Mapping[str, Any]) -> bool:
        """Write ``job.json``; ``False`` if there is one."""
        if self.read("job.json") is not None:
            return False
        options: dict[str, Any] = {}
        if self.place.container.driver.capabilities.conditional_writes:
            options["ex_if_none_match"] = "*"
        own = {**config, "id": uuid.uuid4().hex}
        with contextlib.suppress(PreconditionFailedError, UploadOutcomeUnknownError):
            self._put("job.json", _json(own), **options)
        # The response to the first attempt may have been lost.
        return bool(self.read("job.json") == own)

    def read(self, name: str) -> dict[str, Any] | None:
        """The content of a JSON file; ``None`` if there is none."""
        try:
            _, pieces = read_object(self.place.container, self.path + name)
            found = json.loads(b"".join(pieces))
        except MissingContainerError:
            raise
        except ObjectDoesNotExistError:
            return None
        except ValueError as error:
            raise MigrationError(f"{self.path}{name} is damaged: {error}") from error
        if not isinstance(found, dict):
            raise MigrationError(f"{self.path}{name} is damaged: it is not a JSON object")
        return found

    def take_over(self) -> str:
        """Become the coordinator in charge; the id of this run."""
        run = uuid.uuid4().hex
        self.write("run.json", {"run": run})
        return run

    def check_in_charge(self, run: str) -> None:
        """:raises NotInChargeError: another coordinator has started since."""
        found = self.read("run.json")
        if found is None:
            raise NotInChargeError(f"{self.path}run.json does not exist any more: job stopped")
        if found.get("run") != run:
            raise NotInChargeError(
                f"another coordinator has taken over job {self.job}: this one stops. What it "
                "copied is kept"
            )

    def write(self, name: str, value: object) -> None:
        self._put(name, _json(value))

    def delete(self, name: str) -> None:
        container = self.place.container
        container.delete_object(container.get_object(self.path + name))

    def names(self, kind: str) -> set[str]:
        """The names in ``list`` or ``done``: of what is complete."""
        prefix = f"{self.path}{kind}/"
        listed = self.place.container.iterate_objects(prefix=prefix)
        names = (obj.name[len(prefix) :] for obj in listed)
        return {name.removesuffix(".json") for name in names if name.endswith(".json")}

    def write_records(self, name: str, records: Iterable[object]) -> None:
        """Write a file with one record on each line; it appears when it is complete."""
        data = b"".join(_json(record) + b"\n" for record in records)
        self._put(f"{name}.ndjson.gz", gzip.compress(data, 3, mtime=0))

    def records(self, name: str) -> Iterator[Any]:
        path = f"{self.path}{name}.ndjson.gz"
        data = b"".join(read_object(self.place.container, path)[1])
        try:
            if not data:
                raise EOFError("it is empty")
            yield from map(json.loads, gzip.decompress(data).splitlines())
        except (EOFError, gzip.BadGzipFile, zlib.error, ValueError) as error:
            raise MigrationError(f"{path} is damaged: {error}") from error

    def _put(self, name: str, data: bytes, **options: Any) -> None:
        self.place.container.upload_object_via_stream(
            iter([data]), self.path + name, {"content_type": _TYPE}, **options
        )


def _json(value: object) -> bytes:
    # ASCII: a key that is not UTF-8 has halves of surrogate pairs (PEP 383).
    return json.dumps(value, separators=(",", ":")).encode("ascii")
